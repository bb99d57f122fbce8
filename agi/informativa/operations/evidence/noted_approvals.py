"""Approvals that the controller's person sent as files, noted in the logs that they are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...evidence.approval import LARGEST_APPROVAL, Approval
from ...evidence.log_folder import failing
from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.note_values import NoteSource
from ...evidence.notes import NoteKind
from ...model import Controller
from ...model.errors import EvidenceError
from ...model.text import NOTHING, Text
from ...process import log_storage
from ...system import files
from ..document import AbsolutePath, OptionalSentence, Sentence, Time
from .note_words import RuleChange, note_words, rule_changes

CONSEQUENCES = {
    NoteKind.RULE: Text("It is in effect from now on."),
    NoteKind.ERASURE: Text("The service erases the caller within a minute."),
    NoteKind.LOST: Text("Nothing is left to do: the loss is accounted for."),
    NoteKind.NEW_LOG: Text("Nothing is left to do: the loss is accounted for."),
}


@dataclass(frozen=True)
class NotedNote:
    """A note in a log of this installation that an approval names."""

    controller: str
    """The controller's name in the configuration."""
    log: str
    """The origin of its log."""
    index: int
    """Its leaf, from 0."""
    note: NoteKind
    """Its kind."""
    message: Sentence
    """The note in words, and its standing with this approval."""
    changes: tuple[RuleChange, ...]
    """The values that a rule changes."""
    next: OptionalSentence
    """The consequence; null if there is none."""


@dataclass(frozen=True)
class NotedApproval:
    """An approval that came as a file."""

    file: AbsolutePath
    """The file."""
    at: Time | None
    """The time that it names; null if it is none."""
    written: tuple[str, ...]
    """The origins of the logs into which it was written now."""
    notes: tuple[NotedNote, ...]
    """The notes of logs of this installation that it is for."""
    elsewhere: tuple[str, ...]
    """The origins of other logs that it names."""
    problem: OptionalSentence
    """The reason why it was refused; null if it was not. Then nothing was written."""


@dataclass(frozen=True)
class NotedApprovals:
    """Approvals that came as files."""

    approvals: tuple[NotedApproval, ...]
    """One for each file."""

    @property
    def problems(self) -> tuple[Text, ...]:
        """The reasons why approvals were refused."""
        return tuple(approval.problem for approval in self.approvals if approval.problem)


def note_approvals(paths: Sequence[Path], controllers: Sequence[Controller], at: datetime) -> NotedApprovals:
    """Write each approval into the newest log of each of these controllers that it names, unless it is there.
    One that any of their logs refuses is written into none. Raises LedgerError."""
    return NotedApprovals(tuple(_note_file(path, controllers, at) for path in paths))


def _note_file(path: Path, controllers: Sequence[Controller], at: datetime) -> NotedApproval:
    approval: Approval | None = None
    try:
        data = _read(path)
        approval = Approval.unverified(data)
        named = [company for company in controllers if log_storage.judge_approval(company, data) is not None]
        if not named:
            raise _of_no_log(approval)
        received = [
            (company, log_storage.take_approval(company, data, at, NoteSource.COMMAND)) for company in named
        ]
    except EvidenceError as error:
        problem = Text("{file}: {why}", file=path, why=error.text)
        return NotedApproval(path, _time(approval), (), (), (), problem)
    taken = [(controller, state) for controller, state in received if state is not None]
    notes = [_noted(controller, standing) for controller, state in taken for standing in state.notes]
    own = {note.log for note in notes}
    return NotedApproval(
        file=path,
        at=_time(approval),
        written=tuple(state.log for _controller, state in taken if not state.is_there),
        notes=tuple(notes),
        elsewhere=tuple(dict.fromkeys(leaf.origin for leaf in approval.leaves if leaf.origin not in own)),
        problem=NOTHING,
    )


def _read(path: Path) -> bytes:
    """Read a file, of which more is never an approval. Raises EvidenceError."""
    with failing(path):
        data = files.read_foreign(path.resolve(), LARGEST_APPROVAL + 1)
    if data is None:
        raise EvidenceError(Text("It is no file."))
    return data


def _of_no_log(approval: Approval) -> EvidenceError:
    return EvidenceError(
        Text(
            "It is not for a log here, but for: {logs}.",
            logs=", ".join(dict.fromkeys(leaf.origin for leaf in approval.leaves)),
        )
    )


def _time(approval: Approval | None) -> datetime | None:
    return None if approval is None else datetime.fromtimestamp(approval.time, UTC)


def _noted(controller: Controller, standing: NoteStanding) -> NotedNote:
    note = standing.entry.note
    assert note is not None  # others are refused, or need no approval
    return NotedNote(
        controller=controller.id,
        log=note.log,
        index=note.index,
        note=note.kind,
        message=note_words(standing),
        changes=rule_changes(standing),
        next=CONSEQUENCES.get(note.kind, NOTHING) if standing.standing is NoteVerdict.APPROVED else NOTHING,
    )
