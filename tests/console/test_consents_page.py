"""Consents on the console: the list with its filters and files, a caller's consents, and a withdrawal."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from commands import run
from configurations import with_choices
from console.served import CALLER, STRANGER, Browser, ServedConsole, of_caller, served
from evidence.receipts import Company
from informativa.model import Action, Answer, Identified
from informativa.operations import access_log, consent_export
from informativa.process import storage

GRANTED, WITHDRAWN, LIST = 1, 2, "/acme/consents"


@pytest.fixture
def office(folder: Path) -> Iterator[ServedConsole]:
    """Yield a console over a company with a caller's consent on record, and a stranger's withdrawal."""
    with_choices(folder)
    company = Company(folder)
    played, granted, withdrawn, *_others = company.asked()
    later = granted.at + timedelta(days=1)
    withdrawn = of_caller(replace(withdrawn, at=later, recorded=later), company.controller, STRANGER)
    company.record(played, granted, withdrawn)
    with served(folder) as office:
        yield office


def page_of(browser: Browser, caller: Identified = CALLER) -> str:
    """Open a caller's page and return its address."""
    browser.get("/acme/caller")
    return browser.send(number=caller.number).url.path


def rows(text: str) -> list[str]:
    """Return the text of each row of the page's tables, in words with one space between."""
    bodies = re.findall(r"<tbody>(.*?)</tbody>", text, re.DOTALL)
    cells = [
        re.sub(r"<[^>]+>", " ", row)
        for body in bodies
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]
    return [" ".join(html.unescape(cell).split()) for cell in cells]


def looks(office: ServedConsole) -> list[tuple[Action, str | None]]:
    """Return the actions in the access log, the oldest first, with their details."""
    entries = access_log.page(office.controller("acme")).entries
    return [(entry.action, entry.detail) for entry in reversed(entries)]


def test_list_shows_what_counts_now(office: ServedConsole) -> None:
    """Each caller's last act stands there with what it counts for, its record and its receipt, under a
    pseudonym; and that somebody looked is on record."""
    text = office.browser("compliance@acme").get(LIST).text
    listed = sorted(rows(text), key=lambda row: "withdrawn" in row)
    assert "marketing sending offers granted on the telephone in force holds until 2028-11-26" in listed[0]
    assert "withdrawn on the telephone nobody asks again before 2027-11-27" in listed[1]
    assert 'href="/acme/calls/2/receipt"' in text
    assert CALLER.number[3:] not in text
    assert looks(office)[-1] == (Action.SEARCH, "consents")


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("query", "answers"),
    [
        ("answer=granted", ["granted"]),
        ("answer=withdrawn&choice=marketing", ["withdrawn"]),
        ("from=2026-11-27", ["withdrawn"]),
        ("to=2026-11-26", ["granted"]),
        ("from=2026-11-26&to=2026-11-27", ["granted", "withdrawn"]),
        ("answer=refused", []),
        ("box=pbx-2", []),
    ],
)
def test_filters_select_and_files_have_the_same(
    office: ServedConsole, query: str, answers: list[str]
) -> None:
    """Choice, word and days select rows, and the file has just these; the access log says what was
    asked for."""
    browser = office.browser("compliance@acme")
    shown = rows(browser.get(f"{LIST}?{query}").text)
    assert sorted(word for row in shown for word in ("granted", "withdrawn") if word in row) == answers
    file = browser.get(f"{LIST}/file/csv?{query}")
    assert sorted(row["answer"] for row in csv.DictReader(io.StringIO(file.text))) == answers
    action, detail = looks(office)[-1]
    assert action is Action.EXPORT
    assert detail is not None
    assert detail.startswith("consents ")


def test_files_are_those_of_the_command(office: ServedConsole) -> None:
    """The files have byte for byte what `consent export` prints."""
    browser = office.browser("compliance@acme")
    config = office.folder / "informativa.yaml"
    for form in ("csv", "jsonl"):
        printed = run("consent", "export", "--controller", "acme", "--format", form, "-c", config).stdout
        answer = browser.get(f"{LIST}/file/{form}")
        assert answer.text.replace("\r\n", "\n") == printed.replace("\r\n", "\n")
        assert re.search(
            rf'filename="acme-consents-\d{{4}}-\d\d-\d\d\.{form}"', answer.headers["content-disposition"]
        )
    assert browser.get(f"{LIST}/file/pdf").status_code == 404


def test_list_goes_on_where_a_page_ends(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list is read page by page, and no address has a pseudonym."""
    monkeypatch.setattr("informativa.console.pages.consents.COUNT", 1)
    browser = office.browser("compliance@acme")
    first = browser.get(f"{LIST}?from=2026-01-01").text
    link = re.search(r'rel="next" href="([^"]+)"', first)
    assert link
    address = html.unescape(link[1])
    assert "from=2026-01-01" in address
    second = browser.get(LIST + address).text
    assert len({*rows(first), *rows(second)}) == 2
    assert 'rel="next"' not in second
    assert "From the beginning" in second
    addresses = re.findall(r'(?:href|action)="([^"]+)"', first + second)
    assert not any(re.search("[0-9a-f]{32}", one) for one in addresses)


def test_search_stops_after_so_many_answers(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """A filter that fits few is looked for among so many answers, and the page leads on from there."""
    monkeypatch.setattr(consent_export, "REACH", 1)
    browser = office.browser("compliance@acme")
    text, count = browser.get(f"{LIST}?answer=withdrawn").text, 0
    while link := re.search(r'rel="next" href="([^"]+)"', text):
        count += len(rows(text))
        text = browser.get(LIST + html.unescape(link[1])).text
    assert count + len(rows(text)) == 1


def test_readers_see_no_consents(office: ServedConsole) -> None:
    """Neither list nor files are a reader's, and no menu of his leads there."""
    browser = office.browser("reader@acme")
    assert "Consents" not in browser.get("/acme/today").text
    for path in (LIST, f"{LIST}/file/csv"):
        assert browser.get(path).status_code in (403, 404)


def test_list_is_empty_where_nothing_is_on_record(folder: Path) -> None:
    """A company without a ledger, or without consents, has a page that says so."""
    with_choices(folder)
    with served(folder) as office:
        browser = office.browser("operator")
        assert "Nobody has answered yet." in browser.get(LIST).text
        assert "This company asks for no consent." in browser.get("/borealis/consents").text
        assert browser.get(f"{LIST}/file/jsonl").text == ""


def test_caller_has_his_consents_on_his_page(office: ServedConsole) -> None:
    """His page tells the choice, the word, the wording, the key and after how long he pressed it, until when
    it counts, and the receipt."""
    browser = office.browser("compliance@acme")
    text = browser.get(page_of(browser)).text
    (consent,) = [row for row in rows(text) if row.startswith("marketing ")]
    assert "granted key 4, after 1.2 s in force holds until 2028-11-26" in consent
    assert 'href="/acme/calls/2/receipt"' in text
    assert "asked marketing: granted (key 4), after 1.2 s" in html.unescape(text)


def withdraw(browser: Browser, page: str, **fields: str) -> str:
    """Send the form of a withdrawal and return the page that follows."""
    browser.get(f"{page}/withdrawal")
    return html.unescape(browser.send(**({"choice": "marketing", "kind": "operator"} | fields)).text)


def test_consent_is_withdrawn_once(office: ServedConsole) -> None:
    """The withdrawal is on record with its reference, counts at once, and stands in the access log; the same
    form again adds nothing."""
    browser = office.browser("compliance@acme")
    page = page_of(browser)
    form = browser.get(f"{page}/withdrawal")
    typed = {"choice": "marketing", "kind": "operator", "reference": "ticket 9"}
    text = html.unescape(browser.send(**typed).text)
    assert "It is on record, as number 4." in text
    assert "withdrawn" in next(row for row in rows(text) if row.startswith("marketing "))
    browser.open = form
    assert "It is on record, as number 4." in html.unescape(browser.send(**typed).text)
    with closing(storage.store(office.controller("acme"), read_only=True)) as store:
        event = next(record.event for record in store.records() if record.number == 4)
    assert event.asked is not None
    assert (event.asked.answer, event.reference, event.kind) == (Answer.WITHDRAWN, "ticket 9", "operator")
    entries = access_log.page(office.controller("acme")).entries
    noted = [entry.record for entry in entries if entry.action is Action.RECORD_CONSENT]
    assert noted == [4]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"reference": ""}, "the reference is empty"),
        ({"reference": CALLER.number}, "telephone number"),
        ({"reference": "ticket 9", "kind": ""}, "Choose how he withdrew it."),
        ({"reference": "ticket 9", "on": "some day"}, "That is no day."),
        ({"reference": "ticket 9", "on": "2099-01-01T10:00"}, "still to come"),
        ({"reference": "ticket 9", "choice": "abroad"}, "is no consent"),
    ],
)
def test_withdrawal_is_refused_as_by_the_command(
    office: ServedConsole, fields: dict[str, str], words: str
) -> None:
    """What leads to no evidence, cannot have happened, or is no consent is refused with the reason, and
    nothing is recorded."""
    browser = office.browser("compliance@acme")
    assert words in withdraw(browser, page_of(browser), **fields)
    with closing(storage.store(office.controller("acme"), read_only=True)) as store:
        assert len(list(store.records())) == 3


def test_withdrawal_older_than_the_consent_changes_nothing(office: ServedConsole) -> None:
    """A withdrawal of before is recorded, and the page says that it changes nothing."""
    browser = office.browser("compliance@acme")
    text = withdraw(browser, page_of(browser), reference="letter 3", kind="contract", on="2026-11-02T10:00")
    assert "It changes nothing: a later answer of his is on record" in text
    assert "in force" in next(row for row in rows(text) if row.startswith("marketing "))


@pytest.mark.parametrize(
    "query",
    ["choice=3331234567", "choice=%2B39%20333%20123%204567", "from=2026-11-26&choice=pbx-3331234567"],
)
def test_i5_no_number_of_the_address_is_in_the_access_log(office: ServedConsole, query: str) -> None:
    """A number in place of a choice is refused, or without its digits on record."""
    browser = office.browser("compliance@acme")
    for page in (LIST, f"{LIST}/file/csv"):
        assert browser.get(f"{page}?{query}").status_code in (200, 409)
    assert not any(re.search(r"\d{4}(?!-)", detail or "") for _action, detail in looks(office))
