"""Check that the published files of a log are of one tree: bundles, tiles of all levels, and partial ones of
earlier sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..evidence.encoding import HASH_SIZE
from ..evidence.log_folder import PublishedLog, failing
from ..evidence.tiles import ENTRIES, WIDTH, Tile, bundle, fetch, parse_bundle
from ..evidence.tree import leaf_hashes, root
from ..model.errors import EvidenceError
from ..model.text import Text


def entries(
    published: PublishedLog, first: int, size: int, problems: list[Text]
) -> tuple[list[bytes | None], bytes]:
    """Return the entries of one bundle and the hashes of its tile: for 256 leaves from `first` on, or for
    fewer at the end of a tree of `size` leaves. A problem is added if they differ or are missing."""
    width = min(WIDTH, size - first)
    number = first // WIDTH
    result: list[bytes | None] = [None] * width
    hashes = b""
    try:
        hashes = fetch(Tile(0, number, width), published.tiles.read)
        bundle_entries = parse_bundle(fetch(Tile(ENTRIES, number, width), published.tiles.read), width)
        result = list(bundle_entries)
        if leaf_hashes(bundle_entries) != hashes:
            problems.append(
                Text(
                    "The published file {path} has other entries than its tile.",
                    path=published.folder / Tile(ENTRIES, number, width).path,
                )
            )
    except EvidenceError as error:
        problems.append(error.text)
    return result, hashes


def upper(published: PublishedLog, roots: Sequence[bytes | None]) -> Iterator[Text]:
    """Find what is wrong with the tiles above those with these roots; `None` is a root that is not known."""
    level = 1
    while roots:
        above: list[bytes | None] = []
        for start in range(0, len(roots), WIDTH):
            known_roots = [hash_ for hash_ in roots[start : start + WIDTH] if hash_ is not None]
            tile = Tile(level, start // WIDTH, min(WIDTH, len(roots) - start))
            all_known = len(known_roots) == tile.width
            yield from _compare(published, tile, b"".join(known_roots) if all_known else None)
            if tile.full:
                above.append(root(known_roots) if all_known else None)
        roots, level = above, level + 1


def partial(published: PublishedLog, size: int) -> Iterator[Text]:
    """Find what is wrong with the partial tiles and bundles of earlier sizes that lie beside those of `size`
    leaves."""
    folder = published.folder / "tile"
    with failing(folder):
        files = sorted(folder.rglob("*.p/*"))
    for file in files:
        try:
            tile = Tile.parse(file.relative_to(published.folder).as_posix())
        except EvidenceError:
            continue  # left by a crash, for example
        count = size >> 8 * max(tile.level, 0)
        current = Tile(tile.level, tile.index, max(0, min(WIDTH, count - tile.index * WIDTH)) or WIDTH)
        if current.width <= tile.width or tile.index * WIDTH >= count:
            continue
        try:
            data = fetch(current, published.tiles.read)
            expected = (
                bundle(parse_bundle(data, current.width)[: tile.width])
                if tile.level == ENTRIES
                else data[: tile.width * HASH_SIZE]
            )
        except EvidenceError:
            continue  # reported for the current tile
        yield from _compare(published, tile, expected)


def _compare(published: PublishedLog, tile: Tile, expected: bytes | None) -> Iterator[Text]:
    try:
        data = fetch(tile, published.tiles.read)
    except EvidenceError as error:
        yield error.text
        return
    if expected is not None and data != expected:
        yield Text("The published file {path} is not what its tree says.", path=published.folder / tile.path)
