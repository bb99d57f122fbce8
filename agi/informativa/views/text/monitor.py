"""The log of whoever answers a company's calls, followed from home, for a terminal: the look of its monitor,
and its own witness."""

from __future__ import annotations

from collections.abc import Iterator

from ...model.text import Text
from ...operations.evidence.monitor_findings import FindingKind, Look, MonitoredLog, MonitorFinding
from ...operations.evidence.witness import Witness
from ..messages import Language
from .approval import change_lines

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


def public_key_lines(witness: Witness, made: bool, say: Language) -> Iterator[str]:
    """Yield the public key, for the operator of a log, and the last checkpoint signed for each log; `made` if
    the key is new."""
    yield witness.key
    if made:
        yield say(
            "The private key lies in {folder}: keep it, and what lies beside it.", folder=witness.folder
        )
    for checkpoint in witness.logs:
        yield say.counted(
            "{origin}: {size} record, signed on {at:%Y-%m-%d %H:%M} UTC",
            "{origin}: {size} records, signed on {at:%Y-%m-%d %H:%M} UTC",
            checkpoint.size,
            origin=checkpoint.log,
            size=checkpoint.size,
            at=checkpoint.at,
        )


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
