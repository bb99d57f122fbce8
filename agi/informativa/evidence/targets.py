"""Folders in which logs are published, on another disk for instance, apart from their own."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..model.errors import ElsewhereError
from ..model.text import Foreign, Text
from ..system import files
from . import tile_files
from .tiles import LARGEST_BUNDLE


class FolderTarget:
    """A folder that must exist: it is never made, because the disk that should be mounted there may be
    missing. Others may write there, too, so no link below it is followed. Paths are those of files below it,
    with slashes. Every method raises ElsewhereError if it cannot be reached, read or written; earlier files
    are not lost then."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def name(self) -> str:
        return str(self._folder)

    def begin(self) -> None:
        """Check that the folder is there."""
        if obstacle := files.obstacle(self._folder):
            raise ElsewhereError(
                Text(
                    "{place} is no folder, and {folder} is to be one",
                    "type: mv {place} {place}.aside; and then mount it, or make it once: mkdir -p {folder}",
                    place=obstacle,
                    folder=self._folder,
                )
            )
        if not self._folder.is_dir():
            raise ElsewhereError(
                Text(
                    "The folder {folder} is not there",
                    "it is tried again: mount it, or make it once: mkdir -p {folder}",
                    folder=self._folder,
                )
            )

    def read(self, path: str) -> bytes | None:
        """Return a file that is there now, or `None` if there is none."""
        with self._failing():
            try:
                return files.read_foreign(self._below(path), LARGEST_BUNDLE + 1)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def names(self, folder: str) -> list[str]:
        """Return the names of the files in a folder there; none if there is no such folder."""
        with self._failing(), suppress(FileNotFoundError, NotADirectoryError):
            return [file.name for file in self._below(f"{folder}/-").parent.iterdir()]
        return []

    def write(self, path: str, data: bytes) -> None:
        """Put a file there. Others see it after the files that were written before it."""
        with self._failing():
            file = self._below(path)
            files.make_folder(file.parent)
            files.write_file(file, data, durable=True)

    def drop(self, folder: str) -> None:
        """Remove a folder of partial tiles."""
        with self._failing():
            tile_files.drop(self._below(f"{folder}/0").parent)

    def _below(self, path: str) -> Path:
        """Return the path of that file. Raises OSError if one of its folders is a link."""
        file = self._folder / path
        for folder in file.parents[: path.count("/")]:
            if folder.is_symlink():
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(folder))
        return file

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = Foreign(error.strerror or type(error).__name__)
            raise ElsewhereError(
                Text(
                    "{file} cannot be used: {why}",
                    "it is tried again",
                    file=error.filename or self.name,
                    why=reason,
                )
            ) from error
