"""Persons' requests on the console: the list, and one that is led to its end."""

from __future__ import annotations

import html
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from console.served import CALLER, ServedConsole, served
from evidence.receipts import Company
from informativa.console.pages import company_accounts, person_requests
from informativa.model.requests import RequestKind
from informativa.operations import request_register
from informativa.operations.evidence import logs
from informativa.operations.typed_caller import by_number
from informativa.process import storage

NUMBER = CALLER.number
OPENED = "/acme/requests/1"


@pytest.fixture
def office(folder: Path) -> Iterator[ServedConsole]:
    """Yield a console over a company with calls on record, all of them signed."""
    company = Company(folder)
    company.record(company.played)
    logs.checkpoint(company.controller)
    with served(folder) as office:
        yield office


def steps(office: ServedConsole) -> list[str]:
    """Return the moves of the first request."""
    (request, *_others) = storage.requests(office.controller("acme"))
    return [step.move for step in request.steps]


def opened(office: ServedConsole, kind: RequestKind) -> None:
    """Open a request of the caller from elsewhere."""
    company, now = office.controller("acme"), datetime.now(UTC)
    came = request_register.today(company, now)
    request_register.open_request(company, by_number(NUMBER), kind, came, "anna", now)


def test_an_access_request_is_led_to_its_end(office: ServedConsole) -> None:
    """Each page has the one next step; the answer is saved as the ZIP file, and the number is in no page."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/requests/new")
    assert browser.send(number=NUMBER, kind="access").url.path == OPENED
    assert "asked from an account" in browser.send(move="identify", word="account").text
    made = browser.send(move="letter", language="de")
    assert re.fullmatch(rf"{OPENED}/answer/[\w-]+", made.url.path)
    with zipfile.ZipFile(io.BytesIO(browser.get(f"{made.url.path}/file").content)) as archive:
        assert archive.testzip() is None
        assert any(name.endswith("letter-de.html") for name in archive.namelist())
    browser.get(OPENED)
    closed = browser.send(move="close", word="answered")
    assert "closed: the person has the answer" in closed.text
    assert steps(office) == ["open", "identify", "letter", "close"]
    assert NUMBER[1:] not in made.text + closed.text
    assert "No request is open." in browser.get("/acme/requests").text


def test_an_erasure_asks_a_colleague_for_the_number(office: ServedConsole) -> None:
    """The number is not kept: who did not open the request types it, sees what would go, and erases."""
    opened(office, RequestKind.ERASURE)
    browser = office.browser("compliance@acme")
    browser.get(OPENED)
    browser.send(move="identify", word="document")
    wrong = browser.send(move="look", number="+393337654321")
    assert (wrong.status_code, "Request 1 was opened for another number." in wrong.text) == (400, True)
    trial = browser.send(move="look", number=NUMBER)
    assert "1 record would lead to nobody any more." in trial.text
    mistyped = browser.send(move="erase", confirmation="borealis", instruction="OPS/7")
    assert (mistyped.status_code, 'value="OPS/7"' in mistyped.text) == (400, True)
    browser.send(move="erase", confirmation="acme", instruction="OPS/7")
    assert steps(office) == ["open", "identify", "erase"]


def test_a_form_keeps_what_was_typed(office: ServedConsole) -> None:
    """A mistake is told beside its field, and nothing is opened."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/requests/new")
    answer = browser.send(number="12", kind="erasure", received="2026-11-01")
    assert answer.status_code == 400
    assert 'value="12"' in answer.text
    assert 'value="erasure" selected' in answer.text
    assert 'value="2026-11-01"' in answer.text
    assert storage.requests(office.controller("acme")) == []


def test_an_overdue_request_is_on_the_first_page(office: ServedConsole) -> None:
    """Also for a reader, who may not open it; there is no request that nobody opened."""
    company = office.controller("acme")
    came, now = date(2026, 1, 31), datetime.now(UTC)
    request_register.open_request(company, by_number(NUMBER), RequestKind.ACCESS, came, "anna", now)
    reader = office.browser("reader@acme")
    page = html.unescape(reader.get("/acme/today").text)
    assert "1 person's request is overdue: it was due on 28 February 2026." in page
    italian = html.unescape(office.browser("reader@acme", "it").get("/acme/today").text)
    assert "28 febbraio 2026" in italian
    assert reader.get(OPENED).status_code == 404
    assert office.browser("compliance@acme").get("/acme/requests/9").status_code == 404


def test_long_lists_come_in_parts(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests, accounts and their order: a part, a link to those that follow, and one back."""
    monkeypatch.setattr(person_requests, "ROWS", 2)  # on a page, and not 100
    monkeypatch.setattr(company_accounts, "ROWS", 3)  # and not 40
    company, now = office.controller(), datetime.now(UTC)
    for day in (3, 1, 2):
        came = date(2026, 11, day)
        request_register.open_request(company, by_number(NUMBER), RequestKind.ACCESS, came, "anna", now)
    admin = office.browser("admin@acme")
    first = admin.get("/acme/requests", all="1").text
    assert re.findall(r'href="/acme/requests/(\d)"', first) == ["2", "3"]
    assert 'rel="next" href="?all=1&amp;after=2"' in first
    last = admin.get("/acme/requests", all="1", after="2").text
    assert re.findall(r'href="/acme/requests/(\d)"', last) == ["1"]
    assert ("From the beginning" in last, 'rel="next"' in last) == (True, False)
    assert 'rel="next" href="?after=3"' in admin.get("/acme/accounts").text
    assert re.findall(r"Role of ([a-z@]+)", admin.get("/acme/accounts", after="3").text) == ["reader@acme"]
    assert admin.get("/acme/accounts", after="9" * 18).status_code == 200
