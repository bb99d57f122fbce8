"""Recording of many deliveries that callers got elsewhere: hundreds of records by one statement, where
`append_new` of a transaction takes one. Each record is prepared beforehand, except for its number and the
index of its leaf, which only the writer knows."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256  # one long text after the other: a third of the time of model.hashing
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from ..evidence import commitment
from ..model import Binding, Event, Reason, Status
from . import leaves, row_texts, rows
from .sqlite import SqliteStore
from .transaction import SqliteTransaction

_CHUNK = 500  # keys in one statement
_ROWS = 50  # inserted by one statement
_GAP = "\0"  # stands in the facts for values that are not known yet: no text of theirs has it
# Stand in the person part of a leaf for the values of each caller: no text holds these by chance.
_BINDING_MARK, _OPENING_MARK, _PSEUDONYM_MARK, _REFERENCE_MARK = (
    sha256(name).digest() for name in (b"binding", b"opening", b"pseudonym", b"reference")
)
_REFERENCE_HEX = _REFERENCE_MARK.hex()
_MARKS = re.compile(
    "|".join(mark.hex() for mark in (_BINDING_MARK, _OPENING_MARK, _PSEUDONYM_MARK, _REFERENCE_MARK))
)
_COLUMNS = [name.strip() for name in rows.COLUMNS.split(",")][1:]
# The columns in which these records differ from the template: for a whole batch, and for each caller.
_COMMON = ("at", "notice", "version", "purposes", "kind", "recorded")
_OF_CALLER = ("pseudonym", "reference")
_EMPTY = {"call": "", "line": "", "notice": "", "version": "", "language": "", "purposes": frozenset[str]()}
_TEMPLATE = dict(
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
_FIXED = {name: value for name, value in _TEMPLATE.items() if name not in _COMMON + _OF_CALLER}


def _columns_getter(names: Iterable[str]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return a function that takes these columns out of a row."""
    return itemgetter(*(_COLUMNS.index(name) for name in names))


_batch_values, _fixed_values = _columns_getter(_COMMON), _columns_getter(_FIXED)
_FIXED_VALUES = tuple(_FIXED.values())
_WRITTEN = {name: value for name, value in _FIXED.items() if value is not None}
_LITERALS = ", ".join(
    f"'{value}'" if isinstance(value, str) else f"{int(value)}"  # type: ignore[call-overload]
    for value in _WRITTEN.values()
)
_APPEND = f"""
INSERT INTO event (record, {", ".join((*_OF_CALLER, *_COMMON, *_WRITTEN))})
VALUES (?{", ?" * len(_OF_CALLER + _COMMON)}, {_LITERALS})
"""  # noqa: S608  # our own names and words
_RECORDED = """
SELECT at, pseudonym, reference, notice, version, kind FROM event
WHERE reference <> '' AND (at, pseudonym) IN (VALUES {})
"""
_KNOWN = "SELECT DISTINCT pseudonym FROM standing WHERE pseudonym IN ({})"


class CommonValues(NamedTuple):
    """The values that records share if they differ in caller, reference and proof only: nearly all records of
    a day. `values` are those of _COMMON. `facts` and `person` are the constant parts of the texts that a leaf
    commits to, with gaps for the values of each record; they are empty if the text has not the usual form.
    `origin` is that of the log."""

    values: tuple[Any, ...]
    origin: str
    facts: tuple[bytes, ...]  # before, between and after the number and the index of the leaf
    person: tuple[str, ...]  # around binding, opening and pseudonym (in hexadecimal digits) and reference

    def ready(
        self, pseudonym: bytes, reference: str, bound: Binding, earlier: Sequence[bytes] = ()
    ) -> PreparedRecord:
        """Prepare the record of one caller; `earlier` are his pseudonyms by other keys."""
        person_hash = b""
        salt, binding, opening = bound.salt, bound.value, bound.opening
        if self.person and commitment.is_plain(reference):
            a, b, c, d, e = self.person
            person = f"{a}{binding.hex()}{b}{opening.hex()}{c}{pseudonym.hex()}{d}{reference}{e}"
            person_hash = sha256(commitment.WHO_TAG + salt + person.encode()).digest()
        return PreparedRecord(pseudonym, self, reference, person_hash, salt, binding, opening, tuple(earlier))


class PreparedRecord(NamedTuple):
    """A prepared record, without its number and the index of its leaf. `who` is the commitment to the person,
    empty if its text has not the usual form; `earlier` are the pseudonyms of its caller by other keys. The
    values of its binding are apart, for what is plain is put in order faster."""

    pseudonym: bytes
    common: CommonValues
    reference: str
    who: bytes
    salt: bytes  # of `who` and of the binding
    binding: bytes
    opening: bytes
    earlier: tuple[bytes, ...]

    @property
    def event(self) -> Event:
        """Build the event that this is the record of."""
        caller_values = {"pseudonym": self.pseudonym, "reference": self.reference}
        values = _TEMPLATE | dict(zip(_COMMON, self.common.values, strict=True)) | caller_values
        binding = Binding(self.salt, self.binding, self.opening)
        return replace(rows.record((0, *values.values())).event, binding=binding)

    @property
    def pseudonyms(self) -> tuple[bytes, ...]:
        """The present pseudonym of its caller, and the earlier ones."""
        return (self.pseudonym, *self.earlier)

    @property
    def identities(self) -> list[tuple[Any, ...]]:
        """The keys by which it is found to be on record already, one for each pseudonym of its caller."""
        at, notice, version, _purposes, kind, _recorded = self.common.values
        reference = self.reference
        return [(at, pseudonym, reference, notice, version, kind) for pseudonym in self.pseudonyms]


def common(event: Event, origin: str) -> CommonValues:
    """Return what all records of such an event share in the log of that origin, for any caller and reference.
    Raises ValueError if it is not the event of a delivery that a caller got elsewhere."""
    values = rows.row(replace(event, pseudonym=_PSEUDONYM_MARK, reference=_REFERENCE_HEX))
    if _fixed_values(values) != _FIXED_VALUES:
        raise ValueError("not of what a caller was told elsewhere")
    texts = row_texts.texts((_GAP, *values), _BINDING_MARK, _OPENING_MARK, origin, _GAP)
    facts, person = texts or (b"", b"")
    facts_parts = tuple(facts.split(_GAP.encode()))
    person_parts = tuple(_MARKS.split(person.decode()))
    usual_form = len(facts_parts) == 3 and len(person_parts) == 5
    return CommonValues(
        _batch_values(values), origin, *((facts_parts, person_parts) if usual_form else ((), ()))
    )


def append_new(store: SqliteStore, page: Sequence[PreparedRecord]) -> int:
    """Record those that are not on record yet, in one transaction, and return how many. Raises
    LedgerError."""
    with store.connected() as connection, store.turn(brief=True) as transaction:
        return _append_new(connection, transaction, page)


def _append_new(
    connection: sqlite3.Connection, transaction: SqliteTransaction, page: Sequence[PreparedRecord]
) -> int:
    log = leaves.log(connection)
    usual_records = [ready for ready in page if ready.who and ready.common.origin == log.origin]
    other_records = [ready for ready in page if not (ready.who and ready.common.origin == log.origin)]
    added = sum(transaction.append_new(ready.event, ready.earlier) for ready in other_records)
    new_records = _not_recorded(connection, usual_records)
    number, leaf = transaction.next_number(), leaves.log(connection).next
    new_rows = [
        (record, ready.pseudonym, ready.reference, *ready.common.values)
        for record, ready in enumerate(new_records, number)
    ]
    _insert(connection, _APPEND, new_rows)
    new_leaves = list(_leaves(new_records, number, leaf, leaf - log.first))  # hashed apart from SQLite's work
    _insert(connection, leaves.APPEND, new_leaves)
    transaction.forget_log()
    _inform(connection, transaction, new_records, number)
    return added + len(new_records)


def _insert(connection: sqlite3.Connection, statement: str, values: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows, many by one statement that inserts one: that takes less time."""
    before, row, after = re.split(r"(?<=VALUES )(.*)", statement, maxsplit=1)
    for start in range(0, len(values), _ROWS):
        part = values[start : start + _ROWS]
        sql = before + ", ".join([row] * len(part)) + after
        connection.execute(sql, list(chain.from_iterable(part)))


def _not_recorded(connection: sqlite3.Connection, page: Sequence[PreparedRecord]) -> list[PreparedRecord]:
    """Return those that are not on record, in the order of their pseudonyms, so that each page of an index is
    read and written once."""
    page = sorted(page, key=itemgetter(0))  # its pseudonym
    values = [
        value
        for ready in page
        for pseudonym in ready.pseudonyms
        for value in (ready.common.values[0], pseudonym)
    ]
    recorded_keys: set[tuple[Any, ...]] = set()
    for start in range(0, len(values), 2 * _CHUNK):
        chunk = values[start : start + 2 * _CHUNK]
        recorded_keys.update(
            connection.execute(_RECORDED.format(", ".join(["(?, ?)"] * (len(chunk) // 2))), chunk)
        )
    new_records = []
    for ready in page:
        keys = ready.identities
        if recorded_keys.isdisjoint(keys):
            new_records.append(ready)
            recorded_keys.add(keys[0])
    return new_records


def _leaves(
    new_records: Sequence[PreparedRecord], number: int, leaf: int, index: int
) -> Iterable[tuple[object, ...]]:
    salts = os.urandom(commitment.SALT_SIZE * len(new_records))
    for offset, ready in enumerate(new_records):
        salt = salts[commitment.SALT_SIZE * offset : commitment.SALT_SIZE * (offset + 1)]
        first, second, third = ready.common.facts
        facts = b"%b%d%b%d%b" % (first, number + offset, second, index + offset, third)
        what = sha256(commitment.WHAT_TAG + salt + facts)
        yield (
            leaf + offset,
            number + offset,
            what.digest(),
            ready.who,
            salt,
            ready.salt,
            ready.binding,
            ready.opening,
        )


def _inform(
    connection: sqlite3.Connection,
    transaction: SqliteTransaction,
    new_records: Sequence[PreparedRecord],
    number: int,
) -> None:
    """Enter into the history what their callers know by these records; for callers without history by one
    statement."""
    callers = [ready.pseudonym for ready in new_records]
    known_callers: set[bytes] = set()
    for start in range(0, len(callers), _CHUNK):
        chunk = callers[start : start + _CHUNK]
        sql = _KNOWN.format(", ".join("?" * len(chunk)))
        known_callers.update(caller for (caller,) in connection.execute(sql, chunk))
    first_rows, known_records = [], []
    for record, ready in enumerate(new_records, number):
        at, notice, version, purposes, *_ = ready.common.values
        if ready.pseudonym in known_callers:
            known_records.append((ready, record))
        else:
            known_callers.add(ready.pseudonym)
            first_rows.append((ready.pseudonym, notice, version, purposes, record, at, at, None, 0))
    _insert(connection, rows.INFORM, first_rows)
    for ready, record in known_records:
        transaction.remember(ready.event, record)
