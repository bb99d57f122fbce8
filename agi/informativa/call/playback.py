"""Judgement of how much of a prompt was heard, from Asterisk's report. Pure; the home of invariant I2.

STREAM FILE answers `result=0` when the file ended by itself, the key's ASCII code when a key ended it, and -1
both for a hang-up and for a file that cannot be opened. `endpos` counts samples of the file that Asterisk
chose, at that file's rate: 16000 is two seconds of a .wav and one of a .sln16.
"""

from __future__ import annotations

from ..model import TELEPHONE_RATE, Ending, Heard, Keys, Length, Playback, Prompt, Status

MARGIN = 0.1  # seconds between the reported position and the known length that still count as whole
_NO_FILE = Length(0, TELEPHONE_RATE)
PACE = 0.95  # Asterisk plays in real time: nobody heard more seconds than passed, but for a rounding


STATUS = {
    Ending.WHOLE: Status.PLAYED,
    Ending.KEY: Status.PARTIAL,
    Ending.HUNG_UP: Status.PARTIAL,
    Ending.CUT_SHORT: Status.PARTIAL,
    Ending.CONNECTION_LOST: Status.PARTIAL,
    Ending.SERVICE_STOPPED: Status.PARTIAL,
    Ending.NOT_PLAYABLE: Status.FAILED,
    Ending.CHANGED: Status.FAILED,
}


def judge(playback: Playback, prompt: Prompt) -> Heard:
    """Return the part of `prompt` that the caller heard.

    Only a file that ended by itself, at the known length and not beyond that of an installed format (then it
    was another file), after about the time that it lasts, is whole. Everything else is less, and the notice
    stays due.
    """
    if playback.lost:
        return nothing(Ending.CONNECTION_LOST, prompt)
    file = _file(playback, prompt)
    samples = min(playback.endpos, file.samples)
    if playback.result > 0:
        return Heard(Ending.KEY, samples, file.samples, file.rate, chr(playback.result & 0x7F))
    if playback.result < 0:
        ending = Ending.NOT_PLAYABLE if playback.alive else Ending.HUNG_UP
        return Heard(ending, samples, file.samples, file.rate)
    if playback.endpos == 0:  # older Asterisks answer so for a missing file
        return nothing(Ending.NOT_PLAYABLE, prompt)
    length = prompt.seconds
    within = any(_within(playback.endpos, length_of_file) for length_of_file in prompt.lengths)
    whole = within and 0 < length <= samples / file.rate + MARGIN and playback.seconds >= PACE * length
    return Heard(Ending.WHOLE if whole else Ending.CUT_SHORT, samples, file.samples, file.rate)


def status(heard: Heard, keys: Keys) -> Status:
    """Return the status of a notice of which this was heard: SKIPPED where a setting says that the caller who
    pressed the key for it counts as informed."""
    skipped = heard.ending is Ending.KEY and heard.key == keys.skip
    return Status.SKIPPED if skipped and keys.skip_informs else STATUS[heard.ending]


def nothing(ending: Ending, prompt: Prompt) -> Heard:
    """Return a `Heard` for none of `prompt`, with this ending."""
    longest = max(prompt.lengths, key=lambda length: length.seconds, default=_NO_FILE)
    return Heard(ending, 0, longest.samples, longest.rate)


def _file(playback: Playback, prompt: Prompt) -> Length:
    """Return the length of the file that Asterisk chose: of several rates the one whose reading of the
    position fits its length and the time that passed."""
    endpos, passed = playback.endpos, playback.seconds / PACE
    possible = [
        length for length in prompt.lengths if _within(endpos, length) and _seconds(endpos, length) <= passed
    ]
    return min(
        possible or prompt.lengths,
        key=lambda length: abs(_seconds(endpos, length) - playback.seconds),
        default=_NO_FILE,
    )


def _within(endpos: int, length: Length) -> bool:
    """Return whether a file of this length can have been played as far as `endpos`. Beyond, it was another
    one."""
    return endpos / length.rate <= length.seconds + MARGIN


def _seconds(endpos: int, length: Length) -> float:
    return min(endpos / length.rate, length.seconds)
