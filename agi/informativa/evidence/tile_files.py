"""Tiles and bundles in a folder that a web server publishes.

A file is written beside its place, synced and renamed, so that nobody reads half of one. No file is ever
changed: the same bytes again are ignored, others are an error. Write a checkpoint after `write` has returned:
its tiles are on the disk then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from itertools import chain
from pathlib import Path

from ..model.errors import EvidenceError, TileChangedError, TileMissingError
from ..model.text import Foreign, Text
from ..system import files
from ..system.patience import some_at_a_time
from .tiles import LARGEST_BUNDLE, Tile, entry_bundles, hash_tiles, partial_tiles
from .tree import leaf_hash

AT_ONCE = 16  # files that are written at a time


class TileFolder:
    """The folder with `tile/` in it. Raises EvidenceError if it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes:
        """Return a file's content, by the path of its tile. Raises TileMissingError if there is none, and
        EvidenceFormatError for a path that is no tile's."""
        Tile.parse(path)
        try:
            with (self._folder / path).open("rb") as stream:
                return stream.read(LARGEST_BUNDLE + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise TileMissingError(
                Text("The published file {path} is not there.", path=self._folder / path)
            ) from None
        except OSError as error:
            raise _failed(error, self._folder / path) from error

    def write(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Write tiles, some at a time, because disks sync many files nearly as fast as one. Raises
        TileChangedError if a tile is there already with another content."""
        changed_folders = some_at_a_time(self._put, tiles, AT_ONCE)
        for folder in dict.fromkeys(chain.from_iterable(changed_folders)):
            try:
                _sync(folder)
            except OSError as error:
                raise _failed(error, folder) from error

    def _put(self, tile_and_data: tuple[Tile, bytes]) -> list[Path]:
        """Write a tile that is missing, and return the folders to sync."""
        tile, data = tile_and_data
        file = self._folder / tile.path
        if self._has(tile, data):
            return []
        try:
            return _write(file, data, self._folder)
        except OSError as error:
            raise _failed(error, file) from error

    def extend(self, old: int, entries: Iterable[bytes]) -> None:
        """Add entries to a published log of `old` ones: bundles, then tiles. Raises what `write` and
        `tiles.fetch` raise."""
        entries = tuple(entries)
        self.write(entry_bundles(old, entries, self.read))
        self.write(hash_tiles(old, map(leaf_hash, entries), self.read))

    def drop_partials(self, old: int, size: int) -> None:
        """Delete the partial tiles of a tree of `old` leaves, and of smaller ones, whose full tile a
        published tree of `size` has. Raises EvidenceError at a full tile that is missing, and keeps its
        partial ones."""
        for tile in partial_tiles(old):
            full = Tile(tile.level, tile.index)
            if (full.index + 1) << 8 * (max(full.level, 0) + 1) <= size:
                self.read(full.path)
                folder = (self._folder / tile.path).parent
                try:
                    drop(folder)
                except OSError as error:
                    raise _failed(error, folder) from error

    def _has(self, tile: Tile, data: bytes) -> bool:
        try:
            published = self.read(tile.path)
        except TileMissingError:
            return False
        if published != data:
            raise TileChangedError(
                Text(
                    "The published file {path} is not what the ledger says",
                    "one of the two was changed: keep copies of both before anything else",
                    path=self._folder / tile.path,
                )
            )
        return True


def _write(file: Path, data: bytes, top: Path) -> list[Path]:
    """Write a file, readable for all and by root for the folder's owner, and return the folders to sync.
    Raises OSError."""
    files.make_folder(file.parent)
    files.write_file(file, data, for_folders_owner=True, durable=True)
    return [folder for folder in file.parents if folder == top or folder.is_relative_to(top)]


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def drop(folder: Path) -> None:
    """Remove a folder of partial tiles, with unfinished files that a crash left there. Raises OSError."""
    with suppress(FileNotFoundError):
        for file in folder.iterdir():
            if re.fullmatch(r"[1-9][0-9]{0,2}|\.[1-9][0-9]{0,2}\.part", file.name):
                file.unlink()
        folder.rmdir()


def _failed(error: OSError, file: Path) -> EvidenceError:
    return EvidenceError(
        Text("{file} cannot be used: {why}", file=file, why=Foreign(error.strerror or type(error).__name__))
    )
