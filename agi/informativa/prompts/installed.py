"""The lengths of installed prompts, read from the files in the same way as by Asterisk's format modules.

Asterisk is given a path without extension and takes whichever file suits the channel. WAV files say
their own length; the headerless formats have a fixed number of bytes for so many samples.
"""

from __future__ import annotations

import os
import time
import wave
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ..model import Length, Notice, Prompt, Recording
from ..model.errors import PromptError
from ..model.frozen import dataclass
from ..model.text import Foreign, Text
from ..system.files import closed_folder, reading


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
SETTLED = 2.0  # seconds after which any change of a file changes its mark, even with coarse times
SAME = 0.1  # seconds by which two formats of one recording may differ
LARGEST = 64 << 20  # bytes of a sound file: half an hour at 16 kHz, which nobody listens to


def measure(path: Path) -> Prompt:
    """The prompt at `path` (without extension) with the length of each of its files.

    Raises PromptError, saying what is wrong and what to do, when there is no file, one cannot be
    read, a WAV file is not what Asterisk plays (mono, 16 bit, 8 or 16 kHz), two formats are not of
    one length, or a folder named after a language has another recording that Asterisk would prefer.
    """
    try:
        files = installed(str(path))
        preferred = preferred_files(str(path)) if files else []
    except PermissionError as error:
        raise PromptError(
            Text(
                "{file} cannot be looked into",
                "type: chmod a+rx {folder}",
                file=error.filename,
                folder=closed_folder(path) or path.parent,
            )
        ) from None
    if not files:
        formats = ", ".join(f".{extension}" for extension in EXTENSIONS)
        raise PromptError(
            Text(
                "there is no sound file {path}.wav",
                "put one there (or with another of {known})",
                path=path,
                known=formats,
            )
        )
    if preferred:
        raise PromptError(
            Text(
                "on a channel in language {language} Asterisk would play {file} instead",
                "keep each recording in a folder of its own",
                language=preferred[0].parent.name,
                file=preferred[0],
            )
        )
    lengths = {file: _length(file) for file in files}
    seconds = sorted(length.seconds for length in lengths.values())
    if seconds[-1] - seconds[0] > SAME:
        named = ", ".join(f"{file.name} ({length.seconds:.1f} s)" for file, length in lengths.items())
        raise PromptError(
            Text("not one recording in several formats: {named}", "delete what is stale", named=named)
        )
    return Prompt(str(path), tuple(lengths.values()))


def prompts_of(notice: Notice) -> Iterator[tuple[tuple[str, str, str, str], Prompt]]:
    """Yield every prompt of every version of a notice, after its notice, version, part and language."""
    for version in notice.versions:
        for part, language, prompt in version.prompts():
            yield (notice.id, version.id, part, language), prompt


def recordings(notice: Notice) -> Iterator[Recording]:
    """Yield every sound file of every version of a notice, with its SHA-256. Raises OSError."""
    for key, prompt in prompts_of(notice):
        for file, sha256 in hashed(prompt.path).items():
            yield Recording((*key, file.suffix[1:]), str(file), sha256)


def hashed(path: str) -> dict[Path, str]:
    """Return each sound file of a prompt with its SHA-256. Raises OSError."""
    return {file: _sha256(file) for file in installed(path)}


def hashed_before(path: str, settled: float = SETTLED) -> dict[Path, str]:
    """Return the same as `hashed`, but read a file only once while its mark is the same and older than
    `settled` seconds: for callers that decide nothing by it. Raises OSError."""
    return {file: _sum(file, settled) for file in installed(path)}


def _sum(file: Path, settled: float) -> str:
    file_mark, now = mark(str(file)), time.time()
    if now - file_mark[-1] / 1e9 < settled:  # it may change once more with the same mark
        return _sha256(file)
    return _sum_of(file, file_mark)


def _sha256(file: Path) -> str:
    import hashlib  # loads OpenSSL, which a script that plays nothing does not need

    with reading(file, LARGEST) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@lru_cache(maxsize=4096)
def _sum_of(file: Path, _mark: tuple[int, ...]) -> str:
    return _sha256(file)


def installed(path: str) -> list[Path]:
    """Return the sound files of a prompt, in the order in which one is the model for the next."""
    return _existing(Path(path))


def preferred_files(path: str) -> list[Path]:
    """Return the files that Asterisk would play instead of a prompt on channels of some language. Raises
    OSError."""
    base = Path(path)
    return sorted(file for folder in _below(base.parent) for file in _existing(Path(folder, base.name)))


def marks(path: str) -> dict[str, tuple[int, ...]]:
    """Return a mark of everything that decides which sound Asterisk plays: of each sound file of a prompt, of
    its folder, and of the folders in there, one of which may be named after a language. Any change of these
    changes a mark, and marks are cheap to read. Raises OSError."""
    folder = Path(path).parent
    return {file: mark(file) for file in (str(folder), *_below(folder), *map(str, installed(path)))}


def mark(path: str) -> tuple[int, ...]:
    """Return device, inode, size and times of a file. The time of the inode's change is among them, because
    the time of the file's change can be set. Raises OSError."""
    status = os.stat(path)  # noqa: PTH116  # in every call; a Path costs as much again
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _below(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.path for entry in entries if entry.is_dir()]


def _existing(path: Path) -> list[Path]:
    return [Path(file) for extension in EXTENSIONS if _exists(file := f"{path}.{extension}")]


def _exists(file: str) -> bool:
    try:
        os.stat(file)  # noqa: PTH116  # a Path costs as much again, and a script asks for dozens
    except PermissionError:
        raise
    except OSError:
        return False
    return True


def _length(file: Path) -> Length:
    extension = file.suffix[1:]
    try:
        length = _wav(file, _WAV[extension]) if extension in _WAV else _raw(file, _RAW[extension])
    except PermissionError:
        raise PromptError(Text("{file} cannot be read", "type: chmod a+r {file}", file=file)) from None
    except (OSError, EOFError, wave.Error) as error:
        raise PromptError(
            Text(
                "{file} is no usable sound file ({why})",
                "record it again",
                file=file,
                why=Foreign(getattr(error, "strerror", None) or str(error)),
            )
        ) from None
    if length.samples == 0:
        raise PromptError(Text("{file} is empty", "record it again", file=file))
    return length


def _wav(file: Path, rate: int) -> Length:
    with reading(file, LARGEST) as stream, wave.open(stream, "rb") as sound:
        parameters = (sound.getnchannels(), sound.getsampwidth(), sound.getframerate())
        if parameters != (1, 2, rate):
            raise PromptError(
                Text(
                    "{file} has {channels} channel(s), {bits} bit, {hertz} Hz, and Asterisk plays it only as"
                    " mono, 16 bit, {rate} Hz",
                    "type: informativa prompts add {file} --language LANGUAGE --controller NAME",
                    file=file,
                    channels=parameters[0],
                    bits=8 * parameters[1],
                    hertz=parameters[2],
                    rate=rate,
                )
            )
        return Length(sound.getnframes(), rate)


def _raw(file: Path, raw: _Raw) -> Length:
    with reading(file, LARGEST) as stream:  # so that an unreadable file is an error now
        return Length(os.fstat(stream.fileno()).st_size // raw.size * raw.samples, raw.rate)
