"""A ledger that has some of everything, with its log: what the tests of evidence attack."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from examples import AT, NOTDUE, ONE, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.evidence import tree
from informativa.evidence.checkpoint import Checkpoint, open_checkpoint
from informativa.evidence.commitment import bind
from informativa.evidence.log_folder import LogFolder, PublishedLog
from informativa.evidence.note import Verifier
from informativa.evidence.tiles import TileHashes
from informativa.ledgers import expiry
from informativa.ledgers.audit_log import AuditedLog, audit_ledger
from informativa.ledgers.erasure import erase
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Event, Identified, Reason, RecordKind, Status

KEY = b"k" * 32
NUMBERS = [f"+39333000000{digit}" for digit in range(10)]
LONG_AGO = AT - timedelta(days=900)


TABLES = {
    "event": ("record",),
    "leaf": ("leaf",),
    "standing": ("pseudonym", "notice", "version"),
    "log": ("epoch",),
}
RESTS_ON_ERASED = 20


def of(number: int, event: Event = PLAYED, *, key: bytes = KEY, **more: object) -> Event:
    """An event of one of the callers, bound to his number, in a call of its own for each caller."""
    caller = Identified(NUMBERS[number])
    values = {"pseudonym": pseudonym(caller, key), "call": f"17.{number}", "linked": f"17.{number}"} | more
    return replace(event, binding=bind(caller, key), **values)  # type: ignore[arg-type]


def signed(ledger: Path) -> Verifier:
    """Sign what was recorded; the key."""
    sequenced = sequence(ledger)
    key = LogFolder(ledger).published(sequenced.epoch).key()
    assert key is not None
    return key


def audited(ledger: Path, *keys: Verifier) -> AuditedLog:
    """Audit a ledger with keys from elsewhere, or else with the published one."""
    if not keys:
        published = LogFolder(ledger).published(1).key()
        keys = (published,) if published else ()
    return audit_ledger(ledger, keys)


@dataclass(frozen=True)
class Busy:
    """A ledger, and the key of its log as somebody kept it elsewhere. All that it has is signed."""

    ledger: Path
    key: Verifier

    def audit(self) -> AuditedLog:
        """Return the result of an audit."""
        return audited(self.ledger, self.key)


def busy(folder: Path) -> Busy:
    """Calls, papers; some of them erased, some purged; supplements, changed keys, numbers that changed
    hands."""
    ledger = folder / "acme.sqlite3"
    with closing(SqliteStore(str(ledger), log="example.org/informativa/acme/box")) as store:
        month_ago = AT - timedelta(days=30)
        store.append([replace(PLAYED, pseudonym=ONE, at=month_ago, call="c", linked="c") for _ in range(3)])
        moved = {"pseudonym": b"n" * 32, "earlier": ONE, "basis": 3}
        store.append(
            [
                replace(UNIDENTIFIED, pseudonym=None, at=month_ago, call="c", linked="c"),
                replace(NOTDUE, at=month_ago, call="c", linked="c", **moved),  # type: ignore[arg-type]
            ]
        )
        past = LONG_AGO
        store.append([of(1, at=past), of(2, PARTIAL, at=past), of(3, UNIDENTIFIED, pseudonym=None, at=past)])
        store.append([of(1), of(2, PARTIAL), of(4, key=b"o" * 32), of(5), of(6)])
        signed(ledger)
        skipped = replace(PARTIAL, status=Status.SKIPPED)
        paper = replace(PLAYED, status=Status.INFORMED, reason=Reason.TOLD_ELSEWHERE, prompt="", heard=None)
        paper = replace(paper, kind=RecordKind.CONTRACT, reference="contract 7", call="", linked="")
        store.append([of(7, skipped), of(8, paper, at=AT - timedelta(days=9), recorded=AT)])
        numbers = {record.event.pseudonym: record.number for record in store.records()}
        supplement = {"version": "2", "purposes": frozenset({"marketing"}), "supplement": True}
        early = of(4, key=b"o" * 32).pseudonym
        later = AT + timedelta(hours=1)
        store.append(
            [
                of(1, NOTDUE, basis=numbers[of(1).pseudonym]),
                of(4, NOTDUE, earlier=early, basis=numbers[early], at=later),
                of(5, at=later, **supplement),  # type: ignore[arg-type]
                of(6, at=later, reason=Reason.RECYCLED, version="2"),
                of(2, at=later, reason=Reason.SAME_CALL, basis=numbers[of(5).pseudonym], linked="17.5"),
                of(9, UNIDENTIFIED, pseudonym=None, linked="17.7"),
            ]
        )
        with store.transaction() as transaction:
            assert of(1).pseudonym is not None
            transaction.note_call(of(1).pseudonym, "privacy", AT)  # type: ignore[arg-type]
        expiry.purge(store, AT - timedelta(days=800), AT)
    assert erase(ledger, [of(5).pseudonym, of(7).pseudonym], AT).records == 4  # type: ignore[list-item]
    with closing(SqliteStore(str(ledger))) as store:
        store.append([of(1, at=AT + timedelta(days=1)), of(8, at=AT + timedelta(days=1))])
    return Busy(ledger, signed(ledger))


def forged(
    ledger: Path, *statements: str, change: Callable[[sqlite3.Connection], object] | None = None
) -> None:
    """Do what somebody does who can write the file, and knows SQLite."""
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for statement in statements:
            connection.execute(statement)
        if change is not None:
            change(connection)


def grown(ledger: Path, count: int) -> None:
    """Append so many records."""
    with closing(SqliteStore(str(ledger))) as store:
        store.append([replace(PLAYED, pseudonym=os.urandom(32)) for _ in range(count)])


def published(ledger: Path) -> PublishedLog:
    """Its log."""
    return LogFolder(ledger).published(1)


def files(ledger: Path) -> dict[str, bytes]:
    """All files of its log but the lock."""
    top = LogFolder(ledger).folder
    files_by_name = {str(file.relative_to(top)): file for file in top.rglob("*") if file.is_file()}
    return {name: file.read_bytes() for name, file in files_by_name.items() if name != "signing/lock"}


def checkpoints(ledger: Path, *keys: Verifier) -> list[Checkpoint]:
    """All that were published, as their key signed them."""
    log = published(ledger)
    key = log.key()
    assert key is not None
    data = [log.checkpoint_of(size) for size in log.sizes()]
    return [open_checkpoint(note or b"", keys or [key]).checkpoint for note in data]


def require_one_history(ledger: Path) -> None:
    """Each checkpoint extends the one before, by proofs from the tiles alone; the newest is the one that is
    shown, and the one beside the key."""
    log = published(ledger)
    all_checkpoints = checkpoints(ledger)
    hashes = TileHashes(all_checkpoints[-1].size, log.tiles.read)
    for older, newer in zip([all_checkpoints[0], *all_checkpoints], all_checkpoints, strict=False):
        proof = tree.consistency_proof(older.size, newer.size, hashes)
        tree.verify_consistency(older.size, newer.size, older.root, newer.root, proof)
    newest = log.checkpoint_of(all_checkpoints[-1].size)
    assert log.checkpoint() == newest
    assert LogFolder(ledger).last_signed(1) == newest


def copied(original: Busy, folder: Path) -> Busy:
    """A copy of ledger and log."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(original.ledger.parent, folder)
    return Busy(folder / original.ledger.name, original.key)


def harmless(table: str, row: dict[str, object], column: str, new: object) -> bool:
    """Return whether a value may be changed unseen; comments say why that does no harm."""
    was = row[column]
    if table == "leaf":
        # Of what was purged: which record it was.
        return row["salt_what"] is None and column == "record"
    if table == "standing":
        # After a purge: that a caller knows less, or called longer ago, so that he hears it again; and
        # that the proof of what was moved is one of the purged, by which it proves nothing. As it stands, or
        # as what was moved, a row tells no more.
        knows_less = column == "whole" and new is None
        basis_purged = column == "record" and row["moved"] and isinstance(new, int | float) and new < 11
        moved_only = column == "moved" and not was
        return (
            knows_less
            or basis_purged
            or moved_only
            or (column == "seen" and (new is None or isinstance(new, int)))
        )
    if row.get("record") == RESTS_ON_ERASED:
        # What would show who this caller is would show who the erased one was.
        return column in ("at", "recorded", "call", "linked", "pseudonym", "reference", "key", "earlier")
    if column == "key" and row.get("erased"):
        return not new  # empty, or none
    return False
