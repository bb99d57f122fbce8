"""Events as rows of SQLite: the statements, and both directions of the mapping. This module opens no
connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, TypeVar

from ..evidence.commitment import KEPT
from ..model import (
    Answer,
    Asked,
    Asks,
    Ending,
    Event,
    Heard,
    PriorDelivery,
    Reason,
    Record,
    RecordFilter,
    RecordKind,
    Status,
    Vouched,
)

Result = TypeVar("Result")

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

# A row of `standing` without its record proves nothing. It is deleted with its record, except a moved one,
# which is checked here.
STANDING = """
SELECT notice, version, purposes, record, at, whole, seen FROM standing WHERE pseudonym = ?1
AND (NOT moved OR EXISTS (SELECT 1 FROM event WHERE event.record = standing.record))
"""
COLUMNS = """record, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt,
       ending, heard, length, key, basis, linked, wanted, kind, reference, erased,
       recorded, vouched, recording, supplement, counts, rate, earlier, asked"""
RECORDS = f"SELECT {COLUMNS} FROM event WHERE record >= ? ORDER BY record"  # noqa: S608  # our own names
RECORD = f"SELECT {COLUMNS} FROM event WHERE record = ?"  # noqa: S608  # our own names
OF_CALLER = f"SELECT {COLUMNS} FROM event WHERE pseudonym = ? ORDER BY record"  # noqa: S608  # our own names
# The condition of a RecordFilter. There is no index for it: an index would cost every call, and people search
# rarely.
_WANTED = """
(:line = '' OR line = :line) AND (:status IS NULL OR status = :status)
AND (:reason IS NULL OR reason = :reason)
AND (:caller = x'' OR substr(pseudonym, 1, length(:caller)) = :caller)
AND (:callers IS NULL OR hex(pseudonym) IN (SELECT value FROM json_each(:callers)))
AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
AND (:without IS NULL OR kind NOT IN (SELECT value FROM json_each(:without)))
"""
SEARCH = f"""
SELECT {COLUMNS} FROM event WHERE record >= :first AND record < :before AND {_WANTED} ORDER BY record
"""  # noqa: S608  # our own names
BACKWARDS = f"""
SELECT {COLUMNS} FROM event WHERE record >= :first AND record < :before AND {_WANTED}
ORDER BY record DESC LIMIT :count
"""  # noqa: S608  # our own names
# The records of one call, and of one conversation, are neighbours by number; neither is indexed.
OF_CALL = f"""
SELECT {COLUMNS} FROM event WHERE record >= :first AND record < :before
AND ((call <> '' AND call = :call) OR (linked <> '' AND linked = :linked)) ORDER BY record
"""  # noqa: S608  # our own names
FIRST_OF_LAST = f"""
SELECT coalesce(min(record), :before) FROM (
    SELECT record FROM event WHERE record < :before AND {_WANTED} ORDER BY record DESC LIMIT :count
)
"""  # noqa: S608  # our own names
AROUND = """
SELECT max(CASE WHEN at < ? THEN at END), min(CASE WHEN at >= ? THEN at END) FROM event WHERE kind = 'phone'
"""
DELETABLE = f"kind NOT IN {tuple(sorted(map(str, KEPT)))}"
"""The condition that a purge may delete a record."""
# Found without a lock, page by page from the last one, and then deleted by their keys.
OLDER = f"SELECT count(*) FROM event WHERE at < ? AND {DELETABLE}"  # noqa: S608  # our own names
OLD = f"SELECT record FROM event WHERE at < ? AND {DELETABLE} AND record > ? ORDER BY record LIMIT ?"  # noqa: S608
RECORDED_BEFORE = f"SELECT count(*) FROM event WHERE coalesce(recorded, at) < ? AND {DELETABLE}"  # noqa: S608
PURGE = "DELETE FROM event WHERE record = ?"
# The condition that a record's caller knows its version; `Event.informs`.
INFORMS = """
event.pseudonym IS NOT NULL AND NOT event.erased AND event.counts
AND (event.status IN ('PLAYED', 'INFORMED') OR (event.status = 'SKIPPED' AND event.ending IS NOT NULL))
"""
# The version that a purged record told, under its pseudonym and under those of the same caller by later keys.
KNOWN_BY = f"""
WITH RECURSIVE his (pseudonym, notice, version) AS (
    SELECT pseudonym, notice, version FROM event WHERE record = ? AND {INFORMS}
    UNION SELECT event.pseudonym, his.notice, his.version FROM his JOIN event ON event.earlier = his.pseudonym
    WHERE event.pseudonym IS NOT NULL
) SELECT pseudonym, notice, version FROM his
"""  # noqa: S608  # our own names
# After that he knows only what the latest record says: the purged one may be among those that were merged.
REDUCE = """
UPDATE standing SET purposes = event.purposes,
    whole = CASE WHEN event.supplement THEN NULL WHEN whole > event.at THEN event.at ELSE whole END
FROM event WHERE event.record = standing.record AND standing.record <> ?
AND standing.pseudonym = ? AND standing.notice = ? AND standing.version = ?
AND (standing.purposes <> event.purposes OR event.supplement OR whole > event.at)
"""
# Delete what a caller knows by a record under an earlier key that is kept, if the record is deleted that says
# that he is the same. (Happens after a clock was set back, or for a spooled call.) No record would bear it
# out.
UNTIE = """
WITH RECURSIVE his (pseudonym) AS (
    SELECT pseudonym FROM event WHERE record = ?1 AND earlier IS NOT NULL
    UNION SELECT event.pseudonym FROM his JOIN event ON event.earlier = his.pseudonym
)
DELETE FROM standing WHERE pseudonym IN (SELECT pseudonym FROM his) AND moved AND record < ?1 AND EXISTS (
    SELECT 1 FROM event WHERE event.record = standing.record AND event.pseudonym <> standing.pseudonym
)
"""
# Moved rows that rest on a deleted record; no look-up has used them since.
BASELESS = """
SELECT pseudonym, notice, version FROM standing AS old
WHERE moved AND at < ? AND (pseudonym, notice, version) > (?, ?, ?)
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = old.record)
ORDER BY pseudonym, notice, version LIMIT ?
"""
# What callers know by records that happened before a time. A record that was put on record later stays, but
# its caller is informed by it no longer; nor is he by an older delivery of the whole notice.
AGED = """
SELECT pseudonym, notice, version FROM standing
WHERE min(at, coalesce(whole, at)) < ? AND (pseudonym, notice, version) > (?, ?, ?)
ORDER BY pseudonym, notice, version LIMIT ?
"""
FORGET_AGED = "DELETE FROM standing WHERE pseudonym = ?2 AND notice = ?3 AND version = ?4 AND at < ?1"
FORGET_WHOLE = """
UPDATE standing SET whole = NULL WHERE pseudonym = ?2 AND notice = ?3 AND version = ?4 AND whole < ?1
"""
DROP_BASELESS = """
DELETE FROM standing WHERE moved AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = standing.record)
"""
PURGE_STANDING = """
DELETE FROM standing WHERE pseudonym = ? AND notice = ? AND version = ?
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = standing.record)
"""
LAST_CALLERS = """
SELECT line, reason, vouched, count(*) FROM (
    SELECT line, reason, vouched FROM event WHERE line <> '' ORDER BY record DESC LIMIT ?
) GROUP BY line, reason, vouched
"""
"""Counts a number of the newest records of calls, by line, reason and who vouched."""

CALLERS_BY_VERSION = """
SELECT notice, version, count(*) FROM standing GROUP BY notice, version ORDER BY notice, version
"""
FORGET = "DELETE FROM standing WHERE pseudonym = ?"
FORGET_NOTICE = "DELETE FROM standing WHERE pseudonym = ? AND notice = ?"
NEVER_WHOLE = "UPDATE standing SET whole = NULL WHERE pseudonym = ? AND notice = ? AND version = ?"
SEEN = "UPDATE standing SET seen = ? WHERE pseudonym = ? AND notice = ?"
# Uses the partial index on records with a reference: deliveries made elsewhere, and spooled ones.
THERE = """
SELECT 1 FROM event WHERE at = ? AND pseudonym IS ? AND reference <> '' AND reference = ? AND notice = ?
AND version = ? AND kind = ? AND asked IS ?
"""
RECORDINGS = "SELECT notice, version, part, language, format, sha256 FROM recording"
KEEP_RECORDING = "INSERT OR IGNORE INTO recording VALUES (?, ?, ?, ?, ?, ?)"


def _insert(names: Sequence[str]) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO event ({', '.join(names)}) VALUES ({places})"  # noqa: S608  # our own names


# If the number is NULL, SQLite takes the one after the newest.
_NAMES = [name.strip() for name in COLUMNS.split(",")]
APPEND = _insert(_NAMES)
# Most calls play nothing; binding NULL to seven columns would cost 1 % of a call's instructions.
_RARE = ("ending", "heard", "length", "key", "rate", "earlier", "asked")
_NOTHING = (None,) * len(_RARE)
_OTHERS = [name for name in _NAMES if name not in _RARE]
_APPEND_OTHERS = _insert(_OTHERS)
_rare, _others = (itemgetter(*map(_NAMES.index, names)) for names in (_RARE, _OTHERS))
RENUMBER = "UPDATE event SET record = ? WHERE record = ?"
NEWEST = "SELECT coalesce(max(record), 0) FROM event"
# SQLite's own counter, if a ledger still has it: VACUUM deletes it if no table needs it.
HAS_COUNTER = "SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'"
COUNTED = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'"
INFORM = """
INSERT INTO standing (pseudonym, notice, version, purposes, record, at, whole, seen, moved)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (pseudonym, notice, version) DO UPDATE
SET purposes = excluded.purposes, record = excluded.record, at = excluded.at, whole = excluded.whole,
    seen = excluded.seen, moved = excluded.moved
"""


def note(kind: RecordKind, reason: Reason, at: datetime, reference: str) -> Event:
    """Build a record about records."""
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


def inform_values(
    pseudonym: bytes, notice: str, delivery: PriorDelivery, *, moved: bool = False
) -> tuple[object, ...]:
    """Return the values for INFORM: all that one version of a notice told this caller. A `moved` row may rest
    on a record of another pseudonym of his."""
    (version,) = delivery.versions
    return (
        pseudonym,
        notice,
        version,
        words(delivery.purposes),
        delivery.record,
        microseconds(delivery.at),
        _optional(microseconds, delivery.last_complete),
        _optional(microseconds, delivery.last_call),
        moved,
    )


def prior_delivery(row: Sequence[Any]) -> tuple[str, PriorDelivery]:
    """Return a notice, and what one of its versions told, from a row of STANDING."""
    notice, version, purposes, record, at, whole_at, seen_at = row
    happened, purpose_set = moment(at), word_set(purposes)
    delivery = PriorDelivery(
        frozenset({version}),
        purpose_set,
        record,
        happened,
        happened if whole_at == at else _optional(moment, whole_at),
        _optional(moment, seen_at),
        frozenset({(happened, version, purpose_set, whole_at is not None)}),
    )
    return notice, delivery


def filter_parameters(search: RecordFilter, **more: int) -> dict[str, object]:
    """Return the parameters of SEARCH and similar statements for a filter, and `more`."""
    import json  # not loaded by a script, which does not search

    return {
        "line": search.line,
        "caller": search.caller,
        "callers": json.dumps([pseudonym.hex().upper() for pseudonym in search.callers])
        if search.callers
        else None,
        "status": search.status,
        "reason": search.reason,
        "since": _optional(microseconds, search.since),
        "until": _optional(microseconds, search.until),
        "without": json.dumps(search.without) if search.without else None,
        **more,
    }


def delivery_key(event: Event, pseudonym: bytes | None) -> tuple[object, ...]:
    """Return the parameters of THERE: the values that identify a delivery, under this pseudonym."""
    at = microseconds(event.at)
    asked = event.asked and asked_text(event.asked)
    return at, pseudonym, event.reference, event.notice, event.version, event.kind, asked


def row(event: Event) -> tuple[object, ...]:
    """Return the values of an event for APPEND, without its number."""
    heard, at = event.heard, microseconds(event.at)
    return (
        at,
        event.call,
        event.line,
        event.pseudonym,
        event.notice,
        event.version,
        event.language,
        words(event.purposes),
        event.status._value_,  # sqlite3 would look for an adapter of an enum
        event.reason._value_,
        event.prompt,
        heard and heard.ending._value_,
        heard and heard.samples,
        heard and heard.total,
        heard and heard.key,
        event.basis,
        event.linked,
        event.wanted,
        event.kind._value_,
        event.reference,
        event.erased,
        at if event.recorded is None else microseconds(event.recorded),
        event.vouched and event.vouched._value_,
        event.recording,
        event.supplement,
        event.counts,
        heard and heard.rate,
        event.earlier,
        event.asked and asked_text(event.asked),
    )


def append(values: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """Return the statement that inserts a row, and its parameters, from the number and the values of
    `row`."""
    return (_APPEND_OTHERS, _others(values)) if _rare(values) == _NOTHING else (APPEND, values)


def record(row: Sequence[Any]) -> Record:
    """Build a record from a row of COLUMNS. An empty value where none belongs is read as none, so that `row`
    returns a value that differs from the forged one."""
    (number, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt) = row[
        :12
    ]
    ending, heard, length, key, basis, linked, wanted, kind, reference, erased = row[12:22]
    recorded, vouched, recording, supplement, counts, rate, earlier, asked = row[22:]
    return Record(
        number,
        Event(
            at=moment(at),
            call=call,
            line=line,
            pseudonym=pseudonym or None,
            notice=notice,
            version=version,
            language=language,
            purposes=word_set(purposes),
            status=Status(status),
            reason=Reason(reason),
            prompt=prompt,
            heard=None if ending is None else Heard(Ending(ending), int(heard), int(length), rate, key or ""),
            basis=basis,
            linked=linked,
            wanted=wanted,
            kind=RecordKind(kind),
            reference=reference,
            erased=bool(erased),
            recorded=None if recorded in (None, at) else moment(recorded),
            vouched=_optional(Vouched, vouched),
            recording=recording,
            supplement=bool(supplement),
            counts=bool(counts),
            earlier=earlier or None,
            asked=_optional(parse_asked, asked),
        ),
    )


def _optional(convert: Callable[[Any], Result], value: Any) -> Result | None:
    return None if value is None else convert(value)


def asked_text(asked: Asked) -> str:
    """Return an answer as the ledger stores it: `marketing consent granted 1 1250 5=refused 4=granted`."""
    return f"{asked.choice} {asked.asks} {asked.answer} {asked.tries} {asked.waited} {asked.options}"


def parse_asked(text: str) -> Asked:
    """Parse a text that `asked_text` made. Raises ValueError for another."""
    choice, asks, answer, tries, waited, options = text.split(" ", 5)
    return Asked(choice, Asks(asks), Answer(answer), options, int(tries), int(waited))


def words(names: frozenset[str]) -> str:
    """Join names to one text, in sorted order."""
    return " ".join(sorted(names))


def word_set(words: str) -> frozenset[str]:
    """Split a text that `words` made."""
    return frozenset(words.split())


def microseconds(at: datetime) -> int:
    """Return an aware time as microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """Return the time of `microseconds`."""
    return _EPOCH + timedelta(microseconds=at)
