"""Proof: what its leaf costs a call, and what checkpoints, receipts and audits of many records take.

The ledger has as many records as are asked for, each with its leaf, as calls would have written them: two
of each caller, who was told and called again.
"""

from __future__ import annotations

import contextlib
import random
import shutil
import sqlite3
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from informativa import config
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.transaction import SqliteTransaction
from informativa.model import Controller
from informativa.operations.evidence import auditing, logs, receipts, verifying
from lab.office import Office

from .figures import Peers, Report, Result, SkippedError, Spread, Target, differences, same
from .records import event, fill

ADDED = 1000  # records from one checkpoint to the next: a busy minute
GROUP = 64  # calls that are in flight at once and share a transaction
MANY = 10_000_000
_RECORD_BYTES = 800  # of disk for each record, its tiles included; 620 seen
_SPARE = 2 << 30  # bytes of disk that stay free


def evidence(
    report: Report, folder: Path, *, records: int = 1_000_000, rounds: int = 9, times: int = 300
) -> None:
    """All of it at so many records; the ledger goes when the next one is made."""
    free, needed = shutil.disk_usage(folder).free, records * _RECORD_BYTES + _SPARE
    if free < needed:
        raise SkippedError(f"{needed >> 30} GiB of free disk are needed, {free >> 30} are there")
    controller = _controller(folder / "evidence")
    fill(controller, records)
    _checkpoints(report, controller, records, rounds)
    _sizes(report, controller)
    _receipts(report, controller, folder, times)
    _audit(report, "audit", controller, min(rounds, 3))
    for group in (1, GROUP):
        _appends(report, controller, rounds, 10 * times, group)


def _controller(folder: Path) -> Controller:
    return config.load(Office(folder).config).controllers["acme"]


def _checkpoints(report: Report, controller: Controller, records: int, rounds: int) -> None:
    with Watch() as first:
        added = logs.checkpoint(controller).added
    same("entries in the first checkpoint", 1 + records, added)  # the first one is the rule
    later = []
    for turn in range(rounds):
        begin = records + turn * ADDED + 1
        with contextlib.closing(SqliteStore(controller.ledger)) as store:
            store.append([event(controller, number) for number in range(begin, begin + ADDED)])
        with Watch() as watch:
            added = logs.checkpoint(controller).added
        same("records in the next checkpoint", ADDED, added)
        later.append(watch.seconds * 1000)
    title = f"first checkpoint, of {records:,} records"
    report.results += [
        Result("evidence", title, Spread((first.seconds,), "s")),
        Result("evidence", f"{title}, a second", Spread((records / first.seconds,), "records/s")),
        Result("evidence", f"checkpoint of {ADDED:,} more, at {records:,}", Spread(tuple(later), "ms")),
    ]


def _sizes(report: Report, controller: Controller) -> None:
    """Measure how much disk a record takes."""
    file = Path(controller.ledger)
    with contextlib.closing(SqliteStore(controller.ledger)) as store:
        records = store.count()
    published = [path for path in file.with_name(f"{file.stem}.log").rglob("*") if path.is_file()]
    sizes = {
        "in the ledger": file.stat().st_size,
        "of which are its leaf": _leaf_bytes(file),
        "published": sum(path.stat().st_size for path in published),
        "published, on the disk": sum(path.stat().st_blocks * 512 for path in published),
    }
    for where, size in sizes.items():
        if size:
            report.results.append(
                Result("evidence", f"bytes of a record {where}", Spread((size / records,), "bytes"))
            )


def _leaf_bytes(file: Path) -> int:
    """0 where this SQLite does not tell."""
    sql = "SELECT sum(pgsize) FROM dbstat WHERE name IN ('leaf', 'leaf_record')"
    with contextlib.closing(sqlite3.connect(file)) as connection, contextlib.suppress(sqlite3.Error):
        return int(connection.execute(sql).fetchone()[0])
    return 0


def _receipts(report: Report, controller: Controller, folder: Path, times: int) -> None:
    """Measure receipts of records at random; without the start of the program, which takes longer."""
    with contextlib.closing(SqliteStore(controller.ledger, read_only=True)) as store:
        records = store.count()
    chosen = random.Random(1)
    made, verified, file = [], [], folder / "receipt"
    for _ in range(times):
        number = chosen.randrange(records) + 1
        with Watch() as watch:
            one = receipts.of_record(controller, number)
        made.append(watch.seconds * 1000)
        file.write_bytes(one.receipt.proof.data)
        with Watch() as watch:
            verification = verifying.verify([file], (one.key,))
        verified.append(watch.seconds * 1000)
        same("receipts that hold", True, verification.holds)
    for work, values, most in (("receipt", made, 50), ("verify", verified, 20)):
        slow = statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]
        report.results += [
            Result(
                "evidence", f"{work} of one of {records:,} records", Spread(tuple(values), "ms"), Target(most)
            ),
            Result("evidence", f"{work}, slower than 99 of 100", Spread((slow,), "ms"), Target(most)),
        ]


def _audit(report: Report, title: str, controller: Controller, rounds: int) -> None:
    rates = []
    with contextlib.closing(SqliteStore(controller.ledger, read_only=True)) as store:
        records = store.count()
    for _ in range(rounds):
        with Watch() as watch:
            ledger = auditing.audit(controller)
        same("records that are whole", (True, records), (ledger.sound, ledger.whole))
        rates.append(records / watch.seconds)
    target = Target(60_000, at_most=False)
    report.results.append(
        Result("evidence", f"{title} of {records:,} records", Spread(tuple(rates), "records/s"), target)
    )


def _appends(report: Report, controller: Controller, rounds: int, times: int, group: int) -> None:
    """Measure a record with its leaf and without, in turns. No audit would pass those without, and SQLite
    counts them: their leaves do it otherwise."""
    cpu: dict[bool, list[float]] = {True: [], False: []}
    rates = []
    with contextlib.closing(SqliteStore(controller.ledger)) as store:
        for turn in range(-1, rounds):  # the first one only warms up
            for leaves in (True, False) if turn % 2 else (False, True):
                used, seconds = _appended(store, controller, times, group, leaves=leaves)
                if turn >= 0:
                    cpu[leaves].append(used / times * 1e6)
                if turn >= 0 and leaves:
                    rates.append(times / seconds)
    of = "one a transaction" if group == 1 else f"{group} in a transaction"
    spreads = {"with its leaf": Spread(tuple(cpu[True]), "µs"), "without": Spread(tuple(cpu[False]), "µs")}
    report.peers.append(Peers("evidence", f"CPU to append a record, {of}", spreads))
    leaf = differences(cpu[True], cpu[False], "µs")
    report.results += [
        Result("evidence", f"CPU that a call's proof takes, {of}", leaf, Target(30)),
        Result("evidence", f"append, {of}", Spread(tuple(rates), "records/s")),
    ]


def _appended(
    store: SqliteStore, controller: Controller, times: int, group: int, *, leaves: bool
) -> tuple[float, float]:
    """Seconds of CPU, and in all, to bind so many calls of known callers to their numbers and append them, or
    to append them alone."""
    before, first = store.log().next, store.newest() + 1
    with contextlib.nullcontext() if leaves else _without_proof(store), Watch() as watch:
        used = time.process_time()
        for at in range(first, first + times, group):
            numbers = range(at, min(at + group, first + times))
            store.append([event(controller, number // 2 * 2, bound=leaves) for number in numbers])
        used = time.process_time() - used
    same("leaves of the records appended", times if leaves else 0, store.log().next - before)
    return used, watch.seconds


@contextlib.contextmanager
def _without_proof(store: SqliteStore) -> Iterator[None]:
    """A ledger as it would be: no leaves, and SQLite sees to it that no number is used again. What it got is
    gone afterwards, so that records and leaves are counted alike, as where a ledger began with a log."""
    newest = store.newest()
    with store.connected() as connection:
        _replace(connection, "PRIMARY KEY", "PRIMARY KEY AUTOINCREMENT")
        with mock.patch.object(SqliteTransaction, "commit_to", _nothing):
            yield
        _replace(connection, "PRIMARY KEY AUTOINCREMENT", "PRIMARY KEY")
        connection.execute("DELETE FROM sqlite_sequence")
        connection.execute("PRAGMA foreign_keys = OFF")  # or each would be looked for in all others
        connection.execute("DELETE FROM event WHERE record > ?", (newest,))
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _replace(connection: sqlite3.Connection, old: str, new: str) -> None:
    """In what the table of records was made by."""
    for sql in (
        "BEGIN IMMEDIATE",
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_schema SET sql = replace(sql, '{old}', '{new}') WHERE name = 'event'",
        "CREATE TABLE changed (x)",
        "DROP TABLE changed",
        "PRAGMA writable_schema = RESET",
        "COMMIT",
    ):
        connection.execute(sql)


def _nothing(*_: object, **__: object) -> None:
    """In place of a leaf."""


class Watch:
    """A watch: the seconds that the work within it takes."""

    seconds = 0.0

    def __enter__(self) -> Watch:
        self._begun = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begun
