"""PostgreSQL's programs: the machine's own, or Debian's without root; and as whom servers run."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import re
import shutil
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .debian import Progress, Unavailable, cache_folder, packages, running_suite, silent
from .fast_folder import short_folder
from .process import Child

# Essential on every Debian, so the machine has them; or called by maintainer scripts alone; or large, and
# only for compiling queries. libc6 above all must be the machine's, of one version with its program loader.
LEFT_OUT = "|".join(
    (
        r"libc6|libc-bin|libc-l10n|libcrypt1|gcc-.*-base|base-passwd|passwd|adduser|login\.defs|sysvinit-utils|tar|dpkg|usrmerge",
        r"init-system-helpers|lsb-base|netbase|locales|tzdata|readline-common|debconf|libdebconfclient0",
        r"perl.*|libperl.*|lib.*-perl|libgdbm.*|ucf|sensible-utils|ssl-cert|openssl|procps|libproc2-0",
        r"postgresql-common.*|postgresql-client-common|libllvm.*|libz3-4|libsemanage.*|libsepol.*|libpam-modules.*",
    )
)
_INSTALL_YOURSELF = "Connect this machine to the network once, or install postgresql."
_USERS = ("postgres", "nobody")  # whose a server's files are where root runs the lab: PostgreSQL refuses root
HOST = "127.0.0.1"
_SOCKET_PATH = 107  # bytes, the most that a Unix socket's address holds (sys/un.h)
_SOCKET_NAME = "/.s.PGSQL.65535.lock"


@dataclass(frozen=True)
class Programs:
    """The places of the programs."""

    postgresql: Path
    """The folder of postgres, initdb, pg_basebackup and the others."""
    libraries: tuple[Path, ...]
    """Folders to be searched for libraries besides the machine's own."""

    def environment(self, home: Path) -> dict[str, str]:
        """Return what a program runs in: in English, and without settings of this machine's for such
        programs."""
        own = {
            name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))
        }
        own |= {"HOME": str(home), "LC_ALL": "C", "TZ": "GMT"}  # a zone that needs no zoneinfo on the machine
        if self.libraries:
            own["LD_LIBRARY_PATH"] = ":".join(map(str, self.libraries))
        return own


class Daemon(ABC):
    """A program in a folder of its own, which runs from `start` to `stop`; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._log = self.folder / "log"
        self._child: Child | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """All that it has said."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._child.pid if self._child and self._child.status is None else None

    def _launch(self, *command: str | Path, **environment: str) -> Child:
        """Run the program, as a user that is not root."""
        argv, env = [*as_plain_user(), *map(str, command)], programs().environment(self.folder)
        self._child = Child(argv, cwd=self.folder, output=self._log, env=env | environment)
        return self._child

    @abstractmethod
    def start(self) -> None:
        """Start it and wait until it can be used."""

    @abstractmethod
    def stop(self) -> None:
        """End it in an orderly way. Does nothing if it does not run."""


@functools.cache
def programs(progress: Progress = silent) -> Programs:
    """All of them, downloaded the first time, or ``Unavailable``."""
    if server := newest_server(Path("/usr/lib/postgresql")):
        return Programs(server, ())
    try:
        return _unpacked(progress)
    except Unavailable as error:
        raise Unavailable(error.problem, _INSTALL_YOURSELF) from error


def _unpacked(progress: Progress) -> Programs:
    """Return the programs of the Debian that this machine runs, unpacked."""
    root = packages(running_suite(), ["postgresql"], cache_folder(), progress, leave_out=LEFT_OUT)
    server = newest_server(root / "usr/lib/postgresql")
    if not server:
        raise Unavailable(f"There is no PostgreSQL in {root}.", "")
    libraries = tuple(
        folder for top in ("usr/lib", "lib") for folder in sorted(root.glob(f"{top}/*-linux-*"))
    )
    return Programs(server, libraries)


def newest_server(versions: Path) -> Path | None:
    """The programs of the newest PostgreSQL among a Debian's, which stand in a folder for each version."""
    folders = [
        bin_ for bin_ in versions.glob("*/bin") if (bin_ / "initdb").exists() and (bin_ / "postgres").exists()
    ]
    return max(folders, key=lambda bin_: [int(n) for n in re.findall(r"\d+", bin_.parent.name)], default=None)


def plain_user() -> pwd.struct_passwd | None:
    """Return who servers run as where root runs the lab; None for anybody else, who runs them himself."""
    if os.geteuid():
        return None
    for name in _USERS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise Unavailable(f"No user of this machine is {' or '.join(_USERS)}.", "Run this as an ordinary user.")


def as_plain_user() -> list[str]:
    """A prefix for a command, empty unless root runs this.

    Of root's rights the program keeps the one to pass folders that only root may enter, for there the
    tests' folders, the cache and the virtual environment are. At a change of user the kernel forgets that the
    program is to die with Python, so setpriv says it anew.
    """
    user = plain_user()
    if user is None:
        return []
    if not shutil.which("setpriv"):
        raise Unavailable(
            "setpriv is not on this machine.", "Install util-linux, or run this as an ordinary user."
        )
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    # no_setuid_fixup: else access(2), by which PostgreSQL finds its programs, would not count that right.
    rights = [
        "--securebits=+no_setuid_fixup",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
    ]
    return ["setpriv", *identity, *rights, "--pdeathsig=KILL", "--"]


def given(folder: Path) -> Path:
    """A folder that is made, with all that is in it, to the user that servers run as."""
    folder.mkdir(parents=True, exist_ok=True)
    if user := plain_user():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return folder


@contextlib.contextmanager
def socket_folder(folder: Path) -> Iterator[Path]:
    """Yield that folder, or a temporary one where its path is too long for the address of a socket in it."""
    if len(os.fsencode(folder)) + len(_SOCKET_NAME) <= _SOCKET_PATH:
        yield given(folder)
        return
    with tempfile.TemporaryDirectory(prefix="lab-", dir=short_folder()) as short:
        yield given(Path(short))


def tail(log: Path, lines: int = 25) -> str:
    """The end of a log, for a message."""
    with contextlib.suppress(OSError):
        return (
            " The end of its log:\n" + "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) + "\n"
        )
    return ""


def children(pid: int) -> list[int]:
    """The processes that one has started and that still are there."""
    with contextlib.suppress(OSError):
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    return []


def listens(port: int) -> bool:
    """Return whether somebody takes connections at a port of 127.0.0.1."""
    try:
        socket.create_connection((HOST, port), 20).close()
    except OSError:
        return False
    return True


def arguments(options: Mapping[str, object]) -> Sequence[str]:
    """Settings as PostgreSQL takes them on its command line."""
    return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
