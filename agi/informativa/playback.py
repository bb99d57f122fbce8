"""How much of a prompt was heard, told from what Asterisk reported. Pure; the home of invariant I2.

STREAM FILE answers `result=0` when the file ended by itself, the key's ASCII code when a key ended
it, and -1 both for a hang-up and for a file that cannot be opened. `endpos` counts samples of the
file that Asterisk chose, at that file's rate: 16000 is two seconds of a .wav and one of a .sln16.
"""

from __future__ import annotations

from .model import Ending, Heard, Length, Playback, Prompt

MARGIN = 0.1  # seconds between the reported position and the known length that still count as whole
PACE = 0.95  # Asterisk plays in real time: nobody heard more seconds than passed, but for a rounding


def judge(playback: Playback, prompt: Prompt) -> Heard:
    """What the caller heard of `prompt`.

    Only a file that ended by itself, at the known length and not beyond that of an installed format
    (then it was another file), after about the time that it lasts, is whole. Everything else is
    less, and the notice stays due.
    """
    length = prompt.seconds
    heard = _position(playback, prompt)
    if playback.lost:
        return Heard(Ending.CONNECTION_LOST, 0.0, length)
    if playback.result > 0:
        return Heard(Ending.KEY, heard, length, chr(playback.result & 0x7F))
    if playback.result < 0:
        ending = Ending.NOT_PLAYABLE if playback.alive else Ending.HUNG_UP
        return Heard(ending, heard, length)
    if playback.endpos == 0:  # older Asterisks answer so for a missing file
        return Heard(Ending.NOT_PLAYABLE, 0.0, length)
    within = any(_within(playback.endpos, it) for it in prompt.lengths)
    whole = within and 0 < length <= heard + MARGIN and playback.seconds >= PACE * length
    return Heard(Ending.WHOLE if whole else Ending.CUT_SHORT, heard, length)


def _position(playback: Playback, prompt: Prompt) -> float:
    """Seconds heard. Of several rates the reading that fits the file and the time that passed."""
    endpos, passed = playback.endpos, playback.seconds / PACE
    readings = [_seconds(endpos, it) for it in prompt.lengths]
    fitting = [_seconds(endpos, it) for it in prompt.lengths if _within(endpos, it)]
    possible = [seconds for seconds in fitting if seconds <= passed]
    return min(possible or readings, key=lambda seconds: abs(seconds - playback.seconds), default=0.0)


def _within(endpos: int, length: Length) -> bool:
    """Whether a file of this length can have been played so far. Beyond, it was another one."""
    return endpos / length.rate <= length.seconds + MARGIN


def _seconds(endpos: int, length: Length) -> float:
    return min(endpos / length.rate, length.seconds)
