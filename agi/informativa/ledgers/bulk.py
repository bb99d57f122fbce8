"""Many records at once of what callers were told elsewhere: what `append_new` of a transaction does for one,
by a statement for hundreds. All of a record is made ready beforehand, in another process if need be, but for
its number and the index of its leaf, which only whoever writes knows.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any, NamedTuple

from ..evidence import commitment
from ..hashing import sha256
from ..model import Binding, Event, Reason, Status
from . import leaves, row_texts, rows
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

_CHUNK = 500  # keys that one statement looks for
_GAP = "\0"  # in the facts, for what is not known yet: no text of theirs has it
# In what a leaf says of a person, for what is each one's own: no text holds these by chance.
_BOUND, _WHO, _PLACE = (sha256(name).digest() for name in (b"binding", b"pseudonym", b"reference"))
_WHERE = _PLACE.hex()
_THEIRS = re.compile("|".join(each.hex() for each in (_BOUND, _WHO, _PLACE)))
_COLUMNS = [name.strip() for name in rows.COLUMNS.split(",")][1:]
# In which these records differ, and of these what is each one's own; in all others they are as this one.
_COMMON = ("at", "notice", "version", "purposes", "kind", "recorded")
_OWN = ("pseudonym", "reference")
_EMPTY = {"call": "", "line": "", "notice": "", "version": "", "language": "", "purposes": frozenset[str]()}
_MODEL = dict(
    zip(
        _COLUMNS,
        rows.row(
            Event(
                at=datetime(1970, 1, 1, tzinfo=UTC),
                pseudonym=None,
                status=Status.INFORMED,
                reason=Reason.TOLD_ELSEWHERE,
                **_EMPTY,  # type: ignore[arg-type]
            )
        ),
        strict=True,
    )
)
_SAME = {name: value for name, value in _MODEL.items() if name not in _COMMON + _OWN}


def _of(names: Iterable[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Takes these out of a row."""
    return itemgetter(*(_COLUMNS.index(name) for name in names))


_common, _same = _of(_COMMON), _of(_SAME)
_SAMES = tuple(_SAME.values())
_WRITTEN = {name: value for name, value in _SAME.items() if value is not None}
_LITERALS = ", ".join(
    f"'{value}'" if isinstance(value, str) else f"{int(value)}"  # type: ignore[call-overload]
    for value in _WRITTEN.values()
)
_APPEND = f"""
INSERT INTO event (record, {", ".join((*_OWN, *_COMMON, *_WRITTEN))})
VALUES (?{", ?" * len(_OWN + _COMMON)}, {_LITERALS})
"""  # noqa: S608  # our own names and words
_THERE = """
SELECT at, pseudonym, reference, notice, version, kind FROM event
WHERE reference <> '' AND (at, pseudonym) IN (VALUES {})
"""
_KNOWN = "SELECT DISTINCT pseudonym FROM standing WHERE pseudonym IN ({})"


class Common(NamedTuple):
    """What records have in common that differ in caller, reference and proof only: nearly all of a day.
    `values` are those of _COMMON. `facts` and `person` are the parts around what is their own in what a leaf
    commits to, empty where the form is not the usual one; `origin` is that of the log."""

    values: tuple[Any, ...]
    origin: str
    facts: tuple[bytes, ...]  # around its number and the index of its leaf
    person: tuple[str, ...]  # around binding, pseudonym and reference, each in hexadecimal digits or as it is

    def ready(self, pseudonym: bytes, reference: str, bound: Binding, earlier: Sequence[bytes] = ()) -> Ready:
        """The record of one caller; `earlier` is what else stood for him, by other keys."""
        who = b""
        if self.person and row_texts.is_plain(reference):
            first, second, third, fourth = self.person
            person = f"{first}{bound.value.hex()}{second}{pseudonym.hex()}{third}{reference}{fourth}"
            who = sha256(commitment.WHO_TAG + bound.salt + person.encode()).digest()
        return Ready(pseudonym, self, reference, who, bound.salt, bound.value, tuple(earlier))


class Ready(NamedTuple):
    """A record but for its number and the index of its leaf. `who` is empty where it is not of the usual
    form; `earlier` is what else stood for its caller, by other keys."""

    pseudonym: bytes
    common: Common
    reference: str
    who: bytes
    salt: bytes  # of `who`, and of the binding
    binding: bytes
    earlier: tuple[bytes, ...]

    @property
    def event(self) -> Event:
        """The event that it is the record of."""
        own = {"pseudonym": self.pseudonym, "reference": self.reference}
        given = _MODEL | dict(zip(_COMMON, self.common.values, strict=True)) | own
        return replace(rows.record((0, *given.values())).event, binding=Binding(self.salt, self.binding))

    @property
    def pseudonyms(self) -> tuple[bytes, ...]:
        """What its caller has and had."""
        return (self.pseudonym, *self.earlier)

    @property
    def identities(self) -> list[tuple[Any, ...]]:
        """What makes it the same as another, under each pseudonym that its caller had."""
        at, notice, version, _purposes, kind, _recorded = self.common.values
        reference = self.reference
        return [(at, each, reference, notice, version, kind) for each in self.pseudonyms]


def common(event: Event, origin: str) -> Common:
    """Of all records of such an event in the log of that origin, whatever the caller and the reference.
    Raises ValueError for another than of what a caller was told elsewhere."""
    values = rows.row(replace(event, pseudonym=_WHO, reference=_WHERE))
    if _same(values) != _SAMES:
        raise ValueError("not of what a caller was told elsewhere")
    texts = row_texts.texts((_GAP, *values), _BOUND, origin, _GAP, migrated=False)
    facts, person = texts or (b"", b"")
    around = tuple(facts.split(_GAP.encode()))
    others = tuple(_THEIRS.split(person.decode()))
    usual = len(around) == 3 and len(others) == 4
    return Common(_common(values), origin, *((around, others) if usual else ((), ())))


def append_new(store: SqliteStore, page: Sequence[Ready]) -> int:
    """Record those that are not on record, in one transaction; how many. Raises LedgerError."""
    with store.connected() as connection, store.turn(brief=True) as transaction:
        return _append_new(connection, transaction, page)


def _append_new(connection: sqlite3.Connection, transaction: SqliteTransaction, page: Sequence[Ready]) -> int:
    log = leaves.log(connection)
    usual = [one for one in page if one.who and one.common.origin == log.origin]
    odd = [one for one in page if not (one.who and one.common.origin == log.origin)]
    added = sum(transaction.append_new(one.event, one.earlier) for one in odd)
    new = _new(connection, usual)
    number, leaf = transaction.next_number(), leaves.log(connection).next
    connection.executemany(
        _APPEND,
        ((at, one.pseudonym, one.reference, *one.common.values) for at, one in enumerate(new, number)),
    )
    connection.executemany(leaves.APPEND, _leaves(new, number, leaf, leaf - log.first))
    transaction.forget_log()
    _inform(connection, transaction, new, number)
    return added + len(new)


def _new(connection: sqlite3.Connection, page: Sequence[Ready]) -> list[Ready]:
    """Those that are not on record, in the order of what is sought by their callers: so each page of an index
    is read and written once."""
    page = sorted(page, key=itemgetter(0))  # its pseudonym
    wanted = [value for one in page for each in one.pseudonyms for value in (one.common.values[0], each)]
    there: set[tuple[Any, ...]] = set()
    for at in range(0, len(wanted), 2 * _CHUNK):
        chunk = wanted[at : at + 2 * _CHUNK]
        there.update(connection.execute(_THERE.format(", ".join(["(?, ?)"] * (len(chunk) // 2))), chunk))
    new = []
    for one in page:
        keys = one.identities
        if there.isdisjoint(keys):
            new.append(one)
            there.add(keys[0])
    return new


def _leaves(new: Sequence[Ready], number: int, leaf: int, index: int) -> Iterable[tuple[object, ...]]:
    salts = os.urandom(commitment.SALT_SIZE * len(new))
    for at, one in enumerate(new):
        salt = salts[commitment.SALT_SIZE * at : commitment.SALT_SIZE * (at + 1)]
        first, second, third = one.common.facts
        facts = b"%b%d%b%d%b" % (first, number + at, second, index + at, third)
        what = sha256(commitment.WHAT_TAG + salt + facts)
        yield leaf + at, number + at, what.digest(), one.who, salt, one.salt, one.binding, 0


def _inform(
    connection: sqlite3.Connection, transaction: SqliteTransaction, new: Sequence[Ready], number: int
) -> None:
    """What their callers know by these records; by one statement where they knew nothing."""
    callers = [one.pseudonym for one in new]
    known: set[bytes] = set()
    for at in range(0, len(callers), _CHUNK):
        chunk = callers[at : at + _CHUNK]
        sql = _KNOWN.format(", ".join("?" * len(chunk)))
        known.update(caller for (caller,) in connection.execute(sql, chunk))
    first, later = [], []
    for record, one in enumerate(new, number):
        at, notice, version, purposes, *_ = one.common.values
        if one.pseudonym in known:
            later.append((one, record))
        else:
            known.add(one.pseudonym)
            first.append((one.pseudonym, notice, version, purposes, record, at, at, None, 0))
    connection.executemany(rows.INFORM, first)
    for one, record in later:
        transaction.remember(one.event, record)
