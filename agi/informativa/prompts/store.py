"""The folders of prompts beside a configuration, and the safe placing of new ones there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..model import Recording
from ..model.errors import PromptError
from ..model.text import Foreign, Text
from ..system.files import make_folder, write_file
from .installed import EXTENSIONS

HeardAnotherRecording = Callable[[Sequence[Recording]], bool]
"""Tells if callers heard another sound file in the place of one of these recordings."""


@dataclass(frozen=True)
class PromptPath:
    """The place of one prompt, and the path of its files, without extension."""

    notice: str
    version: str
    part: str
    language: str
    base: Path

    def file(self, extension: str) -> Path:
        """Return the sound file in one format."""
        return self.base.with_name(f"{self.base.name}.{extension}")

    def files(self) -> list[Path]:
        """Return the sound files that exist."""
        return [file for extension in EXTENSIONS if (file := self.file(extension)).exists()]

    def recording(self, file: Path, sha256: str) -> Recording:
        """Return the recording as the ledger knows it."""
        key = (self.notice, self.version, self.part, self.language, file.suffix[1:])
        return Recording(key, str(file), sha256)


class PromptStore:
    """The prompts in the folder of a configuration, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, controller: str, notice: str, version: str, part: str, language: str) -> PromptPath:
        """Return a prompt's path. Each version has a folder of its own, because the recordings of older ones
        stay evidence."""
        folder = self.folder / "prompts" / controller / f"{notice}-{version}" / language
        return PromptPath(notice, version, part, language, folder / part.replace(":", "-"))

    def relative(self, base: Path) -> str:
        """Return a path as the configuration writes it."""
        return str(base.relative_to(self.folder) if base.is_relative_to(self.folder) else base)

    def put(
        self,
        new_files: Mapping[PromptPath, Mapping[str, bytes]],
        heard_otherwise: HeardAnotherRecording,
        versions: Container[str],
        *,
        force: bool,
    ) -> None:
        """Put recordings in their places, all or none, and delete their other formats. `versions` are the
        names that are in use.

        Raises PromptError if callers heard another recording under its version, or if one exists and not
        `force`.
        """
        changed = {
            path: {path.file(extension): content for extension, content in files.items()}
            for path, files in new_files.items()
        }
        for path, files in list(changed.items()):
            if all(file.exists() and file.read_bytes() == content for file, content in files.items()):
                del changed[path]  # the formats beside it are still of the same recording
        for path, files in changed.items():
            _admit(path, files, heard_otherwise, versions, force=force)
        for path, files in changed.items():
            write(files)
            for stale in set(path.files()) - set(files):
                stale.unlink()


def write(files: Mapping[Path, bytes | str]) -> None:
    """Write each file as a whole, readable by Asterisk; by root, for the owner of the folder around it.
    Raises PromptError."""
    for file, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        try:
            make_folder(file.parent)
            write_file(file, data, for_folders_owner=True)
        except OSError as error:
            reason = Foreign(error.strerror or "")
            raise PromptError(
                Text("{file} cannot be written ({why}).", file=error.filename or file, why=reason),
                Text("Run this as the user whose folder it is, or as root."),
            ) from error


def next_version(version: str, used: Container[str]) -> str:
    """Return the next free name, such as `2026-11-b` after `2026-11`."""
    stem, _dash, letter = version.rpartition("-")
    if not (stem and len(letter) == 1 and "b" <= letter < "z"):
        stem, letter = version, "a"
    names = (f"{stem}-{chr(code)}" for code in range(ord(letter) + 1, ord("z") + 2))
    return next(name for name in names if name not in used)


def _admit(
    path: PromptPath,
    new: Mapping[Path, bytes],
    heard_otherwise: HeardAnotherRecording,
    versions: Container[str],
    *,
    force: bool,
) -> None:
    """Raise PromptError if these files may not be put there."""
    existing = path.files()
    recordings = [path.recording(file, hashlib.sha256(content).hexdigest()) for file, content in new.items()]
    recordings += [path.recording(file, "") for file in existing if file not in new]
    if heard_otherwise(recordings):
        raise PromptError(
            Text(
                "Callers heard another {part} notice in {language} of version {version}.",
                part=path.part,
                language=path.language,
                version=path.version,
            ),
            Text(
                "The ledger points at it, so give the new one a version of its own: --version {free}",
                free=next_version(path.version, versions),
            ),
        )
    if existing and not force:
        raise PromptError(
            Text("{file} is there already.", file=existing[0]),
            Text("Give another --version, or --force to replace it."),
        )
