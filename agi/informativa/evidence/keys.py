"""Ed25519 keys of signed notes, as text (C2SP signed-note v1.0.0, "Verifier keys"). Pure.

A public key is `name+hex(key ID)+base64(type ‖ public key)`; a private one, as Go's sumdb/note writes it,
`PRIVATE+KEY+name+hex(key ID)+base64(type ‖ seed)`. The ID is of the public key in both. The type is a byte
that says what is signed, and how.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import ClassVar, Self

from ..model.errors import EvidenceFormatError
from ..model.text import Text
from . import ed25519
from .encoding import decode_base64, encode_base64

PRIVATE = "PRIVATE+KEY+"
_NOT_PLAIN = re.compile(r"[\x00-\x1f\ud800-\udfff]")
_NOT_IN_NAME = re.compile(rf"[+\s]|{_NOT_PLAIN.pattern}")


@dataclass(frozen=True)
class PublicKey:
    """A name and an Ed25519 public key (32 bytes), for signatures of the type `kind`. Raises
    EvidenceFormatError for what cannot be one."""

    kind: ClassVar[int]
    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_key(self.name, self.public)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """Parse `name+hex(key ID)+base64(type ‖ public key)`. Raises EvidenceFormatError."""
        return cls(*parsed_key(vkey, cls.kind))

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.kind, self.public)

    def __str__(self) -> str:
        return formatted_key(self.name, self.kind, self.public)


@dataclass(frozen=True)
class PrivateKey:
    """A name and an Ed25519 private key: its seed, 32 bytes. Raises EvidenceFormatError for what cannot be
    one."""

    kind: ClassVar[int]
    name: str
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_seed(self.name, self.seed)

    @classmethod
    def parse(cls, secret: str) -> Self:
        """Parse `PRIVATE+KEY+name+hex(key ID)+base64(type ‖ seed)`. Raises EvidenceFormatError."""
        return cls(*parsed_secret(secret, cls.kind))

    @property
    def secret(self) -> str:
        """The encoded private key, for a file that nobody else reads."""
        return formatted_secret(self.name, self.kind, self.seed)


def key_id(name: str, kind: int, public: bytes) -> bytes:
    """Return the first 4 bytes of SHA-256(name ‖ 0x0A ‖ type ‖ public key)."""
    return sha256(name.encode() + b"\n" + bytes([kind]) + public).digest()[:4]


def parsed_key(vkey: str, kind: int) -> tuple[str, bytes]:
    """Return name and public key of a vkey of that signature type. Raises EvidenceFormatError."""
    name, given_id, data = _parts(vkey, kind)
    check_key(name, data)
    if key_id(name, kind, data).hex() != given_id:
        raise _no_key()
    return name, data


def formatted_key(name: str, kind: int, public: bytes) -> str:
    """Return the vkey."""
    return f"{name}+{key_id(name, kind, public).hex()}+{encode_base64(bytes([kind]) + public)}"


def parsed_secret(secret: str, kind: int) -> tuple[str, bytes]:
    """Return name and seed of a private key of that signature type. Raises EvidenceFormatError."""
    if not secret.startswith(PRIVATE):
        raise _no_key()
    name, given_id, seed = _parts(secret.removeprefix(PRIVATE), kind)
    check_seed(name, seed)
    if key_id(name, kind, ed25519.public_key(seed)).hex() != given_id:
        raise _no_key()
    return name, seed


def formatted_secret(name: str, kind: int, seed: bytes) -> str:
    """Return the encoded private key."""
    public_id = key_id(name, kind, ed25519.public_key(seed)).hex()
    return f"{PRIVATE}{name}+{public_id}+{encode_base64(bytes([kind]) + seed)}"


def check_key(name: str, public: bytes) -> None:
    """Check a key's name and its Ed25519 public key. Raises EvidenceFormatError."""
    check_name(name)
    if not ed25519.is_key(public):
        raise EvidenceFormatError(Text("No Ed25519 key looks like that of {name}.", name=name))


def check_seed(name: str, seed: bytes) -> None:
    """Check a key's name and its seed. Raises EvidenceFormatError."""
    check_name(name)
    if len(seed) != ed25519.KEY_SIZE:
        raise _no_key()


def check_name(name: str) -> None:
    """Check a key's name. Raises EvidenceFormatError."""
    if not name or _NOT_IN_NAME.search(name):
        raise EvidenceFormatError(Text("A key's name is not empty, and has no space and no plus in it."))


def is_line(text: str) -> bool:
    """Return whether a text may stand in a line: it has no control character, and no half of a surrogate
    pair."""
    return _NOT_PLAIN.search(text) is None


def _parts(key: str, kind: int) -> tuple[str, str, bytes]:
    parts = key.split("+", 2)
    if len(parts) != 3:
        raise _no_key()
    data = decode_base64(parts[2])
    if data[:1] != bytes([kind]):
        raise EvidenceFormatError(Text("The key of {name} is of another kind.", name=parts[0]))
    return parts[0], parts[1], data[1:]


def _no_key() -> EvidenceFormatError:
    return EvidenceFormatError(
        Text("It is no key: a name, a plus, the ID, a plus, and the key (c2sp.org/signed-note).")
    )
