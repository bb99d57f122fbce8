"""The outbox of a company's hook, as rows of SQLite: acts of callers that it was not told of yet.

A row is written in the transaction of its record, waits until the hook took its message, and goes then; or
with the record, or with its caller (gathered_caller.py). Messages about one caller go in their order.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..model import Answer, Event, RecordKind
from ..model.choices import ACTS
from ..model.hashing import sha256
from ..model.hooks import HookMessage, HookReply
from . import rows

FARTHEST = timedelta(hours=2)
"""No message is put off for longer: one that is was put off by a clock that was wrong."""
SHOWN = 20  # messages that failed, in a state
_AT_ONCE = (RecordKind.PHONE, RecordKind.OPERATOR)
_PUT = """
INSERT INTO outbox (record, id, subject, bulk, word, choice, purpose, version, at, recorded)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# Of acts that were put on record while the hook had no secret: whoever acts again has a name then.
_NAME = """
UPDATE outbox SET subject = ?1 WHERE subject = '' AND EXISTS (
    SELECT 1 FROM event WHERE event.record = outbox.record AND event.pseudonym IN (?2, ?3)
)
"""
# What must go first takes along what must go before it.
_HURRY = "UPDATE outbox SET bulk = 0 WHERE subject = ? AND bulk"
_MESSAGE = "record, id, subject, word, choice, purpose, version, at, recorded, tries"
_DUE = f"""
SELECT {_MESSAGE} FROM outbox AS message
WHERE (due <= :now OR due > :farthest) AND subject <> ''
AND NOT EXISTS (SELECT 1 FROM hook WHERE stopped IS NOT NULL)
AND NOT EXISTS (
    SELECT 1 FROM outbox AS earlier
    WHERE earlier.subject = message.subject AND earlier.record < message.record
)
ORDER BY bulk, tries, record LIMIT :count
"""  # noqa: S608  # our own names
_DELETE = "DELETE FROM outbox WHERE record = ? AND id = ?"
_PUT_OFF = """
UPDATE outbox SET tries = tries + 1, due = ?, refused = ?, error = ? WHERE record = ? AND id = ?
"""
_BEGIN = "INSERT OR IGNORE INTO hook (one) VALUES (1)"
_DELIVERED = "UPDATE hook SET delivered = ?, error = ''"
_FAILED = "UPDATE hook SET failed = ?, error = ?"
_STOP = "UPDATE hook SET stopped = ? WHERE stopped IS NULL"
_RESUME = ("UPDATE hook SET stopped = NULL", "UPDATE outbox SET due = 0, refused = 0")
_COUNT = """
SELECT count(*), coalesce(sum(refused), 0), min(recorded), coalesce(sum(subject = ''), 0) FROM outbox
"""
_HOOK = "SELECT delivered, failed, error, stopped FROM hook"
_FAILING = """
SELECT id, record, word, choice, tries, refused, error FROM outbox WHERE tries OR subject = ''
ORDER BY record LIMIT ?
"""
# Of the caller whose records were gathered.
_OF_GATHERED = f"SELECT {_MESSAGE} FROM outbox WHERE record IN own ORDER BY record"  # noqa: S608  # our own names
FORGET_GATHERED = "DELETE FROM outbox WHERE record IN own"


@dataclass(frozen=True)
class UntakenMessage:
    """A message that the hook did not take, and the error of the last try; '' for one that is unnamed."""

    id: str
    record: int
    word: Answer
    choice: str
    tries: int
    refused: bool
    error: str


@dataclass(frozen=True)
class OutboxState:
    """The state of an outbox: how many messages wait, how many of them were `refused`, and how many are
    `unnamed`, since the hook had no secret then to name the caller by; when the `oldest` was put on record;
    when the last one was `delivered` and the last one `failed`, with the `error` unless a later one was
    delivered; since when it is `stopped`; and the first ones that failed or are unnamed."""

    waiting: int = 0
    refused: int = 0
    unnamed: int = 0
    oldest: datetime | None = None
    delivered: datetime | None = None
    failed: datetime | None = None
    error: str = ""
    stopped: datetime | None = None
    failing: tuple[UntakenMessage, ...] = ()


def put(connection: sqlite3.Connection, event: Event, record: int, leaf: int) -> None:
    """Enter the message about an act, whose record has this row of `leaf`; nothing where a caller gave no
    answer. The message's id comes from the leaf's salted hash: no other record has it, also not one that
    takes the place of a record that was lost with a backup."""
    asked = event.asked
    if asked is None or asked.answer not in ACTS:
        return
    (commitment,) = connection.execute("SELECT what FROM leaf WHERE leaf = ?", (leaf,)).fetchone()
    bulk = asked.answer is not Answer.WITHDRAWN and event.kind not in _AT_ONCE
    values = (
        record,
        "msg_" + sha256(b"informativa hook\0" + commitment).hexdigest()[:32],
        asked.subject,
        bulk,
        asked.answer._value_,
        asked.choice,
        rows.words(event.purposes),
        event.version,
        rows.microseconds(event.at),
        rows.microseconds(event.recorded or event.at),
    )
    connection.execute(_PUT, values)
    if asked.subject:
        connection.execute(_NAME, (asked.subject, event.pseudonym, event.earlier))
    if not bulk:
        connection.execute(_HURRY, (asked.subject,))


def due(connection: sqlite3.Connection, now: datetime, count: int) -> list[HookMessage]:
    """Return up to `count` messages that may be sent now, one of each caller, in the order in which they
    should be; none while the hook is stopped."""
    times = {"now": rows.microseconds(now), "farthest": rows.microseconds(now + FARTHEST), "count": count}
    return list(map(_message, connection.execute(_DUE, times).fetchall()))


def note(
    connection: sqlite3.Connection, message: HookMessage, reply: HookReply, at: datetime, again: datetime
) -> None:
    """Note the reply to a message that was sent: it is done with, or is sent `again` then; or the hook is
    stopped."""
    note_test(connection, reply, at)
    if reply.took:
        connection.execute(_DELETE, (message.record, message.id))
        return
    values = (rows.microseconds(again), reply.refused, reply.error, message.record, message.id)
    connection.execute(_PUT_OFF, values)
    if reply.stops:
        connection.execute(_STOP, (rows.microseconds(at),))


def note_test(connection: sqlite3.Connection, reply: HookReply, at: datetime) -> None:
    """Note that the hook took a message, or why it did not."""
    connection.execute(_BEGIN)
    when = rows.microseconds(at)
    if reply.took:
        connection.execute(_DELIVERED, (when,))
    else:
        connection.execute(_FAILED, (when, reply.error))


def resume(connection: sqlite3.Connection) -> None:
    """Let everything be sent that waits, at once, also what was refused, by a hook that was stopped, too."""
    for statement in _RESUME:
        connection.execute(statement)


def discard(connection: sqlite3.Connection, ids: Iterable[str] | None) -> int:
    """Delete the messages with these ids, or all (`None`), and return how many."""
    if ids is None:
        return connection.execute("DELETE FROM outbox").rowcount
    return sum(connection.execute("DELETE FROM outbox WHERE id = ?", (name,)).rowcount for name in ids)


def count(connection: sqlite3.Connection, ids: Iterable[str] | None) -> int:
    """Return how many messages `discard` would delete."""
    waiting = [name for (name,) in connection.execute("SELECT id FROM outbox").fetchall()]
    return len(waiting) if ids is None else len({*ids}.intersection(waiting))


def state(connection: sqlite3.Connection) -> OutboxState:
    """Return the state of the outbox."""
    waiting, refused, oldest, unnamed = connection.execute(_COUNT).fetchone()
    times: tuple[int | None, int | None, str, int | None] = (None, None, "", None)
    delivered, failed, error, stopped = connection.execute(_HOOK).fetchone() or times
    failing = tuple(
        UntakenMessage(name, record, Answer(word), choice, tries, bool(is_refused), reason)
        for name, record, word, choice, tries, is_refused, reason in connection.execute(_FAILING, (SHOWN,))
    )
    return OutboxState(
        waiting,
        refused,
        unnamed,
        _moment(oldest),
        _moment(delivered),
        _moment(failed),
        error,
        _moment(stopped),
        failing,
    )


def of_gathered(connection: sqlite3.Connection) -> tuple[HookMessage, ...]:
    """Return the messages about the caller whose records were gathered (gathered_caller.py)."""
    return tuple(map(_message, connection.execute(_OF_GATHERED).fetchall()))


def _message(row: tuple[int, str, str, str, str, str, str, int, int, int]) -> HookMessage:
    record, name, subject, word, choice, purpose, version, at, recorded, tries = row
    return HookMessage(
        record,
        name,
        subject,
        Answer(word),
        choice,
        purpose,
        version,
        rows.moment(at),
        rows.moment(recorded),
        tries,
    )


def _moment(time: int | None) -> datetime | None:
    return None if time is None else rows.moment(time)
