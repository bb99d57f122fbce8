"""Differences between two texts, word by word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.operations.notice_changes import WordChange, text_changes

SAME, REMOVED, ADDED = WordChange.SAME, WordChange.REMOVED, WordChange.ADDED


@pytest.mark.parametrize(
    ("earlier", "later", "pieces"),
    [
        ("one two", "one two", [(SAME, "one two")]),
        ("one two", "one  two", [(SAME, "one  two")]),
        ("one two", "one three two", [(SAME, "one"), (ADDED, " three"), (SAME, " two")]),
        ("one two three", "one three", [(SAME, "one"), (REMOVED, " two"), (SAME, " three")]),
        ("one two", "one four", [(SAME, "one"), (REMOVED, " two"), (ADDED, " four")]),
        ("one\ntwo", "one two", [(SAME, "one"), (REMOVED, "\n"), (SAME, " two")]),
        ("", "one", [(ADDED, "one")]),
        ("one two", "two", [(REMOVED, "one"), (SAME, " two")]),
    ],
)
def test_pieces(earlier: str, later: str, pieces: list[tuple[WordChange, str]]) -> None:
    """Words that were taken out stand before those that came in their place; blanks do not count."""
    assert [(piece.change, piece.text) for piece in text_changes(earlier, later)] == pieces


@given(*([st.lists(st.sampled_from(["a", "b", "c", "\n"])).map(" ".join)] * 2))
def test_both_texts_come_back(earlier: str, later: str) -> None:
    """The pieces that are not added are the earlier text, those that are not removed the later one, but for
    blanks."""
    pieces = [*text_changes(earlier, later)]
    without_added, without_removed = (
        "".join(piece.text for piece in pieces if piece.change is not change) for change in (ADDED, REMOVED)
    )
    assert without_added.split() == earlier.split()
    assert without_removed.split() == later.split()
