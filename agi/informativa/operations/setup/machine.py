"""The machine that is set up: its Asterisk, its systemd, and the user as whom Asterisk runs."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import InformativaError
from ...model.text import Text
from ...system.processes import CommandOutput, run_command
from ..doctor import asterisk_files, users
from ..doctor.asterisk_files import AsteriskFiles

UNITS = Path("/etc/systemd/system")
_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_USUAL_USER = "asterisk"
_RUN_USER = re.compile(r"^[ \t]*runuser[ \t]*=>?[ \t]*([^;\s]+)", re.MULTILINE)
_SETTINGS_FOLDER = re.compile(r"^\s*Configuration directory:\s*(\S.*?)\s*$", re.MULTILINE)

Run = Callable[[Sequence[str]], CommandOutput]
"""A way to run commands of the system."""


@dataclass(frozen=True)
class Machine:
    """The parts of the machine that setup works on."""

    asterisk: AsteriskFiles
    units: Path | None
    """The folder of systemd's units; `None` without systemd."""
    user: pwd.struct_passwd
    """The user as whom Asterisk runs, and the service is to run."""

    @property
    def folder(self) -> Path:
        """Asterisk's folder, with extensions.conf in it."""
        return self.asterisk.folder

    @property
    def group(self) -> str:
        """The name of the user's group."""
        return users.group(self.user.pw_gid)

    def asterisk_command(self, words: str) -> tuple[str, ...]:
        """Return the command by which Asterisk's console does something."""
        conf = ("-C", str(self.asterisk.conf)) if self.asterisk.conf else ()
        return ("asterisk", *conf, "-rx", words)


def find(
    to: Path | None = None, units: Path | None = None, user: str = "", run: Run = run_command
) -> Machine:
    """Find Asterisk, by its asterisk.conf or by asking it, its user, and systemd; what is named is taken.
    Raises InformativaError."""
    asterisk = named_asterisk(to) if to else _asterisk(run)
    booted = UNITS if _BOOTED.is_dir() else None
    return Machine(asterisk, units.absolute() if units else booted, _user(user, asterisk))


def named_asterisk(folder: Path) -> AsteriskFiles:
    """Return the Asterisk with this folder. Raises InformativaError if it is not one's."""
    folder = folder.absolute()
    if not (folder / "extensions.conf").is_file():
        raise _missing(folder)
    conf = folder / "asterisk.conf"
    return AsteriskFiles(folder, conf if folder != asterisk_files.FOLDER and conf.is_file() else None)


def _asterisk(run: Run) -> AsteriskFiles:
    usual = asterisk_files.usual_files()
    if (usual.folder / "extensions.conf").is_file():
        return usual
    settings = run(("asterisk", "-rx", "core show settings")).output
    if (match := _SETTINGS_FOLDER.search(settings)) and (Path(match[1]) / "extensions.conf").is_file():
        return AsteriskFiles(Path(match[1]))
    raise _missing(usual.folder)


def _missing(folder: Path) -> InformativaError:
    return InformativaError(
        Text("There is no Asterisk: {folder} has no extensions.conf.", folder=folder),
        Text("Install it (apt-get install asterisk), or name the folder of that file: --to DIR"),
    )


def _user(name: str, asterisk: AsteriskFiles) -> pwd.struct_passwd:
    """Return the user who is named, or in asterisk.conf; else the usual one, or the owner of Asterisk's
    folder."""
    names = [name] if name else [_run_user(asterisk), _USUAL_USER]
    for candidate in filter(None, names):
        with suppress(KeyError):
            return pwd.getpwnam(candidate)
    if name:
        raise InformativaError(
            Text("There is no user {user}.", user=name), Text("Name Asterisk's: --user NAME")
        )
    owner = asterisk.folder.stat().st_uid
    with suppress(KeyError):
        return pwd.getpwuid(owner)
    return pwd.getpwuid(os.geteuid())


def _run_user(asterisk: AsteriskFiles) -> str:
    with suppress(OSError, UnicodeDecodeError):
        conf = asterisk.conf or asterisk.folder / "asterisk.conf"
        if match := _RUN_USER.search(conf.read_text(encoding="utf-8")):
            return match[1]
    return ""
