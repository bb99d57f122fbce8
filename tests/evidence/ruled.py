"""Ledgers of one company whose log states a rule, and what there is in them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from evidence.noted import APPROVER
from examples import PLAYED, UNIDENTIFIED
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_standing import NoteVerdict, standings
from informativa.evidence.note_values import ErasureRule
from informativa.evidence.notes import (
    LogNote,
    NoteContent,
    NoteKind,
    RuleNote,
)
from informativa.ledgers import note_leaves
from informativa.ledgers.audit import RecordCounts
from informativa.ledgers.audit_log import audit_ledger
from informativa.ledgers.owner import LedgerOwner
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.plan import Period

LOG = "acme.example/informativa/acme/pbx-1"
RULE = RuleNote(Period(months=60), "Europe/Rome", ErasureRule.STANDING, processor=False)
APPROVED = replace(RULE, approver=APPROVER.verifier)
HE, OTHER = b"h" * 32, b"o" * 32


def company(rule: RuleNote = RULE) -> LedgerOwner:
    """The owner, by whose configuration the rule is this."""
    return LedgerOwner("acme", ("key",), lambda: rule)


def record(file: Path, *events: object, rule: RuleNote = RULE) -> None:
    """Record more."""
    with closing(SqliteStore(str(file), log=LOG, owner=company(rule))) as store:
        store.append(list(events) or [UNIDENTIFIED])  # type: ignore[arg-type]


def approved(tmp_path: Path, rule: RuleNote = APPROVED) -> Path:
    """The same with another rule."""
    file = tmp_path / "approved" / "acme.sqlite3"
    record(file, replace(PLAYED, pseudonym=HE), PLAYED, rule=rule)
    sequence(file)
    return file


def notes(ledger: Path) -> list[LogNote]:
    """All notes of all logs, in order."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        return store.log_notes()


def contents(ledger: Path) -> list[NoteContent]:
    """Return what they say."""
    return [written.content for written in notes(ledger)]


def sound(ledger: Path) -> RecordCounts:
    """Sign, audit, and return how many records there are in each state."""
    sequence(ledger)
    folder = LogFolder(ledger)
    keys = [key for epoch in folder.epochs() if (key := folder.published(epoch).key())]
    audited = audit_ledger(ledger, keys)
    assert (audited.flaws, audited.problems, audited.history) == ((), (), ())
    assert audited.counters == ()
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        assert store.rule() is not None
    assert all(first.log != second.log or first.at <= second.at for first, second in pairwise(notes(ledger)))
    return audited.counted


def verdicts(ledger: Path, rules: bool = False) -> list[tuple[NoteKind, NoteVerdict]]:
    """The verdict on each note, by what was published."""
    folder, logs = LogFolder(ledger), {}
    with (
        closing(SqliteStore(str(ledger), read_only=True)) as store,
        closing(sqlite3.connect(ledger)) as connection,
    ):
        for log in store.logs():
            published = folder.published(log.epoch)
            tree = Checkpoint.unverified(published.checkpoint() or b"")
            key = published.key()
            assert key is not None
            read = note_leaves.read_log(connection, log, key, tree.root)
            logs[log.origin] = replace(read, size=tree.size)
    judged = standings(logs, (), lambda *_checkpoint: None)
    return [
        (standing.entry.note.kind, standing.standing)
        for origin in sorted(judged)
        for standing in judged[origin]
        if standing.entry.note and (rules or standing.entry.note.kind is not NoteKind.RULE)
    ]
