"""Whether calls can be recorded: the ledgers open, are of this version, and take what is written."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from ... import storage
from ...errors import InformativaError, LedgerEmptyError
from ...files import obstacle
from ...ledgers.ledger_file import RESTORE
from ...model import Controller
from ...patience import within
from ...text import Foreign, Text, clause, command
from . import users, write_trial
from .findings import Finding, ok, unknown, warning, wrong
from .system import System, in_thread

LOOK_SECONDS = 20.0  # for all of one ledger; a gigabyte takes about one


async def ledgers(system: System) -> AsyncIterator[Finding]:
    """Each ledger opens, is of this version, and can be written by those who must, which is tried."""
    live = [one for one in system.configured.controllers.values() if not one.refused]
    found = await in_thread(
        lambda: list(dict.fromkeys(_looked(system, live)))
    )  # what several have in common, once
    for finding in found:
        yield finding
    for one in live:
        if (folder := Path(one.ledger).parent).is_dir() and not Path(one.ledger).exists():
            text = Text("The ledger {file} will be made when the service starts, in {folder}, by {user}.")
            user = users.name(folder.stat().st_uid)
            yield ok(text.format(file=one.ledger, folder=folder, user=user), note=True)
    if not found:
        there = [one for one in live if Path(one.ledger).exists()]
        text = Text.counted(
            "{number} ledger opens, and can be written by {users}",
            "{number} ledgers open, and can be written by {users}",
            len(there),
        )
        yield ok(text.format(number=len(there), users=system.named()))


async def missing(system: System) -> AsyncIterator[Finding]:
    """Every company that was served has a ledger."""
    for controller in system.configured.controllers.values():
        if not controller.refused and not Path(controller.ledger).exists():
            text = Text("there is no ledger {file}: nothing was recorded yet, or it was taken away")
            fix = Text("If there was one, put it back. Then: {run}", run=system.restart())
            yield warning(text.format(file=controller.ledger), fix)


async def damage(system: System) -> AsyncIterator[Finding]:
    """No ledger is damaged, anywhere in its file."""
    whole = 0
    for one in system.configured.controllers.values():
        file = Path(one.ledger)
        if one.refused or not file.is_file() or not file.stat().st_size:
            continue
        try:
            said = await in_thread(within, LOOK_SECONDS, partial(storage.damage, one))
        except TimeoutError:
            text = Text("{file} cannot be looked through in {seconds:.0f} s", file=file, seconds=LOOK_SECONDS)
            yield unknown(text, command("sqlite3", "-readonly", file, "PRAGMA quick_check"))
        except InformativaError:  # which `ledgers` tells
            continue
        else:
            if said:
                text = Text("{file} is damaged: {what}", file=file, what=Foreign(said))
                yield wrong(text, _restore(system, one))
            else:
                whole += 1
    if whole:
        text = Text.counted("{number} ledger is whole", "{number} ledgers are whole", whole, number=whole)
        yield ok(text)


def _restore(system: System, controller: Controller) -> Text:
    """How a backup is put in the place of a damaged ledger."""
    return Text(
        "systemctl stop informativa; informativa ledger restore {copy} --controller {id} -c {file};"
        " systemctl start informativa",
        copy=_newest_copy(controller),
        id=controller.id,
        file=system.file,
    )


def _newest_copy(controller: Controller) -> Path:
    """A copy of ours, where there is one; else the word that stands for the admin's."""
    with suppress(InformativaError):
        if copies := storage.backups(controller):
            return max(copies, key=lambda copy: copy.ends).file
    return Path("COPY")


def _looked(system: System, live: list[Controller]) -> Iterator[Finding]:
    there = [one for one in live if Path(one.ledger).exists()]
    for folder in dict.fromkeys(Path(one.ledger).parent for one in live):
        if not folder.is_dir():
            yield _no_folder(folder, system)
            live = [one for one in live if Path(one.ledger).parent != folder]
    files = [one for one in live if not Path(one.ledger).is_dir()]  # of a folder its rights say nothing
    denied = [
        finding
        for one in files
        for uid, user in system.users().items()
        for finding in _denied(one, uid, user)
    ]
    yield from denied
    opening = [finding for one in there for finding in opened(system, one)]
    yield from opening
    if not denied and not any(finding.state == "wrong" for finding in opening):
        for uid, user in system.users().items():
            yield from _tried(uid, user, live)


def _no_folder(folder: Path, system: System) -> Finding:
    """There is no folder for ledgers. It is made for whoever runs, or else for the configuration's owner."""
    uid = next(iter(system.users()), None)
    owner = system.configured.file.stat().st_uid if uid is None else uid
    make = command("install", "-d", "-m", "700", "-o", users.name(owner), folder)
    if (place := obstacle(folder)) is None:
        return wrong(Text("there is no folder {folder} for the ledger", folder=folder), make)
    text = Text("{place} is no folder, and {folder} is to be one for the ledger", place=place, folder=folder)
    return wrong(text, f"{command('mv', place, f'{place}.aside')}; {make}")


def _denied(controller: Controller, uid: int, user: str) -> Iterator[Finding]:
    """What a user would have to write and may not, by the modes."""
    file = Path(controller.ledger)
    if blocked := users.blocking(uid, file):
        text = Text("{user} cannot enter {folder}, so nothing is recorded in {file}")
        yield wrong(text.format(user=user, folder=blocked, file=file), command("chmod", "a+x", blocked))
        return
    names = ("", "-wal", "-shm") if file.exists() else ()
    folder = next(each for each in file.parents if each.exists())
    parts = (folder, *(file.with_name(file.name + end) for end in names))
    denied = [one for one in parts if users.denied(uid, one, os.W_OK)]
    if denied:
        text = Text("{user} cannot write {file}, so nothing is recorded there")
        fix = f"{command('chown', users.name(uid), *denied)}; {command('chmod', 'u+rwX', *denied)}"
        yield wrong(text.format(user=user, file=denied[0]), fix)


def opened(system: System, controller: Controller) -> Generator[Finding, None, None]:
    """Whether one ledger opens, is of this version, is nobody else's to read, and is what is written to."""
    file = Path(controller.ledger)
    if processes := storage.astray(controller):
        text = Text("what lies beside {file} (-wal, -shm) was deleted under process {processes}")
        fix = Text(
            "The service saves what it holds within a second; if this stays, end that process in good order"
            " (systemctl restart informativa), and delete nothing beside a ledger."
        )
        yield wrong(text.format(file=file, processes=", ".join(map(str, processes))), fix)
    if file.is_file() and file.stat().st_mode & 0o077:
        yield warning(Text("others can read {file}", file=file), command("chmod", "600", file))
    try:
        store = storage.store(controller, read_only=True)
        try:
            found, known = store.schema()
        finally:
            store.close()
    except LedgerEmptyError as error:  # as where there is none: the service begins one
        yield warning(clause(error.message), error.remedy)
        return
    except InformativaError as error:
        damaged = error.remedy == RESTORE
        yield wrong(clause(error.message), _restore(system, controller) if damaged else error.remedy)
        return
    if found > known:
        text = Text("{file} was written by a newer informativa", file=file)
        yield wrong(text, Text("Upgrade this one."))
    elif found < known:
        text = Text("{file} is of an earlier version ({found} of {known})")
        yield warning(text.format(file=file, found=found, known=known), system.restart())


def _tried(uid: int, user: str, live: list[Controller]) -> Iterator[Finding]:
    """What came of really writing as that user, where we are that user or may become it."""
    for error in write_trial.writing(uid, live):
        text = Text("{user} cannot write to a ledger: {why}")
        fix = error.remedy or Text("See that its disk is mounted for writing: findmnt")
        yield wrong(text.format(user=user, why=clause(error.message)), fix)
