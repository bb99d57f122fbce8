"""The peers: what each of them is, how it is started, and what it recorded."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from informativa import config
from informativa.caller import pseudonym
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Identified, Reason, Status
from lab.office import Office, free_port
from lab.process import Child

from .figures import RefusedError, SkippedError

SOURCES = Path(__file__).parent / "peers"
LINE = "+390212345678"  # of the example configuration
KNOWN = 10_000  # callers that the ledgers know: more than one page cache line, less than a minute to write
OURS, ONE_BY_ONE, LIMIT = "informativa", "one transaction per call", "null server in C"
SILENT, GO, PANORAMISK = "null server in C, no answer", "null server in Go", "panoramisk as it comes"
TOLD = "INFORMATIVA_STATUS=NOTDUE"
_START = 20.0  # seconds


@dataclass(frozen=True)
class Rival:
    """A FastAGI server that runs."""

    name: str
    port: int
    pid: int
    told: str = TOLD
    """What its command holds when it did its work; empty where it says nothing."""
    office: Office | None = None
    """Its folder, where it keeps a ledger."""

    @property
    def script(self) -> str:
        """What a dialplan asks it for."""
        return self.office.script if self.office else "notice"

    def recorded(self) -> int:
        """How many calls are durably on record as not due."""
        assert self.office
        return not_due(self.office.folder / "ledger" / "acme.sqlite3")


def not_due(ledger: Path) -> int:
    """How many calls a ledger has on record as not due."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        sql = "SELECT count(*) FROM event WHERE status = 'NOTDUE'"
        return int(connection.execute(sql).fetchone()[0])


def number(caller: int) -> str:
    """A caller's number, the same that load.c gives him."""
    return f"+39333{caller:07d}"


def acquaint(office: Office, callers: int = KNOWN) -> None:
    """Have the first company's ledger know so many callers."""
    controller = config.load(office.config).controllers["acme"]
    told = Event(
        at=datetime.now(UTC),
        call="",
        line=LINE,
        pseudonym=None,
        notice="privacy",
        version="2026-11",
        language="it",
        purposes=frozenset({"service"}),
        status=Status.PLAYED,
        reason=Reason.NOT_INFORMED,
    )
    store = SqliteStore(controller.ledger)
    names = (pseudonym(Identified(number(caller)), controller.key) for caller in range(callers))
    store.append([Event(**{**vars(told), "pseudonym": name}) for name in names])
    store.close()


@contextlib.contextmanager
def served(name: str, folder: Path, prefix: Sequence[str] = ()) -> Iterator[Rival]:
    """informativa's service, or the one with a transaction per call, on its own ledger of known callers."""
    alone = (sys.executable, SOURCES / "transactions.py")
    office = Office(folder, program=alone) if name.startswith(ONE_BY_ONE) else Office(folder)
    acquaint(office)
    office.start(prefix)
    try:
        assert office.pid
        yield Rival(name, office.port, office.pid, office=office)
    finally:
        office.stop()


@contextlib.contextmanager
def null(folder: Path, name: str = LIMIT) -> Iterator[Rival]:
    """A server that decides and records nothing. Raises SkippedError where it cannot be made or run."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    makers: dict[str, Callable[[], list[str]]] = {
        LIMIT: lambda: [compiled("null", folder), str(port)],
        SILENT: lambda: [compiled("null", folder), str(port), "silent"],
        GO: lambda: [_compiled_go(folder), str(port)],
        PANORAMISK: lambda: [sys.executable, str(SOURCES / "plain_panoramisk.py"), str(port)],
    }
    told = {SILENT: "", PANORAMISK: 'INFORMATIVA_STATUS "NOTDUE"'}.get(name, TOLD)
    child = Child(makers[name](), cwd=folder, output=folder / "null.log")
    try:
        until = time.monotonic() + _START
        while not _answers(port):
            if child.wait(0.02) or time.monotonic() > until:
                raise RefusedError(f"{name} does not start; see {folder / 'null.log'}.")
        yield Rival(name, port, child.pid, told)
    finally:
        child.kill()


def make_calls(
    folder: Path,
    port: int,
    calls: int,
    *,
    in_flight: int,
    callers: int = KNOWN,
    told: str = TOLD,
    script: str = "notice",
    rate: int = 0,
) -> dict[str, float]:
    """Make calls with load.c, and what it prints: seconds, calls `expected`, microseconds of a call. With a
    `rate` it begins so many a second, whatever becomes of those before, and not `in_flight` at a time.

    Raises SkippedError where it cannot be compiled, RefusedError when a call was not taken at all.
    """
    command = [compiled("load", folder), *map(str, (port, calls, in_flight, callers)), told, script]
    command += [str(rate)] if rate else []
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if ran.returncode:
        raise RefusedError(f"Not every call was taken: {ran.stderr.strip()}")
    found: dict[str, float] = json.loads(ran.stdout)
    return found


@functools.cache
def compiled(source: str, folder: Path) -> str:
    """A C program of the benchmark's. Raises SkippedError where there is no compiler."""
    return _made(folder / source, "cc", "-O2", "-o", str(folder / source), str(SOURCES / f"{source}.c"))


def slow_disk(folder: Path, microseconds: int) -> list[str]:
    """A prefix under which each sync of a file takes so much longer."""
    library = folder / "slowsync.so"
    source = str(SOURCES / "slowsync.c")
    _made(library, "cc", "-O2", "-shared", "-fPIC", "-o", str(library), source, "-ldl")
    return ["env", f"LD_PRELOAD={library}", f"SLOWSYNC_US={microseconds}"]


def _compiled_go(folder: Path) -> str:
    program = folder / "null-go"
    return _made(program, "go", "build", "-o", str(program), str(SOURCES / "null.go"))


def _made(result: Path, compiler: str, *arguments: str) -> str:
    if not shutil.which(compiler):
        raise SkippedError(f"there is no `{compiler}` on this machine")
    result.parent.mkdir(parents=True, exist_ok=True)
    ran = subprocess.run([compiler, *arguments], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SkippedError(f"`{compiler}` failed: {ran.stderr.strip().splitlines()[-1]}")
    return str(result)


def _answers(port: int) -> bool:
    """Says an empty environment, because panoramisk's server loops for ever when a peer says nothing."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)):
            return False
        probe.sendall(b"\n\n")
        return True
