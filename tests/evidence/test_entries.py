"""Entries, recognised by their tags."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.noted import CONTENTS, log_note
from informativa.evidence import entries
from informativa.evidence.commitment import Commitments
from informativa.evidence.entries import EntryKind
from informativa.model.errors import EvidenceFormatError


def test_record_is_recognised() -> None:
    """By its tag and its 86 bytes, out of which come its two commitments."""
    hashes = Commitments(b"\x01" * 32, b"\x02" * 32)
    assert len(hashes.entry) == 86
    assert entries.recognised(hashes.entry) is EntryKind.RECORD
    assert entries.commitments(hashes.entry) == hashes


@pytest.mark.parametrize("kind", CONTENTS)
def test_note_is_recognised(kind: str) -> None:
    """By its tag; it has no commitments."""
    entry = log_note(kind).entry
    assert entries.recognised(entry) is EntryKind.NOTE
    with pytest.raises(EvidenceFormatError, match="a note and not a record"):
        entries.commitments(entry)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        bytes(86),
        b"informativa/record/v2\n",
        b"informativa/record/v2\n" + bytes(63),
        b"informativa/record/v1\n" + bytes(64),
        b"informativa/record/v2\n" + bytes(65),
        b"informativa/record/v3\n" + bytes(64),
        b"informativa/record/v2\r" + bytes(64),
        b"informativa/record/v2" + bytes(65),
        b"informativa/record/V2\n" + bytes(64),
        b" informativa/record/v2\n" + bytes(63),
        b"informativa/note/v1\n{}",
        b"informativa/note/v3\n{}",
        b"informativa/note/v2",
        b"informativa/note/v2\r\n{}",
        b"informativa/what/v2\n" + bytes(66),
        b"informativa/note/v2\n" + b" " * 16_365,
    ],
)
def test_any_other_entry_is_refused(entry: bytes) -> None:
    """Another tag, another version, another length."""
    with pytest.raises(EvidenceFormatError):
        entries.recognised(entry)


def test_a_note_has_16384_bytes_at_most() -> None:
    """The tag counts."""
    assert entries.recognised(b"informativa/note/v2\n" + b" " * 16_364) is EntryKind.NOTE


@given(st.binary(max_size=100))
def test_bytes_at_random_are_refused(data: bytes) -> None:
    """Nothing is taken for an entry by chance."""
    with pytest.raises(EvidenceFormatError):
        entries.recognised(data)
