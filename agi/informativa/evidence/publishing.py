"""Bringing a log to a publishing target, in an order in which others never see what is not whole.

What is newest there is read first. Nothing is written over a log that is longer than ours, another one, or
was changed there: somebody took something back, and both sides are evidence of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..errors import ElsewhereError, EvidenceError, ForkError, TileMissingError
from ..text import Text
from .checkpoint import Checkpoint, open_checkpoint
from .elsewhere import OwnLog, require_ours
from .log_folder import PublishedLog
from .note import Verifier
from .targets import Target
from .tiles import ENTRIES, WIDTH, Tile, TileHashes, fetch, partial_tiles, tiles_of
from .tree import root_at

Progress = Callable[[int, int], object]
"""Called with how many files are there by now, and how many there will be."""


@dataclass(frozen=True)
class Delivered:
    """How many leaves the log has at the target now, how many it had before, and how many files were
    written."""

    size: int
    before: int
    files: int


def folder_of(origin: str) -> str:
    """Where a log lies below a target: its origin without the domain, which is the target's own affair."""
    return origin.partition("/")[2] or origin


class TargetSource:
    """A target, as somebody who has checkpoints (`Elsewhere`)."""

    def __init__(self, target: Target) -> None:
        self._target = target

    @property
    def name(self) -> str:
        return self._target.name

    def newest(self, own: OwnLog) -> Checkpoint | None:
        try:
            self._target.begin()
            return _newest(self._target, own.key)
        finally:
            self._target.close()


def publish(
    log: PublishedLog,
    key: Verifier,
    target: Target,
    *,
    entries: bool = True,
    check: bool = False,
    progress: Progress | None = None,
) -> Delivered:
    """Bring what is new there; with `check` also hold every file that should be there against ours. Raises
    ElsewhereError where the target cannot be used, ForkError where it has another log, or one that was
    changed there, and EvidenceError where ours cannot be read."""
    data = log.checkpoint()
    if data is None:
        return Delivered(0, 0, 0)
    ours = open_checkpoint(data, [key]).checkpoint
    try:
        target.begin()
        there = _newest(target, key)
        before = there.size if there else 0
        if there:
            require_ours(there, OwnLog(log, key, ours.size, data), target.name)
            _require_edge(there, target, folder_of(key.name))
        if check and there:
            _require_all(log, there.size, target, folder_of(key.name), entries=entries)
        files = list(_files(log, ours.size, before, target, folder_of(key.name), entries=entries))
        for done, (path, read) in enumerate(files):
            target.write(f"{folder_of(key.name)}/{path}", read())
            if progress:
                progress(done + 1, len(files))
        for tile in partial_tiles(before):
            full = Tile(tile.level, tile.index)
            if (full.index + 1) * WIDTH <= ours.size >> 8 * max(full.level, 0):
                target.drop(f"{folder_of(key.name)}/{tile.path.rpartition('/')[0]}")
        target.finish()
        return Delivered(ours.size, before, len(files))
    finally:
        target.close()


def _newest(target: Target, key: Verifier) -> Checkpoint | None:
    data = target.read(f"{folder_of(key.name)}/checkpoint")
    if data is None:
        return None
    try:
        return open_checkpoint(data, [key]).checkpoint
    except EvidenceError as error:
        raise _changed(target, "checkpoint", error.message) from error


def _files(
    log: PublishedLog, size: int, before: int, target: Target, folder: str, *, entries: bool
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """What is to be written, in this order, each with what reads it."""
    first = 0 if entries and before and _lacks_entries(before, target, folder) else before
    for tile in tiles_of(size, first):
        if tile.level == ENTRIES and entries:
            yield tile.path, lambda tile=tile: fetch(tile, log.tiles.read)  # type: ignore[misc]
    for tile in tiles_of(size, before):
        if tile.level != ENTRIES:
            yield tile.path, lambda tile=tile: fetch(tile, log.tiles.read)  # type: ignore[misc]
    if not before and (key := log.key()):
        yield "key", lambda: f"{key}\n".encode()
    stamps = dict(log.timestamps())
    made_since = max((number for number in stamps if number <= before), default=0)  # of what is there already
    for number, stamp in stamps.items():
        late = number == made_since and target.read(f"{folder}/timestamps/{number}.tsr") is None
        if number > before or late:
            yield f"timestamps/{number}.tsr", lambda stamp=stamp: stamp  # type: ignore[misc]
    for number in log.sizes():
        data = log.checkpoint_of(number)
        new = number > before or (number == before and target.read(f"{folder}/checkpoints/{number}") != data)
        if data is not None and new and number <= size:
            yield f"checkpoints/{number}", lambda data=data: data  # type: ignore[misc]
    newest = log.checkpoint()
    if newest is not None and (size > before or target.read(f"{folder}/checkpoint") != newest):
        yield "checkpoint", lambda: newest


def _lacks_entries(size: int, target: Target, folder: str) -> bool:
    """Whether bundles of what is there already were not wanted until now."""
    last = Tile(ENTRIES, (size - 1) // WIDTH, (size - 1) % WIDTH + 1)
    paths = {last.path, Tile(ENTRIES, last.index).path}
    return all(target.read(f"{folder}/{path}") is None for path in paths)


def _require_edge(there: Checkpoint, target: Target, folder: str) -> None:
    """That the tiles there are those of the checkpoint there, as far as its root depends on them."""
    hashes = TileHashes(there.size, lambda path: _read(target, folder, path))
    try:
        root = root_at(there.size, hashes)
    except (ElsewhereError, ForkError):
        raise
    except EvidenceError as error:
        raise _changed(target, "tile", error.message) from error
    if root != there.root:
        raise _changed(target, "tile", Text("they are not those of its checkpoint"))


def _require_all(log: PublishedLog, size: int, target: Target, folder: str, *, entries: bool) -> None:
    """That each file there is the one that is here."""
    for tile in tiles_of(size):
        if (tile.level != ENTRIES or entries) and fetch(
            tile, lambda path: _read(target, folder, path)
        ) != fetch(tile, log.tiles.read):
            raise _changed(target, tile.path, Text("it is another one than here"))
    for number in log.sizes():
        data = target.read(f"{folder}/checkpoints/{number}") if number <= size else None
        known = log.checkpoint_of(number)
        if data and known and data.partition(b"\n\n")[0] != known.partition(b"\n\n")[0]:
            raise _changed(target, f"checkpoints/{number}", Text("it is another one than here"))


def _read(target: Target, folder: str, path: str) -> bytes:
    data = target.read(f"{folder}/{path}")
    if data is None:
        raise TileMissingError(Text("The published file {path} is not there.", path=path))
    return data


def _changed(target: Target, path: str, why: Text) -> ForkError:
    return ForkError(
        Text(
            "What was published at {target} was changed there: {path}: {why}",
            "keep what is there, and find out who did it; then name another place",
            target=target.name,
            path=path,
            why=why,
        ),
        code="target-changed",
    )
