"""The lengths of installed prompts, read from the files as Asterisk's format modules would.

Asterisk is given a path without extension and takes whichever file suits the channel. WAV files say
their own length; the headerless formats have a fixed number of bytes for so many samples.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

from ..model import Length, Prompt


@dataclass(frozen=True)
class _Raw:
    """A headerless format: `samples` samples at `rate` hertz in every `size` bytes."""

    rate: int
    samples: int
    size: int


_RAW = {
    "alaw": _Raw(8000, 1, 1),
    "ulaw": _Raw(8000, 1, 1),
    "gsm": _Raw(8000, 160, 33),
    "g722": _Raw(16000, 2, 1),
    "sln": _Raw(8000, 1, 2),
    "sln16": _Raw(16000, 1, 2),
    "sln48": _Raw(48000, 1, 2),
}
_WAV = {"wav": 8000, "wav16": 16000}


def measure(path: Path) -> Prompt:
    """The prompt at `path` (without extension) with the length of each of its files.

    Raises ValueError, saying what is wrong and what to do, when there is no file, one cannot be
    read, or a WAV file is not what Asterisk plays (mono, 16 bit, 8 or 16 kHz).
    """
    files = [
        file for extension in (*_WAV, *_RAW) if (file := path.parent / f"{path.name}.{extension}").exists()
    ]
    if not files:
        raise ValueError(f"there is no sound file {path}.wav; put it there (8 kHz, 16 bit, mono)")
    return Prompt(str(path), tuple(_length(file) for file in files))


def _length(file: Path) -> Length:
    extension = file.suffix[1:]
    try:
        length = _wav(file, _WAV[extension]) if extension in _WAV else _raw(file, _RAW[extension])
    except PermissionError:
        raise ValueError(f"{file} cannot be read; type: chmod a+r {file}") from None
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(f"{file} is no usable sound file ({error}); record it again") from None
    if length.samples == 0:
        raise ValueError(f"{file} is empty; record it again")
    return length


def _wav(file: Path, rate: int) -> Length:
    with wave.open(str(file), "rb") as sound:
        shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        if shape != (1, 2, rate):
            raise ValueError(
                f"{file} has {shape[0]} channel(s), {8 * shape[1]} bit, {shape[2]} Hz, and Asterisk plays"
                f" it only as mono, 16 bit, {rate} Hz; type: sox {file} -c1 -b16 -r{rate} OUT{file.suffix}"
            )
        return Length(sound.getnframes(), rate)


def _raw(file: Path, raw: _Raw) -> Length:
    with file.open("rb"):  # so that a file that cannot be read is found now
        return Length(file.stat().st_size // raw.size * raw.samples, raw.rate)
