"""Events as rows of SQLite: the statements, and both directions of the mapping. No connection here."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ..model import Ending, Event, Heard, Kind, Known, Reason, Record, Status

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Joined with `event`: a standing whose proof is gone proves nothing.
STANDING = """
SELECT standing.notice, standing.version, standing.purposes, standing.record, standing.at
FROM standing JOIN event ON event.record = standing.record WHERE standing.pseudonym = ?
"""
COLUMNS = """record, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt,
       ending, heard, length, key, basis, linked, wanted, kind, reference, erased"""
RECORDS = f"SELECT {COLUMNS} FROM event WHERE record >= ? ORDER BY record"  # noqa: S608  # our own names
RECORD = f"SELECT {COLUMNS} FROM event WHERE record = ?"  # noqa: S608  # our own names
OF_CALLER = f"SELECT {COLUMNS} FROM event WHERE pseudonym = ? ORDER BY record"  # noqa: S608  # our own names
# What is left says that something was played at that time on that line, and not to whom.
ERASE = """
UPDATE event SET pseudonym = NULL, call = '', linked = '', reference = '', key = NULL, erased = 1
WHERE pseudonym = ?
"""
AROUND = """
SELECT max(CASE WHEN at < ? THEN at END), min(CASE WHEN at >= ? THEN at END) FROM event WHERE kind = 'phone'
"""
# Searched for without a lock, page by page from the last one found, and then deleted by their keys.
OLD = "SELECT record FROM event WHERE at < ? AND kind <> 'purge' AND record > ? ORDER BY record LIMIT ?"
PURGE = "DELETE FROM event WHERE record = ?"
# What the deleted records proved proves nothing any more (and look-ups join, so it never did since).
BASELESS = """
SELECT pseudonym, notice, version FROM standing AS old
WHERE at < ? AND (pseudonym, notice, version) > (?, ?, ?)
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = old.record)
ORDER BY pseudonym, notice, version LIMIT ?
"""
PURGE_STANDING = """
DELETE FROM standing WHERE pseudonym = ? AND notice = ? AND version = ?
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = standing.record)
"""
REKEY = "UPDATE OR IGNORE standing SET pseudonym = ? WHERE pseudonym = ?"
FORGET = "DELETE FROM standing WHERE pseudonym = ?"
KEEP_DIGEST = "INSERT OR IGNORE INTO imported VALUES (?)"
RECORDINGS = "SELECT notice, version, part, language, format, sha256 FROM recording"
KEEP_RECORDING = "INSERT OR IGNORE INTO recording VALUES (?, ?, ?, ?, ?, ?)"
APPEND = """
INSERT INTO event (at, call, line, pseudonym, notice, version, language, purposes, status, reason,
                   prompt, ending, heard, length, key, basis, linked, wanted, kind, reference, erased)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
INFORM = """
INSERT INTO standing (pseudonym, notice, version, purposes, record, at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (pseudonym, notice, version) DO UPDATE
SET purposes = excluded.purposes, record = excluded.record, at = excluded.at
"""


def note(kind: Kind, reason: Reason, at: datetime, reference: str) -> Event:
    """A record about records."""
    return Event(
        at=at,
        call="",
        line="",
        pseudonym=None,
        notice="",
        version="",
        language="",
        purposes=frozenset(),
        status=Status.NOTDUE,
        reason=reason,
        kind=kind,
        reference=reference,
    )


def informs(event: Event, known: Known) -> tuple[object, ...]:
    """What INFORM takes for an event and all that its version told this caller."""
    purposes = words(known.purposes)
    return (event.pseudonym, event.notice, event.version, purposes, known.record, microseconds(known.at))


def digest(event: Event) -> bytes:
    """What makes an imported delivery the same as another."""
    parts = (event.notice, event.version, event.kind, event.reference, str(microseconds(event.at)))
    return hashlib.sha256((event.pseudonym or b"") + "\0".join(parts).encode(errors="replace")).digest()[:16]


def row(event: Event) -> tuple[object, ...]:
    """What APPEND takes for an event."""
    heard = event.heard
    return (
        microseconds(event.at),
        event.call,
        event.line,
        event.pseudonym,
        event.notice,
        event.version,
        event.language,
        words(event.purposes),
        event.status,
        event.reason,
        event.prompt,
        heard and heard.ending,
        heard and heard.seconds,
        heard and heard.length,
        heard and heard.key,
        event.basis,
        event.linked,
        event.wanted,
        event.kind,
        event.reference,
        event.erased,
    )


def record(row: Sequence[Any]) -> Record:
    """A record from a row of COLUMNS."""
    (number, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt) = row[
        :12
    ]
    ending, seconds, length, key, basis, linked, wanted, kind, reference, erased = row[12:]
    return Record(
        number,
        Event(
            at=moment(at),
            call=call,
            line=line,
            pseudonym=pseudonym,
            notice=notice,
            version=version,
            language=language,
            purposes=word_set(purposes),
            status=Status(status),
            reason=Reason(reason),
            prompt=prompt,
            heard=None if ending is None else Heard(Ending(ending), seconds, length, key or ""),
            basis=basis,
            linked=linked,
            wanted=wanted,
            kind=Kind(kind),
            reference=reference,
            erased=bool(erased),
        ),
    )


def words(names: frozenset[str]) -> str:
    """Names as one text, always in the same order."""
    return " ".join(sorted(names))


def word_set(words: str) -> frozenset[str]:
    """The names in a text that `words` made."""
    return frozenset(words.split())


def microseconds(at: datetime) -> int:
    """An aware time as microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def moment(at: int) -> datetime:
    """The time that `microseconds` counted."""
    return _EPOCH + timedelta(microseconds=at)
