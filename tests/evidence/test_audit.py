"""I7: whatever of a ledger or its log is changed, an audit finds and names it, and it finds nothing else."""

from __future__ import annotations

import errno
import os
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from choosing import answering
from evidence.ledger import RESTS_ON_ERASED, TABLES, Busy, audited, forged, harmless, of, signed
from evidence.ruled import LOG, RULE, company
from examples import AT, NOTDUE, PARTIAL, PLAYED
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Signer, sign
from informativa.ledgers import audit, audit_history, audit_log, expiry, note_leaves, rows
from informativa.ledgers.audit_flaws import AuditedFlaw
from informativa.ledgers.audit_log import audit_ledger
from informativa.ledgers.erasure import erase
from informativa.ledgers.sequencer import begin_epoch, sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Answer, Event, Reason, RecordKind, Status
from informativa.model.errors import EvidenceError
from lab.chance import by_day


def named(attacked: Busy) -> set[tuple[int, str, int | None]]:
    """Each flaw that is found: the record, what, its leaf."""
    return {(flaw.record, str(flaw.flaw), flaw.leaf) for flaw in attacked.audit().flaws}


def test_untouched_ledger_is_sound(original: Busy) -> None:
    """With records that were erased, purged, supplements, changed keys and numbers; and each is
    counted as what became of it."""
    result = original.audit()
    assert (result.is_sound, result.flaws, result.history, result.problems) == (True, (), (), ())
    assert (result.counted.whole, result.counted.erased, result.counted.purged) == (17, 5, 3)
    assert (result.signed, result.log.size) == (25, 25)


def test_calls_go_on_meanwhile(attacked: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that are made, purged and erased between two looks are no flaw."""
    share = audit_log._Task.check
    turns: list[int] = []

    def looked(self: audit_log._Task, _connection: sqlite3.Connection) -> audit_log._Share:
        if not turns:
            turns.append(1)
            with closing(SqliteStore(str(attacked.ledger))) as store:
                store.append([of(3), of(1, NOTDUE, basis=9)])
                expiry.purge(store, AT - timedelta(hours=1), AT)
            erase(attacked.ledger, [of(8).pseudonym], AT)  # type: ignore[list-item]
        with closing(sqlite3.connect(attacked.ledger)) as now:
            return share(self, now)

    monkeypatch.setattr(audit_log._Task, "check", looked)
    assert attacked.audit().is_sound
    signed(attacked.ledger)
    monkeypatch.undo()
    assert attacked.audit().is_sound


def test_short_way_and_long_way_see_the_same(original: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each record that is as calls make it opens by its row alone; without that the audit finds no other."""
    opened: list[bool] = []
    opens = audit.opens

    def recorded(*arguments: Any) -> bool:
        opened.append(opens(*arguments))
        return opened[-1]

    monkeypatch.setattr(audit, "opens", recorded)
    result = original.audit()
    assert (result.is_sound, opened.count(True)) == (True, 15)
    monkeypatch.setattr(audit, "opens", lambda *_: False)
    assert original.audit() == result


def changes(value: object, others: list[object]) -> list[object]:
    """Return the values to which a value is changed: as similar as can be, and others of its column."""
    values: list[object] = [None, 0, 1, "", b"", "x", b"\xff" * 32, *others]
    if isinstance(value, int | float):
        values += [value + 1, value - 1, value + 60_000_000, value + 0.5]
    if isinstance(value, str):
        values += [value + "x", value[:-1], value.swapcase(), value.encode(), value + " "]
    if isinstance(value, bytes):
        values += [bytes([value[0] ^ 1]) + value[1:], value[:-1] + bytes([value[-1] ^ 128]), value.hex()]
    return values


@pytest.mark.sample(1)
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.slow
def test_i7_any_single_change_is_found(
    attacked: Busy,
    table: str,
    chance: random.Random,
    rounds: Callable[[int, int], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """I7: of any row, any column, to any other value that SQLite takes, also against the schema."""
    monkeypatch.setattr(audit_log, "FAR", 1000)
    with closing(sqlite3.connect(attacked.ledger, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = DELETE", "synchronous = OFF", "ignore_check_constraints = ON"):
            connection.execute(f"PRAGMA {pragma}")
        rows = [dict(row) for row in connection.execute(f"SELECT * FROM {table}")]
        possible = [
            (row, column, new)
            for row in rows
            for column in row
            for new in changes(row[column], [other[column] for other in rows])
            if not harmless(table, row, column, new)
        ]
        tried = 0
        count = rounds(by_day(60, at_night=150), 100_000)
        for row, column, new in chance.sample(possible, min(len(possible), count)):
            if _changed(connection, table, row, column, new):
                tried += 1
                if table == "log" and (column != "origin" or isinstance(new, bytes)) and type(new) is not int:
                    with pytest.raises(EvidenceError):
                        attacked.audit()
                    _changed(connection, table, {**row, column: new}, column, row[column])
                    continue
                result = attacked.audit()
                assert not result.is_sound, (table, row, column, new)
                assert result.flaws or result.history or table in ("log", "leaf"), (table, row, column, new)
                _changed(connection, table, {**row, column: new}, column, row[column])
        assert tried > 20
    assert attacked.audit().is_sound


@pytest.mark.parametrize(
    ("record", "column"),
    [(11, "call"), (3, "pseudonym"), (22, "reference"), (23, "line"), (RESTS_ON_ERASED, "call")],
)
def test_i7_bytes_that_are_no_text_are_found(attacked: Busy, record: int, column: str) -> None:
    """I7: in records of calls and of purges, and where nothing is left to compare a value with, for with them
    nobody can read the record."""
    forged(attacked.ledger, f"UPDATE event SET {column} = CAST(x'31ff' AS TEXT) WHERE record = {record}")
    assert record in {flaw.record for flaw in attacked.audit().flaws}


@pytest.mark.parametrize("kind", ["rule", "next", "new-log"])
@pytest.mark.parametrize("with_rule", [True, False], ids=["notes", "version 1"])
def test_i7_bytes_that_are_no_text_are_found_in_a_note(tmp_path: Path, kind: str, *, with_rule: bool) -> None:
    """I7: the record is named, and the rest of the ledger is audited; nobody is told to put a backup in its
    place. Whoever only counts or lists the notes passes over it."""
    file, more = tmp_path / "acme.sqlite3", {"owner": company()} if with_rule else {}
    for _log in range(2):
        with closing(SqliteStore(str(file), log=LOG, **more)) as store:  # type: ignore[arg-type]
            store.append([PLAYED])
        sequence(file)
        begin_epoch(file, AT)
    sequence(file)
    with closing(SqliteStore(str(file))) as store:
        numbers = [record.number for record in store.records() if record.event.kind == kind]
        readable = len(store.log_notes())
    keys = [key for epoch in (1, 2, 3) if (key := LogFolder(file).published(epoch).key())]
    assert audit_ledger(file, keys).is_sound
    for changed, number in enumerate(numbers, 1):
        forged(file, f"UPDATE event SET reference = CAST(x'31ff' AS TEXT) WHERE record = {number}")
        audit = audit_ledger(file, keys)
        assert number in {flaw.record for flaw in audit.flaws}
        with closing(SqliteStore(str(file), read_only=True)) as store:
            assert len(store.log_notes()) == max(0, readable - changed)
        with closing(sqlite3.connect(file)) as connection:
            assert note_leaves.with_gone(connection, RULE).lost == 0
    assert bool(numbers) == (with_rule or kind == "new-log")


@pytest.mark.sample(1)
@pytest.mark.parametrize("column", ["earlier", "basis", "vouched", "recorded", "pseudonym"])
@pytest.mark.slow
def test_i7_empty_in_place_of_nothing_is_found(attacked: Busy, column: str) -> None:
    """I7: an empty text or empty bytes say as little as no value, and are another one all the same."""
    with closing(sqlite3.connect(attacked.ledger)) as connection:
        empty = [
            (number, new)
            for number, value in connection.execute(f"SELECT record, {column} FROM event WHERE record > 5")
            for new in ("''", "x''")
            if value is None
        ]
    assert empty or column == "recorded"
    for number, new in empty:
        forged(attacked.ledger, f"UPDATE event SET {column} = {new} WHERE record = {number}")
        assert not attacked.audit().is_sound, (number, new)
        forged(attacked.ledger, f"UPDATE event SET {column} = NULL WHERE record = {number}")
    assert attacked.audit().is_sound


def test_i7_empty_binding_in_place_of_none_is_found(attacked: Busy) -> None:
    """I7: beside a record of somebody who was not recognised, or who was erased, or that was purged."""
    with closing(sqlite3.connect(attacked.ledger)) as connection:
        unbound = connection.execute("SELECT leaf FROM leaf WHERE binding IS NULL ORDER BY leaf").fetchall()
    assert len(unbound) > 5
    for (leaf,) in unbound:
        forged(attacked.ledger, f"UPDATE leaf SET binding = x'' WHERE leaf = {leaf}")
        assert not attacked.audit().is_sound, leaf
        forged(attacked.ledger, f"UPDATE leaf SET binding = NULL WHERE leaf = {leaf}")
    assert attacked.audit().is_sound


def _changed(
    connection: sqlite3.Connection, table: str, row: dict[str, object], column: str, new: object
) -> bool:
    """Return whether the value is different now."""
    where = " AND ".join(f"{name} IS ?" for name in TABLES[table])
    key = [row[name] for name in TABLES[table]]
    stored = f"SELECT quote({column}) FROM {table} WHERE {where}"
    values_before = connection.execute(stored, key).fetchone()
    try:
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [new, *key])
    except sqlite3.IntegrityError:
        return False
    values_after = connection.execute(
        stored, [new if name == column else row[name] for name in TABLES[table]]
    ).fetchone()
    return bool(values_before != values_after)


SWAP = """
UPDATE {table} SET {key} = -1 WHERE {key} = {one};
UPDATE {table} SET {key} = {one} WHERE {key} = {other};
UPDATE {table} SET {key} = {other} WHERE {key} = -1
"""


@pytest.mark.parametrize(("table", "key", "first"), [("event", "record", 9), ("leaf", "leaf", 8)])
def test_i7_any_two_rows_that_are_swapped_are_found(
    attacked: Busy, table: str, key: str, first: int, chance: random.Random
) -> None:
    """I7: both are named, whichever they are, next to each other or far apart."""
    for _ in range(12):
        one, other = chance.sample(range(first, first + 17), 2)
        swap = SWAP.format(table=table, key=key, one=one, other=other).split(";")
        forged(attacked.ledger, *swap)
        flawed_leaves = {flaw.leaf for flaw in attacked.audit().flaws}
        assert flawed_leaves == {one - (table == "event"), other - (table == "event")}
        forged(attacked.ledger, *swap)
    assert attacked.audit().is_sound


@pytest.mark.parametrize("record", [9, 11, 22, 23, 25])
def test_i7_deleted_record_is_named(attacked: Busy, record: int) -> None:
    """I7: at the beginning, among others, a note of a purge or erasure, the last one; with its leaf too."""
    forged(attacked.ledger, f"DELETE FROM event WHERE record = {record}")
    assert (record, "deleted", record - 1) in named(attacked)
    forged(attacked.ledger, f"DELETE FROM leaf WHERE record = {record}")
    flaw = "truncated" if record == 25 else "deleted"
    assert (None, flaw, record - 1) in named(attacked)


def test_i7_suffix_that_is_cut_is_named(attacked: Busy) -> None:
    """I7: however long; with all that followed from it."""
    for size in range(24, -1, -1):
        forged(
            attacked.ledger,
            f"DELETE FROM standing WHERE record > {size}",
            f"DELETE FROM event WHERE record > {size}",
            f"DELETE FROM leaf WHERE record > {size}",
        )
        assert {(None, "truncated", index) for index in range(size, 25)} <= named(attacked)
        (problem, *_) = attacked.audit().cut_off
        assert f"ends before {25 - size} records that were signed" in str(problem)


def test_i7_old_copy_that_was_put_back_is_found(tmp_path: Path) -> None:
    """I7: as it was, and with as many records since as were taken away."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([of(1), of(2)])
        signed(ledger)
        with closing(sqlite3.connect(tmp_path / "copy")) as copy:
            store._connection.backup(copy)
        store.append([of(3), of(4)])
        key = signed(ledger)
        with closing(sqlite3.connect(tmp_path / "copy")) as copy:
            copy.backup(store._connection)
        assert named(Busy(ledger, key)) == {(None, "truncated", 2), (None, "truncated", 3)}
        store.append([of(5), of(6), of(7)])
    assert named(Busy(ledger, key)) == {(3, "leaf-altered", 2), (4, "leaf-altered", 3)}


COLUMNS = rows.COLUMNS.replace("record, ", "", 1)


@pytest.mark.parametrize("number", [2000, -5, 6])
def test_i7_inserted_record_is_named(attacked: Busy, number: int) -> None:
    """I7: a copy of another under a number of its own, or of one that was purged."""
    copy = f"INSERT INTO event (record, {COLUMNS}) SELECT {number}, {COLUMNS} FROM event WHERE record = 9"
    forged(attacked.ledger, copy)
    expected = (6, "still-there", 5) if number == 6 else (number, "inserted", None)
    assert named(attacked) >= {expected}


def test_i7_inserted_record_with_a_leaf_is_named(attacked: Busy) -> None:
    """I7: whoever makes room for it among the leaves has changed those that were signed; whoever puts it
    behind them has recorded it now."""
    copy = f"INSERT INTO event (record, {COLUMNS}) SELECT 90, {COLUMNS} FROM event WHERE record = 9"
    leaf = "leaf, record, what, who, salt_what, salt_who, binding, opening"
    forged(
        attacked.ledger,
        copy,
        "UPDATE leaf SET leaf = -leaf - 1 WHERE leaf > 8",
        "UPDATE leaf SET leaf = -leaf WHERE leaf < 0",
        f"INSERT INTO leaf ({leaf}) SELECT 9, 90, what, who, salt_what, salt_who, binding, opening"
        " FROM leaf WHERE leaf = 8",
    )
    flaws = named(attacked)
    assert {(90, "leaf-altered", 9), (90, "facts-altered", 9)} <= flaws
    assert {flaw[2] for flaw in flaws} == {*range(9, 26)}


INSERT = "INSERT INTO standing VALUES (x'{other}', 'privacy', '1', 'service', "


@pytest.mark.parametrize(
    ("record", "statement"),
    [
        (
            19,
            "INSERT INTO standing SELECT x'{other}', notice, version, purposes, record, at, whole, NULL, 0"
            " FROM standing WHERE record = 19",
        ),
        (
            19,
            "INSERT INTO standing SELECT pseudonym, notice, '9', purposes, record, at, whole, NULL, 0"
            " FROM standing WHERE record = 19",
        ),
        (9, f"{INSERT} 9, 0, 0, NULL, 0)"),
        (9, f"{INSERT} 9, 0, 0, NULL, 1)"),
        (999, f"{INSERT} 999, 0, 0, NULL, 0)"),
        (6, f"{INSERT} 6, 0, 0, NULL, 0)"),
        (11, "UPDATE standing SET moved = 0 WHERE record = 11"),
        (11, "UPDATE standing SET moved = 'no' WHERE record = 11"),
        (19, "UPDATE standing SET purposes = purposes || ' zeal' WHERE record = 19"),
        (19, "UPDATE standing SET pseudonym = x'{other}' WHERE record = 19"),
        (19, "DELETE FROM standing WHERE record = 19"),
    ],
)
def test_i7_forged_history_is_named(attacked: Busy, record: int, statement: str) -> None:
    """I7: what somebody is said to know without having been told, or by a record that was purged (6), or not
    to know."""
    forged(attacked.ledger, statement.format(other=(b"7" * 32).hex()))
    result = attacked.audit()
    assert (result.is_sound, result.flaws) == (False, ())
    assert {row.record for row in result.history} == {record}


def test_i7_what_the_former_owner_of_a_number_knew_is_not_put_back(attacked: Busy) -> None:
    """I7: a row that a record of his own would bear out, had the number not changed hands since."""
    with closing(sqlite3.connect(attacked.ledger)) as connection:
        (record,) = connection.execute(
            "SELECT min(record) FROM event WHERE pseudonym = (SELECT pseudonym FROM event"
            " WHERE reason = 'recycled')"
        ).fetchone()
    forged(
        attacked.ledger,
        "INSERT INTO standing SELECT pseudonym, notice, version, purposes, record, at, at, NULL, 0 FROM event"
        f" WHERE record = {record}",
    )
    assert [row.record for row in attacked.audit().history] == [record]


def test_paper_under_the_new_key_before_its_caller_rings_is_sound(tmp_path: Path) -> None:
    """A purge deleted his delivery of that notice under the old key, or did not."""
    paper = replace(PLAYED, status=Status.INFORMED, reason=Reason.TOLD_ELSEWHERE, prompt="", heard=None)
    paper = replace(paper, kind=RecordKind.CONTRACT, recorded=AT)
    old_key, then = b"o" * 32, AT - timedelta(days=900)
    early = of(1, key=old_key).pseudonym
    for purged in (False, True):
        file = tmp_path / f"{purged}/acme.sqlite3"
        with closing(SqliteStore(str(file))) as store:
            store.append([of(1, key=old_key), of(1, key=old_key, notice="recording")])
            if purged:
                store.append([of(1, paper, key=old_key, at=then, reference="contract 1")])
                assert expiry.purge(store, AT - timedelta(days=800), AT) == 1
            (basis,) = store.append([of(1, paper, at=AT, reference="contract 2")])
            store.append([of(1, NOTDUE, earlier=early, basis=basis, at=AT + timedelta(hours=2))])
        signed(file)
        assert audited(file).is_sound


def test_changed_key_that_is_purged_before_what_was_told_under_the_earlier_one_is_sound(
    tmp_path: Path,
) -> None:
    """The clock was set back between the two, so that the call is the later one and stays."""
    file, delivery = tmp_path / "acme.sqlite3", of(1, key=b"o" * 32)
    with closing(SqliteStore(str(file))) as store:
        store.append(
            [delivery, of(1, NOTDUE, earlier=delivery.pseudonym, basis=1, at=AT - timedelta(days=9))]
        )
        assert expiry.purge(store, AT - timedelta(days=1), AT) == 1
    signed(file)
    assert audited(file).is_sound


def test_i7_history_of_a_changed_key_is_not_given_to_another(attacked: Busy) -> None:
    """I7: only the caller whose record says so has what was known under the earlier pseudonym."""
    other = of(3).pseudonym
    assert other is not None
    forged(attacked.ledger, f"UPDATE standing SET pseudonym = x'{other.hex()}' WHERE record = 11")
    assert {row.record for row in attacked.audit().history} == {11}


@pytest.mark.parametrize(
    ("record", "reference"),
    [
        (22, "4 records, 1 to 9, from before 2024-09-15 12:30 UTC; leaves 5-8"),
        (22, "3 records, 6 to 8, from before 2024-09-15 12:30 UTC; leaves 5-40"),
        (22, "nothing"),
        (23, "4 records; leaves 8 10 12 16 18-19"),
        (23, "4 records"),
        (23, "4 records; leaves 9-"),
    ],
)
def test_i7_false_note_is_named(attacked: Busy, record: int, reference: str) -> None:
    """I7: of a purge or an erasure, with more records than it was of, fewer, none, or later ones."""
    forged(attacked.ledger, f"UPDATE event SET reference = '{reference}' WHERE record = {record}")
    assert {flaw.record for flaw in attacked.audit().flaws} > {record}


def test_i7_note_that_a_purge_wrote_covers_no_other_record(attacked: Busy) -> None:
    """I7: a record that was deleted by hand, and a note of that written as if by a purge, of one to come."""
    note = rows.note(RecordKind.PURGE, Reason.RETENTION, AT, "1 record, 27 to 27, from before x; leaves 26")
    with closing(SqliteStore(str(attacked.ledger))) as store:
        store.append([note])
    forged(attacked.ledger, "DELETE FROM event WHERE record = 9")
    assert {(26, "row-altered", 25), (9, "deleted", 8)} <= named(attacked)
    note = replace(note, reference="1 record, 90 to 90, from before 2026-11-24 12:30 UTC; leaves 90")
    with closing(SqliteStore(str(attacked.ledger))) as store:
        store.append([note])
    assert (27, "false-note", 26) in named(attacked)


def test_i7_log_that_begins_anew_hides_nothing(attacked: Busy) -> None:
    """I7: neither a log that the ledger did not have, nor one more, nor none."""
    forged(attacked.ledger, "INSERT INTO log VALUES (2, 'other/2', 25)")
    assert [str(problem) for problem in attacked.audit().problems] == [
        f"The ledger {attacked.ledger} has a log too many, or one is missing.",
    ]
    forged(attacked.ledger, "DELETE FROM log WHERE epoch = 2", "UPDATE log SET epoch = 2")
    assert len(attacked.audit().problems) == 2
    forged(attacked.ledger, "DELETE FROM log")
    with pytest.raises(Exception, match="its records are in no log"):
        attacked.audit()


def _rewritten(attacked: Busy, secret: bytes) -> Busy:
    """Sign everything again with another key, as somebody can who controls the machine; audit by that key."""
    published = LogFolder(attacked.ledger).published(1)
    signer = Signer(attacked.key.name, secret)
    (LogFolder(attacked.ledger).folder / "signing/1.key").write_text(signer.secret + "\n")
    for size in published.sizes():
        old = published.checkpoint_of(size)
        assert old is not None
        published.put_checkpoint(size, sign(old.decode().split("\n\n")[0] + "\n", signer))
        LogFolder(attacked.ledger).keep_signed(1, published.checkpoint() or b"")
    return Busy(attacked.ledger, signer.verifier)


def test_i7_swapped_key_is_found(attacked: Busy) -> None:
    """I7: with everything signed anew, by whoever knows the right one from elsewhere; and by the machine
    itself as long as anything is left of before."""
    swapped = _rewritten(attacked, bytes(range(32)))
    assert "The key in" in str(swapped.audit().problems[0])
    (LogFolder(attacked.ledger).published(1).folder / "key").write_text(f"{swapped.key}\n")
    assert swapped.audit().is_sound
    assert not attacked.audit().is_sound
    assert {str(problem).partition(" here")[0] for problem in attacked.audit().problems} >= {
        "No key that is known"
    }


def test_i7_files_of_the_log_are_looked_at_one_by_one(tmp_path: Path, chance: random.Random) -> None:
    """I7: any bit of any published file, tiles of all levels and checkpoints of all sizes; also of those that
    were partial and are full now."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        for count in (5, 250, 3, 300):
            store.append([replace(PLAYED, pseudonym=None)] * count)
            key = signed(ledger)
    assert audited(ledger, key).is_sound
    folder = LogFolder(ledger).published(1).folder
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    assert len(files) == 14
    for file in files:
        data = file.read_bytes()
        at = chance.randrange(len(data))
        file.write_bytes(data[:at] + bytes([data[at] ^ 1 << chance.randrange(7)]) + data[at + 1 :])
        assert not audited(ledger, key).is_sound, (file, at)
        file.write_bytes(data)
        if file.parent.name not in ("checkpoints", "1") and not file.parent.name.endswith(".p"):
            file.unlink()
            assert not audited(ledger, key).is_sound, file
            file.write_bytes(data)
    shutil.rmtree(folder / "checkpoints")
    (folder / "checkpoint").unlink()
    assert audited(ledger, key).is_sound  # the one beside the key is left
    (folder.parent / "signing/1.signed").unlink()
    result = audited(ledger, key)
    assert [str(problem) for problem in (*result.problems, *result.cut_off)] == [
        f"The log in {folder} has lost its checkpoints.",
        f"The log in {folder} ends before 558 records that were signed according to the ledger {ledger}.",
    ]


def without_semaphores(*_arguments: object, **_options: object) -> None:
    """Fail as a pool of processes does where there is no shared memory."""
    raise OSError(errno.EROFS, os.strerror(errno.EROFS))


@pytest.mark.sample(1)
@pytest.mark.parametrize("semaphores", [True, False])
def test_several_processes_look_at_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, semaphores: bool
) -> None:
    """And find the same as one does, who looks at all where processes cannot have semaphores: /dev/shm is not
    there, or cannot be written."""
    if not semaphores:
        monkeypatch.setattr("concurrent.futures.ProcessPoolExecutor.__init__", without_semaphores)
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([replace(PLAYED, pseudonym=None)] * 1300)
    key = signed(ledger)
    forged(ledger, "UPDATE event SET line = 'x' WHERE record IN (3, 700, 1299)")
    monkeypatch.setattr(audit_log, "SHARE", 256)
    progress: list[tuple[int, int]] = []
    result = audit_log.audit_ledger(ledger, [key], lambda checked, of: progress.append((checked, of)))
    assert [(flaw.record, str(flaw.flaw)) for flaw in result.flaws] == [
        (3, "facts-altered"),
        (700, "facts-altered"),
        (1299, "facts-altered"),
    ]
    assert result.counted.whole == 1297
    assert (len(progress), progress[-1]) == (6, (1300, 1300))
    assert AuditedFlaw(3, 2, result.flaws[0].flaw) == result.flaws[0]


OPERATIONS = (
    *("call", "again", "partial", "supplement", "recycled", "paper", "key", "purge", "erase", "sign"),
    *("grant", "refuse", "silence"),
)


@given(
    st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 3), st.integers(0, 5)), max_size=14),
)
@settings(max_examples=by_day(10, at_night=40), deadline=None)
@pytest.mark.slow
def test_whatever_informativa_itself_does_is_sound(steps: list[tuple[str, int, int]]) -> None:
    """Calls, papers, supplements, changed keys, numbers that changed hands, purges, erasures in any order."""
    with tempfile.TemporaryDirectory() as folder:
        ledger, keys = Path(folder) / "acme.sqlite3", [1] * 4
        SqliteStore(str(ledger)).close()
        for day, (operation, caller, detail) in enumerate(steps):
            now = AT + timedelta(days=day)
            event = of(caller, key=bytes([keys[caller]]) * 32, at=now, recorded=now)
            _step(ledger, operation, event, caller, detail, keys)
        result = audited(ledger)
        assert (result.flaws, result.history, [str(problem) for problem in result.problems]) == ((), (), [])


def _step(ledger: Path, operation: str, event: Event, caller: int, detail: int, keys: list[int]) -> None:
    """Do one thing to a ledger, as the program does."""
    assert event.pseudonym is not None
    more: dict[str, object] = {"version": str(detail % 3), "purposes": frozenset({"service", f"p{detail}"})}
    if operation == "sign":
        signed(ledger)
        return
    if operation == "erase":
        pseudonyms = [
            of(caller, key=bytes([key_number]) * 32).pseudonym for key_number in range(1, keys[caller] + 1)
        ]
        erase(ledger, pseudonyms, event.at)  # type: ignore[arg-type]
        return
    with closing(SqliteStore(str(ledger))) as store:
        if operation == "purge":
            expiry.purge(store, event.at - timedelta(days=detail), event.at)
            return
        delivery = store.history(event.pseudonym).get("privacy")
        if operation in ("grant", "refuse", "silence"):
            words = {"grant": Answer.GRANTED, "refuse": Answer.REFUSED, "silence": Answer.SILENCE}
            when = event.at - timedelta(minutes=7 * detail)
            store.append([answering(words[operation], event, at=when)])
        elif operation == "key":
            keys[caller] += 1
            new = of(caller, key=bytes([keys[caller]]) * 32, at=event.at)
            with store.transaction() as transaction:
                known = delivery or transaction.answers(event.pseudonym).is_known
            earlier = event.pseudonym if known else None
            store.append([replace(new, earlier=earlier, **more)])  # type: ignore[arg-type]
        elif operation == "again" and delivery:
            with store.transaction() as transaction:
                heard = {"status": Status.NOTDUE, "reason": Reason.ALREADY_INFORMED, "basis": delivery.record}
                transaction.append(replace(event, prompt="", heard=None, **heard))  # type: ignore[arg-type]
                if detail % 2:
                    transaction.note_call(event.pseudonym, "privacy", event.at)
        elif operation == "paper":
            paper = replace(event, kind=RecordKind.CONTRACT, status=Status.INFORMED, prompt="", heard=None)
            paper = replace(paper, at=event.at - timedelta(days=2 * detail))
            store.append([replace(paper, **more)])  # type: ignore[arg-type]
        elif operation == "partial":
            store.append([replace(event, status=Status.PARTIAL, heard=PARTIAL.heard)])
        elif operation == "recycled":
            store.append([replace(event, reason=Reason.RECYCLED, **more)])  # type: ignore[arg-type]
        else:
            store.append([replace(event, supplement=operation == "supplement", **more)])  # type: ignore[arg-type]


def test_callers_who_called_again_are_not_derived_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One statement compares the times of calls with the calls; only a time without a call is looked into,
    and found."""
    looked_into: list[int] = []
    readable = audit_history._readable

    def read(connection: sqlite3.Connection) -> Any:
        for record in readable(connection):
            looked_into.append(record.number)
            yield record

    monkeypatch.setattr(audit_history, "_readable", read)
    ledger = tmp_path / "acme.sqlite3"
    again = AT + timedelta(hours=1)
    with closing(SqliteStore(str(ledger))) as store:
        for caller in range(3):
            store.append([of(caller), of(caller, NOTDUE, basis=2 * caller + 1, at=again)])
            with store.transaction() as transaction:
                transaction.note_call(of(caller).pseudonym, "privacy", again)  # type: ignore[arg-type]
    assert (audited(ledger).is_sound, looked_into) == (True, [])
    forged(ledger, "UPDATE standing SET seen = seen + 1 WHERE record = 3")
    assert ([row.record for row in audited(ledger).history], looked_into) == ([3], [3, 4])


def test_erased_record_that_names_somebody_again_is_found(attacked: Busy) -> None:
    """Nothing can show any more that a record was another caller's, so it is nobody's; with the history that
    would go with it, too."""
    another = "SELECT {} FROM event WHERE record = 13"
    columns = ("pseudonym", "call", "linked", "key", "at", "recorded")
    same = ", ".join(f"{column} = ({another.format(column)})" for column in columns)
    forged(attacked.ledger, f"UPDATE event SET erased = 0, {same} WHERE record = 12")
    assert named(attacked) == {(12, "still-there", 11)}
