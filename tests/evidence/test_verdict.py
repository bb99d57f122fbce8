"""The verdict of an audit: on results as values, and on ledgers from which something was taken."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from commands import run
from evidence.ledger import audited, forged, of, signed
from evidence.logs import configured, record
from evidence.logs import signed as sign_log
from examples import AT, PLAYED
from informativa.evidence.approval import Approval, sign
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.note_standing import NoteStanding, NoteVerdict
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import (
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NoteContent,
    PurgeNote,
    RuleNote,
)
from informativa.evidence.read_log import ReadEntry
from informativa.ledgers import note_leaves
from informativa.ledgers.audit import RecordCounts
from informativa.ledgers.audit_flaws import AuditedFlaw, ClosedLeaves, Flaw
from informativa.ledgers.audit_history import HistoryRow
from informativa.ledgers.audit_log import AuditedLog
from informativa.ledgers.erasure import erase
from informativa.ledgers.leaves import LedgerLog
from informativa.ledgers.named_holes import NamingNote
from informativa.ledgers.sqlite import SqliteStore
from informativa.ledgers.tally import CounterRow
from informativa.model import RecordKind, Verdict
from informativa.model.plan import Period
from informativa.model.text import Text
from informativa.operations.evidence import auditing
from informativa.operations.evidence.audited_notes import judged
from informativa.operations.evidence.verdict import Hole, HoleCause, holes, verdict, worst
from informativa.process import storage

LOG = "acme.example/informativa/acme/pbx-1/1"
SIZE = 40
MINUTE = AT.replace(second=0, microsecond=0)
RULE = RuleNote(Period(months=60), "Europe/Rome", ErasureRule.STANDING, processor=False)
HOLDS, APPROVED, OWN, WAITS, FLAWED = (
    NoteVerdict.HOLDS,
    NoteVerdict.APPROVED,
    NoteVerdict.OWN_WORD,
    NoteVerdict.WAITS,
    NoteVerdict.FLAWED,
)
PURGE, ERASURE, LOST, NEW_LOG = RecordKind.PURGE, RecordKind.ERASURE, RecordKind.LOST, RecordKind.NEW_LOG
COMPLETE, ACCOUNTED, GAPS, CHANGED = Verdict.COMPLETE, Verdict.ACCOUNTED, Verdict.GAPS, Verdict.CHANGED
PROBLEM = Text("There is a fork.")


def closed(first: int, end: int, *, facts: bool = True) -> ClosedLeaves:
    """Leaves that cannot be opened."""
    return ClosedLeaves(LOG, range(first, end), facts)


@dataclass(frozen=True)
class Case:
    """The finding of an audit: the leaves that are gone; the notes that name leaves, by index, kind, range
    and standing, `None` for a record about records of version 1; and all else that counts."""

    closed: Sequence[ClosedLeaves] = ()
    notes: Sequence[tuple[int, RecordKind, range, NoteVerdict | None]] = ()
    rule: RuleNote | None = RULE
    rule_stands: NoteVerdict = HOLDS
    rule_at: int = 0
    flaws: Sequence[AuditedFlaw] = ()
    history: Sequence[HistoryRow] = ()
    counters: Sequence[CounterRow] = ()
    problems: Sequence[Text] = ()
    cut_off: Sequence[Text] = ()
    without_record: frozenset[int] = frozenset()
    remarks: Sequence[Text] = field(default_factory=tuple)

    def audited(self) -> AuditedLog:
        """The result of an audit."""
        naming = tuple(
            NamingNote(
                LOG,
                index,
                AT,
                kind,
                ((LOG, named),),
                is_text=standing is None,
                before_rules=self.rule is None or index < self.rule_at,
            )
            for index, kind, named, standing in self.notes
        )
        return AuditedLog(
            LedgerLog(1, LOG, 0, SIZE),
            SIZE,
            RecordCounts(),
            tuple(self.flaws),
            tuple(self.history),
            tuple(self.problems),
            tuple(self.counters),
            tuple(self.cut_off),
            tuple(self.closed),
            naming,
            without_record=self.without_record,
            remarks=tuple(self.remarks),
        )

    def standings(self) -> dict[str, tuple[NoteStanding, ...]]:
        """The standings of its notes."""
        contents: dict[int, tuple[NoteContent, NoteVerdict]] = {
            index: (RULE, standing) for index, _kind, _named, standing in self.notes if standing
        }
        if self.rule is not None:
            contents[self.rule_at] = (self.rule, self.rule_stands)
        result = []
        for index, (content, standing) in sorted(contents.items()):
            note = LogNote(LOG, index, MINUTE, NoteSource.SERVICE, content)
            result.append(NoteStanding(ReadEntry(note.leaf, note), standing))
        return {LOG: tuple(result)}

    def holes(self) -> tuple[Hole, ...]:
        """The holes."""
        return holes(self.audited(), self.standings())


def flaw(kind: Flaw) -> tuple[AuditedFlaw, ...]:
    """One flaw."""
    return (AuditedFlaw(9, 8, kind),)


def old_rule(purged: int = 0, erased: int = 0, lost: int = 0) -> RuleNote:
    """A rule that says how much was gone before it."""
    return replace(RULE, purged=purged, erased=erased, lost=lost)


P8 = (20, PURGE, range(8))
PERSON = (closed(3, 4, facts=False),)
COUNTER = CounterRow(None, "", "", "", 5, 4)
CASES: dict[str, tuple[Verdict, Case]] = {
    "nothing is gone": (COMPLETE, Case()),
    "a note names leaves that are all there": (COMPLETE, Case(notes=[(*P8, WAITS)])),
    "a remark changes nothing": (COMPLETE, Case(remarks=[PROBLEM])),
    # Each kind of note, as it stands.
    "purge that holds": (ACCOUNTED, Case([closed(0, 8)], [(*P8, HOLDS)])),
    "purge that does not hold": (GAPS, Case([closed(0, 8)], [(*P8, FLAWED)])),
    "purge of less than is gone": (GAPS, Case([closed(0, 9)], [(*P8, HOLDS)])),
    "purge of more than is gone": (ACCOUNTED, Case([closed(0, 7)], [(*P8, HOLDS)])),
    "second purge that does not hold": (
        GAPS,
        Case([closed(0, 12)], [(*P8, HOLDS), (30, PURGE, range(12), FLAWED)]),
    ),
    "first purge that does not hold": (
        ACCOUNTED,
        Case([closed(0, 12)], [(*P8, FLAWED), (30, PURGE, range(12), HOLDS)]),
    ),
    "erasure that is approved": (ACCOUNTED, Case(PERSON, [(20, ERASURE, range(3, 4), APPROVED)])),
    "erasure by the own word": (ACCOUNTED, Case(PERSON, [(20, ERASURE, range(3, 4), OWN)])),
    "erasure that waits": (GAPS, Case(PERSON, [(20, ERASURE, range(3, 4), WAITS)])),
    "erasure of another leaf": (GAPS, Case(PERSON, [(20, ERASURE, range(4, 5), APPROVED)])),
    "erasure where the facts are gone": (GAPS, Case([closed(3, 4)], [(20, ERASURE, range(3, 4), APPROVED)])),
    "caller gone under a purge": (GAPS, Case(PERSON, [(20, PURGE, range(8), HOLDS)])),
    "lost, approved": (ACCOUNTED, Case([closed(5, 8)], [(20, LOST, range(5, 8), APPROVED)])),
    "lost, waiting": (GAPS, Case([closed(5, 8)], [(20, LOST, range(5, 8), WAITS)])),
    "end of a log, approved": (ACCOUNTED, Case([closed(40, 42)], [(20, NEW_LOG, range(40, 42), APPROVED)])),
    "end of a log, waiting": (GAPS, Case([closed(40, 42)], [(20, NEW_LOG, range(40, 42), WAITS)])),
    "gone under no note": (GAPS, Case([closed(3, 4)])),
    # What the audit names.
    "deleted": (GAPS, Case([closed(8, 9)], flaws=flaw(Flaw.DELETED))),
    "truncated": (GAPS, Case([closed(8, 9)], flaws=flaw(Flaw.TRUNCATED))),
    "unexplained": (GAPS, Case([closed(8, 9, facts=False)], flaws=flaw(Flaw.UNEXPLAINED))),
    "ledger that ends too early": (GAPS, Case(cut_off=[PROBLEM])),
    "history of a record that is gone": (
        GAPS,
        Case([closed(8, 9)], history=[HistoryRow(9, "n", "1")], without_record=frozenset({9})),
    ),
    "counter of a record that is gone": (GAPS, Case([closed(8, 9)], counters=[COUNTER])),
    **{
        f"{kind.value}": (CHANGED, Case(flaws=flaw(kind)))
        for kind in Flaw
        if kind not in (Flaw.DELETED, Flaw.TRUNCATED, Flaw.UNEXPLAINED)
    },
    "history": (CHANGED, Case(history=[HistoryRow(9, "n", "1")])),
    "history of nobody's record": (
        CHANGED,
        Case(history=[HistoryRow(9, "n", "1")], without_record=frozenset({9})),
    ),
    "history beside a gap": (CHANGED, Case([closed(8, 9)], history=[HistoryRow(9, "n", "1")])),
    "counter": (CHANGED, Case(counters=[COUNTER])),
    "counter beyond a gap": (CHANGED, Case([closed(8, 9)], counters=[replace(COUNTER, says=6)])),
    "counter below the records": (CHANGED, Case([closed(8, 9)], counters=[replace(COUNTER, says=3)])),
    "problem of the log": (CHANGED, Case(problems=[PROBLEM])),
    "altered and gone": (CHANGED, Case([closed(3, 4)], flaws=flaw(Flaw.FACTS))),
    # Records about records of version 1.
    "v1, no rule: purged": (ACCOUNTED, Case([closed(0, 8)], [(*P8, None)], rule=None)),
    "v1, no rule: erased": (ACCOUNTED, Case(PERSON, [(20, ERASURE, range(3, 4), None)], rule=None)),
    "v1, no rule: lost": (GAPS, Case([closed(5, 8)], [(20, LOST, range(5, 8), None)], rule=None)),
    "v1, approved rule": (
        ACCOUNTED,
        Case([closed(5, 8)], [(20, LOST, range(5, 8), None)], old_rule(lost=3), APPROVED, 30),
    ),
    "v1, waiting rule": (GAPS, Case([closed(0, 8)], [(*P8, None)], old_rule(8), WAITS, 30)),
    "v1, rule that does not hold": (GAPS, Case([closed(0, 8)], [(*P8, None)], old_rule(8), FLAWED, 30)),
    "v1, rule by the own word": (ACCOUNTED, Case([closed(0, 8)], [(*P8, None)], old_rule(8), OWN, 30)),
    "v1, rule by the own word: lost": (
        GAPS,
        Case([closed(5, 8)], [(20, LOST, range(5, 8), None)], old_rule(lost=3), OWN, 30),
    ),
    "v1, more than the rule says": (GAPS, Case([closed(0, 8)], [(*P8, None)], old_rule(7), APPROVED, 30)),
    "v1, less than the rule says": (
        ACCOUNTED,
        Case([closed(0, 8)], [(*P8, None)], old_rule(9), APPROVED, 30),
    ),
    "v1, of another kind than the rule says": (
        GAPS,
        Case([closed(0, 8)], [(*P8, None)], old_rule(erased=8), APPROVED, 30),
    ),
    "v1, written after the rule": (GAPS, Case([closed(0, 8)], [(*P8, None)], old_rule(8), APPROVED, 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str) -> None:
    """Each row of what a verdict is made of."""
    expected, case = CASES[name]
    assert verdict(case.audited(), case.holes()) is expected


def test_contradiction_elsewhere_is_a_change() -> None:
    """Whatever the ledger itself says."""
    case = CASES["purge that holds"][1]
    assert verdict(case.audited(), case.holes(), contradicted=True) is CHANGED


def test_worst_verdict_of_several() -> None:
    """By what it means, not by the exit status."""
    assert worst([]) is COMPLETE
    assert worst([ACCOUNTED, COMPLETE]) is ACCOUNTED
    assert worst([GAPS, CHANGED, COMPLETE]) is CHANGED
    assert [one.exit_code for one in Verdict] == [0, 0, 3, 1]


def test_holes_are_cut_where_another_note_begins() -> None:
    """Each leaf is in one hole, under the first note that holds, or else under the first that names it."""
    case = Case(
        [closed(0, 12), closed(13, 14, facts=False)],
        [(20, PURGE, range(4), HOLDS), (21, PURGE, range(8), FLAWED), (22, PURGE, range(9), HOLDS)],
    )
    assert [(hole.first, hole.last, hole.note, str(hole.cause)) for hole in case.holes()] == [
        (0, 3, 20, "purged"),
        (4, 8, 22, "purged"),
        (9, 11, None, "deleted"),
        (13, 13, None, "deleted"),
    ]


# Ledgers.

APPROVER = Signer("acme.example/approver", bytes([9]) * 32)
LONG_AGO = AT - timedelta(days=3000)
EACH = replace(RULE, erasures=ErasureRule.EACH, processor=True, approver=APPROVER.verifier)


@dataclass(frozen=True)
class Notary:
    """A ledger whose log has notes, which the test writes; and its key once it is signed."""

    ledger: Path
    times: list[datetime]

    def write(self, content: NoteContent) -> LogNote:
        """Write a note."""
        with closing(SqliteStore(str(self.ledger))) as store, store.transaction() as transaction:
            self.times.append(self.times[-1] + timedelta(minutes=1))
            note, _number = note_leaves.append(
                transaction, store._connection, content, self.times[-1], NoteSource.COMMAND
            )
        return note

    def approve(self, note: LogNote, signer: Signer = APPROVER) -> None:
        """Write the approval of a note."""
        text = sign(Approval.of(int(note.at.timestamp()), [note.leaf]), signer)
        self.write(ApprovalNote(text))

    def erase(self, *indices: int) -> LogNote:
        """Write the note of an erasure and its list."""
        with closing(SqliteStore(str(self.ledger))) as store:
            log = store.log()
        places = [LeafPlace(log.origin, index) for index in indices]
        erased = ErasedLeaves.of(bytes(16), places)
        LogFolder(self.ledger).put_private_list(1, log.size, erased.data)
        return self.write(ErasureNote(erased.digest, erased.most, "dpo-1"))

    def close(self, *statements: str) -> None:
        """Take away what a note names, without a statement of its own."""
        forged(self.ledger, *statements)

    def look(self, *approvers: Verifier) -> tuple[Verdict, tuple[Hole, ...], AuditedLog]:
        """Sign, and return the verdict."""
        key = signed(self.ledger)
        result = audited(self.ledger, key)
        gaps = holes(result, judged(result.logs, LogFolder(self.ledger), approvers))
        return verdict(result, gaps), gaps, result


PURGED = (
    "DELETE FROM event WHERE record IN (SELECT record FROM leaf WHERE leaf IN ({leaves}))",
    "UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL, opening = NULL"
    " WHERE leaf IN ({leaves})",
    "DELETE FROM standing WHERE record IN (SELECT record FROM leaf WHERE leaf IN ({leaves}))",
)


@pytest.fixture
def notary(tmp_path: Path) -> Notary:
    """A log that begins with a rule, and has two records of long ago and two of now."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger), log="acme.example/informativa/acme/pbx-1")) as store:
        with store.transaction() as transaction:
            note_leaves.append(transaction, store._connection, RULE, LONG_AGO, NoteSource.SERVICE)
        store.append([of(1, at=LONG_AGO), of(2, at=LONG_AGO)])
        store.append([of(3), of(4)])
    return Notary(ledger, [AT])


def purged(*indices: int) -> list[str]:
    """The statements of a purge of leaves."""
    return [statement.format(leaves=", ".join(map(str, indices))) for statement in PURGED]


def test_untouched_ledger_is_complete(notary: Notary) -> None:
    """It has no hole."""
    assert notary.look()[:2] == (COMPLETE, ())


def test_purge_is_accounted_for(notary: Notary) -> None:
    """Under its note; while the records are still there, they wait."""
    cutoff = (AT - timedelta(days=2500)).replace(second=0, microsecond=0)
    note = notary.write(PurgeNote(note_log(notary), 3, cutoff, rule=0))
    result, gaps, audited_log = notary.look()
    assert (result, gaps, audited_log.counted.waiting) == (COMPLETE, (), 2)
    notary.close(*purged(1, 2))
    result, (hole,), audited_log = notary.look()
    assert (result, audited_log.counted.waiting, audited_log.counted.purged) == (ACCOUNTED, 0, 2)
    assert hole == Hole(
        note_log(notary), 1, 2, HoleCause.PURGED, note.index, note.log, note.at, standing=HOLDS
    )


def note_log(notary: Notary) -> str:
    """The origin of the log."""
    with closing(SqliteStore(str(notary.ledger), read_only=True)) as store:
        return store.log().origin


def test_purge_beyond_the_retention_is_a_gap(notary: Notary) -> None:
    """The note does not hold."""
    cutoff = AT.replace(second=0, microsecond=0)
    notary.write(PurgeNote(note_log(notary), 4, cutoff, rule=0))
    notary.close(*purged(1, 2, 3))
    result, (hole,), _audited = notary.look()
    assert (result, hole.standing, hole.is_accounted) == (GAPS, FLAWED, False)
    assert "longest retention" in str(hole.flaw)


def test_deleted_row_is_a_gap(notary: Notary) -> None:
    """With all that follows from it left as it was, and with all of it deleted."""
    notary.look()
    forged(notary.ledger, "DELETE FROM event WHERE record = 4")
    result, (hole,), audited_log = notary.look()
    assert (result, hole.first, hole.last, hole.cause) == (GAPS, 3, 3, HoleCause.DELETED)
    assert audited_log.counted.purged == 0
    notary.close(*purged(3))
    assert notary.look()[0] is GAPS


def test_ledger_that_was_put_back_is_a_gap(notary: Notary, tmp_path: Path) -> None:
    """It ends before what was signed."""
    shutil.copy(notary.ledger, tmp_path / "copy")
    with closing(SqliteStore(str(notary.ledger))) as store:
        store.append([of(5), of(6)])
    key = signed(notary.ledger)
    notary.ledger.with_name("acme.sqlite3-wal").unlink(missing_ok=True)
    notary.ledger.with_name("acme.sqlite3-shm").unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy", notary.ledger)
    result = audited(notary.ledger, key)
    gaps = holes(result, judged(result.logs, LogFolder(notary.ledger), ()))
    assert verdict(result, gaps) is GAPS
    assert [(hole.first, hole.last, hole.cause) for hole in gaps] == [(5, 6, HoleCause.DELETED)]


def test_altered_row_is_a_change(notary: Notary) -> None:
    """Also beside a gap."""
    forged(notary.ledger, "UPDATE event SET line = '9' WHERE record = 4")
    assert notary.look()[0] is CHANGED
    forged(notary.ledger, "DELETE FROM event WHERE record = 2")
    assert notary.look()[0] is CHANGED


def test_erasure_waits_for_its_approval(tmp_path: Path) -> None:
    """Where the rule says so: done before it is approved it is a gap, and then it is accounted for."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger), log="acme.example/informativa/acme/pbx-1")) as store:
        with store.transaction() as transaction:
            note_leaves.append(transaction, store._connection, EACH, LONG_AGO, NoteSource.SERVICE)
        store.append([of(3, pseudonym=None, call="", linked="")])
    notary = Notary(ledger, [AT])
    note = notary.erase(1)
    result, gaps, audited_log = notary.look()
    assert (result, gaps, audited_log.counted.waiting) == (COMPLETE, (), 1)
    notary.close(
        "UPDATE leaf SET salt_who = NULL, binding = NULL, opening = NULL WHERE leaf = 1",
        "UPDATE event SET erased = 1, at = at / 60000000 * 60000000, key = NULL,"
        " recorded = recorded / 60000000 * 60000000 WHERE record = 2",
    )
    result, (hole,), _audited = notary.look()
    assert (result, hole.standing, hole.approved, hole.instruction) == (GAPS, WAITS, False, "dpo-1")
    notary.approve(note)
    result, (hole,), _audited = notary.look()
    assert (result, hole.approved, hole.by) == (ACCOUNTED, True, ("acme.example/approver",))
    another = Signer("acme.example/another", bytes([8]) * 32)
    assert notary.look(another.verifier)[0] is GAPS
    file = LogFolder(ledger).private_file(1, note.index)
    file.unlink()
    result, _holes, audited_log = notary.look()
    (remark,) = map(str, audited_log.remarks)
    assert result is GAPS
    assert remark.startswith(f"The list {file} of the erasure in leaf {note.index} of {note.log} is missing")


def test_notes_of_an_unsigned_log_count(folder: Path) -> None:
    """Also before its first checkpoint, and where its folder is gone."""
    acme = configured(folder)
    record(acme, 2)
    with closing(storage.store(acme)) as store:
        (caller, *_) = [record.event.pseudonym for record in store.records() if record.event.pseudonym]
    assert erase(Path(acme.ledger), [caller], AT).records
    assert auditing.audit(acme).verdict is ACCOUNTED
    sign_log(folder)
    for published in LogFolder(Path(acme.ledger)).folder.glob("[0-9]"):
        shutil.rmtree(published)
    assert [hole.standing for hole in auditing.audit(acme).holes] == [HOLDS]


def test_lost_records_need_an_approval(notary: Notary) -> None:
    """The company's own word does not do."""
    with closing(SqliteStore(str(notary.ledger))) as store:
        store.append([PLAYED])
    notary.write(LostNote(note_log(notary), 5, 6, "dpo-2"))
    notary.close(*purged(5))
    result, (hole,), _audited = notary.look()
    assert (result, hole.cause, hole.standing) == (GAPS, HoleCause.LOST, WAITS)


def test_command_says_the_verdict_first(folder: Path) -> None:
    """In the text, in the document, and by the exit status."""
    acme = configured(folder)
    record(acme, 3)
    sign_log(folder)
    command = ("evidence", "audit", "-c", folder / "informativa.yaml", "--controller", "acme")
    first, second, *_rest = run(*command).stdout.splitlines()
    assert first == "acme: Complete: nothing was changed, added or taken away."
    assert second.startswith("  As of 20")
    assert second.endswith("4 records in the newest log; by the company's own word.")
    forged(Path(acme.ledger), "DELETE FROM event WHERE record = 3")
    ran = run(*command)
    assert ran.returncode == 3
    assert ran.stdout.startswith(
        "acme: GAPS: 1 record is gone, or its caller, under no note that holds and is approved.\n"
    )
    document = json.loads(run(*command, "--json").stdout)
    (ledger,) = document["ledgers"]
    assert (document["verdict"], ledger["verdict"], ledger["sound"]) == ("gaps", "gaps", False)
    (hole,) = ledger["holes"]
    assert (hole["first"], hole["last"], hole["note"], hole["cause"]) == (2, 2, None, "deleted")
    assert ledger["as_of"]["by"] == []
    forged(Path(acme.ledger), "UPDATE event SET line = '9' WHERE record = 4")
    ran = run(*command)
    assert (ran.returncode, ran.stdout.splitlines()[0][:14]) == (1, "acme: CHANGED:")
