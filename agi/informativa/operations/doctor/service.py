"""Checks of the service, of file rights, disk room and record times. They need no Asterisk; only
`open_to_all` is part of `informativa check`."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from ...config import Configuration
from ...model.errors import InformativaError
from ...model.remedy import SafeChange, SafeRemedy
from ...model.text import Foreign, Text, command
from ...prompts.installed import installed
from ...system.patience import in_thread
from . import ledger_facts, ports, probe, unit, users
from .findings import Finding, ok, warning, wrong
from .system import System

LITTLE, FULL = 500 << 20, 50 << 20  # bytes; a record takes about 500


async def started(system: System) -> AsyncIterator[Finding]:
    """Check that systemd, where it runs, starts the service with the machine."""
    if not unit.RUNNING.is_dir():
        return
    serving = await system.answer() is not None
    enable = unit.enable(now=not (serving or system.start_blocked))
    if unit.text(system.units) is None:
        if not serving:  # else something other than systemd runs it
            file = system.units / f"{unit.SERVICE}.service"
            text = Text("nothing starts the service with this machine: there is no {file}", file=file)
            yield warning(text, unit.write(system.file, file, enable))
    elif not unit.runs(system.file, system.units):
        return  # it is another configuration's
    elif not unit.is_enabled(system.units):
        text = Text("nothing starts the service with this machine: its unit is not enabled")
        yield warning(text, enable)
    else:
        yield ok(Text("systemd starts the service with this machine"))


async def service(system: System) -> AsyncIterator[Finding]:
    """Check that the service answers where Asterisk looks for it, and has this version and configuration."""
    configuration = system.configured
    run = system.restart()
    try:
        answer = await system.service()
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
    failing = await system.failing()
    answers = (
        Text("the service answers at {listen}, and can decide and record calls of every live company")
        if failing == {}
        else Text("the service answers at {listen}")
    )
    difference = probe.otherwise(answer, configuration, run, system.by_systemd(unit.RELOAD))
    yield difference or ok(answers.format(listen=configuration.listen))
    for finding in probe.cannot_decide(failing or {}):
        yield finding


async def metrics(system: System) -> AsyncIterator[Finding]:
    """Check that Prometheus gets metrics, if they are configured."""
    address = system.configured.metrics
    if not address:
        return
    host, _colon, port = address.rpartition(":")
    answered = False
    with suppress(OSError):
        answered = await probe.metrics(host, int(port))
    if answered:
        yield ok(Text("metrics are answered at {where}", where=address))
    else:
        text = Text("informativa's metrics are not answered at {where}", where=address)
        if not await in_thread(_is_taken, address):  # the port is free: a restart will do
            yield wrong(text, system.restart())
            return
        fix = Text("Give service.metrics a port that nobody uses; then: {run}")
        yield wrong(text, fix.format(run=system.restart()))


def _is_taken(address: str) -> bool:
    """Return whether a program listens there; `False` if nothing can listen there."""
    with suppress(OSError):
        return ports.occupied(address) is not None
    return False


def files(system: System) -> Iterator[Finding]:
    """Check that the users who need keys and configuration can read them: the service's and, for the script,
    Asterisk's."""
    configuration = system.configured
    keys = _key_files(configuration)
    findings = _unreadable(system, [configuration.file, *keys])
    yield from findings
    if not findings:
        yield ok(Text("keys and configuration can be read by {users}", users=system.user_names()))


def open_to_all(system: System) -> Iterator[Finding]:
    """Check that not everybody may change configuration, keys, prompts and ledgers."""
    for path in _open_to_all(system):
        text = Text("every user of this machine may change {file}", file=path)
        yield warning(text, SafeRemedy(SafeChange.RIGHTS, ("chmod", "o-w", path), owner=path))


def _key_files(configuration: Configuration) -> list[Path]:
    answering = configuration.answering()
    return [configuration.folder / configuration.key_files[controller.id] for controller in answering]


def _open_to_all(system: System) -> list[Path]:
    """Return the files that every user may change, and the folders in which every user may exchange files;
    not sticky folders, where only a file's owner can."""
    configuration = system.configured
    keys = _key_files(configuration)
    ledgers = [Path(controller.ledger) for controller in configuration.answering()]
    prompts = [file for path in system.prompts() for file in (*installed(path), Path(path).parent)]
    files = [configuration.file, *keys, *ledgers]
    paths = dict.fromkeys([*files, *(file.parent for file in files), *prompts])
    return sorted(path for path in paths if _writable_by_all(path))


def _writable_by_all(path: Path) -> bool:
    with suppress(OSError):
        mode = path.stat().st_mode
        return bool(mode & stat.S_IWOTH) and not (stat.S_ISDIR(mode) and mode & stat.S_ISVTX)
    return False


def room(system: System) -> Iterator[Finding]:
    """Check that the ledgers' disks have room."""
    folders = {Path(controller.ledger).parent for controller in system.configured.answering()}
    free = {folder: shutil.disk_usage(folder).free for folder in folders if folder.is_dir()}
    for folder, size in sorted(free.items()):
        if size < LITTLE:
            text = Text("the disk of {folder} has {size} MB left", folder=folder, size=size >> 20)
            finding = wrong if size < FULL else warning
            yield finding(
                text, Text("Make room there: without it nothing is recorded, and callers hear it again.")
            )
    if free and min(free.values()) >= LITTLE:
        yield ok(Text("the ledgers' disk has {size} MB left", size=min(free.values()) >> 20))


def future(system: System) -> Iterator[Finding]:
    """Check that no record has a time in the future."""
    ahead = dict[str, datetime]()
    for controller in system.recording():
        with suppress(InformativaError):  # reported by the check `ledgers`
            if time := system.fact(controller, ledger_facts.FUTURE_CALL):
                ahead[controller.id] = time
    for name, time in ahead.items():
        text = Text("the ledger of {controller} has records of {time} UTC, which is still to come")
        yield warning(
            text.format(controller=name, time=f"{time:%Y-%m-%d %H:%M}"),
            Text(
                "The clock was wrong, or is: timedatectl status. What is due `every …` is due by those times."
            ),
        )
    if not ahead:
        yield ok(Text("no record is of a time that is still to come"))


def _unreadable(system: System, files: list[Path]) -> list[Finding]:
    return [
        wrong(
            Text("{user} cannot read {file}", user=user, file=file),
            _opening(uid, file, system.configured.folder),
        )
        for file in files
        for uid, user in system.users().items()
        if users.denied(uid, file, os.R_OK)
    ]


def _opening(uid: int, file: Path, own_folder: Path) -> str | SafeRemedy:
    """Return the remedy by which a user gets access to a private file.

    It makes him the owner of the file, and of a folder within `own_folder` that he may not enter. A closed
    folder above `own_folder` it opens to everybody.
    """
    folder = users.blocking(uid, file)
    if folder and not folder.is_relative_to(own_folder):
        return command("chmod", "a+x", folder)
    owner = users.name(uid)
    if folder:
        return SafeRemedy(
            SafeChange.RIGHTS, ("chown", "-R", "-h", owner, folder), ("chmod", "-R", "u+rX", folder)
        )
    return SafeRemedy(SafeChange.RIGHTS, ("chown", "-h", owner, file), ("chmod", "u+r", file))
