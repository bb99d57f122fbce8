"""The parts of an installation with many boxes and companies: one database, the service, boxes that are
processes of the benchmark, and others that only listen."""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg

from informativa import config
from informativa.config import Configuration
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import SharedDatabase
from informativa.sharing import administration, schema
from informativa.sharing.connection import address
from lab.postgres import SUPERUSER, Postgres

from .figures import RefusedError
from .fleet_office import PASSWORD, FleetOffice

SERVICE, OBSERVER = "pbx-1", "pbx-2"
_SETTINGS = {"shared_buffers": "'512MB'", "max_wal_size": "'4GB'", "synchronous_commit": "on"}
_SETTINGS |= {"max_connections": "200"}
_SETTLE_SECONDS = 200.0  # for all boxes to be ready, or to have sent all: seconds on an idle machine
_LOOK_SECONDS = 0.25
_IN_MEMORY = Path("/dev/shm")
# A ledger of each other box of each company, as of boxes that took part and have sent nothing.
_REGISTERED = """
INSERT INTO informativa.ledger (company, box, identity)
SELECT company, %(box)s, decode(md5(company || %(box)s), 'hex') FROM informativa.company
"""
_SERVED = "INSERT INTO informativa.serves SELECT %s, company FROM informativa.company ON CONFLICT DO NOTHING"


class BoxProcess:
    """A box that is a process (`fleet_box`). It ends with this one."""

    def __init__(self, office: FleetOffice, name: str, folder: Path) -> None:
        command = [sys.executable, "-m", "bench.fleet_box", str(office.config), name, str(folder)]
        self.name, self.folder = name, folder
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True, name=f"answers of {name}").start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def order(self, **facts: object) -> None:
        """Give it an order, which it answers."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(facts) + "\n")
        self._process.stdin.flush()

    def answer(self, seconds: float = _SETTLE_SECONDS) -> dict[str, Any]:
        """Return its next answer. Raises RefusedError where there is none in time."""
        try:
            return self.answers.get(timeout=seconds)
        except queue.Empty:
            log = (self.folder / "log").read_text(errors="replace")
            raise RefusedError(f"{self.name} says nothing for {seconds:.0f} s: {log[-500:]}") from None

    def ask(self, **facts: object) -> dict[str, Any]:
        """Give it an order, and return its answer."""
        self.order(**facts)
        return self.answer()

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self.answers.put(json.loads(line))


@dataclass(frozen=True)
class Fleet:
    """All of it, while it runs."""

    office: FleetOffice
    configuration: Configuration
    server: Postgres
    boxes: Sequence[BoxProcess]
    """The boxes that are processes of the benchmark; the first is the one where others' records are seen."""
    stubs: int

    @property
    def box_count(self) -> int:
        """The number of all boxes."""
        return 1 + len(self.boxes) + self.stubs

    def database(self, box: str) -> SharedDatabase:
        """Return the database as that box knows it."""
        assert self.configuration.shared is not None
        return replace(self.configuration.shared, box=box)

    def settle(self) -> None:
        """Wait until all boxes have sent all. Raises RefusedError where they do not."""
        until = time.monotonic() + _SETTLE_SECONDS
        while states := [state for box in self.boxes if (state := box.ask())["behind"]]:
            if time.monotonic() > until:
                raise RefusedError(f"Boxes have not sent all within {_SETTLE_SECONDS:.0f} s: {states}")
            time.sleep(_LOOK_SECONDS)


@contextlib.contextmanager
def running(folder: Path, companies: int, boxes: int, stubs: int) -> Iterator[Fleet]:
    """An installation of so many companies, boxes that are processes, and stubs; the service is started by
    whoever measures it."""
    office = FleetOffice(folder / "etc", companies, SERVICE)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Postgres(folder / "pg", durable=True, settings=_SETTINGS))
        office.share(server)
        configuration = config.load(office.config)
        assert configuration.shared is not None
        names = [f"pbx-{number}" for number in range(1, boxes + stubs + 1)]
        _register(server, configuration, names, names[boxes:])
        memory = _IN_MEMORY if _IN_MEMORY.is_dir() else folder
        ledgers = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fleet-", dir=memory)))
        stack.enter_context(_stubs(folder, configuration.shared, names[boxes:]))
        processes = []
        for name in names[1:boxes]:
            (ledgers / name).mkdir()
            processes.append(BoxProcess(office, name, ledgers / name))
            stack.callback(processes[-1].close)
        for process in processes:
            process.answer()
        fleet = Fleet(office, configuration, server, processes, stubs)
        fleet.settle()
        yield fleet


def _register(
    server: Postgres, configuration: Configuration, names: Sequence[str], idle: Sequence[str]
) -> None:
    """Make the tables and the logins of all boxes, of which the `idle` ones take part in all companies."""
    assert configuration.shared is not None
    companies = list(configuration.controllers)
    list(administration.migrate(configuration.shared, companies[:1], SUPERUSER))
    with psycopg.connect(server.conninfo()) as connection:
        for statement in schema.served(schema.login(names[0]), companies):
            connection.execute(statement.encode())
        for name in names[1:]:
            login = schema.login(name)
            connection.execute(schema.made(login, f"LOGIN PASSWORD '{PASSWORD}'").encode())
            for statement in schema.served(login, ()):
                connection.execute(statement.encode())
            connection.execute(_SERVED, (login,))
        for name in idle:
            connection.execute("INSERT INTO informativa.box (box) VALUES (%s)", (name,))
            connection.execute(_REGISTERED, {"box": name})
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        for table in ("serves", "company", "ledger"):  # as autovacuum does within a minute
            connection.execute(f"ANALYZE informativa.{table}".encode())


@contextlib.contextmanager
def _stubs(folder: Path, database: SharedDatabase, names: Sequence[str]) -> Iterator[None]:
    """Boxes that only listen, all of them one process."""
    file = folder / "stubs"
    lines = (f"{name} {address(replace(database, box=name), '')}" for name in names)
    file.write_text("\n".join(lines), encoding="utf-8")
    with (folder / "stubs.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.fleet_stubs", str(file)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            raise RefusedError(f"The stubs do not start: {(folder / 'stubs.log').read_text()[-500:]}")
        yield
    finally:
        process.kill()
        process.wait()


class Observer:
    """A reader of one box's ledgers, who sees when a caller becomes known there."""

    def __init__(self, box: BoxProcess) -> None:
        self._folder = box.folder
        self._stores: dict[str, SqliteStore] = {}

    def knows(self, company: str, caller: bytes) -> bool:
        """Return whether the ledger knows the caller."""
        store = self._stores.get(company)
        if store is None:
            store = SqliteStore(str(self._folder / f"{company}.sqlite3"), read_only=True)
            self._stores[company] = store
        return bool(store.history(caller))

    def close(self) -> None:
        """Close the ledgers."""
        for store in self._stores.values():
            store.close()


Sample = Mapping[str, Any]


def lags(
    fleet: Fleet, rate: float, seconds: float, share_of_new: float, take: Callable[[Sample], None]
) -> list[float]:
    """Record calls on all boxes, so many a second in all. Return the seconds from commits until the first box
    knew the callers. `seen` is called for each of them. Raises RefusedError where calls were not recorded,
    or callers did not become known."""
    first, *others = fleet.boxes
    for box in fleet.boxes:
        box.order(rate=rate / len(fleet.boxes), seconds=seconds, new=share_of_new)
    waiting, took, ended, calls = list[Sample](), list[float](), 0, 0
    until = time.monotonic() + seconds + _SETTLE_SECONDS
    with contextlib.closing(Observer(first)) as observer:
        while waiting or ended < len(fleet.boxes):
            for box in fleet.boxes:
                with contextlib.suppress(queue.Empty):
                    answer = box.answers.get_nowait()
                    if "calls" in answer:
                        calls, ended = calls + answer["calls"], ended + 1
                    elif box in others:
                        waiting.append(answer)
            for sample in list(waiting):
                if observer.knows(sample["company"], bytes.fromhex(sample["caller"])):
                    took.append(time.monotonic() - sample["at"])
                    waiting.remove(sample)
                    take(sample)
            if time.monotonic() > until:
                raise RefusedError(f"{len(waiting)} callers did not become known, {ended} boxes ended.")
            time.sleep(0.002)
    if calls < 0.8 * rate * seconds:
        raise RefusedError(f"Boxes recorded {calls} calls in place of {rate * seconds:.0f}.")
    return took
