"""Checkpoints and cosignatures, against the examples of C2SP tlog-checkpoint and tlog-cosignature."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.evidence import ed25519, note
from informativa.evidence.checkpoint import Checkpoint, open_checkpoint
from informativa.evidence.cosignature import WitnessSigner, WitnessVerifier, cosigned_at
from informativa.evidence.encoding import encode_base64
from informativa.evidence.note import Signer, Verifier
from informativa.model.errors import EvidenceFormatError, SignatureError

# c2sp.org/tlog-cosignature: its example has no keys, so that nothing in it can be verified
EXAMPLE = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9"
    "nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqh"
    "f5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()
ROOT = bytes.fromhex("0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62")
EMPTY = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="  # base64 of SHA-256 of nothing
LOG = Signer("example.com/behind-the-sofa", bytes(range(32)))
WITNESS = WitnessSigner("witness.example.com/w1", bytes(range(32, 64)))
HERE = Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)


def test_the_example_of_the_specification() -> None:
    """Three lines, and the time in the witness's signature."""
    read = note.parse(EXAMPLE)
    assert Checkpoint.parse(read.text) == HERE
    assert HERE.text == read.text
    assert read.data == EXAMPLE
    assert cosigned_at(read.signatures[1]) == 1679315147


@given(st.text(min_size=1), st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_what_is_written_is_read(origin: str, size: int, root: bytes) -> None:
    """Each checkpoint in its one text; an origin of several lines is none."""
    if any(letter < " " for letter in origin):
        with pytest.raises(EvidenceFormatError):
            Checkpoint(origin, size, root)
    else:
        assert Checkpoint.parse(Checkpoint(origin, size, root).text) == Checkpoint(origin, size, root)


TEXTS = {
    "nothing": "",
    "two lines": "a\n1\n",
    "no newline": "a\n1\n" + EMPTY,
    "an extension line": f"a\n1\n{EMPTY}\nmore\n",
    "an empty line": f"a\n1\n{EMPTY}\n\n",
    "no origin": f"\n1\n{EMPTY}\n",
    "a leading zero": f"a\n01\n{EMPTY}\n",
    "two zeroes": f"a\n00\n{EMPTY}\n",
    "a sign": f"a\n+1\n{EMPTY}\n",
    "a minus": f"a\n-1\n{EMPTY}\n",
    "a space": f"a\n1 \n{EMPTY}\n",
    "an underscore": f"a\n1_0\n{EMPTY}\n",
    "digits of another script": f"a\n\u0661\n{EMPTY}\n",
    "hexadecimal": f"a\n0x1\n{EMPTY}\n",
    "no size": f"a\n\n{EMPTY}\n",
    "too large": f"a\n9223372036854775808\n{EMPTY}\n",
    "a short root": "a\n1\nAAAA\n",
    "a long root": f"a\n1\n{encode_base64(bytes(33))}\n",
    "a root without padding": f"a\n1\n{EMPTY[:-1]}\n",
    "a root with stray bits": f"a\n1\n{EMPTY[:-2]}V=\n",
    "an empty tree with leaves": f"a\n0\n{encode_base64(bytes(32))}\n",
}


@pytest.mark.parametrize("fault", TEXTS)
def test_what_is_no_checkpoint_is_refused(fault: str) -> None:
    """Each way to say it otherwise."""
    with pytest.raises(EvidenceFormatError):
        Checkpoint.parse(TEXTS[fault])


@pytest.mark.parametrize("origin", ["", "a\nb", "a\tb", "\ud800"])
def test_an_origin_is_a_line(origin: str) -> None:
    """Not empty, of one line, and such that UTF-8 can say it."""
    with pytest.raises(EvidenceFormatError):
        Checkpoint(origin, 1, ROOT)


def test_the_edges_are_allowed() -> None:
    """An empty tree, and the largest one."""
    assert Checkpoint.parse(f"a\n0\n{EMPTY}\n").size == 0
    assert Checkpoint.parse(f"a\n9223372036854775807\n{EMPTY}\n").size == 2**63 - 1


def test_a_checkpoint_is_its_logs() -> None:
    """Signed under the name that is its origin, by a known key: no other name, key, or witness alone."""
    signed = note.sign(HERE.text, LOG)
    opened = open_checkpoint(signed, [LOG.verifier])
    assert (opened.checkpoint, opened.log) == (HERE, LOG.verifier)
    other = Signer("example.com/other", LOG.seed)
    with pytest.raises(SignatureError, match="as the log example"):
        open_checkpoint(note.sign(HERE.text, other), [other.verifier, LOG.verifier])
    with pytest.raises(SignatureError):
        open_checkpoint(signed, [Signer(LOG.name, bytes(32)).verifier])
    with pytest.raises(SignatureError):
        open_checkpoint(signed, [])
    alone = note.Note(HERE.text, (WITNESS.cosign(HERE.text, 1679315147),)).data
    with pytest.raises(SignatureError):
        open_checkpoint(alone, [LOG.verifier], [WITNESS.verifier])


def test_a_cosignature_is_over_header_time_and_text() -> None:
    """The signed bytes are those that C2SP shows, checked with the plain signature."""
    signature = WITNESS.cosign(HERE.text, 1679315147)
    message = (
        b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\n"
        b"CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )
    assert signature.data[:8] == bytes.fromhex("00000000641850cb")
    assert ed25519.verify(WITNESS.verifier.public, message, signature.data[8:])
    assert cosigned_at(signature) == 1679315147
    signed = note.sign(HERE.text, LOG) + signature.line.encode()
    opened = open_checkpoint(signed, [LOG.verifier], [WITNESS.verifier])
    assert opened.note.signed_by(WITNESS.verifier) == signature


@given(st.integers(0, 72 * 8 - 1))
def test_i7_no_bit_of_a_cosignature_can_be_another(bit: int) -> None:
    """I7: neither of the time nor of the signature."""
    data = bytearray(WITNESS.cosign(HERE.text, 1679315147).data)
    assert WITNESS.verifier.verify(HERE.text, bytes(data))
    data[bit // 8] ^= 1 << bit % 8
    assert not WITNESS.verifier.verify(HERE.text, bytes(data))


def test_i7_a_cosignature_is_of_one_checkpoint() -> None:
    """I7: not of another text, nor of what is no checkpoint, nor of another length."""
    data = WITNESS.cosign(HERE.text, 1679315147).data
    for text in (HERE.text.replace("20852163", "20852164"), HERE.text + "more\n", "x\n"):
        assert not WITNESS.verifier.verify(text, data)
    assert not WITNESS.verifier.verify(HERE.text, data[8:])
    assert not WITNESS.verifier.verify(HERE.text, data + b"\0")


def test_a_witness_signs_checkpoints_alone() -> None:
    """No other text, and at a time that is one."""
    for text, at in (
        ("x\n", 1),
        (HERE.text + "more\n", 1),
        (HERE.text, 0),
        (HERE.text, -1),
        (HERE.text, 2**63),
    ):
        with pytest.raises(EvidenceFormatError):
            WITNESS.cosign(text, at)
    assert cosigned_at(WITNESS.cosign(HERE.text, 2**63 - 1)) == 2**63 - 1


def test_witnesses_and_logs_have_keys_of_their_own_kind() -> None:
    """The ID of a witness's key is of type 4: the same key as a log's has another one, and neither is read as
    the other."""
    log, witness = Signer("a.example", bytes(32)), WitnessSigner("a.example", bytes(32))
    assert log.verifier.public == witness.verifier.public
    assert log.verifier.key_id != witness.verifier.key_id
    assert WitnessSigner.parse(witness.secret) == witness
    assert WitnessVerifier.parse(str(witness.verifier)) == witness.verifier
    assert repr(witness.seed) not in repr(witness)
    for parse in (
        lambda: Verifier.parse(str(witness.verifier)),
        lambda: WitnessVerifier.parse(str(log.verifier)),
        lambda: Signer.parse(witness.secret),
        lambda: WitnessSigner.parse(log.secret),
    ):
        with pytest.raises(EvidenceFormatError):
            parse()
