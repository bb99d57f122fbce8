"""Passkeys of the console's accounts: made, asked for, removed; answers that are forged, late or copied."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

pytest.importorskip("webauthn", reason="the extra `passkey` is not installed")

from console.authenticator import Authenticator
from console.served import PASSWORD, Browser, ServedConsole
from informativa.model import Action, Role
from informativa.operations import access_log
from informativa.operations.accounts import passkeys
from lab.process import until

OFFICER = "compliance@acme"


class Owner:
    """Somebody with a passkey, at the console's name."""

    def __init__(self, office: ServedConsole, name: str = OFFICER, origin: str = "") -> None:
        self.office, self.name = office, name
        self.address = office.address.replace("127.0.0.1", "localhost")
        self.passkey = Authenticator(origin or self.address)

    def browser(self) -> Browser:
        """Return a browser in which the password was given."""
        browser = Browser(self.address)
        self.office.browsers.append(browser)
        return browser.log_in(self.name)

    def registered(self, **typed: str) -> httpx.Response:
        """Return the answer to a form with a new passkey."""
        browser = self.browser()
        answer = self.passkey.create(options(browser.get("/account/passkey")))
        return browser.send(**{"credential": answer, "label": "my key", "current": PASSWORD, **typed})

    def log_in(self) -> tuple[Browser, httpx.Response]:
        """Log in by password and passkey."""
        browser = self.browser()
        return browser, browser.send(credential=self.passkey.get(options(browser.open)))


def options(page: httpx.Response | None) -> str:
    """Return what a page asks an authenticator for."""
    assert page is not None
    return html.unescape(re.search(r'data-options="([^"]*)"', page.text)[1])


def details(office: ServedConsole, action: Action) -> list[str | None]:
    """Return what the access log of acme has of an action, the newest first."""
    entries = access_log.page(office.controller(), access_filter=access_log.AccessFilter(action=action))
    return [entry.detail for entry in entries.entries]


@pytest.fixture
def owner(office: ServedConsole) -> Owner:
    """An officer whose passkey is registered."""
    owner = Owner(office)
    assert "Recovery codes" in owner.registered().text
    return owner


def test_passkey_is_made_asked_for_and_removed(owner: Owner) -> None:
    """The first one brings recovery codes; then the log-in has two steps, and the page names the passkey with
    its times, until it is removed with the password."""
    assert len(owner.office.console.accounts.get(OFFICER).recovery_codes) == 10
    browser, page = owner.log_in()
    assert page.url.path == "/acme/today"
    listing = browser.get("/account").text
    assert [word in listing for word in ("my key", "localhost", "10 recovery codes of 10")] == [True] * 3
    assert browser.send("/account/passkey/removal", current="wrong").status_code == 422
    passkey = owner.office.console.accounts.get(OFFICER).passkeys[0]
    assert (passkey.counter, passkey.used is not None) == (1, True)
    browser.get("/account")
    removed = browser.send("/account/passkey/removal", current=PASSWORD, passkey=passkey.id)
    assert "The passkey is removed" in removed.text
    assert owner.office.console.accounts.get(OFFICER).recovery_codes == ()
    assert owner.browser().open.url.path == "/acme/today"
    assert details(owner.office, Action.LOGIN)[:2] == [None, "passkey"]
    assert details(owner.office, Action.ACCOUNTS) == ["no-passkey", "new-passkey"]


def test_removed_passkey_lets_nobody_in(owner: Owner) -> None:
    """While another one stays, the removed one proves nothing."""
    second = Owner(owner.office)
    _browser, page = owner.log_in()
    browser = owner.browser()
    browser.send(credential=owner.passkey.get(options(browser.open)))
    answer = second.passkey.create(options(browser.get("/account/passkey")))
    assert "The passkey is registered" in browser.send(credential=answer, current=PASSWORD).text
    first = owner.office.console.accounts.get(OFFICER).passkeys[0]
    browser.send("/account/passkey/removal", current=PASSWORD, passkey=first.id)
    assert owner.log_in()[1].status_code == 403
    assert second.log_in()[1].url.path == "/acme/today"
    assert page.url.path == "/acme/today"


def test_answer_is_good_once(owner: Owner) -> None:
    """Whoever saw an answer sends it in vain: in the same log-in, in another, and after another question."""
    browser = owner.browser()
    question = options(browser.open)
    answer = owner.passkey.get(question)
    browser.get("/login/code")  # another question voids the earlier one
    assert browser.send(credential=answer).status_code == 403
    assert browser.send(credential=answer).status_code == 403
    other = owner.browser()
    assert other.send(credential=owner.passkey.get(question)).status_code == 403
    assert "The passkey was not accepted" in other.open.text
    assert other.send(credential=owner.passkey.get(options(other.open))).url.path == "/acme/today"


def test_answer_comes_within_five_minutes(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """A question that lay about for longer is void."""
    browser, console = owner.browser(), owner.office.console
    answer, late = owner.passkey.get(options(browser.open)), console.now() + timedelta(minutes=5, seconds=1)
    monkeypatch.setattr(console, "now", lambda: late)
    assert browser.send(credential=answer).status_code == 403


@pytest.mark.parametrize("origin", ["https://localhost", "http://evil.example", "http://localhost:1"])
def test_forged_origin_is_refused(owner: Owner, origin: str) -> None:
    """What another page was answered proves nothing here, at a log-in and for a new passkey."""
    genuine, owner.passkey.origin = owner.passkey.origin, origin
    assert owner.log_in()[1].status_code == 403
    owner.passkey.origin = genuine
    assert owner.log_in()[1].url.path == "/acme/today"
    other = Owner(owner.office, "reader@acme", origin)
    assert other.registered().status_code == 422
    assert owner.office.console.accounts.get("reader@acme").passkeys == ()


def test_other_names_of_the_console_are_other_sites(owner: Owner) -> None:
    """An answer of another site is refused although its origin is right, and so is one to another kind of
    question."""
    browser = owner.browser()
    question = json.loads(options(browser.open))
    elsewhere = json.dumps(question | {"rpId": "evil.example"})
    assert browser.send(credential=owner.passkey.get(elsewhere)).status_code == 403
    made = owner.passkey.get(options(browser.open), kind="webauthn.create")
    assert browser.send(credential=made).status_code == 403


def test_without_the_extra_the_log_in_says_so(owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody with passkeys is told that they do not work here, and gets in by a recovery code alone."""
    monkeypatch.setattr(passkeys, "installed", lambda: False)
    page = owner.browser().open
    assert page is not None
    assert "Passkeys do not work here at present." in page.text
    assert "data-options" not in page.text


def test_passkey_of_another_account_is_refused(owner: Owner) -> None:
    """An admin with a passkey of his own does not become the officer, whose password he has; and no page
    shows a passkey before the right password."""
    admin = Owner(owner.office, "admin@acme")
    admin.registered()
    browser = owner.browser()
    allowed = json.loads(options(browser.open))["allowCredentials"]
    assert len(allowed) == 1
    assert browser.send(credential=admin.passkey.get(options(browser.open))).status_code == 403
    renamed = Authenticator(admin.address, id=owner.passkey.id, key=admin.passkey.key)
    assert browser.send(credential=renamed.get(options(browser.open))).status_code == 403
    for name in (OFFICER, "nobody@acme"):
        visitor = Browser(owner.address)
        owner.office.browsers.append(visitor)
        visitor.log_in(name, "wrong")
        assert "passkey" not in visitor.open.text
        assert visitor.get("/login/code").url.path == "/login"


def test_copied_passkey_is_refused_with_a_sentence(owner: Owner) -> None:
    """Its counter is no higher than at the last log-in: the right signature counts no more, and the access
    log says so; a wrong one is not taken for a copy."""
    copy = Authenticator(owner.address, 0, owner.passkey.id, owner.passkey.key)
    owner.passkey.counter = 5
    owner.log_in()
    browser = owner.browser()
    page = browser.send(credential=copy.get(options(browser.open)))
    assert (page.status_code, "This passkey exists twice" in page.text) == (403, True)
    forged = Authenticator(owner.address, 0, owner.passkey.id)
    assert "exists twice" not in browser.send(credential=forged.get(options(browser.open))).text
    until(  # what is written after the answers
        lambda: set(details(owner.office, Action.LOGIN_REFUSED)) == {None, "passkey-twice"}, 30,
        lambda: str(details(owner.office, Action.LOGIN_REFUSED)),
    )  # fmt: skip
    assert owner.log_in()[1].url.path == "/acme/today"


def test_passkey_without_a_counter_lets_in(office: ServedConsole) -> None:
    """Those that are copied to all of somebody's machines say 0 each time."""
    owner = Owner(office)
    owner.registered()
    for _login in range(2):
        owner.passkey.counter = -1
        assert owner.log_in()[1].url.path == "/acme/today"


@pytest.mark.parametrize(
    "text",
    ["x", "{}", "[]", "null", "[" * 9000, '{"id": 1}', '{"id": "ÿ", "rawId": "ÿ", "type": "public-key", '
     '"response": {"clientDataJSON": "ÿ", "authenticatorData": "!", "signature": "="}}'],
)  # fmt: skip
def test_answers_that_are_none_are_refused(owner: Owner, text: str) -> None:
    """Whatever somebody sends in an answer's place is refused, and is no defect."""
    browser = owner.browser()
    genuine = json.loads(owner.passkey.get(options(browser.open)))
    assert browser.send(credential=text).status_code == 403
    for part in ("clientDataJSON", "authenticatorData", "signature"):
        damaged = genuine | {"response": genuine["response"] | {part: text}}
        assert browser.send(credential=json.dumps(damaged)).status_code == 403
        owner.office.console.throttle.succeeded(f"code of {OFFICER}")


def test_address_in_digits_has_no_passkeys(owner: Owner) -> None:
    """No browser would answer there: the log-in says where the passkeys do, and takes a recovery code; the
    account has no form for one, and what is sent all the same is refused."""
    browser = owner.office.browser(OFFICER)
    assert "Your passkeys answer at localhost alone" in browser.open.text
    assert "data-options" not in browser.open.text
    answer = owner.passkey.get(json.dumps({"rpId": "localhost", "challenge": ""}))
    assert browser.post("/login/code", browser.forms()[0].fields | {"credential": answer}).status_code == 403
    reader = owner.office.browser("reader@acme")
    assert "passkey" not in reader.get("/account").text
    assert reader.get("/account/passkey").status_code == 404


def test_registration_needs_the_password_and_a_question(office: ServedConsole) -> None:
    """A wrong password, no answer, and an answer to an earlier question make none; nor is one made twice."""
    owner = Owner(office)
    assert owner.registered(current="wrong").status_code == 422
    assert owner.registered(credential="").status_code == 422
    browser = owner.browser()
    answer = owner.passkey.create(options(browser.get("/account/passkey")))
    browser.get("/account/passkey")
    assert browser.send(credential=answer, current=PASSWORD).status_code == 422
    assert office.console.accounts.get(OFFICER).passkeys == ()
    answer = owner.passkey.create(options(browser.open))
    assert "Recovery codes" in browser.send(credential=answer, current=PASSWORD).text
    again = owner.passkey.create(options(browser.get("/account/passkey")))
    assert "registered already" in browser.send(credential=again, current=PASSWORD).text


def test_required_factor_may_be_a_passkey(owner: Owner) -> None:
    """Somebody whose role needs a second factor can make a passkey before anything else, and cannot remove
    the last one."""
    console = owner.office.console
    console.settings = replace(console.settings, second_factor=frozenset({Role.READER}))
    newcomer = Owner(owner.office, "reader@acme")
    browser = newcomer.browser()
    assert browser.get("/acme/today").url.path == "/account/app"
    answer = newcomer.passkey.create(options(browser.get("/account/passkey")))
    browser.send(credential=answer, current=PASSWORD)
    assert browser.get("/acme/today").url.path == "/acme/today"
    stored = owner.office.console.accounts.get("reader@acme").passkeys[0]
    page = browser.get("/account").text
    assert "/account/passkey/removal" not in page
    csrf = re.search(r'name="csrf" value="([^"]+)"', page)[1]
    fields = {"csrf": csrf, "current": PASSWORD, "passkey": stored.id}
    assert browser.post("/account/passkey/removal", fields).status_code == 422
    assert len(owner.office.console.accounts.get("reader@acme").passkeys) == 1
