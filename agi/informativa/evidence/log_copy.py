"""The copy of somebody else's log that a monitor makes: what it read, as files laid out like a published log.

    checkpoint            the newest one that was verified, with all its signatures
    checkpoints/<size>    the first one of each size
    tile/entries/…        the bundles
    bundles               of each full bundle the root over its leaves, and whether it has more than records
    ended                 the size at which the log ended, once it is known
    forks/<sha256>        signed checkpoints that contradict this copy, which prove it

All leaves of `checkpoint` are there. Bundles beyond it were read for a later checkpoint and are verified with
that; until then they are of no account.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from ..model.errors import EvidenceError, TileMissingError
from ..model.text import Text
from ..system import files
from ..system.patience import some_at_a_time
from . import tile_files
from .checkpoint import Checkpoint
from .commitment import RECORD_TAG
from .encoding import HASH_SIZE, decimal
from .log_folder import PublishedLog, failing
from .tiles import ENTRIES, HEIGHT, WIDTH, Tile, fetch, parse_bundle
from .tree import Frontier, complete_root, leaf_hashes

_ROW = HASH_SIZE + 1  # bytes of a full bundle in the file `bundles`
_RECORD_SIZE = len(RECORD_TAG) + 2 * HASH_SIZE
MOST_FORKS = 100
_LARGEST = 64 << 20  # bytes of the files of a copy that are read at once


class LogCopy:
    """The copy in a folder. For one process at a time. Every method raises EvidenceError if its files cannot
    be used."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.published = folder, PublishedLog(folder)
        with failing(folder):
            files.make_folder(folder, mode=0o750)
            try:
                rows = files.read(folder / "bundles", _LARGEST)
            except FileNotFoundError:
                rows = b""
        self._rows = bytearray(rows[: len(rows) // _ROW * _ROW])
        self._frontier = Frontier()  # of the full bundles of the last tree that was asked for

    @property
    def note(self) -> bytes | None:
        """The signed note of the newest checkpoint that was verified; `None` before the first."""
        return self.published.checkpoint()

    @property
    def checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint that was verified."""
        note = self.note
        return None if note is None else Checkpoint.unverified(note)

    @property
    def size(self) -> int:
        """The number of leaves that were verified."""
        checkpoint = self.checkpoint
        return checkpoint.size if checkpoint else 0

    @property
    def full_bundles(self) -> int:
        """The number of full bundles that are there, verified or not."""
        return len(self._rows) // _ROW

    @property
    def forks_folder(self) -> Path:
        """The folder of the checkpoints that contradict this copy."""
        return self.folder / "forks"

    def add(self, number: int, bundles: Sequence[tuple[bytes, tuple[bytes, ...]]]) -> None:
        """Put full bundles, given as bytes and as entries, behind the first `number` ones. They are on the
        disk when this returns."""
        tiles = [(Tile(ENTRIES, number + at), data) for at, (data, _entries) in enumerate(bundles)]
        self._write(tiles)
        rows = b"".join(
            complete_root(leaf_hashes(entries)) + bytes([not _only_records(entries)])
            for _data, entries in bundles
        )
        self._put_rows(number, rows)

    def put_last(self, size: int, data: bytes) -> None:
        """Put the partial bundle of a tree of that size, which must have one."""
        self._write([(Tile(ENTRIES, size // WIDTH, size % WIDTH), data)])

    def forget_unverified(self) -> None:
        """Forget what was read beyond the newest checkpoint."""
        self._put_rows(self.size // WIDTH, b"")

    def verified(self, checkpoint: Checkpoint, note: bytes) -> None:
        """Store a checkpoint whose leaves are all there and give its root, or the same with newer
        signatures."""
        old_index, index = self.size // WIDTH, checkpoint.size // WIDTH
        with failing(self.folder):
            if self.first_checkpoint(checkpoint.size) is None:
                self.put_first(checkpoint.size, note)
            files.write_file(self.folder / "checkpoint", note, durable=True)
            # Partial bundles of smaller trees are parts of what is there now.
            for number in {old_index, index}:
                partials = (self.folder / Tile(ENTRIES, number, 1).path).parent
                for file in partials.iterdir() if partials.is_dir() else ():
                    if number < index or file.name != str(checkpoint.size % WIDTH):
                        file.unlink()

    def frontier(self, size: int) -> Frontier:
        """Return the right edge of the first `size` leaves that are there; a tree of 10^7 takes 40 ms, and
        after a smaller one what it has more."""
        full, known = size // WIDTH, self._frontier
        if known.size > full * WIDTH:
            known = Frontier()
        for at in range(known.size // WIDTH * _ROW, full * _ROW, _ROW):
            known.append(bytes(self._rows[at : at + HASH_SIZE]), HEIGHT)
        self._frontier, frontier = known, Frontier(known.size, known.hashes.copy())
        rest = leaf_hashes(self.entries(full, size))
        for at in range(0, len(rest), HASH_SIZE):
            frontier.append(rest[at : at + HASH_SIZE])
        return frontier

    def root(self, size: int) -> bytes:
        """Return the root over the first `size` leaves."""
        return self.frontier(size).root()

    def other_entries(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Yield the verified entries from `start` on that are no records, each with its index."""
        size = self.size
        for number in range(start // WIDTH, -(-size // WIDTH)):
            if number < size // WIDTH and not self._rows[number * _ROW + HASH_SIZE]:
                continue
            for index, entry in enumerate(self.entries(number, size), number * WIDTH):
                if index >= start and not _is_record(entry):
                    yield index, entry

    def first_checkpoint(self, size: int) -> bytes | None:
        """Return the first checkpoint of that size that was read."""
        return self.published.checkpoint_of(size)

    def put_first(self, size: int, note: bytes) -> None:
        """Store the first checkpoint of a size, which is of this copy's tree."""
        with failing(self.folder / "checkpoints"):
            files.make_folder(self.folder / "checkpoints")
            files.write_file(self.folder / "checkpoints" / str(size), note, durable=True)

    @property
    def ended(self) -> int | None:
        """The number of leaves at which the log ended; `None` if it goes on."""
        with failing(self.folder / "ended"):
            try:
                return decimal(files.read(self.folder / "ended", 100).decode("ascii", "replace").strip())
            except FileNotFoundError:
                return None

    def end(self, size: int) -> None:
        """Note that the log ended with that many leaves."""
        with failing(self.folder / "ended"):
            files.write_file(self.folder / "ended", f"{size}\n".encode(), durable=True)

    def keep_fork(self, note: bytes) -> None:
        """Store a checkpoint that contradicts this copy, unless there are a hundred."""
        folder = self.forks_folder
        with failing(folder):
            files.make_folder(folder)
            if len(list(islice(folder.iterdir(), MOST_FORKS))) < MOST_FORKS:
                text = note.partition(b"\n\n")[0]
                files.write_file(folder / sha256(text).hexdigest(), note, durable=True)

    def forks(self) -> list[Checkpoint]:
        """Return the checkpoints that contradict this copy, smallest first."""
        folder, checkpoints = self.forks_folder, []
        with failing(folder):
            for file in islice(folder.iterdir(), MOST_FORKS) if folder.is_dir() else ():
                with suppress(EvidenceError):
                    checkpoints.append(Checkpoint.unverified(files.read(file, _LARGEST)))
        return sorted(checkpoints, key=lambda checkpoint: (checkpoint.size, checkpoint.root))

    def entries(self, number: int, size: int) -> tuple[bytes, ...]:
        """Return the entries of bundle `number` in a tree of that size, which must be there."""
        width = min(size - number * WIDTH, WIDTH)
        if width <= 0:
            return ()
        try:
            return parse_bundle(fetch(Tile(ENTRIES, number, width), self.published.tiles.read), width)
        except TileMissingError:
            # The partial bundle of a larger tree begins with that of a smaller one.
            tile = Tile(ENTRIES, number, 1)
            folder = (self.folder / tile.path).parent
            with failing(folder):
                widths = [int(file.name) for file in folder.glob("[0-9]*")]
            larger = min((other for other in widths if other > width), default=None)
            if larger is None:
                raise
            data = fetch(Tile(ENTRIES, number, larger), self.published.tiles.read)
            return parse_bundle(data, larger)[:width]

    def _put_rows(self, number: int, rows: bytes) -> None:
        """Put rows behind the first `number` ones of the file `bundles`, in place of those that are there."""
        self._rows[number * _ROW :] = rows
        if self._frontier.size > number * WIDTH:
            self._frontier = Frontier()
        file = self.folder / "bundles"
        with failing(file):
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o640)
            try:
                os.ftruncate(descriptor, number * _ROW)
                os.pwrite(descriptor, rows, number * _ROW)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def _write(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Write bundles over those that were read and not verified."""
        some_at_a_time(partial(_put, self.folder), tiles, tile_files.AT_ONCE)


class CopySnapshot(LogCopy):
    """The copy at one moment, only to be read, while a monitor may go on with it: its checkpoint is read
    before the bundles, so all of its leaves are there. Raises EvidenceError if there is no copy."""

    def __init__(self, folder: Path) -> None:
        self._note = PublishedLog(folder).checkpoint()
        if self._note is None:
            raise EvidenceError(
                Text(
                    "There is no copy of it in {folder}",
                    "let the monitor look once more: informativa monitor --once",
                    folder=folder,
                )
            )
        super().__init__(folder)

    @property
    def note(self) -> bytes | None:
        return self._note


def _put(folder: Path, tile_and_data: tuple[Tile, bytes]) -> None:
    tile, data = tile_and_data
    file = folder / tile.path
    with failing(file):
        files.make_folder(file.parent)
        files.write_file(file, data, durable=True)


def _is_record(entry: bytes) -> bool:
    return len(entry) == _RECORD_SIZE and entry.startswith(RECORD_TAG)


def _only_records(entries: Sequence[bytes]) -> bool:
    return all(map(_is_record, entries))


def require_sound(copy: LogCopy) -> None:
    """Check that the leaves of a copy are those of its own checkpoint. Raises EvidenceError."""
    last = copy.checkpoint
    if last is not None and (copy.full_bundles < last.size // WIDTH or copy.root(last.size) != last.root):
        raise EvidenceError(
            Text(
                "The copy in {folder} is not what was written there",
                "keep it aside, and begin anew: mv {folder} {folder}.aside",
                folder=copy.folder,
            )
        )
