"""Publishing of a log to a target, in an order in which others never see an incomplete log.

The newest checkpoint there is read first. Nothing is written over a log that is longer than ours, another
one, or was changed there: somebody took something back, and both sides are evidence of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..model.errors import ElsewhereError, EvidenceError, ForkError, TileMissingError
from ..model.text import Text
from .checkpoint import Checkpoint, open_checkpoint
from .elsewhere import LocalLog, require_ours
from .log_folder import PublishedLog
from .note import Verifier
from .targets import FolderTarget
from .tiles import ENTRIES, WIDTH, Tile, TileHashes, fetch, partial_tiles, tiles_of
from .tree import root_at

Progress = Callable[[int, int], object]
"""Called with the number of files written so far, and the number of all files to write."""


@dataclass(frozen=True)
class PublishedFiles:
    """The number of leaves that the log has at the target now, the number that it had before, and the number
    of files written."""

    size: int
    old_size: int
    files: int


def folder_of(origin: str) -> str:
    """Return the folder of a log below a target: its origin without the domain, which belongs to the
    target."""
    return origin.partition("/")[2] or origin


class TargetSource:
    """A target as a place that has checkpoints (`Elsewhere`)."""

    def __init__(self, target: FolderTarget) -> None:
        self._target = target

    @property
    def name(self) -> str:
        return self._target.name

    def newest(self, own: LocalLog) -> Checkpoint | None:
        self._target.begin()
        return newest_at(self._target, own.key)


def publish(
    log: PublishedLog,
    key: Verifier,
    target: FolderTarget,
    *,
    entries: bool = True,
    check: bool = False,
    progress: Progress | None = None,
) -> PublishedFiles:
    """Publish the new part of a log; with `check` also compare every file that should be there with ours.
    Raises ElsewhereError if the target cannot be used, ForkError if it has another log, or one that was
    changed there, and EvidenceError if ours cannot be read."""
    data = log.checkpoint()
    if data is None:
        return PublishedFiles(0, 0, 0)
    checkpoint = open_checkpoint(data, [key]).checkpoint
    target.begin()
    theirs = newest_at(target, key)
    old_size = theirs.size if theirs else 0
    if theirs:
        require_ours(theirs, LocalLog(log, key, checkpoint.size, data), target.name)
        _require_edge(theirs, target, folder_of(key.name))
    if check and theirs:
        _require_all(log, theirs.size, target, folder_of(key.name), entries=entries)
    files = list(_files(log, checkpoint.size, old_size, target, folder_of(key.name), entries=entries))
    for written, (path, read) in enumerate(files, 1):
        target.write(f"{folder_of(key.name)}/{path}", read())
        if progress:
            progress(written, len(files))
    for tile in partial_tiles(old_size):
        full = Tile(tile.level, tile.index)
        if (full.index + 1) * WIDTH <= checkpoint.size >> 8 * max(full.level, 0):
            target.drop(f"{folder_of(key.name)}/{tile.path.rpartition('/')[0]}")
    return PublishedFiles(checkpoint.size, old_size, len(files))


def newest_at(target: FolderTarget, key: Verifier) -> Checkpoint | None:
    """Return the newest checkpoint of a log at a target, which has begun; `None` if there is none. Raises
    ElsewhereError, and ForkError if its key did not sign it."""
    data = target.read(f"{folder_of(key.name)}/checkpoint")
    if data is None:
        return None
    try:
        return open_checkpoint(data, [key]).checkpoint
    except EvidenceError as error:
        raise _changed(target, "checkpoint", error.message) from error


def _files(
    log: PublishedLog, size: int, old_size: int, target: FolderTarget, folder: str, *, entries: bool
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yield the path of each file to write, in this order, and a function that reads it."""
    first = 0 if entries and old_size and _lacks_entries(old_size, target, folder) else old_size
    for tile in tiles_of(size, first):
        if tile.level == ENTRIES and entries:
            yield tile.path, lambda tile=tile: fetch(tile, log.tiles.read)  # type: ignore[misc]
    for tile in tiles_of(size, old_size):
        if tile.level != ENTRIES:
            yield tile.path, lambda tile=tile: fetch(tile, log.tiles.read)  # type: ignore[misc]
    if not old_size and (key := log.key()):
        yield "key", lambda: f"{key}\n".encode()
    for number in log.sizes():
        data = log.checkpoint_of(number)
        new = number > old_size or (
            number == old_size and target.read(f"{folder}/checkpoints/{number}") != data
        )
        if data is not None and new and number <= size:
            yield f"checkpoints/{number}", lambda data=data: data  # type: ignore[misc]
    newest = log.checkpoint()
    if newest is not None and (size > old_size or target.read(f"{folder}/checkpoint") != newest):
        yield "checkpoint", lambda: newest


def _lacks_entries(size: int, target: FolderTarget, folder: str) -> bool:
    """Return whether bundles of the tree there were not published so far."""
    last = Tile(ENTRIES, (size - 1) // WIDTH, (size - 1) % WIDTH + 1)
    paths = {last.path, Tile(ENTRIES, last.index).path}
    return all(target.read(f"{folder}/{path}") is None for path in paths)


def _require_edge(theirs: Checkpoint, target: FolderTarget, folder: str) -> None:
    """Check that the tiles there are those of the checkpoint there, as far as its root depends on them.
    Raises ForkError."""
    hashes = TileHashes(theirs.size, lambda path: read_tile(target, folder, path))
    try:
        root = root_at(theirs.size, hashes)
    except (ElsewhereError, ForkError):
        raise
    except EvidenceError as error:
        raise _changed(target, "tile", error.message) from error
    if root != theirs.root:
        raise _changed(target, "tile", Text("they are not those of its checkpoint"))


def _require_all(log: PublishedLog, size: int, target: FolderTarget, folder: str, *, entries: bool) -> None:
    """Check that each file there is the same as here. Raises ForkError."""
    for tile in tiles_of(size):
        if (tile.level != ENTRIES or entries) and fetch(
            tile, lambda path: read_tile(target, folder, path)
        ) != fetch(tile, log.tiles.read):
            raise _changed(target, tile.path, Text("it is another one than here"))
    for number in log.sizes():
        data = target.read(f"{folder}/checkpoints/{number}") if number <= size else None
        here = log.checkpoint_of(number)
        if data and here and data.partition(b"\n\n")[0] != here.partition(b"\n\n")[0]:
            raise _changed(target, f"checkpoints/{number}", Text("it is another one than here"))


def read_tile(target: FolderTarget, folder: str, path: str) -> bytes:
    """Return a file below the folder of a log at a target. Raises ElsewhereError, TileMissingError."""
    data = target.read(f"{folder}/{path}")
    if data is None:
        raise TileMissingError(Text("The published file {path} is not there.", path=path))
    return data


def _changed(target: FolderTarget, path: str, detail: Text) -> ForkError:
    return ForkError(
        Text(
            "What was published at {target} was changed there: {path}: {why}",
            "keep what is there, and find out who did it; then name another place",
            target=target.name,
            path=path,
            why=detail,
        ),
        code="target-changed",
    )
