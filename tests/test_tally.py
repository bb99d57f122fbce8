"""The counters of a ledger: kept with its records, and left as they are where records go."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from examples import OTHER, PLAYED
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers import expiry, restoring, tally
from informativa.ledgers.erasure import erase
from informativa.ledgers.loss_notes import LossNotes, read_loss_notes
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller, Status
from informativa.model.errors import EventRefusedError
from informativa.operations import statistics
from informativa.operations.statistics import DayStatistics
from tallied import START, at, some

_NOTHING = LossNotes((), (), (), ())
Rows = list[tuple[object, ...]]


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Return the path of a ledger that does not exist yet."""
    return tmp_path / "acme.sqlite3"


@pytest.fixture
def store(ledger: Path) -> Iterator[SqliteStore]:
    """Create that ledger."""
    with closing(SqliteStore(str(ledger))) as opened:
        yield opened


def counters(ledger: Path) -> Rows:
    """Hours after the start's, status, count; the known callers last."""
    with closing(sqlite3.connect(ledger)) as connection:
        first = int(START.timestamp()) // 3600
        query = "SELECT hour - ?, status, count FROM tally ORDER BY hour, line, status, notice"
        return [
            *connection.execute(query, (first,)).fetchall(),
            *connection.execute("SELECT callers FROM known").fetchall(),
        ]


def wrong(ledger: Path, notes: LossNotes | None = None) -> list[tuple[str, int, int]]:
    """The counters that the records do not bear out: status, what each says, what the records say."""
    with closing(sqlite3.connect(ledger)) as connection:
        counters = tally.forged(connection, notes or read_loss_notes(connection, [], LogFolder(ledger)))
        return [(counter.status, counter.says, counter.records) for counter in counters]


_SOME: Rows = [
    (0, "", 2), (0, "NOTDUE", 1), (0, "PLAYED", 1),
    (1, "PLAYED", 1),
    (2, "", 2), (2, "NOTDUE", 1), (2, "NOTDUE", 1), (2, "PLAYED", 1),
    (2,),
]  # fmt: skip


def test_call_is_counted_once_where_it_began(store: SqliteStore, ledger: Path) -> None:
    """A call of two notices, in one transaction or in two, is one call, of the hour of its first record."""
    some(store)
    assert counters(ledger) == _SOME
    assert wrong(ledger, _NOTHING) == []


def test_nothing_is_counted_that_was_not_committed(store: SqliteStore, ledger: Path) -> None:
    """If one event of a transaction is refused, none of them counts."""
    with pytest.raises(EventRefusedError):
        store.append([at(PLAYED, 0, "1.1"), at(PLAYED, 0, "2.1", pseudonym=b"short")])
    assert counters(ledger) == [(0,)]


def test_purge_and_erasure_leave_the_counts(store: SqliteStore, ledger: Path) -> None:
    """The number of calls of an hour leads to nobody and stays; the number of known callers goes down."""
    some(store)
    erase(ledger, [OTHER], START)
    assert counters(ledger) == [*_SOME[:-1], (1,)]
    assert wrong(ledger) == []
    assert expiry.purge(store, START + timedelta(hours=3), START + timedelta(days=9)) == 7
    assert counters(ledger) == [*_SOME[:-1], (0,)]
    assert wrong(ledger) == []


def test_restored_ledger_has_the_counters_of_the_backup(store: SqliteStore, ledger: Path) -> None:
    """Records since the backup are lost, and so are not counted."""
    some(store)
    copy = ledger.with_name("copy")
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    store.append([at(PLAYED, 5, "5.1")])
    store.close()
    restoring.restore(ledger, copy, START)
    assert counters(ledger) == _SOME
    assert wrong(ledger) == []


@pytest.mark.parametrize(
    ("statement", "is_seen"),
    [
        ("UPDATE tally SET count = 7 WHERE hour % 2 = 0 AND status = 'PLAYED'", True),
        ("UPDATE tally SET count = count + 1 WHERE status = ''", True),
        ("UPDATE tally SET count = 'many' WHERE status = ''", True),
        ("DELETE FROM tally WHERE status = 'NOTDUE'", True),
        ("INSERT INTO tally VALUES (1, 'l', 'privacy', '1', 'it', 'PLAYED', 1)", True),
        ("INSERT INTO tally VALUES (1 << 62, 'l', 'privacy', '1', 'it', 'PLAYED', 1)", True),
        ("INSERT INTO tally VALUES ('x', CAST(x'ff' AS TEXT), 'privacy', '1', 'it', 'PLAYED', 1)", True),
        ("UPDATE known SET callers = 99", True),
        ("UPDATE tally SET count = count", False),
    ],
)
def test_i7_forged_counter_is_found(store: SqliteStore, ledger: Path, statement: str, is_seen: bool) -> None:
    """I7: a counter that says more or less than the records that are all still there."""
    some(store)
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute(statement)
    assert bool(wrong(ledger)) is is_seen


def test_counter_may_say_more_only_where_records_were_purged(store: SqliteStore, ledger: Path) -> None:
    """Before the time of the purge; and less never."""
    some(store)
    store.append([at(PLAYED, 72, "9.1")])
    expiry.purge(store, START + timedelta(hours=1.25), START + timedelta(days=9))
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("UPDATE tally SET count = count + 5 WHERE status = 'PLAYED'")
    assert wrong(ledger) == [("PLAYED", 6, 1), ("PLAYED", 6, 1)]


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", {date(2026, 3, 28): 2, date(2026, 3, 29): 2}),
        ("Europe/Rome", {date(2026, 3, 28): 2, date(2026, 3, 29): 2}),
        ("Asia/Kolkata", {date(2026, 3, 29): 4}),
        ("America/New_York", {date(2026, 3, 28): 4}),
    ],
)
def test_days_are_those_of_the_zone(
    store: SqliteStore, ledger: Path, zone: str, days: dict[date, int]
) -> None:
    """An hour is of the day in which it begins, also where the zone is half an hour off."""
    some(store)
    acme = Controller("acme", "Acme", b"k" * 32, str(ledger), zone=ZoneInfo(zone))
    totals = statistics.by_day(acme, date(2026, 1, 1), date(2026, 12, 31))
    assert {day.date: day.calls for day in totals} == days
    assert sum(sum(day.by_status.values()) for day in totals) == 6
    (month,) = statistics.by_month(totals)
    assert month == DayStatistics(date(2026, 3, 1), 4, {Status.PLAYED: 3, Status.NOTDUE: 3}, {"l": 4}, 0.0)
