"""I7: a call centre that runs the PBX of a company takes something away, and covers it by whatever it can
write. Each cover is refused, named by the company's audit, or found by its monitor: the table of covers."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from evidence.dishonest import (
    APPROVER,
    DAY,
    END,
    FIRST,
    HOUR,
    MINUTE,
    NOW,
    RECENT,
    SECOND,
    START,
    STRANGER,
    CallCentre,
    call,
    founded,
    hundred_days,
    working,
)
from examples import PLAYED
from informativa.config import load
from informativa.evidence import note
from informativa.evidence.approval import LeafIdentity
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.tree import EMPTY_ROOT
from informativa.ledgers import leaves, totals
from informativa.model import RecordKind, Verdict
from informativa.model.errors import LedgerError
from informativa.process import storage

pytestmark = pytest.mark.slow

COMPLETE, ACCOUNTED, GAPS, CHANGED = Verdict.COMPLETE, Verdict.ACCOUNTED, Verdict.GAPS, Verdict.CHANGED
FLAWED, WAITS = "note flawed", "note waits"
RETENTION, SHORT = "    retention: 60 days\n", "    retention: 8 days\n"
PURGEABLE = 11
"""Leaves below which a checkpoint was cosigned more than the retention ago."""
TOO_SOON = "beyond the longest retention of the seven days before it"
TOO_EARLY = "It says that it was made before the note before it"
NO_RULE = "The rule that it names is none, or was not in effect"


@dataclass(frozen=True)
class Cover:
    """One cover: its deed, which may return a key that the company is given; and who notices it. That is why
    nothing is signed, the verdict of the audit with words of it, and the open findings of the monitor with
    words of those."""

    deed: Callable[[CallCentre], Verifier | None]
    refusal: str
    verdict: Verdict
    audit: str
    findings: frozenset[str]
    monitor: str


COVERS: dict[str, Cover] = {}


def noticed(
    verdict: Verdict = COMPLETE,
    audit: str = "",
    findings: Collection[str] = (),
    monitor: str = "",
    refusal: str = "",
) -> Callable[[Callable[[CallCentre], Verifier | None]], Callable[[CallCentre], Verifier | None]]:
    """Add a deed to the table, with who notices it."""

    def add(deed: Callable[[CallCentre], Verifier | None]) -> Callable[[CallCentre], Verifier | None]:
        name = deed.__name__.replace("_", " ")
        COVERS[name] = Cover(deed, refusal, verdict, audit, frozenset(findings), monitor)
        return deed

    return add


# What is honest is not accused.


@noticed(ACCOUNTED, r"purged 1-3 holds: \npurged 5-9 holds: $")
def honest_purge(centre: CallCentre) -> None:
    """Records whose retention is over are deleted under a note that holds."""
    centre.purge_note(PURGEABLE, 61 * DAY)
    centre.delete(1, 2, 3, 5, 6, 7, 8, 9)


@noticed(ACCOUNTED, f"erased {FIRST}-{FIRST} approved: \nerased {SECOND}-{SECOND} approved: $")
def honest_erasure(centre: CallCentre) -> None:
    """A caller's records are erased with the company's word."""
    centre.approve(centre.erasure_note(FIRST, SECOND))
    centre.erase(FIRST, SECOND)


# An old copy.


@noticed(CHANGED, "leaf-altered 30", refusal="has 31 records of the log and here are 30 that were signed")
def old_copy_of_everything(centre: CallCentre) -> None:
    """The witness, and the published log, have more than the copy with its key and what was signed."""
    centre.keep()
    centre.day(call(60))
    centre.put_back()


@noticed(CHANGED, "leaf-altered 30", refusal="or is another one than was signed")
def old_copy_of_the_ledger(centre: CallCentre) -> None:
    """The log beside the ledger has more than the copy."""
    centre.keep()
    centre.day(call(60))
    for end in ("-wal", "-shm"):
        Path(f"{centre.ledger}{end}").unlink(missing_ok=True)
    shutil.copy(centre.top / "copy" / centre.ledger.name, centre.ledger)


@noticed(GAPS, f"deleted {RECENT}-{RECENT} ")
def record_deleted_without_a_word(centre: CallCentre) -> None:
    """The audit names the leaf; a monitor cannot see it."""
    centre.delete(RECENT)


# Purges.


@noticed(GAPS, f"purged {RECENT}-{RECENT} flawed: .*{TOO_SOON}", [FLAWED], TOO_SOON)
def purge_of_one_inconvenient_record(centre: CallCentre) -> None:
    """A note names all before it, and the retention of this one is not over."""
    centre.purge_note(RECENT + 1, 8 * DAY)
    centre.delete(RECENT)


@noticed(
    GAPS,
    f"purged {RECENT}-{RECENT} flawed: The first witness signed its leaves after the time",
    [FLAWED],
    "The first witness signed its leaves after the time that it names",
)
def purge_cut_short_of_the_retention(centre: CallCentre) -> None:
    """The cutoff is old enough, and the witness knows the leaves since later."""
    centre.purge_note(21, 61 * DAY)
    centre.delete(RECENT)


@noticed(GAPS, "purged 11-11 flawed: No checkpoint of 12 leaves", [FLAWED], "No checkpoint of 12 leaves")
def purge_to_a_leaf_without_a_checkpoint(centre: CallCentre) -> None:
    """Nobody chooses where a prefix ends."""
    centre.purge_note(12, 61 * DAY)
    centre.delete(11)


@noticed(GAPS, rf"purged 5-9 holds: [\s\S]*deleted {RECENT}-{RECENT} ")
def more_than_the_purge_says(centre: CallCentre) -> None:
    """The note holds, and one more is gone."""
    honest_purge(centre)
    centre.delete(RECENT)


@noticed(CHANGED, "totals 15")
def totals_deleted_under_a_purge(centre: CallCentre) -> None:
    """The next totals do not go on where those before ended."""
    honest_purge(centre)
    centre.delete(4, 10)


@noticed(CHANGED, "totals 27")
def access_log_deleted_under_a_purge(centre: CallCentre) -> None:
    """Totals counted fewer records than are gone: what nobody counts is never deleted."""
    NOW.at += 60 * DAY
    centre.day(call(60))
    centre.purge_note(28, 60 * DAY + HOUR)
    centre.delete(*(leaf for leaf in range(1, 27) if leaf not in (4, 10, 15, 20)))
    storage.access_log(centre.company).file.unlink()


@noticed(GAPS, f"purged {FIRST}-{FIRST} flawed: {NO_RULE}", [FLAWED], NO_RULE)
def purge_by_no_rule(centre: CallCentre) -> None:
    """The note names a leaf that is no rule."""
    centre.purge_note(PURGEABLE, 61 * DAY, rule=5)
    centre.delete(FIRST)


@noticed(GAPS, f"purged {SECOND}-{SECOND} flawed: {NO_RULE}", [FLAWED, WAITS], "kept for 8 days")
def retention_shortened_for_an_hour(centre: CallCentre) -> None:
    """The shorter rule waits for the company's word."""
    purge_by(centre, shorter_rule(centre))
    assert centre.minute() == ""
    NOW.at += HOUR
    centre.configure(SHORT, RETENTION)


@noticed(GAPS, f"purged {SECOND}-{SECOND} flawed: {NO_RULE}", [FLAWED, WAITS], "kept for 8 days")
def retention_shortened_for_days(centre: CallCentre) -> None:
    """Time does not take the place of the company's word."""
    rule = shorter_rule(centre)
    NOW.at += 9 * DAY
    assert centre.minute() == ""
    purge_by(centre, rule)


@noticed(GAPS, f"purged {SECOND}-{SECOND} flawed: .*{TOO_SOON}", [FLAWED], TOO_SOON)
def retention_shortened_with_the_companys_word_a_day_ago(centre: CallCentre) -> None:
    """For seven days the longer retention counts."""
    rule = shorter_rule(centre)
    centre.approve(centre.leaf(rule))
    NOW.at += DAY
    purge_by(centre, rule)


@noticed(GAPS, f"purged {SECOND}-{SECOND} flawed: {NO_RULE}", [FLAWED, WAITS], "kept for 8 days")
def rule_that_flaps(centre: CallCentre) -> None:
    """Each shorter rule waits anew."""
    for _ in range(3):
        rule = shorter_rule(centre)
        NOW.at += 3 * DAY
        centre.configure(SHORT, RETENTION)
        assert centre.minute() == ""
        NOW.at += 3 * DAY
    purge_by(centre, rule)


@noticed(GAPS, f"purged {SECOND}-{SECOND} flawed: {NO_RULE}", [FLAWED, WAITS], "kept for 8 days")
def rule_that_keeps_all_and_then_little(centre: CallCentre) -> None:
    """A retention after none is a shorter one."""
    centre.configure(RETENTION, "")
    assert centre.minute() == ""
    centre.configure("    approver", f"{SHORT}    approver")
    assert centre.minute() == ""
    rule = centre.size - 1
    NOW.at += 9 * DAY
    purge_by(centre, rule)


@noticed(GAPS, f"purged {SECOND}-{SECOND} flawed: .*made after", [FLAWED], "made after a witness signed it")
def purge_dated_in_the_future(centre: CallCentre) -> None:
    """At its own time the retention would be over; the witness signed it long before."""
    at, cutoff = NOW.at + 61 * DAY, NOW.at
    centre.purge_note(28, 0 * DAY, at=f"{at:%Y-%m-%dT%H:%MZ}", cutoff=f"{cutoff:%Y-%m-%dT%H:%MZ}")
    centre.delete(SECOND)


# Erasures.


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS], "A caller is erased")
def erasure_of_one_of_two_records(centre: CallCentre) -> None:
    """Each erasure waits for the company, which sees the list before."""
    centre.erasure_note(FIRST)
    centre.erase(FIRST)


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS], "A caller is erased")
def erasure_before_it_is_approved(centre: CallCentre) -> None:
    """The note alone is no word for it."""
    centre.erasure_note(FIRST, SECOND)
    centre.erase(FIRST, SECOND)


@noticed(GAPS, f"deleted {FIRST}-{FIRST} [\\s\\S]*A note names 1 record that still opens")
def erasure_of_other_leaves_than_the_list_names(centre: CallCentre) -> None:
    """The company approved another leaf."""
    centre.approve(centre.erasure_note(SECOND))
    centre.erase(FIRST)


@noticed(GAPS, f"deleted {FIRST}-{FIRST} [\\s\\S]*deleted {SECOND}-{SECOND} ")
def private_list_removed(centre: CallCentre) -> None:
    """Without its list a note names no leaf."""
    index = centre.size
    honest_erasure(centre)
    centre.log.private_file(1, index).unlink()


@noticed(GAPS, f"deleted 3-3 [\\s\\S]*deleted {FIRST}-{FIRST} ")
def private_list_exchanged(centre: CallCentre) -> None:
    """Another list is not the one that the note commits to."""
    index = centre.size
    honest_erasure(centre)
    centre.erase(3)
    places = [LeafPlace(centre.origin, leaf) for leaf in (3, FIRST, SECOND)]
    centre.log.put_private_list(1, index, ErasedLeaves.of(bytes(16), places).data)


@noticed(GAPS, f"deleted {FIRST}-{FIRST} ")
def list_of_another_size_than_the_note_says(centre: CallCentre) -> None:
    """Ten and a hundred are told apart."""
    centre.approve(centre.erasure_note(FIRST, SECOND, most=100))
    centre.erase(FIRST, SECOND)


@noticed(GAPS, f"deleted {FIRST}-{FIRST} ")
def whole_record_deleted_under_an_erasure(centre: CallCentre) -> None:
    """An erasure takes the caller alone."""
    centre.approve(centre.erasure_note(FIRST, SECOND))
    centre.delete(FIRST, SECOND)


@noticed(GAPS, f"lost {RECENT}-{RECENT} waits", [WAITS], f"leaves {RECENT} to {RECENT} of .* are lost")
def loss_of_one_inconvenient_record(centre: CallCentre) -> None:
    """A loss always waits for the company."""
    lost = {"of": centre.origin, "from": RECENT, "to": RECENT + 1, "instruction": "dpo-1"}
    centre.note("lost", **lost)
    centre.delete(RECENT)


# Notes that contradict themselves, or those before them.


@noticed(CHANGED, f"row-altered 30|deleted {RECENT}-", [FLAWED], "names leaves that come after it")
def note_of_later_leaves(centre: CallCentre) -> None:
    """Nothing can be excused before it is there."""
    centre.note("lost", **{"of": centre.origin, "from": 31, "to": 40, "instruction": "dpo-1"})
    centre.delete(RECENT)


@noticed(CHANGED, f"deleted {FIRST}-", [FLAWED], "another leaf than it is")
def note_of_another_index(centre: CallCentre) -> None:
    """A note is its own leaf's."""
    centre.purge_note(PURGEABLE, 61 * DAY, index=12)
    centre.delete(FIRST)


@noticed(CHANGED, f"deleted {FIRST}-", [FLAWED], "another leaf than it is")
def note_of_another_log(centre: CallCentre) -> None:
    """A note of another log is none here."""
    centre.purge_note(PURGEABLE, 61 * DAY, log=f"{centre.origin}7")
    centre.delete(FIRST)


@noticed(GAPS, f"deleted {FIRST}-", [FLAWED], "which is not followed here")
def note_about_another_log(centre: CallCentre) -> None:
    """It names none of these leaves."""
    centre.purge_note(PURGEABLE, 61 * DAY, of=f"{centre.origin}7")
    centre.delete(FIRST)


@noticed(CHANGED, f"deleted {FIRST}-", [FLAWED], "The note lacks cutoff")
def note_that_lacks_something(centre: CallCentre) -> None:
    """A hand-written INSERT of half a note, under a checkpoint that the log's key signs."""
    centre.purge_note(PURGEABLE, 61 * DAY, cutoff=None)
    centre.delete(FIRST)


@noticed(
    GAPS, f"erased {FIRST}-{FIRST} flawed: .*before the note before it", [FLAWED], "before the note before"
)
def note_out_of_time_order(centre: CallCentre) -> None:
    """An erasure that is dated before the log was."""
    centre.approve(centre.erasure_note(FIRST, SECOND, at=f"{START - DAY:%Y-%m-%dT%H:%MZ}"))
    centre.erase(FIRST, SECOND)


@noticed(GAPS, f"purged {FIRST}-{FIRST} flawed: .*{TOO_SOON}", [FLAWED], TOO_SOON)
def note_dated_back(centre: CallCentre) -> None:
    """A purge that is dated before it could be made."""
    centre.purge_note(PURGEABLE, 61 * DAY, at=f"{NOW.at - 20 * DAY:%Y-%m-%dT%H:%MZ}")
    centre.delete(FIRST)


# Another log.


@noticed(
    CHANGED,
    r"deleted 28-29 [\s\S]*ends before 2 records that were signed",
    refusal="home.example does not know this log",
)
def new_log_that_names_a_smaller_tree(centre: CallCentre) -> None:
    """The old log's published leaves are gone all the same, and the witness knows no other log."""
    cut(centre, 28)
    begin(centre, tree(centre, 28))


@noticed(
    GAPS,
    r"deleted 28-29 [\s\S]*ends before 2 records that were signed",
    [FLAWED],
    "is longer than it says",
)
def new_log_that_names_a_smaller_tree_and_the_company_takes_its_key(centre: CallCentre) -> Verifier:
    """The company follows both logs, and knows how long the old one was."""
    cut(centre, 28)
    return given(centre, begin(centre, tree(centre, 28)))


@noticed(GAPS, r"deleted 28-29 ", [WAITS], "waits for an approval")
def new_log_that_does_not_name_the_old_one(centre: CallCentre) -> Verifier:
    """It needs the company's word, and the old log's leaves are named by nobody."""
    cut(centre, 28)
    other = Checkpoint(centre.origin.replace("/1", "/7"), 3, bytes(32))
    return given(centre, begin(centre, other))


@noticed(GAPS, r"lost 28-29 waits", [WAITS], "waits for an approval")
def new_log_after_a_lost_tail(centre: CallCentre) -> Verifier:
    """It names all that was there; what is lost waits for the company's word."""
    copy = tree(centre)
    cut(centre, 28)
    return given(centre, begin(centre, copy))


@noticed(
    GAPS, f"purged {SECOND}-{SECOND} flawed: No rule comes before it", [FLAWED, WAITS], "No rule comes before"
)
def note_without_a_rule(centre: CallCentre) -> Verifier:
    """A new log that states none excuses nothing."""
    old = centre.origin
    key = begin(centre, tree(centre))
    centre.purge_note(28, 61 * DAY, of=old)
    centre.delete(SECOND)
    return given(centre, key)


@noticed(findings=[FLAWED], monitor="does not begin where this one ends")
def next_without_a_new_log(centre: CallCentre) -> Verifier:
    """The log that goes on must name the tree that ended."""
    key = ended(centre)
    centre.begin_another_log()
    return given(centre, key)


@noticed(findings=["fork", FLAWED], monitor="The log went on after its end, which was leaf 30")
def log_that_goes_on_after_its_end(centre: CallCentre) -> None:
    """`next` is the last leaf."""
    ended(centre)


@noticed(refusal="The log of the ledger .* is gone from .*: 30 records of it were signed")
def log_folder_deleted(centre: CallCentre) -> None:
    """The ledger knows what was signed; nothing is signed in another log."""
    shutil.rmtree(centre.log.folder)


@noticed(refusal="was changed there: checkpoint: No key that is known here signed it")
def log_folder_deleted_and_forgotten(centre: CallCentre) -> None:
    """Delete the folder of the log; who publishes knows the log by its key."""
    shutil.rmtree(centre.log.folder)
    centre.sql("DELETE FROM signed")


# Publication.


@noticed(
    COMPLETE,
    "remark: The log in .* ends before 32 records that were signed",
    ["behind"],
    "30 leaves are published, and 32 were signed ten minutes ago",
)
def publication_withheld(centre: CallCentre) -> None:
    """The company's witness signed what is not shown, which the monitor names. The ledger has it: an audit,
    which sees no more than a copy that is behind, holds its leaves against the witness."""
    centre.leave_out("  publish: ")


@noticed(findings=["behind"], monitor="30 leaves are published, and 33 were signed ten minutes ago")
def publication_of_an_old_state(centre: CallCentre) -> None:
    """The monitor alone is shown less."""
    centre.show_an_old_state()
    centre.day(call(60))
    NOW.at += 15 * MINUTE


@noticed(findings=["still", WAITS], monitor="Not enough witnesses of the policy signed its newest checkpoint")
def witness_not_asked(centre: CallCentre) -> None:
    """Silence is noticed, and that no witness is named any more waits for the company's word."""
    centre.leave_out("  witness: ")
    NOW.at += 3 * HOUR


# The ledger itself.


@noticed(
    audit="remark: The clock was put back by more than 10 minutes once, before record 31 was made.*\n"
    r"remark: 1 leaf of .* \(30\) says that it was recorded more than 10 minutes before a witness"
)
def record_dated_back(centre: CallCentre) -> None:
    """Remarks: the record before it is of a later time, and a witness signed the log without it later."""
    long_ago = NOW.at - 50 * DAY
    centre.record(call(60, at=long_ago, recorded=long_ago))


@noticed(CHANGED, "facts-altered 28")
def signed_record_dated_back(centre: CallCentre) -> None:
    """It is not what it committed to."""
    centre.sql("UPDATE event SET at = at - 86400000000, recorded = recorded - 86400000000 WHERE record = 29")


@noticed(CHANGED, "has parts that informativa did not make: trigger audit")
def foreign_trigger(centre: CallCentre) -> None:
    """The schema is held against the program's own."""
    centre.sql("CREATE TRIGGER audit AFTER INSERT ON event BEGIN DELETE FROM event WHERE record = 9; END")


@noticed(CHANGED, "facts-altered 4")
def totals_altered(centre: CallCentre) -> None:
    """They are records like others."""
    centre.sql("UPDATE event SET reference = replace(reference, '=3', '=2') WHERE record = 5")
    centre.delete(3)


@noticed(CHANGED, "totals 30")
def totals_that_count_too_few(centre: CallCentre) -> None:
    """They are counted again."""
    state(centre, "leaves from 27 to before 30: +493012345678/privacy/PLAYED/not-informed=1")


@noticed(CHANGED, "totals 30")
def totals_that_leave_records_out(centre: CallCentre) -> None:
    """Each leaf is in exactly one."""
    state(centre, "leaves from 29 to before 30: +493012345678/privacy/PLAYED/not-informed=1")


@noticed(CHANGED, "The access log .* ends before entry 2, which the ledger has")
def newest_entry_of_the_access_log_deleted(centre: CallCentre) -> None:
    """Although the service puts the entry before it on record then."""
    access(centre, "DELETE FROM access WHERE number = 2")


@noticed(CHANGED, "The access log .* has another entry 2 than the ledger says")
def entry_of_the_access_log_made_anew(centre: CallCentre) -> None:
    """Also where entries that follow are on record."""
    access(centre, "DELETE FROM access WHERE number = 2")
    for _ in range(2):
        centre.look_at_records("carl")
        assert centre.minute() == ""


@noticed(CHANGED, "The access log .* was changed at entry 1")
def entry_of_the_access_log_changed(centre: CallCentre) -> None:
    """Each entry has the hash of the one before."""
    access(centre, "UPDATE access SET account = 'carl' WHERE number = 1")


@noticed(CHANGED, "The access log .* ends before entry 2, which the ledger has")
def access_log_deleted(centre: CallCentre) -> None:
    """The ledger has its newest entry."""
    storage.access_log(centre.company).file.unlink()


# Approvals.


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [FLAWED, WAITS], "No key that is known here signed it")
def approval_by_another_key(centre: CallCentre) -> None:
    """A key of the same name is another one."""
    centre.approve(erased_early(centre), signer=STRANGER)


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS])
def approval_for_another_log(centre: CallCentre) -> None:
    """The leaf's log is in it."""
    leaf = erased_early(centre)
    centre.approve(replace(leaf, origin=leaf.origin.replace("pbx-1", "pbx-2")))


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS])
def approval_for_another_index(centre: CallCentre) -> None:
    """The leaf's index is in it."""
    centre.approve(replace(erased_early(centre), index=3))


@noticed(GAPS, "erased 3-3 waits", [WAITS])
def approval_replayed(centre: CallCentre) -> None:
    """It was for another note."""
    text = centre.approval(centre.erasure_note(FIRST, SECOND)).decode()
    centre.note("approval", text=text)
    centre.day(call(60))
    centre.erasure_note(3)
    centre.note("approval", text=text)
    centre.erase(3)


@noticed(CHANGED, f"erased {FIRST}-{FIRST} waits", [FLAWED, WAITS], "text should be an approval")
def approval_with_an_extra_line(centre: CallCentre) -> None:
    """There is no other line."""
    text = centre.approval(erased_early(centre)).decode()
    centre.note("approval", text=text.replace("time ", "all of them\ntime ", 1))


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [FLAWED, WAITS], "The signature of .* does not fit")
def approval_of_which_a_line_was_exchanged(centre: CallCentre) -> None:
    """Exchange a line of an approval: what was signed is the text."""
    approval = centre.approval(erased_early(centre)).decode()
    other = centre.approval(LeafIdentity.of(centre.origin, 3, b"")).decode()
    centre.note("approval", text=other.replace(other.splitlines()[2], approval.splitlines()[2]))


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS], "Instruction dpo-2")
def note_changed_after_it_was_approved(centre: CallCentre) -> None:
    """Its leaf hash is in the approval."""
    leaf = centre.erasure_note(FIRST)
    centre.sql(
        f"UPDATE event SET reference = replace(reference, 'dpo-1', 'dpo-2') WHERE record = {leaf.index + 1}"
    )
    centre.approve(leaf)
    centre.erase(FIRST)


# Rules that loosen.


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [FLAWED, WAITS], "No key that is known here signed it")
def approver_changed_by_the_call_centre(centre: CallCentre) -> None:
    """A rule that names another approver needs the word of the one before."""
    centre.configure(str(APPROVER.verifier), str(STRANGER.verifier))
    assert centre.minute() == ""
    centre.approve(centre.leaf(centre.size - 1), signer=STRANGER)
    centre.approve(centre.erasure_note(FIRST, SECOND), signer=STRANGER)
    centre.erase(FIRST, SECOND)


@noticed(GAPS, f"purged 11-11 flawed: {NO_RULE}", [FLAWED, WAITS, "still"], NO_RULE)
def witnesses_removed_from_the_rule(centre: CallCentre) -> None:
    """The rule waits, and with it the purge by the call centre's own clock."""
    centre.leave_out("  witness: ")
    assert centre.minute() == ""
    centre.purge_note(12, 61 * DAY, rule=centre.size - 1)
    centre.delete(11)


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS], "The company answers its calls itself|waits")
def processor_that_says_it_is_none(centre: CallCentre) -> None:
    """The rule waits, and the erasure with it."""
    text = centre.configuration.read_text()
    centre.configuration.write_text(re.sub(r"    outsourcing:\n(      .*\n)+", "", text, count=1))
    assert centre.minute() == ""
    centre.erasure_note(FIRST)
    centre.erase(FIRST)


@noticed(GAPS, f"erased {FIRST}-{FIRST} waits", [WAITS], "waits for an approval")
def erasures_without_a_word_each(centre: CallCentre) -> None:
    """The rule waits, and the erasure with it."""
    centre.configure("    approver", "    erasures: standing\n    approver")
    assert centre.minute() == ""
    centre.erasure_note(FIRST)
    centre.erase(FIRST)


# What the covers are made of.


def shorter_rule(centre: CallCentre) -> int:
    """State a retention of eight days, and return the leaf of that rule."""
    centre.configure(RETENTION, SHORT)
    assert centre.minute() == ""
    return centre.size - 1


def purge_by(centre: CallCentre, rule: int) -> None:
    """Purge HIS second record by that rule, which has a retention of eight days."""
    centre.purge_note(28, 8 * DAY + HOUR, rule=rule)
    centre.delete(SECOND)


def erased_early(centre: CallCentre) -> LeafIdentity:
    """Note an erasure and carry it out; return its leaf, which no approval is for yet."""
    leaf = centre.erasure_note(FIRST, SECOND)
    centre.erase(FIRST, SECOND)
    return leaf


def state(centre: CallCentre, text: str) -> None:
    """Record totals of that text."""
    centre.record(totals.event(RecordKind.TOTALS, NOW.at, text))


def access(centre: CallCentre, statement: str) -> None:
    """Write into the access log."""
    centre.sql(statement, file=storage.access_log(centre.company).file)


def tree(centre: CallCentre, size: int | None = None) -> Checkpoint:
    """A tree of the log, by default its newest."""
    published = centre.log.published(1)
    data = published.checkpoint_of(size) if size else published.checkpoint()
    return Checkpoint.unverified(data or b"")


def cut(centre: CallCentre, size: int) -> None:
    """Leave the first leaves, and nothing that says that there were more."""
    centre.sql(
        f"DELETE FROM standing WHERE record > {size}",
        f"DELETE FROM event WHERE record > {size}",
        f"DELETE FROM leaf WHERE leaf >= {size}",
        "DELETE FROM signed",
    )


def begin(centre: CallCentre, after: Checkpoint) -> Verifier:
    """Begin another log that says that it comes after that tree; its key."""
    centre.begin_another_log()
    centre.note("new-log", after=f"{after.origin} {after.size} {after.root.hex()}", instruction="dpo-1")
    return centre.log.signer(centre.origin, 2, create=True).verifier


def ended(centre: CallCentre) -> Verifier:
    """End the log by a note that names the next one's key, which lies ready, and sign it."""
    with closing(storage.store(centre.company, read_only=True)) as store:
        signer = Signer(leaves.next_origin(store.log()), bytes([5]) * 32)
    centre.note("next", key=str(signer.verifier))
    assert centre.minute() == ""
    (centre.log.folder / "signing/2.key").write_text(f"{signer.secret}\n")
    centre.log.keep_signed(2, note.sign(Checkpoint(signer.name, 0, EMPTY_ROOT).text, signer))
    return signer.verifier


def given(centre: CallCentre, key: Verifier) -> Verifier:
    """Have the company take the key of another log, for its witness and its monitor."""
    centre.keys.append(key)
    policy = centre.top / "home/policy"
    policy.write_text(f"log {key}\n{policy.read_text()}")
    return key


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, short_prompts: Path) -> tuple[Path, Path]:
    """The place of the call centre, and a copy of it after a hundred days."""
    top = tmp_path_factory.mktemp("dishonest") / "centre"
    founded(top, short_prompts)
    with pytest.MonkeyPatch.context() as clock, working(top, clock, START) as centre:
        hundred_days(centre)
    return top, shutil.copytree(top, top.with_name("copy"))


@pytest.fixture
def centre(standing: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[CallCentre]:
    """The call centre after a hundred honest days."""
    top, copy = standing
    shutil.rmtree(top)
    shutil.copytree(copy, top)
    with working(top, monkeypatch, END) as call_centre:
        yield call_centre


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", COVERS)
def test_i7_nothing_goes_missing_unseen(centre: CallCentre, name: str) -> None:
    """I7: each cover is noticed, by name."""
    cover = COVERS[name]
    key = cover.deed(centre)
    view = centre.views(*([key] if key else []))
    assert view.verdict is cover.verdict, view
    assert view.findings == cover.findings, view
    for expected, words in (
        (cover.refusal, view.refusal),
        (cover.audit, view.audit),
        (cover.monitor, view.monitor),
    ):
        assert re.search(expected, words) if expected else True, view
    assert bool(cover.refusal) == bool(view.refusal), view


def test_i7_ledgers_of_two_companies_exchanged(centre: CallCentre) -> None:
    """I7: each knows whose it is."""
    company, other = (load(centre.configuration).controllers[name] for name in ("borealis", "acme"))
    with closing(storage.store(other)) as store:
        store.append([PLAYED])
    aside = f"{other.ledger}.aside"
    for old, new in ((other.ledger, aside), (company.ledger, other.ledger), (aside, company.ledger)):
        for end in ("", "-wal", "-shm"):
            if (file := Path(f"{old}{end}")).exists():
                file.rename(f"{new}{end}")
    assert "is the ledger of acme, and the configuration gives it to borealis" in centre.minute()
    with pytest.raises(LedgerError, match="is the ledger of acme"):
        centre.audited()
