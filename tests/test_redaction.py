"""I5: no telephone number stands in a text that is kept."""

from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from informativa.model.redaction import holds_number, plain_id, without_numbers

HARMLESS = [
    "",
    "form 77",
    "CRM-42",
    "2026/17",
    "17/2026",
    "contract 2026/00123 of 24.11.2026",
    "2026-11-24",
    "signed on 2026-11-24 12:30:15",
    "2026-11-24T12:30:15Z",
    "24/11/26, page 3",
    "no. 4711, 2026/17",
    "call 1700000000.12",
    "rec-1700000000.12.wav",
    "Anna.Rossi",
    "v1.2.3",
    "12 m³",
    "https://crm.example/forms/4711",
    "12345",
]
NUMBERS = {
    "3331234567": "##########",
    "+393331234567": "+############",
    "+39.333.1234567": "+##.###.#######",
    "333-123-4567": "###-###-####",
    "333 123 4567": "### ### ####",
    "333_123_4567": "###_###_####",
    "(333) 123 45-67": "(###) ### ##-##",
    "(02) - 12 34 56": "(##) - ## ## ##",
    "333\u00a0123\u20114567": "###\u00a0###\u2011####",
    "333*123*4567": "###*###*####",
    "٣٣٣١٢٣٤٥٦٧": "##########",
    "123456": "######",
    "form 77 of 333 1234567, signed": "form ## of ### #######, signed".replace("##", "77", 1),
    "tel.3331234567": "tel.##########",
    "q-800-3331234567-20261124-120000-1700000000.1": "q-###-##########-########-######-##########.#",
    "333.12.07.2028": "###.##.##.####",
    "+39 333 12.07.2028": "+## ### ##.##.####",
    "2026-11-24 333 123 4567": "####-##-## ### ### ####",
    "3331234567/2026": "##########/####",
    "³³³¹²³④⑤⑥⑦": "##########",
}


@pytest.mark.parametrize(
    "text", ["333, 123, 45, 67", "333 12.34 05:67", "333x123x4567", "on 12/3/4567", "1; 2; 3; 4; 5; 6; 7"]
)
def test_own_number_is_found_between_whatever_stands_between_its_digits(text: str) -> None:
    """The caller's own number is known, so no way of writing it hides it."""
    assert holds_number(text, "+393331234567")
    assert not any(map(str.isdigit, without_numbers(text, "+393331234567")))
    assert without_numbers("form 77 of 24/11/2026", "+393331234567") == "form 77 of 24/11/2026"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_number_stays(text: str) -> None:
    """Dates, contracts with their year, Asterisk's ids and short numbers can be used in a reference."""
    assert without_numbers(text) == text
    assert not holds_number(text)


@pytest.mark.parametrize(("text", "masked"), NUMBERS.items())
def test_i5_number_in_a_text_is_masked(text: str, masked: str) -> None:
    """I5: however its digits are grouped, a number is found, and every digit of it is masked."""
    assert without_numbers(text) == masked
    assert holds_number(text)


SAMPLES = [
    phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    for region in sorted(phonenumbers.SUPPORTED_REGIONS)
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE)
    if (number := phonenumbers.example_number_for_type(region, kind)) is not None
]
JOINTS = st.sampled_from(["", "", "", " ", ".", "-", "/", "_", " - ", ") ", " ("])


@given(st.sampled_from(SAMPLES), st.data(), st.sampled_from(["", "form ", "tel.", "Anna,"]))
def test_i5_no_numbers_of_the_world_pass_in_any_grouping(number: str, data: st.DataObject, lead: str) -> None:
    """I5: numbers of every country with country code, their digits joined as people join them, are masked in
    a text and in a call's id."""
    prefix = data.draw(st.sampled_from(["+", "00"]), label="prefix")
    digits = number[1:]
    joints = data.draw(st.lists(JOINTS, min_size=len(digits), max_size=len(digits)), label="joints")
    text = lead + prefix + "".join(map("".join, zip(digits, joints, strict=True)))
    event(f"{len(''.join(joints))} separators")
    assert not any(letter.isdigit() for letter in without_numbers(text))
    assert not any(letter.isdigit() for letter in plain_id(text))


@given(st.from_regex(r"3[1-9]\d{8}", fullmatch=True), st.lists(JOINTS, min_size=3, max_size=3))
def test_i5_italian_mobile_number_without_country_code(number: str, joints: list[str]) -> None:
    """I5: an Italian mobile number as Italians group it, and no part of it is left."""
    first, second, third = joints
    text = number[:3] + first + number[3:6] + second + number[6:8] + third + number[8:]
    assert not any(letter.isdigit() for letter in without_numbers(text))


@given(st.text())
def test_masking_is_done_once(text: str) -> None:
    """What was masked holds no number, has the same length, and masking it again changes nothing."""
    masked = without_numbers(text)
    assert (len(masked), holds_number(masked), without_numbers(masked)) == (len(text), False, masked)


def test_i5_id_never_holds_the_callers_number() -> None:
    """I5: not even where it looks like an id of Asterisk's."""
    assert plain_id("2025550123.1", "2025550123") == "##########.#"
    assert plain_id("2025550123.1", "+12025550123") == "##########.#"
    assert plain_id("2025550123.1", "+393331234567") == "2025550123.1"


@pytest.mark.parametrize("text", ["(" * 200_000, "(" * 200_000 + "1", "1(" * 100_000, "1((((( " * 30_000])
def test_brackets_without_end(text: str) -> None:
    """What a channel or a file may hold is looked through once: to begin at each of 200,000 brackets would
    take minutes, and hold up all calls."""
    assert holds_number(text) is text.startswith("1(1")
    assert holds_number(text + " +39 333 1234567")


def test_six_digits_that_stand_together() -> None:
    """Just those of 20,000 random texts without what dates are written with hold a number that have six
    digits, each no more than four signs behind the one before."""
    chance, near, count = random.Random(1), re.compile(r"\d(?:(?:(?![,;:]\s)[\W_]){0,4}\d)*"), 0
    for _ in range(20_000):
        text = "".join(chance.choice("0123456789+() ,;a_") for _ in range(chance.randrange(25)))
        together = any(sum(map(str.isdigit, digits)) >= 6 for digits in near.findall(text))
        assert holds_number(text) is together
        assert ("#" in without_numbers(text)) is together
        count += together
    assert 5_000 < count < 15_000
