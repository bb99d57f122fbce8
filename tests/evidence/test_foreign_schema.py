"""Parts of a ledger that somebody else made: each is named, and no ledger of ours has any."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from commands import typed
from evidence.ledger import Busy, audited, forged
from informativa.ledgers.sqlite import SqliteStore

TRIGGER = "CREATE TRIGGER audit AFTER INSERT ON event BEGIN DELETE FROM event WHERE record = new.record; END"


def parts(ledger: Path) -> list[str]:
    """Return what a ledger has besides."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        return store.foreign_schema()


def test_new_ledger_and_one_with_statistics_have_no_foreign_part(tmp_path: Path) -> None:
    """ANALYZE, which an admin may type, makes tables of SQLite's own."""
    ledger = tmp_path / "acme.sqlite3"
    SqliteStore(str(ledger)).close()
    forged(ledger, "ANALYZE")
    assert parts(ledger) == []


def test_comment_of_an_earlier_release_is_no_difference(tmp_path: Path) -> None:
    """SQLite keeps the text by which a table was made."""
    ledger = tmp_path / "acme.sqlite3"
    SqliteStore(str(ledger)).close()
    forged(
        ledger,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = replace(sql, '-- without gaps', '-- gapless') WHERE name = 'leaf'",
    )
    with closing(sqlite3.connect(ledger)) as connection:
        assert (
            "-- gapless"
            in connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'leaf'").fetchone()[0]
        )
    assert parts(ledger) == []


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (TRIGGER, ["trigger audit"]),
        ("CREATE VIEW calls AS SELECT * FROM event", ["view calls"]),
        ("CREATE TABLE copy (record INTEGER)", ["table copy"]),
        ("CREATE INDEX event_line ON event (line)", ["index event_line"]),
        ("DROP INDEX leaf_record", ["index leaf_record"]),
        ("ALTER TABLE event ADD COLUMN number TEXT", ["table event"]),
        ("DROP TABLE owner", ["table owner"]),
    ],
)
def test_i7_part_of_somebody_elses_is_named_by_the_audit(
    attacked: Busy, statement: str, named: list[str]
) -> None:
    """I7: whatever it does, it is none of the program's."""
    forged(attacked.ledger, statement)
    assert parts(attacked.ledger) == named
    problems = [str(problem) for problem in audited(attacked.ledger, attacked.key).problems]
    assert problems == [
        f"The ledger {attacked.ledger} has parts that informativa did not make: {', '.join(named)}."
    ]


def test_check_says_which_trigger_and_what_to_type(folder: Path) -> None:
    """The admin is told, before anybody audits."""
    ledger = folder / "ledger" / "acme.sqlite3"
    SqliteStore(str(ledger)).close()
    forged(ledger, TRIGGER)
    code, _out, err = typed("check", "-c", folder / "informativa.yaml")
    assert code == 1
    words = " ".join(err.split())
    assert f"{ledger} has parts that informativa did not make: trigger audit" in words
    assert f"informativa evidence audit -c {folder}/informativa.yaml --controller acme" in words
