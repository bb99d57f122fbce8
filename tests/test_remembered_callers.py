"""Records of a caller by what a process remembers: the same as a search of the whole ledger has."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.ledger import of
from examples import AT, NOTDUE, PLAYED, UNIDENTIFIED
from informativa.ledgers import expiry, remembered_callers
from informativa.ledgers.erasure import erase
from informativa.ledgers.remembered_callers import RememberedCallers
from informativa.ledgers.sqlite import SqliteStore

CALLERS = range(6)
NAMES = [of(number).pseudonym or b"" for number in CALLERS]
NEIGHBOUR = NAMES[0][:3] + bytes(29)
"""A pseudonym that begins as that of the first caller."""


class Asked:
    """A ledger, and a process that is asked for its callers."""

    def __init__(self, ledger: Path) -> None:
        self.ledger, self.remembered = ledger, RememberedCallers()
        self.days = 0
        with closing(SqliteStore(str(ledger))) as store:
            store.append([of(0)])

    def call(self, callers: list[int]) -> None:
        """Some of these callers call, on the next day; nobody knows who the last one is."""
        self.days += 1
        at = AT + timedelta(days=self.days)
        with closing(SqliteStore(str(self.ledger))) as store:
            store.append([replace(of(caller), at=at) for caller in callers])
            store.append([replace(UNIDENTIFIED, at=at)])

    def purge(self, days: int) -> None:
        """Delete the records of the first days."""
        with closing(SqliteStore(str(self.ledger))) as store:
            expiry.purge(store, AT + timedelta(days=days, hours=1), AT + timedelta(days=self.days, hours=2))

    def erase(self, caller: int) -> None:
        """Erase a caller."""
        erase(self.ledger, [NAMES[caller]], AT + timedelta(days=self.days, hours=3))

    def assert_same(self) -> None:
        """Fail unless all callers have the records that a search finds."""
        with closing(SqliteStore(str(self.ledger), read_only=True)) as store:
            for name in (*NAMES, NEIGHBOUR):
                assert self.remembered.of_caller(store, name) == store.of_caller(name)


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """A ledger in which all callers have called, and a process that knows it, in blocks of four records."""
    monkeypatch.setattr(remembered_callers, "BLOCK", 4)
    asked = Asked(tmp_path / "acme.sqlite3")
    asked.call(list(CALLERS))
    asked.assert_same()
    return asked


acts = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.lists(st.sampled_from(CALLERS), max_size=9)),
        st.tuples(st.just("purge"), st.integers(0, 3)),
        st.tuples(st.just("erase"), st.sampled_from(CALLERS)),
    ),
    max_size=8,
)


@settings(max_examples=20)
@given(acts=acts)
def test_all_records_of_a_caller_whatever_came_between(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, object]]
) -> None:
    """After calls, purges and erasures, in any order, a page has what the ledger has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembered_callers, "BLOCK", 4)
        asked = Asked(tmp_path_factory.mktemp("ledger") / "acme.sqlite3")
        for act, argument in acts:
            getattr(asked, act)(argument)
            asked.assert_same()


def test_only_new_records_are_read_again(asked: Asked) -> None:
    """Those of the last block, and what came since; and the blocks in which the caller may be."""
    statements: list[str] = []
    asked.call([1])
    with closing(SqliteStore(str(asked.ledger), read_only=True)) as store, store.connected() as connection:
        connection.set_trace_callback(statements.append)
        records = asked.remembered.of_caller(store, NAMES[1])
    assert [record.number for record in records] == [3, 9]
    bounds = [statement.partition("BETWEEN ")[2].split()[:3] for statement in statements]
    assert [words for words in bounds if words] == [
        ["5", "AND", "10"],
        ["1", "AND", "4"],
        ["5", "AND", "9"],
    ]


def test_a_caller_whose_pseudonym_begins_alike_is_another(asked: Asked) -> None:
    """Three bytes in memory are compared, and then all of it."""
    with closing(SqliteStore(str(asked.ledger))) as store:
        (number,) = store.append([replace(PLAYED, pseudonym=NEIGHBOUR)])
    asked.assert_same()
    with closing(SqliteStore(str(asked.ledger), read_only=True)) as store:
        records = asked.remembered.of_caller(store, NEIGHBOUR)
    assert [record.number for record in records] == [number]


def test_another_ledger_in_its_place_is_read_anew(asked: Asked, tmp_path: Path) -> None:
    """A copy from before that was put back, to which other callers were added since."""
    copy = tmp_path / "copy"
    with closing(sqlite3.connect(asked.ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(asked.ledger, copy)
    asked.call([1, 2, 3])
    asked.assert_same()
    copy.replace(asked.ledger)
    asked.assert_same()
    with closing(SqliteStore(str(asked.ledger))) as store:
        store.append(
            [replace(of(number, NOTDUE), at=AT + timedelta(hours=number)) for number in (4, 4, 5, 0)]
        )
    asked.assert_same()


def test_few_ledgers_are_remembered(asked: Asked, tmp_path: Path) -> None:
    """The last four of which somebody asked for a caller."""
    for company in range(5):
        other = Asked(tmp_path / f"{company}.sqlite3")
        other.remembered = asked.remembered
        other.assert_same()
    assert [file.name for file in asked.remembered._ledgers] == [
        f"{company}.sqlite3" for company in range(1, 5)
    ]
