"""Events of choices as calls leave them in ledgers: what the tests of their records begin with."""

from __future__ import annotations

from dataclasses import replace

from examples import PLAYED
from informativa.model import Answer, Asked, Asks, Event, Reason, Status

OPTIONS = "5=refused 4=granted"


def answering(answer: Answer, event: Event = PLAYED, choice: str = "marketing", **more: object) -> Event:
    """Return the event of a consent that was asked in the call of an event."""
    asked = Asked(choice, Asks.CONSENT, answer, OPTIONS, 1, 1250)
    values = {"notice": "", "purposes": frozenset({"marketing"}), "asked": asked} | more
    heard = event.heard and replace(
        event.heard, key={Answer.GRANTED: "4", Answer.REFUSED: "5"}.get(answer, "")
    )
    return replace(
        event,
        status=Status.ASKED,
        reason=Reason.NOT_ANSWERED,
        heard=heard,
        **values,  # type: ignore[arg-type]
    )
