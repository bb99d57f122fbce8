"""The Merkle tree of RFC 6962 section 2.1 and RFC 9162 section 2.1, with SHA-256. Pure.

A *complete subtree* (level, index) is the one over the 2^level leaves from index * 2^level on; its hash never
changes again. A store of these hashes is enough for every proof about a tree of any size, with as many reads
as the tree has levels.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from ..model.errors import TreeProofError
from ..model.text import Text
from .encoding import HASH_SIZE

EMPTY_ROOT = sha256(b"").digest()  # of the tree without leaves, RFC 6962 2.1
_LEAF, _NODE = b"\x00", b"\x01"


class HashReader(Protocol):
    """A reader of the hashes of complete subtrees. It is only asked for complete ones of the tree in
    question."""

    def __call__(self, level: int, index: int, /) -> bytes:
        """Return the hash, 32 bytes. Raises EvidenceError if it is not available."""


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of one entry: SHA-256(0x00 ‖ entry)."""
    return sha256(_LEAF + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> bytes:
    """Return the leaf hashes of many entries, one after the other."""
    return b"".join([sha256(_LEAF + entry).digest() for entry in entries])


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(_NODE + left + right).digest()


@dataclass
class Frontier:
    """The right edge of a growing tree: its size in leaves, and the hashes of the largest complete subtrees
    that it consists of, from the left, one for each bit that is set in `size`. Enough to grow the tree and to
    know its root. Raises ValueError if size and hashes do not fit."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("there is one hash for each bit of the size")

    @classmethod
    def at(cls, size: int, hashes: HashReader) -> Frontier:
        """Return the frontier of the first `size` leaves of a tree. Raises what `hashes` raises."""
        return cls(size, [hashes(level, index) for level, index in _complete(0, size)])

    def append(self, leaf: bytes, level: int = 0) -> None:
        """Add one leaf, given by its hash, or a complete subtree of 2^level leaves. Raises ValueError if no
        subtree of that level begins at this size."""
        size, hashes = self.size >> level, self.hashes
        if size << level != self.size:
            raise ValueError(f"no complete subtree of level {level} begins at leaf {self.size}")
        while size & 1:
            leaf = sha256(_NODE + hashes.pop() + leaf).digest()
            size >>= 1
        hashes.append(leaf)
        self.size += 1 << level

    def root(self) -> bytes:
        """Return the tree's root."""
        return _folded(self.hashes) if self.hashes else EMPTY_ROOT


def root(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over these leaves, given by their hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def complete_root(leaves: bytes) -> bytes:
    """Return the root over 2^level leaves, whose hashes are given one after the other; twice as fast as
    `root`."""
    hashes, pair = leaves, 2 * HASH_SIZE
    while len(hashes) > HASH_SIZE:
        nodes = [sha256(_NODE + hashes[at : at + pair]).digest() for at in range(0, len(hashes), pair)]
        hashes = b"".join(nodes)
    return hashes


def root_at(size: int, hashes: HashReader) -> bytes:
    """Return the root over the first `size` leaves of a tree. Raises what `hashes` raises."""
    return Frontier.at(size, hashes).root()


def inclusion_proof(index: int, size: int, hashes: HashReader) -> tuple[bytes, ...]:
    """Return PATH(index, D[0:size]) of RFC 6962 2.1.1: from the leaf's sibling up. Raises ValueError unless 0
    <= index < size, and what `hashes` raises."""
    if not 0 <= index < size:
        raise ValueError(f"there is no leaf {index} among {size}")
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_range_hash(middle, high, hashes))
            high = middle
        else:
            path.append(_range_hash(low, middle, hashes))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, hashes: HashReader) -> tuple[bytes, ...]:
    """Return PROOF(old, D[0:new]) of RFC 6962 2.1.2; empty if `old` is 0 or `new`. Raises ValueError unless 0
    <= old <= new, and what `hashes` raises."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not extend one of {old}")
    if old in (0, new):
        return ()
    low, high, path = 0, new, []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_range_hash(middle, high, hashes))
            high = middle
        else:
            path.append(_range_hash(low, middle, hashes))
            low = middle
    if low:  # else it is the old root itself, which every verifier has
        path.append(_range_hash(low, high, hashes))
    return tuple(reversed(path))


def verify_inclusion(index: int, size: int, leaf: bytes, proof: tuple[bytes, ...], tree_root: bytes) -> None:
    """Verify that the leaf with this hash is number `index` of the `size` leaves under `tree_root`, with the
    algorithm and the names of RFC 9162 2.1.3.2. Raises TreeProofError."""
    if not 0 <= index < size:
        raise TreeProofError(
            Text("There is no leaf number {index} in a tree of {size}.", index=index, size=size)
        )
    _check_hashes(leaf, tree_root, *proof)
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            raise _not_included(index, size)
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn or r != tree_root:
        raise _not_included(index, size)


def verify_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: tuple[bytes, ...]
) -> None:
    """Verify that the tree of `new` leaves under `new_root` begins with that of `old` leaves under
    `old_root`, with the algorithm and the names of RFC 9162 2.1.4.2; every tree begins with the empty one,
    and with itself. Raises TreeProofError."""
    if not 0 <= old <= new:
        raise TreeProofError(Text("A tree of {new} leaves does not extend one of {old}.", new=new, old=old))
    _check_hashes(old_root, new_root, *proof)
    if old in (0, new):
        if proof or (old == new and old_root != new_root) or (old == 0 and old_root != EMPTY_ROOT):
            raise _not_consistent(old, new)
        return
    path = proof if old & (old - 1) else (old_root, *proof)
    if not path:
        raise _not_consistent(old, new)
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for c in path[1:]:
        if sn == 0:
            raise _not_consistent(old, new)
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn or (fr, sr) != (old_root, new_root):
        raise _not_consistent(old, new)


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is 2 or more."""
    return 1 << (size - 1).bit_length() - 1


def _complete(low: int, high: int) -> list[tuple[int, int]]:
    """Return the largest complete subtrees of leaves `low` to `high`, from the left. `low` is a multiple of a
    power of two that is not smaller than their number, as wherever a tree is split."""
    subtrees = []
    while low < high:
        level = (high - low).bit_length() - 1
        subtrees.append((level, low >> level))
        low += 1 << level
    return subtrees


def _range_hash(low: int, high: int, hashes: HashReader) -> bytes:
    return _folded([hashes(level, index) for level, index in _complete(low, high)])


def _folded(hashes: list[bytes]) -> bytes:
    right = hashes[-1]
    for left in reversed(hashes[:-1]):
        right = node_hash(left, right)
    return right


def _check_hashes(*hashes: bytes) -> None:
    if any(len(node) != HASH_SIZE for node in hashes):
        raise TreeProofError(Text("A hash in the proof has not 32 bytes."))


def _not_included(index: int, size: int) -> TreeProofError:
    return TreeProofError(
        Text(
            "The record is not number {index} in the tree of {size}, or not this record",
            "it, its proof or the tree was changed",
            index=index,
            size=size,
        )
    )


def _not_consistent(old: int, new: int) -> TreeProofError:
    return TreeProofError(
        Text(
            "The tree of {new} leaves does not begin with the tree of {old}",
            "something recorded was changed or taken out, or one of the two is another log's",
            new=new,
            old=old,
        )
    )
