"""The plan of a purge by the rules of a ledger's log: the leaves of each log that are to lose their records.

A purge takes the first leaves of a log and no others, so nobody can choose a record. Where the rule names
witnesses, their clocks decide how many (evidence/purging.py); else the records themselves.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from ..evidence import purging
from ..evidence.cosignature import WitnessVerifier, cosignatures
from ..evidence.log_folder import LogFolder, SignedLeaves
from ..evidence.note import Verifier
from ..evidence.note_standing import rules_of
from ..evidence.note_values import NoteSource
from ..evidence.notes import LogNote, PurgeNote, RuleNote
from ..evidence.read_log import ReadEntry, ReadLog
from ..model.errors import EvidenceError
from ..model.text import NOTHING, Text
from . import leaves, note_leaves, own_logs, rows
from .leaves import LedgerLog
from .sqlite import SqliteStore


@dataclass(frozen=True)
class LogPrefix:
    """The first leaves of a log, before index `below`; a note names those before `noted` already."""

    log: LedgerLog
    below: int
    noted: int

    @property
    def end(self) -> int:
        """The row of `leaf` after them."""
        return self.log.first + self.below


@dataclass(frozen=True)
class PurgePlan:
    """The leaves that a purge closes, by the rule with index `rule`, and the time before which callers knew
    what they know no longer. Without a cutoff no more leaves are closed than notes name already. `why_less`
    is the reason if that is less than the newest rule would have, and `doubt` the one why an audit will not
    excuse it. `newest_note` is that of `own_logs`."""

    prefixes: tuple[LogPrefix, ...]
    newest_note: tuple[int, int]
    rule: int = 0
    cutoff: datetime | None = None
    why_less: Text = NOTHING
    doubt: Text = NOTHING


def read(store: SqliteStore, at: datetime, configured: RuleNote | None = None) -> PurgePlan | None:
    """Read the plan of a purge now; `None` if no log of the ledger has a rule. It is the plan as if the rule
    that is `configured` were in the log. Raises LedgerError, and EvidenceError if the log's files cannot be
    read."""
    folder = LogFolder(store.file)
    at = at.replace(second=0, microsecond=0)
    with store.connected() as connection:
        logs = leaves.logs(connection)
        keys = {log.epoch: _key(folder, log) for log in logs}
        read_logs, newest_note = own_logs.read(connection), own_logs.newest_note(connection)
        if configured is not None and logs:
            _add_rule(connection, read_logs, logs[-1], configured, at)
        notes = [entry.note for log in read_logs.values() for entry in log.entries if entry.note]
        if not any(isinstance(note.content, RuleNote) for note in notes):
            return None
        noted = dict(_noted(logs, notes))
        signed = {log.origin: SignedLeaves(folder.published(log.epoch), keys[log.epoch]) for log in logs}
        rules = rules_of(read_logs, logs[-1].origin, lambda origin, *leaf: signed[origin].signed_at(*leaf))
        own_notes = (entry.note.at for entry in read_logs[logs[-1].origin].entries if entry.note)
        limit = purging.limit(rules, at, max([at, *own_notes]))
        why_less = purging.delay(rules, limit, at)
        resumed = tuple(LogPrefix(log, noted[log.origin], noted[log.origin]) for log in logs)
        if limit is None:
            return PurgePlan(resumed, newest_note, why_less=why_less)
        doubt = purging.doubt(rules, limit, at)
        witnesses = limit.rule.content.witnesses
        if witnesses:
            cosigned = (time for log in logs for time in _newest(folder, log, keys[log.epoch], witnesses))
            if flaw := purging.clock_flaw(cosigned, at):
                return PurgePlan((), newest_note, why_less=flaw)
        prefixes = []
        for prefix in resumed:
            log, key = prefix.log, keys[prefix.log.epoch]
            below = (
                _cosigned(folder, log, key, witnesses, limit.cutoff)
                if witnesses
                else _recorded(connection, log, prefix.noted, limit.cutoff)
            )
            further = replace(prefix, below=max(below, prefix.noted))
            prefixes.append(further if _open(connection, prefix.end, further.end) else prefix)
    return PurgePlan(tuple(prefixes), newest_note, limit.rule.index, limit.cutoff, why_less, doubt)


def count(store: SqliteStore, plan: PurgePlan) -> int:
    """Return how many records a plan deletes. Raises LedgerError."""
    with store.connected() as connection:
        return sum(_open(connection, prefix.log.first, prefix.end) for prefix in plan.prefixes)


def _key(folder: LogFolder, log: LedgerLog) -> Verifier:
    """Return the key by which the checkpoints of a log are published."""
    with suppress(EvidenceError):
        key = folder.published(log.epoch).key()
        if key is not None and key.name == log.origin:
            return key
    return note_leaves.unsigned_key(log)


def _add_rule(
    connection: sqlite3.Connection,
    read_logs: dict[str, ReadLog],
    log: LedgerLog,
    configured: RuleNote,
    at: datetime,
) -> None:
    """Add the configured rule to what was read of the newest log, as it would be written."""
    before = read_logs[log.origin]
    notes = (entry.note for entry in reversed(before.entries) if entry.note)
    content = note_leaves.missing_rule(connection, configured, notes)
    if content is not None:
        note = LogNote(log.origin, log.size, at, NoteSource.COMMAND, content)
        entry = ReadEntry.read(note.entry, log.origin, log.size)
        read_logs[log.origin] = replace(before, size=log.size + 1, entries=[*before.entries, entry])


def _noted(logs: Iterable[LedgerLog], notes: Iterable[LogNote]) -> Iterator[tuple[str, int]]:
    """Yield the number of leaves of each log that notes of purges name."""
    purges = [note.content for note in notes if isinstance(note.content, PurgeNote)]
    for log in logs:
        below = (purge.below for purge in purges if purge.of == log.origin)
        yield log.origin, min(log.size, max(below, default=0))


def _newest(
    folder: LogFolder, log: LedgerLog, key: Verifier, witnesses: tuple[WitnessVerifier, ...]
) -> list[int]:
    return cosignatures(folder.published(log.epoch).checkpoint(), key, witnesses)


def _cosigned(
    folder: LogFolder,
    log: LedgerLog,
    key: Verifier,
    witnesses: tuple[WitnessVerifier, ...],
    cutoff: datetime,
) -> int:
    """Return the size of the largest checkpoint that a witness first signed by a time."""
    published = folder.published(log.epoch)
    sizes = [size for size in published.sizes() if size <= log.size]
    return purging.cosigned_size(
        sizes,
        lambda size: published.first_cosigned(size, key, witnesses),
        int(cutoff.timestamp()),
    )


def _recorded(connection: sqlite3.Connection, log: LedgerLog, noted: int, cutoff: datetime) -> int:
    """Return how many leaves stand before the first whose record was recorded since a time; those that are
    noted already are not read."""
    parameters = (log.first + noted, log.next, rows.microseconds(cutoff))
    row = connection.execute(leaves.RECORDED_SINCE, parameters).fetchone()
    return log.size if row is None else int(row[0]) - log.first


def _open(connection: sqlite3.Connection, first: int, end: int) -> int:
    """Return the number of records that a purge of these rows of `leaf` deletes."""
    number: int = connection.execute(leaves.COUNT_DELETABLE, (end, first)).fetchone()[0]
    return number
