"""One caller on one line, and the events that are recorded of the call. Pure, but for the salt that is drawn
for each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..evidence import commitment
from ..model import (
    Answer,
    Caller,
    CallerHistory,
    Decision,
    Event,
    Identified,
    IncomingCall,
    Line,
    Notice,
    RecordKind,
    Status,
    Unasked,
    Unidentified,
    Version,
    told_elsewhere,
)
from ..model.frozen import dataclass
from ..model.redaction import plain_id
from . import caller as callers
from . import playback, policy
from .delivery import Delivery

if TYPE_CHECKING:  # a script needs them only where there are choices
    from ..model.choices import AnswerHistory
    from .choice_policy import ChoiceDecision
    from .choosing import AnsweredChoice

CLAIMS = 30  # of notices heard earlier in a call that are looked up

LONGEST_COUNTRY = 20  # letters of a word that is no country, for the log
_CLAIM = re.compile(r"(?<!\S)[a-z][a-z0-9_-]{0,31}:\d{1,18}(?!\S)")


@dataclass(frozen=True)
class Conversation:
    """One caller on one line: what all that is recorded of a call has in common.

    `pseudonyms` are the caller's, by the controller's key and by the keys before it; there are none of a
    caller who is not recognised. `claims` are `notice:record` for each notice that was heard to its end
    earlier in the call, before a transfer, as its channel says. `language` is the one that he should hear.
    """

    call: IncomingCall
    line: Line
    caller: Caller
    pseudonyms: Sequence[bytes]
    claims: Sequence[str]
    language: str
    country: str = ""
    """The dialplan's word for the operators' country, where it is none; else ''."""

    @property
    def doubt(self) -> str:
        """The sentence for the admin's log about words of the network or the dialplan that nobody
        understood; '' if there are none."""
        if isinstance(self.caller, Unidentified) and self.caller.doubt:
            return unknown_words(self.caller.doubt)
        return unknown_country(self.line.number, self.country) if self.country else ""

    def decide(self, history: CallerHistory, same_call: CallerHistory, now: datetime) -> list[Decision]:
        """Return the policy's decisions, by what the caller already got and what he heard in this call."""
        return policy.decide(self.line, history, self.caller, now, same_call, self.language)

    def play_all(self, now: datetime) -> list[Decision]:
        """Return the policy's decisions where the ledger says nothing."""
        return policy.play_all(self.line, now, self.language)

    def ask_all(self, now: datetime) -> Sequence[ChoiceDecision]:
        """Return the decisions about choices where the ledger says nothing: nobody is asked for what only a
        record can prove."""
        from ..model.choices import KINDS, NO_ANSWERS

        if not self.line.choices:
            return ()
        in_call = {
            planned.choice.id: Answer.NOT_ASKED
            for planned in self.line.choices
            if KINDS[planned.choice.asks].personal
        }
        return [
            replace(choice, unasked=Unasked.NOT_ON_RECORD) if choice.kind.personal else choice
            for choice in self.decide_choices(NO_ANSWERS, in_call, {}, now)
        ]

    def decide_choices(
        self,
        answers: AnswerHistory,
        in_call: Mapping[str, Answer],
        history: CallerHistory,
        now: datetime,
    ) -> Sequence[ChoiceDecision]:
        """Return the decisions about the line's choices, by what the caller answered before."""
        from . import choice_policy  # only where there are choices

        return choice_policy.decide(self.line, answers, in_call, history, self.caller, now, self.language)

    def choice_event(
        self, decision: ChoiceDecision, outcome: AnsweredChoice, basis: int | None, at: datetime
    ) -> Event:
        """Return the event of a choice that was asked or, where its prompt could not be played, was to be
        asked."""
        event = self.event(decision.decision, at, outcome.delivery)
        status = Status.NOTASKED if outcome.answer is Answer.NOT_ASKED else Status.ASKED
        asked = outcome.for_record(decision)
        if (hook := self.line.controller.hook) is not None and isinstance(self.caller, Identified):
            asked = replace(asked, subject=callers.hook_subject(self.caller, hook))
        return replace(event, notice="", status=status, basis=basis, counts=True, asked=asked)

    def event(self, decision: Decision, at: datetime, delivery: Delivery | None = None) -> Event:
        """Return the event of a notice that is left out or, with its `delivery`, of one that was played."""
        caller = self.caller if isinstance(self.caller, Identified) else None
        language, purposes, status = decision.language, decision.purposes, decision.status_of_skip
        prompt = instead_of = recording = ""
        heard, is_supplement, counts = None, False, True
        if delivery is not None:
            choice, heard, recording = delivery.choice, delivery.heard, delivery.recording
            prompt, status = delivery.prompt.path, playback.status(heard, self.line.keys)
            language, instead_of, counts = choice.language, choice.instead_of, choice.informs
            is_supplement = decision.supplement and delivery.prompt is choice.prompt
            purposes = decision.purposes if is_supplement else decision.version.purposes
        return Event(  # fields by place: by name these fifteen would cost each call 1 % more instructions
            at,
            self.call.id,
            self.line.number,
            next(iter(self.pseudonyms), None),
            decision.notice.id,
            decision.version.id,
            language,
            purposes,
            status,
            decision.reason,
            prompt,
            heard,
            decision.basis.record if decision.basis else None,
            self.call.linked,
            instead_of,
            vouched=caller.vouched if caller else None,
            recording=recording,
            supplement=is_supplement,
            counts=counts,
            binding=commitment.bind(caller, self.line.controller.key) if caller else None,
        )

    def told_elsewhere(
        self,
        notice: Notice,
        version: Version,
        kind: RecordKind,
        at: datetime,
        reference: str,
        recorded: datetime,
    ) -> Event:
        """Return the event of a notice that the caller got otherwise than by a prompt."""
        event = told_elsewhere(
            notice,
            version,
            kind,
            at,
            next(iter(self.pseudonyms), None),
            reference,
            recorded,
            call=self.call.id,
            line=self.line.number,
            language=self.language,
            linked=self.call.linked,
        )
        if isinstance(self.caller, Unidentified):
            return event
        binding = commitment.bind(self.caller, self.line.controller.key)
        return replace(event, vouched=self.caller.vouched, binding=binding)


def begin(call: IncomingCall, line: Line) -> Conversation:
    """Recognise the caller, and return the conversation that the call begins, on the line as it is for the
    country that the dialplan names."""
    country = ""
    if line.countries:
        from ..model import countries, numbering  # few lines need it
        from ..model.plan import OTHERS

        word = call.options.get("country", "")
        is_named = countries.matching_country(line.countries, word) != OTHERS
        if not is_named and word.lower() not in ("", OTHERS) and not numbering.is_region(word.upper()):
            country = word[:LONGEST_COUNTRY]
        line = countries.line_for(line, word)
    caller, pseudonyms = callers.recognise(call, line), list[bytes]()
    if isinstance(caller, Identified):
        pseudonyms = callers.pseudonyms_under(caller, line.controller.keys)
    heard = call.options.get("heard")
    claims = _CLAIM.findall(heard)[-CLAIMS:] if heard else []
    if heard and (origin := origin_of(heard)):
        call = replace(call, linked=plain_id(origin[1:], call.number))
    language = policy.wanted_language(line, caller, call.options.get("language", ""))
    return Conversation(call, line, caller, pseudonyms, claims, language, country)


def origin_of(heard: str) -> str:
    """Return the first word of what a channel says was heard, where that names the conversation (`@` and its
    linked id) from which the call came back by SIP; else ''."""
    return heard.partition(" ")[0] if heard.startswith("@") else ""


def unknown_words(words: str) -> str:
    """Return the message for an admin about words that the network sent about a number and nobody
    understood."""
    return (
        f"the network says {words!r} of a caller's number, which nobody understands: the notice is played."
        f' Say in the configuration what it means: `verification: {{"{words}": passed}}` (or failed, absent)'
    )


def unknown_country(line: str, word: str) -> str:
    """Return the message for an admin about a word of the dialplan that is no country."""
    return (
        f"the dialplan says INFORMATIVA_COUNTRY={word} on the line {line}, which is no country: callers get"
        " the steps for all others. Write two letters there, such as AL (ISO 3166; GB for the United Kingdom)"
    )
