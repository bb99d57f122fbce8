"""A ledger that goes back to the schema of an earlier informativa: with all records, or not at all."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from examples import ONE, OTHER, PLAYED
from informativa.ledgers import backup, migrating, reversing
from informativa.ledgers.ledger_file import LedgerFile
from informativa.ledgers.reversing import EarlierSchema
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerError
from old_ledgers import NEWEST, form, old, rows

NOW = datetime.now(UTC) + timedelta(days=1)  # after the copy that the upgrade makes, whose name has its day
SCHEMAS = range(12, NEWEST)
STRUCTURE = "SELECT type, name, tbl_name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2"
COLUMNS = "SELECT name, type, \"notnull\", dflt_value, pk FROM pragma_table_info('{}')"


def structure(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Tables, indexes and triggers of a ledger, and the columns of each table."""
    parts = rows(file, STRUCTURE)
    tables = {str(name): rows(file, COLUMNS.format(name)) for kind, name, _ in parts if kind == "table"}
    return tables | {"parts": parts}


def upgraded(folder: Path, schema: int) -> Path:
    """A ledger of an earlier schema, with records, that was brought to the newest one."""
    ledger = old(folder / "acme.sqlite3", schema)
    SqliteStore(str(ledger)).close()
    assert form(ledger) == NEWEST
    return ledger


def changed(ledger: Path, statement: str) -> Path:
    """The ledger after a change."""
    with closing(sqlite3.connect(ledger, isolation_level=None)) as connection:
        connection.execute(statement)
    return ledger


def test_every_migration_has_its_way_back() -> None:
    """Of the same name, from the first release on."""
    folder = Path(migrating.__file__).parent
    migrations = sorted(file.name for file in (folder / "migrations").glob("*.sql") if file.name > "0013")
    assert sorted(file.name for file in (folder / "reversals").glob("*.sql")) == migrations


@pytest.mark.parametrize("schema", SCHEMAS)
def test_reversed_ledger_is_as_the_earlier_program_made_it(tmp_path: Path, schema: int) -> None:
    """Tables, columns, indexes and triggers are those of the schema, its records stay, and the copy has the
    newest schema."""
    ledger = upgraded(tmp_path / "new", schema)
    expected = structure(old(tmp_path / "old/acme.sqlite3", schema))
    assert reversing.plan(ledger, "acme", EarlierSchema("0.2.0", schema)).records == 3
    assert form(ledger) == NEWEST
    reversing.reverse(ledger, "acme", EarlierSchema("0.2.0", schema), NOW)
    assert form(ledger) == schema
    assert structure(ledger) == expected
    assert rows(ledger) == rows(tmp_path / "old/acme.sqlite3")
    assert rows(ledger, "PRAGMA integrity_check") == [("ok",)]
    copies = [copy.schema for copy in backup.backups(ledger)]
    assert copies == [schema, NEWEST]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_records_made_after_the_upgrade_survive_both_ways(tmp_path: Path, schema: int) -> None:
    """Where an earlier program can keep them they are there in its schema, and its callers stay known after
    the next upgrade; where it cannot, the ledger stays as it is."""
    ledger = upgraded(tmp_path, schema)
    with closing(SqliteStore(str(ledger))) as store:
        store.append([replace(PLAYED, pseudonym=OTHER, call="9", linked="9")])
    if schema < 15:  # its leaf is of version 2
        with pytest.raises(LedgerError, match="which could not keep 1 leaf of version 2 in the log"):
            reversing.reverse(ledger, "acme", EarlierSchema("0.2.0", schema), NOW)
        assert form(ledger) == NEWEST
        assert len(rows(ledger)) == 4
        return
    leaves = rows(ledger, "SELECT leaf, record, what, who, salt_what, salt_who FROM leaf")
    reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", schema), NOW)
    assert len(rows(ledger)) == 4
    assert rows(ledger, "SELECT leaf, record, what, who, salt_what, salt_who FROM leaf") == leaves
    with closing(SqliteStore(str(ledger))) as store:
        assert store.history(OTHER)["privacy"].record == 4
        assert store.history(ONE)["privacy"].record == 3


@pytest.mark.parametrize(
    ("statement", "target", "message"),
    [
        (
            "INSERT INTO answer VALUES (zeroblob(32), 'c', 1, 'granted', '1', '', 1, 1, 'rome', 1, 0)",
            18,
            "1 answer from another box, of whose withdrawal it would not hear",
        ),
        (
            "INSERT INTO outbox (record, id, subject, bulk, word, choice, purpose, version, at, recorded)"
            " VALUES (1, 'm', 's', 0, 'granted', 'c', 'p', '1', 1, 1)",
            17,
            "1 message that the company's hook has not taken yet",
        ),
        ("UPDATE event SET asked = '{}'", 16, "3 answers to choices"),
        ("INSERT INTO tally VALUES (1, 'l', 'c', '', '', 'not-asked', 4)", 16, "1 answer to a choice"),
        ("INSERT INTO leaf (leaf, record) VALUES (0, 1)", 15, "1 note in the log"),
        (
            "INSERT INTO erasure_request (request, held, pseudonyms, sealed) VALUES (1, 1, '', 'sealed')",
            12,
            "1 erasure that other boxes have not done yet",
        ),
        ("SELECT 1", 11, "tables of before 0.2.0"),
    ],
    ids=["other-box", "outbox", "answers", "not-asked", "note", "erasure", "too-old"],
)
def test_row_that_would_be_lost_keeps_the_ledger_as_it_is(
    tmp_path: Path, statement: str, target: int, message: str
) -> None:
    """The row is named, nothing is changed, and no copy is made."""
    ledger = changed(upgraded(tmp_path, 16), statement)
    before = structure(ledger), rows(ledger)
    for attempt in (reversing.plan, lambda *words: reversing.reverse(*words, NOW)):
        with pytest.raises(LedgerError, match=message) as refusal:
            attempt(ledger, "acme", EarlierSchema("0.3.0", target))
        assert "0.3.0" in str(refusal.value)
    assert (structure(ledger), rows(ledger)) == before
    assert [copy.schema for copy in backup.backups(ledger)] == [16]


def test_refusal_says_what_to_type_instead(tmp_path: Path) -> None:
    """The copy from before the upgrade where there is one, else to stay; and the command that sends what
    waits."""
    ledger = changed(upgraded(tmp_path, 16), "UPDATE event SET asked = '{}'")
    with pytest.raises(LedgerError) as refusal:
        reversing.plan(ledger, "acme", EarlierSchema("0.3.0", 16))
    (copy,) = backup.backups(ledger)
    assert f"type with it: informativa ledger restore {copy.file} --controller acme" in str(refusal.value)
    copy.file.unlink()
    with pytest.raises(LedgerError, match="Stay with this version, or install a newer one"):
        reversing.plan(ledger, "acme", EarlierSchema("0.3.0", 16))


def test_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reversal is refused before it begins, with the room that it needs; twice is the same as once."""
    ledger = upgraded(tmp_path, 16)
    with monkeypatch.context() as full:
        full.setattr("shutil.disk_usage", lambda _folder: _Usage())
        with pytest.raises(LedgerError, match=r"1. MB are needed, 1 MB are free"):
            reversing.plan(ledger, "acme", EarlierSchema("0.3.0", 16))
        with pytest.raises(LedgerError, match="There is no room"):
            reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", 16), NOW)
    assert form(ledger) == NEWEST
    for _ in range(2):
        reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", 16), NOW)
    assert form(ledger) == 16


class _Usage:
    """A disk with little room."""

    free = 1_000_000


def _killed_at(ledger: Path, migration: int) -> None:
    """Reverse a ledger in this process, which ends when it comes to that migration."""

    def fatal(sql: str) -> Iterator[str]:
        if sql == (reversals / migration_file).read_text():
            os.kill(os.getpid(), signal.SIGKILL)
        return statements(sql)

    statements, reversals = migrating.statements, Path(reversing.__file__).with_name("reversals")
    (migration_file,) = [file.name for file in reversals.glob(f"{migration:04}_*.sql")]
    migrating.statements = fatal
    reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", 16), NOW)


@pytest.mark.parametrize("migration", [19, 18, 17])
def test_process_killed_within_a_reversal_leaves_the_newest_schema(tmp_path: Path, migration: int) -> None:
    """All of it is one transaction; the next one does it, with the same copy."""
    ledger = upgraded(tmp_path, 16)
    process = multiprocessing.get_context("fork").Process(target=_killed_at, args=(ledger, migration))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with closing(LedgerFile(str(ledger), read_only=True)):
        assert form(ledger) == NEWEST
    reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", 16), NOW)
    assert form(ledger) == 16
    assert len(rows(ledger)) == 3
    assert [copy.schema for copy in backup.backups(ledger)] == [16, NEWEST]


def test_ledger_in_use_is_named(tmp_path: Path) -> None:
    """A process that has it open, as a script with a call, is waited for, and named if it stays."""
    ledger = upgraded(tmp_path, 16)
    context = multiprocessing.get_context("fork")
    pipe, theirs = context.Pipe()  # not events, which need shared memory
    process = context.Process(target=_holding, args=(ledger, theirs))
    process.start()
    assert pipe.poll(60)
    with pytest.raises(LedgerError, match=f"is open \\(process {process.pid}\\)"):
        reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", 16), NOW, seconds=0)
    pipe.send("over")
    reversing.reverse(ledger, "acme", EarlierSchema("0.3.0", 16), NOW)
    process.join(60)
    assert form(ledger) == 16


def _holding(ledger: Path, tests: Connection) -> None:
    """Have a ledger open until that is over."""
    with closing(LedgerFile(str(ledger), create=False)):
        tests.send("ready")
        tests.poll(60)
