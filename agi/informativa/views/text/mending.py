"""Proposals of `doctor --fix`, and their outcomes, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text as Styled

from ...model.text import Text
from ...operations.doctor.mending import Mending, Outcome, Treatment
from ..messages import Language
from .doctor import finding_lines, tally

_OUTCOMES = {
    Outcome.MENDED: Text("mended"),
    Outcome.REMAINS: Text("not mended: it is as before"),
    Outcome.FAILED: Text("not mended: the command failed"),
    Outcome.GONE: Text("gone meanwhile: nothing was run"),
    Outcome.DECLINED: Text("left as it is"),
    Outcome.NOT_ALLOWED: Text("left as it is: root must run it"),
    Outcome.BY_HAND: Text("by hand: {reason}"),
}


def proposal(treatment: Treatment, say: Language, *, unicode: bool) -> Iterator[Styled]:
    """Yield the finding with its commands, and what these change."""
    yield from finding_lines(treatment, say, unicode=unicode)
    yield Styled(
        f"    {say('Changes: {subject}. {reason}', subject=treatment.changes, reason=treatment.reason)}",
        "dim",
    )


def outcome(treatment: Treatment, say: Language, *, unicode: bool, proposed: bool) -> Iterator[Styled]:
    """Yield what came of a remedy, below its proposal if it was `proposed`, with the output of commands that
    did not mend it."""
    if not proposed:
        yield from finding_lines(treatment, say, unicode=unicode)
    line = say(_OUTCOMES[treatment.outcome].format(reason=treatment.reason))
    yield Styled(f"    → {line}" if unicode else f"    -> {line}", _colour(treatment.outcome))
    for printed in (treatment.output or "").splitlines():
        yield Styled(f"      {printed}", "dim")


def summary(mending: Mending, say: Language) -> Iterator[Styled]:
    """Yield the numbers of findings after it, and what root has to type for the rest."""
    yield tally(mending, say)
    if any(treatment.outcome is Outcome.NOT_ALLOWED for treatment in mending.treatments):
        yield Styled(say("For what root must run type: sudo informativa doctor --fix"))


def _colour(result: Outcome) -> str:
    if result is Outcome.MENDED:
        return "green"
    return "bold red" if result in (Outcome.FAILED, Outcome.REMAINS) else "dim"
