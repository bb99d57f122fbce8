"""Entries of a log by version: a record's two commitments (v1, v2), or a note (v2). Each begins with a tag.
Pure.

Version 2 of a record has tags of its own and is made as version 1 is (`commitment`), which is what the
program writes today. A note is its entry: whoever has the log can read it (`notes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple

from ..model import Event
from ..model.errors import EvidenceFormatError
from ..model.hashing import sha256
from ..model.text import Text
from . import commitment
from .commitment import RECORD_TAG, WHAT_TAG, WHO_TAG, Commitments
from .encoding import HASH_SIZE

NOTE_TAG = b"informativa/note/v2\n"
LARGEST_NOTE_ENTRY = 16_384  # bytes, the tag included
_OPENING_TAG = b"informativa/opening/v2\n"


class RecordTags(NamedTuple):
    """The tags of one version: of facts, of person, and of the entry that holds both commitments."""

    facts: bytes
    person: bytes
    record: bytes


TAGS = {
    1: RecordTags(WHAT_TAG, WHO_TAG, RECORD_TAG),
    2: RecordTags(b"informativa/what/v2\n", b"informativa/who/v2\n", b"informativa/record/v2\n"),
}

PERSON = dict(
    sorted(
        {
            **commitment.PERSON,
            "opening": "of version 2, where there is `binding`: identifies the record's opening key",
        }.items()
    )
)
"""All names of the data that lead to the caller, of version 2; the facts are those of version 1."""


class EntryKind(Enum):
    """The kinds of entries, by their tags."""

    RECORD_V1 = TAGS[1].record
    RECORD_V2 = TAGS[2].record
    NOTE_V2 = NOTE_TAG


def recognised(entry: bytes) -> EntryKind:
    """Return the kind of an entry. Raises EvidenceFormatError for another tag, a record that has not exactly
    two commitments of 32 bytes, and a note of more than 16,384 bytes. The note itself is not read."""
    for kind in EntryKind:
        if entry.startswith(kind.value):
            if kind is EntryKind.NOTE_V2:
                return _not_too_large(entry)
            if len(entry) == len(kind.value) + 2 * HASH_SIZE:
                return kind
    raise EvidenceFormatError(
        Text("The entry is neither a record nor a note, in a version that this program knows.")
    )


def commitments(entry: bytes) -> Commitments:
    """Return the two commitments in a record's entry, of either version. Raises EvidenceFormatError for any
    other entry."""
    if recognised(entry) is EntryKind.NOTE_V2:
        raise EvidenceFormatError(Text("The entry is a note and not a record."))
    return Commitments(entry[-2 * HASH_SIZE : -HASH_SIZE], entry[-HASH_SIZE:])


def record_entry(version: int, hashes: Commitments) -> bytes:
    """Return the entry of a record, 86 bytes."""
    return TAGS[version].record + hashes.what + hashes.who


def facts_commitment(version: int, facts: Mapping[str, str | int], salt: bytes) -> bytes:
    """Return the commitment to the facts of a record of that version; the names stand in order."""
    return sha256(TAGS[version].facts + salt + commitment.canonical(facts)).digest()


def person_commitment(version: int, person: Mapping[str, str | int], salt: bytes) -> bytes:
    """Return the commitment to the data that lead to the caller; the names stand in order."""
    return sha256(TAGS[version].person + salt + commitment.canonical(person)).digest()


def person(event: Event, binding: bytes | None, opening_key: bytes | None) -> dict[str, str | int]:
    """Return the data of an event that lead to the caller, of version 2. With `opening` in it a wrong opening
    key is told from a wrong number. Both are `None` where the caller's number is not known."""
    values = commitment.person(event, binding)
    if opening_key is not None:
        values["opening"] = opening_digest(opening_key)
    return dict(sorted(values.items()))


def opening_digest(opening_key: bytes) -> str:
    """Return `opening` of a record of version 2, in hexadecimal: it identifies the opening key, and opens
    nothing."""
    return sha256(_OPENING_TAG + opening_key).hexdigest()


def _not_too_large(entry: bytes) -> EntryKind:
    if len(entry) > LARGEST_NOTE_ENTRY:
        raise EvidenceFormatError(
            Text(
                "It has {size} bytes, and at most {limit} are read.",
                size=len(entry),
                limit=LARGEST_NOTE_ENTRY,
            )
        )
    return EntryKind.NOTE_V2
