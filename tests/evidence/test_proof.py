"""Proofs in one file (C2SP tlog-proof): written, read, believed only as far as they go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.evidence import note, tree
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer
from informativa.evidence.policy import Policy
from informativa.evidence.proof import Proof
from informativa.model.errors import (
    EvidenceError,
    EvidenceFormatError,
    QuorumError,
    SignatureError,
    TreeProofError,
)

LOG = Signer("example.com/log", bytes([1]) * 32)
OTHER = Signer("example.com/other", bytes([3]) * 32)
WITNESS = WitnessSigner("w.example", bytes([2]) * 32)
ENTRIES = [str(number).encode() for number in range(7)]
LEAVES = [tree.leaf_hash(entry) for entry in ENTRIES]
POLICY = Policy.parse(f"witness w {WITNESS.verifier}\nquorum w\n".encode())


def hashes(level: int, index: int, /) -> bytes:
    """Return the hash of a subtree of the seven leaves."""
    return tree.root(LEAVES[index << level : (index + 1) << level])


def proof(index: int = 4, extra: bytes = b"", *, witnessed: bool = False) -> Proof:
    """Return the proof of one of the seven leaves."""
    text = Checkpoint("example.com/log", 7, tree.root(LEAVES)).text
    checkpoint_note = note.sign(text, LOG)
    if witnessed:
        checkpoint_note += WITNESS.cosign(text, 1_700_000_000).line.encode()
    return Proof(index, tree.inclusion_proof(index, 7, hashes), checkpoint_note, extra)


def test_it_is_written_as_the_specification_says() -> None:
    """Line by line; without extra data their line is left out."""
    lines = proof(6, b"more").data.decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra bW9yZQ==", "index 6"]
    assert lines[5:8] == ["", "example.com/log", "7"]
    assert lines[11:] == [""]
    assert proof(6).data.decode().split("\n")[:2] == ["c2sp.org/tlog-proof@v1", "index 6"]


@given(st.integers(0, 6), st.binary(max_size=50), st.booleans())
def test_what_is_written_is_read_and_believed(index: int, extra: bytes, witnessed: bool) -> None:
    """Each of the leaves, by the key alone, and with a witness by the policy."""
    read = Proof.parse(proof(index, extra, witnessed=witnessed).data)
    assert read == proof(index, extra, witnessed=witnessed)
    verified = read.verify(ENTRIES[index], [LOG.verifier])
    assert (verified.index, verified.checkpoint.size, verified.log, verified.witnesses) == (
        index,
        7,
        LOG.verifier,
        (),
    )
    if witnessed:
        verified = read.verify(ENTRIES[index], [LOG.verifier], POLICY)
        assert [(witness.name, witness.at) for witness in verified.witnesses] == [
            ("w.example", 1_700_000_000)
        ]
    else:
        with pytest.raises(QuorumError):
            read.verify(ENTRIES[index], [LOG.verifier], POLICY)


def test_whom_to_trust_is_never_taken_from_the_file() -> None:
    """Without a key, or with another log's, or by a policy that names no log, nothing is proven."""
    for keys, policy in (((), None), ((), POLICY), ([OTHER.verifier], None), ([OTHER.verifier], POLICY)):
        with pytest.raises(SignatureError):
            proof(witnessed=True).verify(ENTRIES[4], keys, policy)


def test_key_and_policy_must_both_hold() -> None:
    """The log must be among the given keys and in the policy, where both are given."""
    both = Policy.parse(f"log {LOG.verifier}\nlog {OTHER.verifier}\nquorum none\n".encode())
    assert proof().verify(ENTRIES[4], (), both).log == LOG.verifier
    assert proof().verify(ENTRIES[4], [LOG.verifier], both).log == LOG.verifier
    with pytest.raises(SignatureError, match="given keys are others"):
        proof().verify(ENTRIES[4], [OTHER.verifier], both)
    other = Policy.parse(f"log {OTHER.verifier}\nquorum none\n".encode())
    with pytest.raises(SignatureError):
        proof().verify(ENTRIES[4], [LOG.verifier], other)


def test_i7_another_entry_place_or_path_is_not_proven() -> None:
    """I7: everything that is not exactly that leaf at that index."""
    good = proof()
    for entry, changed in (
        (ENTRIES[3], good),
        (b"", good),
        (ENTRIES[4], replace(good, index=5)),
        (ENTRIES[4], replace(good, index=7)),
        (ENTRIES[4], replace(good, hashes=good.hashes[:-1])),
        (ENTRIES[4], replace(good, hashes=(*good.hashes, bytes(32)))),
        (ENTRIES[4], replace(good, hashes=good.hashes[::-1])),
    ):
        with pytest.raises(TreeProofError):
            changed.verify(entry, [LOG.verifier])
        with pytest.raises(TreeProofError):
            changed.check_inclusion(entry, Checkpoint("example.com/log", 7, tree.root(LEAVES)))


@given(st.data())
def test_i7_no_bit_of_a_file_can_be_another(data: st.DataObject) -> None:
    """I7: any bit changed, and it is not read, or proves nothing (extra data never prove anything)."""
    good = bytearray(proof(witnessed=True).data)
    bit = data.draw(st.integers(0, len(good) * 8 - 1))
    good[bit // 8] ^= 1 << bit % 8
    with pytest.raises(EvidenceError):
        Proof.parse(bytes(good)).verify(ENTRIES[4], [LOG.verifier], POLICY)


GOOD = proof(4, b"more").data.decode()
HASH = GOOD.split("\n")[3]
FAULTS = {
    "nothing": "",
    "the head alone": "c2sp.org/tlog-proof@v1\n\n",
    "another version": GOOD.replace("@v1", "@v2"),
    "something before": "\n" + GOOD,
    "carriage returns": GOOD.replace("\n", "\r\n"),
    "no index": GOOD.replace("index 4\n", ""),
    "two indices": GOOD.replace("index 4\n", "index 4\nindex 4\n"),
    "index before extra": GOOD.replace("extra bW9yZQ==\nindex 4\n", "index 4\nextra bW9yZQ==\n"),
    "an index with a zero": GOOD.replace("index 4", "index 04"),
    "a negative index": GOOD.replace("index 4", "index -4"),
    "an index too large": GOOD.replace("index 4", "index 9223372036854775808"),
    "two spaces": GOOD.replace("index 4", "index  4"),
    "a tab": GOOD.replace("index 4", "index\t4"),
    "no extra data in their line": GOOD.replace("extra bW9yZQ==", "extra "),
    "extra data twice": GOOD.replace("extra bW9yZQ==\n", "extra bW9yZQ==\n" * 2),
    "extra data without padding": GOOD.replace("bW9yZQ==", "bW9yZQ"),
    "extra data with stray bits": GOOD.replace("bW9yZQ==", "bW9yZR=="),
    "a short hash": GOOD.replace(HASH, "AAAA"),
    "64 hashes": GOOD.replace(HASH, "\n".join([HASH] * 62)),
    "no empty line": GOOD.replace("\n\nexample.com/log", "\nexample.com/log"),
    "an unsigned checkpoint": GOOD.partition("\n\n— ")[0] + "\n",
    "a byte too many": GOOD + "x",
    "a newline too many": GOOD + "\n",
    "a newline too few": GOOD[:-1],
    "too large": GOOD.replace("bW9yZQ==", "bW9y" * 250_000),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_no_proof_is_refused(fault: str) -> None:
    """Each way to write it otherwise."""
    with pytest.raises(EvidenceFormatError):
        Proof.parse(FAULTS[fault].encode())


def test_what_no_file_can_say_is_refused() -> None:
    """An index or a path beyond all trees, a hash of another length, no note, a file that is too large."""
    good = proof()
    for change in (
        {"index": -1},
        {"index": 2**63},
        {"hashes": (bytes(32),) * 64},
        {"hashes": (bytes(31),)},
        {"checkpoint": b"x\n"},
    ):
        with pytest.raises(EvidenceFormatError):
            replace(good, **change)
    with pytest.raises(EvidenceFormatError):
        assert replace(good, extra=bytes(750_000)).data
    assert len(replace(good, hashes=(bytes(32),) * 63).hashes) == 63


def test_a_checkpoint_of_another_log_with_our_key_is_none_of_ours() -> None:
    """The name under which the key signs is the origin."""
    text = Checkpoint("example.com/other", 7, tree.root(LEAVES)).text
    foreign = replace(proof(), checkpoint=note.sign(text, LOG))
    with pytest.raises(SignatureError):
        foreign.verify(ENTRIES[4], [LOG.verifier])
