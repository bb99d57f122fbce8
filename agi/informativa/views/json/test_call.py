"""What became of a test call."""

from __future__ import annotations

from pydantic import Field

from ... import errors
from ...asterisk import test_call as calls
from ...operations.problems import Problem
from ...operations.record_document import Record
from ...operations.test_call import CallReport
from .shapes import Document, Seconds, Shape


class Moment(Shape):
    """One thing that happened to a call."""

    seconds: Seconds
    """How long after it was placed."""
    what: calls.CallStep
    """What happened."""
    fact: str | None
    """Which channel, address, prompt or status."""

    @classmethod
    def of(cls, moment: calls.Moment) -> Moment:
        """As Asterisk told it."""
        return cls(seconds=moment.seconds, what=moment.what, fact=moment.fact or None)


class CallResult(Shape):
    """What the dialplan gets to know of a call."""

    status: str
    """INFORMATIVA_STATUS."""
    reason: str | None
    """INFORMATIVA_REASON."""
    record: str | None
    """INFORMATIVA_RECORD: the number of a record, or a row of the fallback spool."""


class TestCall(Document):
    """What became of a test call."""

    line: str
    """The called number, as the configuration has it."""
    controller: str
    """The controller's name in the configuration."""
    number: str | None = Field(serialization_alias="from")
    """The number that the call came from, masked; null where it was withheld."""
    channel: str
    """The channel that Asterisk placed it at."""
    timeline: list[Moment]
    """What happened, in this order."""
    expected: CallResult
    """What the dialplan should have got; which record cannot be known before."""
    result: CallResult | None
    """What it got; null where no status was ever set."""
    records: list[Record]
    """What was put on record of this call."""
    notes: list[str]
    """What somebody should know."""
    problems: list[Problem]
    """What is not as it should be."""
    in_order: bool
    """Whether all is."""

    @classmethod
    def of(cls, found: CallReport) -> TestCall:
        """As it went."""
        call, outcome = found.call, found.outcome
        owner = call.line.controller.id
        status, reason = call.expected
        result = CallResult(
            status=outcome.status, reason=outcome.reason or None, record=outcome.record or None
        )
        return cls(
            line=call.line.number,
            controller=owner,
            number=call.caller,
            channel=found.channel,
            timeline=[Moment.of(each) for each in found.timeline],
            expected=CallResult(status=status, reason=reason, record=None),
            result=result if outcome.status else None,
            records=[Record.of(record, owner) for record in found.records],
            notes=[str(note) for note in found.notes],
            problems=[Problem.of(errors.Problem("", None, "", one), "test-call") for one in found.problems],
            in_order=found.in_order,
        )
