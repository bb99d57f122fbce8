"""I7: an honest company is never accused, whatever it does and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evidence.honest import APPROVERS, CALL_CENTRE, NUMBERS, WITNESS, Box, Company
from informativa.evidence.note_standing import NoteVerdict
from informativa.model import Answer, Verdict
from informativa.model.plan import LogRule, Period
from informativa.operations.evidence.auditing import AuditedLedger
from informativa.operations.evidence.monitor_findings import FindingKind
from lab.chance import by_day

KEYS = [str(approver.verifier) for approver in APPROVERS]
WITNESSES = (str(WITNESS.verifier),)

RETENTIONS = (
    Period(months=60),
    Period(days=30),
    Period(months=1),
    Period(months=12),
    Period(months=24),
    None,
)

# What is done: at one box, or in the configuration of all. The number chooses whom, how much or which.
AT_A_BOX = (
    *["call", "import", "sign", "publish"] * 2,
    *("grant", "refuse", "erase", "carry out", "purge", "key", "copy", "restore", "restore alone", "clock"),
)
EVERYWHERE = ("approve", "approve one", "days", "months", "retention", "approver", "erasures", "witnesses",
              "outsourcing", "rotate")  # fmt: skip
STEP = st.one_of(
    st.tuples(st.sampled_from(AT_A_BOX), st.integers(0, 5), st.integers(0, 2)),
    st.tuples(st.sampled_from(EVERYWHERE), st.integers(0, 5), st.just(0)),
)


@dataclass(frozen=True)
class Beginning:
    """The state in which a company begins."""

    boxes: int
    outsourced: bool
    approver: bool
    per_record: bool
    witness: bool

    def company(self, folder: Path) -> Company:
        """The company."""
        rule = LogRule(
            "each" if self.per_record else "standing",
            WITNESSES if self.witness else (),
            KEYS[0] if self.approver else "",
        )
        return Company(folder, self.boxes, rule, outsourced=self.outsourced)


BEGINNING = st.builds(
    Beginning, st.integers(1, 3), st.booleans(), st.booleans(), st.booleans(), st.booleans()
)


def take(company: Company, step: str, choice: int, box: Box) -> None:
    """Do one thing."""
    company.now += timedelta(minutes=choice)
    match step:
        case "call":
            company.call(box, choice if choice < len(NUMBERS) - 1 else None)
        case "import":
            company.call(box, choice, timedelta(days=400 * choice))
        case "grant" | "refuse":
            company.answer(box, choice, Answer.GRANTED if step == "grant" else Answer.REFUSED)
        case "sign":
            company.sign(box)
        case "publish":
            company.sign(box)
            company.publish(box)
        case "erase":
            company.erase(box, choice)
        case "carry out":
            company.carry_out(box)
        case "purge":
            company.purge(box)
        case "key":
            company.change_key(box)
        case "copy":
            company.copy(box)
        case "restore" | "restore alone":
            company.restore(box, choice, alone=step == "restore alone")
        case "clock":
            box.ahead = timedelta(minutes=20 * choice - 50)
        case "approve":
            company.approve()
        case "approve one":
            company.approve(1)
        case "days":
            company.now += timedelta(days=5 * choice)
        case "months":
            company.now += timedelta(days=300 * choice)
        case "retention":
            company.configure(retention=RETENTIONS[choice])
        case "approver":
            company.configure(approver=(*KEYS, "")[choice % 3])
        case "erasures":
            company.configure(erasures=("standing", "each")[choice % 2])
        case "witnesses":
            company.configure(witnesses=(WITNESSES, ())[choice % 2])
        case "outsourcing":
            company.configure(outsourcing=(CALL_CENTRE, None)[choice % 2])
        case "rotate":
            company.rotate()


def require_unaccused(company: Company, *, clocks_are_right: bool) -> None:
    """Nothing is said to be changed, and no time to be wrong where no clock was; what is gone waits at most
    for a word that nobody gave; and the monitor sees no fork, and no note that does not hold."""
    for box in company.boxes:
        company.sign(box)
        for audited in company.audit(box):
            require_honest(audited)
            if clocks_are_right:
                assert not any("witness signed" in str(remark) for remark in audited.remarks), audited
    for finding in company.look().findings:
        assert finding.kind is not FindingKind.FORK, finding
        assert finding.standing is not NoteVerdict.FLAWED, finding


def require_honest(audited: AuditedLedger) -> None:
    """An audit accuses nobody."""
    assert audited.verdict is not Verdict.CHANGED, audited
    assert not audited.flaws, audited
    assert not audited.problems, audited
    assert not audited.history, audited
    assert not audited.counters, audited
    unaccounted = [hole for hole in audited.holes if not hole.is_accounted]
    assert all(hole.standing is NoteVerdict.WAITS for hole in unaccounted), unaccounted
    assert (audited.verdict is Verdict.GAPS) == bool(unaccounted), audited


def live(beginning: Beginning, steps: list[tuple[str, int, int]]) -> None:
    """One history. In the end all is approved that somebody can approve; then nothing waits where an approver
    was always known."""
    with TemporaryDirectory() as folder:
        company = beginning.company(Path(folder))
        clocks_are_right = all(step != "clock" for step, *_ in steps)
        always_approved = beginning.approver and not any(step == "approver" for step, *_ in steps)
        for count, (step, choice, place) in enumerate(steps):
            take(company, step, choice, company.boxes[place % len(company.boxes)])
            if count % 4 == 3:
                require_unaccused(company, clocks_are_right=clocks_are_right)
        company.now += timedelta(days=8)
        for box in company.boxes:
            box.ahead = timedelta()
            company.sign(box)
        while company.approve():
            for box in company.boxes:
                company.carry_out(box)
                company.sign(box)
        for box in company.boxes:
            company.publish(box)
        require_unaccused(company, clocks_are_right=clocks_are_right)
        if always_approved:
            for box in company.boxes:
                assert all(audited.verdict.is_good for audited in company.audit(box))


# An erasure that waits.
RESTING = Beginning(boxes=1, outsourced=False, approver=True, per_record=False, witness=True)
# Another log, of which the published copy has nothing yet; and a backup of before there was another log.
PLAIN = Beginning(boxes=1, outsourced=False, approver=True, per_record=False, witness=False)
STALE = [("publish", 0, 0), ("key", 0, 0), ("call", 0, 0), ("sign", 0, 0)]
ANSWERS = [
    *[("grant", 1, 0), ("rotate", 0, 0), ("refuse", 1, 0), ("copy", 0, 0), ("grant", 1, 0), ("grant", 2, 0)],
    *[("erase", 2, 0), ("rotate", 0, 0), ("restore", 0, 0), ("grant", 1, 0), ("months", 2, 0)],
    *[("retention", 1, 0), ("sign", 0, 0), ("publish", 0, 0), ("purge", 0, 0), ("refuse", 3, 0)],
]
# A shorter retention by which somebody else deletes, with nobody who could approve it.
UNAPPROVED = Beginning(boxes=1, outsourced=True, approver=False, per_record=False, witness=False)
SHORTENED = [("retention", 4, 0), ("sign", 0, 0), ("months", 5, 0), ("purge", 0, 0)]
BEFORE_THE_KEY = [("copy", 0, 0), ("key", 0, 0), ("restore alone", 0, 0), ("approve", 0, 0)]


@settings(max_examples=by_day(2, at_night=5), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(beginning=BEGINNING, steps=st.lists(STEP, min_size=8, max_size=16))
@example(RESTING, [("erase", 2, 0)])
@example(PLAIN, STALE)
@example(PLAIN, BEFORE_THE_KEY)
@example(PLAIN, ANSWERS)
@example(UNAPPROVED, SHORTENED)
def test_i7_honest_history_is_not_accused(beginning: Beginning, steps: list[tuple[str, int, int]]) -> None:
    """I7: by no audit, and not by the monitor."""
    live(beginning, steps)


@pytest.mark.night
@pytest.mark.timeout(3600)
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(beginning=BEGINNING, steps=st.lists(STEP, min_size=10, max_size=60))
def test_i7_long_honest_history_is_not_accused(
    beginning: Beginning, steps: list[tuple[str, int, int]]
) -> None:
    """I7: neither a long one."""
    live(beginning, steps)
