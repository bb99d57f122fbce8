"""Callers' answers to choices, as rows of SQLite: the statements, and both directions of the mapping.

What is remembered of a caller is derived from the records, as `standing` is. A row whose record is gone
counts for nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from ..model import Answer, Event
from ..model.choices import ACTS, AnswerHistory, StandingAnswer, answered
from . import rows

OF_CALLER = """
SELECT choice, act, word, version, purposes, at, record, box FROM answer WHERE pseudonym = ?1
AND (box <> '' OR EXISTS (SELECT 1 FROM event WHERE event.record = answer.record))
"""
# `StandingAnswer.order`: the greatest counts.
LEARN = """
INSERT INTO answer (pseudonym, choice, act, word, version, purposes, at, record, box, rank)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT DO UPDATE SET word = excluded.word, version = excluded.version, purposes = excluded.purposes,
    at = excluded.at, record = excluded.record, box = excluded.box, rank = excluded.rank
WHERE (excluded.rank, excluded.word <> 'granted', excluded.box, excluded.record)
    > (rank, word <> 'granted', box, record)
"""
FORGET = "DELETE FROM answer WHERE pseudonym = ?"
RAW = """
SELECT choice, act, word, version, purposes, at, record, box, rank FROM answer WHERE pseudonym = ?
"""


def of_caller(connection: sqlite3.Connection, pseudonym: bytes) -> AnswerHistory:
    """Return what a caller answered."""
    acts: dict[str, StandingAnswer] = {}
    none: dict[str, StandingAnswer] = {}
    for choice, act, *values in connection.execute(OF_CALLER, (pseudonym,)):
        (acts if act else none)[choice] = _standing(*values)
    return AnswerHistory(acts, none)


def _standing(word: str, version: str, purposes: str, at: int, record: int, box: str) -> StandingAnswer:
    return StandingAnswer(Answer(word), version, rows.word_set(purposes), rows.moment(at), record, box)


def remember(connection: sqlite3.Connection, event: Event, record: int, box: str = "") -> None:
    """Enter the answer of a record, unless a later one is there."""
    answer = answered(event, record)
    if answer is None or event.pseudonym is None or event.asked is None:
        return
    when, _not_granting, *_ = answer.order
    values: Sequence[Any] = (
        event.pseudonym,
        event.asked.choice,
        int(answer.word in ACTS),
        answer.word._value_,
        answer.version,
        rows.words(answer.purposes),
        rows.microseconds(answer.at),
        record,
        box,
        rows.microseconds(when),
    )
    connection.execute(LEARN, values)


def move(connection: sqlite3.Connection, old: bytes, new: bytes) -> None:
    """Move the answers of one pseudonym to another of the same caller, who keeps the later ones."""
    moved = connection.execute(RAW, (old,)).fetchall()
    connection.execute(FORGET, (old,))
    for values in moved:
        connection.execute(LEARN, (new, *values))
