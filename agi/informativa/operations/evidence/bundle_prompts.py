"""Texts and recordings in a bundle: of the versions in force in its period, and of those that records
name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from ...model import Notice
from ...prompts.installed import installed, prompts_of
from .played_sound import LARGEST_SOUND, formats_named, read_whole, words_of


@dataclass(frozen=True)
class BundledPrompt:
    """One prompt as its files are now."""

    notice: str
    version: str
    part: str
    language: str
    path: str
    """The prompt as Asterisk knows it: a path without extension."""
    folder: str
    """The folder of its files in the bundle."""
    hashes: Mapping[str, str]
    """SHA-256 by format; empty if its files are gone."""
    text: str = field(repr=False)
    """The words of the prompt; '' if they were not kept."""

    def is_recording(self, digest: str) -> bool:
        """Return whether records name this prompt's sound by `digest`."""
        return bool(formats_named(self.hashes, digest))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Yield the files, each with its name in the bundle; each is read when its turn comes. Raises OSError
        if one is gone since."""
        for file in installed(self.path):
            if file.suffix[1:] in self.hashes:
                yield f"{self.folder}/{file.name}", read_whole(file, LARGEST_SOUND) or b""
        if self.text:
            yield f"{self.folder}/{Path(self.path).name}.txt", f"{self.text}\n".encode()


def bundled(
    notices: Iterable[Notice], since: datetime, until: datetime, in_records: Collection[tuple[str, str]]
) -> list[BundledPrompt]:
    """Return the prompts of the versions in force between two times, and of those in `in_records`, as pairs
    of notice and version."""
    return [
        _bundled(place, prompt.path)
        for notice in notices
        for place, prompt in prompts_of(notice)
        if place[:2] in in_records or place[1] in _in_force(notice, since, until)
    ]


def _in_force(notice: Notice, since: datetime, until: datetime) -> set[str]:
    starts = [
        version.starts for version in notice.versions if version.starts and since < version.starts < until
    ]
    return {notice.current(at).id for at in (since, *starts)}


def _bundled(place: tuple[str, str, str, str], path: str) -> BundledPrompt:
    notice, version, part, language = place
    contents = {file.suffix[1:]: read_whole(file, LARGEST_SOUND) for file in installed(path)}
    hashes = {form: sha256(data).hexdigest() for form, data in contents.items() if data}
    folder = f"prompts/{notice}@{version}/{part.replace(':', '@')}/{language}"  # a version may be named `..`
    return BundledPrompt(notice, version, part, language, path, folder, hashes, words_of(path, hashes))
