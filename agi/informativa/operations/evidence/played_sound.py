"""Recordings that callers heard, as their files are now, and their words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from pathlib import Path

from ...model import recording_digest
from ...prompts.installed import installed
from ...system import shipped
from ...system.files import read_foreign

_PLAYABLE = frozenset({"wav", "wav16"})  # Asterisk's formats that browsers play
LARGEST_SOUND = 16 << 20  # bytes; a WAV file of a quarter of an hour
_LARGEST_TEXT = 100_000  # bytes


@dataclass(frozen=True)
class PlayedSound:
    """A recording as its files are now."""

    files: Mapping[str, str]
    """SHA-256 in hexadecimal by format: of the formats that the record names if `same`, else of all."""
    same: bool
    """`True` if the record names these files."""

    @property
    def plays_in_browsers(self) -> bool:
        """`True` if a browser plays one of them as it is."""
        return not _PLAYABLE.isdisjoint(self.files)


def played_sound(prompt: str, recording: str) -> PlayedSound | None:
    """Read the recording at that path; `None` if there is none. Formats may have been added since, so any
    subset of them may be the one that the record names."""
    contents = {
        file.suffix[1:]: read_whole(file, LARGEST_SOUND) for file in (installed(prompt) if prompt else ())
    }
    sounds = {form: data for form, data in contents.items() if data}
    if not sounds:
        return None
    hashes = {form: sha256(data).hexdigest() for form, data in sounds.items()}
    same_files = formats_named(hashes, recording)
    return PlayedSound(same_files or hashes, bool(same_files))


def formats_named(hashes: Mapping[str, str], recording: str) -> Mapping[str, str]:
    """Return the subset of the formats that has the record's digest `recording`; empty if there is none."""
    for count in range(len(hashes), 0, -1):
        for forms in combinations(hashes, count):
            files = {form: hashes[form] for form in forms}
            if recording_digest(files) == recording:
                return files
    return {}


def words_of(prompt: str, files: Mapping[str, str]) -> str:
    """Return the text in the file beside a recording, else the words of the same shipped recording; '' if
    there are none."""
    text_file = read_whole(Path(f"{prompt}.txt"), _LARGEST_TEXT)
    if text_file:
        return text_file.decode("utf-8", "replace").strip()
    return next((text for sha256, text in shipped.spoken_words().items() if sha256 in files.values()), "")


def read_whole(file: Path, largest: int) -> bytes | None:
    """Return a file's content; `None` if it cannot be read, or has more than `largest` bytes."""
    try:
        data = read_foreign(file.resolve(), largest + 1)
    except OSError:
        return None
    return data if data is not None and len(data) <= largest else None
