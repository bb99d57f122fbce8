"""One's own account in the console: a second factor, the password, sessions; and attacks on all of them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from xml.etree import ElementTree

import httpx
import pytest

from console.raw import Attacker
from console.second_factors import AT, OFFICER, SECRET, code_at, protect
from console.served import PASSWORD, Browser, ServedConsole
from informativa.console.logins import browser_name
from informativa.console.throttle import Throttle
from informativa.model import Action, Role
from informativa.operations import access_log
from informativa.operations.accounts import own_account
from lab.process import until

NEW = "a password of many words"


@pytest.fixture
def still_office(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> ServedConsole:
    """A console whose clocks stand still, so that codes outlast a slow machine, and waits do."""
    monkeypatch.setattr(office.console, "now", lambda: AT)
    office.console.throttle = Throttle(clock=lambda: 0.0)
    return office


def half_logged_in(office: ServedConsole, name: str = OFFICER) -> Browser:
    """Return a browser in which the password was given, and the code was not."""
    return office.browser().log_in(name)


def details(office: ServedConsole, action: Action) -> list[str | None]:
    """Return what the access log of acme has of an action, the newest first."""
    entries = access_log.page(office.controller(), access_filter=access_log.AccessFilter(action=action))
    return [entry.detail for entry in entries.entries]


def send(browser: Browser, path: str, **typed: str) -> httpx.Response:
    """Open the account, or the page of that form, and send the form of that path."""
    browser.get("/account/app" if path == "" else "/account")
    return browser.send(path, **typed)


def test_each_form_with_a_password_says_whose_it_is(still_office: ServedConsole) -> None:
    """A password manager gets the name from a field of text that nobody sees: Chromium looks for no other."""
    protect(still_office)
    officer = half_logged_in(still_office)
    officer.send(code=code_at(SECRET, AT))
    forms = [
        form
        for path in ("/account", "/account/app")
        for form in re.findall("<form.*?</form>", officer.get(path).text, re.DOTALL)
        if 'type="password"' in form
    ]
    name = f'<input name="username" value="{OFFICER}" autocomplete="username" readonly hidden>'
    assert [form.count(name) for form in forms] == [1, 1, 1, 1]


# -- an app --


def test_app_is_set_up_and_asked_for(still_office: ServedConsole) -> None:
    """Its key stands on the page as a picture and as text until a code confirms it, and never again; then
    the log-in has two steps, and is on record with the way."""
    officer = still_office.browser(OFFICER)
    page = officer.get("/account/app").text
    secret = re.sub(" ", "", re.search(r"<code>([A-Z2-7 ]{39})</code>", page)[1])
    assert f"secret={secret}" in page
    picture = re.search(r"<svg.*?</svg>", page, re.DOTALL)[0]
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert "style=" not in picture
    earlier = code_at(secret, AT - timedelta(seconds=30))
    for typed in ({"code": "000000", "current": PASSWORD}, {"code": earlier, "current": "wrong"}):
        assert officer.send("", **typed).status_code == 422
        assert secret[:4] in officer.open.text
    shown = officer.send("", code=earlier, current=PASSWORD)
    codes = re.findall(r"<code>([a-z2-7-]{19})</code>", shown.text)
    assert (len(codes), secret in shown.text) == (10, False)
    assert officer.get("/account").status_code == 200  # his own session goes on
    assert "10 recovery codes of 10 are unused" in officer.open.text
    assert [word in officer.open.text for word in (secret, codes[0])] == [False, False]
    again = half_logged_in(still_office)
    assert again.open.url.path == "/login/code"
    assert again.get("/acme/today").url.path == "/login"
    again.get("/login/code")
    assert again.send(code=code_at(secret, AT)).url.path == "/acme/today"
    assert details(still_office, Action.LOGIN)[0] == "app"
    assert details(still_office, Action.ACCOUNTS) == ["new-app"]


def test_code_is_good_once(still_office: ServedConsole) -> None:
    """Whoever saw it typed is too late, in the same half minute and with the right password."""
    protect(still_office)
    statuses = []
    for _browser in range(2):
        browser = half_logged_in(still_office)
        statuses.append(browser.send(code=code_at(SECRET, AT)).status_code)
    assert statuses == [200, 403]


def test_codes_cannot_be_guessed_and_recovery_codes_do_not_wait(still_office: ServedConsole) -> None:
    """After a few wrong codes the right one is not heard either, in any new browser; a recovery code is, and
    so is a code in a browser that the account was logged in before."""
    codes = protect(still_office)
    known = half_logged_in(still_office)
    known.send(code=codes[0])
    known.get("/account")
    known.send("/logout")
    thief = half_logged_in(still_office)
    for guess in range(6):
        page = thief.send(code=f"00000{guess}")
    assert "Too many attempts failed" in page.text
    other = half_logged_in(still_office)
    assert other.send(code=code_at(SECRET, AT)).status_code == 403
    assert other.send(code=codes[1]).url.path == "/acme/today"
    known.log_in(OFFICER)
    assert known.send(code=code_at(SECRET, AT)).url.path == "/acme/today"
    assert details(still_office, Action.LOGIN)[:2] == ["app", "recovery"]


def test_strangers_use_up_no_codes(still_office: ServedConsole) -> None:
    """Without the password nobody comes as far as the code, so nobody makes its owner wait there."""
    protect(still_office)
    stranger = Attacker(still_office)
    for _attempt in range(20):
        assert b"/login?undone" in stranger.post("/login/code", {"code": "000000"}).data
    assert half_logged_in(still_office).send(code=code_at(SECRET, AT)).url.path == "/acme/today"


def test_half_a_log_in_opens_nothing(still_office: ServedConsole) -> None:
    """A token is another one after each step, and the one between them leads to the code alone; it ends when
    the password changes meanwhile."""
    protect(still_office)
    victim = still_office.browser()
    victim.get("/login")
    tokens = [victim.http.cookies["session"]]
    for typed in ({"name": OFFICER, "password": PASSWORD}, {"code": code_at(SECRET, AT)}):
        victim.send(**typed)
        tokens.append(victim.http.cookies["session"])
    assert len(set(tokens)) == 3
    for planted in tokens[:2]:
        thief = still_office.browser()
        thief.http.cookies.set("session", planted)
        for path in ("/acme/calls", "/account", "/account/app", "/"):
            assert thief.get(path).url.path == "/login"
        assert thief.get("/login/code").url.path == "/login"
    half = half_logged_in(still_office)
    own_account.change_password(still_office.console.accounts, OFFICER, NEW, AT + timedelta(seconds=1))
    assert half.send(code=code_at(SECRET, AT + timedelta(seconds=30))).url.path == "/login"


def test_role_that_needs_an_app_sees_nothing_before(still_office: ServedConsole) -> None:
    """Also in a session from before, and for forms; other roles need none. Who has set it up goes on, and
    cannot do without it again."""
    officer, reader = still_office.browser(OFFICER), still_office.browser("reader@acme")
    settings = still_office.console.settings
    still_office.console.settings = replace(settings, second_factor=frozenset({Role.COMPLIANCE}))
    csrf = officer.forms()[0].fields["csrf"]
    for path in ("/", "/acme/today", "/acme/calls", "/account"):
        assert officer.get(path).url.path == "/account/app"
    assert officer.post("/acme/caller", {"csrf": csrf, "number": "+393331234567"}).url.path == "/account/app"
    assert details(still_office, Action.SEARCH) == []
    assert reader.get("/acme/today").url.path == "/acme/today"
    page = officer.get("/account/app").text
    assert "Your rights need a second factor" in page
    secret = re.sub(" ", "", re.search(r"<code>([A-Z2-7 ]{39})</code>", page)[1])
    officer.send("", code=code_at(secret, AT), current=PASSWORD)
    assert officer.get("/acme/today").status_code == 200
    csrf = officer.get("/account").text.partition('name="csrf" value="')[2][:64]
    answer = officer.post("/account/app/removal", {"csrf": csrf, "current": PASSWORD})
    assert (answer.status_code, "set up another one first" in answer.text) == (422, True)


def test_app_is_removed_where_it_is_optional(still_office: ServedConsole) -> None:
    """With the password; then that alone is asked for."""
    protect(still_office)
    officer = half_logged_in(still_office)
    officer.send(code=code_at(SECRET, AT))
    assert send(officer, "/account/app/removal", current="wrong").status_code == 422
    assert send(officer, "/account/app/removal", current=PASSWORD).status_code == 200
    assert half_logged_in(still_office).open.url.path == "/acme/today"


def test_new_recovery_codes_replace_the_earlier(still_office: ServedConsole) -> None:
    """They are shown once, with the password; earlier ones work no more."""
    earlier = protect(still_office)
    officer = half_logged_in(still_office)
    officer.send(code=code_at(SECRET, AT))
    assert send(officer, "/account/codes", current="wrong").status_code == 422
    codes = re.findall(
        r"<code>([a-z2-7-]{19})</code>", send(officer, "/account/codes", current=PASSWORD).text
    )
    other = half_logged_in(still_office)
    assert other.send(code=earlier[0]).status_code == 403
    assert other.send(code=codes[9]).url.path == "/acme/today"


# -- the password --


def test_password_is_changed_by_its_owner(office: ServedConsole) -> None:
    """With the present one; his other sessions are over, this one goes on under another token."""
    officer, elsewhere = office.browser(OFFICER), office.browser(OFFICER)
    for typed in (
        {"current": "wrong", "password": NEW, "again": NEW},
        {"current": PASSWORD, "password": NEW, "again": NEW + "!"},
        {"current": PASSWORD, "password": "short", "again": "short"},
    ):
        assert send(officer, "/account/password", **typed).status_code == 422
    before = officer.http.cookies["session"]
    page = send(officer, "/account/password", current=PASSWORD, password=NEW, again=NEW)
    assert (page.status_code, page.url.path) == (200, "/account")
    assert officer.http.cookies["session"] != before
    assert elsewhere.get("/acme/today").url.path == "/login"
    assert office.browser().log_in(OFFICER).open.status_code == 403
    assert office.browser().log_in(OFFICER, NEW).open.url.path == "/acme/today"
    assert details(office, Action.ACCOUNTS) == ["password"]


def test_who_sits_at_an_open_session_cannot_guess_the_password(still_office: ServedConsole) -> None:
    """After a few wrong ones none is tried, and its owner still logs in elsewhere."""
    officer = still_office.browser(OFFICER)
    for _attempt in range(5):
        send(officer, "/account/password", current="wrong", password=NEW, again=NEW)
    page = send(officer, "/account/password", current=PASSWORD, password=NEW, again=NEW)
    assert (page.status_code, "Too many attempts" in page.text) == (422, True)
    assert still_office.browser().log_in(OFFICER).open.url.path == "/acme/today"


@pytest.mark.parametrize(
    "path",
    [
        "/account/password",
        "/account/sessions",
        "/account/app",
        "/account/app/removal",
        "/account/codes",
        "/acme/accounts",
        "/login/code",
    ],
)
def test_other_sites_send_no_form(office: ServedConsole, path: str) -> None:
    """Without the token of our page, or from another origin, nothing is changed (CSRF)."""
    before = office.console.accounts.table()
    admin = Attacker(office, "admin@acme")
    fields = {"current": PASSWORD, "password": NEW, "again": NEW, "session": "others", "code": "1"}
    fields |= {"act": "role", "name": "reader@acme", "role": "admin"}
    assert admin.post(path, {"csrf": "0" * 64, **fields}).status == 403
    assert admin.post(path, fields, origin="https://evil.example").status == 403
    assert admin.post(path, fields, sec_fetch_site="cross-site").status == 403
    assert office.console.accounts.table() == before


# -- log-ins and sessions --


def test_owner_sees_the_log_in_before_and_what_failed(still_office: ServedConsole) -> None:
    """From where, by which browser; attempts by others show, and on the next log-in, too."""
    first = still_office.browser()
    first.http.headers["user-agent"] = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    first.log_in(OFFICER)
    assert "none is known" in first.get("/account").text
    for _attempt in range(2):
        stranger = still_office.browser()
        stranger.log_in(OFFICER, "a wrong password")
    accounts = still_office.console.accounts
    until(lambda: accounts.get(OFFICER).history.failures == 2, 30.0, lambda: "They are on record later.")
    assert "2 attempts failed" in first.get("/account").text
    page = still_office.browser(OFFICER).get("/account").text
    assert re.search(r"password, 127\.0\.0\.1, Firefox, Windows", page)
    assert "2 attempts failed" in page
    assert "attempt" not in still_office.browser(OFFICER).get("/account").text


def test_owner_ends_one_session_or_all_others(office: ServedConsole) -> None:
    """His own goes on; nobody else's can be named."""
    here, second, third = (office.browser(OFFICER) for _ in range(3))
    reader = office.browser("reader@acme")
    ids = re.findall(r'name="session" value="([\w-]{16})"', here.get("/account").text)
    assert len(ids) == 2
    csrf = reader.get("/account").text.partition('name="csrf" value="')[2][:64]
    reader.post("/account/sessions", {"csrf": csrf, "session": ids[0]})
    assert [browser.get("/acme/today").url.path for browser in (second, third)] == ["/acme/today"] * 2
    send(here, "/account/sessions", session=ids[0])
    paths = sorted(browser.get("/acme/today").url.path for browser in (second, third))
    assert paths == ["/acme/today", "/login"]
    send(here, "/account/sessions", session="others")
    assert [browser.get("/acme/today").url.path for browser in (second, third)] == ["/login"] * 2
    assert [browser.get("/acme/today").url.path for browser in (here, reader)] == ["/acme/today"] * 2


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0.0.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0.0.0 Safari/537.36 Edg/142.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox, Android"),
        ("curl/8.5", ""),
    ],
)  # fmt: skip
def test_browser_is_named_in_plain_words(user_agent: str, name: str) -> None:
    """By what it says of itself; another one has no name."""
    assert browser_name(user_agent) == name
