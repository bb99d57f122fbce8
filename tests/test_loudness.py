"""Sounds whose loudness is known: from ITU-R BS.1770, and the test signals of EBU Tech 3341."""

from __future__ import annotations

import math

import numpy as np
import pytest

from informativa.prompts.loudness import loudness

RATES = [8000, 16000, 48000]


def sine(seconds: float, decibel: float, rate: int, hertz: float = 1000.0) -> np.ndarray:
    """A sine whose peak is so many dB below full scale."""
    return np.asarray(
        10 ** (decibel / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    )


@pytest.mark.parametrize("rate", RATES)
def test_sine_at_full_scale(rate: int) -> None:
    """The standard says -3.01 LUFS for 997 Hz in one channel, at whatever rate it is sampled."""
    assert loudness(sine(3.0, 0.0, rate, 997.0).tolist(), rate) == pytest.approx(-3.01, abs=0.05)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_what_is_soft_beside_the_rest_counts_for_nothing(rate: int) -> None:
    """EBU's third signal, in one channel: the softer beginning and end change nothing; nor does silence."""
    loud, soft, silent = sine(6.0, -23.0, rate), sine(2.0, -36.0, rate), np.zeros(2 * rate)
    alone = loudness(loud.tolist(), rate)
    assert alone == pytest.approx(-26.0, abs=0.1)
    for around in (soft, silent):
        assert loudness(np.concatenate([around, loud, around]).tolist(), rate) == pytest.approx(
            alone, abs=0.3
        )


def test_gain_is_loudness() -> None:
    """Six dB more are six LU more."""
    samples = sine(2.0, -30.0, 16000)
    louder = loudness((samples * 10 ** (6 / 20)).tolist(), 16000)
    assert louder - loudness(samples.tolist(), 16000) == pytest.approx(6.0, abs=0.01)


def test_lows_are_softer_than_highs() -> None:
    """Two tones of one RMS: that of 3 kHz is heard as louder by more than three dB, that of 30 Hz hardly."""
    low, middle, high = (
        loudness(sine(2.0, -20.0, 16000, hertz).tolist(), 16000) for hertz in (30, 500, 3000)
    )
    assert high - middle > 3
    assert middle - low > 6


@pytest.mark.parametrize("samples", [[], [0.0] * 8000, [0.5] * 10])
def test_silence_has_no_loudness(samples: list[float]) -> None:
    """Neither has less than a tenth of a second."""
    assert loudness(samples, 8000) == -math.inf


def test_shorter_than_a_block() -> None:
    """A word of a fifth of a second is measured as it is."""
    assert loudness(sine(0.2, -20.0, 8000).tolist(), 8000) == pytest.approx(-23.0, abs=0.3)
