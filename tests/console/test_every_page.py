"""The parts of every page and every form of the console: help, a menu, and what was typed when a form
fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from console.served import CALLER, Browser, ServedConsole, lay_calls, served
from informativa import views

TEMPLATES = Path(views.__path__[0], "templates/console")
NO_PAGES = {
    "base.html", "parts.html", "notice_parts.html", "calls_rows.html", "calls_table.html",
    "consents_table.html", "letter_body.html", "letter_file.html",
    "error.html", "status.html",  # these say what is wrong, and what to do about it
}  # fmt: skip
"""Templates that are no page of their own."""

OFFICER, ADMIN = "compliance@acme", "admin@acme"
FAILING: dict[str, tuple[str, str, dict[str, str], set[str]]] = {
    # The template of a form: who sends it, the page it is on, what is typed, the fields that are wrong.
    "calls.html": (OFFICER, "/acme/calls", {"number": "12ab"}, {"number"}),
    "caller_search.html": (OFFICER, "/acme/caller", {"customer": "", "number": "12ab"}, {"number"}),
    "erase.html": (OFFICER, "/acme/caller/{caller}/erasure",
                   {"word": "borealis", "instruction": "OPS/7"}, {"word"}),
    "evidence.html": (OFFICER, "/acme/evidence",
                      {"first": "2026-11-30", "last": "2026-11-01", "language": "it"}, {"last"}),
    "letter_form.html": (OFFICER, "/acme/caller/{caller}/letter",
                         {"language": "fr", "reference": CALLER.number, "received": "2026-11-20"},
                         {"reference"}),
    "request_new.html": (OFFICER, "/acme/requests/new",
                         {"number": "12ab", "kind": "erasure", "received": "2026-11-20"}, {"number"}),
    "told.html": (OFFICER, "/acme/caller/{caller}/told",
                  {"kind": "contract", "reference": "", "on": "2026-02-30"}, {"on"}),
    "what_if.html": (OFFICER, "/acme/what-if",
                     {"number": "", "language": "en", "on": "some day"}, {"number", "on"}),
}  # fmt: skip
NOT_FAILING = {
    "withdrawal.html": "acme asks for no consent; console/test_consents_page.py has it",
    "login.html": "console/test_entry.py has it: nobody learns which field was wrong",
    "invitation.html": "console/test_entry.py has it",
    "request.html": "console/test_requests_page.py has its steps",
    "exports.html": "nothing is typed into it",
    "account.html": "passwords do not come back",
    "account_app.html": "passwords and codes do not come back",
    "account_passkey.html": "passwords do not come back",
    "accounts.html": "console/test_company_accounts_page.py has it",
    "login_code.html": "codes do not come back",
}
"""Templates with a form that the table has not, each with the reason."""


class Fields(HTMLParser):
    """The values and marks of a page's fields by name."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.wrong: set[str] = set()
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a field, or the chosen option of one."""
        attributes = {name: value or "" for name, value in attrs}
        name = attributes.get("name", "")
        if tag == "select":
            self._select = name
        if "aria-invalid" in attributes:
            assert f"{name}-wrong" in attributes["aria-describedby"].split()
            self.wrong.add(name)
        if (tag == "input" and (attributes.get("type") != "radio" or "checked" in attributes)) or (
            tag == "option" and "selected" in attributes
        ):
            self.values[self._select if tag == "option" else name] = attributes.get("value", "")


@pytest.fixture(scope="module")
def office(module_folder: Path) -> Iterator[ServedConsole]:
    """One for all tests of this file."""
    lay_calls(module_folder)
    with served(module_folder) as office:
        yield office


@pytest.fixture(scope="module")
def officer(office: ServedConsole) -> Browser:
    """A compliance officer who has opened a request."""
    browser = office.browser(OFFICER)
    browser.get("/acme/requests/new")
    browser.send(number=CALLER.number, kind="access", received="2026-11-20")
    return browser


@pytest.mark.parametrize(
    "name", sorted({file.name for file in TEMPLATES.glob("*.html")} - NO_PAGES), ids=lambda name: name
)
def test_every_page_has_help(name: str) -> None:
    """Below each heading of a page stands what the page is for."""
    text = (TEMPLATES / name).read_text()
    assert "<h1" in text
    for below in text.split("<h1")[1:]:
        sentence = re.search(r'<p class="help[^"]*">(.*?)</p>', below, re.S)
        assert sentence, below[:80]
        assert "say(" in sentence[1]


@pytest.mark.parametrize("path", ["notices", "calls", "requests", "consents", "today", "looked"])
def test_help_is_on_the_page(officer: Browser, path: str) -> None:
    """The help of a page is sent once."""
    assert officer.get(f"/acme/{path}").text.count('<p class="help') == 1


def test_every_form_is_in_the_table() -> None:
    """Each page with a form into which somebody types fails in a test, or says where it does."""
    forms = {file.name for file in TEMPLATES.glob("*.html") if 'method="post"' in file.read_text()}
    assert forms - NO_PAGES == FAILING.keys() | NOT_FAILING.keys()


@pytest.mark.parametrize("template", FAILING)
def test_nothing_is_lost_when_a_form_fails(office: ServedConsole, officer: Browser, template: str) -> None:
    """The page comes again with the company's menu, what was typed, and a sentence at each wrong field."""
    account, path, typed, wrong = FAILING[template]
    browser = officer if account == OFFICER else office.browser(account)
    if "{caller}" in path:
        browser.get("/acme/caller")
        path = path.format(caller=str(browser.send(number=CALLER.number).url).rpartition("/")[2])
    browser.get(path)
    answer = browser.send(**typed)
    fields = Fields(answer.text)
    assert answer.status_code in (400, 422)
    assert 'aria-current="page"' in answer.text
    assert {name: fields.values.get(name, "") for name in typed} == typed
    assert fields.wrong == wrong
    for name in wrong:
        assert f'class="wrong" id="{name}-wrong"' in answer.text


@pytest.mark.parametrize(
    ("account", "path", "status"),
    [
        ("reader@acme", "/acme/nowhere", 404),
        ("reader@acme", "/acme/evidence", 404),
        ("reader@acme", "/acme/calls/999", 404),
        ("reader@acme", "/borealis/today", 404),
        ("reader@acme", "/nowhere", 404),
        ("operator", "/acme/nowhere", 404),
    ],
)
def test_errors_have_the_menu(office: ServedConsole, account: str, path: str, status: int) -> None:
    """A page that is not there has the menu of the address's company, or of the only one of the account."""
    answer = office.browser(account).get(path)
    assert answer.status_code == status
    assert '<a href="/acme/today">Today</a>' in answer.text
    assert "Borealis" not in answer.text


def test_errors_of_no_company_have_no_menu(office: ServedConsole) -> None:
    """Who may see several companies, or is not logged in, gets no menu outside of them."""
    for account in ("operator", ""):
        assert "/acme/today" not in office.browser(account).get("/nowhere").text


def test_refused_forms_have_the_menu(office: ServedConsole) -> None:
    """A form that is too old is answered by 403, with the company's menu."""
    answer = office.browser("reader@acme").post("/acme/what-if", {"csrf": "x"})
    assert answer.status_code == 403
    assert '<a href="/acme/today">Today</a>' in answer.text


@pytest.mark.parametrize("path", ["today", "calls?kind=calls", "requests", "consents", "looked?action=erase"])
def test_empty_pages_say_what_will_be_there(empty_office: ServedConsole, path: str) -> None:
    """Before anything happened a page says so where its content will stand."""
    empty_office.record()  # the service makes the ledger when it starts
    assert '<p class="empty">' in empty_office.browser("compliance@acme").get(f"/acme/{path}").text
