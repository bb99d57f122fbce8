"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, and a line for each signature. Pure.

    — <key name> base64(key ID ‖ signature)

A key is known by its name and its ID of 4 bytes. Anybody may claim both: only the signature counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from ..model.errors import EvidenceFormatError, SignatureError
from ..model.text import Text
from . import ed25519
from .encoding import as_text, decode_base64, encode_base64
from .keys import PrivateKey, PublicKey, check_name

ED25519 = 0x01  # the signature type
LARGEST_NOTE = 1_000_000  # bytes
MOST_SIGNATURES = 100
_DASH = "— "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")  # but the line break


class NoteVerifier(Protocol):
    """A public key under its name."""

    @property
    def name(self) -> str:
        """The key's name."""

    @property
    def key_id(self) -> bytes:
        """The key ID, 4 bytes."""

    def verify(self, text: str, signature: bytes) -> bool:
        """Return whether the signature, without the key ID, is this key's of the whole text."""


class NoteSigner(Protocol):
    """A private key under its name."""

    def signature(self, text: str) -> Signature:
        """Sign a text that ends in a newline."""


@dataclass(frozen=True)
class Signature:
    """A signature line: the name and the ID (4 bytes) of the key that is said to have signed, and the
    signature without the key ID."""

    name: str
    key_id: bytes
    data: bytes

    @property
    def line(self) -> str:
        """The line with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.data)}\n"


@dataclass(frozen=True)
class Note:
    """A text that ends in a newline, and the signatures under it. Nothing is verified."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def data(self) -> bytes:
        """The note as it is published."""
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}".encode()


@dataclass(frozen=True)
class OpenedNote:
    """A text that at least one known key signed. `others` are signatures of unknown keys, which prove
    nothing."""

    text: str
    verified: tuple[Signature, ...]
    others: tuple[Signature, ...]

    def signed_by(self, key: NoteVerifier) -> Signature | None:
        """Return the verified signature of that key, or `None`."""
        identity = (key.name, key.key_id)
        return next((line for line in self.verified if (line.name, line.key_id) == identity), None)


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
    """Sign a text that ends in a newline with all signers, and return the note. Raises EvidenceFormatError if
    it would not be a note, or has no signer."""
    try:
        data = Note(text, tuple(signer.signature(text) for signer in signers)).data
    except UnicodeEncodeError:
        raise _malformed() from None
    if parse(data).text != text:
        raise _malformed()
    return data


def parse(data: bytes) -> Note:
    """Parse a note without verifying it. Raises EvidenceFormatError."""
    content = as_text(data, LARGEST_NOTE)
    if _CONTROL.search(content):
        raise EvidenceFormatError(Text("It has a control character in it."))
    text, separator, signature_lines = content.rpartition("\n\n")
    if not separator or not signature_lines.endswith("\n"):
        raise _malformed()
    lines = signature_lines[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise EvidenceFormatError(Text("It has more than {limit} signatures.", limit=MOST_SIGNATURES))
    return Note(f"{text}\n", tuple(map(_signature, lines)))


def open_note(data: bytes, verifiers: Iterable[NoteVerifier]) -> OpenedNote:
    """Return the text of a note that a known key signed. Repeated signatures of one key count once. Raises
    EvidenceFormatError, and SignatureError if no known key signed or a signature of one is wrong."""
    note = parse(data)
    keys = _by_identity(verifiers)
    verified: dict[tuple[str, bytes], Signature] = {}
    others: dict[Signature, None] = {}
    for signature in note.signatures:
        identity = (signature.name, signature.key_id)
        if identity not in keys:
            others[signature] = None
        elif identity in verified and verified[identity] == signature:
            continue
        elif not keys[identity].verify(note.text, signature.data):
            raise SignatureError(
                Text(
                    "The signature of {name} does not fit",
                    "the text was changed, or somebody else signed in that name",
                    name=signature.name,
                )
            )
        else:
            verified.setdefault(identity, signature)
    if not verified:
        raise SignatureError(
            Text(
                "No key that is known here signed it",
                "give the key of whom you trust, from a source of its own",
            )
        )
    return OpenedNote(note.text, tuple(verified.values()), tuple(others))


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Parse signature lines without a note, each with its newline, as in a witness's answer. Raises
    EvidenceFormatError."""
    note = parse(f"-\n\n{lines}".encode())
    if note.text != "-\n":
        raise _malformed()
    return note.signatures


def _signature(line: str) -> Signature:
    name, _, data = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH):
        raise _malformed()
    check_name(name)
    key_id_and_signature = decode_base64(data)
    if len(key_id_and_signature) < 5:
        raise _malformed()
    return Signature(name, key_id_and_signature[:4], key_id_and_signature[4:])


def _by_identity(verifiers: Iterable[NoteVerifier]) -> dict[tuple[str, bytes], NoteVerifier]:
    keys: dict[tuple[str, bytes], NoteVerifier] = {}
    for key in verifiers:
        if keys.setdefault((key.name, key.key_id), key) != key:
            raise EvidenceFormatError(Text("Two keys have the name {name} and the same ID.", name=key.name))
    return keys


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(
        Text("It is no signed note: a text, an empty line, and lines with signatures (c2sp.org/signed-note).")
    )
