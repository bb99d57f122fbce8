"""The list of an erasure's leaves: its commitment computed anew, its file, and all that is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.noted import AT, LOG, OLD, log_note
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import ErasureNote, LogNote
from informativa.model.errors import EvidenceError, EvidenceFormatError

SALT = bytes(range(16))
LEAVES = ErasedLeaves.of(
    SALT, [LeafPlace(LOG, 9), LeafPlace(LOG, 10), LeafPlace(OLD, 7)], [LeafPlace(LOG, 8)]
)
LINES = f"{OLD} 7\n{LOG} 10\n{LOG} 9\n\n{LOG} 8\n"
FILE = f"informativa/list/v2\n000102030405060708090a0b0c0d0e0f\n{LINES}".encode()


def note(leaves: ErasedLeaves, index: int = 42) -> LogNote:
    """The note of the erasure of these leaves."""
    content = ErasureNote(leaves.digest, leaves.most, "dpo-1")
    return LogNote(LOG, index, AT, NoteSource.COMMAND, content)


def test_commitment_and_file_known_beforehand() -> None:
    """Lines in the order of their bytes, so 10 before 9; the others below an empty line."""
    assert LEAVES.lines == LINES
    assert LEAVES.digest == hashlib.sha256(b"informativa/list/v2\n" + SALT + LINES.encode()).hexdigest()
    assert LEAVES.data == FILE
    assert ErasedLeaves.parse(FILE) == LEAVES
    assert SALT.hex() not in repr(LEAVES)


def test_list_without_leaves_that_rested_on_the_others_ends_in_the_empty_line() -> None:
    """One list, one text."""
    alone = ErasedLeaves(SALT, (LeafPlace(LOG, 9),))
    assert alone.lines == f"{LOG} 9\n\n"
    assert ErasedLeaves.parse(alone.data) == alone


@pytest.mark.parametrize(
    ("count", "most"), [(1, 10), (9, 10), (10, 10), (11, 100), (100, 100), (101, 1000), (1000, 1000)]
)
def test_most_is_the_least_power_of_ten_that_is_not_below(count: int, most: int) -> None:
    """Of all leaves, also of those that rested on others."""
    places = [LeafPlace(LOG, index) for index in range(count)]
    assert ErasedLeaves.of(SALT, places).most == most
    if count > 1:
        assert ErasedLeaves.of(SALT, places[:1], places[1:]).most == most


def test_list_fits_its_own_note_alone() -> None:
    """Not one of another salt, of fewer or other leaves, or of leaves that were none yet."""
    LEAVES.check(note(LEAVES))
    others = [
        replace(LEAVES, salt=bytes(16)),
        replace(LEAVES, erased=LEAVES.erased[1:]),
        replace(LEAVES, resting=()),
        ErasedLeaves.of(SALT, (*LEAVES.erased, *LEAVES.resting)),
    ]
    for other in others:
        with pytest.raises(EvidenceError, match="not that of the note"):
            other.check(note(LEAVES))
    with pytest.raises(EvidenceError, match="not that of the note"):
        LEAVES.check(log_note("lost"))
    with pytest.raises(EvidenceError, match="another number of leaves"):
        LEAVES.check(replace(note(LEAVES), content=ErasureNote(LEAVES.digest, 100, "dpo-1")))
    with pytest.raises(EvidenceError, match="come after the note"):
        LEAVES.check(note(LEAVES, 10))
    LEAVES.check(note(LEAVES, 11))


def test_what_is_no_list_cannot_be_made() -> None:
    """Nothing erased, a short salt, another order, a leaf twice, an impossible leaf."""
    one, two = LeafPlace(LOG, 1), LeafPlace(LOG, 2)
    faults: list[tuple[bytes, tuple[LeafPlace, ...], tuple[LeafPlace, ...]]] = [
        (SALT, (), (one,)),
        (SALT[1:], (one,), ()),
        (SALT, (two, one), ()),
        (SALT, (one,), (LeafPlace(LOG, 9), LeafPlace(LOG, 10))),
        (SALT, (one, one), ()),
        (SALT, (one,), (one,)),
        (SALT, (LeafPlace(LOG, -1),), ()),
        (SALT, (LeafPlace(LOG, 2**53),), ()),
        (SALT, (LeafPlace("acme", 1),), ()),
    ]
    for salt, erased, resting in faults:
        with pytest.raises(EvidenceFormatError):
            ErasedLeaves(salt, erased, resting)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        FILE[:-1],
        FILE + b"\n",
        FILE.replace(b"v2", b"v1"),
        FILE.replace(b"\n", b"\r\n"),
        FILE.replace(b"0a0b", b"0A0B"),
        FILE.replace(b"0a0b", b"0a 0b"),
        FILE.replace(b"0a0b", b"0a"),
        FILE.replace(b"0a0b", b"0axx"),
        FILE.replace(b"\n\n", b"\n"),
        FILE.replace(b"\n\n", b"\n\n\n"),
        FILE.replace(b" 7\n", b" 07\n"),
        FILE.replace(b" 7\n", b" 7 \n"),
        FILE.replace(b" 7\n", b"  7\n"),
        FILE.replace(b" 7\n", b" \xff\n"),
        FILE.replace(b" 10\n", b" 9\n"),
        FILE.replace(b" 8\n", b" 9\n"),
        b"informativa/list/v2\n" + SALT.hex().encode() + b"\n",
        b"informativa/list/v2\n" + SALT.hex().encode() + b"\n\n",
        b"informativa/list/v2\n" + SALT.hex().encode() + f"\n\n{LOG} 8\n".encode(),
    ],
)
def test_another_file_is_refused(data: bytes) -> None:
    """Whatever is not the one text of a list."""
    with pytest.raises(EvidenceFormatError):
        ErasedLeaves.parse(data)


@given(
    st.binary(min_size=16, max_size=16),
    st.sets(
        st.builds(LeafPlace, st.sampled_from([LOG, OLD]), st.integers(0, 2**53 - 2)), min_size=1, max_size=30
    ),
    st.data(),
)
def test_what_is_written_is_read(salt: bytes, places: set[LeafPlace], data: st.DataObject) -> None:
    """Any leaves in any order, divided anyhow."""
    order = data.draw(st.permutations(sorted(places, key=str)))
    cut = data.draw(st.integers(1, len(order)))
    leaves = ErasedLeaves.of(salt, order[:cut], order[cut:])
    assert ErasedLeaves.parse(leaves.data) == leaves
    assert set(leaves.places) == places
    leaves.check(note(leaves, 2**53 - 1))
