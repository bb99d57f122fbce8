"""Refusals of a move of a request that is not possible: the reason, what to type instead, and the code for
programs."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from informativa.model import Controller
from informativa.model.errors import InformativaError
from informativa.model.requests import PersonRequest, Refusal, RequestKind
from informativa.operations import request_refusals

CONTROLLER = Controller("acme", "Acme", b"k" * 32, "acme.sqlite3")
REQUEST = PersonRequest(7, RequestKind.ERASURE, date(2026, 11, 20), (), b"p" * 32)
SHOW = "What was done and what comes next is on its page in the console."
REFUSALS = {
    Refusal.CLOSED: ("Request 7 is closed.", "Open another one if the person asks again."),
    Refusal.KIND: (
        "Request 7 asks for something else than an erasure.",
        "If the person wants to be erased, too, open a request of the kind erasure.",
    ),
    Refusal.NOT_IDENTIFIED: (
        "Nobody checked yet that the number of request 7 is the person's.",
        "Check it, and say on its page in the console how you did.",
    ),
    Refusal.IDENTIFIED: ("Request 7 is past that step.", SHOW),
    Refusal.EXTENDED: (
        "Request 7 is extended already, and once is all that GDPR 12(3) allows.",
        "Answer it until 2026-12-20.",
    ),
    Refusal.OVERDUE: (
        "Request 7 was due on 2026-12-20: an extension must be told to the person before that.",
        "Answer it now.",
    ),
    Refusal.NOT_ANSWERED: ("Request 7 is not answered yet.", SHOW),
    Refusal.WAITING: (
        "The erasure of request 7 is not done yet: an approval is missing.",
        "The service does the rest by itself as soon as it can; what is missing: informativa status."
        " Then close the request.",
    ),
    Refusal.SAME_ACCOUNT: (
        "Who opened request 7, or identified its person, may not answer it too (four eyes).",
        "Let a colleague do it, under an account of their own.",
    ),
}


def sentences_of(error: InformativaError) -> tuple[str, str, str]:
    """Return the message, the remedy and the code."""
    return str(error.message), str(error.remedy), error.code


@pytest.mark.parametrize("reason", list(Refusal))
def test_each_refusal_says_what_to_do(reason: Refusal) -> None:
    """The code is the reason's own."""
    error = request_refusals.refused(CONTROLLER, REQUEST, reason)
    assert sentences_of(error) == (*REFUSALS[reason], f"request-{reason}")


def test_request_that_is_not_there() -> None:
    """All that there are stand on a page of the console."""
    assert sentences_of(request_refusals.unknown(CONTROLLER, 8)) == (
        "There is no request 8 of acme.",
        "All that there are stand on the console's page Requests.",
        "request-unknown",
    )


def test_request_of_another_caller() -> None:
    """Of a person who was erased nobody can be found, which is another error than a wrong number."""
    assert sentences_of(request_refusals.another_caller(CONTROLLER, REQUEST)) == (
        "Request 7 was opened for another number.",
        "Type the number, or the customer number, with which it was opened.",
        "request-caller",
    )
    assert sentences_of(request_refusals.another_caller(CONTROLLER, replace(REQUEST, pseudonym=None))) == (
        "Nothing leads from request 7 to its person any more: they were erased.",
        "If that was for this request, close it as answered; else close it as it ended, and open another"
        " one.",
        "error",
    )


def test_company_that_wants_four_eyes() -> None:
    """The first of several that does is named; without any nothing is refused."""
    request_refusals.require_no_four_eyes([CONTROLLER])
    with pytest.raises(InformativaError) as caught:
        request_refusals.require_no_four_eyes([CONTROLLER, replace(CONTROLLER, four_eyes=True)])
    assert sentences_of(caught.value) == (
        "acme wants four eyes: one person opens a request, another erases.",
        "Open a request of the kind erasure in the console; a colleague erases there.",
        "four-eyes",
    )
