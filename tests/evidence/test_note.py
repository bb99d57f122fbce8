"""Signed notes, against the examples of C2SP signed-note and of Go's golang.org/x/mod/sumdb/note."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.evidence import keys, note
from informativa.evidence.note import Signer, Verifier
from informativa.model.errors import EvidenceFormatError, SignatureError

# c2sp.org/signed-note, "Example"
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu7"
    "2IneyaQM=\n"
).encode()
# The keys and the note of Go's note_test.go
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETERS_BASE64 = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
PETERS = f"— PeterNeumann {PETERS_BASE64}\n"
ENOCHS_BASE64 = "rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ="
ENOCHS = f"— EnochRoot {ENOCHS_BASE64}\n"


def of(*parts: str) -> bytes:
    """The note of that text, with these signatures."""
    return f"{TEXT}\n{''.join(parts)}".encode()


def test_the_example_of_the_specification() -> None:
    """C2SP's key verifies C2SP's note, and is written as it was read."""
    key = Verifier.parse(EXAMPLE_KEY)
    assert (key.name, key.key_id.hex(), str(key)) == ("example.com/foo", "530d903a", EXAMPLE_KEY)
    opened = note.open_note(EXAMPLE, [key])
    assert opened.text == "This is an example message.\n"
    assert [signature.name for signature in opened.verified] == ["example.com/foo"]
    assert opened.others == ()
    assert note.parse(EXAMPLE).data == EXAMPLE


def test_signing_with_gos_key_gives_gos_note() -> None:
    """The same secret, text and signature as in Go's tests, byte for byte."""
    signer = Signer.parse(PETERS_SECRET)
    assert (str(signer.verifier), signer.secret) == (PETER, PETERS_SECRET)
    assert note.sign(TEXT, signer) == of(PETERS)
    assert "gQoUAt" not in repr(signer)
    assert repr(signer.seed) not in repr(signer)


def test_known_and_unknown_signatures_are_told_apart() -> None:
    """The given keys' signatures are verified, the others only listed, as in Go's `Open`."""
    peter, enoch = Verifier.parse(PETER), Verifier.parse(ENOCH)
    opened = note.open_note(of(PETERS, ENOCHS), [peter])
    assert (opened.text, [signature.line for signature in opened.verified]) == (TEXT, [PETERS])
    assert [signature.line for signature in opened.others] == [ENOCHS]
    assert opened.signed_by(peter) == opened.verified[0]
    assert opened.signed_by(enoch) is None
    both = note.open_note(of(PETERS, ENOCHS), [peter, enoch])
    assert [signature.line for signature in both.verified] == [PETERS, ENOCHS]
    twice = note.open_note(of(PETERS, PETERS, ENOCHS, ENOCHS), [peter, peter])
    assert (
        [signature.line for signature in twice.verified],
        [signature.line for signature in twice.others],
    ) == (
        [PETERS],
        [ENOCHS],
    )


def test_without_a_known_key_nothing_is_read() -> None:
    """No key, or another one, or one that shares only its name: no text."""
    renamed = Verifier("PeterNeumann", Verifier.parse(ENOCH).public)
    for verifiers in ([], [Verifier.parse(ENOCH)], [renamed]):
        with pytest.raises(SignatureError, match="No key that is known"):
            note.open_note(of(PETERS), verifiers)


def test_i7_a_wrong_signature_of_a_known_key_refuses_the_whole_note() -> None:
    """I7: also where another known key signed well, and where the wrong one comes second."""
    changed = PETERS.replace("ZJku", "ZJkv")
    keys = [Verifier.parse(PETER), Verifier.parse(ENOCH)]
    for signatures in (
        (changed,),
        (changed, ENOCHS),
        (ENOCHS, changed),
        (PETERS, changed),
        (changed, PETERS),
    ):
        with pytest.raises(SignatureError, match="PeterNeumann"):
            note.open_note(of(*signatures), keys)
    with pytest.raises(SignatureError):
        note.open_note(of(PETERS[:60] + "ABCD" + PETERS[60:]), keys)


@given(st.integers(0, len(EXAMPLE) * 8 - 1))
def test_i7_no_bit_of_a_note_can_be_another(bit: int) -> None:
    """I7: any bit of text, name or signature changed, and nothing is read."""
    changed = bytearray(EXAMPLE)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises((EvidenceFormatError, SignatureError)):
        note.open_note(bytes(changed), [Verifier.parse(EXAMPLE_KEY)])


def test_two_different_keys_with_one_id_are_refused() -> None:
    """It would be unclear which of the two signed (Go: ambiguous key)."""

    class Other:
        name, key_id = "PeterNeumann", bytes.fromhex("c74f20a3")

        def verify(self, text: str, signature: bytes) -> bool:
            return True

    with pytest.raises(EvidenceFormatError, match="same ID"):
        note.open_note(of(PETERS), [Verifier.parse(PETER), Other()])


MALFORMED = {
    "no signatures": TEXT.encode(),
    "no signature lines": f"{TEXT}\n".encode(),
    "no newline at the end": of(PETERS[:-1]),
    "a control character": b"\x01" + of(PETERS),
    "a carriage return": of(PETERS).replace(b"\n", b"\r\n"),
    "a tab": of(PETERS).replace(b"If you", b"If\tyou"),
    "not UTF-8": b"\xff" + of(PETERS),
    "an overlong encoding": b"\xc0\xaf" + of(PETERS),
    "a surrogate": b"\xed\xa0\x80" + of(PETERS),
    "a space in a name": of(PETERS.replace("PeterNeumann", "Bad Name")),
    "a no-break space in a name": of(PETERS.replace("PeterNeumann", "Bad\u00a0Name")),
    "an ideographic space in a name": of(PETERS.replace("PeterNeumann", "Bad\u3000Name")),
    "a plus in a name": of(PETERS.replace("PeterNeumann", "Peter+Neumann")),
    "no name": of(PETERS.replace("PeterNeumann", "")),
    "another dash": of(PETERS.replace("—", "\u2013")),
    "something after": of(PETERS, "Unexpected line.\n"),
    "something between": of("Unexpected line.\n", PETERS),
    "an empty line after": of(PETERS, "\n"),
    "another space": of(PETERS.replace("PeterNeumann ", "PeterNeumann  ")),
    "a space at the end": of(PETERS.replace("\n", " \n")),
    "no padding": of(PETERS.replace("AM=", "AM")),
    "stray bits": of(PETERS.replace("AM=", "AN=")),
    "the alphabet of addresses": of(PETERS.replace("/", "_")),
    "too short": of("— PeterNeumann x08gow==\n"),
    "101 signatures": of(PETERS * 101),
    "too large": b"x" * 1_000_000 + of(PETERS),
    "empty": b"",
}


@pytest.mark.parametrize("fault", MALFORMED)
def test_what_is_no_note_is_refused(fault: str) -> None:
    """Each way to be malformed, with the key known and without, and when nothing is verified."""
    for opened in (lambda data: note.open_note(data, [Verifier.parse(PETER)]), note.parse):
        with pytest.raises(EvidenceFormatError):
            opened(MALFORMED[fault])


def test_the_limits_themselves_are_allowed() -> None:
    """100 signatures, and 1,000,000 bytes."""
    assert len(note.parse(of(PETERS * 100)).signatures) == 100
    signer = Signer.parse(PETERS_SECRET)
    room = 1_000_000 - len(note.sign("\n", signer))
    assert len(note.sign("x" * room + "\n", signer)) == 1_000_000
    with pytest.raises(EvidenceFormatError):
        note.sign("x" * (room + 1) + "\n", signer)


@pytest.mark.parametrize("text", ["", "abc", "a\tb\n", "a\0\n", "\ud800\n"])
def test_what_is_no_text_is_not_signed(text: str) -> None:
    """It ends in a newline, has no control character, and is what UTF-8 can say."""
    with pytest.raises(EvidenceFormatError):
        note.sign(text, Signer.parse(PETERS_SECRET))


def test_no_note_is_without_a_signer() -> None:
    """It would be no note."""
    with pytest.raises(EvidenceFormatError):
        note.sign(TEXT)


def test_a_text_may_look_like_a_note() -> None:
    """The last empty line parts text and signatures."""
    signer = Signer.parse(PETERS_SECRET)
    text = of(PETERS).decode() + "\n\nmore\n"
    assert note.open_note(note.sign(text, signer), [signer.verifier]).text == text


@pytest.mark.parametrize("key", [PETER, PETERS_SECRET])
def test_every_mangling_of_a_key_is_refused(key: str) -> None:
    """Go's test: no part of a key is one, nor it with one character changed."""
    parsed = Signer.parse if key is PETERS_SECRET else Verifier.parse
    parts = {key[begin:end] for begin in range(len(key)) for end in range(begin, len(key) + 1)} - {key}
    changed = {key[:at] + chr(ord(key[at]) + 1) + key[at + 1 :] for at in range(len(key))}
    for mangled in parts | changed | {key + "=", key + "\n", " " + key}:
        with pytest.raises(EvidenceFormatError):
            parsed(mangled)


@pytest.mark.parametrize(
    "vkey",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",  # too long, ID fits
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",  # an unknown type, ID fits
        PETER.replace("c74f20a3", "C74F20A3"),
        keys.formatted_key("small.example", 1, b"\1" + bytes(31)),
        keys.formatted_key("no-point.example", 1, b"\2" + bytes(31)),
        keys.formatted_key("a witness", 4, Verifier.parse(PETER).public),
        keys.formatted_key("", 1, Verifier.parse(PETER).public),
    ],
)
def test_keys_that_cannot_be_are_refused(vkey: str) -> None:
    """Another length, type or spelling, small order, no point, no name: though the ID fits."""
    with pytest.raises(EvidenceFormatError):
        Verifier.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2028b", "a\x85b", "a\x1fb", "\ud800"])
def test_names_that_cannot_be_are_refused(name: str) -> None:
    """No space of Unicode, no plus, no control character, nothing that UTF-8 cannot say."""
    with pytest.raises(EvidenceFormatError):
        Signer(name, bytes(32))
    with pytest.raises(EvidenceFormatError):
        Verifier(name, Verifier.parse(PETER).public)


def test_a_seed_has_32_bytes() -> None:
    """No other length."""
    for seed in (b"", bytes(31), bytes(33)):
        with pytest.raises(EvidenceFormatError):
            Signer("example.com", seed)


def test_signatures_alone_are_read() -> None:
    """A witness's answer is lines, each with its newline."""
    assert [signature.line for signature in note.parse_signatures(PETERS + ENOCHS)] == [PETERS, ENOCHS]
    for text in ("", PETERS[:-1], "\n", PETERS + "\n", PETERS + "\n" + ENOCHS, "x\n\n" + PETERS):
        with pytest.raises(EvidenceFormatError):
            note.parse_signatures(text)
