"""Logs as far as somebody read and verified them: the entries in them that are no records. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..model.errors import EvidenceError
from ..model.text import NOTHING, Text
from .approval import LeafIdentity
from .checkpoint import Checkpoint
from .encoding import HASH_SIZE
from .note import Verifier
from .notes import LogNote, NextNote

UNKNOWN_ROOT = bytes(HASH_SIZE)


@dataclass(frozen=True)
class ReadEntry:
    """An entry that is no record: its leaf, and the note in it, or what is wrong with it."""

    leaf: LeafIdentity
    note: LogNote | None
    flaw: Text = NOTHING

    @classmethod
    def read(cls, entry: bytes, log: str, index: int) -> ReadEntry:
        """Return the entry of a leaf."""
        leaf = LeafIdentity.of(log, index, entry)
        try:
            return cls(leaf, LogNote.parse(entry, log, index))
        except EvidenceError as error:
            return cls(leaf, None, error.message)


@dataclass(frozen=True)
class ReadLog:
    """A log as far as it was verified: its key, its size, its root, which may be `UNKNOWN_ROOT`, and its
    notes in order."""

    key: Verifier
    size: int
    root: bytes
    entries: Sequence[ReadEntry]

    @property
    def tree(self) -> Checkpoint:
        """Its size and root, as a note `new-log` names them."""
        return Checkpoint(self.key.name, self.size, self.root)

    @property
    def successor(self) -> Verifier | None:
        """The key of the next log, if the last leaf names it."""
        last = self.entries[-1] if self.entries else None
        if last is None or last.note is None or last.leaf.index != self.size - 1:
            return None
        return last.note.content.key if isinstance(last.note.content, NextNote) else None
