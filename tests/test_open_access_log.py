"""Access log that a console holds open: what must hold as if it was opened for each entry."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evidence.ledger import of
from informativa.ledgers import access_heads, open_access_log
from informativa.ledgers.access_check import RememberedCheck
from informativa.ledgers.access_log import AccessLog, LoggedAccess, writing
from informativa.ledgers.open_access_log import OpenAccessLog
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Action
from informativa.model.errors import LedgerError
from traces import HE, traces

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
LOOK = LoggedAccess(NOW, "anna", Action.OPEN_CALLER, HE)
PATIENCE = 60.0  # seconds until what never comes is a failure
CHANGED = "UPDATE access SET account = 'carla' WHERE number = 2"


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """One that stands still."""
    return Clock()


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with a record."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        store.append([of(1)])
    return file


@pytest.fixture
def log(ledger: Path, clock: Clock) -> Iterator[OpenAccessLog]:
    """The log beside it, to which three looks were added."""
    log = OpenAccessLog(ledger, clock)
    for _look in range(3):
        log.add(LOOK)
    yield log
    log.close()


def checked(check: RememberedCheck, log: OpenAccessLog, ledger: Path) -> list[str]:
    """Return what a check says, without the file's name."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store, store.connected() as connection:
        return [str(text).partition(".access ")[2] for text in check.problems(connection, log, NOW)]


def state_head(log: AccessLog, ledger: Path) -> None:
    """Put the newest entry on record in the ledger."""
    with closing(SqliteStore(str(ledger))) as store:
        assert access_heads.keep(store, log, datetime.now(UTC))


def forge(log: AccessLog, statement: str) -> None:
    """Change the file by SQL, as somebody does who may write it."""
    with closing(sqlite3.connect(log.file)) as connection, connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        assert connection.execute(statement).rowcount == 1


def test_what_it_adds_others_read_and_continue(log: OpenAccessLog, ledger: Path) -> None:
    """Each entry is on the disk when it has its number, and entries of other processes come between."""
    assert log.file.with_name(f"{log.file.name}-wal").stat().st_size
    other = AccessLog(ledger)
    assert [other.add(LOOK), log.add(LOOK), other.add(LOOK), log.add(LOOK)] == [4, 5, 6, 7]
    assert (other.verify().rows, other.verify().first_wrong) == (7, None)


def test_file_is_alone_again_when_nobody_uses_it(
    ledger: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute after the last entry it is closed, and its write-ahead log is gone; the next one opens it."""
    closed, close = threading.Event(), OpenAccessLog._close

    def note_close(log: OpenAccessLog) -> None:
        close(log)
        closed.set()

    monkeypatch.setattr(open_access_log, "SPARE_SECONDS", 0.001)
    monkeypatch.setattr(OpenAccessLog, "_close", note_close)
    log = OpenAccessLog(ledger, clock)
    log.add(LOOK)
    assert log.file.with_name(f"{log.file.name}-wal").exists()
    clock.at += 60.0
    assert closed.wait(PATIENCE)
    with log._lock:
        assert not log.file.with_name(f"{log.file.name}-wal").exists()
    assert log.add(LOOK) == 2


def test_an_open_log_that_nobody_adds_to_has_not_grown(log: OpenAccessLog) -> None:
    """By the times of both files: the service need not open it every minute."""
    day = datetime(2026, 11, 26, tzinfo=UTC).timestamp()
    ends = [log.file, log.file.with_name(f"{log.file.name}-wal")]
    for file in ends:
        os.utime(file, (day, day))
    assert not log.may_have_grown(datetime(2026, 11, 26, 0, 0, 3, tzinfo=UTC))
    os.utime(ends[1], (day + 2, day + 2))
    assert log.may_have_grown(datetime(2026, 11, 26, 0, 0, 3, tzinfo=UTC))


def test_entries_that_wait_are_added_together(log: OpenAccessLog) -> None:
    """In one transaction; one that cannot be added is an error of its own, and keeps out no other."""
    entries = [replace(LOOK, account=name) for name in ("ada", "\ud800", "berta")]
    results: list[int | LedgerError] = []

    def add(entry: LoggedAccess) -> None:
        try:
            results.append(log.add(entry))
        except LedgerError as error:
            results.append(error)

    with log._lock:
        threads = [threading.Thread(target=add, args=(entry,)) for entry in entries]
        for thread in threads:
            thread.start()
        while len(log._waiting) < len(entries):
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join(PATIENCE)
    assert sorted(number for number in results if isinstance(number, int)) == [4, 5]
    assert {entry.account for entry in log.page(None, 2)} == {"ada", "berta"}
    assert (log.verify().rows, log.verify().first_wrong) == (5, None)


def test_one_transaction_for_all_that_wait(log: OpenAccessLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty people who look at once cost one synchronisation."""
    transactions = []

    def counted(connection: sqlite3.Connection) -> object:
        transactions.append(1)
        return writing(connection)

    monkeypatch.setattr(open_access_log, "writing", counted)
    with log._lock:
        threads = [threading.Thread(target=log.add, args=(LOOK,)) for _person in range(20)]
        for thread in threads:
            thread.start()
        while len(log._waiting) < 20:
            threading.Event().wait(0.001)
    for thread in threads:
        thread.join(PATIENCE)
    assert (len(transactions), log.verify().rows) == (1, 23)


def test_an_entry_goes_where_others_see_it(log: OpenAccessLog, ledger: Path) -> None:
    """Also after somebody has deleted the file while it was open."""
    log.file.unlink()
    assert log.add(replace(LOOK, account="berta")) == 1
    (entry,) = AccessLog(ledger).page(None, 1)
    assert (entry.number, entry.account) == (1, "berta")
    chain = AccessLog(ledger).verify()
    assert (chain.rows, chain.first_wrong) == (1, None)


def test_i9_erasure_beside_an_open_log_leaves_no_byte(log: OpenAccessLog, ledger: Path) -> None:
    """Another process erases whom an entry is about, while the log is open here."""
    assert traces(log.file.parent, HE)
    assert AccessLog(ledger).erase([HE]) == 3
    assert traces(log.file.parent, HE) == []
    assert log.add(LoggedAccess(NOW, "anna", Action.LOGIN)) == 4


def test_only_new_entries_are_checked_again(
    log: OpenAccessLog, ledger: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    """What was right stays so while only this process adds; others' entries and ten minutes have all of it
    checked."""
    rows = []
    intact = open_access_log.AccessLog.verify

    def counted(self: AccessLog, numbers: object = (), after: object = None) -> object:
        rows.append(None if after is None else after.number)  # type: ignore[attr-defined]
        return intact(self, numbers, after)  # type: ignore[arg-type]

    monkeypatch.setattr(open_access_log.AccessLog, "verify", counted)
    check = RememberedCheck(clock)
    assert checked(check, log, ledger) == []
    log.add(LOOK)
    state_head(log, ledger)
    assert checked(check, log, ledger) == []
    AccessLog(ledger).add(LOOK)
    assert checked(check, log, ledger) == []
    clock.at += 599.0
    assert checked(check, log, ledger) == []
    clock.at += 1.0
    assert checked(check, log, ledger) == []
    assert rows == [None, 3, None, 5, None]


def test_a_change_of_what_was_right_is_named_at_once(log: OpenAccessLog, ledger: Path, clock: Clock) -> None:
    """By SQL, in the bytes of the file, or by a file in its place; and as long as it is so."""
    check = RememberedCheck(clock)
    state_head(log, ledger)
    assert checked(check, log, ledger) == []
    forge(log, CHANGED)
    assert checked(check, log, ledger) == ["was changed at entry 2."] == checked(check, log, ledger)
    log.add(LOOK)
    assert checked(check, log, ledger) == ["was changed at entry 2."]


def test_changed_bytes_are_named(log: OpenAccessLog, ledger: Path, clock: Clock) -> None:
    """What is written into the file beside SQLite."""
    with closing(sqlite3.connect(log.file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    check = RememberedCheck(clock)
    assert checked(check, log, ledger) == []
    before, data = log.file.stat(), log.file.read_bytes()
    assert data.count(b"annaopen-caller") == 3
    with log.file.open("r+b", buffering=0) as file:
        file.seek(data.index(b"annaopen-caller"))
        file.write(b"bert")
    os.utime(log.file, ns=(before.st_atime_ns, before.st_mtime_ns))
    (text,) = checked(check, log, ledger)
    assert text.startswith("was changed at entry ")


def test_a_shorter_log_is_named(log: OpenAccessLog, ledger: Path, clock: Clock) -> None:
    """One that was taken away, after what is in the ledger was right, and one that is another."""
    state_head(log, ledger)
    check = RememberedCheck(clock)
    assert checked(check, log, ledger) == []
    log.file.unlink()
    log.add(LOOK)
    assert checked(check, log, ledger) == ["ends before entry 3, which the ledger has."]
    for _look in range(2):
        log.add(LOOK)
    assert checked(check, log, ledger) == ["has another entry 3 than the ledger says."]


def test_records_of_another_ledger_are_read_anew(log: OpenAccessLog, ledger: Path, clock: Clock) -> None:
    """A ledger that was put in the place of one that was read, as a restored copy is."""
    check = RememberedCheck(clock)
    other = ledger.with_name("other.sqlite3")
    with closing(SqliteStore(str(other))) as store:
        store.append([of(2), of(3)])
    elsewhere = AccessLog(other)
    for _look in range(5):
        elsewhere.add(LOOK)
    state_head(elsewhere, other)
    assert checked(check, log, ledger) == []
    other.replace(ledger)
    assert checked(check, log, ledger) == ["ends before entry 5, which the ledger has."]
