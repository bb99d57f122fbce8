"""Accounts of an identity provider on the pages that were made for accounts of the console."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest

from console.second_factors import OFFICER, PAGE, act, protect
from console.served import PASSWORD
from console.sign_on import OFFICERS, READERS, SignOn
from informativa.model import Action, Role
from informativa.model.connections import ClaimGrant
from informativa.operations import access_log


def as_admin(sign_on: SignOn) -> None:
    """Have the provider name anna an admin of acme."""
    sign_on.set_up(
        grants=(ClaimGrant(OFFICERS, "acme", Role.ADMIN), ClaimGrant(READERS, "borealis", Role.READER))
    )


def test_admin_of_the_provider_leads_accounts(sign_on: SignOn) -> None:
    """He invites and gives roles as an admin with a password, at his company alone."""
    as_admin(sign_on)
    office, anna = sign_on.office, sign_on.office.browser()
    sign_on.log_in(anna)
    link = re.search(r"<code>(http[^<]+)</code>", act(anna, act="invite", name="nora", role="reader"))[1]
    nora = office.browser()
    nora.get(urlsplit(link).path)
    assert nora.send(password=PASSWORD, again=PASSWORD).url.path == "/acme/today"
    act(anna, act="role", name="nora", role="compliance")
    assert office.console.accounts.get("nora").grants == {"acme": Role.COMPLIANCE}
    assert "of another company" in act(anna, act="invite", name="reader@borealis", role="admin")
    assert "has no role at this company" in act(anna, act="role", name="anna", role="reader")
    act(anna, act="role", name="operator", role="none")
    assert "last admin" in act(anna, act="role", name="admin@acme", role="none")
    entries = access_log.page(
        office.controller(), access_filter=access_log.AccessFilter(action=Action.ACCOUNTS)
    ).entries
    assert {entry.account for entry in entries} == {"anna"}


def test_admin_whose_name_is_taken_meanwhile_leads_nothing(sign_on: SignOn) -> None:
    """An account of that name ends his session, whoever is behind it, and has rights of its own alone."""
    as_admin(sign_on)
    anna, admin = sign_on.office.browser(), sign_on.office.browser("admin@acme")
    sign_on.log_in(anna)
    page = act(admin, act="invite", name="anna", role="reader")
    other = sign_on.office.browser()
    other.get(urlsplit(re.search(r"<code>(http[^<]+)</code>", page)[1]).path)
    other.send(password=PASSWORD, again=PASSWORD)
    assert anna.get(PAGE).url.path == "/login"
    assert other.get(PAGE).status_code == 404


def test_sessions_of_the_provider_are_listed_and_ended(sign_on: SignOn) -> None:
    """Whoever logged in there in two browsers sees both, and ends the other one."""
    here, elsewhere = sign_on.office.browser(), sign_on.office.browser()
    for browser in (elsewhere, here):
        sign_on.log_in(browser)
    page = here.get("/account").text
    (other,) = re.findall(r'name="session" value="([^"]{16})"', page)
    here.post("/account/sessions", {"csrf": here.forms()[0].fields["csrf"], "session": other})
    assert here.get("/acme/today").url.path == "/acme/today"
    assert elsewhere.get("/acme/today").url.path == "/login"


def test_account_of_the_provider_has_no_way_in_to_change(sign_on: SignOn) -> None:
    """No password, app or recovery codes can be set for it, so no account of that name comes to be."""
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    csrf = anna.get("/account").text.partition('name="csrf" value="')[2][:64]
    for path in ("/account/password", "/account/app", "/account/app/removal", "/account/codes"):
        fields = {"csrf": csrf, "current": "", "password": PASSWORD, "again": PASSWORD, "code": "123456"}
        assert anna.post(path, fields).status_code == 404
    assert anna.http.get("/account/app").status_code == 404
    assert sign_on.office.console.accounts.get("anna") is None


@pytest.mark.parametrize(("subject", "ends"), [("1234", True), ("4321", False), (None, False)])
def test_log_out_there_ends_a_log_in_of_unknown_session(
    sign_on: SignOn, subject: str | None, *, ends: bool
) -> None:
    """Where the provider names the session only when it ends, and not at the log-in, all of the person
    end; none of another person."""
    del sign_on.identity.claims["sid"]
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    token = sign_on.identity.logout_token(sub=subject, sid="s1")
    reply = httpx.post(f"{sign_on.office.address}/oidc/logout", data={"logout_token": token}, trust_env=False)
    assert reply.status_code == 200
    assert (anna.get("/acme/calls").url.path == "/login") == ends


def test_half_log_in_ends_with_a_log_in_at_the_provider(sign_on: SignOn) -> None:
    """Whoever gave a password, and then logs in at the provider, is the provider's account alone."""
    protect(sign_on.office)
    browser = sign_on.office.browser().log_in(OFFICER)
    assert browser.open is not None
    assert browser.open.url.path == "/login/code"
    sign_on.log_in(browser)
    assert browser.get("/login/code").url.path == "/acme/today"
    assert 'name="code"' not in browser.open.text
