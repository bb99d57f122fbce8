"""An honest company with up to three boxes, its witness, its approvers and its monitor, whose clock a test
moves. Everything is done by the functions that the service and the commands use."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from unittest import mock
from zoneinfo import ZoneInfo

from choosing import answering
from evidence.monitored import WITNESS
from examples import NOTDUE, PLAYED, UNIDENTIFIED
from informativa.call.caller import pseudonym
from informativa.evidence import tree
from informativa.evidence.approval import MOST_LEAVES, Approval, sign
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.commitment import bind
from informativa.evidence.cosignature import cosignatures
from informativa.evidence.log_folder import LogFolder, PublishedLog
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.note_standing import NoteStanding
from informativa.evidence.note_values import NoteSource
from informativa.evidence.publishing import folder_of, publish
from informativa.evidence.targets import FolderTarget
from informativa.evidence.tiles import TileHashes
from informativa.ledgers import expiry, loss_notes, sequencer
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Answer, Controller, Event, Identified, Reason
from informativa.model.errors import EvidenceError
from informativa.model.plan import LogRule, Outsourcing, OutsourcingDocument, Period
from informativa.operations.evidence import auditing
from informativa.operations.evidence.auditing import AuditedLedger
from informativa.operations.evidence.monitor import Monitor, MonitorSettings
from informativa.operations.evidence.monitor_findings import Look
from informativa.process import erasing, log_storage, storage

START = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
NUMBERS = [f"+39333000000{digit}" for digit in range(6)]
APPROVERS = tuple(Signer(f"acme.example/approver-{n}", bytes([n]) * 32) for n in (1, 2))
PAPER = OutsourcingDocument("file 7", date(2026, 1, 7))
CALL_CENTRE = Outsourcing("Call centre", PAPER, PAPER)
BY = NoteSource.COMMAND


@dataclass
class Box:
    """One PBX: its ledger, how far its clock is ahead, and the copies that an admin made of the ledger."""

    name: str
    ledger: Path
    ahead: timedelta = timedelta()
    copies: list[Path] = field(default_factory=list)

    @property
    def folder(self) -> LogFolder:
        """The folder of its logs."""
        return LogFolder(self.ledger)

    def all_logs(self) -> Iterator[tuple[PublishedLog, Verifier]]:
        """Its logs that were signed, with their keys."""
        for epoch in self.folder.epochs():
            log = self.folder.published(epoch)
            key = log.key()
            if key is not None and log.checkpoint() is not None:
                yield log, key


class Company:
    """The company, in a folder. Its configuration says what is in `acme`; what is `published` is what its
    monitor reads; its witness signs what extends the `trees` that it signed before."""

    def __init__(self, folder: Path, boxes: int, rule: LogRule, *, outsourced: bool) -> None:
        self.folder, self.now = folder, START
        self.published = folder / "published"
        self.published.mkdir()
        self.boxes = [Box(f"box-{number}", folder / f"box-{number}/acme.sqlite3") for number in range(boxes)]
        self.acme = Controller(
            id="acme",
            name="Acme",
            key=b"k" * 32,
            ledger="",
            outsourcing=CALL_CENTRE if outsourced else None,
            retention=Period(months=60),
            zone=ZoneInfo("Europe/Rome"),
            rule=rule,
        )
        self.trees: dict[str, Checkpoint] = {}
        self.approvers = [rule.approver]
        self.calls = 0
        for box in self.boxes:
            box.ledger.parent.mkdir()
        for box in self.boxes:
            storage.store(self.of(box)).close()
            self.call(box, None)
            self.sign(box)
        self.monitor = Monitor(
            MonitorSettings(folder / "policy", folder / "monitor", published=str(self.published)),
            lambda _finding: "",
            lambda: self.now.timestamp(),
        )

    def of(self, box: Box) -> Controller:
        """The company as a box's configuration has it."""
        return replace(self.acme, ledger=str(box.ledger), log=f"acme.example/informativa/acme/{box.name}")

    def clock(self, box: Box) -> datetime:
        """The time by a box."""
        return self.now + box.ahead

    def configure(self, **rule: object) -> None:
        """Change the configuration of all boxes; each states it when it signs next."""
        changed = {key: value for key, value in rule.items() if key in ("retention", "outsourcing", "key")}
        rest = {key: value for key, value in rule.items() if key not in changed}
        assert self.acme.rule is not None
        self.acme = replace(self.acme, rule=replace(self.acme.rule, **rest), **changed)  # type: ignore[arg-type]
        self.approvers.append(self.acme.rule.approver)  # type: ignore[union-attr]

    def rotate(self) -> None:
        """Give the company a new key; the old one still recognises callers."""
        new = bytes([len(self.acme.keys)]) * 32
        self.acme = replace(self.acme, key=new, old_keys=self.acme.keys)

    def call(self, box: Box, number: int | None, ago: timedelta | None = None) -> None:
        """Record a call of somebody, `None` for a withheld number; one that happened `ago` is imported."""
        self.calls += 1
        at = self.clock(box)
        values: dict[str, object] = {"at": at, "call": f"9.{self.calls}", "linked": f"9.{self.calls}"}
        if ago is not None:
            values |= {"at": at - ago, "recorded": at}
        event: Event = UNIDENTIFIED
        with closing(storage.store(self.of(box))) as store:
            if number is not None:
                caller = Identified(NUMBERS[number])
                his = pseudonym(caller, self.acme.key)
                values |= {"pseudonym": his, "binding": bind(caller, self.acme.key)}
                records = [record for record in store.of_caller(his) if record.event.status == "PLAYED"]
                event = PLAYED
                if records and ago is None:
                    event, values["basis"] = NOTDUE, records[-1].number
            store.append([replace(event, **values)])  # type: ignore[arg-type]

    def answer(self, box: Box, number: int, answer: Answer) -> None:
        """Record what somebody answers to a choice, in a call in which his number may have another owner and
        in which his pseudonym by an earlier key is found."""
        self.calls += 1
        at, caller = self.clock(box), Identified(NUMBERS[number])
        his = pseudonym(caller, self.acme.key)
        values: dict[str, object] = {"at": at, "call": f"9.{self.calls}", "linked": f"9.{self.calls}"}
        values |= {"pseudonym": his, "binding": bind(caller, self.acme.key)}
        with closing(storage.store(self.of(box))) as store:
            earlier = (pseudonym(caller, key) for key in self.acme.keys[1:])
            known = (one for one in earlier if store.history(one) or self._answered(store, one))
            reason = Reason.RECYCLED if self.calls % 5 == 0 else Reason.NOT_INFORMED
            played = replace(PLAYED, reason=reason, earlier=next(known, None), **values)  # type: ignore[arg-type]
            (basis,) = store.append([played])
            store.append([answering(answer, played, basis=basis, earlier=None)])

    @staticmethod
    def _answered(store: SqliteStore, his: bytes) -> bool:
        with store.transaction() as transaction:
            return transaction.answers(his).is_known

    def erase(self, box: Box, number: int) -> None:
        """Erase a caller, as a command does."""
        erasing.erase(self.of(box), Identified(NUMBERS[number]), self.clock(box), "dpo-1")

    def carry_out(self, box: Box) -> None:
        """Erase what was approved meanwhile, as the service does."""
        erasing.carry_out_erasures(self.of(box))

    def purge(self, box: Box) -> None:
        """Delete what is past its time, as the service does, but for what it says an audit calls a gap."""
        controller, at = self.of(box), self.clock(box)
        log_storage.keep_rule(controller, at, BY)
        with closing(storage.store(controller, create=False)) as store:
            plan = log_storage.purge_plan(controller, store, at)
            assert plan is not None
            if not plan.doubt:
                expiry.purge_by_rules(store, plan, at, BY)

    def sign(self, box: Box) -> None:
        """State the rule, count, and sign what was recorded, as the service does."""
        log_storage.keep_rule(self.of(box), self.clock(box), BY)
        log_storage.keep_totals(self.of(box), self.clock(box))
        log_storage.keep_access_head(self.of(box), self.clock(box))
        sequencer.sequence(box.ledger)

    def publish(self, box: Box) -> None:
        """Have the witness sign, and copy all logs to where the monitor reads."""
        for log, key in box.all_logs():
            data = log.checkpoint() or b""
            newest = Checkpoint.unverified(data)
            before = self.trees.get(newest.origin, newest)
            hashes = TileHashes(newest.size, log.tiles.read)
            proof = tree.consistency_proof(before.size, newest.size, hashes)
            tree.verify_consistency(before.size, newest.size, before.root, newest.root, proof)
            self.trees[newest.origin] = newest
            if not cosignatures(data, key, [WITNESS.verifier]):
                signature = WITNESS.cosign(newest.text, int(self.now.timestamp()))
                log.put_checkpoint(newest.size, data + signature.line.encode())
            publish(log, key, FolderTarget(self.published), check=True)

    def change_key(self, box: Box) -> None:
        """Begin another log with a new key, as a command does."""
        controller, at = self.of(box), self.clock(box)
        log_storage.keep_rule(controller, at, BY)
        log_storage.keep_totals(controller, at, log_ends=True)
        sequencer.sequence(box.ledger)
        sequencer.begin_epoch(box.ledger, at)
        self.sign(box)

    def copy(self, box: Box) -> None:
        """Make a copy of a ledger, where no erasure reaches it."""
        file = box.ledger.parent.parent / f"{box.name}.{len(box.copies)}"
        with closing(sqlite3.connect(box.ledger)) as source, closing(sqlite3.connect(file)) as target:
            source.backup(target)
        box.copies.append(file)

    def restore(self, box: Box, choice: int, *, alone: bool) -> None:
        """Put such a copy in the ledger's place; `alone` where the ledger itself was lost."""
        if box.copies:
            if alone:
                for end in ("", "-wal", "-shm"):
                    Path(f"{box.ledger}{end}").unlink(missing_ok=True)
            copy = box.copies[choice % len(box.copies)]
            storage.restore(self.of(box), copy, self.clock(box), "dpo-2")

    def waiting(self) -> list[NoteStanding]:
        """All notes that wait for a word."""
        return [note for box in self.boxes for note in log_storage.waiting_notes(self.of(box))[0]]

    def approve(self, most: int = MOST_LEAVES) -> bool:
        """Have both approvers sign notes that wait, at most so many at a time, and put that into the logs;
        return whether that changed what waits."""
        before = [standing.entry.leaf for standing in self.waiting()]
        for signer in APPROVERS if before else ():
            approval = sign(Approval.of(int(self.now.timestamp()), before[:most]), signer)
            for box in self.boxes:
                with suppress(EvidenceError):  # it waits for the word of the other one, or names nobody
                    log_storage.take_approval(self.of(box), approval, self.clock(box), BY)
        return before != [standing.entry.leaf for standing in self.waiting()]

    def audit(self, box: Box) -> list[AuditedLedger]:
        """Audit a box's ledger against its own log, and against what was published, by the approvers that the
        log names and, if it always named one, by those from elsewhere."""

        class BoxClock(datetime):
            """The clock of the box."""

            @classmethod
            def now(cls, _zone: object = None) -> datetime:  # type: ignore[override]
                return self.clock(box)

        with mock.patch.object(loss_notes, "datetime", BoxClock):
            return list(self._audited(box))

    def _audited(self, box: Box) -> Iterator[AuditedLedger]:
        published = (self.published / folder_of(key.name)).parent if (key := self._newest_key(box)) else None
        places = (None, published) if published and published.exists() else (None,)
        known = [Verifier.parse(key) for key in dict.fromkeys(self.approvers) if key]
        approvers = [(), known] if all(self.approvers) else [()]
        for copy in places:
            for keys in approvers:
                yield auditing.audit(self.of(box), copy=copy, approvers=keys, at=self.clock(box))

    @staticmethod
    def _newest_key(box: Box) -> Verifier | None:
        keys = [key for _log, key in box.all_logs()]
        return keys[-1] if keys else None

    def look(self) -> Look:
        """Have the monitor look."""
        keys = dict.fromkeys(str(key) for box in self.boxes for _log, key in box.all_logs())
        policy = "".join(f"log {key}\n" for key in keys)
        (self.folder / "policy").write_text(f"{policy}witness home {WITNESS.verifier}\nquorum home\n")
        return self.monitor.look()
