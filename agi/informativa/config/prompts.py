"""The lengths of installed prompts, read from the files as Asterisk's format modules would.

Asterisk is given a path without extension and takes whichever file suits the channel. WAV files say
their own length; the headerless formats have a fixed number of bytes for so many samples.
"""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..i18n import _, foreign
from ..model import Length, Notice, Prompt, Recording


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


EXTENSIONS = (*_WAV, *_RAW)
SAME = 0.1  # seconds by which two formats of one recording may differ


def measure(path: Path) -> Prompt:
    """The prompt at `path` (without extension) with the length of each of its files.

    Raises ValueError, saying what is wrong and what to do, when there is no file, one cannot be
    read, a WAV file is not what Asterisk plays (mono, 16 bit, 8 or 16 kHz), two formats are not of
    one length, or a folder named after a language has another recording that Asterisk would prefer.
    """
    try:
        files = [file for name in _names(path) if (file := path.parent / name).exists()]
        rivals = sorted(rival for name in _names(path) for rival in path.parent.glob(f"*/{name}"))
    except PermissionError as error:
        raise ValueError(
            _("{file} cannot be looked into; type: chmod a+rx {folder}").format(
                file=error.filename, folder=path.parent
            )
        ) from None
    if not files:
        known = ", ".join(f".{extension}" for extension in EXTENSIONS)
        raise ValueError(
            _("there is no sound file {path}.wav; put one there (or with another of {known})").format(
                path=path, known=known
            )
        )
    if rivals:
        raise ValueError(
            _(
                "on a channel in language {language} Asterisk would play {file} instead; keep each"
                " recording in a folder of its own"
            ).format(language=rivals[0].parent.name, file=rivals[0])
        )
    lengths = {file: _length(file) for file in files}
    seconds = sorted(length.seconds for length in lengths.values())
    if seconds[-1] - seconds[0] > SAME:
        named = ", ".join(f"{file.name} ({length.seconds:.1f} s)" for file, length in lengths.items())
        raise ValueError(
            _("not one recording in several formats: {named}; delete what is stale").format(named=named)
        )
    return Prompt(str(path), tuple(lengths.values()))


def recordings(notice: Notice) -> Iterator[Recording]:
    """Every sound file of every version of a notice, with its SHA-256. Raises OSError."""
    for version in notice.versions:
        parts: dict[str, Mapping[str, Prompt]] = {"short": version.short, "full": version.full}
        parts |= {f"supplement:{known}": prompts for known, prompts in version.supplements.items()}
        for part, prompts in parts.items():
            for language, prompt in prompts.items():
                for name in _names(Path(prompt.path)):
                    file = Path(prompt.path).parent / name
                    if file.exists():
                        place = (notice.id, version.id, part, language, file.suffix[1:])
                        yield Recording(place, str(file), hashlib.sha256(file.read_bytes()).hexdigest())


def _names(path: Path) -> list[str]:
    return [f"{path.name}.{extension}" for extension in EXTENSIONS]


def _length(file: Path) -> Length:
    extension = file.suffix[1:]
    try:
        length = _wav(file, _WAV[extension]) if extension in _WAV else _raw(file, _RAW[extension])
    except PermissionError:
        raise ValueError(_("{file} cannot be read; type: chmod a+r {file}").format(file=file)) from None
    except (OSError, EOFError, wave.Error) as error:
        raise ValueError(
            _("{file} is no usable sound file ({why}); record it again").format(
                file=file, why=foreign(str(error))
            )
        ) from None
    if length.samples == 0:
        raise ValueError(_("{file} is empty; record it again").format(file=file))
    return length


def _wav(file: Path, rate: int) -> Length:
    with wave.open(str(file), "rb") as sound:
        shape = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        if shape != (1, 2, rate):
            raise ValueError(
                _(
                    "{file} has {channels} channel(s), {bits} bit, {hertz} Hz, and Asterisk plays it"
                    " only as mono, 16 bit, {rate} Hz; type: sox {file} -c1 -b16 -r{rate} OUT{suffix}"
                ).format(
                    file=file,
                    channels=shape[0],
                    bits=8 * shape[1],
                    hertz=shape[2],
                    rate=rate,
                    suffix=file.suffix,
                )
            )
        return Length(sound.getnframes(), rate)


def _raw(file: Path, raw: _Raw) -> Length:
    with file.open("rb"):  # so that a file that cannot be read is found now
        return Length(file.stat().st_size // raw.size * raw.samples, raw.rate)
