"""The back button, in a Chromium that keeps pages for it as people's do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from console.served import CALLER, ServedConsole
from lab.browser import browser, browser_needed

if browser_needed.args[0]:
    pytest.skip(browser_needed.kwargs["reason"], allow_module_level=True)

from playwright.sync_api import Browser

from console.windows import Person


@pytest.fixture(scope="module")
def keeping() -> Iterator[Browser]:
    """One whose back-forward cache is on."""
    with browser(keeps_pages=True) as opened:
        yield opened


@pytest.mark.sample(1)
@pytest.mark.parametrize("elsewhere", [False, True], ids=["in this window", "in another"])
def test_back_after_log_out_shows_nobody(office: ServedConsole, keeping: Browser, elsewhere: bool) -> None:
    """I5: what stood on a caller's page is not kept for whoever sits down at it next: Chromium, which keeps
    pages for a while, threw it away for its `no-store` when logging out changed the cookie."""
    reasons: list[str] = []

    def not_kept(event: dict[str, Any]) -> None:
        reasons.extend(explanation["reason"] for explanation in event["notRestoredExplanations"])

    with ExitStack() as after:
        officer = Person(keeping, office)
        after.callback(officer.close)
        officer.is_in("compliance@acme").go("/acme/caller").reach("Telephone number, with country code")
        officer.type(CALLER.number).enter()
        shown = officer.page.get_by_role("heading", level=1).inner_text()
        tools = officer.page.context.new_cdp_session(officer.page)
        tools.send("Page.enable")
        tools.on("Page.backForwardCacheNotUsed", not_kept)
        if elsewhere:
            officer.go("/acme/notices")
            other = officer.window()
            other.goto("/acme/notices")
            other.get_by_role("button", name="Log out").click()
            other.get_by_role("heading", name="Log in").wait_for()
        else:
            officer.press("Log out")
        officer.page.go_back()
        officer.page.get_by_role("heading", name="Log in").wait_for()
        assert shown not in officer.page.content()
        assert reasons == ["CacheControlNoStoreHTTPOnlyCookieModified"]
