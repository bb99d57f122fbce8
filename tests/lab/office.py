"""informativa as installed, on a configuration of its own: service, script, ledgers, dialplan."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from unittest import mock

from informativa.evidence.commitment import KEPT
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Record
from informativa.operations.dialplan import generate
from informativa.operations.init import init
from informativa.system import shipped

from .forked import Forked
from .pbx import Pbx
from .ports import answers, free_port
from .process import Child, open_files

BIN = Path(sys.executable).parent
PROGRAM = (BIN / "informativa",)
_START = 60.0  # seconds; about half a second on an idle machine


_FIRST = ("full", "short-nokey", "short")  # texts that were shipped first
TO_FILL_IN, CONTRACT, ANALYSIS = '"put its number here"', '"2026/12"', '"2026/11"'


def fill_in(config: Path) -> None:
    """Name the papers that `init` leaves to the admin, so that both companies are live."""
    text = config.read_text(encoding="utf-8")
    text = text.replace(TO_FILL_IN, CONTRACT, 1).replace(TO_FILL_IN, ANALYSIS, 1)
    config.write_text(text, encoding="utf-8")


def listen_at(config: Path, address: str) -> None:
    """Let the service of a configuration listen at another address."""
    text, count = re.subn(r"(?m)^  listen: \S+", f"  listen: {address}", config.read_text(encoding="utf-8"))
    assert count == 1, config
    config.write_text(text, encoding="utf-8")


def lay(folder: Path, prompts: Path | None = None) -> None:
    """Lay a configuration as `init` does, its papers named; with these prompts instead of the shipped ones,
    which have 30 MB."""
    instead, original = ({"prompts": prompts} if prompts else {}), shipped.folder
    with mock.patch.object(shipped, "folder", lambda name: instead.get(name) or original(name)):
        init(folder)
    fill_in(folder / "informativa.yaml")


def without_masters(prompts: Path) -> None:
    """Remove the masters of shipped prompts, so that a test can put another sound in place of a `.wav` alone:
    two formats of one prompt must be equally long."""
    for master in prompts.glob("*/*.sln16"):
        master.unlink()


def numbered(prompts: Path) -> Iterator[tuple[int, Path]]:
    """Number the `.wav` files, so that each gets the same sound whatever else is shipped, or left out."""
    first = [prompts / language / f"{text}.wav" for language in ("de", "en", "fr", "it") for text in _FIRST]
    files = dict.fromkeys([*first, *sorted(prompts.glob("*/*.wav"))])
    return ((number, file) for number, file in enumerate(files) if file.parent.is_dir())


class OfficeError(Exception):
    """informativa did not do what it must; says what, and shows what it printed."""


class Office:
    """A folder laid by `informativa init`, whose service listens on a free port of 127.0.0.1.

    ``prompts`` replaces the shipped ones: files by path within the folder `prompts`, as "it/short.wav".
    ``program`` is what serves, in place of `informativa`, and takes the same arguments.
    """

    quick = False
    """True if `informativa` is forked where it is loaded already (lab/forked.py), which tests set."""
    prompts: Path | None = None
    """Sounds in place of the shipped prompts, which tests set."""

    def __init__(
        self,
        folder: Path,
        prompts: Mapping[str, Path] | None = None,
        program: Sequence[str | Path] = PROGRAM,
    ) -> None:
        self.folder = folder
        self.config = folder / "informativa.yaml"
        self.log = folder / "service.log"
        self.port = free_port()
        self._program = program
        self._child: Child | None = None
        lay(folder, self.prompts)
        without_masters(folder / "prompts")
        for name, file in (prompts or {}).items():
            shutil.copy(file, folder / "prompts" / name)
        self.edit("127.0.0.1:4588", f"127.0.0.1:{self.port}")

    def edit(self, old: str, new: str) -> None:
        """Change one place of the configuration."""
        text = self.config.read_text()
        if old not in text:
            raise OfficeError(f"{old!r} does not stand in {self.config}")
        self.config.write_text(text.replace(old, new, 1))

    @property
    def script(self) -> str:
        """Return what the dialplan asks the service for: the script's name, with the token that tells
        Asterisk."""
        return f"notice/{(self.folder / 'keys' / 'agi.token').read_text().strip()}"

    def command(self, *arguments: str | Path) -> str:
        """Return what the `informativa` command prints."""
        ran = subprocess.run(
            [BIN / "informativa", *arguments], capture_output=True, text=True, timeout=300, check=False
        )
        if ran.returncode:
            raise OfficeError(f"informativa {arguments[0]} failed: {ran.stderr}")
        return ran.stdout

    def dialplan(self) -> str:
        """The dialplan for this configuration."""
        return generate(self.config, None).text

    # -- the service --

    def start(self, prefix: Sequence[str] = (), log: str = "json") -> None:
        """Start the service and wait until it answers; ``prefix`` is a command to run it under, ``log`` the
        form of its log."""
        command = [*prefix, *map(str, self._program), "serve", "-c", str(self.config), "--log", log]
        self._child = self._start(command, forks=self.quick and not prefix and self._program == PROGRAM)
        until = time.monotonic() + _START
        while not answers(self.port):
            if self._child.wait(0.02):
                raise OfficeError(f"the service ended with {self._child.status}:\n{self.log_text}")
            if time.monotonic() > until:
                raise OfficeError(f"the service did not start within {_START:.0f} s:\n{self.log_text}")

    def _start(self, command: Sequence[str], *, forks: bool) -> Child:
        if forks:
            return Forked(command, cwd=self.folder, output=self.log)
        return Child(command, cwd=self.folder, output=self.log)

    def reload(self) -> bool:
        """Have the service load its configuration anew; whether it did."""
        assert self._child
        before = len(self.log_text)
        os.kill(self._child.pid, signal.SIGHUP)
        until = time.monotonic() + _START
        while not (match := re.search(r'"event": "(not )?reloaded', self.log_text[before:])):
            if self._child.wait(0.02) or time.monotonic() > until:
                raise OfficeError(f"the service did not load its configuration:\n{self.log_text[before:]}")
        return match[1] is None

    def wait_logged(self, event: str, count: int = 1) -> None:
        """Wait until the service has logged an event so many times."""
        until = time.monotonic() + _START
        while self.log_text.count(f'"event": "{event}"') < count:
            if time.monotonic() > until:
                raise OfficeError(f"the service did not log “{event}” {count} times:\n{self.log_text}")
            time.sleep(0.02)

    def stop(self) -> int | None:
        """Stop the service as an admin would; its exit status. Does nothing if it does not run."""
        child, self._child = self._child, None
        if child is None:
            return None
        child.end(40)
        return child.status

    def kill(self) -> None:
        """End the service as a power cut would (``kill -9``)."""
        if self._child:
            self._child.kill()
            self._child = None

    def wait_closed(self, file: Path) -> None:
        """Wait until the service, which runs, has let go of a file."""
        until, pid = time.monotonic() + _START, self.pid
        assert pid, "the service does not run"
        while file in open_files(pid):
            if time.monotonic() > until:
                raise OfficeError(f"the service keeps {file} open")
            time.sleep(0.02)

    @property
    def pid(self) -> int | None:
        """The service's process id, while it runs."""
        return self._child.pid if self._child and self._child.status is None else None

    @property
    def log_text(self) -> str:
        """All that the service wrote to its log so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    # -- what was kept --

    def records(self, controller: str = "acme") -> list[Record]:
        """All records of one controller, but those about records."""
        file = self.folder / "ledger" / f"{controller}.sqlite3"
        if not file.exists():
            return []
        store = SqliteStore(str(file))
        try:
            return [record for record in store.records() if record.event.kind not in KEPT]
        finally:
            store.close()


def spool(pbx: Pbx) -> dict[str, dict[str, str]]:
    """The rows of the fallback spool in AstDB: field by name, by key."""
    rows = {}
    for line in pbx.cli("database show informativa").splitlines():
        key, colon, value = line.partition(": ")
        if colon and key.startswith("/informativa/"):
            fields = (field.partition("=") for field in value.strip().split("|"))
            rows[key.strip().removeprefix("/informativa/")] = {name: text for name, _, text in fields}
    return rows


def without_privileges() -> list[str]:
    """A prefix under which a program obeys file modes even as root: without root's right to ignore them."""
    return ["setpriv", "--inh-caps=-all", "--bounding-set=-all"] if os.geteuid() == 0 else []
