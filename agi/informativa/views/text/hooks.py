"""The hooks of companies, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from ...model import Controller
from ...model.text import Foreign
from ...operations.hooks import HookChange, HookReport, HookStatus, HookTest
from ..choice_words import ANSWERS
from ..messages import Language
from ..terminal import one_line
from ..times import local_time


def hooks(report: HookReport, controllers: Mapping[str, Controller], say: Language) -> Iterator[str]:
    """Yield what was done, and the state of each hook, in the time zone of its company."""
    if report.test:
        yield _test(report.test, say)
    if report.change:
        yield from _change(report.change, say)
    for status in report.hooks:
        host = status.host or say("no usable hook is configured")
        yield one_line(say("{name} ({id}): {host}", name=status.name, id=status.controller, host=host))
        for line in _status(status, controllers[status.controller].zone, say):
            yield one_line("    " + line)


def _test(test: HookTest, say: Language) -> str:
    if test.taken:
        return say("The hook took the test {id} (status {status}).", id=test.id, status=test.status)
    reason = error_words(str(test.status or test.error), say)
    return say("The hook did not take the test {id}: {why}.", id=test.id, why=reason)


def _change(change: HookChange, say: Language) -> Iterator[str]:
    if change.resumed:
        yield say.counted(
            "{count} message waits, and is sent within seconds by the service.",
            "{count} messages wait, and are sent within seconds by the service.",
            change.messages,
        )
    elif change.done:
        yield say.counted(
            "{count} message was discarded: the hook is not told of it.",
            "{count} messages were discarded: the hook is not told of them.",
            change.messages,
        )
    else:
        yield say.counted(
            "{count} message would be discarded: the hook would not be told of it.",
            "{count} messages would be discarded: the hook would not be told of them.",
            change.messages,
        )
        yield say("Nothing was discarded yet. To do it, add --yes.")


def error_words(error: str, say: Language) -> str:
    """Return why a message was not taken: the status of the answer, or the system's words."""
    if error.isdigit():
        redirect = error.startswith("3")
        status = say("it answered with status {status}", status=error)
        return f"{status} ({say('redirects are not followed')})" if redirect else status
    return say("it did not answer ({why})", why=Foreign(error))


def _status(status: HookStatus, zone: tzinfo, say: Language) -> Iterator[str]:
    if status.stopped:
        yield say(
            "STOPPED since {at}: it answered with 410, and wants no messages any more",
            at=local_time(status.stopped, zone),
        )
    if status.waiting and status.oldest:
        yield say.counted(
            "{count} message waits, since {at}",
            "{count} messages wait, the oldest since {at}",
            status.waiting,
            at=local_time(status.oldest, zone),
        )
    else:
        yield say("nothing waits")
    if status.delivered:
        yield say("last message taken: {at}", at=local_time(status.delivered, zone))
    else:
        yield say("no message was taken yet")
    if status.failed and status.error:
        yield say(
            "last error: {at}, {why}", at=local_time(status.failed, zone), why=error_words(status.error, say)
        )
    if status.unnamed:
        yield say.counted(
            "{count} cannot be sent: the hook had no secret then to name the caller by",
            "{count} cannot be sent: the hook had no secret then to name the callers by",
            status.unnamed,
        )
    for message in status.failing:
        yield say(
            "{id}: record {record}, {choice} {answer}, sent {tries} times, {why}",
            id=message.id,
            record=message.record,
            choice=message.choice,
            answer=say(ANSWERS[message.answer]),
            tries=message.tries,
            why=error_words(message.error, say) if message.error else say("its caller has no name"),
        )
