"""The register of persons' requests, as rows of SQLite. Steps are only added; a request loses its pseudonym
when it is closed, and with the erasure of its person (gathered_caller.py)."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from ..evidence.log_folder import LogFolder
from ..model.requests import Move, PersonRequest, RequestKind, RequestStep
from . import erasure_notes

FORGET_GATHERED = "UPDATE request SET pseudonym = NULL WHERE pseudonym IN his"
"""The change that erases the caller whose records were gathered."""
FORGET_UNKNOWN = """
UPDATE request SET pseudonym = NULL WHERE pseudonym NOT IN (
    SELECT pseudonym FROM event WHERE pseudonym IS NOT NULL
)
"""
"""The change to a ledger that is restored: who is not on record may have been erased since the backup."""
_REQUESTS = (
    "SELECT request, kind, received, pseudonym FROM request WHERE :number IS NULL OR request = :number"
)
_STEPS = """
SELECT request, at, account, move, word, digest, record, entry FROM request_step
WHERE :number IS NULL OR request = :number ORDER BY step
"""
_OPEN = "INSERT INTO request (kind, received, pseudonym) VALUES (?, ?, ?)"
_STEP = """
INSERT INTO request_step (request, at, account, move, word, digest, record, entry)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGET = "UPDATE request SET pseudonym = NULL WHERE request = ?"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def read(connection: sqlite3.Connection, number: int | None = None) -> list[PersonRequest]:
    """Return all requests in their order, or the one of that number, if there is one. Raises
    sqlite3.Error."""
    steps = defaultdict[int, list[RequestStep]](list)
    for request, at, account, move, *facts in connection.execute(_STEPS, {"number": number}):
        steps[request].append(RequestStep(_EPOCH + at * _MICROSECOND, account, Move(move), *facts))
    return [
        PersonRequest(
            request, RequestKind(kind), date.fromisoformat(received), tuple(steps[request]), pseudonym
        )
        for request, kind, received, pseudonym in connection.execute(_REQUESTS, {"number": number})
    ]


def open_request(
    connection: sqlite3.Connection, kind: RequestKind, received: date, pseudonym: bytes
) -> PersonRequest:
    """Add a request without a step, within a transaction. Raises sqlite3.Error."""
    number = connection.execute(_OPEN, (kind, received.isoformat(), pseudonym)).lastrowid
    assert number is not None
    return PersonRequest(number, kind, received, (), pseudonym)


def add_step(connection: sqlite3.Connection, request: int, step: RequestStep) -> None:
    """Add a step to a request, within a transaction. One that closes it takes the pseudonym away. Raises
    sqlite3.Error."""
    at = (step.at - _EPOCH) // _MICROSECOND
    facts = (step.account, step.move, step.word, step.digest, step.record, step.entry)
    connection.execute(_STEP, (request, at, *facts))
    if step.move is Move.CLOSE:
        connection.execute(_FORGET, (request,))


def is_erased(connection: sqlite3.Connection, ledger: Path, record: int | None) -> bool:
    """Return whether the erasure that this record notes is done. Raises sqlite3.Error, and EvidenceError."""
    noted = record and erasure_notes.of_record(connection, LogFolder(ledger), record)
    return not (noted and noted.is_open(connection))
