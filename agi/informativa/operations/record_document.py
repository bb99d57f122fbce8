"""A record of a ledger as all programs read it: flat, with the name of its controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from .. import model
from .document import Seconds, Time


@dataclass(frozen=True)
class Heard:
    """The part of a prompt that reached the caller."""

    seconds: Seconds
    """Seconds of it that were heard."""
    length: Seconds
    """The length of the prompt in seconds."""
    ending: model.Ending
    """The way in which its playback ended."""
    key: str | None
    """The key that the caller pressed."""


@dataclass(frozen=True)
class AskedChoice:
    """A choice that was put to a caller, and his answer."""

    choice: str
    """The name of the choice."""
    kind: model.Asks
    """The kind of choice: what he was asked."""
    answer: model.Answer
    """His answer, or the reason why there is none."""
    options: Mapping[str, str]
    """The options by their keys, in the order in which he was told them."""
    tries: int
    """The number of times that he was asked."""
    waited: Seconds
    """Seconds from the end of the last prompt to his answer."""

    @classmethod
    def of(cls, asked: model.Asked) -> Self:
        """Build it from what an event says."""
        options = dict(option.split("=", 1) for option in asked.options.split())
        return cls(asked.choice, asked.asks, asked.answer, options, asked.tries, asked.waited / 1000)


@dataclass(frozen=True)
class Record:
    """One record of a ledger: what was decided and delivered of one notice to one caller."""

    controller: str
    """The company's name in the configuration."""
    number: int
    """Its number in that company's ledger."""
    at: Time
    """The time at which it happened."""
    recorded: Time
    """The time at which it was put on record."""
    call: str | None
    """Asterisk's id of the call (linkedid)."""
    line: str | None
    """The called number."""
    caller: str | None
    """The caller's pseudonym, in hexadecimal digits."""
    vouched: model.Vouched | None
    """The source of the claim that the number shown is the caller's."""
    erased: bool
    """True if the caller was erased at his request."""
    notice: str | None
    """The name of the notice."""
    version: str | None
    """The version of the notice."""
    language: str | None
    """The language in which it was given."""
    purposes: tuple[str, ...]
    """The purposes of which it told."""
    kind: model.RecordKind
    """The means by which it was given."""
    status: model.Status
    """The outcome."""
    reason: model.Reason
    """The reason of the decision."""
    rests_on: int | None
    """The record that shows that the caller knew it already: its number."""
    heard: Heard | None
    """The part of a prompt that was heard."""
    recording: str | None
    """The SHA-256 over those of the prompt's files in all formats."""
    supplement: bool
    """True if only what is new since an earlier version was told."""
    informs: bool
    """True if this caller counts as informed by it."""
    reference: str | None
    """The place of the evidence of a delivery by other means."""
    asked: AskedChoice | None = None
    """The choice that the record is about; only where it is about one, and then it is about no notice."""

    @classmethod
    def of(cls, record: model.Record, controller: str) -> Self:
        """Build it from a record of that company's ledger."""
        event = record.event
        return cls(
            controller=controller,
            number=record.number,
            at=event.at,
            recorded=event.recorded or event.at,
            call=event.call or None,
            line=event.line or None,
            caller=event.pseudonym.hex() if event.pseudonym else None,
            vouched=event.vouched,
            erased=event.erased,
            notice=event.notice or None,
            version=event.version or None,
            language=event.language or None,
            purposes=tuple(sorted(event.purposes)),
            kind=event.kind,
            status=event.status,
            reason=event.reason,
            rests_on=event.basis or None,
            heard=_heard(event.heard) if event.heard else None,
            recording=event.recording or None,
            supplement=event.supplement,
            informs=event.informs,
            reference=event.reference or None,
            asked=AskedChoice.of(event.asked) if event.asked else None,
        )


@dataclass(frozen=True)
class RecordLine(Record):
    """A record on a line of its own."""


@dataclass(frozen=True)
class Records:
    """Records, those of one company after those of the other, each company's in their order."""

    records: tuple[Record, ...]


def _heard(heard: model.Heard) -> Heard:
    return Heard(heard.seconds, heard.length, heard.ending, heard.key or None)
