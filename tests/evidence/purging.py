"""A company whose clock a test moves: calls, signatures, and purges by prefix."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from evidence.ledger import audited, signed
from evidence.monitored import RULE, WITNESS
from examples import PLAYED
from informativa.evidence import note_standing
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessVerifier, cosignatures
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_standing import NoteVerdict
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import PurgeNote, RuleNote
from informativa.ledgers import expiry, leaves, note_leaves, purge_plan
from informativa.ledgers.audit import RecordCounts
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.transaction import SqliteTransaction
from informativa.model import RecordKind
from informativa.model.plan import Period

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, 12, 0, tzinfo=UTC)
BY = NoteSource.SERVICE
OWN_WORD = replace(RULE, retention=Period(days=60), zone="UTC", processor=False, witnesses=(), approver=None)
WITNESSED = replace(OWN_WORD, witnesses=(WITNESS.verifier,))


def root(folder: LogFolder, epoch: int) -> bytes:
    """The root of the newest checkpoint of a log."""
    return Checkpoint.unverified(folder.published(epoch).checkpoint() or b"").root


class Company:
    """A ledger whose clock a test moves: calls, signatures, purges."""

    def __init__(self, ledger: Path, rule: RuleNote | None = OWN_WORD) -> None:
        self.ledger, self.now = ledger, START
        self.store = SqliteStore(str(ledger), log="example.org/informativa/acme/box")
        if rule is not None:
            self.state(rule)

    def state(self, rule: RuleNote) -> None:
        """Have the rule in the log."""
        self.store.keep_rule(rule, self.now, BY)

    def call(self, at: datetime | None = None, **more: object) -> bytes:
        """Record a call of somebody new, now; `at`: when it happened."""
        caller = os.urandom(32)
        call = caller.hex()
        values: dict[str, object] = {"pseudonym": caller, "call": call, "linked": call}
        values |= {"at": at or self.now, "recorded": self.now} | more
        self.store.append([replace(PLAYED, **values)])  # type: ignore[arg-type]
        return caller

    def days(self, count: int, *, sign: bool = False) -> None:
        """Let days pass, with a call on each."""
        for _ in range(count):
            self.now += DAY
            self.call()
            if sign:
                self.sign()

    def sign(self) -> int:
        """Sign what was recorded, and have the witness sign it; the size."""
        size = sequence(self.ledger).checkpoint.size
        published = LogFolder(self.ledger).published(self.store.log().epoch)
        data = published.checkpoint_of(size)
        assert data is not None
        text = data.decode().partition("\n\n")[0] + "\n"
        if not cosignatures(data, published.key(), [WITNESS.verifier]):  # type: ignore[arg-type]
            data += WITNESS.cosign(text, int(self.now.timestamp())).line.encode()
            published.put_checkpoint(size, data)
        return size

    def plan(self) -> purge_plan.PurgePlan:
        """The plan of a purge now."""
        plan = purge_plan.read(self.store, self.now)
        assert plan is not None
        return plan

    def purge(self) -> int:
        """Purge; as many records go as were counted before."""
        plan = self.plan()
        counted = purge_plan.count(self.store, plan)
        assert expiry.purge_by_rules(self.store, plan, self.now, BY) == counted
        assert purge_plan.count(self.store, self.plan()) == 0
        return counted

    def notes(self) -> list[PurgeNote]:
        """The notes of purges, in order."""
        with self.store.connected() as connection:
            logs = leaves.logs(connection)
            contents = [
                note.content
                for log in logs
                for note in reversed(list(note_leaves.backwards(connection, log)))
            ]
        return [content for content in contents if isinstance(content, PurgeNote)]

    def calls(self) -> list[int]:
        """The numbers of the records of calls that are left."""
        return [record.number for record in self.store.records() if record.event.kind is RecordKind.PHONE]

    def require_sound(self, waiting: Collection[NoteVerdict] = ()) -> RecordCounts:
        """Nothing is amiss with the ledger, and all notes hold, or are `held`."""
        signed(self.ledger)
        folder = LogFolder(self.ledger)
        keys = [key for epoch in folder.epochs() if (key := folder.published(epoch).key())]
        result = audited(self.ledger, *keys)
        assert result.is_sound, result
        with self.store.connected() as connection:
            logs = {log.origin: log for log in leaves.logs(connection)}
            by_name = {key.name: key for key in keys}
            read = {
                origin: note_leaves.read_log(connection, log, by_name[origin], root(folder, log.epoch))
                for origin, log in logs.items()
            }

        def first(origin: str, size: int, witnesses: tuple[WitnessVerifier, ...], _latest: int) -> int | None:
            data = folder.published(logs[origin].epoch).checkpoint_of(size)
            return min(cosignatures(data, by_name[origin], witnesses), default=None)

        for standings in note_standing.standings(read, [], first).values():  # type: ignore[arg-type]
            assert {standing.standing for standing in standings} <= {
                NoteVerdict.HOLDS,
                NoteVerdict.OWN_WORD,
                *waiting,
            }
        return result.counted


class KilledError(Exception):
    """The process ended here."""


def killing(
    own: Callable[[], AbstractContextManager[SqliteTransaction]], point: int, *, after: bool
) -> Callable[[], AbstractContextManager[SqliteTransaction]]:
    """Transactions of which that one and those that follow are the process's last, before or after they are
    on the disk."""
    begun: list[SqliteTransaction] = []

    @contextmanager
    def transaction() -> Iterator[SqliteTransaction]:
        with own() as opened:
            yield opened
            begun.append(opened)
            if len(begun) > point and not after:
                raise KilledError
        if len(begun) > point:
            raise KilledError

    return transaction
