"""Whether a prompt has a sound, and its formats one: by how loud each fiftieth of a second of them is.

Asterisk plays the file that suits a channel's codec, so silence, or another text, in one of them is heard by
some callers and by no admin. What a codec does to a sound changes its course of loudness little. G.722 and
GSM are not decoded for it: how far they have turned up their own gain says as much.
"""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Callable, Sequence
from pathlib import Path

from .. import files
from .installed import LARGEST

_FRAMES = 50  # a second
_ROOM = 35.0  # dB below the loud frames, beyond which all is silence
_SHIFT = 5  # frames by which one may begin later: a tenth of a second, as formats may differ in length
_LIKE = 0.7  # correlation of the same sound; codecs leave 0.84 and more, other words 0.0
_WINDOW = _FRAMES  # frames, a second, in which no more may differ on average than …
_APART = {True: 6.0, False: 12.5}  # … so many dB; other words differ by 20. False: where a gain stands for it
_FLAT = 1.0  # dB² of variance, below which there is no course to compare
_COARSE = ("gsm", "g722")
_HEARD = 5  # frames, a tenth of a second: what sounds for less is a click


def odd(recordings: Sequence[Path]) -> list[Path]:
    """Those that are not the same sound as the first. Raises OSError, EOFError, wave.Error."""
    first, *others = recordings
    wanted = _levels(first) if others else []
    return [other for other in others if not _alike(wanted, _levels(other), _exact(first, other))]


def silent(file: Path) -> bool:
    """Whether there is nothing to be heard in it. Raises OSError, EOFError, wave.Error."""
    read, softest = _READERS[file.suffix[1:]]
    return sum(loudness >= softest for loudness in read(file)) < _HEARD


def _exact(*recordings: Path) -> bool:
    return not any(file.suffix[1:] in _COARSE for file in recordings)


def _alike(one: Sequence[float], other: Sequence[float], exact: bool) -> bool:
    shifts = sorted(range(-_SHIFT, _SHIFT + 1), key=abs)  # most formats begin together
    return any(_same(one[max(0, -by) :], other[max(0, by) :], _APART[exact]) for by in shifts)


def _same(one: Sequence[float], other: Sequence[float], apart: float) -> bool:
    pairs = list(zip(one, other, strict=False))  # one may be a few frames longer
    if not pairs or _correlation(pairs) < _LIKE:
        return False
    distances = [abs(a - b) for a, b in pairs]
    windows = (distances[at : at + _WINDOW] for at in range(0, len(distances), _WINDOW // 2))
    return all(sum(window) <= apart * max(len(window), _WINDOW // 2) for window in windows)


def _correlation(pairs: Sequence[tuple[float, float]]) -> float:
    count = len(pairs)
    middle = sum(a for a, _ in pairs) / count, sum(b for _, b in pairs) / count
    one = sum((a - middle[0]) ** 2 for a, _ in pairs) / count
    other = sum((b - middle[1]) ** 2 for _, b in pairs) / count
    if one < _FLAT or other < _FLAT:
        return 1.0 if one < _FLAT and other < _FLAT else 0.0
    return sum((a - middle[0]) * (b - middle[1]) for a, b in pairs) / count / math.sqrt(one * other)


def _levels(file: Path) -> list[float]:
    """Each frame's level in dB below the file's own loud frames."""
    read, softest = _READERS[file.suffix[1:]]
    loudness = read(file)
    loud = max(softest, sorted(loudness)[int(0.95 * (len(loudness) - 1))]) if loudness else softest
    floor = loud * math.pow(10.0, -_ROOM / 20)
    return [20 * math.log10(max(value, floor) / loud) for value in loudness]


# --- how loud each frame is, on a scale of each format's own ---


def _wav(file: Path) -> list[float]:
    with files.reading(file, LARGEST) as opened, wave.open(opened, "rb") as sound:
        return _linear(sound.readframes(sound.getnframes()), sound.getframerate())


def _sln(rate: int) -> Callable[[Path], list[float]]:
    return lambda file: _linear(files.read(file, LARGEST), rate)


def _linear(data: bytes, rate: int) -> list[float]:
    samples, step = array("h", data[: len(data) // 2 * 2]), rate // _FRAMES
    return [sum(map(abs, samples[at : at + step])) / step for at in range(0, len(samples) - step + 1, step)]


def _alaw(byte: int) -> int:
    exponent, mantissa = (byte ^ 0x55) >> 4 & 7, (byte ^ 0x55) & 15
    return (mantissa << 4) + 8 if exponent == 0 else ((mantissa << 4) + 0x108) << (exponent - 1)


def _ulaw(byte: int) -> int:
    exponent, mantissa = ~byte >> 4 & 7, ~byte & 15
    return (((mantissa << 3) + 0x84) << exponent) - 0x84


def _companded(amplitude: Callable[[int], int]) -> Callable[[Path], list[float]]:
    table = [amplitude(byte) for byte in range(256)]

    def read(file: Path) -> list[float]:
        data, step = files.read(file, LARGEST), 8000 // _FRAMES
        starts = range(0, len(data) - step + 1, step)
        return [sum(map(table.__getitem__, data[at : at + step])) / step for at in starts]

    return read


_STEPS = (-60, -30, 58, 172, 334, 538, 1198, 3042)  # G.722, table 7: how the lower band's gain moves
_CODES = (0, 7, 6, 5, 4, 3, 2, 1, 7, 6, 5, 4, 3, 2, 1, 0)  # by which of its codes


def _g722(file: Path) -> list[float]:
    """The scale factor of the lower band, which follows the signal (G.722, 3.5)."""
    moves = [_STEPS[_CODES[(byte & 0x3F) >> 2]] for byte in range(256)]
    gains = [math.pow(2.0, factor / 2048) for factor in range(18433)]
    factor, total, step, found = 0, 0.0, 8000 // _FRAMES, list[float]()
    for number, byte in enumerate(files.read(file, LARGEST), 1):
        factor = min(18432, max(0, (factor * 127 >> 7) + moves[byte]))
        total += gains[factor]
        if number % step == 0:
            found.append(total / step)
            total = 0.0
    return found


_SIZES = (6, 6, 5, 5, 4, 4, 3, 3)  # GSM 06.10, table 1.1: bits of each log area ratio …
_SCALES = (20.0, 20.0, 20.0, 20.0, 13.637, 15.0, 8.334, 8.824)  # … and how they were quantised (table 3.1)
_OFFSETS = (0.0, 0.0, 4.0, -5.0, 0.184, -3.5, -0.666, -2.235)
_LAGS = (0.1, 0.35, 0.65, 1.0)  # gains of the long-term predictor


def _reflection(ratio: float) -> float:
    """The size of a reflection coefficient, of its log area ratio (GSM 06.10, 3.5)."""
    size = abs(ratio)
    bent = size if size < 0.675 else size / 2 + 0.3375 if size < 1.225 else size / 8 + 0.796875
    return min(bent, 0.999)


def _gsm(file: Path) -> list[float]:
    """The energy of the residual, turned up by both predictors: one frame is a fiftieth of a second."""
    left = [
        [1 - _reflection((code - (1 << size - 1) - offset) / scale) ** 2 for code in range(1 << size)]
        for size, scale, offset in zip(_SIZES, _SCALES, _OFFSETS, strict=True)
    ]
    data, before, found = files.read(file, LARGEST), 0.0, list[float]()
    for at in range(0, len(data) - 32, 33):
        bits, bit, passed, total = int.from_bytes(data[at : at + 33], "big"), 260, 1.0, 0.0
        for size, table in zip(_SIZES, left, strict=True):
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
            before = 0.13 * top * top + 0.8 * lag * lag * before
            total += before / passed
        found.append(math.sqrt(total / 4))
    return found


_READERS: dict[str, tuple[Callable[[Path], list[float]], float]] = {
    "wav": (_wav, 100.0),  # beside each: how loud the loud frames must be at least, or all is silence
    "wav16": (_wav, 100.0),
    "sln": (_sln(8000), 100.0),
    "sln16": (_sln(16000), 100.0),
    "sln48": (_sln(48000), 100.0),
    "alaw": (_companded(_alaw), 100.0),
    "ulaw": (_companded(_ulaw), 100.0),
    "gsm": (_gsm, 40.0),
    "g722": (_g722, 8.0),
}
