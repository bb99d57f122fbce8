"""Approvals: the text written by hand, signed by openssl's Ed25519, and all that approves nothing."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from evidence.noted import APPROVER, CONTENTS, LOG, OLD, log_note
from informativa.evidence import approval
from informativa.evidence.approval import Approval, LeafIdentity
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.notes import ErasureNote, LogNote
from informativa.model.errors import EvidenceFormatError, SignatureError

NOTES = [log_note(kind) for kind in ("erasure", "lost")]
GIVEN = Approval.of(1_795_523_400, [note.leaf for note in NOTES])
SIGNED = approval.sign(GIVEN, APPROVER)
KEY = APPROVER.verifier
HASH = "A" * 43 + "="  # base64 of 32 zeroes


def line(note: LogNote) -> str:
    """The line of a note, without the program."""
    digest = hashlib.sha256(b"\0" + note.entry).digest()
    return f"{LOG} {note.index} {base64.b64encode(digest).decode()}\n"


def test_approval_known_beforehand() -> None:
    """Text, signature line and name of the file, with nothing of ours: hashlib, base64 and cryptography."""
    text = f"informativa/approval/v1\ntime 1795523400\n{line(NOTES[0])}{line(NOTES[1])}"
    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    public = private.public_key().public_bytes_raw()
    key_id = hashlib.sha256(b"acme.example/approver\n\x01" + public).digest()[:4]
    signature = base64.b64encode(key_id + private.sign(text.encode())).decode()
    assert GIVEN.text == text
    assert f"{text}\n— acme.example/approver {signature}\n".encode() == SIGNED
    assert GIVEN.file_name == hashlib.sha256(text.encode()).hexdigest() + ".approval"
    assert str(KEY).startswith(f"acme.example/approver+{key_id.hex()}+")
    verified = approval.verify(SIGNED, [KEY])
    assert (verified.approval, verified.keys) == (GIVEN, (KEY,))


def test_i7_it_covers_these_leaves_and_no_others() -> None:
    """I7: another log, another index, another content is not approved by it."""
    assert all(GIVEN.covers(note.leaf) for note in NOTES)
    erasure = NOTES[0]
    assert isinstance(erasure.content, ErasureNote)
    replayed = [
        replace(erasure, log=OLD),
        replace(erasure, index=99),
        replace(erasure, content=replace(erasure.content, most=1000)),
        replace(erasure, content=replace(erasure.content, instruction="dpo-9")),
        log_note("rule"),
    ]
    assert not any(GIVEN.covers(note.leaf) for note in replayed)
    moved = [
        replace(erasure.leaf, origin=OLD),
        replace(erasure.leaf, index=43),
        replace(erasure.leaf, hash=bytes(32)),
    ]
    assert not any(GIVEN.covers(leaf) for leaf in moved)
    assert [kind for kind in CONTENTS if GIVEN.covers(log_note(kind).leaf)] == ["erasure", "lost"]


def test_i7_a_key_no_longer_given_approves_nothing() -> None:
    """I7: neither does none, another one in the same name, or a witness's."""
    renamed = Signer("acme.example/approver", bytes(32)).verifier
    for keys in ([], [renamed], [Signer("acme.example/other", APPROVER.seed).verifier]):
        with pytest.raises(SignatureError, match="No key that is known"):
            approval.verify(SIGNED, keys)
    witness = WitnessSigner("acme.example/approver", APPROVER.seed).verifier
    with pytest.raises(SignatureError):
        approval.verify(SIGNED, [witness])  # type: ignore[list-item]
    assert approval.verify(SIGNED, [renamed, KEY, KEY]).keys == (KEY,)


def test_i7_a_forged_signature_approves_nothing() -> None:
    """I7: of another text, of another key in that name, of nobody."""
    text, _, signature = SIGNED.rpartition(b"\n\n")
    for changed in (
        SIGNED.replace(b"1795523400", b"1795523401"),
        SIGNED.replace(f"{LOG} 42".encode(), f"{LOG} 41".encode()),
        text + b"\n\n" + Signer(KEY.name, bytes(32)).signature(GIVEN.text).line.encode(),
        text + b"\n\n" + WitnessSigner(KEY.name, APPROVER.seed).verifier.name.encode(),
    ):
        assert changed != SIGNED
        with pytest.raises((SignatureError, EvidenceFormatError)):
            approval.verify(changed, [KEY])
    other = Approval.of(1_795_523_400, [replace(NOTES[0].leaf, index=1)])
    with pytest.raises(SignatureError, match="does not fit"):
        approval.verify(f"{other.text}\n".encode() + signature, [KEY])


@given(st.integers(0, len(SIGNED) * 8 - 1))
def test_i7_no_bit_of_an_approval_can_be_another(bit: int) -> None:
    """I7: any bit of text, name or signature changed, and it approves nothing."""
    changed = bytearray(SIGNED)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((EvidenceFormatError, SignatureError)):
        approval.verify(bytes(changed), [KEY])


def test_unknown_signatures_beside_the_approvers_prove_nothing() -> None:
    """As in any signed note: they are neither in the way nor counted."""
    extra = Signer("acme.example/other", bytes(32))
    both = SIGNED + extra.signature(GIVEN.text).line.encode()
    assert approval.verify(both, [KEY]).keys == (KEY,)
    assert approval.verify(both, [KEY, extra.verifier]).keys == (KEY, extra.verifier)


HEAD = "informativa/approval/v1\ntime 1795523400\n"
TEXTS = {
    "nothing": "",
    "a checkpoint": f"{LOG}\n17\n{HASH}\n",
    "no leaf": HEAD,
    "no end": f"{HEAD}{LOG} 1 {HASH}",
    "another version": f"{HEAD}{LOG} 1 {HASH}\n".replace("v1", "v2"),
    "no time": f"informativa/approval/v1\n{LOG} 1 {HASH}\n",
    "two times": f"{HEAD}time 1795523400\n{LOG} 1 {HASH}\n",
    "an extra line below": f"{HEAD}{LOG} 1 {HASH}\nmore\n",
    "an extra line above": f"informativa/approval/v1\nfor acme\ntime 1795523400\n{LOG} 1 {HASH}\n",
    "an empty line": f"{HEAD}\n{LOG} 1 {HASH}\n",
    "an empty line at the end": f"{HEAD}{LOG} 1 {HASH}\n\n",
    "a fourth word": f"{HEAD}{LOG} 1 {HASH} x\n",
    "two words": f"{HEAD}{LOG} 1\n",
    "two spaces": f"{HEAD}{LOG}  1 {HASH}\n",
    "a space at the end": f"{HEAD}{LOG} 1 {HASH} \n",
    "a tab": f"{HEAD}{LOG}\t1 {HASH}\n",
    "CRLF": f"{HEAD}{LOG} 1 {HASH}\n".replace("\n", "\r\n"),
    "another order": f"{HEAD}{LOG} 2 {HASH}\n{LOG} 1 {HASH}\n",
    "an order by number": f"{HEAD}{LOG} 9 {HASH}\n{LOG} 10 {HASH}\n",
    "a line twice": f"{HEAD}{LOG} 1 {HASH}\n{LOG} 1 {HASH}\n",
    "a leaf twice": f"{HEAD}{LOG} 1 {HASH}\n{LOG} 1 {HASH.replace('AAAA', 'BBBB', 1)}\n",
    "a leading zero": f"{HEAD}{LOG} 01 {HASH}\n",
    "a minus": f"{HEAD}{LOG} -1 {HASH}\n",
    "an index too large": f"{HEAD}{LOG} {2**53} {HASH}\n",
    "digits of another script": f"{HEAD}{LOG} \u0661 {HASH}\n",
    "a short hash": f"{HEAD}{LOG} 1 AAAA\n",
    "a hash in hexadecimal": f"{HEAD}{LOG} 1 {'ab' * 32}\n",
    "a hash without padding": f"{HEAD}{LOG} 1 {HASH[:-1]}\n",
    "a hash with stray bits": f"{HEAD}{LOG} 1 {'A' * 42}B=\n",
    "another's log": f"{HEAD}acme.example/behind-the-sofa 1 {HASH}\n",
    "a time of 0": f"informativa/approval/v1\ntime 0\n{LOG} 1 {HASH}\n",
    "a time before 1970": f"informativa/approval/v1\ntime -5\n{LOG} 1 {HASH}\n",
    "a fraction": f"informativa/approval/v1\ntime 1.5\n{LOG} 1 {HASH}\n",
    "a time that no calendar has": f"informativa/approval/v1\ntime 253402300800\n{LOG} 1 {HASH}\n",
    "65 leaves": HEAD + "".join(f"{LOG} {index} {HASH}\n" for index in range(100, 165)),
}


@pytest.mark.parametrize("fault", TEXTS)
def test_what_is_no_approval_is_refused(fault: str) -> None:
    """Each way to say it otherwise; a signature under it does not help."""
    with pytest.raises(EvidenceFormatError):
        Approval.parse(TEXTS[fault])
    data = f"{TEXTS[fault]}\n{APPROVER.signature(TEXTS[fault]).line}".encode()
    with pytest.raises(EvidenceFormatError):
        approval.verify(data, [KEY])


def test_64_leaves_are_approved_at_once() -> None:
    """One for all boxes."""
    text = HEAD + "".join(f"{LOG} {index} {HASH}\n" for index in range(100, 164))
    assert len(Approval.parse(text).leaves) == 64
    with pytest.raises(EvidenceFormatError):
        Approval.of(1, [])


def test_an_approval_that_no_note_can_hold_is_refused() -> None:
    """More than 15,000 bytes, signatures included."""
    junk = "".join(Signer(f"x{n}", bytes(32)).signature(GIVEN.text).line for n in range(99)).encode()
    assert len(SIGNED + junk) < 15_000
    assert approval.verify(SIGNED + junk, [KEY]).keys == (KEY,)
    long_name = Signer("x" * 5000, bytes(32)).signature(GIVEN.text).line.encode()
    with pytest.raises(EvidenceFormatError, match="at most 15000"):
        approval.verify(SIGNED + junk + long_name, [KEY])


@given(
    st.integers(1, 253_402_300_799),
    st.lists(
        st.builds(
            LeafIdentity,
            st.sampled_from([LOG, OLD, LOG.replace("pbx-1", "pbx-10")]),
            st.integers(0, 2**53 - 1),
            st.binary(min_size=32, max_size=32),
        ),
        min_size=1,
        max_size=64,
        unique_by=lambda leaf: (leaf.origin, leaf.index),
    ),
)
def test_what_is_signed_is_read(time: int, leaves: list[LeafIdentity]) -> None:
    """Leaves in any order, each covered; the lines are as `sort` leaves them in the C locale."""
    made = Approval.of(time, leaves)
    verified = approval.verify(approval.sign(made, APPROVER), [Verifier.parse(str(KEY))])
    assert verified.approval == made == Approval.parse(made.text)
    assert all(made.covers(leaf) for leaf in leaves)
    lines = made.text.encode().split(b"\n")[2:-1]
    assert lines == sorted(lines)
