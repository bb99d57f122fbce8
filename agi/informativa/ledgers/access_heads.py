"""The newest entry of a controller's access log, as a record of its ledger: what is changed or taken away in
that log afterwards contradicts the record, which is in the signed log."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ..evidence import stated_facts
from ..model import RecordKind
from ..model.errors import LedgerError
from ..model.text import Text
from . import rows, totals
from .access_chain import AccessChain
from .access_log import SHORTEST, AccessLog
from .audit_reading import tolerantly
from .sqlite import SqliteStore
from .totals import StatedRecord

SELDOM = timedelta(minutes=1)  # between two records
_SLACK = timedelta(days=1)  # by which a day of another time zone may end later


def keep(store: SqliteStore, access_log: AccessLog, now: datetime) -> bool:
    """Write the newest entry of the access log into the ledger unless its newest record of that is the same,
    or is of the last minute. Return whether it was written. Raises LedgerError."""
    with store.connected() as connection:
        last = totals.newest(connection, RecordKind.ACCESS)
        last_at = rows.moment(last.at) if last else now
        if last and last_at <= now and not access_log.may_have_grown(last_at):
            return False  # if the clock was set back, the time of the file says nothing
        newest = access_log.newest()
        if newest is None or not _is_due(connection, *newest, now):
            return False
        with store.transaction() as transaction:
            if not _is_due(connection, *newest, now):
                return False  # another process has written it meanwhile
            text = stated_facts.access_text(*newest)
            totals.append(transaction, connection, RecordKind.ACCESS, now, text)
    return True


def _is_due(connection: sqlite3.Connection, number: int, head: bytes, now: datetime) -> bool:
    last = totals.newest(connection, RecordKind.ACCESS)
    if last is None:
        return True
    is_recent = timedelta(0) <= now - rows.moment(last.at) < SELDOM
    return not is_recent and last.text != stated_facts.access_text(number, head)


@dataclass(frozen=True)
class StatedHead:
    """An entry of the access log as a record of the ledger states it: the record's time, and the number and
    the hash of the entry."""

    at: int
    number: int
    head: bytes


def problems(connection: sqlite3.Connection, access_log: AccessLog, now: datetime) -> Iterator[Text]:
    """Find what is wrong in an access log, by its own hashes and by the records of the ledger. Raises
    sqlite3.Error."""
    heads = stated_heads(connection)
    try:
        chain = access_log.verify({head.number for head in heads})
    except LedgerError as error:
        yield error.text
        return
    yield from contradictions(access_log, chain, heads, heads, now)


def contradictions(
    access_log: AccessLog,
    chain: AccessChain,
    heads: Sequence[StatedHead],
    new: Sequence[StatedHead],
    now: datetime,
) -> Iterator[Text]:
    """Find what the chain and the stated heads, the newest first, say against each other, as far as hashes go
    of the `new` ones alone."""
    number, file = max((head.number for head in heads), default=0), access_log.file
    if chain.first_wrong is not None:
        yield Text(
            "The access log {file} was changed at entry {number}.",
            file=file,
            number=chain.first_wrong,
        )
    if chain.number < number:
        yield Text(
            "The access log {file} ends before entry {number}, which the ledger has.",
            file=file,
            number=number,
        )
    elif others := [head.number for head in new if chain.hashes.get(head.number, head.head) != head.head]:
        yield Text(
            "The access log {file} has another entry {number} than the ledger says.",
            file=file,
            number=min(others),
        )
    if _is_newer(heads, chain.purged, SHORTEST.before(now, UTC) + _SLACK):
        yield Text(
            "The access log {file} lacks entry {number}, which is not six months old.",
            file=file,
            number=chain.purged,
        )


def stated_heads(connection: sqlite3.Connection, *numbers: int) -> list[StatedHead]:
    """Return what the records state, the newest first, all or from one of these `numbers` to the other; not
    what was changed so that it states nothing, which the audit of its leaf names. Raises sqlite3.Error."""
    with tolerantly(connection):
        records = list(totals.backwards(connection, RecordKind.ACCESS, *numbers))
    heads = (StatedHead(record.at, *_entry(record)) for record in records)
    return [head for head in heads if head.number]


def _entry(record: StatedRecord) -> tuple[int, bytes]:
    """Return the number and the hash of the entry that a record states; 0 and none for a record that was
    changed, which the audit of its leaf names."""
    facts = stated_facts.stated(RecordKind.ACCESS, record.text)
    return (int(facts["rows"]), bytes.fromhex(str(facts["head"]))) if facts else (0, b"")


def _is_newer(heads: Sequence[StatedHead], number: int, since: datetime) -> bool:
    """Return whether an entry was made since a time, according to the records, the newest first: the last one
    before it is newer."""
    for head in heads if number else ():
        if rows.moment(head.at) < since:
            return False
        if head.number < number:
            return True
    return False
