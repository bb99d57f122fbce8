"""One call, placed by Asterisk to nobody, and whether it went as it should."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from .. import policy, storage
from ..asterisk import ami, test_call
from ..asterisk.test_call import Moment, Outcome
from ..caller import mask, recognise
from ..config import Configuration
from ..errors import InformativaError
from ..ledgers.sqlite import SqliteStore
from ..model import Caller, Decision, Identified, Line, ManagerAccount, Reason, Record, Status
from ..text import Text
from .controllers import line_named, require_live
from .explain import known_to, ringing
from .test_call_entry import entry

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class PlannedCall:
    """A call that may be placed: from `number` (`None` to withhold it) to the line as it was `dialled`, in at
    `context` ('' for where others come in). `decisions` are what should come of it."""

    account: ManagerAccount
    line: Line
    dialled: str
    number: str | None = field(repr=False)
    context: str
    decisions: tuple[Decision, ...]

    @property
    def caller(self) -> str | None:
        """The number for people to read; `None` where it is withheld."""
        return None if self.number is None else mask(self.number)

    @property
    def due(self) -> list[Decision]:
        """What the caller should hear."""
        return [decision for decision in self.decisions if decision.play]

    @property
    def expected(self) -> tuple[Status, Reason]:
        """What the dialplan should be told."""
        if self.due:
            return Status.PLAYED, self.due[0].reason
        by_setting = [each for each in self.decisions if each.status_of_skip is Status.SKIPPED]
        first = (by_setting or self.decisions)[0]
        return first.status_of_skip, first.reason

    @property
    def seconds(self) -> float:
        """How long all that is due may last, in whichever language."""
        return sum(max(prompt.seconds for prompt in each.prompts.values()) for each in self.due)


@dataclass(frozen=True)
class CallPlaced:
    """That the call is about to be placed, at this channel."""

    channel: str


@dataclass(frozen=True)
class CallReport:
    """What became of a call: what happened when, what the dialplan was told at last, what was recorded.
    `problems` are what is not as it should be, `notes` what somebody should know beside."""

    call: PlannedCall
    channel: str
    timeline: tuple[Moment, ...]
    outcome: Outcome
    records: tuple[Record, ...]
    notes: tuple[Text, ...]
    problems: tuple[Text, ...]

    @property
    def in_order(self) -> bool:
        """Whether all was as it should be."""
        return not self.problems


def plan(
    configuration: Configuration,
    dialled: str,
    number: str | None,
    context: str,
    now: datetime,
    *,
    sure: bool = False,
) -> PlannedCall:
    """What would be called, and what should come of it; nothing is done yet.

    Raises InformativaError where that cannot be, and where it would put on record that a caller was told who
    was not, unless somebody is `sure`; and LedgerError.
    """
    account = configuration.manager
    if account is None:
        raise InformativaError(
            Text("A test call is placed by Asterisk, and the configuration names no account at its manager."),
            Text(
                "Add `manager:` to {file}, as the comments of `informativa init` show.",
                file=configuration.file,
            ),
        )
    line = line_named(configuration, dialled)
    require_live(configuration, line.controller)
    _require_plain(number, context)
    caller = recognise(ringing(number, dialled), line)
    decisions = policy.decide(line, known_to(line, caller), caller, now)
    call = PlannedCall(account, line, dialled, number, context, tuple(decisions))
    if not sure:
        _require_harmless(call, caller)
    return call


def _require_plain(number: str | None, context: str) -> None:
    """Raises InformativaError for what cannot be a number or a context: it would go into Asterisk's words."""
    if number is not None and not _NUMBER.fullmatch(number):
        raise InformativaError(
            Text("That is no number to call from."), Text("Type it like +393331234567, or `withheld`.")
        )
    if context and not _CONTEXT.fullmatch(context):
        raise InformativaError(
            Text("{context} cannot be the name of a context.", context=context),
            Text("Type it as in extensions.conf, without brackets."),
        )


def _require_harmless(call: PlannedCall, caller: Caller) -> None:
    """Raises InformativaError where the record would be of somebody who heard nothing."""
    if isinstance(caller, Identified) and call.due:
        raise InformativaError(
            Text(
                "The notice is due to {number}, and the call would put on record that its owner was told.",
                number=call.caller,
            ),
            Text(
                "Leave --from out; or, if the number is your own, add --yes, and afterwards type:"
                " informativa caller erase NUMBER --controller {id} --yes",
                id=call.line.controller.id,
            ),
        )


async def place(
    call: PlannedCall,
    *,
    through: bool = False,
    progress: Callable[[CallPlaced | Moment], None] = lambda _step: None,
) -> CallReport:
    """Place the call, to its end, and hold what came of it against the plan. With `through` it goes through
    the real dialplan even where that may ring somebody. `progress` hears of each step as it happens.

    Raises InformativaError where it cannot be placed, ManagerError and LedgerError.
    """
    timeline: list[Moment] = []

    def happened(moment: Moment) -> None:
        timeline.append(moment)
        progress(moment)

    line, account = call.line, call.account
    async with ami.session(account) as manager:
        where = await entry(manager, call.dialled, call.context, through=through)
        channel = f"Local/{call.dialled}@{where.context}/n"
        progress(CallPlaced(channel))
        before = await asyncio.to_thread(_newest, line)
        outcome = await test_call.place(manager, account, channel, call.number or "", call.seconds, happened)
    since = await asyncio.to_thread(_since, line, before + 1)
    records = tuple(record for record in since if record.event.call == outcome.call)
    return CallReport(
        call,
        channel,
        tuple(timeline),
        outcome,
        records,
        (*where.notes, *_notes(outcome)),
        tuple(_problems(call, outcome, records)),
    )


def _problems(call: PlannedCall, outcome: Outcome, records: tuple[Record, ...]) -> Iterator[Text]:
    """What of the call is not as `explain` says, and what of that is not in the ledger."""
    said, expected = (outcome.status, outcome.reason), call.expected
    looked_up = bool(call.line.controller.lookups) and call.number is not None
    if not outcome.status:
        yield Text("no status was ever set: see Asterisk's log (asterisk -rvvv) for where the call went")
    elif said != expected and not (looked_up and outcome.status == Status.NOTDUE):
        yield Text(
            "the call came to {told}; `informativa explain` says {expected}",
            told=" ".join(said),
            expected=" ".join(expected),
        )
    if outcome.status == Status.FAILED:
        yield Text("the prompt could not be played", "type: informativa check")
    if outcome.status == Status.FALLBACK:
        yield Text("neither service nor script could handle it", "type: informativa status")
    if outcome.status and outcome.record not in {str(record.number) for record in records}:
        yield Text("the ledger has no record {record} of this call", record=outcome.record or "-")


def _notes(outcome: Outcome) -> Iterator[Text]:
    if outcome.by_script:
        yield Text("the script answered, because the service did not; type: informativa status")
    if outcome.lacking:
        yield Text(
            "the manager account does not see when prompts begin and end. {remedy}", remedy=outcome.lacking
        )


def _newest(line: Line) -> int:
    with _ledger(line) as store:
        return store.newest() if store else 0


def _since(line: Line, first: int) -> list[Record]:
    with _ledger(line) as store:
        return list(store.records(first)) if store else []


@contextmanager
def _ledger(line: Line) -> Iterator[SqliteStore | None]:
    """The line's ledger, to read; `None` where nothing was recorded yet."""
    if not Path(line.controller.ledger).exists():
        yield None
        return
    with closing(storage.store(line.controller, read_only=True)) as store:
        yield store
