"""Whether what is recorded can be proven: signed, in time, and kept by somebody else, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ...config import Configuration
from ...errors import SIGNED_ELSEWHERE, EvidenceError, LedgerError, SigningError
from ...ledgers import sequencer
from ...model import Controller
from ...text import Foreign, Text, clause
from ..evidence.log_state import LogState, log_state
from .findings import Finding, ok, warning, wrong
from .system import System, in_thread

LATE = timedelta(minutes=15)  # from a record to its checkpoint; the service takes a minute


async def evidence(system: System) -> AsyncIterator[Finding]:
    """Each log extends what was signed, its checkpoints are recent, and others have them."""
    now = datetime.now(UTC)
    for finding in await in_thread(lambda: list(_looked(system.configured, now))):
        yield finding


async def outside(system: System) -> AsyncIterator[Finding]:
    """What a name of one's own and a copy elsewhere would add."""
    configuration = system.configured
    given = configuration.evidence
    if not any(not each.refused for each in configuration.controllers.values()):
        return
    if not given.domain:
        text = Text("the logs are named after this machine; `evidence.domain` gives them a name of yours")
        yield ok(text, note=True)
    if not given.witnesses and not any(each.independent for each in given.targets):
        text = Text(
            "no checkpoint is kept where who administers this machine cannot change it; `evidence.witness`,"
            " or `evidence.publish` with `independent: true`, has somebody else keep them"
        )
        yield ok(text, note=True)


def _looked(configuration: Configuration, now: datetime) -> Iterator[Finding]:
    well = 0
    for controller in configuration.controllers.values():
        if controller.refused or not Path(controller.ledger).exists():
            continue
        try:
            state = log_state(controller)
        except (LedgerError, EvidenceError):  # the ledger's own checks say it
            continue
        refused = list(_refused(controller))
        others = any(each.note for each in refused)
        found = [*refused, *_late(controller, state, now, others), *_elsewhere(controller, state)]
        well += all(each.note for each in found)
        yield from found
    if well:
        yield ok(Text.counted("{number} log is signed", "{number} logs are signed", well).format(number=well))


def _refused(controller: Controller) -> Iterator[Finding]:
    """Whether the next checkpoint may be signed; where another user signs, that he does."""
    try:
        sequencer.examine(Path(controller.ledger))
    except SigningError as error:
        if error.code == SIGNED_ELSEWHERE:
            yield ok(clause(error.message), note=True)
        else:
            yield wrong(clause(error.message), error.remedy)
    except (LedgerError, EvidenceError) as error:
        yield wrong(clause(error.message), error.remedy)


def _late(controller: Controller, state: LogState, now: datetime, others: bool) -> Iterator[Finding]:
    """`others` is whether another user signs."""
    if state.waiting_since is None or now - state.waiting_since < LATE:
        return
    text = Text.counted(
        "{number} record of {id} waits to be signed",
        "{number} records of {id} wait to be signed",
        state.waiting,
    )
    fix = Text(
        "The service signs every minute; without it type: informativa evidence checkpoint --controller {id}",
        id=controller.id,
    )
    if others:
        fix = Text("As the user whose the key is, run: informativa evidence sequence")
    yield warning(text.format(number=state.waiting, id=controller.id), fix)


def _elsewhere(controller: Controller, state: LogState) -> Iterator[Finding]:
    for each in (*state.published, *state.witnessed):
        if each.problem:
            text = Text("{place} has {size} of {signed} signed records of {id}: {why}")
            fix = Text("Mend it, then type: informativa evidence publish --controller {id}", id=controller.id)
            given = text.format(
                place=each.place,
                size=each.size,
                signed=state.signed,
                id=controller.id,
                why=Foreign(each.problem),
            )
            yield warning(given, fix)
