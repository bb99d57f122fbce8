"""The Merkle tree, against the eight leaves of the reference implementation of Certificate Transparency (RFC
6962), and by its properties at every size."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.evidence import tree
from informativa.model.errors import EvidenceError, TreeProofError

LEAVES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION = {
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
}
CONSISTENCY = {
    (1, 1): [],
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


@dataclass
class Hashes:
    """The hashes of complete subtrees, from the leaves themselves; counts what is asked for."""

    leaves: list[bytes]
    asked: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, level: int, index: int, /) -> bytes:
        self.asked.append((level, index))
        leaves = self.leaves[index << level : (index + 1) << level]
        assert len(leaves) == 1 << level, "not a complete subtree"
        return recursive(leaves)


def recursive(leaves: list[bytes]) -> bytes:
    """The root as RFC 6962 2.1 defines it, over hashes of leaves."""
    if len(leaves) < 2:
        return leaves[0] if leaves else tree.EMPTY_ROOT
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return tree.node_hash(recursive(leaves[:split]), recursive(leaves[split:]))


def leaves(count: int) -> list[bytes]:
    """Return leaf hashes that all differ."""
    return [tree.leaf_hash(str(number).encode()) for number in range(count)]


KNOWN = Hashes([tree.leaf_hash(entry) for entry in LEAVES])


def test_roots_are_those_of_rfc_6962() -> None:
    """Each of the nine trees of the reference implementation, by three ways to the root."""
    for size, root in enumerate(ROOTS):
        assert tree.root(KNOWN.leaves[:size]).hex() == root
        assert tree.root_at(size, KNOWN).hex() == root
        assert recursive(KNOWN.leaves[:size]).hex() == root


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_rfc_6962(index: int, size: int) -> None:
    """The reference implementation's proofs, hash by hash."""
    proof = tree.inclusion_proof(index, size, KNOWN)
    assert [node.hex() for node in proof] == INCLUSION[index, size]
    tree.verify_inclusion(index, size, KNOWN.leaves[index], proof, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_rfc_6962(old: int, new: int) -> None:
    """The reference implementation's proofs, hash by hash."""
    proof = tree.consistency_proof(old, new, KNOWN)
    assert [node.hex() for node in proof] == CONSISTENCY[old, new]
    tree.verify_consistency(old, new, bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]), proof)


def test_every_proof_of_every_small_tree() -> None:
    """All leaves and all older trees, of each size up to 40."""
    for new in range(1, 41):
        hashes = Hashes(leaves(new))
        root = recursive(hashes.leaves)
        for old in range(new + 1):
            proof = tree.consistency_proof(old, new, hashes)
            tree.verify_consistency(old, new, recursive(hashes.leaves[:old]), root, proof)
        for index in range(new):
            proof = tree.inclusion_proof(index, new, hashes)
            tree.verify_inclusion(index, new, hashes.leaves[index], proof, root)
            for other in set(range(new + 2)) - {index}:
                with pytest.raises(TreeProofError):
                    tree.verify_inclusion(other, new, hashes.leaves[index], proof, root)


@given(
    st.integers(0, 8).flatmap(
        lambda level: st.lists(st.binary(max_size=90), min_size=2**level, max_size=2**level)
    )
)
def test_complete_tree_at_once_is_the_tree_leaf_by_leaf(entries: list[bytes]) -> None:
    """An audit hashes whole tiles, and gets the hashes of each leaf and the root that the tree has."""
    hashes = tree.leaf_hashes(entries)
    assert hashes == b"".join(map(tree.leaf_hash, entries))
    assert tree.complete_root(hashes) == tree.root(map(tree.leaf_hash, entries))


@given(st.data())
def test_i7_no_bit_of_an_inclusion_proof_can_be_another(data: st.DataObject) -> None:
    """I7: with one bit changed in leaf, proof or root, or a hash more or less, nothing is proven."""
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    hashes = Hashes(leaves(size))
    proof = tree.inclusion_proof(index, size, hashes)
    parts = [hashes.leaves[index], *proof, tree.root(hashes.leaves)]
    tree.verify_inclusion(index, size, parts[0], tuple(parts[1:-1]), parts[-1])
    changed = data.draw(st.sampled_from(range(len(parts))))
    flipped = [*parts]
    flipped[changed] = _flipped(parts[changed], data.draw(st.integers(0, 255)))
    for changed in (
        flipped,
        [*parts[:-1], bytes(32), parts[-1]],
        *([[*parts[:-2], parts[-1]]] if proof else []),
    ):
        with pytest.raises(TreeProofError):
            tree.verify_inclusion(index, size, changed[0], tuple(changed[1:-1]), changed[-1])


@given(st.data())
def test_i7_no_bit_of_a_consistency_proof_can_be_another(data: st.DataObject) -> None:
    """I7: with one bit changed in a root or the proof, or a hash more or less, nothing is proven."""
    new = data.draw(st.integers(2, 600))
    old = data.draw(st.integers(1, new - 1))
    hashes = Hashes(leaves(new))
    proof = tree.consistency_proof(old, new, hashes)
    parts = [recursive(hashes.leaves[:old]), *proof, recursive(hashes.leaves)]
    tree.verify_consistency(old, new, parts[0], parts[-1], tuple(parts[1:-1]))
    changed = data.draw(st.sampled_from(range(len(parts))))
    flipped = [*parts]
    flipped[changed] = _flipped(parts[changed], data.draw(st.integers(0, 255)))
    for changed in (flipped, [*parts[:-1], bytes(32), parts[-1]], [*parts[:-2], parts[-1]]):
        with pytest.raises(TreeProofError):
            tree.verify_consistency(old, new, changed[0], changed[-1], tuple(changed[1:-1]))


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 5), (5, 5)])
def test_the_empty_tree_and_itself_need_no_proof(old: int, new: int) -> None:
    """Every tree begins with them; with a hash, or another root, it is refused."""
    hashes = Hashes(leaves(5))
    roots = recursive(hashes.leaves[:old]), recursive(hashes.leaves[:new])
    assert tree.consistency_proof(old, new, hashes) == ()
    tree.verify_consistency(old, new, *roots, ())
    for arguments in ((*roots, (bytes(32),)), (bytes(32), roots[1], ())):
        with pytest.raises(TreeProofError):
            tree.verify_consistency(old, new, *arguments)


def test_sizes_that_cannot_be_are_refused() -> None:
    """An index beyond the tree, a tree that shrank, a hash of another length: by who makes and who checks."""
    hashes = Hashes(leaves(4))
    root = recursive(hashes.leaves)
    for index, size in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(ValueError, match="no leaf"):
            tree.inclusion_proof(index, size, hashes)
        with pytest.raises(TreeProofError):
            tree.verify_inclusion(index, size, hashes.leaves[0], (), root)
    for old, new in ((5, 4), (-1, 4)):
        with pytest.raises(ValueError, match="does not extend"):
            tree.consistency_proof(old, new, hashes)
        with pytest.raises(TreeProofError):
            tree.verify_consistency(old, new, root, root, ())
    with pytest.raises(TreeProofError):
        tree.verify_inclusion(0, 1, b"short", (), b"short")
    with pytest.raises(TreeProofError):
        tree.verify_consistency(2, 2, b"short", b"short", ())
    with pytest.raises(EvidenceError, match="does not begin with"):
        tree.verify_consistency(2, 4, root, root, ())
    with pytest.raises(TreeProofError):
        tree.verify_consistency(3, 4, root, root, ())


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_frontier_grows_from_anywhere(begun: int, more: int) -> None:
    """One that is taken from a stored tree and grown has the root of the whole."""
    every = leaves(begun + more)
    frontier = tree.Frontier.at(begun, Hashes(every[:begun]))
    for leaf in every[begun:]:
        frontier.append(leaf)
    assert (frontier.size, frontier.root()) == (begun + more, recursive(every))


def test_a_frontier_has_a_hash_for_each_bit_of_its_size() -> None:
    """Stored size and hashes must fit."""
    for size, hashes in ((3, [bytes(32)]), (0, [bytes(32)]), (-1, [])):
        with pytest.raises(ValueError, match="one hash for each bit"):
            tree.Frontier(size, hashes)


def test_proofs_of_ten_million_leaves_take_few_reads() -> None:
    """A proof of one leaf among 10^7 asks for at most 24 levels, some of two or more parts at the edge."""
    reads: list[tuple[int, int]] = []

    def read(level: int, index: int, /) -> bytes:
        reads.append((level, index))
        return bytes(32)

    assert len(tree.inclusion_proof(1_234_567, 10_000_000, read)) == 24
    assert len(reads) <= 48
    reads.clear()
    tree.consistency_proof(9_999_999, 10_000_000, read)
    assert len(reads) <= 48
    reads.clear()
    tree.root_at(10_000_000, read)
    assert len(reads) == 8  # 10^7 has eight bits


def _flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_frontier_grows_by_complete_subtrees() -> None:
    """The frontier is the same as after the single leaves; a subtree that does not begin there is refused."""
    hashes = [tree.leaf_hash(bytes([number])) for number in range(13)]
    leaf_by_leaf, faster = tree.Frontier(), tree.Frontier()
    for leaf in hashes:
        leaf_by_leaf.append(leaf)
    for level, at in ((2, 0), (2, 4), (1, 8), (1, 10), (0, 12)):
        faster.append(tree.complete_root(b"".join(hashes[at : at + (1 << level)])), level)
    assert faster == leaf_by_leaf
    with pytest.raises(ValueError, match="level 1"):
        faster.append(hashes[0], 1)
