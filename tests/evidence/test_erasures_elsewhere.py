"""Erasures in one box's log of leaves of another, which left for good: by which rules they count."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidence.noted import APPROVER, AT
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.note import Signer
from informativa.evidence.note_standing import NoteStanding, NoteVerdict
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import ErasureNote, LogNote, NoteContent, RuleNote
from informativa.evidence.read_log import ReadEntry
from informativa.ledgers.audit_flaws import ClosedLeaves
from informativa.ledgers.leaves import LedgerLog
from informativa.ledgers.named_holes import NamingNote
from informativa.model import RecordKind
from informativa.operations.evidence import bundle_holes
from informativa.operations.evidence.bundle_holes import BoxNotes

HERE = "acme.example/informativa/acme/pbx-1/1"
RETIRED = "acme.example/informativa/acme/pbx-2/1"
ANOTHER = Signer("acme.example/another", bytes(range(1, 33))).verifier
STANDING = RuleNote(None, "Europe/Rome", ErasureRule.STANDING, processor=False)
EACH = replace(STANDING, erasures=ErasureRule.EACH, approver=APPROVER.verifier)
NOBODY = replace(EACH, approver=None)
HOLDS, APPROVED, OWN, WAITS = (
    NoteVerdict.HOLDS,
    NoteVerdict.APPROVED,
    NoteVerdict.OWN_WORD,
    NoteVerdict.WAITS,
)
Rules = list[tuple[RuleNote, NoteVerdict]]


def standings(log: str, *contents: tuple[NoteContent, NoteVerdict]) -> dict[str, list[NoteStanding]]:
    """The notes of a log, with their standings."""
    notes = [
        (LogNote(log, index, AT, NoteSource.SERVICE, content), standing)
        for index, (content, standing) in enumerate(contents)
    ]
    return {log: [NoteStanding(ReadEntry(note.leaf, note), standing) for note, standing in notes]}


def counted(
    here: Rules, standing: NoteVerdict, elsewhere: Rules, *places: tuple[str, int]
) -> list[NoteVerdict]:
    """The standings of the erasure for the retired box's holes; its note comes after the rules `here`."""
    listed = ErasedLeaves.of(bytes(16), [LeafPlace(*place) for place in places or ((RETIRED, 3),)])
    erasure = ErasureNote(listed.digest, listed.most, "DPO-1")
    ranges = tuple((place.origin, range(place.index, place.index + 1)) for place in listed.places)
    naming = NamingNote(HERE, len(here), AT, RecordKind.ERASURE, (), "DPO-1", elsewhere=ranges)
    box = BoxNotes([LedgerLog(1, HERE, 0, 9)], (), (naming,), standings(HERE, *here, (erasure, standing)))
    retired = standings(RETIRED, *elsewhere)
    notes = BoxNotes(
        [LedgerLog(1, RETIRED, 0, 9)],
        [ClosedLeaves(RETIRED, range(3, 4), facts=False)],
        (),
        retired,
        of_database=True,
        elsewhere=bundle_holes.elsewhere_of(box, retired, [RETIRED]),
    )
    holes = bundle_holes.of_period(notes, "pbx-2", 0, 8, AT)
    assert holes is not None
    return [hole.standing for hole in holes.holes if hole.standing]


@pytest.mark.parametrize(
    ("here", "standing", "elsewhere", "expected"),
    [
        pytest.param([(STANDING, HOLDS)], HOLDS, [(STANDING, HOLDS)], HOLDS, id="no approval is asked"),
        pytest.param([(EACH, HOLDS)], APPROVED, [(EACH, HOLDS)], APPROVED, id="approved"),
        pytest.param([(EACH, HOLDS)], WAITS, [(EACH, HOLDS)], WAITS, id="waits"),
        pytest.param([(STANDING, HOLDS)], HOLDS, [(EACH, HOLDS)], WAITS, id="asked there alone"),
        pytest.param([(EACH, HOLDS)], APPROVED, [(STANDING, HOLDS)], APPROVED, id="asked here alone"),
        pytest.param(
            [(replace(EACH, approver=ANOTHER), HOLDS)],
            APPROVED,
            [(EACH, HOLDS)],
            WAITS,
            id="by another key",
        ),
        pytest.param(
            [(EACH, HOLDS), (replace(EACH, approver=ANOTHER), APPROVED)],
            APPROVED,
            [(EACH, HOLDS)],
            APPROVED,
            id="by the key that this one approved",
        ),
        pytest.param(
            [(EACH, WAITS), (replace(EACH, approver=ANOTHER), HOLDS)],
            APPROVED,
            [(EACH, HOLDS)],
            WAITS,
            id="that key's rule does not count",
        ),
        pytest.param(
            [(STANDING, HOLDS)],
            HOLDS,
            [(EACH, HOLDS), (STANDING, WAITS)],
            WAITS,
            id="loosened there without approval",
        ),
        pytest.param(
            [(STANDING, HOLDS)],
            HOLDS,
            [(EACH, HOLDS), (STANDING, APPROVED)],
            HOLDS,
            id="loosened there with approval",
        ),
        pytest.param([(NOBODY, HOLDS)], OWN, [(NOBODY, HOLDS)], OWN, id="nobody approves"),
        pytest.param(
            [(NOBODY, HOLDS)],
            OWN,
            [(replace(NOBODY, processor=True), HOLDS)],
            WAITS,
            id="nobody approves for the processor",
        ),
    ],
)
def test_the_rule_of_the_retired_box_counts_too(
    here: Rules, standing: NoteVerdict, elsewhere: Rules, expected: NoteVerdict
) -> None:
    """No box accounts for leaves of another by a weaker word than that one's own log asks for."""
    assert counted(here, standing, elsewhere) == [expected]


@pytest.mark.parametrize("place", [(RETIRED, 2), ("acme.example/informativa/acme/pbx-3/1", 3)])
def test_a_leaf_that_is_not_named_stays_a_hole(place: tuple[str, int]) -> None:
    """A neighbour, or the same index of another log."""
    assert counted([(STANDING, HOLDS)], HOLDS, [(STANDING, HOLDS)], place) == []


@pytest.mark.parametrize(("newest", "is_counted"), [(HERE, True), (RETIRED, False)])
def test_a_leaf_of_a_copied_log_is_the_same_where_another_log_follows(newest: str, is_counted: bool) -> None:
    """Where the copy itself goes on under that name, it may have another leaf there."""
    naming = NamingNote(newest, 0, AT, RecordKind.ERASURE, ((RETIRED, range(3, 4)),), "DPO-1")
    logs = [LedgerLog(1, RETIRED, 0, 9), LedgerLog(2, newest, 9, 12)]
    erasure = ErasureNote("0" * 64, 10, "DPO-1")
    box = BoxNotes(logs, (), (naming,), standings(newest, (erasure, HOLDS)))
    assert bool(bundle_holes.elsewhere_of(box, {}, [RETIRED])) is is_counted
