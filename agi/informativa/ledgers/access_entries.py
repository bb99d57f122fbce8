"""Entries of the access log, and how those of a filter are selected. This module opens no connection."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..model import Action
from ..model.looks import PersonLook

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NEWEST = 1 << 62  # no row has such a number
BEGUN = "begun"  # the first word of the detail of an entry that says that an act begins
CLOCK_MARGIN = timedelta(days=1)  # by which a clock may have been set back between two entries
PAGE = (
    "SELECT number, at, account, action, pseudonym, who, record, detail FROM access"
    " WHERE number >= ? AND number < ? {conditions} ORDER BY number DESC LIMIT ?"
)
_BOUNDS = "SELECT coalesce(min(number), 0), coalesce(max(number), 0) + 1 FROM access"
_AT = "SELECT at FROM access WHERE number >= ? ORDER BY number LIMIT 1"


@dataclass(frozen=True)
class LoggedAccess:
    """One look or act: when, by which account, which action, as the word of it if only another program knows
    it. `pseudonym` (32 bytes) is the caller whom it was
    about, or `None`, and `record` the number of the record. `number` is its place in the log, 0 before it is
    in the log. `erased` is true if it was about a caller who was erased since."""

    at: datetime
    account: str
    action: Action | str
    pseudonym: bytes | None = None
    record: int | None = None
    detail: str = ""
    number: int = 0
    erased: bool = False

    @property
    def person(self) -> str:
        """The text that tells the person of an entry from others: the pseudonym, or the record where no
        pseudonym is known, or the entry itself for one who was erased; '' for nobody in particular."""
        return _person(self.number, self.pseudonym, self.record, erased=self.erased)


@dataclass(frozen=True)
class AccessFilter:
    """A choice of entries: all, or those of one account, of one action or one of these `actions`, about one
    caller or about one of these `records`, from the time `since` on and before the time `until`."""

    account: str | None = None
    action: Action | None = None
    actions: Collection[Action] = ()
    pseudonyms: Sequence[bytes] = ()
    records: Sequence[int] = ()
    since: datetime | None = None
    until: datetime | None = None
    completed: bool = False
    """True for all but those that only say that an act begins: another entry says that it is done."""


ALL = AccessFilter()


def numbers_of(connection: sqlite3.Connection, selection: AccessFilter) -> tuple[int, int]:
    """Return the numbers between which all entries of the filter's times are: the first, and that after the
    last."""
    first = (
        0 if selection.since is None else _first_from(connection, _shifted(selection.since, -CLOCK_MARGIN))
    )
    until = selection.until
    return first, _NEWEST if until is None else _first_from(connection, _shifted(until, CLOCK_MARGIN))


def _shifted(at: datetime, by: timedelta) -> datetime:
    try:
        return at + by
    except OverflowError:  # the ends of the calendar
        return at


def _first_from(connection: sqlite3.Connection, at: datetime) -> int:
    """Return the number from which on entries are of a time or later, by bisection: numbers rise with
    time."""
    moment = (at - _EPOCH) // _MICROSECOND
    low, high = connection.execute(_BOUNDS).fetchone()
    while low < high:
        middle = (low + high) // 2
        row = connection.execute(_AT, (middle,)).fetchone()
        if row is None or row[0] >= moment:
            high = middle
        else:
            low = middle + 1
    return int(low)


def conditions_of(access_filter: AccessFilter) -> tuple[str, list[object]]:
    """Return the SQL conditions of a filter, and their values."""
    since, until = (
        None if time is None else (time - _EPOCH) // _MICROSECOND
        for time in (access_filter.since, access_filter.until)
    )
    optional: list[tuple[str, object]] = [
        ("account = ?", access_filter.account),
        ("action = ?", access_filter.action and str(access_filter.action)),
        ("at >= ?", since),
        ("at < ?", until),
    ]
    present = [(sql, value) for sql, value in optional if value is not None]
    conditions, values = [sql for sql, _value in present], [value for _sql, value in present]
    if access_filter.actions:
        conditions.append(f"action IN ({', '.join('?' * len(access_filter.actions))})")
        values += map(str, access_filter.actions)
    if access_filter.completed:
        conditions.append("detail != ? AND detail NOT LIKE ? || ' %'")
        values += [BEGUN, BEGUN]
    alternatives: list[str] = []
    if access_filter.pseudonyms:
        alternatives.append(f"pseudonym IN ({', '.join('?' * len(access_filter.pseudonyms))})")
        values += access_filter.pseudonyms
    if access_filter.records:  # one value, for SQLite limits how many there may be
        alternatives.append("record IN (SELECT value FROM json_each(?))")
        values.append(json.dumps(list(access_filter.records)))
    if alternatives:
        conditions.append(f"({' OR '.join(alternatives)})")
    return "".join(f" AND {condition}" for condition in conditions), values


_ACTIONS: dict[str, Action] = {str(action): action for action in Action}


def known_action(word: str) -> Action | str:
    """Return the action of a word, or the word: one that is unknown must not hide the other entries."""
    return _ACTIONS.get(word, word)


def entry(
    number: int,
    at: int,
    account: str,
    action: str,
    pseudonym: bytes | None,
    who_hash: bytes | None,
    record: int | None,
    detail: str,
) -> LoggedAccess:
    """Build an entry from a row."""
    return LoggedAccess(
        _EPOCH + at * _MICROSECOND,
        account,
        known_action(action),
        pseudonym,
        record,
        detail,
        number,
        erased=who_hash is not None and pseudonym is None,
    )


def person_look(
    number: int,
    at: int,
    account: str,
    action: str,
    pseudonym: bytes | None,
    who_hash: bytes | None,
    record: int | None,
    _detail: str,
) -> PersonLook:
    """Build a look at a person from a row, as from its entry."""
    erased = who_hash is not None and pseudonym is None
    person = _person(number, pseudonym, record, erased=erased)
    return PersonLook(_EPOCH + at * _MICROSECOND, account, known_action(action), person)


def _person(number: int, pseudonym: bytes | None, record: int | None, *, erased: bool) -> str:
    if pseudonym is not None:
        return pseudonym.hex()
    if erased:
        return f"entry {number}"
    return "" if record is None else f"record {record}"
