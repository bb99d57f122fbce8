"""I7: a call centre runs the PBX of a company, administers all that there is, and is dishonest later on."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from choosing import answering
from commands import run
from evidence.logs import configured, key, published, signed
from evidence.witnessing import serving_logs
from examples import PARTIAL, PLAYED
from informativa.config import load
from informativa.evidence import note
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.policy import Policy
from informativa.evidence.receipt import Receipt
from informativa.evidence.tree import leaf_hash, root
from informativa.evidence.witness_client import WitnessClient
from informativa.evidence.witness_store import WitnessFolder, WitnessStore
from informativa.ledgers.audit_log import AuditedLog, audit_ledger
from informativa.model import Answer, Controller, Event, Status, Verdict
from informativa.model.errors import EvidenceError, ForkError
from informativa.operations.evidence import auditing, logs, receipts
from informativa.process import storage

SAME = "UPDATE leaf SET what = ?, who = ?, salt_what = ?, salt_who = ? WHERE leaf = ?"


@dataclass
class CallCentre:
    """The processor, with all that it has: configuration, ledger, log and signing key. It must publish to a
    folder that it cannot change, and the company is its witness, at `home`. The company's are also the
    `policy` by which its lawyer judges receipts, and the log's `key` as it was in the beginning."""

    folder: Path
    acme: Controller
    outside: Path
    home: Path
    key: Verifier
    policy: Policy

    @property
    def ledger(self) -> Path:
        return Path(self.acme.ledger)

    @property
    def published(self) -> Path:
        """Return the folder of the log that the processor cannot change."""
        return self.outside / "informativa/acme/pbx-1"

    @property
    def log(self) -> LogFolder:
        return LogFolder(self.ledger)

    def call(self, *events: Event) -> None:
        """Calls come in."""
        with closing(storage.store(self.acme)) as store:
            store.append(list(events))

    def record(self, *events: Event) -> None:
        """Calls come in, and a minute later they are signed, witnessed and published."""
        self.call(*events)
        signed(self.folder)
        assert published(self.folder).complete

    def receipt(self, number: int) -> bytes:
        """Return the receipt of one record."""
        return receipts.of_record(self.acme, number).receipt.proof.data

    def forge(self, change: Callable[[list[Event]], list[Event]], signer: Signer | None = None) -> None:
        """Tell another story as well as it can be told: records, leaves, what is derived from them, bundles,
        tiles, and checkpoints of all sizes, signed by the log's own key. What is as it was keeps its leaf."""
        with closing(storage.store(self.acme)) as store:
            old_events = [record.event for record in store.records()]
            origin = store.log().origin
        new_events, sizes = change(old_events), self.log.published(1).sizes()
        with closing(sqlite3.connect(self.ledger, isolation_level=None)) as connection:
            leaf_rows = connection.execute("SELECT what, who, salt_what, salt_who, leaf FROM leaf").fetchall()
            for table in ("standing", "answer", "tally", "leaf", "event", "signed"):
                connection.execute(f"DELETE FROM {table}")
        with closing(storage.store(self.acme)) as store:
            for event in new_events:
                store.append([event])
            with store.connected() as connection:
                for row, old, new in zip(leaf_rows, old_events, new_events, strict=False):
                    if old == new:
                        connection.execute(
                            "UPDATE leaf SET what = ?, who = ?, salt_what = ?, salt_who = ? WHERE leaf = ?",
                            row,
                        )
            entries = store.entries(0, len(new_events))
        self._rewrite(signer or self.log.signer(origin, 1), sizes, entries)

    def _rewrite(self, signer: Signer, sizes: list[int], entries: list[bytes]) -> None:
        (self.log.folder / "signing/1.key").write_text(f"{signer.secret}\n")
        shutil.rmtree(self.log.published(1).folder)
        anew, old = self.log.published(1), 0
        anew.put_key(signer.verifier)
        for size in sorted({min(limit, len(entries)) for limit in sizes}):
            anew.extend(old, entries[old:size])
            checkpoint = Checkpoint(signer.name, size, root(map(leaf_hash, entries[:size])))
            self.log.keep_signed(1, note.sign(checkpoint.text, signer))
            anew.put_checkpoint(size, note.sign(checkpoint.text, signer))
            old = size

    def witness(self) -> WitnessClient:
        """The company's, as the processor's configuration has it."""
        return WitnessClient(load(self.folder / "informativa.yaml").evidence.witnesses[0])

    def audited_by_the_company(self, place: Path) -> AuditedLog:
        """Audit a copy of the ledger against the log as it was published."""
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        with (
            closing(sqlite3.connect(self.ledger)) as source,
            closing(sqlite3.connect(place / "x.sqlite3")) as copy,
        ):
            source.backup(copy)
        copied = place / "x.sqlite3"
        return audit_ledger(copied, [self.key], folder=LogFolder(copied, self.published))


@pytest.fixture
def centre(folder: Path, tmp_path: Path) -> Iterator[CallCentre]:
    """Six calls after the rule of the log, signed in two steps, of which the last refuses a consent; of the
    second call, which was not heard to
    its end, the company has a receipt."""
    (tmp_path / "outside").mkdir()
    witness = WitnessFolder(tmp_path / "home").make("home.example").verifier
    with serving_logs(tmp_path / "home") as (port, keys):
        acme = configured(
            folder,
            "publish: [{folder: " + str(tmp_path / "outside") + ", independent: true}]",
            f"witness: [{{key: {witness}, url: 'http://127.0.0.1:{port}'}}]",
        )
        with closing(storage.store(acme)) as store:
            store.append([call(1)])
        signed(folder)
        keys.append(key(acme))
        policy = Policy.parse(f"log {key(acme)}\nwitness home {witness}\nquorum home\n".encode())
        call_centre = CallCentre(folder, acme, tmp_path / "outside", tmp_path / "home", key(acme), policy)
        call_centre.record(call(2, PARTIAL), call(3))
        call_centre.record(call(4), call(5), call(6, answering(Answer.REFUSED)))
        yield call_centre


def call(number: int, event: Event = PLAYED, ago: timedelta = timedelta()) -> Event:
    """One of another caller each, which was recorded now, or so long ago."""
    at = datetime.now(UTC) - ago
    return replace(event, call=f"1.{number}", pseudonym=bytes([number]) * 32, at=at, recorded=at)


def edited(events: list[Event]) -> list[Event]:
    """Return the events with a caller who hung up turned into one who heard all."""
    return [
        replace(event, status=Status.PLAYED, heard=PLAYED.heard) if event.call == "1.2" else event
        for event in events
    ]


def deleted(events: list[Event]) -> list[Event]:
    """Somebody never called."""
    return [event for event in events if event.call != "1.3"]


def back_dated(events: list[Event]) -> list[Event]:
    """Somebody was told long before."""
    ago = timedelta(days=300)
    earlier = {event.call: replace(event, at=event.at - ago, recorded=event.at - ago) for event in events}
    return [earlier[event.call] if event.call == "1.5" else event for event in events]


def agreed(events: list[Event]) -> list[Event]:
    """Somebody who refused gave his consent."""
    return [answering(Answer.GRANTED, event) if event.asked else event for event in events]


def inserted(events: list[Event]) -> list[Event]:
    """Somebody was told who never was."""
    return [*events[:4], call(9), *events[4:]]


FORGERIES: dict[str, tuple[Callable[[list[Event]], list[Event]], set[tuple[int, int]]]] = {
    "edited": (edited, {(3, 2)}),
    "deleted": (deleted, {(4, 3), (5, 4), (6, 5), (7, 6)}),  # all that follow moved up
    "agreed": (agreed, {(7, 6)}),
    "back-dated": (back_dated, {(6, 5)}),
    "inserted": (inserted, {(5, 4), (6, 5), (7, 6)}),
}


@pytest.mark.sample(1)
@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.slow
def test_i7_processor_tells_another_story(centre: CallCentre, tmp_path: Path, forgery: str) -> None:
    """I7: what the processor tells of itself is sound in itself. The company's witness refuses to sign what
    follows from it; with what was published the audit names the record; the receipt of before holds; and none
    that is made of the forgery is believed by a policy that asks for the witness."""
    change, expected = FORGERIES[forgery]
    receipt = centre.receipt(3)
    require_audit(centre, {str(centre.outside): None, "home.example": None})
    assert Receipt.parse(receipt).verify((), centre.policy).checkpoint.size == 7
    assert centre.audited_by_the_company(tmp_path / "before").is_sound
    centre.forge(change)
    assert auditing.audit(centre.acme).sound
    contradicted = "another log of 7 |has 7 records of the log and here are 6"
    require_audit(centre, {str(centre.outside): contradicted, "home.example": contradicted})
    require_refused(centre, contradicted)
    audit_result = centre.audited_by_the_company(tmp_path / "after")
    assert {(finding.record, finding.leaf) for finding in audit_result.flaws} == expected
    require_receipts(centre, receipt)


def require_audit(centre: CallCentre, elsewhere: dict[str, str | None]) -> None:
    """Check the result of the audit command, which asks all places that have the log, and the contradiction
    of each."""
    completed = run(
        "evidence", "audit", "--controller", "acme", "--json", "-c", centre.folder / "informativa.yaml"
    )
    (ledger,) = json.loads(completed.stdout)["ledgers"]
    assert (completed.returncode, ledger["sound"]) == ((1, False) if any(elsewhere.values()) else (0, True))
    assert [(place["name"], place["independent"]) for place in ledger["elsewhere"]] == [
        (name, True) for name in elsewhere
    ]
    for place in ledger["elsewhere"]:
        sentence = elsewhere[place["name"]]
        assert (place["contradicts"], place["size"]) == ((True, 0) if sentence else (False, 7))
        assert sentence is None or re.search(sentence, place["problem"])


def require_refused(centre: CallCentre, sentence: str) -> None:
    """Neither the witness nor the place where it is published takes it, nor what follows when calls go on, of
    which nothing is signed; the witness stays with what it signed."""
    published_log = published(centre.folder)
    assert (published_log.quorum, [target.problem is None for target in published_log.targets]) == (
        False,
        [False],
    )
    centre.call(call(7), call(8))
    with pytest.raises(EvidenceError, match=sentence):
        logs.checkpoint(centre.acme, elsewhere=[centre.witness()])
    with pytest.raises(ForkError, match="outside"):
        signed(centre.folder)
    with closing(WitnessStore(WitnessFolder(centre.home))) as store:
        assert [checkpoint.size for checkpoint, _at in store.last()] == [7]


def require_receipts(centre: CallCentre, receipt: bytes) -> None:
    """The one of before holds by the policy; one of now holds at most as the processor's own word."""
    assert Receipt.parse(receipt).verify((), centre.policy).checkpoint.size == 7
    now = Receipt.parse(centre.receipt(3))
    now.verify((key(centre.acme),), None)
    with pytest.raises(EvidenceError):
        now.verify((), centre.policy)


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [0, 9, 11])
def test_i7_processor_dates_a_record_back(centre: CallCentre, minutes: int) -> None:
    """I7: before it is signed, a record can say any time, and is what was written. The company's witness had
    signed the log without it: beyond ten minutes that is a remark in the company's own audit."""
    centre.record(call(7, ago=timedelta(minutes=minutes)))
    audit = auditing.audit(centre.acme, (centre.key,), copy=centre.published)
    assert audit.verdict is Verdict.COMPLETE
    remark = (
        f"1 leaf of {centre.key.name} (7) says that it was recorded more than 10 minutes before a witness"
        " signed the log without it."
    )
    clock = "The clock was put back by more than 10 minutes once, before record 8 was made."
    assert [str(one) for one in audit.remarks] == ([clock, remark] if minutes > 10 else [])


@pytest.mark.slow
def test_i7_processor_puts_an_old_copy_back(centre: CallCentre, tmp_path: Path) -> None:
    """I7: of everything, with the key and what was signed by it: witness and target have more, the audit with
    what was published names the records that took the place of others, and receipts of that hold."""
    shutil.copytree(centre.ledger.parent, tmp_path / "copy")
    centre.record(call(7), call(8))
    receipt = centre.receipt(9)
    shutil.rmtree(centre.ledger.parent)
    shutil.copytree(tmp_path / "copy", centre.ledger.parent)
    assert auditing.audit(centre.acme).sound
    older = "has 9 records of the log and here are 7"
    require_audit(centre, {str(centre.outside): older, "home.example": older})
    centre.call(call(9), call(10), call(11))
    with pytest.raises(ForkError, match=r"home\.example has 9 records of the log and here are 7"):
        logs.checkpoint(centre.acme, elsewhere=[centre.witness()])
    with pytest.raises(ForkError, match="has 9 records of the log and here are 7"):
        signed(centre.folder)
    audit_result = centre.audited_by_the_company(tmp_path / "after")
    assert {(str(finding.flaw), finding.leaf) for finding in audit_result.flaws} == {
        ("leaf-altered", 7),
        ("leaf-altered", 8),
    }
    assert Receipt.parse(receipt).verify((), centre.policy).checkpoint.size == 9


@pytest.mark.slow
def test_i7_processor_swaps_the_key(centre: CallCentre, tmp_path: Path) -> None:
    """I7: and signs another story by a key of the same name: the witness knows the log by the right one, and
    so do audit and policy."""
    receipt = centre.receipt(3)
    centre.forge(edited, Signer(centre.key.name, bytes(range(32))))
    assert auditing.audit(centre.acme).sound
    require_refused(centre, "another key for this log|nobody elsewhere answers")
    audit_result = centre.audited_by_the_company(tmp_path / "after")
    assert {(finding.record, finding.leaf) for finding in audit_result.flaws} == {(3, 2)}
    where = ("--controller", "acme", "-c", centre.folder / "informativa.yaml", "--log", centre.published)
    ran = run("evidence", "audit", "--key", str(centre.key), *where)
    assert (ran.returncode, "record 3 (leaf 2): its commitment is not" in ran.stdout) == (1, True)
    assert not audit_ledger(centre.ledger, [centre.key]).is_sound
    require_receipts(centre, receipt)
