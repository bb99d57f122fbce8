"""The records of one caller, gathered in tables in memory, and what his erasure does to them.

All is within one connection: the tables are there until others are gathered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from . import leaves, outbox, requests
from .loss_notes import NamedLeaves
from .transaction import SqliteTransaction

ERASED_ROW = """
pseudonym = NULL, call = '', linked = '', reference = '', key = NULL, basis = NULL, earlier = NULL,
erased = 1, at = at - at % 60000000, recorded = recorded - recorded % 60000000
"""
"""The changes to a row. The rest of it says that something was played in that minute on that line, but not to
whom."""
ERASE = f"UPDATE event SET {ERASED_ROW}"  # noqa: S608  # our own names
_CLOSE = "UPDATE leaf SET salt_who = NULL, binding = NULL, opening = NULL"
# In memory, for one erasure: the caller's pseudonyms, his records, the ids of his conversations, the records
# that rest on his, and records of his that stay, because they came after the list.
_GATHERED = """
CREATE TEMP TABLE his (pseudonym BLOB PRIMARY KEY);
CREATE TEMP TABLE own (record INTEGER PRIMARY KEY);
CREATE TEMP TABLE conversation (id TEXT PRIMARY KEY);
CREATE TEMP TABLE leading (record INTEGER PRIMARY KEY);
CREATE TEMP TABLE staying (record INTEGER PRIMARY KEY)
"""
# His pseudonyms under keys that are not kept any more, found by records that name both. (Not by a record of
# the same call: two callers may have heard it together.)
_EARLIER = """
INSERT OR IGNORE INTO his
SELECT event.earlier FROM his JOIN event USING (pseudonym) WHERE event.earlier IS NOT NULL
UNION
SELECT pseudonym FROM event WHERE earlier IS NOT NULL AND earlier IN his AND pseudonym IS NOT NULL
UNION
SELECT earlier.pseudonym FROM his JOIN event AS later USING (pseudonym)
JOIN event AS earlier ON earlier.record = later.basis
WHERE later.reason <> 'same-call' AND earlier.pseudonym IS NOT NULL
UNION
SELECT later.pseudonym FROM event AS later JOIN event AS earlier ON earlier.record = later.basis
WHERE later.reason <> 'same-call' AND later.pseudonym IS NOT NULL AND earlier.pseudonym IN his
UNION
SELECT event.pseudonym FROM his JOIN standing USING (pseudonym) JOIN event ON event.record = standing.record
WHERE event.pseudonym IS NOT NULL
UNION
SELECT event.pseudonym FROM his JOIN answer USING (pseudonym) JOIN event ON event.record = answer.record
WHERE event.pseudonym IS NOT NULL
"""
_CONVERSATIONS = (
    "INSERT OR IGNORE INTO conversation"  # CROSS: start from his records, not from all records
    " SELECT call FROM own CROSS JOIN event USING (record) WHERE call <> ''",
    "INSERT OR IGNORE INTO conversation"
    " SELECT linked FROM own CROSS JOIN event USING (record) WHERE linked <> ''",
)
_OWN = (
    "INSERT OR IGNORE INTO own SELECT record FROM event WHERE record >= :first AND pseudonym IN his",
    *_CONVERSATIONS,
    "INSERT OR IGNORE INTO own SELECT record FROM event WHERE record >= :first AND pseudonym IS NULL"
    " AND (call IN conversation OR linked IN conversation)",
    "INSERT OR IGNORE INTO leading SELECT record FROM event WHERE record >= :first AND basis IN own",
)
# Leaves of his records and of those that rest on them. Their salts are searched for in all files afterwards.
_THEIRS = f"""
FROM (SELECT record FROM own UNION SELECT record FROM leading) AS his
CROSS JOIN leaf ON {leaves.of("his.record")}
"""  # noqa: S608  # our own names
_SALTS = f"SELECT salt_who, binding, opening {_THEIRS} WHERE salt_who IS NOT NULL"
_LEAVES = f"SELECT leaf.leaf, his.record IN own {_THEIRS} ORDER BY leaf.leaf"
_CLOSE_THEIRS = f"{_CLOSE} WHERE leaf IN (SELECT leaf.leaf {_THEIRS})"
_DERIVED = ("standing", "answer", "number_use")  # a row for a pseudonym, which goes with its caller
_FORGET_HIM = (
    outbox.FORGET_GATHERED,
    requests.FORGET_GATHERED,
    *(f"DELETE FROM {table} WHERE pseudonym IN his" for table in _DERIVED),  # noqa: S608  # our own names
)
WITH_PSEUDONYM = ("event", "request", *_DERIVED)
"""All tables of a ledger that have a pseudonym."""
_AGAIN = " UNION ALL ".join(
    f"SELECT 1 FROM {table} WHERE pseudonym IN his"  # noqa: S608  # our own names
    for table in WITH_PSEUDONYM
)
_IDS = """
SELECT id FROM conversation WHERE length(id) >= 8
EXCEPT SELECT call FROM event
EXCEPT SELECT linked FROM event
"""
# By a list: the records of its leaves, and all pseudonyms that lead to them.
_NAMED = """
INSERT OR IGNORE INTO {table} SELECT record FROM leaf WHERE leaf >= ? AND leaf < ? AND what IS NOT NULL
"""
_HIS = """
INSERT OR IGNORE INTO his
SELECT pseudonym FROM own CROSS JOIN event USING (record) WHERE pseudonym IS NOT NULL
UNION SELECT earlier FROM own CROSS JOIN event USING (record) WHERE earlier IS NOT NULL
UNION SELECT pseudonym FROM standing WHERE record IN own
UNION SELECT pseudonym FROM answer WHERE record IN own
"""
_STAYING = """
INSERT OR IGNORE INTO staying
SELECT record FROM event WHERE record >= ? AND pseudonym IN his AND record NOT IN own
"""
# Pseudonyms that are on record all the same.
_ON_RECORD = " UNION ".join(
    f"SELECT pseudonym FROM {table} WHERE pseudonym IS NOT NULL"  # noqa: S608  # our own names
    for table in WITH_PSEUDONYM
)
_SPARE = f"DELETE FROM his WHERE pseudonym IN ({_ON_RECORD})"  # noqa: S608  # our own names


def gather_all(connection: sqlite3.Connection, pseudonyms: Sequence[bytes]) -> None:
    """Find his pseudonyms and his records that there are now, into tables in memory."""
    _begin_gathering(connection)
    connection.executemany("INSERT INTO his VALUES (?)", {(pseudonym,) for pseudonym in pseudonyms})
    while connection.execute(_EARLIER).rowcount:
        pass
    gather_since(connection, 0)


def gather_named(connection: sqlite3.Connection, named: NamedLeaves) -> None:
    """Find the records of these leaves and their pseudonyms, and the records of his that are not among them,
    into the same tables."""
    _begin_gathering(connection)
    for table, ranges in (("own", named.own), ("leading", named.resting)):
        bounds = [(leaf_range.start, leaf_range.stop) for leaf_range in ranges]
        connection.executemany(_NAMED.format(table=table), bounds)
    connection.execute(_HIS)
    for statement in _CONVERSATIONS:
        connection.execute(statement)
    connection.execute(_STAYING, (0,))


def gather_since(connection: sqlite3.Connection, first: int) -> None:
    """Find his records from the number `first` on."""
    for statement in _OWN:
        connection.execute(statement, {"first": first} if ":first" in statement else {})


def _begin_gathering(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA temp_store = MEMORY")
    for statement in _GATHERED.split(";"):
        table = statement.split()[3]
        connection.execute(f"DROP TABLE IF EXISTS temp.{table}")
        connection.execute(statement)


def count_own(connection: sqlite3.Connection) -> int:
    """Return how many of the gathered records are his own, and not erased."""
    sql = "SELECT count(*) FROM own CROSS JOIN event USING (record) WHERE NOT erased"
    number: int = connection.execute(sql).fetchone()[0]
    return number


def leaf_rows(connection: sqlite3.Connection) -> tuple[list[int], list[int]]:
    """Return the rows of `leaf` of the gathered records: of his own, and of those that rest on them."""
    rows = connection.execute(_LEAVES).fetchall()
    return [leaf for leaf, is_own in rows if is_own], [leaf for leaf, is_own in rows if not is_own]


def pseudonyms(connection: sqlite3.Connection) -> list[bytes]:
    """Return his pseudonyms."""
    return [pseudonym for (pseudonym,) in connection.execute("SELECT pseudonym FROM his")]


def erase_gathered(connection: sqlite3.Connection, transaction: SqliteTransaction, first: int) -> list[bytes]:
    """Take from the gathered records all that leads to him, within a transaction, and return their salts. The
    history of what stays is derived anew: records of his from number `first` on that were not gathered."""
    connection.execute(_STAYING, (first,))
    salts = [value for row in connection.execute(_SALTS) for value in row if value]
    connection.execute(f"{ERASE} WHERE record IN own AND NOT erased")
    connection.execute("UPDATE event SET basis = NULL WHERE record IN leading")
    for statement in _FORGET_HIM:
        connection.execute(statement)
    connection.execute(_CLOSE_THEIRS)
    for (number,) in connection.execute("SELECT record FROM staying ORDER BY record").fetchall():
        if record := transaction.record(number):
            transaction.remember(record.event, number)
    return salts


def ids(connection: sqlite3.Connection) -> list[bytes]:
    """Return the ids of his conversations that no record has any more: to be searched for, so not such short
    ones as occur by chance."""
    return [call.encode() for (call,) in connection.execute(_IDS)]


def is_on_record(connection: sqlite3.Connection) -> bool:
    """Return whether any of his pseudonyms is on record."""
    return connection.execute(_AGAIN).fetchone() is not None


def leave_out_those_on_record(connection: sqlite3.Connection) -> None:
    """Forget which of his pseudonyms are on record all the same."""
    connection.execute(_SPARE)
