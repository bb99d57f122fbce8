"""The console in Chromium, while a real Asterisk rings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from console.served import ServedConsole, served
from lab.browser import browser, browser_needed

from .site import Site

pytestmark = browser_needed


@pytest.fixture
def console(site: Site) -> Iterator[ServedConsole]:
    """Over the configuration and the ledgers of the service that Asterisk asks."""
    with served(site.office.folder) as office:
        yield office


def test_a_call_appears_while_it_rings(site: Site, console: ServedConsole) -> None:
    """An officer who has the page of calls open sees each by itself once it was told: who calls first heard
    the notice, who calls again did not; the number stands nowhere, and the recording can be heard."""
    from console.windows import Person

    with browser() as chromium:
        reader = Person(chromium, console).is_in("reader@acme").go("/acme/calls")
        reader.sees("New calls appear here by themselves.")
        for number, status, words in (("2", "PLAYED", "heard in full"), ("3", "NOTDUE", "not needed")):
            call = site.dial()
            record = reader.page.get_by_role("link", name=number, exact=True)
            record.wait_for()
            assert words in reader.page.locator("tbody tr").filter(has=record).inner_text()
            assert site.over(call).status == status
        assert "3331234567" not in reader.page.content()
        reader.press("2")
        assert "Heard: 1.5 of 1.5 seconds, to its end." in reader.text
        assert reader.page.locator("audio").count() == 1
        assert (reader.complaints, reader.elsewhere) == ([], [])
        reader.close()
