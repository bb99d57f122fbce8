"""Many records at once of what callers were told elsewhere: what `append_new` of a transaction does for one,
by a statement for hundreds. All of a record is made ready beforehand, in another process if need be, but for
its number and the index of its leaf, which only whoever writes knows.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
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
_KEPT = 1000  # facts of different days
_GAP = "\0"  # in the facts, for what is not known yet: no text of theirs has it
_COLUMNS = [name.strip() for name in rows.COLUMNS.split(",")][1:]
# In which these records differ; in all others they are as this one.
_OWN = ("at", "pseudonym", "notice", "version", "purposes", "kind", "reference", "recorded")
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
_SAME = {name: value for name, value in _MODEL.items() if name not in _OWN and value is not None}
_own, _others = (
    itemgetter(*(at for at, name in enumerate(_COLUMNS) if (name in _OWN) is own)) for own in (True, False)
)
_OTHERS = _others(tuple(_MODEL.values()))
_LITERALS = ", ".join(f"'{value}'" if isinstance(value, str) else f"{int(value)}" for value in _SAME.values())  # type: ignore[call-overload]
_APPEND = f"""
INSERT INTO event (record, {", ".join(name for name in _COLUMNS if name in _OWN)}, {", ".join(_SAME)})
VALUES (?, {", ".join("?" * len(_OWN))}, {_LITERALS})
"""  # noqa: S608  # our own names and words
_THERE = """
SELECT at, pseudonym, reference, notice, version, kind FROM event
WHERE reference <> '' AND (at, pseudonym) IN (VALUES {})
"""
_KNOWN = "SELECT DISTINCT pseudonym FROM standing WHERE pseudonym IN ({})"


class Ready(NamedTuple):
    """A record but for its number and the index of its leaf. `facts` are the parts around these in what the
    leaf commits to, empty where the record is not of the usual form; `origin` is that of the log."""

    values: tuple[Any, ...]  # of _OWN, in the order of `rows.COLUMNS`
    origin: str
    facts: tuple[bytes, ...]
    who: bytes
    salt: bytes  # of `who`, and of the binding
    binding: bytes
    earlier: tuple[bytes, ...]

    @property
    def event(self) -> Event:
        """The event that it is the record of."""
        given = dict(zip((name for name in _COLUMNS if name in _OWN), self.values, strict=True))
        event = rows.record((0, *(_MODEL | given).values())).event
        return replace(event, binding=Binding(self.salt, self.binding))

    def identities(self) -> Iterable[tuple[Any, ...]]:
        """What makes it the same as another, under each pseudonym that its caller had."""
        at, own, notice, version, _purposes, kind, reference, _recorded = self.values
        return ((at, each, reference, notice, version, kind) for each in (own, *self.earlier))


class Preparation:
    """Makes records ready, for a log of that origin."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._facts: dict[bytes, tuple[bytes, ...]] = {}  # nearly all of a day are the same

    def ready(self, event: Event, earlier: Sequence[bytes]) -> Ready:
        """One of what a caller was told elsewhere, whose number is known; `earlier` is what else stood for
        him, by other keys. Raises ValueError for another event."""
        values, bound = rows.row(event), event.binding
        if _others(values) != _OTHERS or bound is None:
            raise ValueError("not of what a caller was told elsewhere")
        texts = row_texts.texts((_GAP, *values), bound.value, self._origin, _GAP, migrated=False)
        parts: tuple[bytes, ...] = ()
        who = b""
        if texts is not None:
            facts, person = texts
            parts = self._facts.get(facts) or self._parted(facts)
            who = sha256(commitment.WHO_TAG + bound.salt + person).digest()
        return Ready(_own(values), self._origin, parts, who, bound.salt, bound.value, tuple(earlier))

    def _parted(self, facts: bytes) -> tuple[bytes, ...]:
        """Around what is not known yet. Kept for the next one, and not for ever: days differ."""
        if len(self._facts) > _KEPT:
            self._facts.clear()
        self._facts[facts] = found = tuple(facts.split(_GAP.encode()))
        return found


def append_new(store: SqliteStore, page: Sequence[Ready]) -> int:
    """Record those that are not on record, in one transaction; how many. Raises LedgerError."""
    with store.connected() as connection, store.transaction() as transaction:
        return _append_new(connection, transaction, page)


def _append_new(connection: sqlite3.Connection, transaction: SqliteTransaction, page: Sequence[Ready]) -> int:
    log = leaves.log(connection)
    usual = [one for one in page if one.facts and one.origin == log.origin]
    odd = [one for one in page if not (one.facts and one.origin == log.origin)]
    added = sum(transaction.append_new(one.event, one.earlier) for one in odd)
    new = _new(connection, usual)
    number, leaf = transaction.next_number(), leaves.log(connection).next
    connection.executemany(_APPEND, ((at, *one.values) for at, one in enumerate(new, number)))
    connection.executemany(leaves.APPEND, _leaves(new, number, leaf, leaf - log.first))
    transaction.forget_log()
    _inform(connection, transaction, new, number)
    return added + len(new)


def _new(connection: sqlite3.Connection, page: Sequence[Ready]) -> list[Ready]:
    """Those that are not on record, in the order of what is sought by their callers: so each page of an index
    is read and written once."""
    page = sorted(page, key=lambda one: one.values[1])
    there: set[tuple[Any, ...]] = set()
    wanted = [key[:2] for one in page for key in one.identities()]
    for at in range(0, len(wanted), _CHUNK):
        chunk = wanted[at : at + _CHUNK]
        sql = _THERE.format(", ".join(["(?, ?)"] * len(chunk)))
        there.update(connection.execute(sql, [value for key in chunk for value in key]))
    new = []
    for one in page:
        keys = list(one.identities())
        if there.isdisjoint(keys):
            new.append(one)
            there.add(keys[0])
    return new


def _leaves(new: Sequence[Ready], number: int, leaf: int, index: int) -> Iterable[tuple[object, ...]]:
    salts = os.urandom(commitment.SALT_SIZE * len(new))
    for at, one in enumerate(new):
        salt = salts[commitment.SALT_SIZE * at : commitment.SALT_SIZE * (at + 1)]
        first, second, third = one.facts
        facts = b"%b%d%b%d%b" % (first, number + at, second, index + at, third)
        what = sha256(commitment.WHAT_TAG + salt + facts)
        # What is no `bytes` sqlite3 binds at once; of `bytes` it first asks whether something adapts them.
        blobs = map(bytearray, (what.digest(), one.who, salt, one.salt, one.binding))
        yield leaf + at, number + at, *blobs, 0


def _inform(
    connection: sqlite3.Connection, transaction: SqliteTransaction, new: Sequence[Ready], number: int
) -> None:
    """What their callers know by these records; by one statement where they knew nothing."""
    callers = [one.values[1] for one in new]
    known: set[bytes] = set()
    for at in range(0, len(callers), _CHUNK):
        chunk = callers[at : at + _CHUNK]
        sql = _KNOWN.format(", ".join("?" * len(chunk)))
        known.update(caller for (caller,) in connection.execute(sql, chunk))
    first, later = [], []
    for record, one in enumerate(new, number):
        at, caller, notice, version, purposes, *_ = one.values
        if caller in known:
            later.append((one, record))
        else:
            known.add(caller)
            first.append((bytearray(caller), notice, version, purposes, record, at, at, None))
    connection.executemany(rows.INFORM, first)
    for one, record in later:
        transaction.remember(one.event, record)
