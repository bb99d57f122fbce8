"""What a look at the live system came to."""

from __future__ import annotations

from ...operations.doctor import examination, findings
from ...text import Text
from .shapes import Document, Shape, said


class Finding(Shape):
    """What a check came to."""

    check: str
    """The name of the check."""
    state: findings.State
    """How it is."""
    finding: str
    """In a sentence."""
    fix: str | None
    """What to do or type."""

    @classmethod
    def of(cls, check: Text, finding: findings.Finding) -> Finding:
        """As an examination has it."""
        return cls(check=str(check), state=finding.state, finding=str(finding.text), fix=said(finding.fix))


class Examination(Document):
    """What a look at the live system came to."""

    findings: list[Finding]
    """In the order of the checks."""
    ok: int
    """How many are as they should be."""
    warning: int
    """How many somebody should know of."""
    wrong: int
    """How many are wrong."""
    unknown: int
    """How many could not be looked at."""

    @classmethod
    def of(cls, found: examination.Examination) -> Examination:
        """As it was found."""
        counted = found.counted
        return cls(
            findings=[Finding.of(one.check, one.finding) for one in found.found],
            ok=counted[findings.State.OK],
            warning=counted[findings.State.WARNING],
            wrong=counted[findings.State.WRONG],
            unknown=counted[findings.State.UNKNOWN],
        )
