"""The way back from a migration: a ledger in the schema of an earlier informativa, with all of its records.

Each migration that can be reversed has a file in `reversals/`, of the same name. `HINDRANCES` says which rows
would be lost by it: where there is one, nothing is reversed. Migrations up to `OLDEST` are those of the first
release (0.2.0), and are not reversed.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

from ..model.errors import LedgerError
from ..model.frozen import dataclass
from ..model.text import Text, command
from ..model.words import Answer
from . import backup, migrating, write_lock
from .ledger_file import LedgerFile, translated

OLDEST = 12
NOTES_SINCE = 16  # earlier programs cannot read a log with notes, and call what honest records say a forgery
USE_SECONDS = 120.0  # to wait for scripts, each of which has one call
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Hindrance:
    """Rows that an earlier informativa cannot keep: the query that counts them, so many of them in words, and
    the command after which they are gone, if there is one."""

    query: str
    words: Callable[[int], Text]
    remedy: str = ""


_ANSWERS = ", ".join(f"'{answer.value}'" for answer in Answer)
HINDRANCES = {
    20: Hindrance(
        "SELECT count(*) FROM request",
        lambda count: Text.counted(
            "{count} person's request in the register",
            "{count} persons' requests in the register",
            count,
        ),
    ),
    19: Hindrance(
        "SELECT count(*) FROM answer WHERE box <> ''",
        lambda count: Text.counted(
            "{count} answer from another box, of whose withdrawal it would not hear",
            "{count} answers from other boxes, of whose withdrawal it would not hear",
            count,
        ),
    ),
    18: Hindrance(
        "SELECT count(*) FROM outbox",
        lambda count: Text.counted(
            "{count} message that the company's hook has not taken yet",
            "{count} messages that the company's hook has not taken yet",
            count,
        ),
        "consent hook",
    ),
    17: Hindrance(
        f"""
        SELECT (SELECT count(*) FROM event WHERE asked IS NOT NULL)
        + (SELECT count(*) FROM tally WHERE status IN ({_ANSWERS}))
        """,  # noqa: S608  # our own words
        lambda count: Text.counted("{count} answer to a choice", "{count} answers to choices", count),
    ),
    16: Hindrance(
        "SELECT count(*) FROM leaf WHERE what IS NULL",
        lambda count: Text.counted("{count} note in the log", "{count} notes in the log", count),
    ),
    15: Hindrance(
        "SELECT count(*) FROM leaf WHERE leaf >= (SELECT max(v2_from) FROM log)",
        lambda count: Text.counted(
            "{count} leaf of version 2 in the log", "{count} leaves of version 2 in the log", count
        ),
    ),
    13: Hindrance(
        "SELECT count(*) FROM erasure_request WHERE sealed <> ''",
        lambda count: Text.counted(
            "{count} erasure that other boxes have not done yet",
            "{count} erasures that other boxes have not done yet",
            count,
        ),
        "boxes",
    ),
}
"""Hindrances by the number of the migration, the newest first; without one it can always be reversed."""


@dataclass(frozen=True)
class EarlierSchema:
    """The version of an earlier informativa, and the number of the last migration that it knows."""

    version: str
    number: int


@dataclass(frozen=True)
class Reversal:
    """The reversal of a ledger: its schema now and then, its records, and the bytes that must be free on its
    disk and that are free."""

    ledger: Path
    schema: int
    target: int
    records: int
    needed: int
    free: int


def plan(ledger: Path, controller: str, earlier: EarlierSchema) -> Reversal:
    """Return what it would take to bring a controller's ledger, which must exist, to an earlier schema.
    Changes nothing. Raises LedgerError if records would be lost, or if there is no room for a copy."""
    target = earlier.number
    opened = LedgerFile(str(ledger), read_only=True)
    with contextlib.closing(opened), opened.connected() as connection:
        schema = migrating.of(connection)
        if schema <= target:
            return Reversal(ledger, schema, schema, 0, 0, 0)
        _require_reversible(connection, ledger, controller, earlier)
        (records,) = connection.execute("SELECT count(*) FROM event").fetchone()
        needed, free = backup.needed_room(connection), shutil.disk_usage(ledger.parent).free
    if free < needed:
        raise LedgerError(
            Text(
                "There is no room for a copy of the ledger {ledger}: {needed} MB are needed, {free} MB are"
                " free.",
                ledger=ledger,
                needed=-(-needed // 10**6),
                free=free // 10**6,
            ),
            Text("Make room, look with `df -h {folder}`, then type the same again.", folder=ledger.parent),
        )
    return Reversal(ledger, schema, target, records, needed, free)


def reverse(
    ledger: Path, controller: str, earlier: EarlierSchema, now: datetime, seconds: float = USE_SECONDS
) -> None:
    """Reverse all migrations that the earlier program does not know, or none, with a copy made before. Waits
    up to `seconds` for processes that have the ledger open, as scripts have. Does nothing where it was done
    already. Raises LedgerError."""
    target = earlier.number
    _wait_until_unused(ledger, seconds)
    opened = LedgerFile(str(ledger), create=False)
    with contextlib.closing(opened), opened.connected() as connection, translated(ledger):
        if migrating.of(connection) <= target:
            return
        write_lock.take(connection)
        try:
            schema = migrating.of(connection)
            _require_reversible(connection, ledger, controller, earlier)
            backup.make(ledger, schema, now)
            for number, sql in _reversals(schema, target):
                for statement in migrating.statements(sql):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number - 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def _require_reversible(
    connection: sqlite3.Connection, ledger: Path, controller: str, earlier: EarlierSchema
) -> None:
    """Raise LedgerError if a reversal would lose a row."""
    refused = partial(_refused, ledger, controller, earlier)
    if earlier.number < OLDEST:
        raise refused(Text("tables of before 0.2.0"))
    schema = migrating.of(connection)
    for number, hindrance in HINDRANCES.items():
        if earlier.number < number <= schema:
            (count,) = connection.execute(hindrance.query).fetchone()
            if count:
                raise refused(hindrance.words(count), hindrance.remedy)


def _refused(
    ledger: Path, controller: str, earlier: EarlierSchema, reason: Text, remedy: str = ""
) -> LedgerError:
    message = Text(
        "The ledger {ledger} cannot go back to informativa {version}, which could not keep {reason}."
        " Nothing was changed.",
        ledger=ledger,
        version=earlier.version,
        reason=reason,
    )
    if remedy:
        text = Text("See to it first: {command}", command=command("informativa", *remedy.split()))
        return LedgerError(message, text)
    if earlier.number < NOTES_SINCE:
        # Put back alone, a ledger is older than its log: that program calls this a loss, and signs no more.
        text = Text(
            "Stay with this version; or, to give up what was recorded since the upgrade, stop the service,"
            " put the configuration's folder back whole, with ledgers, logs and keys, from the copy made"
            " before the upgrade, and install {version}: docs/operating.md",
            version=earlier.version,
        )
        return LedgerError(message, text)
    schemas = range(NOTES_SINCE, earlier.number + 1)
    copies = [copy.file for copy in backup.backups(ledger) if copy.schema in schemas]
    if copies:
        text = Text(
            "Stay with this version; or, to give up what was recorded since the upgrade, stop the service,"
            " install {version}, and type with it: informativa ledger restore {copy} --controller {id}",
            version=earlier.version,
            id=controller,
            copy=copies[-1],
        )
        return LedgerError(message, text)
    return LedgerError(message, Text("Stay with this version, or install a newer one."))


def _reversals(schema: int, target: int) -> Iterator[tuple[int, str]]:
    """Yield the numbers of the migrations to be reversed, the newest first, with their statements."""
    folder = Path(__file__).with_name("reversals")
    files = {int(file.name[:4]): file for file in folder.iterdir() if file.suffix == ".sql"}
    for number in range(schema, target, -1):
        yield number, files[number].read_text(encoding="utf-8")


def _wait_until_unused(ledger: Path, seconds: float) -> None:
    """Wait until no other process has the ledger open. Raises LedgerError after so many seconds."""
    deadline = time.monotonic() + seconds
    with translated(ledger):
        while users := write_lock.users(ledger):
            if time.monotonic() > deadline:
                raise LedgerError(
                    Text(
                        "The ledger {file} is open (process {users}).",
                        file=ledger,
                        users=", ".join(map(str, users)),
                    ),
                    Text("End what has it open, then type the same again."),
                )
            time.sleep(_LOOK_SECONDS)
