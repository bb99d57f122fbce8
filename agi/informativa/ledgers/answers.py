"""Callers' answers to choices, as rows of SQLite: the statements, and both directions of the mapping.

What is remembered of a caller is derived from the records, as `standing` is. A row whose record is gone
counts for nothing.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..model import Answer, Event, RecordKind, Unasked
from ..model.choices import (
    ACTS,
    AnswerHistory,
    StandingAnswer,
    answered,
    is_live,
    placed,
)
from . import rows

HOUR = 3_600_000_000  # microseconds
COUNTED = (RecordKind.PHONE, RecordKind.OPERATOR)
"""The kinds of records that are counted by the hour."""
HAS_RECORD = """
EXISTS (
    SELECT 1 FROM event WHERE event.record = answer.record AND event.asked IS NOT NULL AND NOT event.erased
)
"""
_VALUES = ", ".join(
    f"answer.{name}" for name in ("word", "version", "purposes", "at", "record", "rank", "withdrawal")
)
# Nor does an answer count from before the number changed hands.
OF_CALLER = f"""
SELECT choice, act, {_VALUES} FROM answer WHERE pseudonym = ?1 AND {HAS_RECORD}
AND at >= coalesce((SELECT recycled FROM number_use WHERE pseudonym = ?1 AND notice = ''), at)
"""  # noqa: S608  # our own names
# `StandingAnswer.order`: the greatest counts.
LEARN = """
INSERT INTO answer (pseudonym, choice, act, word, version, purposes, at, record, rank, withdrawal)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT DO UPDATE SET word = excluded.word, version = excluded.version, purposes = excluded.purposes,
    at = excluded.at, record = excluded.record, rank = excluded.rank, withdrawal = excluded.withdrawal
WHERE (excluded.withdrawal, excluded.rank, excluded.word <> 'granted', excluded.record)
    > (withdrawal, rank, word <> 'granted', record)
"""
# The last acts of callers; each with the time at which its number was last in use.
_ACTS = f"""
SELECT answer.pseudonym, choice, event.kind, (
    SELECT max(max(standing.at, coalesce(whole, standing.at), coalesce(seen, standing.at)))
    FROM standing WHERE standing.pseudonym = answer.pseudonym
), {_VALUES}
FROM answer JOIN event ON event.record = answer.record
WHERE act = 1 AND {HAS_RECORD}
AND answer.at >= coalesce((
    SELECT recycled FROM number_use WHERE number_use.pseudonym = answer.pseudonym AND number_use.notice = ''
), answer.at)
"""  # noqa: S608  # our own names
# Of all callers, by the primary key.
PAGE = f"""{_ACTS}
AND (answer.pseudonym, choice) > (?1, ?2) AND (?3 = '' OR choice = ?3)
ORDER BY answer.pseudonym, choice LIMIT ?4
"""
FORGET = "DELETE FROM answer WHERE pseudonym = ?"
FORGET_BEFORE = "DELETE FROM answer WHERE pseudonym = ? AND at < ?"
FORGET_RECORD = """
DELETE FROM answer WHERE pseudonym = (SELECT pseudonym FROM event WHERE record = ?1) AND record = ?1
"""
# As `rows.UNTIE`: what he answered under an earlier key, if no record says any more that he is the same.
UNTIE = """
WITH RECURSIVE his (pseudonym) AS (
    SELECT pseudonym FROM event WHERE record = ?1 AND earlier IS NOT NULL
    UNION SELECT event.pseudonym FROM his JOIN event ON event.earlier = his.pseudonym
)
DELETE FROM answer WHERE pseudonym IN (SELECT pseudonym FROM his) AND record < ?1 AND EXISTS (
    SELECT 1 FROM event WHERE event.record = answer.record AND event.pseudonym <> answer.pseudonym
)
"""
DROP_BASELESS = f"DELETE FROM answer WHERE NOT {HAS_RECORD}"  # noqa: S608  # our own names
# Answers from before a time, and those whose record is gone: they count for nothing.
_OLD = f"(at < ?1 OR NOT {HAS_RECORD})"
OLD = f"""
SELECT pseudonym, choice, act FROM answer WHERE {_OLD} AND (pseudonym, choice, act) > (?2, ?3, ?4)
ORDER BY pseudonym, choice, act LIMIT ?5
"""  # noqa: S608  # our own names
FORGET_OLD = f"DELETE FROM answer WHERE pseudonym = ?2 AND choice = ?3 AND act = ?4 AND {_OLD}"  # noqa: S608
COUNT = """
INSERT INTO tally VALUES (?, ?, ?, ?, '', ?, 1) ON CONFLICT DO UPDATE SET count = count + 1
"""
RAW = f"SELECT choice, act, {_VALUES} FROM answer WHERE pseudonym = ?"  # noqa: S608  # our own names
LAST = f"SELECT {_VALUES} FROM answer WHERE pseudonym = ? AND choice = ? AND act = ?"  # noqa: S608


@dataclass(frozen=True)
class CallersAnswer:
    """The last act of a caller about one choice, among those of all callers: how he gave it, and
    when his number was last in use (`None` where no notice was told)."""

    pseudonym: bytes
    choice: str
    kind: RecordKind
    last_use: datetime | None
    answer: StandingAnswer


def page(
    connection: sqlite3.Connection, after: tuple[bytes, str], choice: str, count: int
) -> list[CallersAnswer]:
    """Return up to `count` last acts of callers behind the pseudonym and the choice `after`, in their order;
    of one `choice` unless that is ''."""
    return [_callers_answer(*row) for row in connection.execute(PAGE, (*after, choice, count))]


def _callers_answer(
    pseudonym: bytes, choice: str, kind: str, last_use: int | None, *row: Any
) -> CallersAnswer:
    return CallersAnswer(
        pseudonym,
        choice,
        RecordKind(kind),
        None if last_use is None else rows.moment(last_use),
        _standing(*row),
    )


def of_caller(connection: sqlite3.Connection, pseudonym: bytes) -> AnswerHistory:
    """Return what a caller answered."""
    acts: dict[str, StandingAnswer] = {}
    none: dict[str, StandingAnswer] = {}
    for choice, act, *row in connection.execute(OF_CALLER, (pseudonym,)):
        (acts if act else none)[choice] = _standing(*row)
    return AnswerHistory(acts, none)


def _standing(
    word: str, version: str, purposes: str, at: int, record: int, rank: int, withdrawal: int
) -> StandingAnswer:
    return StandingAnswer(
        Answer(word),
        version,
        rows.word_set(purposes),
        rows.moment(at),
        record,
        rows.moment(rank),
        rows.moment(withdrawal),
    )


def values(answer: StandingAnswer) -> tuple[Any, ...]:
    """Return an answer as a row of the table has it, without its key."""
    return (
        answer.word._value_,
        answer.version,
        rows.words(answer.purposes),
        rows.microseconds(answer.at),
        answer.record,
        rows.microseconds(answer.rank),
        rows.microseconds(answer.withdrawal),
    )


def remember(connection: sqlite3.Connection, event: Event, record: int) -> None:
    """Enter the answer of a record, unless a later one is there."""
    answer = answered(event, record)
    if answer is None or event.pseudonym is None or event.asked is None:
        return
    place = event.pseudonym, event.asked.choice, int(answer.word in ACTS)
    row = connection.execute(LAST, place).fetchone()
    answer = placed(answer, row and _standing(*row), live=is_live(event))
    connection.execute(LEARN, (*place, *values(answer)))


def count(connection: sqlite3.Connection, event: Event) -> None:
    """Count the answer of a call among the counters of its hour (tally.py), under the name of the choice and
    the word of the answer, which is the word of no status; of whoever could not be asked, with the ending
    of the question."""
    if event.asked is not None and event.call and event.kind in COUNTED:
        hour, answer = rows.microseconds(event.at) // HOUR, event.asked.answer
        ending = event.heard.ending._value_ if event.heard and answer is Answer.NOT_ASKED else ""
        counter = (hour, event.line, event.asked.choice, ending, answer._value_)
        connection.execute(COUNT, counter)


def count_unasked(
    connection: sqlite3.Connection, line: str, choice: str, reason: Unasked, at: datetime
) -> None:
    """Count a caller who was not asked, in the same way as one who could not be, with the reason."""
    counter = (rows.microseconds(at) // HOUR, line, choice, reason._value_, Answer.NOT_ASKED._value_)
    connection.execute(COUNT, counter)


def move(connection: sqlite3.Connection, old: bytes, new: bytes) -> None:
    """Move the answers of one pseudonym to another of the same caller, who keeps the later ones."""
    moved = connection.execute(RAW, (old,)).fetchall()
    connection.execute(FORGET, (old,))
    for row in moved:
        connection.execute(LEARN, (new, *row))
