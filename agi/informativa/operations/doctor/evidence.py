"""Checks that records can be proven: signed, in time, and kept by somebody else, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from ...evidence.log_folder import LogFolder
from ...evidence.note_standing import NoteStanding
from ...evidence.notes import NoteKind
from ...model import Controller
from ...model.errors import SIGNED_ELSEWHERE, EvidenceError, LedgerError
from ...model.remedy import SafeChange, SafeRemedy
from ...model.text import Foreign, Text, clause
from ..evidence.log_state import LogState
from . import ledger_facts
from .findings import Finding, ok, warning, wrong
from .system import System

LATE = timedelta(minutes=15)  # from a record to its checkpoint; the service signs every minute
SHOWN = 5  # waiting notes of a company
_UNNAMED = Text(
    "Nobody is named who approves: put the key that the controller gives you into controllers.{id}.approver"
)


def evidence(system: System) -> Iterator[Finding]:
    """Check that each log extends what was signed, that its checkpoints are recent, and that others keep
    them."""
    faultless = 0
    for controller in system.live():
        state: LogState | None = None
        try:
            state = system.log(controller)
        except LedgerError:  # reported by the check `ledgers`
            continue
        except EvidenceError as error:
            yield _refusal(error)
        if state is None:
            continue
        refused = list(_refused(controller, system))
        signed_by_other = any(finding.note for finding in refused)
        late = _late(controller, state, system, signed_by_other)
        findings = [*refused, *late, *_elsewhere(controller, state, system)]
        if state.signed or not state.size:
            faultless += all(finding.note for finding in findings)
        elif not findings:
            yield ok(Text("nothing of the log of {id} is signed yet", id=controller.id), note=True)
        yield from findings
    if faultless:
        text = Text.counted("{number} log is signed", "{number} logs are signed", faultless)
        yield ok(text.format(number=faultless))


def outside(system: System) -> Iterator[Finding]:
    """Note a missing domain name of the logs, and missing copies of checkpoints outside this machine."""
    configuration = system.configured
    settings = configuration.evidence
    if not system.live():
        return
    if not settings.domain:
        text = Text("the logs are named after this machine; `evidence.domain` gives them a name of yours")
        yield ok(text, note=True)
    if not settings.witnesses and not any(target.independent for target in settings.targets):
        text = Text(
            "no checkpoint is kept where who administers this machine cannot change it; `evidence.witness`,"
            " or `evidence.publish` with `independent: true`, has somebody else keep them"
        )
        yield ok(text, note=True)


def approvers(system: System) -> Iterator[Finding]:
    """Note controllers whose calls somebody else answers, and who name nobody to approve what that one
    deletes."""
    for controller in system.live():
        if controller.outsourcing is not None and controller.rule and not controller.rule.approver:
            text = Text(
                "{processor} answers the calls of {id}: what a shortened retention deletes, or a backup"
                " loses, counts as a gap in an audit, unless somebody approves it",
                processor=controller.outsourcing.processor,
                id=controller.id,
            )
            yield warning(text, _UNNAMED.format(id=controller.id))


def approvals(system: System) -> Iterator[Finding]:
    """Note what waits for the controller's approval in the logs."""
    for controller in system.live():
        waiting: tuple[NoteStanding, ...] = ()
        with suppress(LedgerError, EvidenceError):  # reported by the check `ledgers`
            waiting = system.fact(controller, ledger_facts.WAITING)
        for standing in waiting[:SHOWN]:
            yield _waiting(controller, standing)
        if len(waiting) > SHOWN:
            text = Text.counted(
                "{count} more note of {id} waits for an approval",
                "{count} more notes of {id} wait for an approval",
                len(waiting) - SHOWN,
                id=controller.id,
            )
            yield warning(text)


def _waiting(controller: Controller, standing: NoteStanding) -> Finding:
    note = standing.entry.note
    assert note is not None  # only what can be read waits
    texts = {
        NoteKind.RULE: Text("the rule in leaf {index} of {log} waits for the controller's approval"),
        NoteKind.ERASURE: Text("the erasure in leaf {index} of {log} waits for the controller's approval"),
    }
    loss = Text("the loss in leaf {index} of {log} waits for the controller's approval")
    text = texts.get(note.kind, loss).format(index=note.index, log=note.log)
    if not (standing.approver or (controller.rule and controller.rule.approver)):
        fix = _UNNAMED.format(id=controller.id)
    elif note.kind is NoteKind.ERASURE:
        epoch = int(note.log.rpartition("/")[2])
        fix = Text(
            "Give the list {file} to whoever approves for {id}; his answer is fetched from a witness, or"
            " type: informativa evidence approval FILE",
            file=LogFolder(Path(controller.ledger)).private_file(epoch, note.index),
            id=controller.id,
        )
    else:
        fix = Text(
            "Tell whoever approves for {id}; his answer is fetched from a witness, or type: informativa"
            " evidence approval FILE",
            id=controller.id,
        )
    return warning(text, fix)


def _refused(controller: Controller, system: System) -> Iterator[Finding]:
    """Yield why the next checkpoint may not be signed; a note if another user signs."""
    if error := system.fact(controller, ledger_facts.REFUSAL):
        yield _refusal(error)


def _refusal(error: LedgerError | EvidenceError) -> Finding:
    if error.code == SIGNED_ELSEWHERE:
        return ok(clause(error.message), note=True)
    return wrong(clause(error.message), error.remedy)


def _late(
    controller: Controller, state: LogState, system: System, signed_by_other: bool
) -> Iterator[Finding]:
    """Yield a warning if a record waits too long to be signed; `signed_by_other` is true if another user
    signs."""
    if state.waiting_since is None or system.now - state.waiting_since < LATE:
        return
    text = Text.counted(
        "{number} record of {id} waits to be signed",
        "{number} records of {id} wait to be signed",
        state.waiting,
    )
    words = Text("The service signs every minute; without it type: {commands}")
    line = ("informativa", "evidence", "checkpoint", "--controller", controller.id, "-c", system.file)
    fix: Text = SafeRemedy(SafeChange.CHECKPOINT, line, owner=controller.ledger, words=words)
    if signed_by_other:
        fix = Text("As the user whose the key is, run: informativa evidence sequence")
    yield warning(text.format(number=state.waiting, id=controller.id), fix)


def _elsewhere(controller: Controller, state: LogState, system: System) -> Iterator[Finding]:
    for copy in (*state.published, *state.witnessed):
        if copy.problem:
            text = Text("{place} has {size} of {signed} signed records of {id}: {why}")
            words = Text("Mend it, then type: {commands}")
            line = ("informativa", "evidence", "publish", "--controller", controller.id, "-c", system.file)
            fix = SafeRemedy(SafeChange.PUBLISHING, line, owner=controller.ledger, words=words)
            text = text.format(
                place=copy.place,
                size=copy.size,
                signed=state.signed,
                id=controller.id,
                why=Foreign(copy.problem),
            )
            yield warning(text, fix)
