"""Check of what callers are said to have answered to choices (`answer`) against the records.

The answers of each caller are gathered from all records of choices, and follow him through changes of his
key; the greatest of them, by the order of `model.choices`, is the one that the table should have.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from ..model import A_CALL, Answer, Event, Reason, Record
from ..model.choices import ACTS, AFTER_ALL, StandingAnswer, answered, is_live, placed
from . import rows
from .audit_history import HistoryRow
from .audit_reading import UNREADABLE, tolerantly
from .loss_notes import LossNotes

_EVENTS = f"""
SELECT {rows.COLUMNS} FROM event WHERE pseudonym IS NOT NULL
AND (asked IS NOT NULL OR earlier IS NOT NULL OR reason = 'recycled') ORDER BY record
"""  # noqa: S608  # our own names
# A row without its record counts for nothing, and the next purge deletes it.
_ANSWERS = """
SELECT pseudonym, choice, act, word, version, purposes, at, record, rank, withdrawal FROM answer
WHERE record > ? OR EXISTS (SELECT 1 FROM event WHERE event.record = answer.record)
"""
_MICROSECOND = timedelta(microseconds=1)

Place = tuple[object, object, object]
"""The key of a row: pseudonym, choice, and whether it is an act."""


class AnswerRow(NamedTuple):
    """The values of a row of `answer`, but for its key."""

    word: str
    version: str
    purposes: str
    at: int
    record: int
    rank: int
    withdrawal: int

    @classmethod
    def of(cls, answer: StandingAnswer) -> AnswerRow:
        return cls(
            answer.word._value_,
            answer.version,
            rows.words(answer.purposes),
            rows.microseconds(answer.at),
            answer.record,
            rows.microseconds(answer.rank),
            rows.microseconds(answer.withdrawal),
        )

    def is_by(self, expected: AnswerRow, notes: LossNotes) -> bool:
        """Return whether this is the expected row. Its place may be another one, where some answers that it
        came after are forgotten."""
        if not _are_any_gone(notes):
            return self == expected
        return self[:-2] == expected[:-2] and self.rank >= expected.at and self.withdrawal >= 0


def forged(connection: sqlite3.Connection, notes: LossNotes) -> list[HistoryRow]:
    """Return the rows about answers of this ledger's callers that the records contradict. After a purge an
    answer may be gone that a record still has, but none may be there that the records do not have. Raises
    sqlite3.Error."""
    with tolerantly(connection):
        actual: dict[Place, AnswerRow] = {
            row[:3]: AnswerRow._make(row[3:]) for row in connection.execute(_ANSWERS, (notes.last,))
        }
        expected = _derived(_readable(connection), exactly=not _are_any_gone(notes))
    forged_rows = set()
    for place in actual.keys() | expected.keys():
        row, answers = actual.get(place), expected.get(place, [])
        if not _is_borne_out(row, answers, notes):
            forged_rows.add(history_row(place, row or answers[0]))
    return sorted(forged_rows, key=lambda row: (row.record, row.choice or "", row.answer or ""))


def history_row(place: Place, row: AnswerRow) -> HistoryRow:
    """Return how an audit names a row."""
    record = row.record if type(row.record) is int else 0
    return HistoryRow(record, "", str(row.version), str(place[1]), str(row.word))


def _are_any_gone(notes: LossNotes) -> bool:
    """Return whether records of answers may be gone."""
    return bool(notes.last or notes.forgotten)


def _is_borne_out(actual: AnswerRow | None, expected: Sequence[AnswerRow], notes: LossNotes) -> bool:
    """Return whether a row is as the records would have it; `expected` are all answers on record, the
    greatest first. One from before the time that callers may have forgotten may have been followed by an
    older one. One that is gone may have been replaced by an answer whose record was purged since."""
    if actual is None:
        newest = expected[0] if expected else None
        return newest is None or (
            newest.at < notes.forgotten
            or newest.record < notes.last
            or (notes.last > 0 and newest.rank <= notes.before + AFTER_ALL // _MICROSECOND)
        )
    if expected and not actual.is_by(expected[0], notes) and actual.record < expected[0].record:
        return False  # an answer that was overruled comes back only by a record that is made later
    for answer in expected:
        if actual.is_by(answer, notes):
            return True
        if answer.at >= notes.forgotten:
            return False
    return False


def _readable(connection: sqlite3.Connection) -> Iterator[Record]:
    """Read the records that answers follow from. One that cannot be read is reported by another check."""
    for row in connection.execute(_EVENTS):
        try:
            record = rows.record(row)
            rows.row(record.event)
        except UNREADABLE:
            continue
        yield record


def _derived(records: Iterable[Record], *, exactly: bool) -> dict[Place, list[AnswerRow]]:
    """Return all answers on record, by the pseudonym that a caller has now and by choice, the greatest
    first; with the places that they have or, unless `exactly`, with the least that they may have after
    answers that are on record no more."""
    by_caller: dict[bytes, list[tuple[str, StandingAnswer]]] = defaultdict(list)
    for record in records:
        event, pseudonym = record.event, record.event.pseudonym
        if pseudonym is None:
            continue
        if event.earlier is not None and event.earlier != pseudonym:
            by_caller[pseudonym] += by_caller.pop(event.earlier, [])
        if _changed_hands(event):
            since = event.at - A_CALL
            by_caller[pseudonym] = [item for item in by_caller[pseudonym] if item[1].at >= since]
        if event.asked is not None and (answer := answered(event, record.number)) is not None:
            last = max(
                (
                    earlier
                    for choice, earlier in by_caller[pseudonym]
                    if choice == event.asked.choice and (earlier.word in ACTS) == (answer.word in ACTS)
                ),
                key=lambda earlier: earlier.order,
                default=None,
            )
            live, word = is_live(event), answer.word
            if word is Answer.WITHDRAWN and not (live or exactly):  # it may have left a later act alone
                answer = replace(placed(replace(answer, word=Answer.REFUSED), last, live=False), word=word)
            else:
                answer = placed(answer, last, live=live)
            by_caller[pseudonym].append((event.asked.choice, answer))
    together: dict[Place, list[StandingAnswer]] = defaultdict(list)
    for caller, answers in by_caller.items():
        for choice, answer in answers:
            together[caller, choice, int(answer.word in ACTS)].append(answer)
    return {
        place: [AnswerRow.of(answer) for answer in sorted(answers, key=lambda one: one.order, reverse=True)]
        for place, answers in together.items()
    }


def _changed_hands(event: Event) -> bool:
    """Return whether an event says that the number was somebody else's before."""
    return event.informs and event.reason is Reason.RECYCLED
