"""Leaves: one for each record, in the record's own transaction, by whichever process appends."""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import pytest

from evidence.ledger import KEY, LONG_AGO, NUMBERS, audited, of, signed
from examples import AT, NOTDUE, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.evidence import commitment
from informativa.ledgers import erasure, expiry, references, sequencer
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified, Reason, RecordKind
from informativa.model.errors import EventRefusedError
from traces import traces

ALL = "SELECT leaf, record FROM leaf ORDER BY leaf"


def read(file: Path, query: str = ALL) -> list[tuple[object, ...]]:
    """Return rows of a ledger."""
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def store(tmp_path: Path):
    """A new ledger."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as opened:
        yield opened


def test_each_record_has_a_leaf_that_opens(store: SqliteStore) -> None:
    """With the salts that lie beside it, and as the leaf of that place and that record."""
    events = [of(1), of(2, PARTIAL), replace(UNIDENTIFIED, call="2"), of(1, NOTDUE, basis=1)]
    assert store.append(events) == [1, 2, 3, 4]
    origin = store.log().origin
    for index, event in enumerate(events):
        leaf = store.leaf(index + 1)
        assert leaf is not None
        assert (leaf.leaf, leaf.record) == (index, index + 1)
        assert leaf.salt_what is not None
        assert leaf.salt_who is not None
        facts = commitment.facts(event, origin, index, index + 1)
        assert commitment.what(facts, leaf.salt_what) == leaf.commitments.what
        person = commitment.person(event, leaf.binding, leaf.opening)
        assert commitment.who(person, leaf.salt_who) == leaf.commitments.who
        assert (leaf.binding is None) == (leaf.opening is None) == (event.pseudonym is None)


def test_refused_record_leaves_no_leaf_and_no_gap(store: SqliteStore) -> None:
    """Neither a record that the ledger refuses nor one that is rolled back with others takes an index."""
    store.append([of(1)])
    with pytest.raises(EventRefusedError):
        store.append([of(2), of(3, NOTDUE, basis=999)])

    def fails(transaction: object) -> None:
        transaction.append(of(4))  # type: ignore[attr-defined]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.transact([fails])
    store.append([of(5), of(6)])
    assert read(store.file) == [(0, 1), (1, 2), (2, 3)]


def test_leaf_is_counted_anew_where_another_wrote_or_what_was_written_is_undone(store: SqliteStore) -> None:
    """Each leaf says its own place, also after that of somebody else, and after several that were undone."""
    store.append([of(1)])
    with closing(SqliteStore(str(store.file))) as other:
        other.append([of(2), of(3)])
        store.append([of(4)])
        with pytest.raises(EventRefusedError):
            store.append([of(5), of(6), of(1, NOTDUE, basis=999)])
        other.append([of(8)])
        store.append([of(9), of(0)])
    assert read(store.file) == [(leaf, leaf + 1) for leaf in range(7)]
    assert audited(store.file).is_sound


def test_log_that_another_process_begins_is_gone_on_with(store: SqliteStore) -> None:
    """A ledger that is open meanwhile notices by itself: its next leaf is one of the new log."""
    store.append([of(1), of(2)])
    sequencer.begin_epoch(store.file, AT)
    store.append([of(3)])
    assert read(store.file, "SELECT epoch, first FROM log") == [(1, 0), (2, 2)]
    assert read(store.file) == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert audited(store.file).is_sound


def _append(file: str, process: int, times: int) -> None:
    with closing(SqliteStore(file)) as store:
        for turn in range(times):
            store.append([of(process, call=f"{process}.{turn}.{part}") for part in range(1 + turn % 3)])


def test_processes_that_append_at_once_leave_no_gap(tmp_path: Path) -> None:
    """Three processes, in transactions of one to three records: indices without gaps, each with its record,
    and everything opens."""
    file = tmp_path / "acme.sqlite3"
    SqliteStore(str(file)).close()
    context = get_context("spawn")
    processes = [context.Process(target=_append, args=(str(file), process, 40)) for process in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    rows = read(file)
    assert [leaf for leaf, _ in rows] == list(range(3 * 79))
    assert [record for _, record in rows] == list(range(1, 3 * 79 + 1))
    assert audited(file).is_sound


def test_no_salt_is_used_twice(store: SqliteStore) -> None:
    """Nor is a record's one salt its other."""
    store.append([of(number % 10, call=str(number)) for number in range(300)])
    salts = [salt for row in read(store.file, "SELECT salt_what, salt_who FROM leaf") for salt in row]
    assert len(set(salts)) == 600
    assert {len(salt) for salt in salts} == {16}  # type: ignore[arg-type]


def test_binding_of_a_record_opens_with_the_companys_key(store: SqliteStore) -> None:
    """And shows that number, and no other one's."""
    store.append([of(1)])
    leaf = store.leaf(1)
    assert leaf is not None
    assert leaf.salt_who is not None
    opening = commitment.opening_key(KEY, leaf.salt_who)
    assert commitment.binding(opening, Identified(NUMBERS[1])) == leaf.binding
    assert commitment.binding(opening, Identified(NUMBERS[2])) != leaf.binding


def test_purge_closes_leaves_and_names_them(store: SqliteStore) -> None:
    """Nothing of a purged record can be opened; what it committed to stays, and purges that are not of the
    first records name theirs too."""
    store.append([of(1, at=LONG_AGO), of(2), of(3, at=LONG_AGO), of(4, at=LONG_AGO), of(5)])
    rows_before = read(store.file, "SELECT what, who FROM leaf WHERE leaf < 5 ORDER BY leaf")
    assert expiry.purge(store, AT - timedelta(days=800), AT) == 3
    assert read(store.file, "SELECT what, who FROM leaf WHERE leaf < 5 ORDER BY leaf") == rows_before
    closed = "SELECT leaf FROM leaf WHERE salt_what IS NULL AND salt_who IS NULL AND binding IS NULL"
    assert read(store.file, closed) == [(0,), (2,), (3,)]
    (note,) = read(store.file, "SELECT kind, reference FROM event WHERE kind = 'purge'")
    assert note == (
        RecordKind.PURGE,
        "3 records, 1 to 4, from before 2024-09-15 12:30 UTC; leaves 0 2-3",
    )
    assert references.purged(str(note[1]))[1:] == (4, 1_726_403_460_000_000)


def test_i9_erasure_closes_the_leaves_of_his_records_and_of_those_that_rest_on_them(tmp_path: Path) -> None:
    """I9: the salts with which his records were opened are in no file any more, nor are those of records that
    name one of his; facts can be opened as before."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        store.append([of(1), of(2), of(1, NOTDUE, basis=1)])
        store.append(
            [
                of(3, reason=Reason.SAME_CALL, linked="17.1", basis=1),
                replace(UNIDENTIFIED, call="17.1"),
                of(2),
            ]
        )
        erased_rows = read(file, "SELECT salt_who, binding FROM leaf WHERE record IN (1, 3, 4, 5)")
        salts = read(file, "SELECT salt_what FROM leaf ORDER BY leaf")
    secrets = [value for row in erased_rows for value in row if value]
    assert len(secrets) == 7
    assert traces(tmp_path, *secrets) == ["acme.sqlite3"]  # type: ignore[arg-type]
    assert erasure.erase(file, [of(1).pseudonym], AT).records == 3  # type: ignore[list-item]
    assert traces(tmp_path, *secrets) == []  # type: ignore[arg-type]
    closed = "SELECT record FROM leaf WHERE salt_who IS NULL AND binding IS NULL ORDER BY record"
    assert read(file, closed) == [(1,), (3,), (4,), (5,)]
    assert read(file, "SELECT salt_what FROM leaf WHERE leaf < 6 ORDER BY leaf") == salts
    (note,) = read(file, "SELECT reference FROM event WHERE kind = 'erasure'")
    assert note == ("3 records; leaves 0 2 4, and resting on them 3",)
    assert audited(file).is_sound


def test_leaves_are_named_as_ranges() -> None:
    """And read back; a text that is no list of them is refused."""
    assert references.leaves_text([]) == ""
    assert references.leaves_text([5, 0, 1, 2, 9, 10]) == "; leaves 0-2 5 9-10"
    assert references.leaves_text([1], [4, 3]) == "; leaves 1, and resting on them 3-4"
    assert references.indices("3 records; leaves 0-2 5") == ([range(3), range(5, 6)], [])
    assert references.indices("x; leaves 1, and resting on them 3-4") == ([range(1, 2)], [range(3, 5)])
    assert references.indices("3 records") == ([], [])
    for text in (
        "x; leaves 1, and resting on them b",
        "x; leaves 1-",
        "x; leaves -1",
        "x; leaves a",
        "x; leaves 1-2-3",
    ):
        with pytest.raises(ValueError, match="names no leaves"):
            references.indices(text)


def test_stolen_ledger_without_its_key_finds_nobody(tmp_path: Path) -> None:
    """No stored value is a hash of one of the 1,000 numbers of a numbering plan, with anything stored as the
    key."""
    file = tmp_path / "acme.sqlite3"
    plan = [f"+39333100{number:04}" for number in range(1000)]
    with closing(SqliteStore(str(file))) as store:
        for at in (3, 141, 592, 653):
            caller = Identified(plan[at])
            bound = commitment.bind(caller, KEY)
            his = pseudonym(caller, KEY)
            store.append([replace(PLAYED, pseudonym=his, binding=bound, call=str(at))])
    signed(file)
    stored = {
        value
        for table in ("event", "leaf", "standing", "log")
        for row in read(file, f"SELECT * FROM {table}")
        for value in row
        if isinstance(value, bytes)
    }
    hashes = {value for value in stored if len(value) == 32}
    assert len(hashes) == 4 + 4 * 4
    for number in plan:
        for text in (number, number[1:], f"e164:{number}", f"binding{number}", f"customer:{number}"):
            plain = text.encode()
            assert hashlib.sha256(plain).digest() not in hashes
            for key in (b"", bytes(32), *stored):
                assert hmac.digest(key, plain, "sha256") not in hashes
                assert hashlib.sha256(key + plain).digest() not in hashes
    opening = commitment.opening_key(KEY, read(file, "SELECT salt_who FROM leaf")[0][0])  # type: ignore[arg-type]
    assert commitment.binding(opening, Identified(plan[3])) in hashes  # with it, that is
