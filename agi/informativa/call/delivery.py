"""The playing of one notice: in the first language that can be played, and by the caller's keys."""

from __future__ import annotations

from dataclasses import replace

from ..model import ChangedRecording, Decision, Ending, Heard, Line, Prompt, PromptChoice
from ..model.frozen import dataclass
from ..model.ports import CallSession, Recordings
from . import playback

REPEATS = 4  # how often keys may start another prompt, so that a call is not held for ever


@dataclass(frozen=True)
class Delivery:
    """The outcome of playing a notice: the choice among its languages, the prompt that was played last, and
    the part of it that was heard.

    `recording` is the digest of the sound, '' where none was played. `changed` is the reason why a recording
    must not be played, `cut_off` the cancellation that ended the prompt, because the service must stop.
    """

    choice: PromptChoice
    prompt: Prompt
    heard: Heard
    recording: str = ""
    changed: str = ""
    cut_off: BaseException | None = None


@dataclass(frozen=True)
class Player:
    """The playing of notices to the caller of one session. Nothing is raised: a cancellation is an outcome,
    which is for the caller of `play` to go on with."""

    session: CallSession
    recordings: Recordings
    line: Line

    async def play(self, decision: Decision) -> Delivery:
        """Play the notice in the first language that has a playable prompt."""
        changed = ""
        for choice in decision.choices:
            delivery = await self._play_choice(choice)
            changed = delivery.changed or changed
            if delivery.heard.ending not in (Ending.NOT_PLAYABLE, Ending.CHANGED):
                break
        return replace(delivery, changed=changed) if changed else delivery

    async def _play_choice(self, choice: PromptChoice) -> Delivery:
        """Play the notice in one language, and obey the caller's keys.

        A caller who hears the full text to its end has heard all that the short one says, so it counts alike.
        """
        keys, prompt = self.line.keys, choice.prompt
        stops = (keys.full if choice.full else "") + keys.repeat + keys.skip
        for _ in range(1 + REPEATS):
            delivery = await self._play_prompt(choice, prompt, stops)
            heard = delivery.heard
            if heard.ending is not Ending.KEY or heard.key not in (keys.full, keys.repeat):
                break
            if heard.key == keys.full and choice.full is not None and prompt is choice.prompt:
                prompt = choice.full
            elif heard.key == keys.repeat:
                prompt = choice.prompt
            else:  # the key of the full text again: enough of it
                break
        return delivery

    async def _play_prompt(self, choice: PromptChoice, prompt: Prompt, stops: str) -> Delivery:
        """Play one prompt. Only one that was the right recording before and after may inform."""
        owner, recording = self.line.controller.id, ""
        try:
            before = await self.recordings.current(owner, prompt)
            if isinstance(before, ChangedRecording):
                heard = playback.nothing(Ending.CHANGED, prompt)
                return Delivery(choice, prompt, heard, changed=str(before.why))
            recording = before.recording
            report = await self.session.play(before, stops, answer=self.line.answer)
            heard = playback.judge(report, before)
            if heard.ending is Ending.NOT_PLAYABLE:
                return Delivery(choice, prompt, heard)
            if heard.ending not in (Ending.WHOLE, Ending.KEY):
                return Delivery(choice, prompt, heard, recording)
            after = await self.recordings.current(owner, prompt)
        except BaseException as error:  # cancelled, that is; to name it would cost a script asyncio's import
            heard = playback.nothing(Ending.SERVICE_STOPPED, prompt)
            return Delivery(choice, prompt, heard, recording, cut_off=error)
        if isinstance(after, ChangedRecording):
            return Delivery(choice, prompt, replace(heard, ending=Ending.CHANGED), changed=str(after.why))
        return Delivery(choice, prompt, heard, recording)
