"""Canonical JSON, against RFC 8785's own examples and another's program."""

from __future__ import annotations

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from informativa.evidence import jcs
from informativa.model.errors import EvidenceFormatError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1)
OBJECTS = st.recursive(
    st.dictionaries(TEXTS, TEXTS | NUMBERS, max_size=6),
    lambda inner: st.dictionaries(TEXTS, TEXTS | NUMBERS | inner, max_size=4),
    max_leaves=4,
)


def test_keys_stand_in_the_order_of_rfc_8785() -> None:
    """RFC 8785 3.2.3: by UTF-16 code units, so that the emoji comes before the Hebrew letter."""
    value = {
        "€": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "😀": "Emoji: Grinning Face",
        "\u0080": "Control",
        "ö": "Latin Small Letter O With Diaeresis",
    }
    assert jcs.canonical(value).decode() == (
        '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",'
        '"€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}'
    )


def test_strings_are_escaped_as_in_rfc_8785() -> None:
    """RFC 8785 3.2.2: the string of its example, and each short escape."""
    assert jcs.canonical({"string": '€$\x0f\nA\'B"\\\\"/'}) == (
        '{"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'.encode()
    )
    assert jcs.canonical({"": "\b\t\n\f\r\x00\x1f\x7f\u2028"}) == (
        '{"":"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\u2028"}'.encode()
    )


@given(OBJECTS)
def test_it_is_what_another_program_writes_and_is_read_back(value: dict[str, jcs.Value]) -> None:
    """The package rfc8785 gives the same bytes, and they are read as the same object."""
    data = jcs.canonical(value)
    assert data == rfc8785.dumps(value)
    assert jcs.parse(data) == value


@pytest.mark.parametrize(
    "value",
    [
        {"a": 1.0},
        {"a": True},
        {"a": None},
        {"a": [1]},
        {"a": b"x"},
        {1: "x"},
        {"a": "\ud800"},
        {"\udfff": "a"},
        {"a": 9007199254740992},
        {"a": -9007199254740992},
        {"a": {"b": {"c": False}}},
    ],
    ids=repr,
)
def test_what_has_no_one_text_is_refused(value: dict[str, jcs.Value]) -> None:
    """Floats, booleans, null, lists, bytes, half a surrogate pair, numbers beyond what all readers take."""
    with pytest.raises(EvidenceFormatError):
        jcs.canonical(value)


def test_numbers_at_the_edge_are_taken() -> None:
    """±(2^53 - 1) is the last."""
    data = b'{"a":9007199254740991,"b":-9007199254740991,"c":0}'
    assert jcs.canonical(jcs.parse(data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b'"a"',
        b"1",
        b"null",
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"o":{"a":"1","a":"2"}}',
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1}\n',
        b' {"a":1}',
        b'{"a":1.0}',
        b'{"a":1e3}',
        b'{"a":-0}',
        b'{"a":01}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":true}',
        b'{"a":null}',
        b'{"a":[]}',
        b'{"a":"\\u0041"}',
        b'{"a":"\\/"}',
        b'{"a":"\\u000F"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\n"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":9007199254740992}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' * 9 + b"1" + b"}" * 9,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"a":"' + b"x" * 1_000_000 + b'"}',
    ],
    ids=lambda data: repr(data[:24]),
)
def test_other_bytes_than_the_canonical_ones_are_refused(data: bytes) -> None:
    """One content has one text: no other order, space, escape, or number; no key twice; nothing too deep."""
    with pytest.raises(EvidenceFormatError):
        jcs.parse(data)


def test_a_key_that_stands_twice_is_named_as_such() -> None:
    """Readers differ about which of the two counts."""
    with pytest.raises(EvidenceFormatError, match="twice"):
        jcs.parse(b'{"a":1,"a":1}')


def test_objects_stand_eight_deep_at_most() -> None:
    """The eighth is taken; the ninth is above among the refused."""
    data = b'{"a":' * 8 + b"1" + b"}" * 8
    assert jcs.canonical(jcs.parse(data)) == data
