"""Choices on the console: the letter to a caller who was asked, and what would be asked of one who calls."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from configurations import with_choices
from console.served import CALLER, Browser, ServedConsole, served
from evidence.receipts import Company
from informativa.model import Answer, Event

GRANTED = 1  # its index among `Company.asked`


@pytest.fixture
def office(folder: Path) -> Iterator[ServedConsole]:
    """Yield a console over a company that asks three choices and has a caller's consent on record."""
    with_choices(folder)
    company = Company(folder)
    played, granted, *_others = company.asked()
    company.record(played, granted)
    with served(folder) as office:
        yield office


def record(office: ServedConsole, *events: Event) -> None:
    """Put more on record."""
    Company(office.folder).record(*events)


def events(office: ServedConsole) -> list[Event]:
    """Return the events that there may be."""
    return Company(office.folder).asked()


def letter(browser: Browser, language: str = "en") -> str:
    """Return the text of the letter to the caller."""
    browser.get("/acme/caller")
    page = browser.send(number=CALLER.number).url.path
    browser.get(f"{page}/letter")
    return html.unescape(browser.send(language=language).text)


def test_letter_tells_the_consent_and_how_to_withdraw_it(office: ServedConsole) -> None:
    """The letter says what was asked, the keys, the answer, the wording's version, the day on which the
    consent ends, and the call by which it is withdrawn."""
    text = letter(office.browser("compliance@acme"))
    for part in (
        "sending offers, version 1",
        "whether he consents to a use of his data",
        "5 = I do not consent, 4 = I consent",
        "the caller gave his consent",
        "sending offers, wording 1: given on 26 November 2026 (record 2). It holds until 26 November"
        " 2028, unless you withdraw it before.",
        "To withdraw it, call +390212345678 with this telephone and press 5 when you are asked.",
        "what was done before stays lawful (Article 7(3) GDPR)",
        '"choice": "marketing"',
    ):
        assert part in text, part


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answer", "days", "sentence"),
    [
        (Answer.REFUSED, 1, "refused on 27 November 2026 (record 3)."),
        (Answer.WITHDRAWN, 1, "withdrawn on 27 November 2026 (record 3)."),
        (Answer.SILENCE, 1, "given on 26 November 2026 (record 2). It holds until"),
    ],
)
def test_letter_tells_the_last_act(office: ServedConsole, answer: Answer, days: int, sentence: str) -> None:
    """A later refusal or withdrawal is what stands; silence changes nothing, and is no act."""
    event = events(office)[GRANTED]
    assert event.asked is not None
    at = event.at + timedelta(days=days)
    record(office, replace(event, at=at, recorded=at, asked=replace(event.asked, answer=answer)))
    text = letter(office.browser("compliance@acme"))
    assert f"sending offers, wording 1: {sentence}" in text
    assert ("To withdraw it, call" in text) is (answer is Answer.SILENCE)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("it", "Per revocarlo, chiami il +390212345678 da questo telefono e prema 5"),
        ("de", "rufen Sie mit diesem Telefon +390212345678 an und drücken Sie 5"),
        ("fr", "appelez le +390212345678 avec ce téléphone et appuyez sur 5"),
        ("es", "llame al +390212345678 con este teléfono y pulse 5"),
    ],
)
def test_letter_says_in_each_language_how_to_withdraw(
    office: ServedConsole, code: str, sentence: str
) -> None:
    """The way to withdraw stands in each language in which letters are written."""
    assert sentence in letter(office.browser("compliance@acme"), code)


def test_what_if_shows_the_choices(office: ServedConsole) -> None:
    """The simulation shows each choice, whether it would be asked, and what each key means."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/what-if")
    text = browser.send(line="+390212345678", number=CALLER.number).text
    assert "What would be asked" in text
    assert "be asked: the plan asks for it on every call" in text
    assert "nobody vouches for the number" in text
    assert "key 4: granted: I consent; counts only after the whole question" in text
