"""The asking of one choice: its prompt is played, and the caller answers by key.

STREAM FILE ends at the key of an option; the wait for a key begins at its reply, before anything else is
done, because a key that comes while no command runs is lost. What a key means, choice_policy.py says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..model import (
    Answer,
    Asked,
    CallResult,
    ChangedRecording,
    Ending,
    Heard,
    Line,
    Prompt,
    PromptChoice,
)
from ..model.frozen import dataclass
from ..model.ports import CallSession, Recordings
from . import choice_policy, playback
from .choice_policy import ChoiceDecision
from .delivery import Delivery

DOUBLED_SECONDS = 0.5  # a key that is sent in two ways at once arrives twice
_GONE = (Ending.HUNG_UP, Ending.CONNECTION_LOST)
_AGAIN = (Answer.EARLY, Answer.UNCLEAR)
_UNHEARD = (Ending.NOT_PLAYABLE, Ending.CHANGED)


@dataclass(frozen=True)
class AnsweredChoice:
    """The outcome of asking a choice: the answer, the delivery of the prompt that was played last, the number
    of times that it was asked, and the seconds of the last wait."""

    answer: Answer
    delivery: Delivery
    tries: int
    waited: float = 0.0

    def for_record(self, decision: ChoiceDecision) -> Asked:
        """Return the answer as a record has it."""
        choice = decision.choice
        milliseconds = round(self.waited * 1000)
        return Asked(choice.id, choice.asks, self.answer, decision.options, self.tries, milliseconds)


class Chooser:
    """The asking of choices of one call. Nothing is raised: a cancellation is an outcome, which is for the
    caller of `ask` to go on with."""

    def __init__(self, session: CallSession, recordings: Recordings, line: Line) -> None:
        self._session, self._recordings, self._line = session, recordings, line
        self._last_key = ""

    def note_keys(self, results: Sequence[CallResult]) -> None:
        """Note the key that ended the notice before, if one did: it may come once more."""
        for event in results[-1].events if results else ():
            if event.heard is not None:
                self._last_key = event.heard.key

    async def ask(self, decision: ChoiceDecision) -> AnsweredChoice:
        """Ask in the first language that has a playable prompt, again after a key that is no answer.

        A call is held for at most `tries` times the prompt and the wait, and once more the first half second
        of the prompt.
        """
        changed = ""
        for language_choice in decision.decision.choices:
            for tries in range(1, decision.choice.tries + 1):
                outcome = await self._ask_once(decision, language_choice, tries)
                if outcome.answer not in _AGAIN:
                    break
            changed = outcome.delivery.changed or changed
            if outcome.delivery.heard.ending not in _UNHEARD or outcome.answer is not Answer.NOT_ASKED:
                break
        return replace(outcome, delivery=replace(outcome.delivery, changed=changed)) if changed else outcome

    async def _ask_once(
        self, decision: ChoiceDecision, language_choice: PromptChoice, tries: int
    ) -> AnsweredChoice:
        prompt, recording = language_choice.prompt, ""
        owner, waited = self._line.controller.id, 0.0
        answer, heard = Answer.NOT_ASKED, playback.nothing(Ending.SERVICE_STOPPED, prompt)

        def outcome(answer: Answer, heard: Heard, changed: str = "") -> AnsweredChoice:
            delivery = Delivery(language_choice, prompt, heard, recording, changed)
            return AnsweredChoice(answer, delivery, tries, waited)

        try:
            before = await self._recordings.current(owner, prompt)
            if isinstance(before, ChangedRecording):
                heard = playback.nothing(Ending.CHANGED, prompt)
                return outcome(Answer.NOT_ASKED, heard, str(before.why))
            recording = before.recording
            heard = await self._play(decision, before)
            if heard.ending is Ending.NOT_PLAYABLE:
                recording = ""
                return outcome(Answer.NOT_ASKED, heard)
            if heard.ending in _GONE:
                return outcome(Answer.HUNG_UP, heard)
            if heard.ending is Ending.KEY:
                answer = choice_policy.answer_in_prompt(decision, heard.key)
            else:
                press = await self._session.key(decision.choice.wait)
                waited = press.seconds
                if press.hung_up:
                    return outcome(Answer.HUNG_UP, heard)
                answer = choice_policy.answer_in_wait(decision, press.key, heard.ending, press.seconds)
                heard = replace(heard, key=press.key)
            self._last_key = heard.key
            after = await self._recordings.current(owner, prompt)
        except BaseException as error:  # cancelled, that is; to name it would cost a script asyncio's import
            answer = _of_unknown_prompt(decision, answer)
            if answer is Answer.NOT_ASKED:
                heard = playback.nothing(Ending.SERVICE_STOPPED, prompt)
            stopped = outcome(answer, heard)
            return replace(stopped, delivery=replace(stopped.delivery, cut_off=error))
        if isinstance(after, ChangedRecording):
            heard = replace(heard, ending=Ending.CHANGED)
            return outcome(_of_unknown_prompt(decision, answer), heard, str(after.why))
        return outcome(answer, heard)

    async def _play(self, decision: ChoiceDecision, prompt: Prompt) -> Heard:
        """Play a prompt, anew if the key before it came twice: in RFC 4733's packets and as a tone, say."""
        stops = "".join(decision.keys)
        heard = playback.judge(await self._session.play(prompt, stops), prompt)
        if heard.ending is Ending.KEY and heard.key == self._last_key and heard.seconds < DOUBLED_SECONDS:
            self._last_key = ""
            heard = playback.judge(await self._session.play(prompt, stops), prompt)
        return heard


def _of_unknown_prompt(decision: ChoiceDecision, answer: Answer) -> Answer:
    """Return the answer to a prompt that was exchanged meanwhile: nobody knows what was said, so nothing was
    granted, and silence means nothing."""
    unsaid = (decision.kind.grants, Answer.SILENCE, *_AGAIN)
    return Answer.NOT_ASKED if answer in unsaid else answer
