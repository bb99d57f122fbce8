"""The checks of the machine that need no Asterisk and that `check` leaves out: the service, who reads what,
room, time."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ... import storage
from ...config import Configuration
from ...errors import InformativaError
from ...model import Controller
from ...text import Foreign, Text, command
from . import ports, probe, users
from .findings import Finding, ok, warning, wrong
from .system import System, in_thread

AHEAD = timedelta(minutes=1)  # of the clock: no record can be of then
LITTLE, FULL = 500 << 20, 50 << 20  # bytes; a record has about 500


async def service(system: System) -> AsyncIterator[Finding]:
    """The service answers where Asterisk looks for it, and is ours, of this version and configuration."""
    configuration = system.configured
    run = system.restart()
    try:
        answer = await probe.status(configuration.host, configuration.port, configuration.tokens)
    except OSError as error:
        text = Text("nothing answers at {listen} ({why}); the script plays what is due meanwhile")
        yield wrong(text.format(listen=configuration.listen, why=Foreign(os.strerror(error.errno or 0))), run)
        return
    if answer is None:
        text = Text(
            "what answers at {listen} is not this informativa, or knows another token, or hangs; calls may"
            " wait there without end"
        )
        fix = Text("See which program it is: ss -ltnp 'sport = :{port}'. Stop it; then: {run}")
        yield wrong(text.format(listen=configuration.listen), fix.format(port=configuration.port, run=run))
        return
    failing = await probe.trial(configuration.host, configuration.port, configuration.tokens)
    answers = (
        Text("the service answers at {listen}, and can decide and record calls of every live company")
        if failing == {}
        else Text("the service answers at {listen}")
    )
    yield probe.otherwise(answer, configuration, run) or ok(answers.format(listen=configuration.listen))
    for finding in (*probe.not_shared(answer), *probe.cannot_decide(failing or {})):
        yield finding


async def metrics(system: System) -> AsyncIterator[Finding]:
    """Where metrics are configured, Prometheus gets them."""
    where = system.configured.metrics
    if not where:
        return
    host, _colon, port = where.rpartition(":")
    answered = False
    with suppress(OSError):
        answered = await probe.metrics(host, int(port))
    if answered:
        yield ok(Text("metrics are answered at {where}", where=where))
    else:
        text = Text("informativa's metrics are not answered at {where}", where=where)
        if not await in_thread(_is_taken, where):  # then they need no other
            yield wrong(text, system.restart())
            return
        fix = Text("Give service.metrics a port that nobody uses; then: {run}")
        yield wrong(text, fix.format(run=system.restart()))


def _is_taken(address: str) -> bool:
    """Tell if somebody listens there; not where nobody can."""
    with suppress(OSError):
        return ports.occupied(address) is not None
    return False


async def files(system: System) -> AsyncIterator[Finding]:
    """Who must read keys and configuration can read them: the service, and Asterisk for the script."""
    configuration = system.configured
    keys = _key_files(configuration)
    found = await in_thread(_unreadable, system, [configuration.file, *keys])
    for finding in found:
        yield finding
    if not found:
        yield ok(Text("keys and configuration can be read by {users}", users=system.named()))


async def open_to_all(system: System) -> AsyncIterator[Finding]:
    """Nobody but their owners may change configuration, keys, prompts and ledgers."""
    for path in await in_thread(_open_to_all, system):
        said = Text("every user of this machine may change {file}", file=path)
        yield warning(said, command("chmod", "o-w", path))


def _key_files(configuration: Configuration) -> list[Path]:
    return [configuration.folder / configuration.key_files[one.id] for one in configuration.answering()]


def _open_to_all(system: System) -> list[Path]:
    """Files, and folders in which files can be exchanged: not those in which only their owners can."""
    configuration = system.configured
    keys = _key_files(configuration)
    ledgers = [Path(one.ledger) for one in configuration.answering()]
    prompts = [
        file for path in system.prompts() for file in (Path(path).with_suffix(".wav"), Path(path).parent)
    ]
    files = [configuration.file, *keys, *ledgers]
    wanted = dict.fromkeys([*files, *(file.parent for file in files), *prompts])
    return sorted(path for path in wanted if _writable_by_all(path))


def _writable_by_all(path: Path) -> bool:
    with suppress(OSError):
        mode = path.stat().st_mode
        return bool(mode & stat.S_IWOTH) and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX)
    return False


async def room(system: System) -> AsyncIterator[Finding]:
    """The ledgers' disks have room."""
    folders = {Path(one.ledger).parent for one in system.configured.answering()}
    free = {
        folder: (await in_thread(shutil.disk_usage, folder)).free for folder in folders if folder.is_dir()
    }
    for folder, size in sorted(free.items()):
        if size < LITTLE:
            text = Text("the disk of {folder} has {size} MB left", folder=folder, size=size >> 20)
            make = wrong if size < FULL else warning
            yield make(
                text, Text("Make room there: without it nothing is recorded, and callers hear it again.")
            )
    if free and min(free.values()) >= LITTLE:
        yield ok(Text("the ledgers' disk has {size} MB left", size=min(free.values()) >> 20))


async def future(system: System) -> AsyncIterator[Finding]:
    """No record is of a time that is still to come."""
    ahead = {
        one.id: late
        for one in system.configured.controllers.values()
        if not one.refused and (late := await in_thread(_late, one)) is not None
    }
    for name, late in ahead.items():
        text = Text("the ledger of {controller} has records of {time} UTC, which is still to come")
        yield warning(
            text.format(controller=name, time=f"{late:%Y-%m-%d %H:%M}"),
            Text(
                "The clock was wrong, or is: timedatectl status. What is due `every …` is due by those times."
            ),
        )
    if not ahead:
        yield ok(Text("no record is of a time that is still to come"))


def _unreadable(system: System, wanted: list[Path]) -> list[Finding]:
    return [
        wrong(
            Text("{user} cannot read {file}", user=user, file=file),
            _opening(uid, file, system.configured.folder),
        )
        for file in wanted
        for uid, user in system.users().items()
        if users.denied(uid, file, os.R_OK)
    ]


def _opening(uid: int, file: Path, own: Path) -> str:
    """The command by which a user gets at a private file: it is his, and so is the folder of ours in which he
    may not look for it; into a folder above ours he is let in."""
    folder = users.blocking(uid, file)
    if folder and not folder.is_relative_to(own):
        return command("chmod", "a+x", folder)
    owner = users.name(uid)
    if folder:
        return f"{command('chown', '-R', owner, folder)}; {command('chmod', '-R', 'u+rX', folder)}"
    return f"{command('chown', owner, file)}; {command('chmod', 'u+r', file)}"


def _late(controller: Controller) -> datetime | None:
    """The time of a record that is still to come."""
    if not Path(controller.ledger).exists():
        return None
    try:
        store = storage.store(controller, read_only=True)
        try:
            return store.around(datetime.now(UTC) + AHEAD)[1]
        finally:
            store.close()
    except InformativaError:  # which `ledgers` tells
        return None
