"""The configuration of a console that runs: read once, and again when its file or a company's key changes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from console.served import ACME, ServedConsole
from informativa.call.caller import pseudonym
from informativa.config import load
from informativa.console import console
from informativa.operations import keys
from informativa.operations.controllers import select_for_callers
from informativa.operations.typed_caller import by_number
from informativa.process import storage

NUMBER = "+39 333 123 4567"
HOUR = 3_600_000_000_000  # ns


def look_up(office: ServedConsole) -> str:
    """Look the caller up as acme's officer, and return his page."""
    browser = office.browser("compliance@acme")
    browser.get("/acme/caller")
    answer = browser.send(number=NUMBER)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_pages_about_callers_do_not_inspect_an_unchanged_configuration(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A caller who is looked up when the configuration is loaded costs no inspection of it."""
    office.console.inspected(ACME)
    inspections: list[Path] = []
    monkeypatch.setattr("informativa.console.console.inspect", inspections.append)
    monkeypatch.setattr("informativa.operations.controllers.inspect", inspections.append)
    look_up(office)
    assert inspections == []


@pytest.mark.parametrize("looked_before", [False, True])
def test_a_new_key_counts_from_the_next_page_on(office: ServedConsole, *, looked_before: bool) -> None:
    """After a change of the key a look-up is logged under the new pseudonym, and finds the same records as
    before, whether or not a page was about the company since the configuration was loaded."""
    office.console.inspected()
    before = look_up(office) if looked_before else ""
    file = office.folder / "informativa.yaml"
    keys.rotate(select_for_callers(file, [ACME]), datetime.now(UTC), really=True)
    after = look_up(office)
    company = load(file).controllers[ACME]
    (entry,) = storage.access_log(company).page(None, 1)
    assert entry.pseudonym == pseudonym(by_number(NUMBER).caller, company.key)
    assert before == "" or before.count("<tr") == after.count("<tr")


def test_a_new_key_counts_on_a_disk_whose_clock_is_late(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file server gives a file the time of its own clock: a new key counts from the next page on, though
    its file seems older than the configuration that was loaded before."""
    state = console._state
    monkeypatch.setattr(
        console, "_state", lambda file: (*(time - HOUR for time in state(file)[:2]), *state(file)[2:])
    )
    office.console.inspected()
    file = office.folder / "informativa.yaml"
    keys.rotate(select_for_callers(file, [ACME]), datetime.now(UTC), really=True)
    look_up(office)
    company = load(file).controllers[ACME]
    (entry,) = storage.access_log(company).page(None, 1)
    assert entry.pseudonym == pseudonym(by_number(NUMBER).caller, company.key)


def test_a_key_that_is_gone_is_said_on_the_next_page(office: ServedConsole) -> None:
    """Without its key a company's callers cannot be found: the page says which file is missing, and shows
    them again when it is back."""
    browser = office.browser("compliance@acme")

    def look_up_again() -> httpx.Response:
        browser.get("/acme/caller")
        return browser.send(number=NUMBER)

    before = look_up_again()
    key = office.folder / "keys" / "acme.key"
    aside = key.rename(key.with_suffix(".aside"))
    refused_answer = look_up_again()
    aside.rename(key)
    back = look_up_again()
    assert [answer.status_code for answer in (before, refused_answer, back)] == [200, 409, 200]
    assert "acme.key" in refused_answer.text


def test_a_key_on_a_disk_that_hangs_keeps_the_loaded_configuration(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a company's key does not answer, its page rests on what was loaded, and nothing is inspected."""
    loaded = office.console.inspected(ACME)

    def hang(_seconds: float, _work: object) -> None:
        raise TimeoutError

    monkeypatch.setattr("informativa.console.console.within", hang)
    monkeypatch.setattr("informativa.console.console.inspect", lambda _file: pytest.fail("inspected"))
    assert office.console.inspected(ACME) is loaded
