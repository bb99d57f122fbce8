"""One opening of a ledger for all that a page reads of it."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from examples import PLAYED
from informativa.ledgers import following
from informativa.ledgers.single_openings import open_once, single_openings
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import LedgerError


class File:
    """Something that is open."""

    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        """Close it."""
        self.closed += 1


def use(key: str = "ledger") -> File:
    """Open a file, use it, and return it."""
    with open_once(key, File) as file:
        assert not file.closed
        return file


def test_a_file_is_closed_after_each_use() -> None:
    """Unless somebody wants it once for all."""
    first, second = use(), use()
    assert (first is second, first.closed, second.closed) == (False, 1, 1)


def test_a_page_opens_it_once() -> None:
    """All that a page reads of a ledger it reads by one opening; another ledger, another thread and the next
    page have their own."""
    others: list[File] = []
    with single_openings():
        first, second, other = use(), use(), use("other")
        with single_openings():
            assert use() is first
        thread = threading.Thread(target=lambda: others.append(use()))
        thread.start()
        thread.join()
        assert (first is second, first is other, first is others[0]) == (True, False, False)
        assert (first.closed, others[0].closed) == (0, 1)
    assert (first.closed, other.closed) == (1, 1)
    with single_openings():
        assert use() is not first


def test_after_an_error_it_is_opened_anew() -> None:
    """What could not be read may be another file by now."""
    with single_openings():
        with pytest.raises(ValueError, match="broken"), open_once("ledger", File) as first:
            raise ValueError("broken")
        second = use()
        assert (first.closed, second is first) == (1, False)
    assert (first.closed, second.closed) == (1, 1)


def test_each_reading_sees_what_was_recorded_before_it(tmp_path: Path) -> None:
    """Also within one opening, which holds up nobody who empties the write-ahead log between two of them."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        with single_openings():
            for number in range(1, 4):
                store.append([PLAYED])
                with following._read(str(ledger), None) as connection:
                    assert connection.execute("SELECT count(*) FROM event").fetchone() == (number,)
                store.empty_log(0)
        assert store.count() == 3


def test_an_error_of_sqlite_is_told_as_one_of_the_ledger(tmp_path: Path) -> None:
    """And the next reading of the same page works."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([PLAYED])
        with single_openings():
            with pytest.raises(LedgerError), following._read(str(ledger), None):
                raise sqlite3.OperationalError("disk I/O error")
            assert not following.has_answers(str(ledger))
