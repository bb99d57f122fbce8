"""Adding settings to a configuration file, which keeps its comments and its layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from informativa.config.editing import Entry, Item, edited
from informativa.model.errors import ConfigError

FILE = Path("informativa.yaml")
BLOCK = """\
controllers:
  acme:            # ours
    notices:
      privacy:
        name: x    # the only one

lines:
  # Milan
  "+39021":
    plan:
      # first
      - notice: privacy
        when: once   # only
    language: it
"""


def test_entry_comes_at_the_end_of_its_mapping() -> None:
    """Before the blank line and the comments of what follows, behind a comment on the last line."""
    new = edited(FILE, BLOCK, [Entry(("controllers", "acme", "notices"), "ai", {"versions": ["2026-11"]})])
    assert new == BLOCK.replace(
        "# the only one\n", '# the only one\n      ai:\n        versions:\n          - "2026-11"\n'
    )


@pytest.mark.parametrize(
    ("index", "before", "after"),
    [
        (0, "    plan:\n", "      - {choice: human}\n"),
        (1, "        when: once   # only\n", "      - {choice: human}\n"),
        (9, "        when: once   # only\n", "      - {choice: human}\n"),
    ],
)
def test_item_has_its_place_in_a_list(index: int, before: str, after: str) -> None:
    """A comment above an item stays with it; a place behind the end is the end."""
    new = edited(FILE, BLOCK, [Item(("lines", "+39021", "plan"), index, {"choice": "human"})])
    assert new == BLOCK.replace(before, before + after)


def test_lists_and_mappings_in_brackets() -> None:
    """Settings on one line stay on one line."""
    text = 'lines: {"+1": {plan: [{notice: a}], keys: {}}}  # all\n'
    new = edited(
        FILE,
        text,
        [
            Item(("lines", "+1", "plan"), 0, {"notice": "b", "when": "always"}),
            Item(("lines", "+1", "plan"), 2, {"choice": "c"}),
            Entry(("lines", "+1", "keys"), "full", "1"),
        ],
    )
    assert new == (
        'lines: {"+1": {plan: [{notice: b, when: always}, {notice: a}, {choice: c}], keys: {full: "1"}}}'
        "  # all\n"
    )


def test_line_breaks_are_those_of_the_file() -> None:
    """A file from Windows stays one, also where its last line has no line break."""
    text = "a:\r\n  b: c"
    assert edited(FILE, text, [Entry(("a",), "d", "e")]) == "a:\r\n  b: c\r\n  d: e\r\n"


def test_layout_without_a_place() -> None:
    """Where a line cannot be added without another meaning, nothing is, and the line is named."""
    with pytest.raises(ConfigError, match=r"informativa\.yaml:1: a: nothing can be added here") as caught:
        edited(FILE, "a: |\n  text\n", [Entry(("a",), "b", "c")])
    assert "informativa init DIR" in str(caught.value)


VALUES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=6,
)


@given(value=VALUES, index=st.integers(0, 2))
def test_any_value_is_read_back(value: object, index: int) -> None:
    """Whatever is added, the file means what it meant and that (`edited` itself compares), or is refused."""
    edited(FILE, BLOCK, [Item(("lines", "+39021", "plan"), index, value)])
    edited(FILE, BLOCK, [Entry(("lines", "+39021"), "new", value)])
