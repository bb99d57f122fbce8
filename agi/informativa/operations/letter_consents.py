"""The consents in an answer to an access request: what was said last of each, and how to withdraw it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from ..call.choice_policy import remembered_until, why_ended
from ..config import Configuration
from ..model import A_CALL, Answer, Asks, CallerHistory, Choice, Controller, Identified, Reason, Record
from ..model.choices import StandingAnswer, answers_on_record


@dataclass(frozen=True)
class LetterConsent:
    """The last act of a caller about one consent."""

    choice: str
    """The name of the choice in the configuration."""
    answer: Answer
    """Granted, refused or withdrawn."""
    version: str
    """The version of the wording that the caller answered."""
    at: datetime
    """The time of it."""
    record: int
    """The number of the record that proves it."""
    holds: bool
    """True if it is a consent that still holds."""
    until: date | None = None
    """The day on which a consent that holds ends; `None` where that is not known."""
    withdraw_at: str = ""
    """The number to call to withdraw it; '' where there is none."""
    withdraw_key: str = ""
    """The key to press there."""


def letter_consents(
    configuration: Configuration,
    controller: Controller,
    caller: Identified,
    records: Iterable[Record],
    history: CallerHistory,
    now: datetime,
) -> tuple[LetterConsent, ...]:
    """Return what a caller said last of each consent that he was asked for, by his records."""
    choices = {choice.id: choice for choice in configuration.choices.get(controller.id, ())}
    records = tuple(records)
    since = _changed_hands(records)
    if since is not None:  # who had the number before
        records = tuple(record for record in records if record.event.at >= since)
    last = answers_on_record(records).acts
    return tuple(
        _consent(name, act, choices.get(name), controller, caller, history, now)
        for name, act in sorted(last.items())
    )


def _changed_hands(records: Iterable[Record]) -> datetime | None:
    """Return the time since when the number is this caller's, if somebody else had it before."""
    events = [record.event for record in records]
    begun = [event.at - A_CALL for event in events if event.informs and event.reason is Reason.RECYCLED]
    return max(begun, default=None)


def _consent(
    name: str,
    act: StandingAnswer,
    choice: Choice | None,
    controller: Controller,
    caller: Identified,
    history: CallerHistory,
    now: datetime,
) -> LetterConsent:
    """Return a caller's last act. A consent whose choice is not configured any more counts no more, as `show`
    says."""
    granted = act.word is Answer.GRANTED
    consent = LetterConsent(name, act.word, act.version, act.at, act.record, granted)
    if choice is None or choice.asks is not Asks.CONSENT:
        return replace(consent, holds=False)
    if not granted or why_ended(choice, act, history, caller, now, controller) != Reason.ALREADY_INFORMED:
        return replace(consent, holds=False)
    until = remembered_until(choice, act, controller)
    return replace(
        consent,
        until=until and until.astimezone(controller.zone).date(),
        withdraw_at=choice.withdraw_at,
        withdraw_key=choice.keys[Answer.REFUSED],
    )
