"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and a line for each signature. Pure.

    — <key name> base64(key ID ‖ signature)

A key is known by its name and its ID of 4 bytes, both of which anybody may claim: what counts is the
signature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ..errors import EvidenceFormatError, SignatureError
from ..text import Text
from . import ed25519
from .encoding import as_text, decoded, encoded
from .keys import PrivateKey, PublicKey, check_name

ED25519 = 0x01  # the signature type
LARGEST_NOTE = 1_000_000  # bytes
MOST_SIGNATURES = 100
_DASH = "— "


class NoteVerifier(Protocol):
    """A public key under its name."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """4 bytes."""

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether the signature, without the key ID, is this key's of the whole text."""


class NoteSigner(Protocol):
    """A private key under its name."""

    def signature(self, text: str) -> Signature:
        """Of a text that ends in a newline."""


@dataclass(frozen=True)
class Signature:
    """One line: who is said to have signed, and the signature, without the key ID (4 bytes)."""

    name: str
    key_id: bytes
    data: bytes

    @property
    def line(self) -> str:
        """With its newline."""
        return f"{_DASH}{self.name} {encoded(self.key_id + self.data)}\n"


@dataclass(frozen=True)
class Note:
    """A text, which ends in a newline, and what stands under it. Nothing is verified."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def data(self) -> bytes:
        """As it is published."""
        return f"{self.text}\n{''.join(each.line for each in self.signatures)}".encode()


@dataclass(frozen=True)
class OpenedNote:
    """A text that at least one known key signed. `others` are signatures of unknown keys, and prove
    nothing."""

    text: str
    verified: tuple[Signature, ...]
    others: tuple[Signature, ...]

    def signed_by(self, key: NoteVerifier) -> Signature | None:
        """That key's verified signature."""
        found = (each for each in self.verified if (each.name, each.key_id) == (key.name, key.key_id))
        return next(found, None)


class Verifier(PublicKey):
    """An Ed25519 public key for notes."""

    kind = ED25519

    def verify(self, text: str, signature: bytes) -> bool:
        return ed25519.verify(self.public, text.encode(), signature)


class Signer(PrivateKey):
    """An Ed25519 private key for notes, in the form in which Go's sumdb/note writes it."""

    kind = ED25519

    @property
    def verifier(self) -> Verifier:
        """The public key."""
        return Verifier(self.name, ed25519.public_key(self.seed))

    def signature(self, text: str) -> Signature:
        return Signature(self.name, self.verifier.key_id, ed25519.sign(self.seed, text.encode()))


def sign(text: str, *signers: NoteSigner) -> bytes:
    """The note of a text that ends in a newline, signed by all of them. Raises EvidenceFormatError where it
    would not be one, or has no signer."""
    try:
        data = Note(text, tuple(signer.signature(text) for signer in signers)).data
    except UnicodeEncodeError:
        raise _malformed() from None
    if parse(data).text != text:
        raise _malformed()
    return data


def parse(data: bytes) -> Note:
    """Text and signatures, verifying nothing. Raises EvidenceFormatError."""
    whole = as_text(data, LARGEST_NOTE)
    if any(letter < " " and letter != "\n" for letter in whole):
        raise EvidenceFormatError(Text("It has a control character in it."))
    text, parted, under = whole.rpartition("\n\n")
    if not parted or not under.endswith("\n"):
        raise _malformed()
    lines = under[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise EvidenceFormatError(Text("It has more than {limit} signatures.", limit=MOST_SIGNATURES))
    return Note(f"{text}\n", tuple(map(_signature, lines)))


def open_note(data: bytes, known: Iterable[NoteVerifier]) -> OpenedNote:
    """The text, if a known key signed it. Repeated signatures of one key count once. Raises
    EvidenceFormatError, and SignatureError where no known key signed or one of theirs is wrong."""
    note = parse(data)
    keys = _by_identity(known)
    verified: dict[tuple[str, bytes], Signature] = {}
    others: dict[Signature, None] = {}
    for each in note.signatures:
        identity = (each.name, each.key_id)
        if identity not in keys:
            others[each] = None
        elif identity in verified and verified[identity] == each:
            continue
        elif not keys[identity].verify(note.text, each.data):
            raise SignatureError(
                Text(
                    "The signature of {name} does not fit",
                    "the text was changed, or somebody else signed in that name",
                    name=each.name,
                )
            )
        else:
            verified.setdefault(identity, each)
    if not verified:
        raise SignatureError(
            Text(
                "No key that is known here signed it",
                "give the key of whom you trust, from a source of its own",
            )
        )
    return OpenedNote(note.text, tuple(verified.values()), tuple(others))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Signature lines alone, each with its newline, as a witness answers. Raises EvidenceFormatError."""
    note = parse(f"-\n\n{lines}".encode())
    if note.text != "-\n":
        raise _malformed()
    return note.signatures


def _signature(line: str) -> Signature:
    name, _, data = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise _malformed()
    check_name(name)
    signed = decoded(data)
    if len(signed) < 5:
        raise _malformed()
    return Signature(name, signed[:4], signed[4:])


def _by_identity(known: Iterable[NoteVerifier]) -> dict[tuple[str, bytes], NoteVerifier]:
    keys: dict[tuple[str, bytes], NoteVerifier] = {}
    for key in known:
        if keys.setdefault((key.name, key.key_id), key) != key:
            raise EvidenceFormatError(Text("Two keys have the name {name} and the same ID.", name=key.name))
    return keys


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(
        Text("It is no signed note: a text, an empty line, and lines with signatures (c2sp.org/signed-note).")
    )
