"""The peers: what each of them is, how it is started, and what it recorded."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from informativa import config
from informativa.call.caller import pseudonym
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Identified, Reason, Status
from lab import golang
from lab.debian import Unavailable, cache_folder, packages, running_suite, silent
from lab.office import Office
from lab.ports import free_port
from lab.process import Child

from .figures import RefusedError, SkippedError, refuse_trouble

SOURCES = Path(__file__).parent / "peers"
LINE = "+390212345678"  # of the example configuration
KNOWN = 10_000  # callers that the ledgers know: more than one page cache line, less than a minute to write
OURS, ONE_BY_ONE, LIMIT = "informativa", "one transaction per call", "null server in C"
SILENT, GO, PANORAMISK = "null server in C, no answer", "null server in Go", "panoramisk as it comes"
DURABLE, DURABLE_GO = "server in C with the same durable commit", "the same in Go"
TOLD = "INFORMATIVA_STATUS=NOTDUE"
_START = 20.0  # seconds


CALLS_AT_ONCE = 10_000  # records of a transaction


@dataclass(frozen=True)
class Rival:
    """A FastAGI server that runs."""

    name: str
    port: int
    pid: int
    expected: str = TOLD
    """The content of its command when it did its work; empty where it says nothing."""
    office: Office | None = None
    """Its folder, where it is informativa's own."""
    ledger: Path | None = None
    """The file in which it keeps records, if it does."""

    @property
    def script(self) -> str:
        """Return what a dialplan asks it for."""
        return self.office.script if self.office else "notice"

    def recorded(self) -> int:
        """Return how many calls are durably on record as not due."""
        assert self.ledger
        return not_due(self.ledger)


def not_due(ledger: Path) -> int:
    """Return how many calls a ledger has on record as not due."""
    with contextlib.closing(sqlite3.connect(ledger)) as connection:
        sql = "SELECT count(*) FROM event WHERE status = 'NOTDUE' AND kind = 'phone'"
        return int(connection.execute(sql).fetchone()[0])


def number(caller: int) -> str:
    """A caller's number, the same that load.c gives him."""
    return f"+39333{caller:07d}"


def acquaint(office: Office, callers: int = KNOWN, company: str = "acme") -> Path:
    """Have a company's ledger, which it returns, know so many callers."""
    controller = config.load(office.config).controllers[company]
    names = (pseudonym(Identified(number(caller)), controller.key) for caller in range(callers))
    return _acquainted(Path(controller.ledger), names)


def call_again(office: Office, calls: int, callers: int) -> None:
    """Put calls of known callers of the last 30 days on record, spread evenly over both."""
    controller, now = config.load(office.config).controllers["acme"], datetime.now(UTC)
    called = Event(
        at=now,
        call="",
        line=LINE,
        pseudonym=None,
        notice="privacy",
        version="2026-11",
        language="it",
        purposes=frozenset({"service"}),
        status=Status.NOTDUE,
        reason=Reason.ALREADY_INFORMED,
    )
    store = SqliteStore(str(controller.ledger))
    for first in range(0, calls, CALLS_AT_ONCE):
        numbers = range(first, min(first + CALLS_AT_ONCE, calls))
        store.append(
            [
                replace(
                    called,
                    at=now - timedelta(days=29) * (calls - call) / calls,
                    call=f"1.{call}",
                    pseudonym=pseudonym(Identified(number(call * callers // calls)), controller.key),
                )
                for call in numbers
            ]
        )
    store.close()


def _acquainted(ledger: Path, pseudonyms: Iterable[bytes]) -> Path:
    event = Event(
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
    store = SqliteStore(str(ledger))
    store.append([replace(event, pseudonym=name) for name in pseudonyms])
    store.close()
    return ledger


@contextlib.contextmanager
def served(name: str, folder: Path, prefix: Sequence[str] = ()) -> Iterator[Rival]:
    """informativa's service, or the one with a transaction per call, on its own ledger of known callers."""
    alone = (sys.executable, SOURCES / "transactions.py")
    office = Office(folder, program=alone) if name.startswith(ONE_BY_ONE) else Office(folder)
    ledger = acquaint(office)
    with serving(office, prefix) as pid:
        yield Rival(name, office.port, pid, office=office, ledger=ledger)


@contextlib.contextmanager
def serving(office: Office, prefix: Sequence[str] = ()) -> Iterator[int]:
    """The service of an office, while something is measured, and its process. Raises RefusedError where it
    logged a warning or an error."""
    office.start(prefix)
    try:
        assert office.pid
        yield office.pid
    finally:
        office.stop()
    refuse_trouble(office.log_text)


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
    expected = {SILENT: "", PANORAMISK: 'INFORMATIVA_STATUS "NOTDUE"'}.get(name, TOLD)
    with _started(name, makers[name](), port, folder) as pid:
        yield Rival(name, port, pid, expected)


@contextlib.contextmanager
def durable(folder: Path, name: str = DURABLE, prefix: Sequence[str] = ()) -> Iterator[Rival]:
    """A server that does informativa's durable work, and nothing else of it, on a ledger of known callers of
    its own. Raises SkippedError where it cannot be made or run."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    program = _durable_in_go(folder) if name.startswith(DURABLE_GO) else _durable_in_c(folder)
    names = (number(caller).encode().ljust(32, b"\0") for caller in range(KNOWN))
    ledger = _acquainted(folder / "ledger.sqlite3", names)
    with _started(name, [*prefix, program, str(port), str(ledger), *STATEMENTS], port, folder) as pid:
        yield Rival(name, port, pid, ledger=ledger)


@contextlib.contextmanager
def _started(name: str, command: list[str], port: int, folder: Path) -> Iterator[int]:
    """A server that takes calls, and its process. Raises RefusedError when it does not."""
    output = folder / "server.log"
    child = Child(command, cwd=folder, output=output)
    try:
        until = time.monotonic() + _START
        while not _answers(port):
            if child.wait(0.02) or time.monotonic() > until:
                raise RefusedError(f"{name} does not start: {output.read_text()[-500:]}")
        yield child.pid
    finally:
        child.kill()


def make_calls(
    folder: Path,
    port: int,
    calls: int,
    *,
    in_flight: int,
    callers: int = KNOWN,
    expected: str = TOLD,
    script: str = "notice",
    rate: int = 0,
) -> dict[str, float]:
    """Make calls with load.c, and what it prints: seconds, calls `expected`, microseconds of a call. With a
    `rate` it begins so many a second, whatever becomes of those before, and not `in_flight` at a time.

    Raises SkippedError where it cannot be compiled, RefusedError when a call was not taken at all.
    """
    command = [compiled("load", folder), *map(str, (port, calls, in_flight, callers)), expected, script]
    command += [str(rate)] if rate else []
    ran = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if ran.returncode:
        raise RefusedError(f"Not every call was taken: {ran.stderr.strip()}")
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


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
    return _made(program, _go(), "build", "-o", str(program), str(SOURCES / "null.go"))


# informativa's own look-up, and what it writes of a known caller's call: the record, and a leaf of the same
# size, whose hashes and salts are only drawn.
STATEMENTS = (
    "SELECT standing.record FROM standing WHERE pseudonym = :who",
    """INSERT INTO event (at, call, line, pseudonym, notice, version, language, purposes, status, reason,
                          prompt, basis, linked, recorded, vouched)
    VALUES (:at, :call, '+390212345678', :who, 'privacy', '2026-11', 'it', 'service', 'NOTDUE',
            'already-informed', '', :basis, :linked, :at, 'network')""",
    """INSERT INTO leaf (record, what, who, salt_what, salt_who, binding)
    VALUES (:record, randomblob(32), randomblob(32), randomblob(16), randomblob(16), randomblob(32))""",
)


def _durable_in_c(folder: Path) -> str:
    program = folder / "durable"
    flags = () if Path("/usr/include/sqlite3.h").exists() else _sqlite_flags()
    source = str(SOURCES / "durable.c")
    return _made(program, "cc", "-O2", "-o", str(program), source, *itertools.chain(*flags), "-lsqlite3")


def _durable_in_go(folder: Path) -> str:
    """It is compiled with the C library of SQLite that Debian has, by the package that Go programs use."""
    if not shutil.which("cc"):
        raise SkippedError("there is no `cc` on this machine, which Go needs for SQLite")
    program = folder / "durable-go"
    include, link = _sqlite_flags()
    sources = _unpacked("golang-github-mattn-go-sqlite3-dev") / "usr/share/gocode"
    settings = {
        "GO111MODULE": "off",
        "GOPATH": str(sources),
        "CGO_ENABLED": "1",
        "CGO_CFLAGS": " ".join(include),
        "CGO_LDFLAGS": " ".join(link),
    }
    options = ("build", "-tags", "libsqlite3", "-o", str(program), str(SOURCES / "durable.go"))
    return _made(program, _go(), *options, settings=settings)


def _sqlite_flags() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return how a compiler and a linker find Debian's SQLite."""
    root = _unpacked("libsqlite3-dev", "libsqlite3-0")
    (library,) = root.glob("usr/lib/*/libsqlite3.so")
    return (f"-I{root}/usr/include",), (f"-L{library.parent}", f"-Wl,-rpath,{library.parent}")


def _go() -> str:
    """Go's compiler. Raises SkippedError where it cannot be had."""
    try:
        return golang.compiler()
    except Unavailable as error:
        raise SkippedError(str(error)) from error


def _unpacked(*names: str) -> Path:
    """Debian packages, fetched as the lab does. Raises SkippedError where they cannot be had."""
    try:
        return packages(running_suite(), names, cache_folder(), silent, closure=False)
    except Unavailable as error:
        raise SkippedError(str(error)) from error


def _made(result: Path, compiler: str, *arguments: str, settings: Mapping[str, str] | None = None) -> str:
    if not shutil.which(compiler):
        raise SkippedError(f"there is no `{compiler}` on this machine")
    result.parent.mkdir(parents=True, exist_ok=True)
    environment = os.environ | dict(settings or {})
    ran = subprocess.run([compiler, *arguments], capture_output=True, text=True, check=False, env=environment)
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
