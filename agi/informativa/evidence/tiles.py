"""Tiles (C2SP tlog-tiles): a tree and its entries as files that any web server can publish. Pure.

A tile is 256 hashes in a row, of complete subtrees at a height that is a multiple of 8. The last one of a
level is partial while it has fewer. A bundle has the entries of a tile of level 0. Neither ever changes
after its tree is published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..model.errors import EvidenceFormatError, TileMissingError
from ..model.text import Text
from .encoding import HASH_SIZE, LARGEST
from .tree import root

HEIGHT = 8  # levels of the tree in a tile
WIDTH = 256  # hashes in a full tile, entries in a full bundle
ENTRIES = -1  # the level of bundles
LARGEST_ENTRY = 0xFFFF  # bytes
LARGEST_BUNDLE = WIDTH * (2 + LARGEST_ENTRY)  # bytes
_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z"
)

Read = Callable[[str], bytes]  # a file's content by its path; raises TileMissingError if there is none


@dataclass(frozen=True, order=True)
class Tile:
    """The address of a tile: the level (0 has the leaves' hashes, `ENTRIES` the entries), the index in it,
    and the number of its hashes or entries, from 1 to 256. Raises EvidenceFormatError for values that no tile
    can have."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= 63 and 0 <= self.index <= LARGEST and 1 <= self.width <= WIDTH):
            raise _no_path()

    @classmethod
    def parse(cls, path: str) -> Tile:
        """Parse a path such as `tile/0/x001/234.p/5`. Raises EvidenceFormatError."""
        match = _PATH.match(path)
        if not match:
            raise _no_path()
        level = ENTRIES if match[1] == "entries" else int(match[1])
        tile = cls(level, int(match[2].replace("x", "").replace("/", "")), int(match[3] or WIDTH))
        if tile.path != path:
            raise _no_path()
        return tile

    @property
    def path(self) -> str:
        """The path below the log's own address."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else self.level
        return f"tile/{level}/{name}" + ("" if self.full else f".p/{self.width}")

    @property
    def full(self) -> bool:
        """True if the tile is complete: nothing will be added to it."""
        return self.width == WIDTH


def tiles_of(size: int, old: int = 0) -> Iterator[Tile]:
    """Yield the bundles and then the tiles of a tree of `size` leaves that a tree of `old` leaves lacks,
    level by level; partial ones of `size`, but not of sizes between."""
    for level, count in _counts(size):
        old_count = old >> HEIGHT * max(level, 0)
        for index in range(old_count // WIDTH, count // WIDTH):
            yield Tile(level, index)
        if count % WIDTH and count != old_count:
            yield Tile(level, count // WIDTH, count % WIDTH)


def partial_tiles(size: int) -> Iterator[Tile]:
    """Yield the partial bundle and tiles of a tree of that size, at most one a level."""
    for level, count in _counts(size):
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)


def fetch(tile: Tile, read: Read) -> bytes:
    """Return the content of a tile or bundle, cut from the full one if the partial one was deleted. Raises
    TileMissingError if neither is there, and EvidenceFormatError if it has a wrong size."""
    try:
        data = read(tile.path)
    except TileMissingError:
        if tile.full:
            raise
        full = fetch(Tile(tile.level, tile.index), read)
        if tile.level == ENTRIES:
            return bundle(parse_bundle(full, WIDTH)[: tile.width])
        return full[: tile.width * HASH_SIZE]
    if tile.level == ENTRIES:
        parse_bundle(data, tile.width)
    elif len(data) != tile.width * HASH_SIZE:
        raise EvidenceFormatError(
            Text("The file {path} has {size} bytes, which is not its size.", path=tile.path, size=len(data))
        )
    return data


class TileHashes:
    """The hashes of complete subtrees of a tree of `size` leaves, from its tiles: a `tree.HashReader`. They
    are only as trustworthy as the tiles: compare the root with the checkpoint's, and verify a proof that was
    made of them. The last 64 tiles are cached, of 8 kB each. Raises what `fetch` raises."""

    _CACHED = 64

    def __init__(self, size: int, read: Read) -> None:
        self._size, self._read = size, read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int, /) -> bytes:
        if (index + 1) << level > self._size:
            raise ValueError("no complete subtree of this tree")
        tile_level, height = divmod(level, HEIGHT)
        number, first = divmod(index << height, WIDTH)
        tile = self._tile(tile_level, number)
        return root(_hashes(tile[first * HASH_SIZE : (first + (1 << height)) * HASH_SIZE]))

    def _tile(self, level: int, index: int) -> bytes:
        hashes = self._tiles.pop((level, index), None)
        if hashes is None:
            width = min((self._size >> HEIGHT * level) - index * WIDTH, WIDTH)
            hashes = fetch(Tile(level, index, width), self._read)
        self._tiles[level, index] = hashes
        if len(self._tiles) > self._CACHED:
            del self._tiles[next(iter(self._tiles))]
        return hashes


def hash_tiles(old: int, leaves: Iterable[bytes], read: Read) -> Iterator[tuple[Tile, bytes]]:
    """Yield the tiles that a tree of `old` leaves gets when these leaves, given by their hashes, are added:
    each as soon as it is full, and in the end the partial ones that changed. `read` gives the old tree's
    partial tiles. Takes the leaves one by one, and holds one tile a level. Raises what `fetch` raises."""
    rows = [
        _Row(level, count // WIDTH, bytearray(_edge(level, count, read)))
        for level, count in _counts(old)
        if level != ENTRIES
    ]
    for leaf in leaves:
        yield from _append(rows, 0, leaf)
    for row in rows:
        if row.data and row.changed:
            yield Tile(row.level, row.index, len(row.data) // HASH_SIZE), bytes(row.data)


def entry_bundles(old: int, entries: Iterable[bytes], read: Read) -> Iterator[tuple[Tile, bytes]]:
    """Yield the bundles that a log of `old` entries gets when these are added, in the same way. Raises
    EvidenceFormatError for an entry of more than 65,535 bytes, and what `fetch` raises."""
    index, old_width = old // WIDTH, old % WIDTH
    bundled = list(parse_bundle(_edge(ENTRIES, old, read), old_width))
    for entry in entries:
        bundled.append(entry)
        if len(bundled) == WIDTH:
            yield Tile(ENTRIES, index), bundle(bundled)
            index, old_width, bundled = index + 1, 0, []
    if len(bundled) > old_width:
        yield Tile(ENTRIES, index, len(bundled)), bundle(bundled)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Return the entries in a row, each after its length (2 bytes, big-endian). Raises EvidenceFormatError
    for an entry of more than 65,535 bytes."""
    parts = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise EvidenceFormatError(Text("An entry of a log has at most 65535 bytes."))
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def parse_bundle(data: bytes, count: int) -> tuple[bytes, ...]:
    """Return the entries of a bundle that must have exactly `count`. Raises EvidenceFormatError."""
    size = 2 + int.from_bytes(data[:2], "big")
    if len(data) == count * size and data[::size] + data[1::size] == data[:1] * count + data[1:2] * count:
        # All entries have the length of the first.
        return tuple(data[at + 2 : at + size] for at in range(0, len(data), size))
    entries, at = [], 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(entries) != count:
        raise EvidenceFormatError(Text("A bundle of {count} entries is cut off, or has others.", count=count))
    return tuple(entries)


@dataclass
class _Row:
    """The tile that is being filled, of one level."""

    level: int
    index: int = 0
    data: bytearray = field(default_factory=bytearray)
    changed: bool = False


def _append(rows: list[_Row], level: int, node: bytes) -> Iterator[tuple[Tile, bytes]]:
    """Add a hash to the tile of a level, and yield the tiles that become full by it."""
    if level == len(rows):
        rows.append(_Row(level))
    row = rows[level]
    row.data += node
    row.changed = True
    if len(row.data) == WIDTH * HASH_SIZE:
        full = bytes(row.data)
        yield Tile(level, row.index), full
        rows[level] = _Row(level, row.index + 1)
        yield from _append(rows, level + 1, root(_hashes(full)))


def _counts(size: int) -> Iterator[tuple[int, int]]:
    """Yield each level of a tree and its number of entries or hashes, bundles first; empty levels are left
    out."""
    if size:
        yield ENTRIES, size
    level = 0
    while size:
        yield level, size
        size, level = size >> HEIGHT, level + 1


def _edge(level: int, count: int, read: Read) -> bytes:
    return fetch(Tile(level, count // WIDTH, count % WIDTH), read) if count % WIDTH else b""


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def _no_path() -> EvidenceFormatError:
    return EvidenceFormatError(Text("It is no tile's path, as tile/0/x001/234.p/5 (c2sp.org/tlog-tiles)."))
