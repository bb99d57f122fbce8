"""The loudness of speech as EBU R128 and ITU-R BS.1770 define it, in LUFS. Pure.

Two filters weigh what an ear hears as loud, and what is much softer than the rest is a pause, which
counts for nothing. Two voices of one loudness sound equally loud, which two of one RMS need not. Beside it
the filter that takes the rumble from a recording.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from operator import mul

_STEPS = 10  # a second: how often a block begins
_BLOCK = 4  # steps in a block
_SILENT, _PAUSE = -70.0, -10.0  # LUFS; LU below the mean of what is not silent
_OFFSET = -0.691  # dB, so that a sine of 997 Hz at full scale is at -3.01 LUFS
_HEAD = 1681.974450955533, 3.999843853973347, 0.7071752369554196  # hertz, dB, Q: a head raises the highs
_SHOULDER = 0.4996667741545416  # of those dB, at the hertz above
_LOW = 38.13547087602444, 0.5003270373238773  # hertz, Q: below, sound is felt and not heard


def loudness(samples: Sequence[float], rate: int) -> float:
    """Return the integrated loudness in LUFS of mono samples between -1 and 1; -inf for silence, or for
    sound that is softer than -70 LUFS throughout."""
    step = rate // _STEPS
    weighted = _weighted(samples, rate)
    energies = [
        sum(map(mul, piece, piece))
        for piece in (weighted[at : at + step] for at in range(0, len(weighted) - step + 1, step))
    ]
    length = min(_BLOCK, len(energies))
    powers = [
        sum(energies[at : at + length]) / (length * step)
        for at in range(len(energies) - length + 1)
        if length
    ]
    heard = [power for power in powers if _lufs(power) >= _SILENT]
    spoken = [power for power in heard if _lufs(power) >= _lufs(_mean(heard)) + _PAUSE]
    return _lufs(_mean(spoken))


def high_passed(samples: Iterable[float], rate: int, hertz: float) -> array[float]:
    """Return the samples without what is below `hertz`: a Butterworth filter of the second order, which loses
    3 dB there and 12 dB an octave below."""
    a1, a2 = _high_pass(rate, hertz, math.sqrt(0.5))
    gain = (1 - a1 + a2) / 4  # so that the highest frequency stays as it is
    s1 = s2 = 0.0
    out = array("f")
    for sample in samples:
        x = gain * sample
        y = x + s1
        s1 = s2 - 2.0 * x - a1 * y
        s2 = x - a2 * y
        out.append(y)
    return out


def _weighted(samples: Iterable[float], rate: int) -> list[float]:
    """Return the samples after both filters, in one loop since this is all the time that it takes."""
    (b0, b1, b2), a1, a2 = _shelf(rate)
    c1, c2 = _high_pass(rate, *_LOW)
    s1 = s2 = t1 = t2 = 0.0
    out = []
    for x in samples:
        y = b0 * x + s1
        s1 = b1 * x - a1 * y + s2
        s2 = b2 * x - a2 * y
        z = y + t1
        t1 = t2 - 2.0 * y - c1 * z
        t2 = y - c2 * z
        out.append(z)
    return out


def _shelf(rate: int) -> tuple[tuple[float, float, float], float, float]:
    """Return the coefficients of the filter that raises the highs: forward, and the two of feedback."""
    hertz, decibel, q = _HEAD
    k = math.tan(math.pi * hertz / rate)
    high = math.pow(10, decibel / 20)
    middle = math.pow(high, _SHOULDER)
    a0 = 1 + k / q + k * k
    forward = (
        (high + middle * k / q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - middle * k / q + k * k) / a0,
    )
    return forward, 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0


def _high_pass(rate: int, hertz: float, q: float) -> tuple[float, float]:
    """Return the feedback of a filter that takes the lows away; forward it is 1, -2, 1."""
    k = math.tan(math.pi * hertz / rate)
    a0 = 1 + k / q + k * k
    return 2 * (k * k - 1) / a0, (1 - k / q + k * k) / a0


def _mean(powers: Sequence[float]) -> float:
    return sum(powers) / len(powers) if powers else 0.0


def _lufs(power: float) -> float:
    return _OFFSET + 10 * math.log10(power) if power > 0 else -math.inf
