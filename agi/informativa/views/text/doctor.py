"""Findings of the doctor, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text as Styled

from ...model.text import Text
from ...operations.doctor.examination import Examination
from ...operations.doctor.findings import State
from ..messages import Language

_MARKS = {State.OK: "✔", State.WARNING: "!", State.WRONG: "✘", State.UNKNOWN: "?"}
_ASCII = {State.OK: "+", State.WARNING: "!", State.WRONG: "x", State.UNKNOWN: "?"}
_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.WRONG: "bold red", State.UNKNOWN: "dim"}


def findings(examination: Examination, say: Language, *, unicode: bool) -> Iterator[Styled]:
    """Yield a line for each finding, with its fix below; and one line for all that could not be checked for
    the same reason."""
    marks = _MARKS if unicode else _ASCII
    reasons: dict[Text, list[Text]] = {}
    for finding in examination.findings:
        if finding.state is State.UNKNOWN:
            reasons.setdefault(finding.finding, []).append(finding.check)
            continue
        mark = Styled(f"{marks[finding.state]} ", _COLOURS[finding.state])
        yield mark + f"{say(finding.check)}: {say(finding.finding)}"
        if finding.fix:
            yield Styled(f"    {say(finding.fix)}")
    for reason, names in reasons.items():
        line = say(
            "not looked at: {names} ({reason})", names=", ".join(say(name) for name in names), reason=reason
        )
        yield Styled(f"{marks[State.UNKNOWN]} {line}", _COLOURS[State.UNKNOWN])
    yield Styled(
        say(
            "{wrong} wrong, {warnings} to look at, {unknown} not looked at, {fine} in order",
            wrong=examination.wrong,
            warnings=examination.warning,
            unknown=examination.unknown,
            fine=examination.ok,
        )
    )
