"""The private lists of a box's erasures, step by step: which are sealed, sent, and taken away, with a
database that answers by a list."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers.erasure_notes import NotedErasure
from informativa.ledgers.sqlite import SqliteStore
from informativa.sharing import envelopes, shared_lists
from informativa.sharing.connection import Connection
from informativa.sharing.erasure_statements import ErasureStatements
from informativa.sharing.shared_lists import ListSender, SharedLists
from sharing.answering import Answering

SQL = ErasureStatements(7)
FIRST_LOG, NEWEST_LOG, LOG_OF_ANOTHER = (
    f"vm/informativa/acme/{place}" for place in ("pbx-1/1", "pbx-1/2", "pbx-2/1")
)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
NAME = bytes.fromhex("fa506d822503e934")
SEALED = NAME + bytes(range(12)) + bytes.fromhex("641c2bd1b0ba2f20af51e92bb6d94a79c3691511")


def test_list_is_sealed_in_the_form_that_other_programs_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fingerprint of the key, the nonce, and the list under AES-256-GCM, to the byte."""
    monkeypatch.setattr(envelopes.os, "urandom", lambda count: bytes(range(count)))
    assert envelopes.seal(envelopes.LIST, b"list", KEY) == SEALED
    assert envelopes.unseal(envelopes.LIST, SEALED, [KEY]) == b"list"


def test_a_list_of_no_known_form_is_none() -> None:
    """Nobody's key opens it, and nothing stops."""
    sealed = envelopes.seal(envelopes.LIST, b"list", KEY)
    assert envelopes.unseal(envelopes.LIST, sealed, [OTHER_KEY, KEY]) == b"list"
    assert envelopes.seal(envelopes.LIST, b"list", KEY) != sealed
    for damaged in (b"", sealed[:8], sealed[:20], sealed[:-1], sealed[:9] + b"x" + sealed[10:]):
        assert envelopes.unseal(envelopes.LIST, damaged, [KEY]) is None
    assert envelopes.unseal(envelopes.LIST, sealed, []) is None


def test_list_is_found_by_the_first_row_of_its_log() -> None:
    """Of an epoch that nobody knows, or a leaf without a list, there is none; any key of the company opens
    it."""
    lists = SharedLists({12: SEALED, 2: b"damaged"}, {1: 10, 2: 0}, [OTHER_KEY, KEY])
    assert lists.private_list(1, 2) == b"list"
    assert lists.private_list(1, 3) is None
    assert lists.private_list(2, 2) is None
    assert lists.private_list(3, 2) is None
    assert SharedLists({12: SEALED}, {2: 0}, [KEY]).private_list(2, 12) == b"list"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """This box's ledger."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as made:
        yield made


def noted(folder: Path, *records: int) -> list[NotedErasure]:
    """Return the notes of erasures with these records, each with its list, but for one of record 6."""
    for record in records:
        if record != 6:
            (folder / f"list-{record}").write_bytes(b"list of %d" % record)
    notes = [SimpleNamespace(record=record, file=folder / f"list-{record}") for record in records]
    return cast("list[NotedErasure]", notes)


def sender(store: SqliteStore, database: Answering, *keys: bytes) -> ListSender:
    """Return the sender of the ledger's lists."""
    return ListSender(store, cast("Connection", database), 7, "pbx-1", keys)


def opened(database: Answering) -> list[Any]:
    """Return the lists that were sent: each opened by the current key, with the box and the record."""
    sent = [cast("Any", entry) for entry in database.asked if cast("Any", entry)[0] == SQL.send_list]
    return [(envelopes.unseal(envelopes.LIST, values[0], [KEY]), *values[1:]) for _query, values in sent]


def test_lists_are_sent_under_the_current_key(store: SqliteStore, tmp_path: Path) -> None:
    """One that is gone since a moment ago is passed over; without a key nothing is sent."""
    database = Answering()
    sender(store, database, KEY, OTHER_KEY).send(noted(tmp_path, 5, 6, 7))
    assert opened(database) == [(b"list of 5", "pbx-1", 5), (b"list of 7", "pbx-1", 7)]
    database.asked.clear()
    sender(store, database).send(noted(tmp_path, 5))
    sender(store, database).compare(noted(tmp_path, 5))
    assert database.asked == []


def not_needed(monkeypatch: pytest.MonkeyPatch, store: SqliteStore, *records: int) -> None:
    """Have the lists of these records be missing and not needed, in a ledger whose newest log follows a first
    one of three leaves."""
    logs = [SimpleNamespace(origin=FIRST_LOG, size=3), SimpleNamespace(origin=NEWEST_LOG, size=9)]

    def useless(ledger: object, folder: LogFolder) -> list[int]:
        assert isinstance(ledger, sqlite3.Connection)
        assert folder.folder == LogFolder(store.file).folder
        return [*records]

    def logs_of(ledger: object) -> list[SimpleNamespace]:
        assert isinstance(ledger, sqlite3.Connection)
        return logs

    monkeypatch.setattr(shared_lists.private_lists, "not_needed", useless)
    monkeypatch.setattr(shared_lists.leaves, "logs", logs_of)


def test_lists_that_are_missing_there_are_sent(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Or that are sealed under another key than the current one; where this box noted no erasure, and has
    none that is not needed, nothing is asked."""
    not_needed(monkeypatch, store)
    database = Answering({SQL.unlisted: [(7,)]})
    lists = sender(store, database, KEY, OTHER_KEY)
    lists.compare(noted(tmp_path, 5, 7))
    assert database.asked[0] == (SQL.unlisted, ("pbx-1", [5, 7], NAME))
    assert (opened(database), len(database.asked)) == ([(b"list of 7", "pbx-1", 7)], 2)
    database.asked.clear()
    lists.compare([])
    assert database.asked == []


def test_list_that_nobody_needs_goes_unless_it_names_leaves_of_others(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a box that left, which nothing else accounts for; one that no key opens, or that is none, may name
    some."""
    not_needed(monkeypatch, store, 1, 2, 3, 4, 5)

    def sealed(key: bytes, *places: tuple[str, int]) -> memoryview:
        listed = ErasedLeaves.of(bytes(16), [LeafPlace(*place) for place in places])
        return memoryview(envelopes.seal(envelopes.LIST, listed.data, key))

    existing: list[tuple[object, ...]] = [
        (1, sealed(KEY, (FIRST_LOG, 2), (NEWEST_LOG, 20))),
        (2, sealed(OTHER_KEY, (NEWEST_LOG, 1))),
        (3, sealed(KEY, (NEWEST_LOG, 1), (LOG_OF_ANOTHER, 0))),
        (4, sealed(b"x" * 32, (NEWEST_LOG, 1))),
        (5, memoryview(envelopes.seal(envelopes.LIST, b"no list", KEY))),
    ]
    database = Answering({SQL.own_lists: existing})
    lists = sender(store, database, KEY, OTHER_KEY)
    lists.compare([])
    assert database.asked == [
        (SQL.own_lists, ("pbx-1", [1, 2, 3, 4, 5])),
        (SQL.drop_lists, ("pbx-1", [1, 2])),
    ]
    database.asked.clear()
    database.rows[SQL.own_lists] = existing[2:]
    lists.compare([])
    assert database.asked == [(SQL.own_lists, ("pbx-1", [1, 2, 3, 4, 5]))]
