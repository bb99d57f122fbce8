"""Things that go wrong at a console, or come twice or at once, in Chromium."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from console.served import ACME, BOREALIS, CALLER, STRANGER, ServedConsole
from evidence.receipts import Company
from informativa.console import live
from informativa.console.pages import calls as page
from informativa.operations import callers
from lab.browser import browser_needed

if browser_needed.args[0]:
    pytest.skip(browser_needed.kwargs["reason"], allow_module_level=True)

from console.windows import Person

MANY = 10_000


def looked_up(person: Person, company: str = ACME) -> Person:
    """The page of a caller whom both companies know."""
    person.go(f"/{company}/caller").reach("Telephone number, with country code")
    return person.type(CALLER.number).enter()


def test_two_officers_of_two_companies(office: ServedConsole, person: Callable[..., Person]) -> None:
    """I6: at once, in two browsers, each finds his own company's records of the same caller, and nothing of
    the other company, not even by its address."""
    one, other = (person(office).is_in(f"compliance@{company}").go("/") for company in (ACME, BOREALIS))
    looked_up(one), looked_up(other, BOREALIS)
    assert [window.page.locator("tbody tr").count() for window in (one, other)] == [4, 1]
    assert "Borealis" not in one.page.content()
    assert "+390212345678" not in other.page.content()  # acme, its processor, may be named; its line not
    address = other.page.url
    one.go(address)
    assert "There is no such page." in one.text
    other.go(address)
    assert other.page.locator("tbody tr").count() == 1


def test_windows_of_one_browser_share_the_log_in(
    office: ServedConsole, person: Callable[..., Person]
) -> None:
    """Two callers in two windows stay two; who logs out in one is out in the other."""
    officer = person(office).is_in("compliance@acme")
    looked_up(officer)
    second = officer.window()
    second.goto("/acme/caller")
    second.get_by_label("Telephone number").fill(STRANGER.number)
    second.keyboard.press("Enter")
    second.get_by_text("1 record", exact=True).wait_for()
    officer.page.reload()
    assert officer.page.locator("tbody tr").count() == 4
    officer.press("Log out")
    second.reload()
    assert second.get_by_role("heading", name="Log in").count() == 1


@pytest.mark.night
def test_back_after_log_out_shows_nobody(office: ServedConsole, person: Callable[..., Person]) -> None:
    """What stood on a page of a caller is not there for whoever sits down at the machine next."""
    officer = person(office).is_in("compliance@acme")
    looked_up(officer)
    shown = officer.page.get_by_role("heading", level=1).inner_text()
    officer.press("Log out")
    officer.page.go_back()
    assert officer.page.get_by_role("heading", name="Log in").count() == 1
    assert shown not in officer.page.content()


@pytest.mark.sample(1)
@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_sent_twice_is_done_once(office: ServedConsole, person: Callable[..., Person], script: bool) -> None:
    """By a double click; and loading the page anew that answers does nothing."""
    officer = looked_up(person(office, java_script_enabled=script).is_in("compliance@acme"))
    officer.press("He was told elsewhere")
    officer.page.get_by_label("How he was told").select_option(index=1)
    officer.page.get_by_label("Where the evidence is").fill("form 77")
    officer.page.get_by_role("button", name="Put it on record").dblclick()
    officer.sees("It is on record, as number 7.")
    officer.page.reload()
    officer.sees("It is on record, as number 7.")
    assert len(callers.caller_records(office.controller(), CALLER)) == 5


def test_a_log_in_that_ended_meanwhile(office: ServedConsole, person: Callable[..., Person]) -> None:
    """In the middle of a form: nothing is done, the officer is told that and how to go on."""
    officer = looked_up(person(office).is_in("compliance@acme")).press("Erase this caller")
    office.console.sessions.end_all("compliance@acme")
    officer.reach("To erase him, type this word: acme").type("acme").enter()
    assert officer.path == "/login"
    assert "Nothing was done: you were logged out meanwhile." in officer.text
    assert len(callers.caller_records(office.controller(), CALLER)) == 4


def test_language_is_changed_in_place(office: ServedConsole, person: Callable[..., Person]) -> None:
    """By a button at the foot of each page, which leads back to that page."""
    reader = person(office, "it").is_in("reader@acme").go("/acme/notices")
    assert "L'azienda stessa" in reader.text
    reader.press("English")
    assert (reader.path, "The company itself" in reader.text) == ("/acme/notices", True)


def test_calls_appear_by_themselves(
    office: ServedConsole, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the ledger grows, in the order in which they came, until the session is over, which is said."""
    monkeypatch.setattr(live, "INTERVAL", 0.02)
    monkeypatch.setattr(page, "HEARTBEAT", 0.05)
    reader = person(office).is_in("reader@acme").go("/acme/calls")
    reader.sees("New calls appear here by themselves.")
    for number in range(7, 10):
        office.record(Company(office.folder).played)
        row = reader.page.locator("tbody tr:not(.day)").first
        row.get_by_role("link", name=str(number), exact=True).wait_for()
    assert reader.page.locator("tbody tr:not(.day)").count() == 9
    office.console.sessions.end_all("reader@acme")
    reader.sees("New calls do not appear any more. Load the page anew.")


@pytest.mark.sample(1)
@pytest.mark.parametrize("code", ["it", "en"])
def test_fifty_calls_fit_on_a_telephone(
    office: ServedConsole, person: Callable[..., Person], code: str
) -> None:
    """Two lines a call: below 5,000 pixels and 60 kilobytes, none of it wider than the window, the reasons a
    tap away."""
    events = Company(office.folder).events()
    office.record(*(replace(events[n % 5], call=f"18{n:08}.1", linked=f"18{n:08}.1") for n in range(50)))
    reader = (
        person(office, code, viewport={"width": 360, "height": 800}).is_in("reader@acme").go("/acme/calls")
    )
    assert reader.page.locator("tbody tr:not(.day)").count() == 50
    assert reader.page.evaluate("document.documentElement.scrollHeight") < 5000
    assert len(reader.page.content().encode()) < 60_000
    assert reader.wider() + reader.barriers() == []
    assert reader.page.evaluate("document.querySelector('.calls').scrollWidth") <= 360
    reason = reader.page.locator("tbody details").first
    reason.locator("summary").press("Enter")
    assert reason.get_attribute("open") == ""


@pytest.mark.night
def test_ten_thousand_calls(office: ServedConsole, person: Callable[..., Person]) -> None:
    """Pages of a large ledger are as long as those of a small one, and the links lead through all of it."""
    played = Company(office.folder).played
    office.record(
        *(replace(played, call=f"17{n:08}.1", at=played.at + timedelta(seconds=n)) for n in range(MANY))
    )
    officer = person(office).is_in("compliance@acme").go("/acme/calls")
    rows = officer.page.locator("tbody tr:not(.day)")
    count = rows.count()
    assert rows.first.get_by_role("link").inner_text() == str(MANY + 6)
    with officer.page.expect_navigation():
        officer.page.get_by_role("link", name="Earlier ones").click()
    assert rows.count() == count
    assert rows.first.get_by_role("link").inner_text() == str(MANY + 6 - count)
    officer.go("/acme/calls?status=PARTIAL")
    assert rows.count() == 1
    looked_up(officer)
    assert rows.count() == 70
    assert "10004 records" in officer.text
    assert rows.last.get_by_role("link").inner_text() == str(MANY + 6)
