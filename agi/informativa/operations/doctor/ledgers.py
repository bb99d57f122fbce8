"""Checks that calls can be recorded: the ledgers open, have this version, and can be written."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from ...ledgers.ledger_file import RESTORE
from ...model import Controller
from ...model.errors import InformativaError, LedgerEmptyError
from ...model.remedy import SafeChange, SafeRemedy
from ...model.text import Foreign, Text, clause, command
from ...system.files import obstacle
from ...system.patience import within
from . import ledger_facts, users, write_trial
from .findings import LOOK_AT_LOAD, Finding, ok, unknown, warning, wrong
from .system import System

LOOK_SECONDS = 20.0  # for one whole ledger; a gigabyte takes about one second


def ledgers(system: System) -> Iterator[Finding]:
    """Check that each ledger opens, has this version, and can be written by its users; writing is tried."""
    findings = list(dict.fromkeys(_findings(system)))  # several companies can have the same one
    yield from findings
    for controller in system.live():
        file = Path(controller.ledger)
        if (folder := file.parent).is_dir() and not file.exists():
            text = Text("The ledger {file} will be made when the service starts, in {folder}, by {user}.")
            user = users.name(folder.stat().st_uid)
            yield ok(text.format(file=file, folder=folder, user=user), note=True)
    if not findings:
        number = len(system.recording())
        text = Text.counted(
            "{number} ledger opens, and can be written by {users}",
            "{number} ledgers open, and can be written by {users}",
            number,
        )
        yield ok(text.format(number=number, users=system.user_names()))


def missing(system: System) -> Iterator[Finding]:
    """Check that every company has a ledger."""
    for controller in system.live():
        if not Path(controller.ledger).exists():
            text = Text("there is no ledger {file}: nothing was recorded yet, or it was taken away")
            fix = Text("If there was one, put it back. Then: {run}", run=system.restart())
            yield warning(text.format(file=controller.ledger), fix)


def damage(system: System) -> Iterator[Finding]:
    """Check that no ledger is damaged; its whole file is read."""
    undamaged = 0
    for controller in system.recording():
        file = Path(controller.ledger)
        if not file.is_file() or not file.stat().st_size:
            continue
        try:
            fault = within(LOOK_SECONDS, partial(system.fact, controller, ledger_facts.DAMAGE))
        except TimeoutError:
            text = Text("{file} cannot be looked through in {seconds:.0f} s", file=file, seconds=LOOK_SECONDS)
            yield unknown(text, command("sqlite3", "-readonly", file, "PRAGMA quick_check"))
        except InformativaError:  # reported by `ledgers`
            continue
        else:
            if fault:
                text = Text("{file} is damaged: {what}", file=file, what=Foreign(fault))
                yield wrong(text, _restore(system, controller))
            else:
                undamaged += 1
    if undamaged:
        text = Text.counted(
            "{number} ledger is whole", "{number} ledgers are whole", undamaged, number=undamaged
        )
        yield ok(text)


def schema(system: System) -> Iterator[Finding]:
    """Check that each ledger has the tables that informativa made, and nothing else: no trigger, say."""
    for controller in system.recording():
        if not Path(controller.ledger).is_file():
            continue
        with suppress(InformativaError):  # reported by `ledgers`
            if parts := system.fact(controller, ledger_facts.FOREIGN_PARTS):
                text = Text("{file} has parts that informativa did not make: {parts}")
                fix = Text(
                    "Find out who made them, and what they did to the records:"
                    " informativa evidence audit --controller {id}",
                    id=controller.id,
                )
                yield wrong(text.format(file=controller.ledger, parts=Foreign(", ".join(parts))), fix)


def _restore(system: System, controller: Controller) -> Text:
    """Return the command that puts a backup in the place of a damaged ledger."""
    return Text(
        "systemctl stop informativa; informativa ledger restore {copy} --controller {id} -c {file};"
        " systemctl start informativa",
        copy="COPY",
        id=controller.id,
        file=system.file,
    )


def _findings(system: System) -> Iterator[Finding]:
    live = system.live()
    for folder in dict.fromkeys(Path(controller.ledger).parent for controller in live):
        if not folder.is_dir():
            yield _no_folder(folder, system)
            live = [controller for controller in live if Path(controller.ledger).parent != folder]
    # Where a folder is in a ledger's place its rights say nothing.
    with_files = [controller for controller in live if not Path(controller.ledger).is_dir()]
    denied = [
        finding
        for controller in with_files
        for uid, user in system.users().items()
        for finding in _denied(controller, uid, user)
    ]
    yield from denied
    recording = system.recording()
    opening = [finding for controller in recording for finding in opening_findings(system, controller)]
    yield from opening
    if not denied and not any(finding.state == "wrong" for finding in opening):
        for uid, user in system.users().items():
            yield from _write_failures(uid, user, live)


def _no_folder(folder: Path, system: System) -> Finding:
    """Return the finding that a folder for ledgers is missing.

    The remedy makes it for the user who runs Asterisk or the service, else for the configuration's owner.
    """
    uid = next(iter(system.users()), None)
    owner = system.configured.file.stat().st_uid if uid is None else uid
    make = ("install", "-d", "-m", "700", "-o", users.name(owner), folder)
    if (place := obstacle(folder)) is None:
        fix = SafeRemedy(SafeChange.FOLDER, make)
        text = Text("there is no folder {folder} for the ledger", folder=folder)
        return wrong(text, fix.as_words if unmounted(folder) else fix)
    text = Text("{place} is no folder, and {folder} is to be one for the ledger", place=place, folder=folder)
    return wrong(text, f"{command('mv', place, f'{place}.aside')}; {command(*make)}")


def unmounted(folder: Path, table: Path = Path("/etc/fstab")) -> Path | None:
    """Return the place of a disk that /etc/fstab mounts there or above, and that is not mounted; `None` if
    there is none. A folder that is made in its place would hide what is on that disk. In that table, blanks
    in a path are octal, and comments begin with # (fstab(5))."""
    with suppress(OSError):
        lines = table.read_text(errors="replace").splitlines()
        rows = (line.split() for line in lines if not line.lstrip().startswith("#"))
        fields = [row[1] for row in rows if len(row) > 2 and row[1].startswith("/")]
        places = [Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), field)) for field in fields]
        return next((at for at in places if folder.is_relative_to(at) and not at.is_mount()), None)
    return None


def _private(file: Path) -> SafeRemedy:
    return SafeRemedy(SafeChange.RIGHTS, ("chmod", "600", file), owner=file)


def _denied(controller: Controller, uid: int, user: str) -> Iterator[Finding]:
    """Yield a finding if the modes do not let a user write a ledger or the files beside it."""
    file = Path(controller.ledger)
    if blocked := users.blocking(uid, file):
        text = Text("{user} cannot enter {folder}, so nothing is recorded in {file}")
        yield wrong(text.format(user=user, folder=blocked, file=file), command("chmod", "a+x", blocked))
        return
    names = ("", "-wal", "-shm") if file.exists() else ()
    folder = next(parent for parent in file.parents if parent.exists())
    parts = (folder, *(file.with_name(file.name + end) for end in names))
    denied = [part for part in parts if users.denied(uid, part, os.W_OK)]
    if denied:
        text = Text("{user} cannot write {file}, so nothing is recorded there")
        fix = SafeRemedy(
            SafeChange.RIGHTS, ("chown", "-h", users.name(uid), *denied), ("chmod", "u+rwX", *denied)
        )
        yield wrong(text.format(user=user, file=denied[0]), fix)


def opening_findings(system: System, controller: Controller) -> Generator[Finding, None, None]:
    """Check that one ledger opens, has this version, and cannot be read by others."""
    file = Path(controller.ledger)
    if file.is_file() and file.stat().st_mode & 0o077:
        yield warning(Text("others can read {file}", file=file), _private(file))
    try:
        system.fact(controller, ledger_facts.FOREIGN_PARTS)
    except LedgerEmptyError as error:  # only a warning: the service begins one, as if there were no file
        yield warning(clause(error.message), error.remedy)
    except InformativaError as error:
        damaged = error.remedy == RESTORE
        yield wrong(clause(error.message), _restore(system, controller) if damaged else error.remedy)


def _write_failures(uid: int, user: str, live: list[Controller]) -> Iterator[Finding]:
    """Write to the ledgers as that user, where we are or may become that user; yield each failure."""
    try:
        errors = write_trial.writing(uid, live)
    except TimeoutError:
        text = Text("whether {user} can write to the ledgers is not known after {seconds} s")
        yield unknown(text.format(user=user, seconds=f"{write_trial.SECONDS:.0f}"), LOOK_AT_LOAD)
        return
    for error in errors:
        text = Text("{user} cannot write to a ledger: {why}")
        fix = error.remedy or Text("See that its disk is mounted for writing: findmnt")
        yield wrong(text.format(user=user, why=clause(error.message)), fix)
