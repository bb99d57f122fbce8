"""The standing of notes: literal cases of what holds, waits, stands by the own word, or does not hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence.monitored import APPROVER, ERASURE, NEXT, NOW, ORIGIN, RULE, SIGNER, ServedLog, minute, record
from informativa.evidence.approval import Approval, sign
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.note import Signer
from informativa.evidence.note_standing import NoteVerdict, standings
from informativa.evidence.note_values import ErasureRule
from informativa.evidence.notes import (
    ApprovalNote,
    LogNote,
    LostNote,
    NewLogNote,
    NextNote,
    NoteContent,
    PurgeNote,
)
from informativa.evidence.read_log import ReadEntry, ReadLog
from informativa.model.plan import Period

DAY = 86_400
OTHER = Signer("acme.example/other", bytes([3]) * 32)
HOLDS, APPROVED, OWN, WAITS, FLAWED = (
    NoteVerdict.HOLDS,
    NoteVerdict.APPROVED,
    NoteVerdict.OWN_WORD,
    NoteVerdict.WAITS,
    NoteVerdict.FLAWED,
)


def read(log: ServedLog) -> ReadLog:
    """The log as a monitor has it."""
    origin = log.signer.name
    entries = [
        ReadEntry.read(entry, origin, index)
        for index, entry in enumerate(log.entries)
        if not entry.startswith(b"informativa/record/v2\n")
    ]
    tree = log.checkpoint()
    return ReadLog(log.signer.verifier, tree.size, tree.root, entries)


def judged(
    *logs: ServedLog, approvers: Sequence[Signer] = (), cosigned: int | None = NOW - 400 * DAY
) -> list[str]:
    """The verdicts on the notes of all logs, in order."""
    by_origin = {log.signer.name: read(log) for log in logs}
    keys = [signer.verifier for signer in approvers]
    result = standings(by_origin, keys, lambda *_: cosigned)
    return [standing.standing for log in logs for standing in result[log.signer.name]]


def started(*contents: NoteContent, signer: Signer = SIGNER, rule: NoteContent = RULE) -> ServedLog:
    """A log of some records, a rule, more records, and these notes."""
    log = ServedLog(Path(), signer)
    log.records(3)
    log.note(rule)
    log.records(5)
    for content in contents:
        log.note(content)
    return log


def approve(log: ServedLog, note: LogNote, signer: Signer = APPROVER, at: int = NOW) -> None:
    """Put the approval of a note into a log."""
    log.note(ApprovalNote(sign(Approval.of(at, [note.leaf]), signer)), at)


def test_records_alone_have_no_notes() -> None:
    """A log without notes has nothing to be judged."""
    log = ServedLog(Path())
    log.records(300)
    assert judged(log) == []


def test_an_erasure_waits_until_it_is_approved() -> None:
    """By the rule's own approver, or by the one that the controller gave, and by no other."""
    log = started(ERASURE)
    note = LogNote.parse(log.entries[9], ORIGIN, 9)
    assert judged(log) == [HOLDS, WAITS]
    approve(log, note)
    assert judged(log) == [HOLDS, APPROVED, HOLDS]
    assert judged(log, approvers=[APPROVER]) == [HOLDS, APPROVED, HOLDS]
    assert judged(log, approvers=[OTHER]) == [HOLDS, WAITS, FLAWED]
    approve(log, note, OTHER)
    assert judged(log, approvers=[OTHER]) == [HOLDS, APPROVED, FLAWED, HOLDS]
    assert judged(log, approvers=[APPROVER, OTHER]) == [HOLDS, APPROVED, HOLDS, HOLDS]


def test_an_approval_in_another_log_counts() -> None:
    """One approval is for all boxes."""
    log = started(ERASURE)
    other = started(signer=Signer("acme.example/informativa/acme/pbx-2/1", bytes([4]) * 32))
    approve(other, LogNote.parse(log.entries[9], ORIGIN, 9))
    assert judged(log, other) == [HOLDS, APPROVED, HOLDS, HOLDS]


@pytest.mark.parametrize(
    ("processor", "content", "verdict"),
    [(False, ERASURE, OWN), (True, ERASURE, WAITS), (False, LostNote(ORIGIN, 0, 3, "dpo-2"), WAITS)],
)
def test_nobody_is_known_who_approves(processor: bool, content: NoteContent, verdict: NoteVerdict) -> None:
    """Then the company's own word stands, but for what is lost, and never a processor's."""
    rule = replace(RULE, approver=None, processor=processor)
    assert judged(started(content, rule=rule)) == [HOLDS, verdict]


def test_standing_erasures_need_no_approval() -> None:
    """Where the rule gave the word once for all."""
    assert judged(started(ERASURE, rule=replace(RULE, erasures=ErasureRule.STANDING))) == [HOLDS, HOLDS]


def purge(cutoff: int, below: int = 3, rule: int = 3) -> PurgeNote:
    """A purge of the first log."""
    return PurgeNote(ORIGIN, below, minute(cutoff), rule)


def before(months: int) -> int:
    """The time so many months ago, in Rome."""
    from zoneinfo import ZoneInfo

    return int(Period(months=months).before(minute(NOW), ZoneInfo("Europe/Rome")).timestamp())


@pytest.mark.parametrize(
    ("note", "cosigned", "verdict"),
    [
        (purge(before(60)), before(60), HOLDS),
        (purge(before(60)), before(60) + 60, FLAWED),
        (purge(before(60)), None, FLAWED),
        (purge(before(60) + 60), before(61), FLAWED),
        (purge(before(60), rule=2), before(61), FLAWED),
        (PurgeNote(NEXT.name, 3, minute(before(60)), 3), before(61), FLAWED),
    ],
)
def test_a_purge_goes_no_further_than_the_retention(
    note: PurgeNote, cosigned: int | None, verdict: NoteVerdict
) -> None:
    """By the rule that it names, in its calendar, of what a witness had signed by then."""
    assert judged(started(note), cosigned=cosigned) == [HOLDS, verdict]


def test_own_word_of_a_purge_without_witnesses() -> None:
    """A rule without witnesses asks nobody when the leaves were there."""
    assert judged(started(purge(before(60)), rule=replace(RULE, witnesses=())), cosigned=None) == [HOLDS] * 2


def short_rule(days_before: int, approved: bool) -> ServedLog:
    """A log whose rule was five years, then eight days, and a purge by that."""
    short = replace(RULE, retention=Period(days=8))
    log = ServedLog(Path())
    log.records(3)
    log.note(RULE, NOW - 300 * DAY)
    rule = log.note(short, NOW - days_before * DAY)
    if approved:
        approve(log, rule, at=NOW - days_before * DAY)
    log.note(PurgeNote(ORIGIN, 3, minute(NOW - 8 * DAY), rule.index))
    return log


@pytest.mark.parametrize(
    ("days", "approved", "verdicts"),
    [
        (8, True, [HOLDS, APPROVED, HOLDS, HOLDS]),
        (7, True, [HOLDS, APPROVED, HOLDS, FLAWED]),
        (1, True, [HOLDS, APPROVED, HOLDS, FLAWED]),
        (8, False, [HOLDS, WAITS, FLAWED]),
    ],
)
def test_a_rule_set_for_an_hour_deletes_nothing(
    days: int, approved: bool, verdicts: list[NoteVerdict]
) -> None:
    """The longest retention of seven days counts, and a shorter one only once it is approved."""
    assert judged(short_rule(days, approved)) == verdicts


def test_a_shorter_rule_without_approver_takes_seven_days() -> None:
    """Then it is in effect by the company's own word, and the longer one counts for seven more."""
    rule = replace(RULE, approver=None, processor=False)
    for days, verdict in ((15, HOLDS), (13, FLAWED), (6, FLAWED)):
        log = ServedLog(Path())
        log.records(3)
        log.note(rule, NOW - 300 * DAY)
        short = log.note(replace(rule, retention=Period(days=8)), NOW - days * DAY)
        log.note(PurgeNote(ORIGIN, 3, minute(NOW - 8 * DAY), short.index))
        assert judged(log) == [HOLDS, OWN, verdict]


def test_a_new_approver_needs_the_old_one() -> None:
    """A rule that names another approver is not approved by that one."""
    log = started()
    rule = log.note(replace(RULE, approver=OTHER.verifier))
    approve(log, rule, OTHER)
    assert judged(log) == [HOLDS, WAITS, HOLDS]
    approve(log, rule)
    assert judged(log) == [HOLDS, APPROVED, HOLDS, HOLDS]


def chain() -> tuple[ServedLog, ServedLog]:
    """A log that ended, and the one in which it goes on."""
    old = started(NextNote(NEXT.verifier))
    new = ServedLog(Path(), NEXT)
    new.note(NewLogNote((old.checkpoint(),)))
    new.note(RULE)
    return old, new


def test_a_log_goes_on_in_the_next() -> None:
    """The old one's signature is the word."""
    assert judged(*chain()) == [HOLDS, HOLDS, HOLDS, HOLDS]


def test_the_rule_of_the_log_before_counts_for_the_first_of_the_next() -> None:
    """A new log does not begin with a looser rule."""
    old = started(NextNote(NEXT.verifier))
    new = ServedLog(Path(), NEXT)
    new.note(NewLogNote((old.checkpoint(),)))
    new.note(replace(RULE, retention=Period(days=8)))
    assert judged(old, new) == [HOLDS, HOLDS, HOLDS, WAITS]


def test_a_log_that_goes_on_otherwise_waits_or_does_not_hold() -> None:
    """A new log without the old one's word waits; one that takes leaves back does not hold."""
    old, new = chain()
    first = new.entries[0]
    old.entries.pop()
    old.records(1)
    new.entries[0] = first
    assert judged(old, new)[-2:] == [FLAWED, HOLDS]  # another tree of that size
    new.entries[0] = LogNote(
        NEXT.name, 0, minute(NOW), LogNote.parse(first, NEXT.name, 0).by, NewLogNote((old.checkpoint(),))
    ).entry
    assert judged(old, new) == [HOLDS, WAITS, HOLDS]
    old.records(1)
    assert judged(old, new) == [HOLDS, FLAWED, HOLDS]  # longer than it says
    assert judged(new) == [WAITS, HOLDS]  # nobody here knows the old one


def test_the_next_log_must_begin_with_this_one() -> None:
    """`next` does not hold if the log that it names begins otherwise, or leaves come after it."""
    old, new = chain()
    new.entries[0] = record(0)
    assert judged(old, new)[1] == FLAWED
    old, _new = chain()
    old.records(1)
    assert judged(old) == [HOLDS, FLAWED]


def test_a_note_before_every_rule_does_not_hold() -> None:
    """What is lost or erased needs a rule by which it was."""
    log = ServedLog(Path())
    log.records(3)
    log.note(ERASURE)
    assert judged(log) == [FLAWED]


def test_a_note_that_is_older_than_the_one_before_does_not_hold() -> None:
    """Notes are in the order of their time."""
    log = started()
    log.note(NextNote(NEXT.verifier), NOW - 60)
    assert judged(log) == [HOLDS, FLAWED]


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        b"informativa/record/v3\n" + bytes(64),
        b"informativa/note/v2\n{}",
        b"informativa/note/v2\n" + b"[" * 5000,
        b"informativa/note/v2\n" + b'"' + b"x" * 17_000 + b'"',
        b"informativa/note/v2\n" + b"\xff\x1b[31m",
    ],
)
def test_an_entry_that_cannot_be_read_does_not_hold(entry: bytes) -> None:
    """Unknown kinds and notes that are none are flaws, and never an error."""
    log = started()
    log.entries.append(entry)
    assert judged(log) == [HOLDS, FLAWED]


def test_logs_in_a_ring_end() -> None:
    """Logs that say of each other that they go on there are judged all the same."""
    logs = []
    for number, other in ((1, 2), (2, 1)):
        log = ServedLog(Path(), Signer(f"acme.example/informativa/acme/pbx-1/{number}", bytes([number]) * 32))
        log.note(NewLogNote((Checkpoint(f"acme.example/informativa/acme/pbx-1/{other}", 9, bytes(32)),)))
        log.note(RULE)
        logs.append(log)
    assert judged(*logs) == [WAITS, HOLDS, WAITS, HOLDS]


def test_a_zone_that_nobody_knows() -> None:
    """A purge by a rule in a zone that is none does not hold."""
    assert judged(started(purge(before(60)), rule=replace(RULE, zone="Nowhere/At_all"))) == [HOLDS, FLAWED]


def test_the_moment_of_a_minute() -> None:
    """The clock of these tests."""
    assert minute(NOW) == datetime(2026, 11, 18, 11, 6, tzinfo=UTC)
    assert timedelta(days=1).total_seconds() == DAY


LONGER, SAME, SHORTER = Period(months=72), Period(months=60), Period(days=8)


@pytest.mark.parametrize(
    ("processor", "approver", "retention", "days", "rule", "purge"),
    [
        (False, False, LONGER, 1, HOLDS, HOLDS),
        (False, False, SHORTER, 13, OWN, FLAWED),
        (False, False, SHORTER, 14, OWN, HOLDS),
        (False, True, SHORTER, 14, WAITS, FLAWED),
        (False, True, LONGER, 1, HOLDS, HOLDS),
        (True, False, LONGER, 1, HOLDS, HOLDS),
        (True, False, SHORTER, 6, WAITS, FLAWED),
        (True, False, SHORTER, 13, WAITS, FLAWED),
        (True, False, SHORTER, 14, WAITS, FLAWED),
        (True, False, SHORTER, 400, WAITS, FLAWED),
        (True, True, LONGER, 1, HOLDS, HOLDS),
        (True, True, SHORTER, 400, WAITS, FLAWED),
    ],
)
def test_who_shortens_a_retention_and_when_a_purge_by_it_holds(
    processor: bool, approver: bool, retention: Period, days: int, rule: NoteVerdict, purge: NoteVerdict
) -> None:
    """The company itself: seven days after the rule it is in effect, and seven later the longer one counts no
    more. A processor without an approver: never, however long it waits."""
    first = replace(RULE, processor=processor, approver=APPROVER.verifier if approver else None)
    log = ServedLog(Path())
    log.records(3)
    log.note(first, NOW - 500 * DAY)
    changed = log.note(replace(first, retention=retention), NOW - days * DAY)
    cutoff = NOW - 8 * DAY if retention is SHORTER else before(72)
    log.note(PurgeNote(ORIGIN, 3, minute(cutoff), changed.index))
    assert judged(log, cosigned=NOW - 4000 * DAY) == [HOLDS, rule, purge]


def processors(*contents: NoteContent, days: int = 30) -> list[str]:
    """The verdicts in the log of a processor without an approver, after its rule: a rule of those days ago,
    and what it did since."""
    log = ServedLog(Path())
    log.records(3)
    log.note(replace(RULE, processor=True, approver=None), NOW - 500 * DAY)
    log.note(contents[0], NOW - days * DAY)
    for content in contents[1:]:
        log.note(content)
    return judged(log, cosigned=NOW - 4000 * DAY)[1:]


UNHEARD = replace(RULE, processor=True, approver=None)


@pytest.mark.parametrize(
    ("contents", "verdicts"),
    [
        ([replace(UNHEARD, retention=SHORTER), purge(NOW - 8 * DAY, rule=4)], [WAITS, FLAWED]),
        ([replace(UNHEARD, retention=SHORTER), purge(before(60), rule=4)], [WAITS, HOLDS]),
        (
            [
                replace(UNHEARD, retention=SHORTER),
                replace(UNHEARD, retention=SHORTER, instruction="T-1"),
                purge(NOW - 8 * DAY, rule=5),
            ],
            [WAITS, WAITS, FLAWED],
        ),
        ([replace(UNHEARD, retention=SHORTER), UNHEARD, purge(before(60), rule=5)], [WAITS, HOLDS, HOLDS]),
        ([replace(UNHEARD, erasures=ErasureRule.STANDING), ERASURE], [WAITS, WAITS]),
        ([replace(UNHEARD, processor=False), ERASURE], [WAITS, WAITS]),
        ([replace(UNHEARD, witnesses=()), purge(before(60), rule=4)], [WAITS, HOLDS]),
        ([replace(UNHEARD, approver=APPROVER.verifier), ERASURE], [WAITS, WAITS]),
    ],
)
def test_what_a_processor_may_do_by_rules_that_nobody_approves(
    contents: Sequence[NoteContent], verdicts: Sequence[NoteVerdict]
) -> None:
    """It is judged by the last rule that had the controller's word: rules that took effect by time alone,
    and those that only restate them, excuse nothing; what the earlier rule allows holds all the same."""
    assert processors(*contents) == list(verdicts)


def test_a_processor_without_witnesses_backdates_nothing() -> None:
    """Who took its witnesses out of the rule has purges held against them all the same."""
    log = ServedLog(Path())
    log.records(3)
    log.note(UNHEARD, NOW - 500 * DAY)
    log.note(replace(UNHEARD, witnesses=()), NOW - 30 * DAY)
    log.note(purge(before(60), rule=4))
    assert judged(log, cosigned=before(60) + 60) == [HOLDS, WAITS, FLAWED]


def test_the_first_approver_of_a_processor_can_approve_from_then_on() -> None:
    """The key that the log names first gives its word to what comes after it, as the log itself says."""
    log = ServedLog(Path())
    log.records(3)
    log.note(UNHEARD, NOW - 500 * DAY)
    log.note(replace(UNHEARD, approver=APPROVER.verifier), NOW - 30 * DAY)
    note = log.note(ERASURE)
    approve(log, note)
    assert judged(log) == [HOLDS, WAITS, APPROVED, HOLDS]


def test_the_first_approver_gives_its_word_to_the_rule_that_names_it() -> None:
    """So that a shortened retention that nobody could approve is approved as soon as somebody is named."""
    log = ServedLog(Path())
    log.records(3)
    log.note(UNHEARD, NOW - 500 * DAY)
    log.note(replace(UNHEARD, retention=SHORTER), NOW - 90 * DAY)
    rule = log.note(replace(UNHEARD, retention=SHORTER, approver=APPROVER.verifier), NOW - 30 * DAY)
    approve(log, rule, OTHER, NOW - 30 * DAY)
    log.note(purge(NOW - 8 * DAY, rule=rule.index))
    assert judged(log, cosigned=0) == [HOLDS, WAITS, WAITS, FLAWED, FLAWED]
    log.entries.pop()
    approve(log, rule, at=NOW - 30 * DAY)
    log.note(purge(NOW - 8 * DAY, rule=rule.index))
    assert judged(log, cosigned=0) == [HOLDS, WAITS, APPROVED, FLAWED, HOLDS, HOLDS]
