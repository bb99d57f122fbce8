"""Tiles (C2SP tlog-tiles): a tree and its entries as files that any web server can publish. Pure.

A tile is 256 hashes in a row, of complete subtrees at a height that is a multiple of 8; the last one of a
level is partial, as long as it has fewer. A bundle is the entries of a tile of level 0. Neither ever
changes once its tree is published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from ..errors import EvidenceFormatError, TileMissingError
from ..text import Text
from .encoding import HASH_SIZE, LARGEST
from .tree import root

HEIGHT = 8  # levels of the tree in a tile
WIDTH = 256  # hashes in a full tile, entries in a full bundle
ENTRIES = -1  # the level of bundles
LARGEST_ENTRY = 0xFFFF  # bytes
_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z"
)

Read = Callable[[str], bytes]  # a file's content by its path; raises TileMissingError where there is none


@dataclass(frozen=True, order=True)
class Tile:
    """Which tile: the level (0 has the leaves' hashes, `ENTRIES` the entries), the index in it, and how many
    hashes or entries it has, from 1 to 256. Raises EvidenceFormatError for what cannot be one."""

    level: int
    index: int
    width: int = WIDTH

    def __post_init__(self) -> None:
        if not (ENTRIES <= self.level <= 63 and 0 <= self.index <= LARGEST and 1 <= self.width <= WIDTH):
            raise _no_path()

    @classmethod
    def parse(cls, path: str) -> Tile:
        """From its path, as `tile/0/x001/234.p/5`. Raises EvidenceFormatError."""
        found = _PATH.match(path)
        if not found:
            raise _no_path()
        level = ENTRIES if found[1] == "entries" else int(found[1])
        tile = cls(level, int(found[2].replace("x", "").replace("/", "")), int(found[3] or WIDTH))
        if tile.path != path:
            raise _no_path()
        return tile

    @property
    def path(self) -> str:
        """Below the log's own address."""
        digits = str(self.index)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else self.level
        return f"tile/{level}/{name}" + ("" if self.full else f".p/{self.width}")

    @property
    def full(self) -> bool:
        """Whether nothing will be added to it."""
        return self.width == WIDTH


def tiles_of(size: int, old: int = 0) -> Iterator[Tile]:
    """The bundles and then the tiles of a tree of `size` leaves that one of `old` leaves has not, level by
    level; partial ones of `size`, but not of sizes between."""
    for level, count in _counts(size):
        before = old >> HEIGHT * max(level, 0)
        for index in range(before // WIDTH, count // WIDTH):
            yield Tile(level, index)
        if count % WIDTH and count != before:
            yield Tile(level, count // WIDTH, count % WIDTH)


def partial_tiles(size: int) -> Iterator[Tile]:
    """Of a tree of that size, at the edge where it grows: its partial bundle, and one tile a level at
    most."""
    for level, count in _counts(size):
        if count % WIDTH:
            yield Tile(level, count // WIDTH, count % WIDTH)


def fetch(tile: Tile, read: Read) -> bytes:
    """The content of a tile or bundle, cut from the full one where the partial one is no longer there. Raises
    TileMissingError where neither is, EvidenceFormatError where it has another size than it should."""
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
    are as good as the tiles: compare the root with the checkpoint's, and verify a proof that was made of
    them. The last tiles are kept, of 8 kB each. Raises what `fetch` raises."""

    _KEPT = 64

    def __init__(self, size: int, read: Read) -> None:
        self._size, self._read = size, read
        self._tiles: dict[tuple[int, int], bytes] = {}

    def __call__(self, level: int, index: int, /) -> bytes:
        if (index + 1) << level > self._size:
            raise ValueError("no complete subtree of this tree")
        row, height = divmod(level, HEIGHT)
        number, first = divmod(index << height, WIDTH)
        tile = self._tile(row, number)
        return root(_hashes(tile[first * HASH_SIZE : (first + (1 << height)) * HASH_SIZE]))

    def _tile(self, level: int, index: int) -> bytes:
        found = self._tiles.pop((level, index), None)
        if found is None:
            width = min((self._size >> HEIGHT * level) - index * WIDTH, WIDTH)
            found = fetch(Tile(level, index, width), self._read)
        self._tiles[level, index] = found
        if len(self._tiles) > self._KEPT:
            del self._tiles[next(iter(self._tiles))]
        return found


def hash_tiles(old: int, leaves: Iterable[bytes], read: Read) -> Iterator[tuple[Tile, bytes]]:
    """The tiles that a tree of `old` leaves gets when these leaves, given by their hashes, are added: each
    as soon as it is full, and in the end the partial ones that changed. `read` has the old tree's partial
    tiles. Takes the leaves one by one, and holds one tile a level. Raises what `fetch` raises."""
    rows = [
        _Row(level, count // WIDTH, bytearray(_edge(level, count, read)))
        for level, count in _counts(old)
        if level != ENTRIES
    ]
    for leaf in leaves:
        yield from _added(rows, 0, leaf)
    for row in rows:
        if row.data and row.changed:
            yield Tile(row.level, row.index, len(row.data) // HASH_SIZE), bytes(row.data)


def entry_bundles(old: int, entries: Iterable[bytes], read: Read) -> Iterator[tuple[Tile, bytes]]:
    """The bundles that a log of `old` entries gets when these are added, in the same way. Raises
    EvidenceFormatError for an entry of more than 65,535 bytes, and what `fetch` raises."""
    index, begun = old // WIDTH, old % WIDTH
    held = list(parse_bundle(_edge(ENTRIES, old, read), begun))
    for entry in entries:
        held.append(entry)
        if len(held) == WIDTH:
            yield Tile(ENTRIES, index), bundle(held)
            index, begun, held = index + 1, 0, []
    if len(held) > begun:
        yield Tile(ENTRIES, index, len(held)), bundle(held)


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries in a row, each after its length (2 bytes, big-endian). Raises EvidenceFormatError for one of
    more than 65,535 bytes."""
    parts = []
    for entry in entries:
        if len(entry) > LARGEST_ENTRY:
            raise EvidenceFormatError(Text("An entry of a log has at most 65535 bytes."))
        parts.append(len(entry).to_bytes(2, "big") + entry)
    return b"".join(parts)


def parse_bundle(data: bytes, count: int) -> tuple[bytes, ...]:
    """The entries of a bundle of so many, no more and no less. Raises EvidenceFormatError."""
    size = 2 + int.from_bytes(data[:2], "big")
    if len(data) == count * size and data[::size] + data[1::size] == data[:1] * count + data[1:2] * count:
        return tuple(data[at + 2 : at + size] for at in range(0, len(data), size))  # all as long as the first
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
    """The tile of one level that is being filled."""

    level: int
    index: int = 0
    data: bytearray = field(default_factory=bytearray)
    changed: bool = False


def _added(rows: list[_Row], level: int, found: bytes) -> Iterator[tuple[Tile, bytes]]:
    if level == len(rows):
        rows.append(_Row(level))
    row = rows[level]
    row.data += found
    row.changed = True
    if len(row.data) == WIDTH * HASH_SIZE:
        full = bytes(row.data)
        yield Tile(level, row.index), full
        rows[level] = _Row(level, row.index + 1)
        yield from _added(rows, level + 1, root(_hashes(full)))


def _counts(size: int) -> Iterator[tuple[int, int]]:
    """How many entries or hashes each level of a tree has, bundles first; levels without any are left out."""
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
