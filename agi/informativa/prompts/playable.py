"""Recordings as browsers play them: a WAV file as it is, and one that is made of a headerless format."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from ..system.files import read_foreign
from .audio import wav_file

WAV = ("wav", "wav16")
LARGEST = 10 << 20  # bytes of a file that is made: ten minutes at 8 kHz
_RATES = {"sln16": 16000, "sln": 8000, "alaw": 8000, "ulaw": 8000, "sln48": 48000}
_BYTES = {"alaw": 2, "ulaw": 2}  # of PCM for a byte; one for the others


def playable_file(files: Iterable[Path]) -> Path | None:
    """Return the file of a recording that browsers play best, as it is or by `wav_of`; `None` where there is
    none. Raises OSError."""
    by_form = {file.suffix[1:]: file for file in files}
    return next((by_form[form] for form in (*WAV, *_RATES) if form in by_form and _fits(by_form[form])), None)


def wav_of(file: Path) -> bytes | None:
    """Return a WAV file with the sound of a headerless one; `None` where it cannot be read or is too long.
    Raises OSError."""
    form = file.suffix[1:]
    data = read_foreign(file.resolve(), LARGEST // _BYTES.get(form, 1) + 1)
    if form not in _RATES or data is None or not _fits(file, len(data)):
        return None
    return wav_file(_linear(data, form) if form in _SAMPLE else data, _RATES[form])


def _fits(file: Path, size: int | None = None) -> bool:
    form, size = file.suffix[1:], file.stat().st_size if size is None else size
    return form in WAV or size * _BYTES.get(form, 1) <= LARGEST


def _linear(data: bytes, form: str) -> bytes:
    """Return 16-bit samples, the lower byte first, of bytes of G.711."""
    pcm = array("h", map(_samples(form).__getitem__, data))
    if sys.byteorder == "big":
        pcm.byteswap()
    return pcm.tobytes()


@cache
def _samples(form: str) -> tuple[int, ...]:
    """Return the sample of each byte."""
    return tuple(map(_SAMPLE[form], range(256)))


def _alaw_sample(byte: int) -> int:
    """Return the sample of a byte of A-law (ITU-T G.711, table 1): sign, segment, and step in it."""
    byte ^= 0x55  # every other bit is inverted on the line
    segment, steps = byte >> 4 & 7, (byte & 15) << 4
    size = steps + 8 if segment == 0 else steps + 0x108 << segment - 1
    return size if byte & 0x80 else -size


def _ulaw_sample(byte: int) -> int:
    """Return the sample of a byte of µ-law (ITU-T G.711, table 2)."""
    byte ^= 0xFF  # all bits are inverted on the line
    size = (((byte & 15) << 3) + 0x84 << (byte >> 4 & 7)) - 0x84
    return -size if byte & 0x80 else size


_SAMPLE: dict[str, Callable[[int], int]] = {"alaw": _alaw_sample, "ulaw": _ulaw_sample}
