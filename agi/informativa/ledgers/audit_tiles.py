"""Whether what was published of a log is one tree: bundles, tiles of all levels, those of earlier sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..errors import EvidenceError
from ..evidence.encoding import HASH_SIZE
from ..evidence.log_folder import PublishedLog, failing
from ..evidence.tiles import ENTRIES, WIDTH, Tile, bundle, fetch, parse_bundle
from ..evidence.tree import leaf_hashes, root
from ..text import Text


def entries(
    published: PublishedLog, first: int, size: int, problems: list[Text]
) -> tuple[list[bytes | None], bytes]:
    """The entries of one bundle and the hashes of its tile, which are of the same leaves: 256 from `first`
    on, or as many as a tree of `size` has. Where they are not, or are not there, it is a problem."""
    width = min(WIDTH, size - first)
    number = first // WIDTH
    found: list[bytes | None] = [None] * width
    hashes = b""
    try:
        hashes = fetch(Tile(0, number, width), published.tiles.read)
        listed = parse_bundle(fetch(Tile(ENTRIES, number, width), published.tiles.read), width)
        found = list(listed)
        if leaf_hashes(listed) != hashes:
            problems.append(
                Text(
                    "The published file {path} has other entries than its tile.",
                    path=published.folder / Tile(ENTRIES, number, width).path,
                )
            )
    except EvidenceError as error:
        problems.append(error.text)
    return found, hashes


def upper(published: PublishedLog, roots: Sequence[bytes | None]) -> Iterator[Text]:
    """What is wrong with the tiles above those whose roots these are; `None` is a root that is not known."""
    level = 1
    while roots:
        above: list[bytes | None] = []
        for at in range(0, len(roots), WIDTH):
            part = [each for each in roots[at : at + WIDTH] if each is not None]
            tile = Tile(level, at // WIDTH, min(WIDTH, len(roots) - at))
            whole = len(part) == tile.width
            yield from _wrong(published, tile, b"".join(part) if whole else None)
            if tile.full:
                above.append(root(part) if whole else None)
        roots, level = above, level + 1


def partial(published: PublishedLog, size: int) -> Iterator[Text]:
    """What is wrong with the tiles and bundles of earlier sizes that are there beside those of `size`."""
    folder = published.folder / "tile"
    with failing(folder):
        files = sorted(folder.rglob("*.p/*"))
    for file in files:
        try:
            tile = Tile.parse(file.relative_to(published.folder).as_posix())
        except EvidenceError:
            continue  # what a crash left, say
        count = size >> 8 * max(tile.level, 0)
        now = Tile(tile.level, tile.index, max(0, min(WIDTH, count - tile.index * WIDTH)) or WIDTH)
        if now.width <= tile.width or tile.index * WIDTH >= count:
            continue
        try:
            data = fetch(now, published.tiles.read)
            begin = (
                bundle(parse_bundle(data, now.width)[: tile.width])
                if tile.level == ENTRIES
                else data[: tile.width * HASH_SIZE]
            )
        except EvidenceError:
            continue  # which was told of the later one
        yield from _wrong(published, tile, begin)


def _wrong(published: PublishedLog, tile: Tile, expected: bytes | None) -> Iterator[Text]:
    try:
        data = fetch(tile, published.tiles.read)
    except EvidenceError as error:
        yield error.text
        return
    if expected is not None and data != expected:
        yield Text("The published file {path} is not what its tree says.", path=published.folder / tile.path)
