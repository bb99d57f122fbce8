"""Test call: a call that Asterisk places to nobody, and a check that it went as it should."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from pydantic import Field

from .. import model
from ..asterisk import ami, test_call
from ..asterisk.test_call import CallStep, Moment, Press, TestCallResult
from ..call import policy
from ..call.caller import mask, recognise
from ..config import Configuration
from ..model import Answer, Caller, Choice, Decision, Identified, Line, ManagerAccount, Reason, Status, errors
from ..model.countries import line_for
from ..model.errors import InformativaError
from ..model.text import Text
from ..process.storage import existing_ledger
from .controllers import line_named, require_live
from .document import Sentence
from .explain import history_of, incoming_call
from .problems import Problem
from .record_document import Record
from .test_call_entry import entry

_NUMBER = re.compile(r"\+?[0-9]{2,20}")
_CONTEXT = re.compile(r"[A-Za-z0-9_.-]+")


@dataclass(frozen=True)
class PlannedCall:
    """A test call that may be placed."""

    account: ManagerAccount
    line: Line
    dialled: str
    """The called number, as it was dialled."""
    number: str | None = field(repr=False)
    """The number that the call comes from; `None` where it is withheld."""
    context: str
    """The context of the dialplan that the call enters; '' for the one that other calls enter."""
    decisions: tuple[Decision, ...]
    """The decisions that should follow."""
    country: str = ""
    """The country of the operators, as INFORMATIVA_COUNTRY names it; '' for none."""

    @property
    def caller(self) -> str | None:
        """The masked number, for people to read; `None` where it is withheld."""
        return None if self.number is None else mask(self.number)

    @property
    def due(self) -> list[Decision]:
        """The decisions by which the caller should hear something."""
        return [decision for decision in self.decisions if decision.play]

    @property
    def expected(self) -> tuple[Status, Reason]:
        """The status and the reason that the dialplan should get."""
        if self.due:
            return Status.PLAYED, self.due[0].reason
        by_setting = [decision for decision in self.decisions if decision.status_of_skip is Status.SKIPPED]
        first = (by_setting or self.decisions)[0]
        return first.status_of_skip, first.reason

    @property
    def seconds(self) -> float:
        """The time that all due prompts and choices may last, in the longest language."""
        notices = sum(max(prompt.seconds for prompt in decision.prompts.values()) for decision in self.due)
        return notices + sum(_longest(planned.choice) for planned in self.line.choices)


@dataclass(frozen=True)
class CallPlaced:
    """The call is about to be placed, at this channel."""

    channel: str


@dataclass(frozen=True)
class CallResult:
    """The variables by which the dialplan learns the result of a call."""

    status: str
    """INFORMATIVA_STATUS."""
    reason: str | None
    """INFORMATIVA_REASON."""
    record: str | None
    """INFORMATIVA_RECORD: the number of a record, or a row of the fallback spool."""


@dataclass(frozen=True)
class GivenAnswer:
    """The word that the dialplan got of one choice, in INFORMATIVA_CHOICES."""

    choice: str
    """The name of the choice."""
    answer: Answer
    """The word."""


@dataclass(frozen=True)
class TestCall:
    """A test call, from its beginning to its result."""

    line: str
    """The called number, as the configuration has it."""
    controller: str
    """The controller's name in the configuration."""
    number: Annotated[str | None, Field(serialization_alias="from")]
    """The number that the call came from, masked; null where it was withheld."""
    channel: str
    """The channel that Asterisk placed it at."""
    timeline: tuple[Moment, ...]
    """The steps of the call, in order."""
    expected: CallResult
    """The result that the dialplan should have got; the record cannot be known before."""
    result: CallResult | None
    """The result that it got; null where no status was ever set."""
    records: tuple[Record, ...]
    """The records of this call."""
    notes: tuple[Sentence, ...]
    """Further facts to know."""
    problems: tuple[Problem, ...]
    """Differences from the expected course."""
    in_order: bool
    """True if there are no problems."""
    choices: tuple[GivenAnswer, ...] | None = None
    """The words that the dialplan got of the choices of the plan; only where it has some."""


def plan(
    configuration: Configuration,
    dialled: str,
    number: str | None,
    context: str,
    now: datetime,
    *,
    sure: bool = False,
    country: str = "",
) -> PlannedCall:
    """Return the call that would be placed, and the decisions that should follow; nothing is done yet.

    Raises InformativaError where the call is impossible and, without `sure`, where it would put on record
    that a caller was told who heard nothing; and LedgerError.
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
    line = line_for(line_named(configuration, dialled), country)
    require_live(configuration, line.controller)
    _require_plain(number, context)
    _require_country(country)
    caller = recognise(incoming_call(number, dialled), line)
    decisions = policy.decide(line, history_of(caller, line), caller, now)
    call = PlannedCall(account, line, dialled, number, context, tuple(decisions), country)
    if not sure:
        _require_harmless(call, caller)
    return call


def _require_plain(number: str | None, context: str) -> None:
    """Raise InformativaError for what cannot be a number or a context: it would become part of a command to
    Asterisk."""
    if number is not None and not _NUMBER.fullmatch(number):
        raise InformativaError(
            Text("That is no number to call from."), Text("Type it like +393331234567, or `withheld`.")
        )
    if context and not _CONTEXT.fullmatch(context):
        raise InformativaError(
            Text("{context} cannot be the name of a context.", context=context),
            Text("Type it as in extensions.conf, without brackets."),
        )


def _require_country(country: str) -> None:
    """Raise InformativaError for what no dialplan would pass on."""
    if not re.fullmatch(r"[A-Za-z]{0,20}", country):
        raise InformativaError(
            Text("{country} cannot be a country.", country=country), Text("Type two letters such as AL.")
        )


def _require_harmless(call: PlannedCall, caller: Caller) -> None:
    """Raise InformativaError where the record would be of somebody who heard nothing."""
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
    presses: Sequence[Press] = (),
    progress: Callable[[CallPlaced | Moment], None] = lambda _step: None,
) -> TestCall:
    """Place the call, wait for its end, and compare the result with the plan. With `through` it goes through
    the real dialplan even where that may ring somebody. Keys are pressed as `presses` say. `progress` is
    called at each step.

    Raises InformativaError where it cannot be placed, ManagerError and LedgerError.
    """
    timeline: list[Moment] = []

    def on_moment(moment: Moment) -> None:
        timeline.append(moment)
        progress(moment)

    line, account = call.line, call.account
    async with ami.session(account) as manager:
        call_entry = await entry(manager, call.dialled, call.context, through=through)
        channel = f"Local/{call.dialled}@{call_entry.context}/n"
        progress(CallPlaced(channel))
        newest = await asyncio.to_thread(_newest, line)
        outcome = await test_call.place(
            manager, account, channel, call.number or "", call.seconds, on_moment, presses, call.country
        )
    new_records = await asyncio.to_thread(_since, line, newest + 1)
    records = [record for record in new_records if record.event.call == outcome.call]
    problems = tuple(_problems(call, outcome, records))
    status, reason = call.expected
    return TestCall(
        line=line.number,
        controller=line.controller.id,
        number=call.caller,
        channel=channel,
        timeline=tuple(timeline),
        expected=CallResult(str(status), str(reason), record=None),
        result=_result(outcome),
        records=tuple(Record.of(record, line.controller.id) for record in records),
        notes=(*call_entry.notes, *_notes(outcome), *_unsent(presses, timeline)),
        problems=tuple(
            Problem.of(errors.ConfigProblem("", None, "", text), "test-call") for text in problems
        ),
        in_order=not problems,
        choices=_answers(outcome) if line.choices else None,
    )


def _longest(choice: Choice) -> float:
    """Return the seconds for which a choice may hold a call: each time the longest prompt and the wait."""
    prompts = [prompt.seconds for version in choice.wording.versions for *_, prompt in version.prompts()]
    return choice.tries * (max(prompts, default=0.0) + choice.wait)


def _answers(outcome: TestCallResult) -> tuple[GivenAnswer, ...]:
    pairs = [item.partition(":") for item in outcome.choices.split()]
    return tuple(GivenAnswer(choice, Answer(word)) for choice, _, word in pairs)


def _unsent(presses: Sequence[Press], timeline: Sequence[Moment]) -> Iterator[Text]:
    sent = sum(moment.what is CallStep.KEY for moment in timeline)
    for press in sorted(presses, key=lambda press: press.seconds)[sent:]:
        yield Text("the call was over before the key {key} was to be pressed", key=press.key)


def _result(outcome: TestCallResult) -> CallResult | None:
    if not outcome.status:
        return None
    return CallResult(outcome.status, outcome.reason or None, outcome.record or None)


def _problems(
    call: PlannedCall, outcome: TestCallResult, records: Collection[model.Record]
) -> Iterator[Text]:
    """Return the differences between the call and its explanation, and between the call and the ledger."""
    result, expected = (outcome.status, outcome.reason), call.expected
    looked_up = bool(call.line.controller.lookups) and call.number is not None
    if not outcome.status:
        yield Text("no status was ever set: see Asterisk's log (asterisk -rvvv) for where the call went")
    elif result != expected and not (looked_up and outcome.status == Status.NOTDUE):
        yield Text(
            "the call came to {told}; `informativa explain` says {expected}",
            told=" ".join(result),
            expected=" ".join(expected),
        )
    if outcome.status == Status.FAILED:
        yield Text("the prompt could not be played", "type: informativa check")
    if outcome.status == Status.FALLBACK:
        yield Text("neither service nor script could handle it", "type: informativa status")
    if outcome.status and outcome.record not in {str(record.number) for record in records}:
        yield Text("the ledger has no record {record} of this call", record=outcome.record or "-")


def _notes(outcome: TestCallResult) -> Iterator[Text]:
    if outcome.by_script:
        yield Text("the script answered, because the service did not; type: informativa status")
    if outcome.lacking:
        yield Text(
            "the manager account does not see when prompts begin and end. {remedy}", remedy=outcome.lacking
        )


def _newest(line: Line) -> int:
    with existing_ledger(line.controller) as store:
        return store.newest() if store else 0


def _since(line: Line, first: int) -> list[model.Record]:
    with existing_ledger(line.controller) as store:
        return list(store.records(first)) if store else []
