"""Checks that a prompt has a sound, and that its formats have the same one, by the loudness of each fiftieth
of a second.

Asterisk plays the file that suits a channel's codec, so silence, or another text, in one of them is heard by
some callers and by no admin. A codec changes the course of loudness little. G.722 and GSM are not decoded:
the gain that is coded in them shows the loudness as well.
"""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, islice
from operator import sub
from pathlib import Path

from ..system import files
from .installed import LARGEST

_FRAMES = 50  # a second
_NARROW = 8000  # hertz: the rate of a telephone's sound
_ROOM = 35.0  # dB below the loud frames, beyond which all is silence
_SHIFT = 5  # frames by which one may begin later: a tenth of a second, as formats may differ in length
_LEAST_CORRELATION = 0.7  # correlation of the same sound; codecs leave 0.84 and more, other words 0.0
_WINDOW = _FRAMES  # frames, a second, in which no more may differ on average than …
_DISTANCE = {True: 6.0, False: 12.5}  # … so many dB; other words differ by 20. False: only a gain is read
_FLAT = 1.0  # dB² of variance, below which the loudness has no course to compare
_COARSE = ("gsm", "g722")
_LEAST_FRAMES = 5  # frames, a tenth of a second: a shorter sound is a click


def other_sounds(recordings: Sequence[Path]) -> list[Path]:
    """Return the recordings that have another sound than the first. Raises OSError, EOFError, wave.Error."""
    first, *further = recordings
    levels = _levels(first) if further else []
    return [
        recording for recording in further if not _alike(levels, _levels(recording), _exact(first, recording))
    ]


def is_silent(file: Path) -> bool:
    """Return whether nothing can be heard in it. Raises OSError, EOFError, wave.Error."""
    read, softest = _READERS[file.suffix[1:]]
    audible = (frame for frame in read(file) if frame >= softest)
    return len(list(islice(audible, _LEAST_FRAMES))) < _LEAST_FRAMES  # mostly of its first second


def _exact(*recordings: Path) -> bool:
    return not any(file.suffix[1:] in _COARSE for file in recordings)


def _alike(levels: Sequence[float], other_levels: Sequence[float], exact: bool) -> bool:
    shifts = sorted(range(-_SHIFT, _SHIFT + 1), key=abs)  # most formats begin together
    return any(
        _same(levels[max(0, -shift) :], other_levels[max(0, shift) :], _DISTANCE[exact]) for shift in shifts
    )


def _same(levels: Sequence[float], other_levels: Sequence[float], distance: float) -> bool:
    pairs = list(zip(levels, other_levels, strict=False))  # one of the two may be a few frames longer
    if not pairs or _correlation(pairs) < _LEAST_CORRELATION:
        return False
    distances = [abs(a - b) for a, b in pairs]
    windows = (distances[at : at + _WINDOW] for at in range(0, len(distances), _WINDOW // 2))
    return all(sum(window) <= distance * max(len(window), _WINDOW // 2) for window in windows)


def _correlation(pairs: Sequence[tuple[float, float]]) -> float:
    count = len(pairs)
    mean_a, mean_b = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    variance_a = sum((a - mean_a) ** 2 for a, _ in pairs) / count
    variance_b = sum((b - mean_b) ** 2 for _, b in pairs) / count
    if variance_a < _FLAT or variance_b < _FLAT:
        return 1.0 if variance_a < _FLAT and variance_b < _FLAT else 0.0
    covariance = sum((a - mean_a) * (b - mean_b) for a, b in pairs) / count
    return covariance / math.sqrt(variance_a * variance_b)


def _levels(file: Path) -> list[float]:
    """Return each frame's level in dB below the file's own loud frames."""
    read, softest = _READERS[file.suffix[1:]]
    loudness = list(read(file))
    loud = max(softest, sorted(loudness)[int(0.95 * (len(loudness) - 1))]) if loudness else softest
    floor = loud * math.pow(10.0, -_ROOM / 20)
    return [20 * math.log10(max(value, floor) / loud) for value in loudness]


# --- the loudness of each frame, on a scale of the format's own ---


def _wav(file: Path) -> Iterator[float]:
    with files.reading(file, LARGEST) as stream, wave.open(stream, "rb") as sound:
        data, rate = sound.readframes(sound.getnframes()), sound.getframerate()
    return _linear(data, rate)


def _sln(rate: int) -> Callable[[Path], Iterator[float]]:
    return lambda file: _linear(files.read(file, LARGEST), rate)


def _linear(data: bytes, rate: int) -> Iterator[float]:
    samples = array("h", data[: len(data) // 2 * 2])
    width, step = max(1, rate // _NARROW), rate // _FRAMES
    reach = step + 2 * (width - 1)
    return (
        sum(map(abs, _without_hiss(samples[at : at + reach], width))) / (step * width**2)
        for at in range(0, len(samples) - reach + 1, step)
    )


def _without_hiss(samples: Sequence[int], width: int) -> Sequence[int]:
    """Return the samples, `width`² times as large, with the sounds softened that are too high for
    a telephone: a master at 16 kHz has an S as loud as a vowel where the narrow format of the same sound has
    a pause."""
    for _pass in range(2 if width > 1 else 0):
        sums = list(accumulate(samples, initial=0))
        samples = list(map(sub, sums[width:], sums))
    return samples


def _alaw(byte: int) -> int:
    exponent, mantissa = (byte ^ 0x55) >> 4 & 7, (byte ^ 0x55) & 15
    return (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)


def _ulaw(byte: int) -> int:
    exponent, mantissa = ~byte >> 4 & 7, ~byte & 15
    return (((mantissa << 3) + 0x84) << exponent) - 0x84


def _companded(amplitude: Callable[[int], int]) -> Callable[[Path], Iterable[float]]:
    table = [amplitude(byte) for byte in range(256)]

    def read(file: Path) -> list[float]:
        data, step = files.read(file, LARGEST), 8000 // _FRAMES
        starts = range(0, len(data) - step + 1, step)
        return [sum(map(table.__getitem__, data[at : at + step])) / step for at in starts]

    return read


_STEPS = (-60, -30, 58, 172, 334, 538, 1198, 3042)  # G.722, table 7: changes of the lower band's gain
_CODES = (0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0)  # by code of the lower band


def _g722(file: Path) -> list[float]:
    """Return the scale factor of the lower band, which follows the signal (G.722, 3.5)."""
    changes = [_STEPS[_CODES[(byte & 0x3F) >> 2]] for byte in range(256)]
    gains = [math.pow(2.0, factor / 2048) for factor in range(18433)]
    factor, total, step, loudness = 0, 0.0, 8000 // _FRAMES, list[float]()
    for number, byte in enumerate(files.read(file, LARGEST), 1):
        factor = min(18432, max(0, (factor * 127 >> 7) + changes[byte]))
        total += gains[factor]
        if number % step == 0:
            loudness.append(total / step)
            total = 0.0
    return loudness


_SIZES = (6, 6, 5, 5, 4, 4, 3, 3)  # GSM 06.10, table 1.1: bits of each log area ratio …
_SCALES = (20.0, 20.0, 20.0, 20.0, 13.637, 15.0, 8.334, 8.824)  # … and their quantisation (table 3.1)
_OFFSETS = (0.0, 0.0, 4.0, -5.0, 0.184, -3.5, -0.666, -2.235)
_LAGS = (0.1, 0.35, 0.65, 1.0)  # gains of the long-term predictor


def _reflection(ratio: float) -> float:
    """Return the absolute reflection coefficient of a log area ratio (GSM 06.10, 3.5)."""
    size = abs(ratio)
    coefficient = size if size < 0.675 else size / 2 + 0.3375 if size < 1.225 else size / 8 + 0.796875
    return min(coefficient, 0.999)


def _gsm(file: Path) -> list[float]:
    """Return the energy of the residual, turned up by both predictors. One frame is a fiftieth of a
    second."""
    factors = [
        [1 - _reflection((code - (1 << size - 1) - offset) / scale) ** 2 for code in range(1 << size)]
        for size, scale, offset in zip(_SIZES, _SCALES, _OFFSETS, strict=True)
    ]
    data, energy, loudness = files.read(file, LARGEST), 0.0, list[float]()
    for at in range(0, len(data) - 32, 33):
        bits, bit, passed, total = int.from_bytes(data[at : at + 33], "big"), 260, 1.0, 0.0
        for size, table in zip(_SIZES, factors, strict=True):
            bit -= size
            passed *= table[bits >> bit & (1 << size) - 1]
        for end in (
            168,
            112,
            56,
            0,
        ):  # of each quarter: 7 bits of lag, 2 of its gain, 2, 6 of the peak, pulses
            lag, peak = _LAGS[bits >> end + 47 & 3], bits >> end + 39 & 63
            top = (peak << 5) + 31 if peak < 16 else (peak & 7) + 8 << (peak >> 3) + 4
            energy = 0.13 * top * top + 0.8 * lag * lag * energy
            total += energy / passed
        loudness.append(math.sqrt(total / 4))
    return loudness


_READERS: dict[str, tuple[Callable[[Path], Iterable[float]], float]] = {
    "wav": (_wav, 100.0),  # and the least loudness of the loud frames; below it all is silence
    "wav16": (_wav, 100.0),
    "sln": (_sln(8000), 100.0),
    "sln16": (_sln(16000), 100.0),
    "sln48": (_sln(48000), 100.0),
    "alaw": (_companded(_alaw), 100.0),
    "ulaw": (_companded(_ulaw), 100.0),
    "gsm": (_gsm, 40.0),
    "g722": (_g722, 8.0),
}
