"""The chain of hashes in the record of who looked at whom: each row's hash is over that of the row before."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from ..evidence.commitment import canonical

COLUMNS = "number, at, account, action, pseudonym, salt, who, record, detail, hash"
_FROM = f"SELECT {COLUMNS} FROM access WHERE number >= ? ORDER BY number"  # noqa: S608  # our own names
_HASHES = "SELECT number, hash FROM access WHERE number IN (SELECT value FROM json_each(?))"
_FIRST = -(1 << 63)  # no row has a lower number
_ROW_TAG, _WHO_TAG = b"informativa/access/v1\n", b"informativa/access-who/v1\n"


@dataclass(frozen=True)
class AccessChain:
    """The state of the log: the number of rows; the number and the hash of the newest row (`head`); and the
    first number whose row is missing or was changed, `None` if all are intact. `purged` is the number of the
    last row that was purged, 0 before the first, and `hashes` are those of the rows that were asked for, by
    number, as far as they are there."""

    rows: int
    number: int
    head: bytes
    first_wrong: int | None
    purged: int = 0
    hashes: Mapping[int, bytes] = field(default_factory=dict)


def verify(
    connection: sqlite3.Connection, numbers: Collection[int], after: AccessChain | None = None
) -> AccessChain:
    """Check all rows; see `AccessLog.verify`. After an intact state whose newest row is still there, only the
    rows that came since are checked."""
    purged, purged_hash = connection.execute("SELECT number, hash FROM state").fetchone()
    number, previous_hash, first_wrong, rows = purged, purged_hash, None, 0
    first, hashes = _FIRST, {purged: purged_hash} if purged in numbers else {}
    if after is not None and after.rows and _stands(connection, after, purged):
        number, previous_hash, rows, first = after.number, after.head, after.rows, after.number + 1
        hashes |= _hashes_before(connection, first, numbers)
    for row in connection.execute(_FROM, (first,)):
        *facts, row_hash = row
        if first_wrong is None and not (
            facts[0] == number + 1 and _row_is_intact(facts, previous_hash, row_hash)
        ):
            first_wrong = number + 1
        number, previous_hash, rows = facts[0], row_hash, rows + 1
        if number in numbers:
            hashes[number] = row_hash
    return AccessChain(rows, number, previous_hash, first_wrong, purged, hashes)


def _stands(connection: sqlite3.Connection, earlier: AccessChain, purged: int) -> bool:
    """Return whether an earlier state was intact and its newest row is still there."""
    newest = _hashes_before(connection, earlier.number + 1, [earlier.number])
    return (earlier.first_wrong, earlier.purged, {earlier.number: earlier.head}) == (None, purged, newest)


def _hashes_before(connection: sqlite3.Connection, first: int, numbers: Collection[int]) -> dict[int, bytes]:
    selection = json.dumps([number for number in numbers if number < first])
    return dict(connection.execute(_HASHES, (selection,)))


def hash_of_row(
    previous_hash: bytes,
    number: int,
    at: int,
    account: str,
    action: str,
    who_hash: bytes | None,
    record: int | None,
    detail: str,
) -> bytes:
    """Return the SHA-256 of the previous hash and of the row as canonical JSON (RFC 8785), without absent
    values."""
    facts: dict[str, str | int | None] = {
        "account": account,
        "action": action,
        "at": at,
        "detail": detail or None,
        "number": number,
        "record": record,
        "who": None if who_hash is None else who_hash.hex(),
    }
    present = {name: value for name, value in facts.items() if value is not None}
    return sha256(_ROW_TAG + previous_hash + canonical(present)).digest()


def caller_hash(salt: bytes, pseudonym: bytes) -> bytes:
    """Return the SHA-256 that stands for a caller in a row."""
    return sha256(_WHO_TAG + salt + pseudonym).digest()


def _row_is_intact(facts: Sequence[object], previous_hash: bytes, row_hash: bytes) -> bool:
    """Return whether a row has the right hash, and, unless its caller was erased, the right hash of the
    caller."""
    number, at, account, action, pseudonym, salt, who_hash, record, detail = facts
    if (pseudonym is None) != (salt is None) or (pseudonym is not None and who_hash is None):
        return False
    if isinstance(pseudonym, bytes) and isinstance(salt, bytes) and caller_hash(salt, pseudonym) != who_hash:
        return False
    return hash_of_row(previous_hash, number, at, account, action, who_hash, record, detail) == row_hash  # type: ignore[arg-type]
