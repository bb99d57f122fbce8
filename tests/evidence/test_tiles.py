"""Tiles and bundles, against C2SP tlog-tiles, and by their properties at every size."""

from __future__ import annotations

import hashlib
import struct
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from informativa.evidence import tiles, tree
from informativa.evidence.tiles import ENTRIES, Tile, TileHashes
from informativa.model.errors import EvidenceFormatError, TileMissingError

PATHS = [
    ("tile/0/000", Tile(0, 0)),
    ("tile/0/001.p/5", Tile(0, 1, 5)),
    ("tile/63/x001/x234/067", Tile(63, 1234067)),
    ("tile/5/x123/x456/078.p/255", Tile(5, 123456078, 255)),
    ("tile/0/x001/000.p/1", Tile(0, 1000, 1)),
    ("tile/0/999", Tile(0, 999)),
    ("tile/entries/x003/x057/500", Tile(ENTRIES, 3057500)),
    ("tile/entries/000.p/112", Tile(ENTRIES, 0, 112)),
]
SIZES = st.integers(0, 600) | st.sampled_from([255, 256, 257, 511, 512])


class Files:
    """Published files in memory: a `tiles.Read`."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def __call__(self, path: str) -> bytes:
        if path not in self.data:
            raise TileMissingError("missing")
        return self.data[path]

    def grow(self, old: int, new: int) -> list[Tile]:
        """Publish the tree of `new` leaves after that of `old` ones; what was written, in order."""
        written = [
            *tiles.entry_bundles(old, map(entry, range(old, new)), self),
            *tiles.hash_tiles(old, map(leaf, range(old, new)), self),
        ]
        for tile, data in written:
            assert self.data.setdefault(tile.path, data) == data, "a published file was changed"
        return [tile for tile, _ in written]


def entry(number: int) -> bytes:
    """Return an entry; neighbours differ in length."""
    return b"x" * (number % 7) + str(number).encode()


LEAVES = [tree.leaf_hash(entry(number)) for number in range(66_001)]


def leaf(number: int) -> bytes:
    """Its hash."""
    return LEAVES[number]


@pytest.mark.parametrize(("path", "tile"), PATHS)
def test_paths_are_those_of_the_specification(path: str, tile: Tile) -> None:
    """Groups of three digits, all but the last after an x; the width of a partial one."""
    assert tile.path == path
    assert Tile.parse(path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/000/",
        "tile/0/x000",
        "tile/0/x000/000",
        "tile/0/123/456/078",
        "tile/0/X001/000",
        "tile/00/000",
        "tile/01/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/8/0/001",
        "tile/data/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/05",
        "tile/0/000.p/",
        "tile/0/000.p",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/\u0661\u0661\u0661",
        "tile/../../000",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
    ],
)
def test_other_paths_are_none(path: str) -> None:
    """One file has one path."""
    with pytest.raises(EvidenceFormatError):
        Tile.parse(path)


@given(st.integers(-1, 63), st.integers(0, 2**63 - 1) | st.integers(0, 5000), st.integers(1, 256))
def test_every_tile_has_a_path(level: int, index: int, width: int) -> None:
    """And the path is that tile's alone."""
    assert Tile.parse(Tile(level, index, width).path) == Tile(level, index, width)


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-2, 0, 1), (64, 0, 1), (0, -1, 1), (0, 0, 0), (0, 0, 257)]
)
def test_what_is_no_tile_is_refused(level: int, index: int, width: int) -> None:
    """Beyond the levels, before the first, empty, too wide."""
    with pytest.raises(EvidenceFormatError):
        Tile(level, index, width)


def test_the_examples_of_the_specification() -> None:
    """70,000 leaves are 273 full tiles and one of 112, a full one and one of 17, and one of 1; 256 leaves
    are a full one, and one of 1 above."""
    all_tiles = list(tiles.tiles_of(70_000))
    assert [tile for tile in all_tiles if tile.level == 0] == [
        *(Tile(0, n) for n in range(273)),
        Tile(0, 273, 112),
    ]
    assert [tile for tile in all_tiles if tile.level > 0] == [Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert [tile for tile in all_tiles if tile.level == ENTRIES][-2:] == [
        Tile(ENTRIES, 272),
        Tile(ENTRIES, 273, 112),
    ]
    assert list(tiles.tiles_of(256)) == [Tile(ENTRIES, 0), Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles.tiles_of(0)) == []
    assert list(tiles.tiles_of(300, 300)) == []
    assert list(tiles.tiles_of(301, 300)) == [Tile(ENTRIES, 1, 45), Tile(0, 1, 45)]


@settings(deadline=None)
@given(SIZES, SIZES, SIZES)
@example(65_535, 65_536, 65_537)
@example(65_537, 66_000, 66_000)
@pytest.mark.slow
def test_a_tree_that_grows_has_the_same_tiles(first: int, second: int, third: int) -> None:
    """However it got to a size: each step writes just what `tiles_of` says, changes nothing that is
    published, and each tile has the hashes that tlog-tiles says."""
    files, sizes = Files(), sorted({0, first, second, third})
    for old, new in pairwise(sizes):
        assert sorted(files.grow(old, new)) == sorted(tiles.tiles_of(new, old))
        assert tree.root_at(new, TileHashes(new, files)) == tree.root(LEAVES[:new])
        assert {tile.path for tile in tiles.tiles_of(new)} <= set(files.data)
    at_once = Files()
    at_once.grow(0, sizes[-1])
    assert at_once.data.items() <= files.data.items()
    for path, data in at_once.data.items():
        tile = Tile.parse(path)
        if tile.level >= 0:
            high = 256**tile.level
            hashes = [
                tree.root(LEAVES[(tile.index * 256 + n) * high : (tile.index * 256 + n + 1) * high])
                for n in range(tile.width)
            ]
            assert data == b"".join(hashes)


@settings(deadline=None)
@given(st.data())
def test_proofs_are_made_of_tiles(data: st.DataObject) -> None:
    """Inclusion and consistency, as from the leaves themselves."""
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    files = Files()
    files.grow(0, size)
    hashes, root = TileHashes(size, files), tree.root(LEAVES[:size])
    tree.verify_inclusion(index, size, leaf(index), tree.inclusion_proof(index, size, hashes), root)
    old_root = tree.root(LEAVES[:index])
    tree.verify_consistency(index, size, old_root, root, tree.consistency_proof(index, size, hashes))


def test_nothing_new_is_no_new_file() -> None:
    """A tree that did not grow has no other tile, at any edge."""
    files = Files()
    for old, new in ((0, 5), (5, 256), (256, 300)):
        files.grow(old, new)
        assert files.grow(new, new) == []


def test_each_tile_is_read_once() -> None:
    """For one proof of a leaf among 66,000: at most those on its way and at the edge."""
    files, paths = Files(), []
    files.grow(0, 66_000)

    def read(path: str) -> bytes:
        paths.append(path)
        return files(path)

    tree.inclusion_proof(300, 66_000, TileHashes(66_000, read))
    assert sorted(paths) == ["tile/0/001", "tile/0/257.p/208", "tile/1/000", "tile/1/001.p/1"]


def test_only_the_last_tiles_are_kept() -> None:
    """A walk over all leaves holds 64 of them."""
    files = Files()
    files.grow(0, 66_000)
    hashes = TileHashes(66_000, files)
    assert [hashes(0, number) for number in range(0, 66_000, 100)] == LEAVES[:66_000:100]
    assert len(hashes._tiles) == 64


def test_a_subtree_that_is_not_complete_has_no_hash() -> None:
    """A request for such a hash is an error."""
    files = Files()
    files.grow(0, 300)
    for level, index in ((0, 300), (8, 1), (9, 0), (2, 75)):
        with pytest.raises(ValueError, match="no complete subtree"):
            TileHashes(300, files)(level, index)


def test_a_partial_tile_is_cut_from_the_full_one() -> None:
    """tlog-tiles: where the partial one was taken away. Where neither is there, that is said."""
    files = Files()
    files.grow(0, 100)
    partial = {path: files.data[path] for path in ("tile/0/000.p/100", "tile/entries/000.p/100")}
    files.grow(100, 256)
    for path, data in partial.items():
        del files.data[path]
        assert tiles.fetch(Tile.parse(path), files) == data
    assert tree.root_at(100, TileHashes(100, files)) == tree.root(LEAVES[:100])
    del files.data["tile/0/000"]
    with pytest.raises(TileMissingError):
        tree.root_at(100, TileHashes(100, files))


def test_a_file_of_another_size_is_refused() -> None:
    """Cut off, or longer; a full one too, from which a partial one would be cut."""
    files = Files()
    files.grow(0, 256)
    for path in ("tile/0/000", "tile/entries/000"):
        good = files.data[path]
        for content in (good[:-1], good + b"\0", b"", good + good):
            files.data[path] = content
            for tile in (Tile.parse(path), Tile.parse(f"{path}.p/5")):
                with pytest.raises(EvidenceFormatError):
                    tiles.fetch(tile, files)


def test_a_bundle_is_entries_after_their_lengths() -> None:
    """uint16 big-endian before each; empty ones and those of 65,535 bytes are entries too."""
    assert tiles.bundle([b"ab", b"", b"c"]) == bytes.fromhex("0002616200000001" + "63")
    assert tiles.parse_bundle(bytes.fromhex("000261620000000163"), 3) == (b"ab", b"", b"c")
    longest = bytes(65_535)
    assert tiles.parse_bundle(tiles.bundle([longest]), 1) == (longest,)
    assert tiles.bundle([longest])[:2] == b"\xff\xff"
    with pytest.raises(EvidenceFormatError):
        tiles.bundle([bytes(65_536)])


@given(st.lists(st.binary(max_size=9), max_size=9), st.binary(min_size=1, max_size=5))
def test_bundles_are_read_as_they_were_written(entries: list[bytes], more: bytes) -> None:
    """The same entries; no other count, and nothing left over."""
    data = tiles.bundle(entries)
    assert tiles.parse_bundle(data, len(entries)) == tuple(entries)
    assert data == b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)
    for content, count in ((data, len(entries) + 1), (data + more, len(entries)), (data[:-1], len(entries))):
        if content != data or count != len(entries):
            with pytest.raises(EvidenceFormatError):
                tiles.parse_bundle(content, count)


def test_a_changed_tile_gives_another_root() -> None:
    """I7: hashes of tiles are worth no more than the root that they lead to."""
    files = Files()
    files.grow(0, 300)
    files.data["tile/0/000"] = hashlib.sha256(b"").digest() + files.data["tile/0/000"][32:]
    assert tree.root_at(300, TileHashes(300, files)) == tree.root(LEAVES[:300])  # level 1 still says the old
    files.data["tile/1/000.p/1"] = bytes(32)
    assert tree.root_at(300, TileHashes(300, files)) != tree.root(LEAVES[:300])
