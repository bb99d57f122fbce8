"""A look at somebody else's logs, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.text import Text
from ...operations.evidence.monitor_findings import FindingKind, Look, MonitoredLog, MonitorFinding
from ..messages import Language
from .notes import change_lines

KINDS = {
    FindingKind.FORK: Text("FORK"),
    FindingKind.BEHIND: Text("BEHIND"),
    FindingKind.STILL: Text("STILL"),
    FindingKind.NOTE: Text("note"),
    FindingKind.FEW: Text("few"),
}


def lines(look: Look, say: Language) -> Iterator[str]:
    """Yield the logs, and what is new or open."""
    for log in look.logs:
        yield _log(log, say)
    news = {id(finding) for finding in look.news}
    for finding in look.findings:
        if finding.open or id(finding) in news:
            yield from finding_lines(finding, say)


def finding_lines(finding: MonitorFinding, say: Language) -> Iterator[str]:
    """Yield a finding on one line, and the values that a rule changes."""
    place = finding.log if finding.index is None else f"{finding.log} {finding.index}"
    yield say("{kind} {place}: {message}", kind=KINDS[finding.kind], place=place, message=finding.message)
    yield from change_lines(finding.changes, say)


def _log(log: MonitoredLog, say: Language) -> str:
    size = Text.counted("{count} leaf", "{count} leaves", log.size)
    if log.ended:
        return say("{log}: {size}, ended", log=log.log, size=size)
    if log.at is None:
        return say("{log}: {size}, by the company's own word", log=log.log, size=size)
    return say(
        "{log}: {size}, confirmed on {time:%Y-%m-%d %H:%M} UTC by {witnesses}",
        log=log.log,
        size=size,
        time=log.at,
        witnesses=", ".join(log.witnesses),
    )
