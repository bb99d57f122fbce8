"""Approval of notes by the controller's person, who reads them in the copy that a monitor made.

A `Proposal` says what would be signed. Only notes that wait for an approval get into one, and only from a
copy that witnesses of the monitor's policy signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...evidence.approval import Approval, LeafIdentity, sign
from ...evidence.erased_leaves import LeafPlace
from ...evidence.log_following import newest_of
from ...evidence.monitor_state import MonitorFolder
from ...evidence.note import Signer, Verifier
from ...evidence.note_standing import NoteStanding, NoteVerdict, standings
from ...evidence.notes import ErasureNote, NoteKind
from ...evidence.policy import Policy
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Foreign, Text, joined
from ...system import files
from ..document import AbsolutePath, Sentence, Time
from .erasure_lists import ErasureList, ListFile, read_lists
from .first_cosigned import FirstCosignatures, KnownTimes
from .monitor_reading import FollowedLog, LogsReader
from .monitor_witness import LastSigned, contradicts, signed_by_witness
from .note_words import RuleChange, note_words, rule_changes
from .verifying import policy_in


@dataclass(frozen=True)
class ApprovalRequest:
    """A request: the folder of the monitor's state, the leaves, the private lists of erasures, the policy
    (`None` for that of the monitor's last look), the folder of the controller's own witness, and the keys of
    others who approve."""

    state: Path
    leaves: tuple[LeafPlace, ...]
    lists: tuple[Path, ...] = ()
    policy: Path | None = None
    witness: Path | None = None
    approvers: tuple[Verifier, ...] = ()


@dataclass(frozen=True)
class ApprovedNote:
    """A note in an approval."""

    log: str
    """The origin of its log."""
    index: int
    """Its leaf, from 0."""
    note: NoteKind
    """Its kind."""
    message: Sentence
    """The note in words, and its standing before this approval."""
    instruction: str | None
    """The controller's instruction that it names."""
    changes: tuple[RuleChange, ...]
    """The values that a rule changes."""
    erasure_list: ErasureList | None
    """The private list of an erasure, which fits the note; null if it was not given."""


@dataclass(frozen=True)
class Proposal:
    """Notes that an approval would be for, in the order of the request, their leaves, and what the person
    should know before."""

    notes: tuple[ApprovedNote, ...]
    leaves: tuple[LeafIdentity, ...]
    warnings: tuple[Text, ...]


@dataclass(frozen=True)
class WrittenApproval:
    """An approval that was written."""

    file: AbsolutePath
    """The file."""
    key: str
    """The public key that signed it."""
    at: Time
    """The time that it names."""
    notes: tuple[ApprovedNote, ...]
    """The notes that it is for."""
    warnings: tuple[Sentence, ...]
    """The doubts about it."""


def propose(request: ApprovalRequest, key: Verifier) -> Proposal:
    """Return what an approval by this key would be for. Raises InformativaError that names each leaf which
    cannot be approved."""
    folder = MonitorFolder(request.state)
    folder.require_state()
    policy = policy_in(request.policy or folder.policy_file)
    _require_approver(key, policy)
    lists = read_lists(request.lists)
    logs, problems = LogsReader(request.state, "").read_copies(policy)
    signed, witness_problems = signed_by_witness(request.witness)
    first_cosigned = FirstCosignatures(logs, KnownTimes())
    judged = standings(
        {origin: log.notes for origin, log in logs.items()},
        (key, *request.approvers),
        first_cosigned,
        first_cosigned.signed_at,
    )
    view = _CopiesView(logs, judged, policy, None if request.witness is None else signed)
    flaws = [flaw for place in request.leaves for flaw in view.flaws(place)]
    if flaws:
        raise EvidenceError(joined(" ", *flaws, *problems, *witness_problems))
    chosen = [view.standing(place) for place in request.leaves]
    _require_fitting(lists, chosen, logs)
    return Proposal(
        notes=tuple(_approved_note(standing, lists) for standing in chosen),
        leaves=tuple(standing.entry.leaf for standing in chosen),
        warnings=(*problems, *_warnings(chosen, key, lists, logs)),
    )


def approve(proposal: Proposal, signer: Signer, folder: Path, now: int) -> WrittenApproval:
    """Sign an approval at a time in POSIX seconds, and write its file into a folder. Raises InformativaError
    if that cannot be done, or another content has the file's name."""
    approval = Approval.of(now, proposal.leaves)
    data, file = sign(approval, signer), folder / approval.file_name
    _put(file, data)
    return WrittenApproval(
        file=file,
        key=str(signer.verifier),
        at=datetime.fromtimestamp(now, UTC),
        notes=proposal.notes,
        warnings=proposal.warnings,
    )


class _CopiesView:
    """The copies of logs with the standings of their notes. `signed` is what the controller's own witness
    signed last; `None` if its folder was not named."""

    def __init__(
        self,
        logs: Mapping[str, FollowedLog],
        judged: Mapping[str, Sequence[NoteStanding]],
        policy: Policy,
        signed: LastSigned | None,
    ) -> None:
        self._logs, self._policy, self._signed = logs, policy, signed
        self._standings = {
            (origin, standing.entry.leaf.index): standing
            for origin, notes in judged.items()
            for standing in notes
        }
        self._log_flaws: dict[str, tuple[Text, ...]] = {}

    def standing(self, place: LeafPlace) -> NoteStanding:
        """Return the standing of a note of which there are no flaws."""
        return self._standings[place.origin, place.index]

    def flaws(self, place: LeafPlace) -> Iterator[Text]:
        """Yield the reasons why a leaf cannot be approved."""
        origin, index = place.origin, place.index
        log = self._logs.get(origin)
        if log is None:
            yield Text("The monitor does not follow the log {log}.", log=origin)
            return
        if origin not in self._log_flaws:
            self._log_flaws[origin] = flaws = tuple(self._flaws_of_log(log))
            yield from flaws
        if self._log_flaws[origin]:
            return
        if index >= log.notes.size:
            yield Text(
                "The monitor's copy of {log} has {size} leaves, and no leaf {index}.",
                log=origin,
                size=log.notes.size,
                index=index,
            )
            return
        if self._signed is not None and self._signed[origin][0].size <= index:
            yield Text("Your witness has not signed leaf {index} of {log} yet.", index=index, log=origin)
        standing = self._standings.get((origin, index))
        if standing is None:
            yield Text("Leaf {index} of {log} is a record: only notes are approved.", index=index, log=origin)
        elif standing.standing is NoteVerdict.FLAWED:
            yield Text(
                "The note {index} of {log} does not hold: {why}", index=index, log=origin, why=standing.flaw
            )
        elif standing.standing is NoteVerdict.APPROVED:
            names = ", ".join(standing.approved_by)
            yield Text(
                "The note {index} of {log} is approved already, by {names}.",
                index=index,
                log=origin,
                names=names,
            )
        elif standing.standing is not NoteVerdict.WAITS:
            yield Text("The note {index} of {log} needs no approval.", index=index, log=origin)

    def _flaws_of_log(self, log: FollowedLog) -> Iterator[Text]:
        """Yield the reasons why nothing in a log can be approved."""
        origin = log.key.name
        if log.copy.forks():
            yield Text("The log {log} contradicts what it signed: nothing in it is approved.", log=origin)
        newest = newest_of(self._policy, log.key, log.copy)
        if newest is None or not newest.quorum or not newest.witnesses:
            yield Text(
                "The witnesses of the policy have not signed the copy of {log}: nothing in it is approved"
                " before they have, and the monitor has looked once more.",
                log=origin,
            )
        if self._signed is None:
            return
        if origin not in self._signed:
            yield Text("Your witness has signed nothing of {log}.", log=origin)
        elif contradicts(self._signed[origin][0], log.copy):
            yield Text("Your witness signed another log as {log} than the monitor has.", log=origin)


def _require_approver(key: Verifier, policy: Policy) -> None:
    """Check that the key is none that signs logs or checkpoints. Raises EvidenceError."""
    others = [log.key for log in policy.logs], [witness.key for witness in policy.witnesses]
    for other in (*others[0], *others[1]):
        if other.public == key.public:
            raise EvidenceError(
                Text(
                    "This key is also that of {name}, and whoever approves signs nothing else",
                    "make another one: informativa evidence approver-key FILE --name NAME",
                    name=other.name,
                )
            )


def _require_fitting(
    lists: Sequence[ListFile], chosen: Sequence[NoteStanding], logs: Mapping[str, FollowedLog]
) -> None:
    """Check that each list is that of one of the notes, and of records. Raises EvidenceError."""
    notes = [standing.entry.note for standing in chosen if standing.entry.note]
    for file in lists:
        named = [note for note in notes if file.is_named_by(note)]
        if not named:
            raise EvidenceError(Text("The list {file} is not that of any of these notes.", file=file.path))
        for note in named:
            file.check(note)
        file.check_places({origin: log.notes for origin, log in logs.items()})


def _approved_note(standing: NoteStanding, lists: Sequence[ListFile]) -> ApprovedNote:
    note = standing.entry.note
    assert note is not None  # it waits for an approval
    return ApprovedNote(
        log=note.log,
        index=note.index,
        note=note.kind,
        message=note_words(standing),
        instruction=getattr(note.content, "instruction", None) or None,
        changes=rule_changes(standing),
        erasure_list=next((file.document for file in lists if file.is_named_by(note)), None),
    )


def _warnings(
    chosen: Sequence[NoteStanding],
    key: Verifier,
    lists: Sequence[ListFile],
    logs: Mapping[str, FollowedLog],
) -> Iterator[Text]:
    """Yield what the person should know, and what does not keep him from approving."""
    for standing in chosen:
        note = standing.entry.note
        if note is None:
            continue
        if isinstance(note.content, ErasureNote) and not any(file.is_named_by(note) for file in lists):
            yield Text(
                "Which records the erasure {index} of {log} is about is not known without its list (--list).",
                index=note.index,
                log=note.log,
            )
        if standing.approver and standing.approver != key:
            yield Text(
                "The rule for the note {index} of {log} says that {name} approves, which is another key.",
                index=note.index,
                log=note.log,
                name=standing.approver.name,
            )
    unknown = {origin for file in lists for origin in file.origins if origin not in logs}
    for origin in sorted(unknown):
        yield Text("The list names leaves of {log}, which the monitor does not follow.", log=origin)


def _put(file: Path, data: bytes) -> None:
    """Write a file, unless it is there with the same content. Raises InformativaError if it is there with
    another one, or cannot be written."""
    try:
        if not file.exists():
            files.write_file(file, data, durable=True)
        elif files.read(file, 2 * len(data)) != data:
            raise InformativaError(Text("{file} is there with another content.", file=file))
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Name a folder of yours with --to."),
        ) from error
