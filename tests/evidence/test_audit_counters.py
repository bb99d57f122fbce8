"""I7: an audit names each counter that its one pass over the records does not bear out."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evidence.ledger import audited, busy, forged, signed
from examples import PLAYED
from informativa.ledgers import audit_log, tally
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.tally import CounterRow
from lab.chance import by_day
from tallied import at, some

_TO = ("count + 1", "count - 1", "0", "-7", "'many'", "count + 0.5", "x'00'")
_CHANGES = (
    *(f"UPDATE tally SET count = {new}" for new in _TO),
    "UPDATE tally SET hour = hour + 1000",
    "UPDATE tally SET hour = 'never'",
    *(f"UPDATE tally SET {name} = 'x'" for name in ("line", "notice", "version", "language", "status")),
    "UPDATE tally SET line = CAST(x'ff' AS TEXT)",
    "DELETE FROM tally",
)


def _second_look(*_: object) -> list[CounterRow]:
    raise AssertionError("all records are counted once more")


@pytest.mark.slow
def test_i7_any_change_of_any_counter_is_named(tmp_path: Path) -> None:
    """Whatever is changed in a row of the counters, that row is named, and nothing that is right."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        some(store)
    key = signed(ledger)
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        keys = "hour, line, notice, version, language, status"
        counters = connection.execute(f"SELECT {keys} FROM tally").fetchall()
        for counter in counters[:: by_day(4, at_night=1)]:
            for change in _CHANGES:
                connection.execute("BEGIN")
                connection.execute(f"{change} WHERE ({keys}) = (?, ?, ?, ?, ?, ?)", counter)
                connection.execute("COMMIT")
                hour, line, notice, _version, _language, status = counter
                names = {
                    (counter.at, counter.line, counter.notice, counter.status)
                    for counter in audited(ledger, key).counters
                }
                assert (tally._hour_start(hour), line, notice, status) in names, (counter, change)
                assert len(names) <= 2
                _put_back(connection)
    assert (len(counters), audited(ledger, key).is_sound) == (8, True)


def _put_back(connection: sqlite3.Connection) -> None:
    """Derive the counters from the records again."""
    connection.execute("DELETE FROM tally")
    connection.execute(f"INSERT INTO tally {tally._DERIVED}")


def test_records_are_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a sound ledger one pass over the records proves all counters, also those of purged and erased
    records."""
    attacked = busy(tmp_path)
    monkeypatch.setattr(tally, "forged", _second_look)
    assert attacked.audit().is_sound


def test_several_processes_count_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls that reach from one share of the records into another are one call each, and a counter that is
    one too high is named."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([at(PLAYED, number // 300, f"{number // 3}.1", pseudonym=None) for number in range(600)])
    key = signed(ledger)
    monkeypatch.setattr(audit_log, "SHARE", 256)
    with monkeypatch.context() as patch:
        patch.setattr(tally, "forged", _second_look)
        assert audited(ledger, key).is_sound
    forged(ledger, "UPDATE tally SET count = count + 1 WHERE status = ''")
    counters = [(counter.status, counter.says, counter.records) for counter in audited(ledger, key).counters]
    assert counters == [("", 101, 100), ("", 101, 100)]
