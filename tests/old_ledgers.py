"""Ledgers as an earlier informativa left them, and what stands in one."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from examples import ONE
from informativa.ledgers import migrating

NEWEST = max(number for number, _ in migrating.migrations())
COLUMNS = "record, at, call, line, pseudonym, notice, version, purposes, status, reason, heard"
INSERT = (
    "INSERT INTO event (at, call, line, pseudonym, notice, version, language, purposes, status, reason,"
    " prompt, ending, heard, length, key) VALUES (?, 'c', 'l', ?, 'privacy', '1', 'it', 'service', 'PLAYED',"
    " 'not-informed', 'p', 'whole', 9.5, 9.5, '')"
)


def old(file: Path, schema: int, records: int = 3) -> Path:
    """A ledger as the first migrations leave it, with records."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.touch(0o600)
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        for number, sql in sorted(migrating.migrations())[:schema]:
            connection.executescript(sql)
            connection.execute(f"PRAGMA user_version = {number}")
        connection.executemany(INSERT, [(at, ONE) for at in range(1, records + 1)])
        if schema > 2:  # from then on a table that migrations leave alone
            connection.execute(
                "INSERT INTO standing (record, pseudonym, notice, version, purposes, at) SELECT max(record),"
                " pseudonym, notice, version, purposes, at FROM event GROUP BY pseudonym, notice, version"
            )
        if schema > 5:  # from then on written with the rest
            connection.execute("UPDATE standing SET whole = at")
        if schema > 6:  # from then on marked as ours, and with a log
            connection.execute(f"PRAGMA application_id = {migrating.APPLICATION}")
            connection.execute(
                "INSERT INTO log (epoch, origin, first, old, entered)"
                " VALUES (1, 'box/informativa/acme/box/1', 0, ?, 0)",
                (records,),
            )
    connection.close()
    return file


def form(file: Path) -> int:
    """Return which migration a ledger is at."""
    return int(rows(file, "PRAGMA user_version")[0][0])


def rows(file: Path, query: str = f"SELECT {COLUMNS} FROM event") -> list[tuple[object, ...]]:
    """Return what stands in a ledger or in a copy of one."""
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()
