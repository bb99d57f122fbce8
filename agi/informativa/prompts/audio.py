"""Sound for the telephone: recordings read, measured, trimmed, brought to one level, written.

libsoxr (package soxr) changes the rate. It is imported where it is used: a call needs neither it nor numpy.

Samples are floats between -1 and 1, levels are in dB below full scale (dBov: 0 is a square wave at the
limit). The level of speech is the RMS over the spoken parts, without the pauses, in the spirit of ITU-T P.56:
fast, and enough to find a prompt that stands out. What is made here is brought to one loudness (loudness.py).
"""

from __future__ import annotations

import math
import struct
import sys
import wave
from array import array
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby, pairwise, repeat
from operator import mul, truediv
from pathlib import Path
from typing import Any

from ..model.errors import PromptError
from ..model.text import Foreign, Text
from .loudness import high_passed, loudness

NARROW, WIDE = 8000, 16000  # hertz: of the telephone, and of G.722
LOUDNESS, CEILING = -23.0, -3.0  # LUFS of speech (those of the prompts shipped), dBov of its highest peak
LEVEL = -21.0  # dBov: of speech of that loudness, give or take two, by the voice
LOUDEST, QUIETEST = -14.0, -30.0  # dBov: beyond, a prompt stands out from all that is heard beside it
CLEAR = 20.0  # dB between speech and pauses, below which a recording is noisy
LEAD, TAIL = 0.05, 0.15  # seconds of silence around it: an answered call loses its first milliseconds
_FRAME = 100  # frames a second, in which sound is measured
_ACTIVE = 25.0  # dB below the loud frames, down to which a frame counts as spoken
_SOFT = 42.0  # dB below speech, down to which it begins and ends
_AUDIBLE = 18.0  # dB below speech, which is sound and no noise
_GAP = 15  # frames, longer than the silence before a `t`
_MARGIN = 0.03, 0.1  # seconds left before and after that, for a soft consonant
_CLIPPED = 3  # samples in a row at the very peak: a top cut flat; and so many of them are no chance
_FULL_SCALE = 32768  # of 16-bit samples
_BAND = {NARROW: 150.0, WIDE: 80.0}  # hertz below which there is no voice, but rumble


@dataclass(frozen=True)
class Sound:
    """Mono sound: samples between -1 and 1, and their number in a second."""

    samples: array[float]
    rate: int

    @property
    def seconds(self) -> float:
        """The length in seconds."""
        return len(self.samples) / self.rate

    @property
    def level(self) -> float:
        """The level of speech, in dBov; -inf for silence."""
        return _level(self.samples, self.rate, 1)

    @property
    def peak(self) -> float:
        """The highest sample, in dB below full scale; -inf for silence."""
        return _decibel(max(map(abs, self.samples), default=0.0) ** 2)


# --- reading and writing ---


def read_wav(file: Path) -> Sound:
    """Read a `.wav` that Asterisk plays, without a library. Raises PromptError."""
    return from_pcm(*_read_pcm(file))


def _read_pcm(file: Path) -> tuple[bytes, int]:
    """Return the 16-bit samples of such a file, the lower byte first, and their number in a second. Raises
    PromptError."""
    try:
        with wave.open(str(file), "rb") as stream:
            if (stream.getnchannels(), stream.getsampwidth()) != (1, 2):
                raise PromptError(Text("{file} is not mono and 16 bit.", file=file))
            return stream.readframes(stream.getnframes()), stream.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        message = Text("{file} cannot be read ({error}).", file=file, error=Foreign(str(error)))
        raise PromptError(message) from error


def resampled(sound: Sound, rate: int) -> Sound:
    """Return the sound at another rate, without frequencies below a voice there."""
    samples = at_rate(sound, rate).samples
    return Sound(high_passed(samples, rate, _BAND.get(rate, 80.0)), rate)


def at_rate(sound: Sound, rate: int) -> Sound:
    """Return the sound at another rate, with all its frequencies that fit into it."""
    if sound.rate == rate:
        return sound
    import numpy as np
    import soxr

    samples = soxr.resample(np.frombuffer(sound.samples, np.float32), sound.rate, rate, quality="VHQ")
    return Sound(array("f", samples.tobytes()), rate)


def pcm(sound: Sound) -> bytes:
    """Return 16-bit samples, the lower byte first."""
    integers = (
        max(-_FULL_SCALE, min(_FULL_SCALE - 1, round(value * _FULL_SCALE))) for value in sound.samples
    )
    return struct.pack(f"<{len(sound.samples)}h", *integers)


def from_pcm(data: bytes, rate: int) -> Sound:
    """Return the sound of 16-bit samples, the reverse of `pcm`. Half a sample at the end of a truncated file
    is left out."""
    return Sound(array("f", map(truediv, _integers(data), repeat(_FULL_SCALE))), rate)


def _integers(data: bytes) -> array[int]:
    integers = array("h", data[: len(data) // 2 * 2])
    if sys.byteorder == "big":
        integers.byteswap()
    return integers


def wav(sound: Sound) -> bytes:
    """Return a WAV file of nothing but a header and samples, as Asterisk reads it."""
    return wav_file(pcm(sound), sound.rate)


def wav_file(body: bytes, rate: int) -> bytes:
    """Return a WAV file of mono 16-bit samples, the lower byte first."""
    form = (16, 1, 1, rate, 2 * rate, 2, 16)
    head = (b"RIFF", 36 + len(body), b"WAVE", b"fmt ", *form, b"data", len(body))
    return struct.pack("<4sI4s4sIHHIIHH4sI", *head) + body


# --- measuring ---


def _level(samples: array[float] | array[int], rate: int, full_scale: int) -> float:
    """Return the level of speech in samples up to `full_scale`, in dBov; -inf for silence."""
    return _decibel(_speech(_frames(samples, rate)) / full_scale**2)


def _frames(samples: array[float] | array[int], rate: int) -> list[float]:
    """Return the mean square of every ten milliseconds."""
    step = rate // _FRAME
    pieces = (samples[at : at + step] for at in range(0, len(samples) - step + 1, step))
    return [sum(map(mul, piece, piece)) / step for piece in pieces]


def _speech(frames: list[float]) -> float:
    """Return the mean square of the frames in which somebody speaks."""
    if not frames:
        return 0.0
    loud = sorted(frames)[int(0.95 * (len(frames) - 1))]
    active = [power for power in frames if power >= loud * _power(-_ACTIVE)]
    return sum(active) / len(active)


def _pauses(frames: list[float]) -> float:
    """Return the mean square of the sound when nobody speaks."""
    return sorted(frames)[len(frames) // 20] if frames else 0.0


def _decibel(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else -math.inf


def _power(decibel: float) -> float:
    return math.pow(10.0, decibel / 10)


def clipped(sound: Sound) -> int:
    """Count the places where the tops of the waves are cut flat."""
    return _clipped(sound.samples, sound.samples, 1)


def _clipped(samples: array[float] | array[int], values: Collection[float], full_scale: int) -> int:
    """Count them in samples up to `full_scale`; `values` are those that occur in them."""
    ends = {min(values, default=0), max(values, default=0)}
    peak = max(map(abs, ends))
    if _decibel((peak / full_scale) ** 2) < LEVEL:
        return 0
    peaks, data = [value for value in ends if abs(value) == peak], samples.tobytes()
    # Bytes may be counted that belong to two samples, and never too few. That takes a tenth of the time.
    if sum(data.count(array(samples.typecode, [value]).tobytes()) for value in peaks) < _CLIPPED**2:
        return 0
    tops = sorted(at for value in peaks for at in _positions(samples, value))
    runs = (list(run) for _, run in groupby(enumerate(tops), lambda top: top[1] - top[0]))
    places = sum(1 for run in runs if len(run) >= _CLIPPED)
    return places if places >= _CLIPPED else 0


def _positions(samples: array[Any], value: float) -> Iterator[int]:
    """Yield each index of a value that is rare among many samples."""
    at = -1
    with suppress(ValueError):
        while True:
            at = samples.index(value, at + 1)
            yield at


def recording_warnings(sound: Sound) -> Iterator[Text]:
    """Yield warnings about a recording, for an admin, before callers hear it."""
    frames = _frames(sound.samples, sound.rate)
    level, places = _decibel(_speech(frames)), clipped(sound)
    if places:
        yield Text(
            "it is clipped in {places} places (too loud where it was recorded); record it again, softer",
            places=places,
        )
    if -math.inf < level < QUIETEST - 15:
        yield Text(
            "it was recorded very softly ({level:.0f} dBov), so its noise is lifted too; record it louder",
            level=level,
        )
    if level - _decibel(_pauses(frames)) < CLEAR:
        yield Text("it has much noise in its pauses, or none; record it in a quiet room")


def level_faults(sound: Sound) -> Iterator[Text]:
    """Yield faults in the level of a finished prompt. Silence has none: see `comparison.is_silent`."""
    return _level_faults(sound.level, clipped(sound))


def wav_level_faults(file: Path) -> Iterator[Text]:
    """Yield the same of a `.wav` that Asterisk plays: what is only measured stays integers, which takes a
    third of the time. Raises PromptError."""
    return _pcm_level_faults(*_read_pcm(file))


def _pcm_level_faults(data: bytes, rate: int) -> Iterator[Text]:
    samples = _integers(data)
    places = _clipped(samples, set(samples), _FULL_SCALE)
    return _level_faults(_level(samples, rate, _FULL_SCALE), places)


def _level_faults(level: float, places: int) -> Iterator[Text]:
    if level > LOUDEST or -math.inf < level < QUIETEST:
        how = Text("loud") if level > LOUDEST else Text("soft")
        yield Text(
            "is too {how}: its speech is at {level:.0f} dBov, and {right:.0f} dBov is right",
            how=how,
            level=level,
            right=LEVEL,
        )
    if places:
        yield Text("is clipped in {places} places", places=places)


# --- making it right ---


def finished(sound: Sound) -> Sound:
    """Return the sound trimmed, levelled, with a little silence around it. Raises PromptError if there is no
    sound."""
    body = levelled(trimmed(sound))
    lead, tail = (array("f", bytes(4 * round(silence * sound.rate))) for silence in (LEAD, TAIL))
    return Sound(lead + body.samples + tail, sound.rate)


def trimmed(sound: Sound) -> Sound:
    """Return the sound without the silence before and after, which may be a noise far below the speech."""
    frames = _frames(sound.samples, sound.rate)
    speech = _speech(frames)
    if _decibel(speech) < -70:
        raise PromptError(Text("There is nothing to be heard in it."), Text("Record it again."))
    above_noise = min(_pauses(frames) * _power(6), speech * _power(-_AUDIBLE))  # there may be no pause
    audible = {at for at, power in enumerate(frames) if power > max(speech * _power(-_SOFT), above_noise)}
    spoken = [at for at, power in enumerate(frames) if power > speech * _power(-_AUDIBLE)]
    begin = max(0.0, _edge(audible, spoken[0], -1) / _FRAME - _MARGIN[0])
    end = (_edge(audible, spoken[-1], 1) + 1) / _FRAME + _MARGIN[1]
    return Sound(sound.samples[round(begin * sound.rate) : round(end * sound.rate)], sound.rate)


def _edge(audible: set[int], at: int, step: int) -> int:
    """Return the last frame of softer sound that follows without a gap. Sound after a gap is a click, or a
    breath."""
    while next_frames := [frame for frame in range(at + step, at + step * _GAP, step) if frame in audible]:
        at = next_frames[0]
    return at


def levelled(sound: Sound) -> Sound:
    """Return the sound at the loudness for speech, with peaks above the ceiling turned down unclipped."""
    sound = _amplified(sound, LEVEL - sound.level)  # first, so that nothing is too soft to have a loudness
    for _round in range(3):  # turning down a peak lowers the loudness a little: repeat
        sound = _amplified(sound, LOUDNESS - loudness(sound.samples, sound.rate))
        if sound.peak <= CEILING:
            break
        sound = _limited(sound)
    return sound


def _amplified(sound: Sound, decibel: float) -> Sound:
    gain = math.sqrt(_power(decibel))
    return Sound(array("f", (value * gain for value in sound.samples)), sound.rate)


def _limited(sound: Sound) -> Sound:
    """Turn the volume down around each peak, in a straight line from block to block of 5 ms. At each border
    stands the smaller gain of its two blocks, so no line between borders lets a peak through."""
    step, ceiling = sound.rate // 200, math.sqrt(_power(CEILING)) * 0.999
    blocks = [sound.samples[at : at + step] for at in range(0, len(sound.samples), step)]
    gains = [min(1.0, ceiling / max(1e-9, *map(abs, block), 0.0)) for block in blocks]
    borders = [gains[0], *(min(pair) for pair in pairwise(gains)), gains[-1]]
    out: array[float] = array("f")
    for block, (left, right) in zip(blocks, pairwise(borders), strict=True):
        if left == right == 1.0:
            out += block
        else:
            slope = (right - left) / len(block)
            out += array("f", (value * (left + slope * at) for at, value in enumerate(block)))
    return Sound(out, sound.rate)


def faded(sound: Sound) -> Sound:
    """Return the sound with 5 ms of fading at either end, so that it does not click."""
    reach = min(sound.rate // 200, len(sound.samples) // 2)
    samples = sound.samples[:]
    for at in range(reach):
        samples[at] *= (at + 1) / reach
        samples[-1 - at] *= (at + 1) / reach
    return Sound(samples, sound.rate)


def join_sounds(sounds: Iterator[tuple[Sound, float]]) -> Sound:
    """Return the sounds one after the other, each after its seconds of silence; all of one rate."""
    samples: array[float] = array("f")
    rate = WIDE
    for sound, pause in sounds:
        rate = sound.rate
        samples += array("f", bytes(4 * round(pause * rate))) + sound.samples
    return Sound(samples, rate)


def prompt(sound: Sound) -> dict[str, bytes]:
    """Return the files of a prompt by extension: `wav`, and `sln16` if the sound has so high a rate."""
    wide = finished(resampled(sound, WIDE))
    files = {"wav": wav(levelled(resampled(wide, NARROW)))}
    return files | ({"sln16": pcm(wide)} if sound.rate >= WIDE else {})
