"""A choice during which the service stops: what a caller's key took from nobody is on record."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from choosing import CONSENT, NO, YES, planned, pressed
from doubles import MemoryLedger, ScriptedSession, SteadyRecordings
from handling import handle, services
from informativa.model import Answer, ChangedRecording, Ending, Prompt


@dataclass
class StoppingRecordings(SteadyRecordings):
    """Prompts beside which the service stops: at the look after the question was answered."""

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """Cancel the call at the second look at the question."""
        if prompt.path == "/prompts/it/marketing" and self.owners.count("question"):
            raise asyncio.CancelledError
        if prompt.path == "/prompts/it/marketing":
            self.owners.append("question")
        return await super().current(controller, prompt)


@pytest.mark.parametrize(
    ("digit", "answer", "ending"),
    [(NO, Answer.REFUSED, Ending.WHOLE), (YES, Answer.NOT_ASKED, Ending.SERVICE_STOPPED)],
)
def test_key_before_the_service_stops_refuses_and_grants_nothing(
    digit: str, answer: Answer, ending: Ending
) -> None:
    """A no that came just before counts; a yes to a question of which nobody could say any more that it was
    the one on file does not."""
    ledger = MemoryLedger()
    session = ScriptedSession(presses=[pressed(digit)])
    with pytest.raises(asyncio.CancelledError):
        handle(session, services(planned(CONSENT), ledger, recordings=StoppingRecordings()))
    record = list(ledger.records())[-1]
    assert record.event.asked is not None
    assert record.event.heard is not None
    assert (record.event.asked.answer, record.event.heard.ending) == (answer, ending)
