"""What `check` finds in a configuration that can be loaded: ports, who may run us, ledgers' modes, prompts of
all plans."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from .. import bootstrap
from ..config import Configuration
from ..config.build import LONGEST_SHORT
from ..doctor import users
from ..errors import ConfigError, Problem
from ..i18n import _, foreign
from ..model import Line, Notice
from .prompts import doubtful


@dataclass(frozen=True)
class Occupant:
    """Who listens on a port: a process (0 where we may not know) of a user; `ours` if it is informativa."""

    process: int
    user: str
    ours: bool


def warnings(configuration: Configuration) -> list[str]:
    """What stops nothing and what an admin should know, in the order of the configuration."""
    found = map(str, configuration.warnings)
    exposed = [*out_of_reach(configuration), *_exposed(configuration)]
    return [*found, *exposed, *_unspoken(configuration), *doubtful(configuration)]


def owner(configuration: Configuration) -> os.stat_result:
    """Whose the ledgers' folder is, or else the configuration: service and script are to run as that user."""
    folders = sorted({Path(controller.ledger).parent for controller in configuration.controllers.values()})
    return next((folder for folder in folders if folder.is_dir()), configuration.file).stat()


def out_of_reach(configuration: Configuration) -> list[str]:
    """That the owner cannot run this program: where it was installed by pipx for one user, say."""
    uid = owner(configuration).st_uid
    python = Path(sys.executable)
    needed = {python.with_name("informativa-agi"): os.X_OK, python: os.X_OK, Path(__file__): os.R_OK}
    message = _(
        "{user}, as whom service and script run, cannot execute {file}; install informativa where every user"
        " can, such as /opt/informativa, and with a Python that every user can run"
    )
    denied = (file for file, right in needed.items() if file.exists() and not users.may(uid, file, right))
    return [message.format(user=users.name(uid), file=file) for file in denied][:1]


def ledgers(configuration: Configuration) -> list[str]:
    """Open those that are there, and migrate them; notes on those that the service will make, for `check`
    makes none. Raises ConfigError where it could not make one, LedgerError for one that cannot be used."""
    notes: list[str] = []
    for name, controller in configuration.controllers.items():
        file = Path(controller.ledger)
        if controller.refused:
            continue
        if file.exists() and file.stat().st_size:
            bootstrap.store(controller, create=False).close()
            continue
        if not file.parent.is_dir():
            message = _("there is no folder {folder} for the ledger; type: mkdir -m 700 {folder}")
            raise _problem(configuration, f"controllers.{name}.ledger", message.format(folder=file.parent))
        bootstrap.try_writing(controller)
        note = _("The ledger {file} will be made when the service starts, in {folder}, by {user}.")
        user = users.name(file.parent.stat().st_uid)
        notes.append(note.format(file=file, folder=file.parent, user=user))
    return notes


def ports(configuration: Configuration) -> list[str]:
    """What stands at the service's ports, where they are not free.

    Raises ConfigError for one that the service could not have: another program's, or none of this machine's.
    """
    notes: list[str] = []
    wanted = {"listen": configuration.listen, "metrics": configuration.metrics}
    for setting, address in wanted.items():
        if not address:
            continue
        try:
            occupant = occupied(address)
        except OSError as error:
            message = _("{address} cannot be listened on ({reason}); give it an address of this machine")
            said = message.format(address=address, reason=foreign(os.strerror(error.errno or 0)))
            raise _wrong(configuration, setting, said) from error
        if occupant is None:
            continue
        if occupant.process and not occupant.ours:
            message = _("{address} is taken by process {process} of {user}; stop that, or set another port")
            said = message.format(address=address, process=occupant.process, user=occupant.user)
            raise _wrong(configuration, setting, said)
        message = (
            _("{address}: the service runs (process {process} of {user}).")
            if occupant.ours
            else _(
                "{address} is taken by a program of {user}; as root, check says whether it is the service."
            )
        )
        notes.append(message.format(address=address, process=occupant.process, user=occupant.user))
    return notes


def occupied(address: str) -> Occupant | None:
    """Who listens on `address` and port; `None` if it is free. Raises OSError if it cannot be had at all."""
    host, _colon, port = address.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the service does
        try:
            probe.bind((host, int(port)))
            probe.listen()
            return None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return next(_occupants(host, int(port)), Occupant(0, "?", False))


def _occupants(host: str, port: int) -> Iterator[Occupant]:
    """Who listens there; the process Linux tells only to its user and to root."""
    for one in users.listening(port):
        if one.address in _written(host):
            process = _holder(one.inode)
            yield Occupant(process, users.name(one.uid), _is_service(process))


def _written(host: str) -> set[str]:
    """An address, and those that stand for all, as the kernel writes them: in the machine's byte order."""
    packed = ipaddress.IPv4Address(host).packed
    number = f"{int.from_bytes(packed, sys.byteorder):08X}"
    mapped = f"{0xFFFF0000 if sys.byteorder == 'little' else 0xFFFF:08X}"
    return {number, "0" * 8, "0" * 32, "0" * 16 + mapped + number}


def _holder(inode: str) -> int:
    """The process that has a socket open; 0 if none shows it to us."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if os.readlink(link) == f"socket:[{inode}]":  # noqa: PTH115  # no path is meant
                return int(link.parts[2])
    return 0


def _is_service(process: int) -> bool:
    with suppress(OSError):
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return "serve" in words and any(Path(word).name == "informativa" for word in words[:2])
    return False


def _wrong(configuration: Configuration, setting: str, message: str) -> ConfigError:
    return _problem(configuration, f"service.{setting}", message)


def _problem(configuration: Configuration, key: str, message: str) -> ConfigError:
    return ConfigError([Problem(str(configuration.file), None, key, message)])


def _exposed(configuration: Configuration) -> list[str]:
    """Ledgers that others than their user can read."""
    files = [Path(controller.ledger) for controller in configuration.controllers.values()]
    message = _("others can read {file}; type: chmod 600 {file}")
    return [message.format(file=file) for file in files if file.exists() and file.stat().st_mode & 0o077]


def _unspoken(configuration: Configuration) -> Iterator[str]:
    """What callers of a line would ask for in vain, hear in another language, or hear for too long."""
    said: set[str] = set()
    now = datetime.now(UTC)
    for line in configuration.lines:
        for step in line.plan:
            for warning in _of_plan(line, step.notice, now):
                if warning not in said:
                    said.add(warning)
                    yield warning


def _of_plan(line: Line, notice: Notice, now: datetime) -> Iterator[str]:
    spoken = dict.fromkeys((line.language, *line.languages.values(), *line.fallback))
    for version in notice.versions[notice.versions.index(notice.current(now)) :]:
        name = f"{line.controller.id}, {notice.id} {version.id}"
        for language in spoken:
            if version.full and language not in version.full:
                message = _("{notice} has no full text in {language}: key {key} does nothing there")
                yield message.format(notice=name, language=language, key=line.keys.full)
        for known, prompts in version.supplements.items():
            for language in spoken:
                if language not in prompts:
                    message = _("{notice}: the supplement to {version} is not there in {language}")
                    yield message.format(notice=name, version=known, language=language)
            for language, prompt in prompts.items():
                if prompt.seconds > LONGEST_SHORT:
                    message = _("{notice}: the supplement to {version} in {language} lasts {seconds:.0f} s")
                    yield message.format(
                        notice=name, version=known, language=language, seconds=prompt.seconds
                    )
