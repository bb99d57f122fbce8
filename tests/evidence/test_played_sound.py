"""The recording that a record names, among the files that are there now, and its words."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from evidence.receipts import Company
from informativa.operations.calls import played_recording


@pytest.fixture
def company(folder: Path) -> Company:
    """A company with the recordings of its notice."""
    return Company(folder)


def test_recording_that_the_record_names(company: Company) -> None:
    """Its files by format, each with its SHA-256, and the text that belongs to it."""
    content = played_recording(company.played)
    digest = sha256(Path(f"{company.played.prompt}.wav").read_bytes()).hexdigest()
    assert content.sound is not None
    assert (content.sound.same, content.sound.files) == (True, {"wav": digest})
    assert content.text.startswith("La società che ha chiamato è titolare del trattamento")


def test_a_format_that_was_added_since_changes_nothing(company: Company) -> None:
    """The record's digest is of the formats of that day, and they are found among those of today."""
    Path(f"{company.played.prompt}.gsm").write_bytes(b"later")
    sound = played_recording(company.played).sound
    assert sound is not None
    assert (sound.same, list(sound.files)) == (True, ["wav"])


def test_a_recording_that_was_replaced_is_told(company: Company) -> None:
    """The sound that is there now is not taken for that of the record."""
    for file in Path(company.played.prompt).parent.glob("short.*"):
        file.unlink()
    assert played_recording(company.played).sound is None
    shutil.copy(f"{Path(company.played.prompt).parent}/full.wav", f"{company.played.prompt}.wav")
    sound = played_recording(company.played).sound
    assert sound is not None
    assert not sound.same


def test_text_that_lies_beside_the_recording_is_shown(company: Company) -> None:
    """It is what a company had a machine say, and goes before that of the recordings shipped."""
    Path(f"{company.played.prompt}.txt").write_text("Uno.\n<b>Due.\n", encoding="utf-8")
    assert played_recording(company.played).text == "Uno.\n<b>Due."


def test_record_without_a_prompt_has_no_sound(company: Company) -> None:
    """Nothing was played."""
    content = played_recording(replace(company.played, prompt="", recording="", heard=None))
    assert (content.sound, content.text) == (None, "")
