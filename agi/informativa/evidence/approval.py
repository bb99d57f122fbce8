"""Approvals: the controller's word for leaves of its logs, as a signed note. Pure.

    informativa/approval/v1
    time <POSIX seconds>
    <origin> <index> <base64 of the leaf hash>

The third line once or more, sorted. The signature is Ed25519 (type 0x01), by a key that signs nothing else. A
leaf hash is of a whole entry, which has log and index in it: an approval cannot be used for another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from ..model.errors import EvidenceFormatError
from ..model.text import Text
from . import note
from .encoding import HASH_SIZE, as_text, decimal, decoded_hash, encode_base64, log_origin
from .jcs import LARGEST_INTEGER
from .note import Signer, Verifier
from .tree import leaf_hash

MOST_LEAVES = 64
LARGEST_APPROVAL = 15_000  # bytes, so that it fits into a note of a log
SUFFIX = ".approval"
_HEAD = "informativa/approval/v1"
_LATEST = 253_402_300_799  # the last second of the year 9999
_LINE = re.compile(r"([^ ]+) ([^ ]+) ([^ ]+)")


@dataclass(frozen=True)
class LeafIdentity:
    """One leaf: the origin of its log, its index from 0, and its hash (RFC 6962, 32 bytes)."""

    origin: str
    index: int
    hash: bytes

    @classmethod
    def of(cls, origin: str, index: int, entry: bytes) -> LeafIdentity:
        """Return the identity of the leaf of an entry."""
        return cls(origin, index, leaf_hash(entry))

    @property
    def line(self) -> str:
        """The line of an approval, without its newline."""
        return f"{self.origin} {self.index} {encode_base64(self.hash)}"


@dataclass(frozen=True)
class Approval:
    """The text of an approval: when it was given, in POSIX seconds, and for which leaves, in the order of
    their lines. Nothing is verified. Raises EvidenceFormatError for what no approval can say."""

    time: int
    leaves: tuple[LeafIdentity, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.time <= _LATEST or not 1 <= len(self.leaves) <= MOST_LEAVES:
            raise _malformed()
        for leaf in self.leaves:
            log_origin(leaf.origin)
            if not 0 <= leaf.index <= LARGEST_INTEGER or len(leaf.hash) != HASH_SIZE:
                raise _malformed()
        lines = [leaf.line for leaf in self.leaves]
        if lines != sorted(lines):
            raise EvidenceFormatError(Text("The lines of the approval are not sorted."))
        if len({(leaf.origin, leaf.index) for leaf in self.leaves}) != len(lines):
            raise EvidenceFormatError(Text("The approval names one leaf twice."))

    @classmethod
    def of(cls, time: int, leaves: Iterable[LeafIdentity]) -> Approval:
        """Return the approval of leaves in any order. Raises EvidenceFormatError."""
        return cls(time, tuple(sorted(leaves, key=lambda leaf: leaf.line)))

    @classmethod
    def parse(cls, text: str) -> Approval:
        """Parse the signed text. Raises EvidenceFormatError."""
        head, *lines = text.split("\n")
        if head != _HEAD or len(lines) < 3 or lines.pop() or not lines[0].startswith("time "):
            raise _malformed()
        return cls(decimal(lines[0].removeprefix("time ")), tuple(map(_leaf, lines[1:])))

    @classmethod
    def unverified(cls, data: bytes) -> Approval:
        """Parse the signed note without verifying its signatures. Raises EvidenceFormatError."""
        as_text(data, LARGEST_APPROVAL)
        return cls.parse(note.parse(data).text)

    @property
    def text(self) -> str:
        """The text that is signed."""
        return "\n".join([_HEAD, f"time {self.time}", *(leaf.line for leaf in self.leaves), ""])

    @property
    def file_name(self) -> str:
        """The name of its file, by the signed text: whoever signs it, the name is the same."""
        return sha256(self.text.encode()).hexdigest() + SUFFIX

    def covers(self, leaf: LeafIdentity) -> bool:
        """Return whether it is for this leaf: this log, this index, this content."""
        return leaf in self.leaves


@dataclass(frozen=True)
class VerifiedApproval:
    """An approval and the given keys that signed it, at least one."""

    approval: Approval
    keys: tuple[Verifier, ...]


def log_digest(origin: str) -> str:
    """Return the name of a log in a witness's address: the SHA-256 of its origin, in hexadecimal."""
    return sha256(origin.encode()).hexdigest()


def sign(approval: Approval, signer: Signer) -> bytes:
    """Sign an approval, and return the signed note. Raises EvidenceFormatError if it is too large to be
    noted in a log."""
    data = note.sign(approval.text, signer)
    as_text(data, LARGEST_APPROVAL)
    return data


def verify(data: bytes, keys: Iterable[Verifier]) -> VerifiedApproval:
    """Verify the signed note of an approval by the keys that are trusted now. Raises EvidenceFormatError, and
    SignatureError if none of them signed it or the signature of one is wrong."""
    approval, known = Approval.unverified(data), tuple(dict.fromkeys(keys))
    opened = note.open_note(data, known)
    return VerifiedApproval(approval, tuple(key for key in known if opened.signed_by(key)))


def _leaf(line: str) -> LeafIdentity:
    parts = _LINE.fullmatch(line)
    if not parts:
        raise _malformed()
    return LeafIdentity(parts[1], decimal(parts[2]), decoded_hash(parts[3]))


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(
        Text("It is no approval: its version, the time, and 1 to 64 lines with origin, index and leaf hash.")
    )
