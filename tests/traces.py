"""A caller under each of his keys, and the files in which anything leads to him."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from informativa.call.caller import pseudonym
from informativa.model import Identified

NUMBER = "+393331234567"
KEY, OLD_KEY, DROPPED_KEY = b"k" * 32, b"o" * 32, b"d" * 32
HE, HE_BEFORE, HE_LONG_AGO = (pseudonym(Identified(NUMBER), key) for key in (KEY, OLD_KEY, DROPPED_KEY))


def traces(folder: Path, *pseudonyms: bytes) -> list[str]:
    """The files in which eight bytes of one of these stand in a row. Read by another process: SQLite's locks
    on a file end when anybody in ours closes it."""
    pieces = [sought[at : at + 8] for sought in pseudonyms for at in range(len(sought) - 7)]
    names = []
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = subprocess.check_output(["cat", file])
        if any(piece in content for piece in pieces):
            names.append(file.name)
    return names


def put_in_outbox(ledger: Path, record: int) -> None:
    """Put an act of a record into a ledger's outbox, for its company's hook."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute(
            "INSERT INTO outbox (record, id, subject, bulk, word, choice, purpose, version, at, recorded,"
            " tries, due) VALUES (?, ?, 's', 0, 'granted', 'offers', 'offers', '1', 6, 6, 0, 0)",
            (record, f"id-{record}"),
        )
