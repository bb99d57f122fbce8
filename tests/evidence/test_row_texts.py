"""The short way from a row to what its leaf commits to, against the long one by way of the event."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import event as met
from hypothesis import given
from hypothesis import strategies as st

from evidence.committed import EVENT, LOG, TEXTS
from informativa.evidence import commitment
from informativa.ledgers import row_texts, rows
from informativa.model import Ending, Event, Heard, Reason, RecordKind, Status, Vouched

PLAIN = st.sampled_from(["", "it", "+390212345678", "/p/è/😀", "1700000000.1", "100%s %.0s %", "{0}{"])
WORDS = PLAIN | TEXTS
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
SAMPLES = st.integers(0, 2**40)
HEARD = st.builds(Heard, st.sampled_from(Ending), SAMPLES, SAMPLES, st.sampled_from([8000, 48_000]), WORDS)
HASHES = st.binary(min_size=32, max_size=32)


def events(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Event]:
    """Generate events of all kinds."""
    return st.builds(
        Event,
        at=TIMES,
        recorded=TIMES | st.none(),
        pseudonym=HASHES | st.none(),
        earlier=HASHES | st.none(),
        purposes=st.frozensets(st.sampled_from(["service", "marketing", "billing"])),
        status=st.sampled_from(Status),
        reason=st.sampled_from(Reason),
        kind=st.sampled_from(RecordKind),
        vouched=st.sampled_from(Vouched) | st.none(),
        heard=HEARD | st.none(),
        basis=st.integers(1, 2**53) | st.none(),
        supplement=st.booleans(),
        counts=st.booleans(),
        **dict.fromkeys(
            ("call", "line", "notice", "version", "language", "prompt", "linked", "wanted", "reference"),
            texts,
        ),
        recording=PLAIN,
    )


def long_way(event: Event, binding: bytes | None, opening: bytes | None, number: int) -> tuple[bytes, bytes]:
    """Return both texts by way of the mappings."""
    facts = commitment.facts(event, LOG, 5, number)
    return commitment.canonical(facts), commitment.canonical(commitment.person(event, binding, opening))


@given(events(PLAIN) | events(WORDS), HASHES | st.none(), HASHES | st.none())
def test_short_way_is_the_long_way(event: Event, binding: bytes | None, opening: bytes | None) -> None:
    """Both ways write the same bytes for any record, or the short way declines it."""
    texts = row_texts.texts((7, *rows.row(event)), binding, opening, LOG, 5)
    met("short" if texts else "long")
    assert texts in (None, long_way(event, binding, opening, 7))


@given(events(PLAIN.filter(lambda text: text.isprintable())), HASHES | st.none(), HASHES | st.none())
def test_what_calls_record_goes_the_short_way(
    event: Event, binding: bytes | None, opening: bytes | None
) -> None:
    """A record of a call whose texts need no escapes is not left to the long way."""
    event = replace(event, kind=RecordKind.PHONE)
    if event.heard is not None and not event.heard.key.isalnum():
        event = replace(event, heard=None)
    assert row_texts.texts((7, *rows.row(event)), binding, opening, LOG, 5)


@pytest.mark.parametrize("character", ['"', "\\", "\n", "\x00", "\x7f", "\ud800"])
@pytest.mark.parametrize("name", ["call", "linked", "reference"])
def test_what_must_be_escaped_goes_the_long_way(character: str, name: str) -> None:
    """A caller's text might else say what others should."""
    row = rows.row(replace(EVENT, **{name: f"a{character}b"}))  # type: ignore[arg-type]
    assert row_texts.texts((7, *row), None, None, LOG, 5) is None


HOSTILE = ['","record":"6', "\\", "\n", "\x00", "\x7f", "\u2028", '"%s"', "%", '"number":"%s",', "}", "{1}"]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("name", ["line", "notice", "version", "language", "prompt", "wanted"])
@pytest.mark.parametrize("heard", [EVENT.heard, None])
def test_no_text_of_a_setting_becomes_a_part_of_another(text: str, name: str, heard: Heard | None) -> None:
    """It is escaped, and fills no gap of the template."""
    event = replace(EVENT, **{"heard": heard, name: text})  # type: ignore[arg-type]
    texts = row_texts.texts((7, *rows.row(event)), None, None, LOG, 5)
    assert texts == long_way(event, None, None, 7)


@pytest.mark.parametrize("character", ["\ufffc", "\ud800"])
@pytest.mark.parametrize("name", ["line", "notice", "version", "language", "prompt", "wanted"])
def test_the_mark_of_a_gap_and_half_a_character_go_the_long_way(character: str, name: str) -> None:
    """The mark would be taken for a gap."""
    row = rows.row(replace(EVENT, **{name: f"a{character}"}))  # type: ignore[arg-type]
    assert row_texts.texts((7, *row), None, None, LOG, 5) is None
    assert row_texts.texts((7, *rows.row(EVENT)), None, None, LOG + character, 5) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (8, "service billing"),
        (8, " billing"),
        (9, "played"),
        (13, None),
        (13, 2.5),
        (13, float("inf")),
        (14, None),
        (15, None),
        (12, None),
        (21, 1),
        (23, ""),
        (23, "nobody else"),
        (25, 2),
        (26, 3),
    ],
)
def test_what_no_record_is_written_with_goes_the_long_way(column: int, value: object) -> None:
    """Half a sample, a part of what was heard, a truth that is neither, say."""
    row = [7, *rows.row(EVENT)]
    row[column] = value
    assert row_texts.texts(tuple(row), None, None, LOG, 5) is None


@pytest.mark.parametrize(("column", "name"), [(4, "pseudonym"), (28, "earlier")])
def test_an_empty_hash_is_not_taken_for_none(column: int, name: str) -> None:
    """Or a forged row would open the leaf of a record without one."""
    event = replace(EVENT, **{name: None})  # type: ignore[arg-type]
    row = [7, *rows.row(event)]
    row[column] = b""
    assert row_texts.texts(tuple(row), None, None, LOG, 5) != long_way(event, None, None, 7)
