"""Entries of both versions, recognised by their tags, and the commitments of version 2 computed anew."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.committed import EVENT, LOG
from evidence.noted import CONTENTS, log_note
from informativa.evidence import commitment, entries, jcs
from informativa.evidence.commitment import Commitments
from informativa.evidence.entries import EntryKind
from informativa.model import Identified
from informativa.model.errors import EvidenceFormatError

SALT = bytes(range(16))
HASHES = Commitments(b"\x01" * 32, b"\x02" * 32)


def test_commitments_of_version_2_known_beforehand() -> None:
    """The formulas of the format, with nothing of ours: hashlib, hmac and json."""

    def digest(tag: str, value: dict[str, object]) -> bytes:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(f"informativa/{tag}/v2\n".encode() + SALT + text.encode()).digest()

    opening_key = hmac.new(b"k" * 32, b"binding" + SALT, hashlib.sha256).digest()
    binding = hmac.new(opening_key, b"+393331234567", hashlib.sha256).digest()
    person = entries.person(EVENT, binding, opening_key)
    assert person == {
        "basis": 41,
        "binding": binding.hex(),
        "call": "1700000000.1",
        "earlier": "22" * 32,
        "happened": 1795523415123456,
        "key": "#",
        "linked": "1700000000.0",
        "opening": hashlib.sha256(b"informativa/opening/v2\n" + opening_key).hexdigest(),
        "pseudonym": "11" * 32,
        "recorded": 1795523535123461,
        "reference": "contract 7",
    }
    facts = commitment.facts(EVENT, LOG, 6, 7)
    hashes = Commitments(entries.facts_commitment(2, facts, SALT), entries.person_commitment(2, person, SALT))
    assert (hashes.what, hashes.who) == (digest("what", facts), digest("who", person))  # type: ignore[arg-type]
    assert entries.record_entry(2, hashes) == b"informativa/record/v2\n" + hashes.what + hashes.who
    assert commitment.opening_key(b"k" * 32, SALT) == opening_key
    assert commitment.binding(opening_key, Identified("+393331234567")) == binding


def test_names_of_a_person_stand_in_order_with_and_without_an_opening_key() -> None:
    """Who is not identified has no opening; all else is as in version 1."""
    person = entries.person(EVENT, b"\3" * 32, b"\4" * 32)
    assert list(person) == sorted(person)
    assert commitment.canonical(person) == jcs.canonical(person)
    assert entries.person(EVENT, None, None) == commitment.person(EVENT, None)
    assert set(person) - {"opening"} == set(commitment.person(EVENT, b"\3" * 32))


def test_version_1_is_what_the_program_writes() -> None:
    """The same bytes by either way."""
    facts, person = commitment.facts(EVENT, LOG, 6, 7), commitment.person(EVENT, None)
    assert entries.facts_commitment(1, facts, SALT) == commitment.what(facts, SALT)
    assert entries.person_commitment(1, person, SALT) == commitment.who(person, SALT)
    assert entries.record_entry(1, HASHES) == HASHES.entry


def test_no_commitment_of_one_version_is_one_of_another() -> None:
    """Nor is that of facts one of a person: each has a tag of its own."""
    digests = {
        commit(version, {}, SALT)
        for version in (1, 2)
        for commit in (entries.facts_commitment, entries.person_commitment)
    }
    assert len(digests) == 4


@pytest.mark.parametrize(("version", "kind"), [(1, EntryKind.RECORD_V1), (2, EntryKind.RECORD_V2)])
def test_record_is_recognised(version: int, kind: EntryKind) -> None:
    """By its tag and its 86 bytes, out of which come its two commitments."""
    entry = entries.record_entry(version, HASHES)
    assert len(entry) == 86
    assert entries.recognised(entry) is kind
    assert entries.commitments(entry) == HASHES


@pytest.mark.parametrize("kind", CONTENTS)
def test_note_is_recognised(kind: str) -> None:
    """By its tag; it has no commitments."""
    entry = log_note(kind).entry
    assert entries.recognised(entry) is EntryKind.NOTE_V2
    with pytest.raises(EvidenceFormatError, match="a note and not a record"):
        entries.commitments(entry)


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        bytes(86),
        b"informativa/record/v1\n",
        b"informativa/record/v1\n" + bytes(63),
        b"informativa/record/v2\n" + bytes(65),
        b"informativa/record/v3\n" + bytes(64),
        b"informativa/record/v1\r" + bytes(64),
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
    assert entries.recognised(b"informativa/note/v2\n" + b" " * 16_364) is EntryKind.NOTE_V2


@given(st.binary(max_size=100))
def test_bytes_at_random_are_refused(data: bytes) -> None:
    """Nothing is taken for an entry by chance."""
    with pytest.raises(EvidenceFormatError):
        entries.recognised(data)
