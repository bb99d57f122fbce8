"""Numbering plans as a table: what it says is what phonenumbers says, or it says nothing."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import zlib
from binascii import a2b_base64
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

import numbering_plans as maker
from informativa.model import NumberForm, numbering
from informativa.model.numbering import library, table
from informativa.model.words import NumberKind

CODES = sorted(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
REGIONS = [*sorted(phonenumbers.SUPPORTED_REGIONS), "ZZ"]
TYPES = range(11)  # of PhoneNumberType
DIGITS = "0123456789"

Rounds = Callable[[int, int], int]


def examples() -> Iterator[tuple[str, str, str]]:
    """Yield phonenumbers' own example of each region and kind: region, country code, subscriber number."""
    for region in REGIONS:
        for kind in TYPES:
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                subscriber = phonenumbers.national_significant_number(number)
                yield region, str(number.country_code), subscriber


def both_agree(text: str, region: str, form: NumberForm) -> bool:
    """Return whether the table answered. The table's answer, and all that is made of it, must be the
    library's."""
    answer = numbering._by_table(text, region, form)
    assert answer is None or answer == library.valid(text, region, form), (text, region, form)
    return answer is not None


def answered(numbers: Iterable[tuple[str, str]], *forms: NumberForm) -> float:
    """Return the share of these numbers that the table answered, in all these forms."""
    answers = [both_agree(text, region, form) for text, region in numbers for form in forms or NumberForm]
    return sum(answers) / len(answers)


def prefixes(size: int, chance: random.Random, lengths: Iterable[int]) -> Iterator[str]:
    """Each beginning of so many digits, filled up by chance to each of these lengths."""
    for length in lengths:
        for start in range(10**size):
            yield f"{start:0{size}}" + "".join(chance.choices(DIGITS, k=length - size))


@pytest.mark.slow
def test_italy_is_what_the_library_says_of_it(rounds: Rounds) -> None:
    """Each beginning of an Italian number in each length, one digit too few and too many among them, is in
    E.164 and in the form of trunks what the library says, and hardly ever is the library asked."""
    chance = random.Random(39)
    plan = list(prefixes(rounds(3, 5), chance, range(5, 14)))
    assert answered((("+39" + digits, "IT") for digits in plan), NumberForm.EITHER) == 1
    for form in NumberForm:
        assert answered(((digits, "IT") for digits in plan if digits[:2] != "00"), form) > 0.9
    assert answered((("39" + digits, "IT") for digits in plan), NumberForm.EITHER) > 0.2


@pytest.mark.sample(40)
@pytest.mark.parametrize("code", CODES)
def test_each_country_is_what_the_library_says_of_it(code: str, rounds: Rounds) -> None:
    """Each beginning of a number in each length that the world has, for each country code."""
    chance = random.Random(int(code))
    lengths = range(3, 18) if rounds(0, 1) else chance.sample(range(4, 14), 5)
    for digits in prefixes(rounds(2, 4), chance, [length for length in lengths if length >= rounds(2, 4)]):
        both_agree("+" + code + digits, "IT", NumberForm.EITHER)


@pytest.mark.night
@pytest.mark.slow
def test_numbers_near_valid_ones_in_all_spellings(rounds: Rounds) -> None:
    """The library's examples of every kind with some digits changed, one more or one less, in every spelling
    and form, on lines of their own country, of Italy and of any."""
    chance, numbers = random.Random(1), list(examples())
    answers = 0
    for _ in range(rounds(10_000, 500_000)):
        region, code, number = chance.choice(numbers)
        digits = list(number)
        for _ in range(chance.choice((0, 1, 1, 2, 4))):
            digits[chance.randrange(len(digits))] = chance.choice(DIGITS)
        changed = "".join(digits)[: chance.choice((-1, 99, 99))] + chance.choice(
            ("", "", chance.choice(DIGITS))
        )
        text = (
            chance.choice(("+", "00", "", "", "0", "+00", "000", "+0")) + chance.choice((code, "")) + changed
        )
        trunk_region = chance.choice((region, "IT", chance.choice(REGIONS)))
        if 3 < len(text) < 21:
            answers += both_agree(text, trunk_region, chance.choice(list(NumberForm)))
            assert numbering.written_forms(text, trunk_region) == library.written_forms(text, trunk_region), (
                text,
                trunk_region,
            )
            assert not text.startswith("+") or numbering.is_possible(text) == library.is_possible(text)
    assert answers > rounds(5_000, 250_000)


@given(
    st.from_regex(r"\+?[0-9]{1,21}\n?", fullmatch=True) | st.text(max_size=6),
    st.sampled_from(REGIONS),
    st.sampled_from(NumberForm),
)
def test_any_text_is_what_the_library_says_of_it(text: str, region: str, form: NumberForm) -> None:
    """Nothing else that a trunk may send is told otherwise; what is not digits alone is no number."""
    answer = numbering.valid(text, region, form)
    dialled = text.removeprefix("+").isascii() and text.removeprefix("+").isdigit()
    assert answer == (
        library.valid(text, region, form) if dialled and 2 <= len(text.lstrip("+")) <= 20 else {}
    )


@pytest.mark.parametrize(
    ("text", "form", "country", "kind"),
    [
        ("+393331234567", NumberForm.EITHER, "IT", NumberKind.PERSONAL),
        ("00393331234567", NumberForm.EITHER, "IT", NumberKind.PERSONAL),
        ("393331234567", NumberForm.EITHER, "IT", NumberKind.PERSONAL),
        ("3331234567", NumberForm.EITHER, "IT", NumberKind.PERSONAL),
        ("3881234567", NumberForm.EITHER, "IT", NumberKind.PERSONAL),
        ("0212345678", NumberForm.EITHER, "IT", NumberKind.LANDLINE),
        ("+390212345678", NumberForm.NATIONAL, "IT", NumberKind.LANDLINE),
        ("+390669812345", NumberForm.EITHER, "VA", NumberKind.LANDLINE),
        ("+39800123456", NumberForm.EITHER, "IT", NumberKind.SHARED),
        ("+395512345678", NumberForm.EITHER, "IT", NumberKind.PERSONAL),
        ("+4915123456789", NumberForm.EITHER, "DE", NumberKind.PERSONAL),
        ("+41441234567", NumberForm.EITHER, "CH", NumberKind.LANDLINE),
        ("+12125550123", NumberForm.EITHER, "US", NumberKind.LANDLINE),
        ("+447400123456", NumberForm.EITHER, "GB", NumberKind.PERSONAL),
        ("+80012345678", NumberForm.EITHER, "001", NumberKind.SHARED),
    ],
)
def test_usual_numbers_need_no_library(text: str, form: NumberForm, country: str, kind: NumberKind) -> None:
    """The table itself knows the numbers that lines in Italy are called from."""
    answer = numbering._by_table(text, "IT", form)
    assert answer is not None
    assert list(answer.values()) == [(country, kind)]


def test_regions_are_the_librarys() -> None:
    """All regions of the library are known, with a simple national form or without, and no others."""
    assert all(map(numbering.is_region, phonenumbers.SUPPORTED_REGIONS))
    assert not any(map(numbering.is_region, ("ZZ", "XX", "001", "it", "")))


@pytest.mark.night
@pytest.mark.slow
def test_table_is_made_of_the_library_that_tests_use() -> None:
    """`make plans` would change nothing: the table in the repository is its own."""
    if f" {phonenumbers.__version__}," not in (table.__doc__ or ""):
        pytest.skip(f"made of another edition than {phonenumbers.__version__}: make plans")
    new_table: dict[str, str] = {}
    exec(maker.table(), new_table)
    assert (new_table["PLANS"], new_table["NATIONAL"]) == (table.PLANS, table.NATIONAL)
    for packed in ("STATES", "CLASSES"):
        assert unpacked(new_table[packed]) == unpacked(getattr(table, packed))


def unpacked(text: str) -> bytes:
    """Return the inflated data; two editions of zlib may deflate them differently."""
    return zlib.decompress(a2b_base64(text))


def run(program: str, path: Path) -> str:
    """Return the output of another Python that finds modules in `path` first."""
    completed = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(path)},
    )
    assert completed.returncode == 0, completed.stderr
    return completed.stdout.strip()


ITALY = """
from informativa.model import numbering
from informativa.model import NumberForm
found = numbering.valid("+393331234567", "IT", NumberForm.EITHER)
numbering.valid("+4915123456789", "IT", NumberForm.EITHER)
import sys
print([kind.name for _, kind in found.values()], "phonenumbers" in sys.modules)
"""


def test_newer_edition_of_the_library_is_believed(tmp_path: Path) -> None:
    """A country whose plan the installed library has otherwise is the library's business; the usual case is
    answered without importing it."""
    assert run(ITALY, tmp_path) == "['PERSONAL'] False"
    copy = tmp_path / "phonenumbers"
    shutil.copytree(Path(phonenumbers.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    assert run(ITALY, tmp_path) == "['PERSONAL'] False"
    italy = copy / "data/region_IT.py"
    metadata = italy.read_text()
    italy.write_text(
        metadata.replace(
            "'80(?:0\\\\d{3}|3)\\\\d{3}', example_number='800123456', possible_length=(6, 9)",
            "'333\\\\d{7}', example_number='3331234567', possible_length=(10,)",
        )
    )
    assert run(ITALY, tmp_path) == "['SHARED'] True"


def test_library_that_shows_no_files_is_asked(tmp_path: Path) -> None:
    """No part of the table counts if the library's files cannot be read, as in a zip."""
    shutil.make_archive(
        str(tmp_path / "zipped"), "zip", Path(phonenumbers.__file__).parents[1], "phonenumbers"
    )
    assert run(ITALY, tmp_path / "zipped.zip") == "['PERSONAL'] True"


def test_usual_call_needs_no_library(folder: Path) -> None:
    """A script that reads a configuration with an Italian line, and recognises an Italian caller, never
    imports phonenumbers."""
    file = folder / "informativa.yaml"
    file.write_text(file.read_text().replace("+493012345678", "+390612345678"))
    program = f"""
from pathlib import Path
import informativa.process.script
from informativa import config
from informativa.call import caller
from informativa.model import IncomingCall
configuration, problems = config.inspect(Path({str(file)!r}))
(line, *_) = configuration.spelled.values()
call = IncomingCall("1.1", "", line.number, "3331234567", 0, "it")
import sys
print(type(caller.recognise(call, line)).__name__, "phonenumbers" in sys.modules)
"""
    assert run(program, folder) == "Identified False"
