"""Checkpoints (C2SP tlog-checkpoint v1.0.0): the statement of a log about its tree, as the text of a signed
note. Pure.

Three lines: the log's origin, the number of its leaves, the root's hash in base64. No extension lines: no
monitor can check them, and an ML-DSA-44 cosignature does not sign them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..model.errors import EvidenceFormatError, SignatureError
from ..model.text import Text
from .encoding import HASH_SIZE, LARGEST, decimal, decoded_hash, encode_base64
from .keys import is_line
from .note import NoteVerifier, OpenedNote, open_note, parse
from .tree import EMPTY_ROOT


@dataclass(frozen=True)
class Checkpoint:
    """The head of a tree: the log's origin, the number of leaves, and the root (32 bytes). Raises
    EvidenceFormatError for values that no checkpoint can have; an empty tree has the root that RFC 6962 2.1
    gives it."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or not is_line(self.origin):
            raise EvidenceFormatError(Text("A log's origin is one line of text."))
        if not 0 <= self.size <= LARGEST or len(self.root) != HASH_SIZE:
            raise _malformed()
        if self.size == 0 and self.root != EMPTY_ROOT:
            raise EvidenceFormatError(Text("It says that the tree is empty, with another root."))

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Parse the note's text. Raises EvidenceFormatError."""
        lines = text.split("\n")
        if len(lines) != 4 or lines[3]:
            raise _malformed()
        return cls(lines[0], decimal(lines[1]), decoded_hash(lines[2]))

    @classmethod
    def unverified(cls, data: bytes) -> Checkpoint:
        """Parse a signed note without verifying its signatures. Raises EvidenceFormatError."""
        return cls.parse(parse(data).text)

    @property
    def text(self) -> str:
        """The note's text."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


@dataclass(frozen=True)
class CheckpointNote:
    """A checkpoint that its log signed, and the note that contains it."""

    checkpoint: Checkpoint
    log: NoteVerifier
    note: OpenedNote


def open_checkpoint(
    data: bytes, logs: Iterable[NoteVerifier], others: Iterable[NoteVerifier] = ()
) -> CheckpointNote:
    """Return the checkpoint in a note that one of these logs signed, under the name that is its origin;
    signatures of `others`, such as witnesses, are verified too. Raises EvidenceFormatError, and
    SignatureError if the log's signature is missing or that of any known key is wrong."""
    logs = tuple(logs)
    note = open_note(data, (*logs, *others))
    checkpoint = Checkpoint.parse(note.text)
    for log in logs:
        if log.name == checkpoint.origin and note.signed_by(log):
            return CheckpointNote(checkpoint, log, note)
    raise SignatureError(
        Text(
            "No key that is known here signed it as the log {origin}",
            "give the key of whom you trust, from a source of its own",
            origin=checkpoint.origin,
        )
    )


def _malformed() -> EvidenceFormatError:
    return EvidenceFormatError(
        Text("It is no checkpoint: the origin, the size, the root, a line each (c2sp.org/tlog-checkpoint).")
    )
