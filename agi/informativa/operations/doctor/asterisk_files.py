"""The folder and the console command of an Asterisk on this machine; asterisk.conf may change both."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...model.remedy import SafeChange, SafeRemedy
from ...model.text import command
from . import users

FOLDER = Path("/etc/asterisk")
CONF = FOLDER / "asterisk.conf"
_FOLDER = re.compile(r"^[ \t]*astetcdir[ \t]*=>?[ \t]*([^;\n]*[^;\s])", re.MULTILINE)


@dataclass(frozen=True)
class AsteriskFiles:
    """The `folder` of extensions.conf, and the `conf` that `-C` named when Asterisk was started."""

    folder: Path = field(default_factory=lambda: FOLDER)
    conf: Path | None = None

    @property
    def console(self) -> str:
        """The command that reaches this Asterisk."""
        return command("asterisk", "-C", self.conf) if self.conf else "asterisk"

    def install(self, config: Path) -> SafeRemedy:
        """Return the remedy that installs the dialplan of a configuration there, and makes Asterisk load
        it."""
        to = () if self.folder == FOLDER else ("--to", self.folder)
        conf = ("-C", self.conf) if self.conf else ()
        return SafeRemedy(
            SafeChange.DIALPLAN,
            ("informativa", "dialplan", "install", "-c", config, *to),
            ("asterisk", *conf, "-rx", "dialplan reload"),
        )


def of_manager(port: int) -> AsteriskFiles:
    """Return the files of the Asterisk whose manager interface listens on that port of this machine.

    They are the usual ones if the system does not show us its process.
    """
    for socket in users.listening(port):
        with suppress(OSError, ValueError):
            if process := users.holder(socket.inode):
                words = Path("/proc", str(process), "cmdline").read_bytes().decode().split("\0")
                folder = Path("/proc", str(process), "cwd").readlink()
                return of_command(words, folder)
    return usual_files()


def of_command(words: list[str], folder: Path) -> AsteriskFiles:
    """Return the files of an Asterisk that was started by these words in this folder."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word.startswith("-C") and (conf_path := word[2:] or following):
            conf = folder / conf_path
            return AsteriskFiles(of_conf(conf).folder, conf)
    return usual_files()


def usual_files() -> AsteriskFiles:
    """Return the files of an Asterisk that was started without `-C`."""
    return of_conf(CONF)


def of_conf(conf: Path) -> AsteriskFiles:
    """Return the files of the Asterisk with this asterisk.conf; /etc/asterisk if it cannot be read."""
    with suppress(OSError, UnicodeDecodeError):
        if folder := _FOLDER.search(conf.read_text(encoding="utf-8")):
            return AsteriskFiles(Path(folder[1]))
    return AsteriskFiles()
