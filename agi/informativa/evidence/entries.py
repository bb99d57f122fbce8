"""Entries of a log: a record's two commitments, or a note. Each begins with a tag. Pure.

A note is its entry: whoever has the log can read it (`notes`).
"""

from __future__ import annotations

from enum import Enum

from ..model.errors import EvidenceFormatError
from ..model.text import Text
from .commitment import NOTE_TAG, RECORD_TAG, Commitments
from .encoding import HASH_SIZE

LARGEST_NOTE_ENTRY = 16_384  # bytes, the tag included


class EntryKind(Enum):
    """The kinds of entries, by their tags."""

    RECORD = RECORD_TAG
    NOTE = NOTE_TAG


def recognised(entry: bytes) -> EntryKind:
    """Return the kind of an entry. Raises EvidenceFormatError for another tag, a record that has not exactly
    two commitments of 32 bytes, and a note of more than 16,384 bytes. The note itself is not read."""
    for kind in EntryKind:
        if entry.startswith(kind.value):
            if kind is EntryKind.NOTE:
                return _not_too_large(entry)
            if len(entry) == len(kind.value) + 2 * HASH_SIZE:
                return kind
    raise EvidenceFormatError(
        Text("The entry is neither a record nor a note, in a version that this program knows.")
    )


def commitments(entry: bytes) -> Commitments:
    """Return the two commitments in a record's entry. Raises EvidenceFormatError for any other entry."""
    if recognised(entry) is EntryKind.NOTE:
        raise EvidenceFormatError(Text("The entry is a note and not a record."))
    return Commitments(entry[-2 * HASH_SIZE : -HASH_SIZE], entry[-HASH_SIZE:])


def _not_too_large(entry: bytes) -> EntryKind:
    if len(entry) > LARGEST_NOTE_ENTRY:
        raise EvidenceFormatError(
            Text(
                "It has {size} bytes, and at most {limit} are read.",
                size=len(entry),
                limit=LARGEST_NOTE_ENTRY,
            )
        )
    return EntryKind.NOTE
