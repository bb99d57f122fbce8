"""Reading back of what was published of a log and is not here any more. Only what the log's key signed, and
what continues the log as it is here, is taken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from ..model.errors import EvidenceError, TileMissingError
from .checkpoint import Checkpoint, open_checkpoint
from .elsewhere import another_log
from .log_folder import PublishedLog
from .note import Verifier
from .publishing import folder_of, newest_at, read_tile
from .targets import FolderTarget
from .tiles import ENTRIES, WIDTH, Tile, TileHashes, fetch, parse_bundle, tiles_of
from .tree import Frontier, leaf_hash, root_at


def retrieve(log: PublishedLog, target: FolderTarget) -> None:
    """Add to a log here what a target, which has begun, has beyond it. Raises ElsewhereError if the target
    cannot be read, ForkError if it has another log, or one that was changed there, and EvidenceError if the
    files here cannot be used."""
    key, data = log.key(), log.checkpoint()
    if key is None:
        return
    here = open_checkpoint(data, [key]).checkpoint.size if data else 0
    newest = newest_at(target, key)
    if newest is None or newest.size <= here:
        return
    copy = _Copy(log, here, target, key, newest)
    try:
        entries = list(copy.entries())
    except TileMissingError:  # published without entries: what they said is lost
        copy.take_tiles()
    else:
        log.extend(here, entries)
    copy.take_dated()


class _Copy:
    """The copy of a log at a target: longer than the `here` leaves that the log has on this machine."""

    def __init__(
        self, log: PublishedLog, here: int, target: FolderTarget, key: Verifier, newest: Checkpoint
    ) -> None:
        self._log, self._here, self._target, self._key, self._newest = log, here, target, key, newest
        self._folder = folder_of(key.name)

    def entries(self) -> Iterator[bytes]:
        """Yield the entries that are missing here; the last ones after their root was compared. Raises
        TileMissingError if a bundle is not there, and ForkError."""
        frontier = Frontier.at(self._here, TileHashes(self._here, self._log.tiles.read))
        for tile in tiles_of(self._newest.size, self._here):
            if tile.level != ENTRIES:
                continue
            bundle = parse_bundle(fetch(tile, self._read), tile.width)
            for entry in bundle[frontier.size - tile.index * WIDTH :]:
                frontier.append(leaf_hash(entry))
                yield entry
        self._require(frontier.root(), self._newest)

    def take_tiles(self) -> None:
        """Take the tiles without the entries, if they continue the log. Raises as `entries` does."""
        theirs = TileHashes(self._newest.size, self._read)
        self._require(root_at(self._newest.size, theirs), self._newest)
        local = root_at(self._here, TileHashes(self._here, self._log.tiles.read))
        self._require(root_at(self._here, theirs), Checkpoint(self._newest.origin, self._here, local))
        missing = [tile for tile in tiles_of(self._newest.size, self._here) if tile.level != ENTRIES]
        self._log.tiles.write((tile, fetch(tile, self._read)) for tile in missing)

    def take_dated(self) -> None:
        """Take checkpoints, as far as the target can name them; the newest one last."""
        hashes = TileHashes(self._newest.size, self._log.tiles.read)
        sizes = {int(name) for name in self._target.names(f"{self._folder}/checkpoints") if name.isdecimal()}
        for size in sorted({*sizes, self._newest.size}):
            data = self._target.read(f"{self._folder}/checkpoints/{size}")
            if data is None or not self._here < size <= self._newest.size:
                continue
            with suppress(EvidenceError):  # another one there than was signed counts for nothing
                dated = open_checkpoint(data, [self._key]).checkpoint
                if (dated.size, dated.root) == (size, root_at(size, hashes)):
                    self._log.put_checkpoint(size, data)
        newest = self._target.read(f"{self._folder}/checkpoint")
        if newest is not None and open_checkpoint(newest, [self._key]).checkpoint == self._newest:
            if self._log.checkpoint_of(self._newest.size) is None:
                self._log.put_checkpoint(self._newest.size, newest)
            self._log.put_newest(newest)

    def _read(self, path: str) -> bytes:
        Tile.parse(path)
        return read_tile(self._target, self._folder, path)

    def _require(self, root: bytes, signed: Checkpoint) -> None:
        if root != signed.root:
            raise another_log(self._target.name, signed.size)
