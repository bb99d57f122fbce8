"""A browser on its way to the identity provider, back, and out."""

from __future__ import annotations

import pytest

from console.sign_on import SignOn
from lab.browser import browser, browser_needed


@browser_needed
@pytest.mark.slow
def test_a_browser_logs_in_and_out_at_the_provider(sign_on: SignOn) -> None:
    """By two clicks: our rules for scripts, forms and addresses keep it from neither, and it complains of
    nothing."""
    complaints: list[str] = []
    with browser() as chromium:
        page = chromium.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"{sign_on.office.address}/login")
        page.click("a[href='/oidc/login']")
        page.wait_for_url("**/acme/today")
        page.click("form[action='/logout'] button")
        page.wait_for_url("**/login")
    assert [query["client_id"] for query in sign_on.identity.logouts] == ["informativa"]
    assert complaints == []
