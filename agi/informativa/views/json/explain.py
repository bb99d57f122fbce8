"""What would happen to a call."""

from __future__ import annotations

from pydantic import Field

from ... import model
from ...operations.explain import ExplainedDecision, PlannedPlayback, RecognisedCaller
from ...operations.explain import Explanation as Explained
from .shapes import Document, Seconds, Shape, Time, said


class ExplainedCall(Shape):
    """A call that was not made."""

    number: str | None = Field(serialization_alias="from")
    """The number that the caller shows, masked; null where it is withheld."""
    to: str
    """The called number, as it was given."""
    at: Time
    """When it comes."""


class ExplainedLine(Shape):
    """The line that is called."""

    number: str
    """The called number, as the configuration has it."""
    controller: str
    """The controller's name in the configuration."""
    name: str
    """What it is called."""
    live: bool
    """Whether anything is put on record for it."""
    why_not: str | None
    """Why it is not live."""

    @classmethod
    def of(cls, line: model.Line) -> ExplainedLine:
        """As it is configured."""
        owner = line.controller
        return cls(
            number=line.number,
            controller=owner.id,
            name=owner.name,
            live=not owner.refused,
            why_not=said(owner.refused),
        )


class ExplainedCaller(Shape):
    """Who calls, as far as it can be said."""

    recognised: bool
    """Whether the number shown can be taken for one caller's."""
    reason: model.Reason | None
    """Why not."""
    country: str | None
    """The number's country (ISO 3166)."""
    pseudonym: str | None
    """What records have for this caller, in hexadecimal digits."""

    @classmethod
    def of(cls, caller: RecognisedCaller | model.Unidentified) -> ExplainedCaller:
        """As the number shown is understood."""
        if isinstance(caller, RecognisedCaller):
            pseudonym = caller.pseudonym.hex()
            return cls(recognised=True, reason=None, country=caller.country or None, pseudonym=pseudonym)
        return cls(recognised=False, reason=caller.reason, country=None, pseudonym=None)


class PriorDelivery(Shape):
    """What a caller already got of a notice."""

    versions: list[str]
    """Which versions."""
    purposes: list[str]
    """Of which purposes they told."""
    record: int
    """The newest record that shows it."""
    at: Time
    """When that happened."""

    @classmethod
    def of(cls, known: model.PriorDelivery) -> PriorDelivery:
        """As the ledger has it."""
        return cls(
            versions=sorted(known.versions),
            purposes=sorted(known.purposes),
            record=known.record,
            at=known.at,
        )


class Playback(Shape):
    """A prompt that is to be played."""

    prompt: str
    """Where it is, without extension, as Asterisk knows it."""
    language: str
    """Its language."""
    seconds: Seconds
    """How long it is."""
    informs: bool
    """Whether the caller counts as informed once it was heard to its end."""

    @classmethod
    def of(cls, playback: PlannedPlayback) -> Playback:
        """As it would be played."""
        return cls(
            prompt=playback.prompt.path,
            language=playback.language,
            seconds=playback.prompt.seconds,
            informs=playback.informs,
        )


class Decision(Shape):
    """What is to be done with one notice for one caller, and why."""

    notice: str
    """Which notice."""
    version: str
    """The version in force."""
    play: bool
    """Whether it is to be played."""
    reason: model.Reason
    """Why it was decided so."""
    status: model.Status
    """How it goes, where what is played is heard to its end."""
    purposes: list[str]
    """Of which purposes its prompts tell."""
    supplement: bool
    """Whether only what is new since an earlier version is told."""
    known: PriorDelivery | None
    """What the caller already got of this notice."""
    playback: Playback | None
    """What is played."""
    lookups: list[str]
    """Which of the company's own systems are asked first whether the caller knows it."""

    @classmethod
    def of(cls, found: ExplainedDecision) -> Decision:
        """As the policy decides."""
        decision = found.decision
        return cls(
            notice=decision.notice.id,
            version=decision.version.id,
            play=decision.play,
            reason=decision.reason,
            status=found.status,
            purposes=sorted(decision.purposes),
            supplement=decision.supplement,
            known=PriorDelivery.of(found.known) if found.known else None,
            playback=Playback.of(found.playback) if found.playback else None,
            lookups=list(found.lookups),
        )


class Explanation(Document):
    """What would happen to a call, and by which rules."""

    call: ExplainedCall
    """The call that was asked about."""
    line: ExplainedLine
    """Which line it comes to."""
    caller: ExplainedCaller
    """Who calls."""
    language: str
    """The language that the caller should hear."""
    notices: list[Decision]
    """In the order of the line's plan."""

    @classmethod
    def of(cls, found: Explained) -> Explanation:
        """As it would go."""
        return cls(
            call=ExplainedCall(number=found.number, to=found.dialled, at=found.at),
            line=ExplainedLine.of(found.line),
            caller=ExplainedCaller.of(found.caller),
            language=found.language,
            notices=[Decision.of(each) for each in found.decisions],
        )
