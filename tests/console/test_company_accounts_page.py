"""The accounts of a company in the browser, as its admins lead them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from console.second_factors import PAGE, act
from console.served import PASSWORD, ServedConsole
from informativa.model import Action, Role
from informativa.operations import access_log

ADMIN = "admin@acme"


def test_admin_invites_somebody_who_comes(office: ServedConsole) -> None:
    """The link is on the page once, leads to an account with that role, and is in no log."""
    admin = office.browser(ADMIN)
    page = act(admin, act="invite", name="nora", role="compliance")
    link = re.search(r"<code>(http[^<]+)</code>", page)[1]
    assert link.startswith(f"{office.address}/invitation/")
    assert link not in admin.get(PAGE).text
    assert "Open invitations" in admin.open.text
    nora = office.browser()
    nora.get(urlsplit(link).path)
    assert nora.send(password=PASSWORD, again=PASSWORD).url.path == "/acme/today"
    assert office.console.accounts.get("nora").grants == {"acme": Role.COMPLIANCE}
    entries = access_log.page(
        office.controller(), access_filter=access_log.AccessFilter(action=Action.ACCOUNTS)
    )
    assert [(entry.account, entry.detail) for entry in entries.entries] == [(ADMIN, "invite nora compliance")]


def test_role_changes_under_a_live_session(office: ServedConsole) -> None:
    """Whoever is lowered is logged out at once, and has the new role from then on."""
    admin, officer = office.browser(ADMIN), office.browser("compliance@acme")
    act(admin, act="role", name="compliance@acme", role="reader")
    assert officer.get("/acme/evidence").url.path == "/login"
    officer.log_in("compliance@acme")
    assert officer.get("/acme/evidence").status_code == 404
    act(admin, act="role", name="compliance@acme", role="none")
    officer.log_in("compliance@acme")
    assert officer.get("/acme/today").status_code == 404


def test_sessions_of_somebody_are_ended(office: ServedConsole) -> None:
    """His own admin may; he logs in again with the same rights."""
    admin, officer = office.browser(ADMIN), office.browser("compliance@acme")
    act(admin, act="log-out", name="compliance@acme")
    assert officer.get("/acme/today").url.path == "/login"
    assert officer.log_in("compliance@acme").open.url.path == "/acme/today"


def test_nobody_else_changes_accounts(office: ServedConsole) -> None:
    """No lower role, no other company's admin, not the last admin himself; made-up words change nothing."""
    office.console.accounts.change("operator", {"acme": None}, datetime.now(UTC))
    before = {name: account.grants for name, account in office.console.accounts.table().accounts.items()}
    fields = {"act": "role", "name": "reader@acme", "role": "admin"}
    for name in ("reader@acme", "compliance@acme", "admin@borealis"):
        browser = office.browser(name)
        assert browser.get(PAGE).status_code == 404
        act(browser, **fields)
    admin = office.browser(ADMIN)
    assert "last admin" in act(admin, act="role", name=ADMIN, role="reader")
    assert "has no role at this company" in act(admin, act="role", name="reader@borealis", role="reader")
    assert "of another company" in act(admin, act="invite", name="reader@borealis", role="reader")
    assert "Choose a role" in act(admin, act="role", name="reader@acme", role="root")
    assert "Choose a role" in act(admin, act="invite", name="nora", role="none")
    assert "Choose one of the buttons" in act(admin, act="erase", name="reader@acme", role="admin")
    assert "No account can have such a name" in act(admin, act="invite", name="no name", role="reader")
    after = {name: account.grants for name, account in office.console.accounts.table().accounts.items()}
    assert after == before
    assert office.console.accounts.invitations() == []


def test_invitation_is_withdrawn(office: ServedConsole) -> None:
    """Its link is not valid any more, and it is not listed."""
    admin = office.browser(ADMIN)
    link = re.search(r"<code>(http[^<]+)</code>", act(admin, act="invite", name="nora", role="reader"))[1]
    assert "Open invitations" not in act(admin, act="withdraw", name="nora")
    assert office.browser().get(urlsplit(link).path).status_code == 404
