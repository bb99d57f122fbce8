"""The bytes of a ledger's file that no row uses."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from struct import pack, unpack

import pytest

from examples import AT, PLAYED
from informativa.ledgers import erasure, unused_bytes
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.unused_bytes import blanked_page
from traces import HE, traces

LONG = "a row that is longer than a page " * 1000


def shows_pages() -> bool:
    """Return whether this SQLite has the tables of pages: that of Debian 13 has them, that of 12 has not."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        return connection.execute(unused_bytes._TABLES).fetchone() == (2,)


pages_needed = pytest.mark.skipif(not shows_pages(), reason="this SQLite was built without sqlite_dbpage")


def filled(folder: Path) -> Path:
    """Return a ledger whose rows another program deleted without overwriting them: whole pages and parts."""
    file = folder / "acme.sqlite3"
    with contextlib.closing(SqliteStore(str(file))) as store:
        store.append([replace(PLAYED, pseudonym=bytes([n]) * 32, call=f"deleted.{n}") for n in range(200)])
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("PRAGMA foreign_keys = OFF")
        other.execute("DELETE FROM event WHERE record BETWEEN 20 AND 199")
        other.execute("UPDATE event SET call = ''")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


def dump(file: Path) -> list[str]:
    """Return all rows."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(connection.iterdump())


@pages_needed
def test_nothing_that_was_deleted_is_left_and_no_row_changes(tmp_path: Path) -> None:
    """Free pages and parts of pages are zero, and the ledger has the same rows; a second time nothing is
    written."""
    file = filled(tmp_path)
    before = dump(file)
    assert file.read_bytes().count(b"deleted.") > 100
    with contextlib.closing(SqliteStore(str(file))) as store:
        assert unused_bytes.blank(store)
        store.empty_log(5)
        assert unused_bytes.blank(store)
        assert file.with_name("acme.sqlite3-wal").stat().st_size == 0
    assert b"deleted." not in file.read_bytes()
    assert dump(file) == before


def written(store: SqliteStore, page: int, *parts: tuple[int, bytes]) -> bytes:
    """Write these bytes at these places of a page, and return the page as it was."""
    with store.connected() as connection:
        (before,) = connection.execute("SELECT data FROM sqlite_dbpage WHERE pgno = ?", (page,)).fetchone()
        data = bytearray(before)
        for place, content in parts:
            data[place : place + len(content)] = content
        connection.execute("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", (bytes(data), page))
    return bytes(before)


def two_tables(store: SqliteStore) -> list[int]:
    """Make two tables of one row each, and return their pages, which are the last ones of the file."""
    with store.connected() as connection:
        connection.execute("CREATE TABLE before (text TEXT)")  # for whose name the schema takes a page more
        connection.execute("CREATE TABLE first (text TEXT)")
        connection.execute("CREATE TABLE second (text TEXT)")
        connection.execute("INSERT INTO first VALUES ('a')")
        connection.execute("INSERT INTO second VALUES ('b')")
        pages = "SELECT rootpage FROM sqlite_schema WHERE name IN ('first', 'second') ORDER BY rootpage"
        return [page for (page,) in connection.execute(pages)]


@pages_needed
@pytest.mark.parametrize("at_once", [1, 100])
def test_first_and_last_page_are_blanked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """Page 1 begins with the file's header, and a turn may end just before the last page; each is looked at
    once, and no other."""
    monkeypatch.setattr(unused_bytes, "PAGES", at_once)
    looks = []
    monkeypatch.setattr(
        unused_bytes, "blanked_page", lambda page, *more: looks.append(page) or blanked_page(page, *more)
    )
    with contextlib.closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as store:
        last = two_tables(store)[1]
        with store.connected() as connection:
            assert connection.execute("PRAGMA page_count").fetchone() == (last,)
        as_it_was = written(store, last, (1000, b"stayed behind"))
        (rows,) = unpack(">H", written(store, 1)[103:105])
        free = 112 + 2 * rows  # behind the headers of the file and of an inner page, and the list of rows
        written(store, 1, (free, b"here"))
        assert unused_bytes.blank(store)
        assert written(store, last) == as_it_was
        assert written(store, 1)[free:][:4] == bytes(4)
    assert looks == list(range(1, last + 1))


@pages_needed
@pytest.mark.parametrize("at_once", [1, 100])
def test_one_page_that_contradicts_itself_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    """The file is to be written anew though all pages after it, in its turn or a later one, are well."""
    monkeypatch.setattr(unused_bytes, "PAGES", at_once)
    with contextlib.closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as store:
        page = two_tables(store)[0]
        as_it_was = written(store, page, (1, b"\0\3"))  # a free block within the page's own header
        assert not unused_bytes.blank(store)
        written(store, page, (0, as_it_was))
        assert unused_bytes.blank(store)


@pages_needed
@pytest.mark.parametrize(("most", "possible"), [(0, False), (1, True)])
def test_file_of_too_many_pages_is_written_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int, *, possible: bool
) -> None:
    """From that number on a page that continues a row could pass for one of rows."""
    with contextlib.closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as store:
        monkeypatch.setattr(unused_bytes, "_MOST_PAGES", two_tables(store)[1] + most)
        assert unused_bytes.blank(store) is possible


@pages_needed
def test_all_bytes_of_free_pages_are_zero_but_for_their_list(tmp_path: Path) -> None:
    """Two thousand pages are free: two of them list the others, behind their first eight bytes."""
    file = tmp_path / "acme.sqlite3"
    with contextlib.closing(SqliteStore(str(file))) as store:
        with store.connected() as connection:
            connection.execute("PRAGMA secure_delete = OFF")
            connection.execute("CREATE TABLE long (text TEXT)")
            rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)"
            connection.execute(f"INSERT INTO long {rows} SELECT printf('%.*c', 1900, 'x') FROM n")
            connection.execute("DROP TABLE long")
        assert unused_bytes.blank(store)
        with store.connected() as connection:
            (first,) = unpack(">I", written(store, 1)[32:36])
            lists, free = [], first
            while free:
                data = written(store, free)
                free, count = unpack(">II", data[:8])
                lists.append(count)
                assert data[8 + 4 * count :].strip(b"\0") == b""
                for leaf in unpack(f">{count}I", data[8 : 8 + 4 * count]):
                    assert written(store, leaf) == bytes(4096)
            assert connection.execute("PRAGMA freelist_count").fetchone() == (sum(lists) + len(lists),)
    assert len(lists) == 2
    assert max(lists) > 900


@pages_needed
def test_list_of_free_pages_that_leads_out_of_the_file_costs_no_row(tmp_path: Path) -> None:
    """It begins at a page that is not there: nothing is written by it."""
    with contextlib.closing(SqliteStore(str(filled(tmp_path)))) as store:
        written(store, 1, (32, pack(">I", 1 << 20)))
        assert not unused_bytes.blank(store)
        assert store.count() == 20


@pages_needed
def test_calls_are_recorded_between_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each page the ledger is free: another process that writes as often as it is is never held up."""
    file = filled(tmp_path)
    monkeypatch.setattr(unused_bytes, "PAGES", 1)
    with contextlib.closing(SqliteStore(str(file))) as service:

        class Beside(SqliteStore):
            @contextlib.contextmanager
            def turn(self, *, brief: bool = False):  # type: ignore[no-untyped-def]
                service.append([PLAYED])
                with super().turn(brief=True) as transaction:
                    yield transaction

        with contextlib.closing(Beside(str(file))) as store:
            assert unused_bytes.blank(store)
            store.empty_log(5)
        assert service.count() > 50
    assert b"deleted." not in file.read_bytes()
    dump(file)


@pages_needed
def test_i9_id_of_a_call_that_stayed_behind_in_a_page_goes_with_the_caller(tmp_path: Path) -> None:
    """It stands there with the number of his record, and leads to him by the PBX's own list of calls."""
    file = tmp_path / "acme.sqlite3"
    with contextlib.closing(SqliteStore(str(file))) as store:
        store.append([replace(PLAYED, pseudonym=HE, call="17.4711", linked="17.4711")])
        with store.connected() as connection:
            sql = "SELECT pgno, data FROM sqlite_schema CROSS JOIN sqlite_dbpage ON pgno = rootpage"
            page, data = connection.execute(f"{sql} WHERE name = 'event_call'").fetchone()
            data = data[:2000] + b"17.4711" + data[2007:]  # between its list of rows and the rows
            connection.execute("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", (data, page))
    assert b"17.4711" in file.read_bytes()[page * 4096 - 2096 :][:7]
    erasure.erase(file, [HE], AT)
    assert b"17.4711" not in file.read_bytes()
    assert traces(tmp_path, HE) == []


@pytest.mark.parametrize("tables", [0, 1])
def test_sqlite_that_shows_no_pages_writes_the_file_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tables: int
) -> None:
    """Where the table of pages was not compiled in, an erasure leaves nothing either."""
    file = filled(tmp_path)
    monkeypatch.setattr(unused_bytes, "_TABLES", f"SELECT {tables}")
    with contextlib.closing(SqliteStore(str(file))) as store:
        assert not unused_bytes.blank(store)
    erasure.erase(file, [bytes([100]) * 32], AT)
    assert traces(tmp_path, bytes([100]) * 32) == []


@pages_needed
def test_end_of_a_long_row_that_holds_something_is_noticed(tmp_path: Path) -> None:
    """Its last page has an end that belongs to nothing, which is not written here."""
    file = tmp_path / "acme.sqlite3"
    with contextlib.closing(SqliteStore(str(file))) as store:
        store.append([PLAYED])
        with store.connected() as connection:
            connection.execute("CREATE TABLE long (text TEXT)")
            connection.execute("INSERT INTO long VALUES (?)", (LONG,))
            assert unused_bytes.blank(store)
            (page, unused), = connection.execute(
                "SELECT pageno, unused FROM dbstat WHERE pagetype = 'overflow' AND unused > 0"
            ).fetchall()  # fmt: skip
            connection.execute(
                "UPDATE sqlite_dbpage SET data = CAST(substr(data, 1, 4093) || x'010101' AS BLOB)"
                " WHERE pgno = ?",
                (page,),
            )
            assert unused > 3
            assert not unused_bytes.blank(store)
            assert connection.execute("SELECT text FROM long").fetchone() == (LONG,)


def page(block: int, rows: tuple[int, ...], content: int, *blocks: tuple[int, int, int]) -> bytes:
    """Return a page of 64 bytes of 0xFF with a header, and free blocks as (place, next, size)."""
    data = bytearray(b"\xff" * 64)
    data[: 8 + 2 * len(rows)] = pack(f">BHHHB{len(rows)}H", 13, block, len(rows), content, 0, *rows)
    for place, following, size in blocks:
        data[place : place + 4] = pack(">HH", following, size)
    return bytes(data)


def test_unused_bytes_of_a_page_are_those_between_its_parts() -> None:
    """Between the list of its rows and the first of them, and in free blocks behind their first four."""
    original = page(24, (32, 56), 20, (24, 48, 8), (48, 0, 6))
    zeros = {*range(12, 20), *range(28, 32), *range(52, 54)}
    blanked = blanked_page(2, original, None)
    assert blanked is not None
    assert {place for place in range(12, 64) if blanked[place : place + 1] == b"\0"} >= zeros
    assert [place for place in range(64) if blanked[place] != original[place]] == sorted(zeros)


@pytest.mark.parametrize(
    ("original", "zeros"),
    [
        (page(0, (10,), 10), []),  # the first row follows the list of rows
        (page(20, (32,), 20, (20, 0, 8)), [*range(10, 20), *range(24, 28)]),  # a block before the first row
        (page(60, (32,), 32, (60, 0, 4)), [*range(10, 32)]),  # the smallest block, at the end
    ],
)
def test_parts_of_a_page_may_touch(original: bytes, zeros: list[int]) -> None:
    """A page that is full, and blocks at the ends of what holds rows, contradict nothing."""
    blanked = blanked_page(2, original, None)
    assert blanked is not None
    assert [place for place in range(64) if blanked[place] != original[place]] == zeros


@pytest.mark.parametrize(
    "data",
    [
        page(0, (32,), 40),  # a row before the first one
        page(0, (32,), 9),  # rows that begin within their own list
        page(0, (), 65),  # behind the end
        page(24, (26,), 20, (24, 0, 8)),  # a row within a free block
        page(24, (24,), 20, (24, 0, 8)),
        page(24, (), 20, (24, 24, 8)),  # a block that follows itself
        page(24, (), 20, (24, 0, 41)),  # one that goes on behind the end
        page(24, (), 20, (24, 0, 3)),
        page(16, (), 20, (16, 0, 8)),
        page(62, (), 20),
        page(0, (0,) * 28, 64),  # a list of rows that leaves room for none
        b"\x0d\0\0\xff\xff\0\x14\0" + bytes(56),  # more rows than bytes
    ],
)
def test_page_that_contradicts_itself_is_left_as_it_is(data: bytes) -> None:
    """A damaged page loses no byte that could be somebody's."""
    assert blanked_page(2, data, None) is None


def test_free_and_long_pages() -> None:
    """Of a free page its list of others stays; a page of a long row has no rows that begin in it."""
    assert blanked_page(2, b"\xff" * 16, 12) == b"\xff" * 12 + bytes(4)
    assert blanked_page(2, b"\0" + b"\xff" * 15, None) == b"\0" + b"\xff" * 15


@pages_needed
@pytest.mark.parametrize("count", [179, 200, 1 << 31])
def test_damaged_list_of_free_pages_costs_no_row(tmp_path: Path, count: int) -> None:
    """It says that there are other pages than it lists: nothing is written by it."""
    file = filled(tmp_path)
    with contextlib.closing(SqliteStore(str(file))) as store, store.connected() as connection:
        (first,) = connection.execute("SELECT data FROM sqlite_dbpage WHERE pgno = 1").fetchone()
        (trunk,) = unpack(">I", first[32:36])
        (data,) = connection.execute("SELECT data FROM sqlite_dbpage WHERE pgno = ?", (trunk,)).fetchone()
        wrong = data[:4] + pack(">I", count) + data[8:]
        connection.execute("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", (wrong, trunk))
        assert not unused_bytes.blank(store)
        assert store.count() == 20
