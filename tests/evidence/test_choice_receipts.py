"""Receipts of choices: in plain words what was asked, which key was pressed, and what that means."""

from __future__ import annotations

from pathlib import Path

import pytest

from evidence import independent
from evidence.receipts import NUMBER, Company
from informativa.operations.evidence import logs, receipts
from informativa.operations.evidence.receipt_maker import RecordReceipt
from informativa.operations.evidence.verifying import VerifiedReceipt, verify_data
from informativa.views.messages import ENGLISH
from informativa.views.text.evidence import verified_receipt

GRANTED = 2
ANSWERS = range(GRANTED, 8)


@pytest.fixture
def company(folder: Path) -> Company:
    """A company with a record of each kind of answer."""
    company = Company(folder)
    company.record(*company.asked())
    return company


def verified(data: bytes, vkey: str) -> VerifiedReceipt:
    """Return the result for a file with that content."""
    return verify_data(Path("receipt"), data, logs.trusted_keys([vkey]))


def test_verify_prints_the_choice(company: Company) -> None:
    """`evidence verify` says what was asked, the answer, and the meaning of each key."""
    made = company.receipt(GRANTED)
    lines = list(verified_receipt(verified(made.receipt.proof.data, str(made.key)), ENGLISH))
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
    made = company.receipt(number)
    facts = independent.check(made.receipt.proof.data, str(made.key))
    assert facts["asks"] in ("consent", "operator")
    documented = Path("docs/evidence.md").read_text()
    assert all(f"| `{name}` |" in documented for name in facts)


def test_opened_consent_is_about_the_number(company: Company) -> None:
    """The opened receipt of a consent shows whose consent it was to whoever knows the number."""
    opened = receipts.of_caller(company.controller, NUMBER, opened=True)[1]
    assert isinstance(opened, RecordReceipt)
    key = str(company.receipt(GRANTED).key)
    assert independent.check(opened.receipt.proof.data, key, NUMBER.number)["answer"] == "granted"
