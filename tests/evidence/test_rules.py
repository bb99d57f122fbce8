"""Rules compared, and the notes that need the controller's approval."""

from __future__ import annotations

from dataclasses import replace

import pytest

from evidence.noted import AT, CONTENTS, LOG, OLD, RULE, WITNESSES, log_note
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.note import Signer
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import LogNote, NewLogNote, RuleNote
from informativa.evidence.rules import loosens, needs_approval, shortens
from informativa.model.plan import Period

BEFORE = replace(RULE, purged=0, erased=0, lost=0)
OTHER = Signer("other.example/approver", bytes(32)).verifier


def rule(content: RuleNote) -> LogNote:
    """The note of a rule."""
    return LogNote(LOG, 60, AT, NoteSource.SERVICE, content)


def of(*, months: int = 0, days: int = 0) -> RuleNote:
    """The rule with that retention; of none for ever."""
    return replace(BEFORE, retention=Period(months, days) if months or days else None)


@pytest.mark.parametrize(
    ("new", "old", "shorter"),
    [
        (of(months=60), of(months=60), False),
        (of(months=59), of(months=60), True),
        (of(months=61), of(months=60), False),
        (of(days=8), of(days=9), True),
        (of(days=9), of(days=8), False),
        (of(months=1200), of(), True),
        (of(), of(days=8), False),
        (of(), of(), False),
        (of(days=372), of(months=12), False),
        (of(days=371), of(months=12), True),
        (of(months=12), of(days=336), False),
        (of(months=12), of(days=337), True),
        (of(days=8), of(months=60), True),
    ],
)
def test_a_shorter_retention_is_noticed(new: RuleNote, old: RuleNote, shorter: bool) -> None:
    """Between months and days a doubt counts as shorter."""
    assert shortens(new, old) is shorter
    assert needs_approval(rule(new), old) is shorter


CHANGES: list[tuple[dict[str, object], dict[str, object], bool, bool]] = [  # before, after, loosens, needs
    ({}, {}, False, False),
    ({}, {"zone": "UTC"}, False, False),
    ({}, {"instruction": "dpo-9"}, False, False),
    ({}, {"erasures": ErasureRule.STANDING}, True, True),
    ({"erasures": ErasureRule.STANDING}, {"erasures": ErasureRule.EACH}, False, True),
    ({}, {"processor": False}, True, True),
    ({"processor": False}, {"processor": True}, False, True),
    ({}, {"witnesses": ()}, True, True),
    ({}, {"witnesses": WITNESSES[:1]}, True, True),
    ({"witnesses": WITNESSES[:1]}, {"witnesses": WITNESSES}, True, True),
    ({"witnesses": ()}, {"witnesses": WITNESSES}, False, True),
    ({}, {"approver": None}, True, True),
    ({}, {"approver": OTHER}, True, True),
    ({"approver": None}, {"approver": OTHER}, False, True),
]


@pytest.mark.parametrize(("old", "new", "looser", "approval"), CHANGES)
def test_changes_of_a_rule(
    old: dict[str, object], new: dict[str, object], looser: bool, approval: bool
) -> None:
    """A further witness could be the keeper's own, so it loosens, too, where there was another one."""
    before = replace(BEFORE, **old)  # type: ignore[arg-type]
    after = replace(before, **new)  # type: ignore[arg-type]
    assert loosens(after, before) is looser
    assert needs_approval(rule(after), before) is approval
    assert not shortens(after, before)


@pytest.mark.parametrize("name", ["purged", "erased", "lost"])
def test_first_rule_with_older_holes_needs_approval(name: str) -> None:
    """And no other first rule."""
    assert needs_approval(rule(replace(BEFORE, **{name: 1})), None)
    assert not needs_approval(rule(BEFORE), None)


def test_losses_always_need_approval() -> None:
    """Whatever the rule."""
    for before in (None, BEFORE, replace(BEFORE, erasures=ErasureRule.STANDING, processor=False)):
        assert needs_approval(log_note("lost"), before)


def test_erasures_need_approval_where_the_rule_says_each() -> None:
    """And where no rule is known."""
    assert needs_approval(log_note("erasure"), BEFORE)
    assert needs_approval(log_note("erasure"), None)
    assert not needs_approval(log_note("erasure"), replace(BEFORE, erasures=ErasureRule.STANDING))


def test_a_new_log_needs_approval_unless_the_old_one_named_its_key() -> None:
    """Each of the old ones, with exactly that tree, and no lost leaves."""
    old, older = Checkpoint(OLD, 17, bytes(32)), Checkpoint(OLD.replace("pbx-1", "pbx-0"), 9, bytes(32))

    def new(*after: Checkpoint, instruction: str = "") -> LogNote:
        return LogNote(LOG, 0, AT, NoteSource.SERVICE, NewLogNote(after, instruction))

    assert not needs_approval(new(old), BEFORE, [old])
    assert not needs_approval(new(older, old), BEFORE, [old, older])
    assert needs_approval(new(old), BEFORE)
    assert needs_approval(new(old), BEFORE, [replace(old, size=18)])
    assert needs_approval(new(older, old), BEFORE, [old])
    assert needs_approval(new(old, instruction="dpo-3"), BEFORE, [old])


@pytest.mark.parametrize("kind", ["purge", "next", "approval"])
def test_kinds_that_never_need_approval(kind: str) -> None:
    """An approved rule, or the log's own signature, is the word for them."""
    assert not needs_approval(log_note(kind), BEFORE)
    assert not needs_approval(log_note(kind), None)


def test_every_kind_is_decided() -> None:
    """A further kind needs a line."""
    assert {kind for kind in CONTENTS if needs_approval(log_note(kind), BEFORE)} == {
        *("rule", "erasure", "lost", "new-log")
    }
