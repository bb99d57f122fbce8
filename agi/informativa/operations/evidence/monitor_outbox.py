"""The outbox of a monitor: which findings are new, and telling them to a command."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from ...evidence.monitor_state import MonitorFolder, MonitorState, PendingFinding
from ...model.text import NOTHING, Text
from ..outside_command import hand_over
from .monitor_findings import FindingKind, MonitorFinding


class Outbox:
    """The findings that are still to be told to a command, and those that were told. Without a command
    whoever called `put` shows them. `line` makes the JSON line of a finding. Every method stores the state,
    and raises EvidenceError if that fails."""

    def __init__(
        self,
        folder: MonitorFolder,
        state: MonitorState,
        command: Sequence[str],
        line: Callable[[MonitorFinding], str],
    ) -> None:
        self._folder, self._state, self._command, self._line = folder, state, command, line

    def put(self, findings: Sequence[MonitorFinding], logs: Collection[str]) -> tuple[MonitorFinding, ...]:
        """Put in what is new, and return it; forget what is over in the logs with these origins."""
        state = self._state
        present = {_subject(finding) for finding in findings}
        for subject in list(state.delivered):
            if subject not in present and _origin(subject) in logs:
                del state.delivered[subject]
        known = dict(state.delivered)
        if self._command:
            known |= {pending.subject: pending.state for pending in state.pending}
        news = tuple(finding for finding in findings if known.get(_subject(finding)) != _state(finding))
        if self._command:
            state.pending += [
                PendingFinding(_subject(finding), _state(finding), self._line(finding)) for finding in news
            ]
        self._folder.save(state)
        return news

    def deliver(self, shown: Iterable[MonitorFinding], stopped: Callable[[], bool]) -> Text:
        """Tell the command what is in here, and return the reason if it did not end with 0; the rest is told
        the next time. Without a command remember what was shown."""
        state = self._state
        if not self._command:
            state.delivered |= {_subject(finding): _state(finding) for finding in shown}
            self._folder.save(state)
            return NOTHING
        while state.pending and not stopped():
            if fault := hand_over(f"{state.pending[0].line}\n".encode(), self._command):
                return Text("{fault}; it is told again", fault=fault)
            pending = state.pending.pop(0)
            state.delivered[pending.subject] = pending.state
            self._folder.save(state)
        return NOTHING


def _subject(finding: MonitorFinding) -> str:
    """Return what a finding is about: a subject is told again only when its state is another one."""
    details: dict[FindingKind, object] = {
        FindingKind.NOTE: finding.index,
        FindingKind.FEW: finding.at.date().isoformat(),
        FindingKind.FORK: finding.size,
    }
    return f"{finding.kind} {finding.log} {details.get(finding.kind, '')}"


def _origin(subject: str) -> str:
    return subject.split(" ")[1]


def _state(finding: MonitorFinding) -> str:
    return finding.standing or ""
