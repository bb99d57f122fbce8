"""A test call, step by step, and its result, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...asterisk.test_call import CallStep, Moment
from ...model import Controller, name_and_id
from ...model.text import Text
from ...operations.record_document import Record
from ...operations.test_call import CallPlaced, PlannedCall, TestCall
from ..choice_sentences import ANSWERS
from ..messages import Language
from ..times import local_time
from .explain import WITHHELD

_STEPS = {
    CallStep.PLACED: Text("placed"),
    CallStep.SERVICE: Text("the service is asked: {fact}"),
    CallStep.SCRIPT: Text("the script is asked: {fact}"),
    CallStep.ANSWERED: Text("answered"),
    CallStep.KEY: Text("key {fact} is pressed"),
    CallStep.BEGINS: Text("notice begins: {fact}"),
    CallStep.ENDS: Text("notice ends"),
    CallStep.STATUS: Text("status {fact}"),
    CallStep.OVER: Text("hung up"),
}


def progress(step: CallPlaced | Moment, call: PlannedCall, say: Language) -> Iterator[str]:
    """Yield the call that is about to be placed, and then each step."""
    if isinstance(step, CallPlaced):
        yield say(
            "Test call to {line} ({company}), from {number}, by {place}",
            line=call.line.number,
            company=call.line.controller.name,
            number=say(WITHHELD) if call.caller is None else call.caller,
            place=step.channel,
        )
        yield (
            say("It makes a real record, a delivery to nobody.")
            if call.caller is None
            else say("It makes a real record of this caller.")
        )
        return
    fact = _prompt(step.fact, call, say) if step.what is CallStep.BEGINS else step.fact
    yield f"{say.number(step.seconds, '7.2f')} s  {say(_STEPS[step.what].format(fact=fact))}"


def report(result: TestCall, call: PlannedCall, say: Language) -> Iterator[str]:
    """Yield the records of the call, and the problems."""
    for record in result.records:
        yield _record(record, call.line.controller, say)
    for given in result.choices or ():
        choice = say(name_and_id(given.choice, call.line.controller.names))
        yield f"{choice}: {given.answer}, {say(ANSWERS[given.answer])}"
    for note in result.notes:
        yield say("note: {note}", note=note)
    for problem in result.problems:
        yield say("WRONG: {problem}", problem=problem.text)
    if result.in_order:
        yield say(
            "In order: {status} ({reason}), as `informativa explain` says.",
            status=result.expected.status,
            reason=result.expected.reason,
        )


def _prompt(path: str | None, call: PlannedCall, say: Language) -> str | None:
    """Return a prompt's path, with its length if it is one that is due."""
    prompts = [prompt for decision in call.decisions for prompt in decision.prompts.values()]
    seconds = next((prompt.seconds for prompt in prompts if prompt.path == path), None)
    return path if seconds is None else f"{path}, {say.number(seconds, '.1f')} s"


def _record(record: Record, company: Controller, say: Language) -> str:
    heard = record.heard
    length = (
        say("{seconds:.1f} of {length:.1f} s", seconds=heard.seconds, length=heard.length) if heard else ""
    )
    played = f", {length}, {heard.ending}" if heard else ""
    about = record.asked.choice if record.asked else record.notice or ""
    notice = say(name_and_id(about, company.names))
    return (
        say("record {number}", number=record.number)
        + f": {local_time(record.at, company.zone, seconds=True)}, {notice} {record.version or ''}"
        f" {record.language or ''}, {record.status} {record.reason}{played}"
    )
