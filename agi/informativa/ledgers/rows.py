"""Events as rows of SQLite: the statements, and both directions of the mapping. No connection here."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, TypeVar

from ..model import (
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

# A standing whose proof is gone proves nothing: with its record it goes, too, but for one that was moved.
STANDING = """
SELECT notice, version, purposes, record, at, whole, seen FROM standing WHERE pseudonym = ?1
AND (NOT moved OR EXISTS (SELECT 1 FROM event WHERE event.record = standing.record))
"""
COLUMNS = """record, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt,
       ending, heard, length, key, basis, linked, wanted, kind, reference, erased,
       recorded, vouched, recording, supplement, counts, rate, earlier, elsewhere"""
RECORDS = f"SELECT {COLUMNS} FROM event WHERE record >= ? ORDER BY record"  # noqa: S608  # our own names
RECORD = f"SELECT {COLUMNS} FROM event WHERE record = ?"  # noqa: S608  # our own names
OF_CALLER = f"SELECT {COLUMNS} FROM event WHERE pseudonym = ? ORDER BY record"  # noqa: S608  # our own names
# Of a RecordFilter. Nothing is indexed for it: an index would cost every call, and people ask rarely.
_WANTED = """
(:line = '' OR line = :line) AND (:status IS NULL OR status = :status)
AND (:reason IS NULL OR reason = :reason)
AND (:caller = x'' OR substr(pseudonym, 1, length(:caller)) = :caller)
AND (:callers IS NULL OR hex(pseudonym) IN (SELECT value FROM json_each(:callers)))
AND (:since IS NULL OR at >= :since) AND (:until IS NULL OR at < :until)
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
# Searched for without a lock, page by page from the last one found, and then deleted by their keys. What says
# that records were purged or erased stays for ever.
OLDER = "SELECT count(*) FROM event WHERE at < ? AND kind NOT IN ('purge', 'erasure', 'lost', 'new-log')"
OLD = """
SELECT record FROM event WHERE at < ? AND kind NOT IN ('purge', 'erasure', 'lost', 'new-log') AND record > ?
ORDER BY record LIMIT ?
"""
PURGE = "DELETE FROM event WHERE record = ?"
# What makes that a record's caller knows its version; `Event.informs`.
INFORMS = """
event.pseudonym IS NOT NULL AND NOT event.erased AND event.counts
AND (event.status IN ('PLAYED', 'INFORMED') OR (event.status = 'SKIPPED' AND event.ending IS NOT NULL))
"""
# Of whom a record that is purged told what: under its pseudonym, and those that he had by later keys.
KNOWN_BY = f"""
WITH RECURSIVE his (pseudonym, notice, version) AS (
    SELECT pseudonym, notice, version FROM event WHERE record = ? AND {INFORMS}
    UNION SELECT event.pseudonym, his.notice, his.version FROM his JOIN event ON event.earlier = his.pseudonym
    WHERE event.pseudonym IS NOT NULL
) SELECT pseudonym, notice, version FROM his
"""  # noqa: S608  # our own names
# Then he knows what the latest record says, and no more: another may be among what was gathered.
REDUCE = """
UPDATE standing SET purposes = event.purposes,
    whole = CASE WHEN event.supplement THEN NULL WHEN whole > event.at THEN event.at ELSE whole END
FROM event WHERE event.record = standing.record AND standing.record <> ?
AND standing.pseudonym = ? AND standing.notice = ? AND standing.version = ?
AND (standing.purposes <> event.purposes OR event.supplement OR whole > event.at)
"""
# What a caller knows by a record under an earlier key which stays when the one goes that says he is the same:
# after a clock was set back, or for a spooled call. Nothing would bear it out.
UNTIE = """
WITH RECURSIVE his (pseudonym) AS (
    SELECT pseudonym FROM event WHERE record = ?1 AND earlier IS NOT NULL
    UNION SELECT event.pseudonym FROM his JOIN event ON event.earlier = his.pseudonym
)
DELETE FROM standing WHERE pseudonym IN (SELECT pseudonym FROM his) AND moved AND record < ?1 AND EXISTS (
    SELECT 1 FROM event WHERE event.record = standing.record AND event.pseudonym <> standing.pseudonym
)
"""
# What was moved, and rests on a record that is deleted (so that no look-up took it since).
BASELESS = """
SELECT pseudonym, notice, version FROM standing AS old
WHERE moved AND at < ? AND (pseudonym, notice, version) > (?, ?, ?)
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = old.record)
ORDER BY pseudonym, notice, version LIMIT ?
"""
DROP_BASELESS = """
DELETE FROM standing WHERE moved AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = standing.record)
"""
PURGE_STANDING = """
DELETE FROM standing WHERE pseudonym = ? AND notice = ? AND version = ?
AND NOT EXISTS (SELECT 1 FROM event WHERE event.record = standing.record)
"""
# What is left says that something was played in that minute on that line, and not to whom.
ERASE = """
UPDATE event
SET pseudonym = NULL, call = '', linked = '', reference = '', key = NULL, basis = NULL, elsewhere = NULL,
    earlier = NULL,
    erased = 1, at = at - at % 60000000, recorded = recorded - recorded % 60000000
"""
LAST_REASONS = """
SELECT line, reason, count(*) FROM (
    SELECT line, reason FROM event WHERE line <> '' ORDER BY record DESC LIMIT ?
) GROUP BY line, reason
"""
"""Of so many of the newest records of calls: by line and reason, how many."""

CALLERS_BY_VERSION = """
SELECT notice, version, count(*) FROM standing GROUP BY notice, version ORDER BY notice, version
"""
FORGET = "DELETE FROM standing WHERE pseudonym = ?"
FORGET_NOTICE = "DELETE FROM standing WHERE pseudonym = ? AND notice = ?"
NEVER_WHOLE = "UPDATE standing SET whole = NULL WHERE pseudonym = ? AND notice = ? AND version = ?"
SEEN = "UPDATE standing SET seen = ? WHERE pseudonym = ? AND notice = ?"
# By the partial index on what has a reference, which is what was told elsewhere and what was spooled.
THERE = """
SELECT 1 FROM event WHERE at = ? AND pseudonym IS ? AND reference <> '' AND reference = ? AND notice = ?
AND version = ? AND kind = ?
"""
RECORDINGS = "SELECT notice, version, part, language, format, sha256 FROM recording"
KEEP_RECORDING = "INSERT OR IGNORE INTO recording VALUES (?, ?, ?, ?, ?, ?)"


def _insert(names: Sequence[str]) -> str:
    places = ", ".join("?" * len(names))
    return f"INSERT INTO event ({', '.join(names)}) VALUES ({places})"  # noqa: S608  # our own names


# By SQLite the one after the newest, where the number is NULL.
_NAMES = [name.strip() for name in COLUMNS.split(",")]
APPEND = _insert(_NAMES)
# Most calls hear nothing; to say so in seven columns would be 1 % of a call's instructions.
_RARE = ("ending", "heard", "length", "key", "rate", "earlier", "elsewhere")
_NOTHING = (None,) * len(_RARE)
_OTHERS = [name for name in _NAMES if name not in _RARE]
_APPEND_OTHERS = _insert(_OTHERS)
_rare, _others = (itemgetter(*map(_NAMES.index, names)) for names in (_RARE, _OTHERS))
NEWEST = "SELECT coalesce(max(record), 0) FROM event"
# SQLite's own counter, where a ledger still has it: VACUUM takes it away where no table needs it.
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


def purge_note(gone: Sequence[int], leaves: str, cutoff: datetime, at: datetime) -> Event:
    """The record of the purge of some records, which had the leaves that are named."""
    which = f"{counted(len(gone))}, {gone[0]} to {gone[-1]}, from before {cutoff:%Y-%m-%d %H:%M} UTC"
    return note(RecordKind.PURGE, Reason.RETENTION, at, which + leaves)


_PURGED = re.compile(r"\d+ records?, (\d+) to (\d+), from before (\d{4}-\d\d-\d\d \d\d:\d\d) UTC")


def purged(reference: str) -> tuple[int, int, int]:
    """The numbers of the first and the last record that `purge_note` named, and the time in microseconds
    before which all of them were. Raises ValueError for another text."""
    found = _PURGED.match(reference)
    if not found:
        raise ValueError("it is no note of a purge")
    before = datetime.strptime(f"{found[3]}+0000", "%Y-%m-%d %H:%M%z") + timedelta(minutes=1)
    return int(found[1]), int(found[2]), microseconds(before)


def counted(number: int) -> str:
    """So many records, in words."""
    return f"{number} record" if number == 1 else f"{number} records"


def informs(
    pseudonym: bytes, notice: str, known: PriorDelivery, *, moved: bool = False
) -> tuple[object, ...]:
    """What INFORM takes: all that one version of a notice told this caller. What is `moved` may rest on a
    record of another pseudonym of his."""
    (version,) = known.versions
    return (
        pseudonym,
        notice,
        version,
        words(known.purposes),
        known.record,
        microseconds(known.at),
        _maybe(microseconds, known.whole),
        _maybe(microseconds, known.seen),
        moved,
    )


def known(row: Sequence[Any]) -> tuple[str, PriorDelivery]:
    """A notice, and what one of its versions told, from a row of STANDING."""
    notice, version, purposes, record, at, whole, seen = row
    box = ""
    if type(record) is str:
        box, _, record = record.rpartition(":")
    happened, told_of = moment(at), word_set(purposes)
    delivery = PriorDelivery(
        frozenset({version}),
        told_of,
        int(record),
        happened,
        happened if whole == at else _maybe(moment, whole),
        _maybe(moment, seen),
        box,
        frozenset({(happened, version, told_of, whole is not None)}),
    )
    return notice, delivery


def wanted(search: RecordFilter, **more: int) -> dict[str, object]:
    """What SEARCH and its like take for a filter."""
    import json  # not for a script, which searches nothing

    return {
        "line": search.line,
        "caller": search.caller,
        "callers": json.dumps([each.hex().upper() for each in search.callers]) if search.callers else None,
        "status": search.status,
        "reason": search.reason,
        "since": _maybe(microseconds, search.since),
        "until": _maybe(microseconds, search.until),
        **more,
    }


def there(event: Event, pseudonym: bytes | None) -> tuple[object, ...]:
    """What THERE takes: what makes a delivery the same as another, under this pseudonym."""
    at = microseconds(event.at)
    return at, pseudonym, event.reference, event.notice, event.version, event.kind


def row(event: Event) -> tuple[object, ...]:
    """What APPEND takes for an event, after its number."""
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
        event.status._value_,  # what is no str itself sqlite3 looks for an adapter of
        event.reason._value_,
        event.prompt,
        heard and heard.ending._value_,
        heard and heard.samples,
        heard and heard.total,
        heard and heard.key,
        event.basis if isinstance(event.basis, int) else None,
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
        event.basis if isinstance(event.basis, str) else None,
    )


def append(values: tuple[object, ...]) -> tuple[str, tuple[object, ...]]:
    """The statement that records what `row` says, after its number, and what it takes."""
    return (_APPEND_OTHERS, _others(values)) if _rare(values) == _NOTHING else (APPEND, values)


def record(row: Sequence[Any]) -> Record:
    """A record from a row of COLUMNS. What is empty where nothing should be is nothing, so that
    `row` gives another value than the forged one."""
    (number, at, call, line, pseudonym, notice, version, language, purposes, status, reason, prompt) = row[
        :12
    ]
    ending, heard, length, key, basis, linked, wanted, kind, reference, erased = row[12:22]
    recorded, vouched, recording, supplement, counts, rate, earlier, elsewhere = row[22:]
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
            heard=None if ending is None else _heard(Ending(ending), heard, length, rate, key or ""),
            basis=(elsewhere or None) if basis is None else basis,
            linked=linked,
            wanted=wanted,
            kind=RecordKind(kind),
            reference=reference,
            erased=bool(erased),
            recorded=None if recorded in (None, at) else moment(recorded),
            vouched=_maybe(Vouched, vouched),
            recording=recording,
            supplement=bool(supplement),
            counts=bool(counts),
            earlier=earlier or None,
        ),
    )


def _heard(ending: Ending, heard: float, length: float, rate: int | None, key: str) -> Heard:
    if rate is None:
        return Heard.in_seconds(ending, heard, length, key)
    return Heard(ending, int(heard), int(length), rate, key)


def _maybe(turn: Callable[[Any], Result], value: Any) -> Result | None:
    return None if value is None else turn(value)


def words(names: frozenset[str]) -> str:
    """Names as one text, always in the same order."""
    return " ".join(sorted(names))


def word_set(words: str) -> frozenset[str]:
    """The names in a text that `words` made."""
    return frozenset(words.split())


def microseconds(at: datetime) -> int:
    """An aware time as microseconds since 1970, exactly."""
    return (at - _EPOCH) // _MICROSECOND


def moment(at: int) -> datetime:
    """The time that `microseconds` counted."""
    return _EPOCH + timedelta(microseconds=at)
