"""Sound files: what people record is read, a prompt is written in each format, and played by a browser.

libsndfile (package soundfile) knows the formats. It is imported where it is used: a call needs neither it nor
numpy, in which it takes samples.
"""

from __future__ import annotations

import io
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..model.errors import PromptError
from ..model.text import Foreign, Text
from ..system.files import read_foreign
from .audio import NARROW, WIDE, Sound, at_rate, pcm, wav_file

if TYPE_CHECKING:
    from soundfile import SoundFile

LONGEST = 600.0  # seconds that are read at all
WAV = ("wav", "wav16")
LARGEST = 10 << 20  # bytes of a WAV file that is made for a browser: ten minutes at 8 kHz
_RATES = {"sln16": 16000, "sln": 8000, "alaw": 8000, "ulaw": 8000, "sln48": 48000, "gsm": 8000}
_BYTES = {"alaw": 2, "ulaw": 2, "gsm": 10}  # of PCM for a byte; one for the others

FORMATS = {
    "alaw": (NARROW, "ALAW"),
    "ulaw": (NARROW, "ULAW"),
    "gsm": (NARROW, "GSM610"),
    "sln16": (WIDE, "PCM_16"),
}
"""The headerless formats that Asterisk may want for a channel, by extension: rate in hertz, and libsndfile's
name of the encoding (GSM610: 33 bytes for 20 ms). A file in the channel's own format is only read from the
disk; otherwise Asterisk translates in every call."""


def read(file: Path) -> Sound:
    """Read a recording (WAV, FLAC, MP3, Ogg, or a headerless one of `FORMATS`) at its own rate, its channels
    mixed. Raises PromptError."""
    import soundfile

    if not file.is_file():
        raise PromptError(
            Text("There is no file {file}.", file=file), Text("Name a sound file, such as studio.wav")
        )
    try:
        with file.open("rb") as stream, _open(stream, file.suffix[1:]) as sound:
            if sound.frames > LONGEST * sound.samplerate:
                raise PromptError(
                    Text("{file} lasts {seconds:.0f} s.", file=file, seconds=sound.frames / sound.samplerate),
                    Text("A notice is shorter than ten minutes."),
                )
            channels = sound.read(sound.frames, dtype="float32", always_2d=True)  # GSM cannot be sought
            return Sound(array("f", channels.mean(axis=1).tobytes()), sound.samplerate)
    except (OSError, soundfile.SoundFileError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
        raise PromptError(
            Text("{file} cannot be read: {error}.", file=file, error=Foreign(reason.rstrip("."))),
            Text("Save it as WAV, or see that it is one."),
        ) from error


def decode(data: bytes, extension: str) -> bytes:
    """Return 16-bit samples, the lower byte first, of bytes in one of `FORMATS`."""
    with _open(io.BytesIO(data), extension) as sound:
        samples: bytes = sound.read(sound.frames, dtype="int16").astype("<i2").tobytes()
        return samples


def _open(stream: BinaryIO, extension: str) -> SoundFile:
    """Open a sound file; a headerless one by what its extension says of it."""
    import soundfile

    if extension not in FORMATS:
        return soundfile.SoundFile(stream)
    rate, encoding = FORMATS[extension]
    return soundfile.SoundFile(stream, samplerate=rate, channels=1, format="RAW", subtype=encoding)


def encode(sound: Sound, extension: str) -> bytes:
    """Return the sound in one of `FORMATS`, at the rate of that format."""
    import numpy as np
    import soundfile

    rate, encoding = FORMATS[extension]
    samples = np.frombuffer(pcm(at_rate(sound, rate)), "<i2")  # integers: of floats libsndfile clips none
    with io.BytesIO() as stream:
        soundfile.write(stream, samples, rate, format="RAW", subtype=encoding)
        return stream.getvalue()


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
    return wav_file(decode(data, form) if form in FORMATS else data, _RATES[form])


def _fits(file: Path, size: int | None = None) -> bool:
    form, size = file.suffix[1:], file.stat().st_size if size is None else size
    return form in WAV or size * _BYTES.get(form, 1) <= LARGEST
