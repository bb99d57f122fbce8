"""Receipts of choices: in plain words what was asked, which key was pressed, and what that means."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from evidence import independent
from evidence.receipts import NUMBER, Company, Reader, written
from informativa.operations.evidence import logs, receipts
from informativa.operations.evidence.receipt_maker import RecordReceipt
from informativa.operations.evidence.verifying import VerifiedReceipt, verify_data
from informativa.views.messages import ENGLISH, language
from informativa.views.text.evidence import verified_receipt
from lab.browser import browser, browser_needed

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GRANTED, WITHDRAWN, SILENT, EARLY, ABROAD, UNASKED = range(2, 8)
ANSWERS = {
    GRANTED: "asked whether he consents to a use of his data; the caller gave his consent.",
    WITHDRAWN: "the caller withdrew the consent that he had given.",
    SILENT: "the caller pressed no key, and silence is no consent.",
    EARLY: "the caller pressed the key before he had heard the whole question, so it does not count.",
    ABROAD: "asked whether he wants to be answered from within the European Union; the caller wanted to be"
    " answered from within the European Union.",
    UNASKED: "the caller was to be asked whether he wants to be answered from within the European Union; the"
    " caller was not asked, because the question could not be played.",
}


@pytest.fixture
def company(folder: Path) -> Company:
    """A company with a record of each kind of answer."""
    company = Company(folder)
    company.record(*company.asked())
    return company


def verified(data: bytes, vkey: str) -> VerifiedReceipt:
    """Return the result for a file with that content."""
    return verify_data(Path("receipt.html"), data, logs.trusted_keys([vkey]))


def sentences(company: Company, number: int, code: str = "en") -> list[str]:
    """Return the sentences of a record's page."""
    text = written(company.page(number), language(code))
    marked = re.findall(r'<(?:p|h1) data-claim="[a-z]+">(.*?)</(?:p|h1)>', text)
    return [html.unescape(re.sub("<.*?>", "", sentence)) for sentence in marked]


@pytest.mark.parametrize("number", ANSWERS)
def test_page_says_what_was_asked_and_answered(company: Company, number: int) -> None:
    """The sentence on top says what the caller was asked, and what his key or his silence means."""
    assert sentences(company, number)[1].endswith(ANSWERS[number])


def test_page_of_a_consent(company: Company) -> None:
    """The page of a consent says the purpose, the keys with their meanings, the key that was pressed, the
    record on which it rests, and that silence is no consent."""
    assert sentences(company, GRANTED)[2:] == [
        "Acme S.p.A. is the controller of these data.",
        "Somebody called the number +390212345678.",
        "The question: sending offers, version 2026-11.",
        "When: 26 November 2026, 09:32 (Europe/Rome); 26 November 2026, 08:32 UTC.",
        "Put on record: 26 November 2026, 09:33; 26 November 2026, 08:33 UTC.",
        "The purpose of the consent: sending offers.",
        "Silence is no consent, nor is hanging up or another key: only the key for it is, pressed after the"
        " whole question.",
        "These keys were offered: 5 = I do not consent, 4 = I consent.",
        "How often it was asked: 1.",
        "From the end of the question to the key: 1250 milliseconds.",
        "The language was Italian.",
        "Of the 17.4 seconds of the recording 17.4 were heard: to its end.",
        "The reason: no answer of this caller that still holds is on record.",
        "Who vouches that the number shown was the caller's: the telephone network.",
        "The caller's number is not in this receipt. In the company's records the pseudonym"
        f" {company.pseudonym.hex()[:8]}… stands for it, which nobody else can turn back into a number.",
        "The notice that told its purpose is shown by record 1 of the same ledger.",
        "The caller pressed the key 4.",
        *sentences(company, GRANTED)[-1:],
    ]
    page = written(company.page(GRANTED))
    assert "nothing here says that the caller agreed to anything" not in page
    assert "it may have been withdrawn since" in page
    assert "it may have been withdrawn since" not in written(company.page(SILENT))


@pytest.mark.parametrize("code", ["en", "it"])
@pytest.mark.parametrize("number", ANSWERS)
def test_page_holds(company: Company, number: int, code: str) -> None:
    """The verifier takes each page of a choice for what the program wrote, and one with another answer for
    changed."""
    page = company.page(number)
    text = written(page, language(code))
    assert verified(text.encode(), page.key).holds
    if number == GRANTED:
        changed = text.replace("gave his consent", "refused his consent").replace(
            "ha dato il consenso", "ha rifiutato il consenso"
        )
        assert changed != text
        assert not verified(changed.encode(), page.key).holds


def test_verify_prints_the_choice(company: Company) -> None:
    """`evidence verify` says what was asked, the answer, and the meaning of each key."""
    page = company.page(GRANTED)
    lines = list(verified_receipt(verified(page.receipt.proof.data, page.key), ENGLISH))
    assert lines[2:7] == [
        "  choice marketing, version 2026-11, language it: ASKED (not-answered)",
        "  asked whether he consents to a use of his data: the caller gave his consent (granted)",
        "  the keys: 5 = I do not consent, 4 = I consent",
        "  for the purpose: marketing",
        "  heard 17.4 of 17.4 s (whole)",
    ]


@pytest.mark.parametrize("number", ANSWERS)
def test_independent_verifier_accepts_it(company: Company, number: int) -> None:
    """A verifier that has no line of the program accepts the receipt of each answer, and the documented table
    of names has all its facts."""
    page = company.page(number)
    facts = independent.check(page.receipt.proof.data, page.key)
    assert facts["asks"] in ("consent", "operator")
    documented = Path("docs/evidence.md").read_text()
    assert all(f"| `{name}` |" in documented for name in facts)


def test_opened_consent_is_about_the_number(company: Company) -> None:
    """The opened receipt of a consent shows whose consent it was to whoever knows the number."""
    opened = receipts.of_caller(company.controller, NUMBER, opened=True)[1]
    assert isinstance(opened, RecordReceipt)
    key = company.page(GRANTED).key
    assert independent.check(opened.receipt.proof.data, key, NUMBER.number)["answer"] == "granted"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser for all."""
    with browser() as opened:
        yield opened


@browser_needed
@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["en", "it"])
def test_page_checks_itself(company: Company, chromium: Browser, tmp_path: Path, code: str) -> None:
    """The script in the page makes the sentences of each answer anew, and finds nothing wrong. Of a question
    that could not be played there is no sound to compare."""
    reader = Reader(chromium, tmp_path)
    for number in ANSWERS:
        page = company.page(number)
        heard = number != UNASKED
        assert reader.open(written(page, language(code))) == ("holds_by_page" if heard else "unsure")
        assert reader.check(page.key) == ("holds" if heard else "unsure")
        assert reader.checks("bad") == []
    assert reader.messages == []
