"""Tiles and bundles in a folder that a web server publishes: the one module of the package that reads and
writes.

A file is written beside its place, synced and renamed, so that nobody reads half of one, and none that is
there is ever changed: the same bytes again are nothing new, others are an error. Whoever writes a
checkpoint does so after `write` has returned: what it speaks of is on the disk then.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from pathlib import Path

from .. import files
from ..errors import EvidenceError, TileChangedError, TileMissingError
from ..text import Foreign, Text
from .tiles import Tile, entry_bundles, hash_tiles, partial_tiles
from .tree import leaf_hash

AT_ONCE = 16  # files that are written at a time
_LARGEST = 256 * (2 + 0xFFFF)  # bytes, of a bundle


class TileFolder:
    """The folder that has `tile/` in it. Raises EvidenceError where it cannot be read or written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str) -> bytes:
        """A file's content, by the path of its tile. Raises TileMissingError where there is none, and
        EvidenceFormatError for another path."""
        Tile.parse(path)
        try:
            with (self._folder / path).open("rb") as opened:
                return opened.read(_LARGEST + 1)
        except (FileNotFoundError, NotADirectoryError):
            raise TileMissingError(
                Text("The published file {path} is not there.", path=self._folder / path)
            ) from None
        except OSError as error:
            raise _failed(error, self._folder / path) from error

    def write(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Put them there, some at a time, because disks sync many files nearly as fast as one. Raises
        TileChangedError where another one is there already."""
        with ThreadPoolExecutor(AT_ONCE) as threads:
            written = list(threads.map(self._put, tiles))
        for folder in dict.fromkeys(chain.from_iterable(written)):
            try:
                _sync(folder)
            except OSError as error:
                raise _failed(error, folder) from error

    def _put(self, given: tuple[Tile, bytes]) -> list[Path]:
        """Write one that is not there yet; the folders that are to be synced."""
        tile, data = given
        file = self._folder / tile.path
        if self._has(tile, data):
            return []
        try:
            return _write(file, data, self._folder)
        except OSError as error:
            raise _failed(error, file) from error

    def extend(self, old: int, entries: Iterable[bytes]) -> None:
        """Add entries to a log of `old` ones that is published here: bundles, then tiles. Raises what
        `write` and `tiles.fetch` raise."""
        entries = tuple(entries)
        self.write(entry_bundles(old, entries, self.read))
        self.write(hash_tiles(old, map(leaf_hash, entries), self.read))

    def drop_partials(self, old: int, size: int) -> None:
        """Take away the partial tiles of a tree of `old` leaves, and of smaller ones, whose full tile a
        published tree of `size` has. Raises EvidenceError where a full one is missing: then nothing of it
        is taken away."""
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
            there = self.read(tile.path)
        except TileMissingError:
            return False
        if there != data:
            raise TileChangedError(
                Text(
                    "The published file {path} is not what the ledger says",
                    "one of the two was changed: keep copies of both before anything else",
                    path=self._folder / tile.path,
                )
            )
        return True


def _write(file: Path, data: bytes, top: Path) -> list[Path]:
    """Write a file, readable for all and by root for the folder's owner, and return the folders that are to
    be synced. Raises OSError."""
    files.make_folder(file.parent)
    files.put(file, data, for_folders_owner=True, durable=True)
    return [each for each in file.parents if each == top or each.is_relative_to(top)]


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def drop(folder: Path) -> None:
    """Remove a folder of partial tiles, and of what a crash left of them. Raises OSError."""
    with suppress(FileNotFoundError):
        for file in folder.iterdir():
            if re.fullmatch(r"[1-9][0-9]{0,2}|\.[1-9][0-9]{0,2}\.part", file.name):
                file.unlink()
        folder.rmdir()


def _failed(error: OSError, file: Path) -> EvidenceError:
    return EvidenceError(
        Text("{file} cannot be used: {why}", file=file, why=Foreign(error.strerror or type(error).__name__))
    )
