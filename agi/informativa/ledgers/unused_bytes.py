"""The bytes of a ledger's file that no row uses, made zero beside calls.

SQLite overwrites what it deletes (`secure_delete`), but not what stays behind in a page when it moves a row
to another one, nor what a program deleted that did not ask for it. A VACUUM takes all that away and holds
every writer for as long as it writes the file. Here pages are looked at a few at a time, under the lock, and
only those are written that have such bytes. The form of pages: https://www.sqlite.org/fileformat2.html
"""

from __future__ import annotations

import sqlite3
from struct import unpack_from

from .sqlite import SqliteStore

PAGES = 100  # in one turn: a call waits until they are on the disk
_HEADER = 100  # bytes of the file's header, with which page 1 begins
_ROOM_FOR_CELLS = {2: 12, 5: 12, 10: 8, 13: 8}  # bytes of the header of a page of rows, by its kind
_MOST_PAGES = 1 << 25  # from there on another page may begin with the byte of such a kind
_WRITE = "UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?"
_TABLES = "SELECT count(*) FROM pragma_module_list WHERE name IN ('sqlite_dbpage', 'dbstat')"
# Long rows go on in pages of their own, whose ends nothing writes.
_LONG_ROWS = """
SELECT 1 FROM dbstat CROSS JOIN sqlite_dbpage ON pgno = pageno
WHERE pagetype = 'overflow' AND unused > 0 AND substr(data, -unused) <> zeroblob(unused)
"""


def blank(store: SqliteStore) -> bool:
    """Make all unused bytes zero, and return whether none is left. `False` where this SQLite shows no pages,
    or one cannot be understood: then the file is to be written anew. Raises LedgerError."""
    with store.connected() as connection:
        if not _is_possible(connection):
            return False
        first, is_understood = 1, True
        while first <= _number(connection, "page_count"):
            with store.turn():
                is_understood &= _blank_pages(connection, first, first + PAGES)
            first += PAGES
        return is_understood and connection.execute(_LONG_ROWS).fetchone() is None


def _is_possible(connection: sqlite3.Connection) -> bool:
    """Return whether this SQLite shows pages, and the file has only those kinds that `blanked_page` knows."""
    return (
        connection.execute(_TABLES).fetchone() == (2,)
        and _number(connection, "auto_vacuum") == 0
        and _number(connection, "page_count") < _MOST_PAGES
    )


def _blank_pages(connection: sqlite3.Connection, first: int, after: int) -> bool:
    """Blank these pages within a transaction. Return whether all of them could be understood."""
    free = _free_pages(connection)
    if free is None:
        return False
    is_understood = True
    for page in range(first, min(after, _number(connection, "page_count") + 1)):
        data = _page(connection, page)
        blanked = blanked_page(page, data, free.get(page))
        is_understood &= blanked is not None
        if blanked not in (None, data):
            connection.execute(_WRITE, (blanked, page))
    return is_understood


def _free_pages(connection: sqlite3.Connection) -> dict[int, int] | None:
    """Return the pages that nothing uses, each with the number of its bytes that list others of them; `None`
    if the lists contradict themselves."""
    pages = dict[int, int]()
    (trunk,) = unpack_from(">I", _page(connection, 1), 32)
    while trunk and trunk not in pages:
        data = _page(connection, trunk)
        following, count = unpack_from(">II", data)
        pages[trunk] = 8 + 4 * min(count, len(data) // 4 - 2)
        pages |= dict.fromkeys(unpack_from(f">{pages[trunk] // 4 - 2}I", data, 8), 0)
        trunk = following
    return pages if len(pages) == _number(connection, "freelist_count") else None


def _page(connection: sqlite3.Connection, page: int) -> bytes:
    """Return the bytes of a page; zeros if there is none of that number."""
    row = connection.execute("SELECT data FROM sqlite_dbpage WHERE pgno = ?", (page,)).fetchone()
    return row[0] if row else bytes(8)


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    number: int = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    return number


def blanked_page(page: int, data: bytes, used_if_free: int | None) -> bytes | None:
    """Return a page with its unused bytes zero; `None` if it is of rows and contradicts itself. If nothing
    uses it, so many of its bytes list other such pages."""
    start = _HEADER if page == 1 else 0
    unused: list[tuple[int, int]] | None = []  # of a page in which a long row goes on
    if used_if_free is not None:
        unused = [(used_if_free, len(data))]
    elif data[start] in _ROOM_FOR_CELLS:
        unused = _between_rows(data, start)
    if unused is None:
        return None
    blanked = bytearray(data)
    for first, after in unused:
        blanked[first:after] = bytes(after - first)
    return bytes(blanked)


def _between_rows(data: bytes, start: int) -> list[tuple[int, int]] | None:
    """Return the unused ranges of a page of rows: between the list of its rows and the first of them, and
    in its free blocks. `None` if a row would be in them."""
    block, cells, content = unpack_from(">HHH", data, start + 1)
    begin = start + _ROOM_FOR_CELLS[data[start]]
    end, content = begin + 2 * cells, content or len(data)
    rows = unpack_from(f">{cells}H", data, begin) if end <= len(data) else ()
    if not end <= content <= min(rows, default=len(data)) <= len(data):
        return None
    unused, earliest = [(end, content)], content
    while block:
        if not earliest <= block <= len(data) - 4:
            return None
        following, size = unpack_from(">HH", data, block)
        earliest = block + size
        if size < 4 or earliest > len(data) or any(block <= row < earliest for row in rows):
            return None
        unused.append((block + 4, earliest))
        block = following
    return unused
