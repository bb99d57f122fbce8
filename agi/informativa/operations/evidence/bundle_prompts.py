"""Texts and recordings in a bundle: of the versions in force in its period, and of those that were told."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from ...model import Notice
from ...prompts.installed import installed, placed
from .receipt_page import LARGEST_SOUND, formats_named, read_whole, words_of


@dataclass(frozen=True)
class BundledPrompt:
    """One prompt as it lies there now: of which version of which notice it is, and the folder of the bundle
    where its files are. `hashes` is each format with its SHA-256, none where no file is there any more;
    `text` its words, '' where nobody kept them."""

    notice: str
    version: str
    part: str
    language: str
    path: str
    folder: str
    hashes: Mapping[str, str]
    text: str = field(repr=False)

    def is_recording(self, digest: str) -> bool:
        """Whether it is the one that records name by this digest."""
        return bool(formats_named(self.hashes, digest))

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Those that the bundle has, each with its name in there; none is read before its turn. Raises
        OSError for one that is gone since."""
        for file in installed(self.path):
            if file.suffix[1:] in self.hashes:
                yield f"{self.folder}/{file.name}", read_whole(file, LARGEST_SOUND) or b""
        if self.text:
            yield f"{self.folder}/{Path(self.path).name}.txt", f"{self.text}\n".encode()


def bundled(
    notices: Iterable[Notice], since: datetime, until: datetime, told: Collection[tuple[str, str]]
) -> list[BundledPrompt]:
    """Those of the versions in force between these times, and of those that records tell of, by notice and
    version."""
    return [
        _bundled(place, prompt.path)
        for notice in notices
        for place, prompt in placed(notice)
        if place[:2] in told or place[1] in _in_force(notice, since, until)
    ]


def _in_force(notice: Notice, since: datetime, until: datetime) -> set[str]:
    starts = [each.starts for each in notice.versions if each.starts and since < each.starts < until]
    return {notice.current(at).id for at in (since, *starts)}


def _bundled(place: tuple[str, str, str, str], path: str) -> BundledPrompt:
    notice, version, part, language = place
    read = {file.suffix[1:]: read_whole(file, LARGEST_SOUND) for file in installed(path)}
    hashes = {form: sha256(data).hexdigest() for form, data in read.items() if data}
    folder = f"prompts/{notice}@{version}/{part.replace(':', '@')}/{language}"  # a version may be named `..`
    return BundledPrompt(notice, version, part, language, path, folder, hashes, words_of(path, hashes))
