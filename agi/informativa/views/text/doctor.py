"""Findings of the doctor, for a terminal."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

from rich.text import Text as Styled

from ...model.remedy import SafeRemedy
from ...model.text import Text
from ...operations.doctor.examination import Examination
from ...operations.doctor.findings import Finding, State
from ...operations.doctor.mending import Treatment
from ..messages import Language
from .similar import by_kind

_MARKS = {State.OK: "✔", State.WARNING: "!", State.WRONG: "✘", State.UNKNOWN: "?"}
_ASCII = {State.OK: "+", State.WARNING: "!", State.WRONG: "x", State.UNKNOWN: "?"}
_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.WRONG: "bold red", State.UNKNOWN: "dim"}


def findings(examination: Examination, say: Language, *, unicode: bool) -> Iterator[Styled]:
    """Yield a line for each finding, with its fix below; one line for all that say the same of more than a
    few companies, and for all that could not be checked for the same reason; and how many of the fixes the
    program can run."""
    marks = _MARKS if unicode else _ASCII
    reasons: dict[Text, list[Text]] = {}
    known: list[Finding] = []
    for finding in examination.findings:
        if finding.state is State.UNKNOWN:
            reasons.setdefault(finding.finding, []).append(finding.check)
            continue
        known.append(finding)
    for finding, others in by_kind(known, lambda finding: finding.finding, _kind):
        yield from finding_lines(finding, say, unicode=unicode)
        if others is not None:
            yield Styled(f"    {say(others)}")
    for reason, names in reasons.items():
        line = say(
            "not looked at: {names} ({reason})", names=", ".join(say(name) for name in names), reason=reason
        )
        yield Styled(f"{marks[State.UNKNOWN]} {line}", _COLOURS[State.UNKNOWN])
    yield tally(examination, say)
    if safe := sum(isinstance(finding.fix, SafeRemedy) for finding in examination.findings):
        text = Text.counted(
            "The program can mend {count} of them, after a yes: informativa doctor --fix",
            "The program can mend {count} of them, each after a yes: informativa doctor --fix",
            safe,
        )
        yield Styled(say(text))


def _kind(finding: Finding) -> Hashable:
    """Return the check, the state and the form of the remedy."""
    return finding.check_id, finding.state, finding.fix.kind


def finding_lines(finding: Finding | Treatment, say: Language, *, unicode: bool) -> Iterator[Styled]:
    """Yield a finding, with its fix below."""
    mark = Styled(f"{(_MARKS if unicode else _ASCII)[finding.state]} ", _COLOURS[finding.state])
    yield mark + f"{say(finding.check)}: {say(finding.finding)}"
    if finding.fix:
        yield Styled(f"    {say(finding.fix)}")


def tally(examination: Examination, say: Language) -> Styled:
    """Return the numbers of findings."""
    return Styled(
        say(
            "{wrong} wrong, {warnings} to look at, {unknown} not looked at, {fine} in order",
            wrong=examination.wrong,
            warnings=examination.warning,
            unknown=examination.unknown,
            fine=examination.ok,
        )
    )
