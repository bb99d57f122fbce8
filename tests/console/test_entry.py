"""The way into the console, and out of it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.requests import Request

from console import raw
from console.raw import Answer
from console.served import PASSWORD, ServedConsole
from informativa.console.proxies import forwarded_address
from informativa.console.throttle import Throttle
from informativa.model import Role, WebServer
from informativa.operations.accounts import own_account

COOKIES = {"session", "language", "browser"}
NEW = "a password of many words"


def invited(office: ServedConsole, name: str = "nora", **grants: Role) -> str:
    """The path of a link for somebody."""
    until = datetime.now(UTC) + timedelta(hours=1)
    return f"/invitation/{office.console.accounts.invite(name, grants or {'acme': Role.READER}, until)}"


def test_an_invitation_leads_to_an_account_once(office: ServedConsole) -> None:
    """A person who follows the link chooses a password, is logged in, and the link is not valid any more."""
    nora, path = office.browser(), invited(office)
    nora.get(path)
    page = nora.send(password=NEW, again=NEW)
    assert page.url.path == "/acme/today"
    assert office.browser().get(path).status_code == 404
    assert office.browser().log_in("nora", NEW).open.url.path == "/acme/today"


@pytest.mark.parametrize(
    ("password", "again", "sentence"),
    [
        (NEW, "another password", "not the same"),
        ("short", "short", "shorter than 12"),
        ("", "", "shorter than 12"),
    ],
)
def test_a_password_that_cannot_be_one_is_told(
    office: ServedConsole, password: str, again: str, sentence: str
) -> None:
    """The link stays good, and the page says what is wrong."""
    nora, path = office.browser(), invited(office)
    nora.get(path)
    page = nora.send(password=password, again=again)
    assert (page.status_code, sentence in page.text) == (422, True)
    assert nora.send(password=NEW, again=NEW).url.path == "/acme/today"


def test_wrong_passwords_are_slowed(office: ServedConsole) -> None:
    """After a few nobody is heard for a while, not with the right one either, and the page says how long."""
    office.console.throttle = Throttle(clock=lambda: 0.0)  # the wait is not over because the machine is slow
    guesser = office.browser()
    guesser.get("/login")
    for _attempt in range(5):
        assert "is wrong" in guesser.send(name="reader@acme", password="wrong").text
    page = guesser.send(name="reader@acme", password=PASSWORD)
    assert (page.status_code, "Too many attempts failed" in page.text) == (403, True)


def test_a_name_that_is_not_there_is_told_as_a_wrong_password(office: ServedConsole) -> None:
    """Nobody learns by the answer who has an account."""
    answers = []
    for name in ("reader@acme", "nobody"):
        browser = office.browser()
        browser.get("/login")
        text = browser.send(name=name, password="wrong").text.replace(name, "NAME")
        answers.append(re.sub(r'value="[0-9a-f]{64}"', "", text))
    assert answers[0] == answers[1]


def test_a_session_put_into_a_browser_before_is_worth_nothing(office: ServedConsole) -> None:
    """Session fixation: the token after the log-in is another one, and the old one leads nowhere."""
    victim = office.browser()
    victim.get("/login")
    planted = victim.http.cookies["session"]
    victim.send(name="reader@acme", password=PASSWORD)
    assert victim.http.cookies["session"] != planted
    thief = office.browser()
    thief.http.cookies.set("session", planted)
    assert thief.get("/acme/calls").url.path == "/login"


def test_cookies_are_for_the_server_alone(office: ServedConsole) -> None:
    """No script reads them, and no other site has them sent."""
    browser = office.browser()
    cookie = browser.get("/login").headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie


CERTIFIED = {"certificate": "web.pem"}, {}
TLS_IN_FRONT = {"proxies": ("127.0.0.0/8",)}, {"x_forwarded_proto": "https"}


def cookies_set(answer: Answer) -> dict[str, list[str]]:
    """Each cookie of an answer: by its name, as browsers are told it, its value and its attributes."""
    lines = answer.data.partition(b"\r\n\r\n")[0].decode("latin-1").splitlines()
    headers = [line.partition(": ")[2] for line in lines if line.lower().startswith("set-cookie: ")]
    return {header.partition("=")[0]: re.split(r";\s*", header.partition("=")[2]) for header in headers}


@pytest.mark.parametrize(
    ("set_up", "headers"), [CERTIFIED, TLS_IN_FRONT], ids=["certificate", "TLS in front"]
)
def test_cookies_of_tls_are_of_this_host_alone(
    office: ServedConsole, set_up: dict[str, Any], headers: dict[str, str]
) -> None:
    """If TLS is used, by us or by a trusted server in front, browsers take no cookie of ours from
    another host or in clear, and we none that could be from there."""
    console = office.console
    console.settings = replace(console.settings, **set_up)
    cookies = cookies_set(raw.request(office.address, **headers, cookie="session=planted"))
    token = cookies["__Host-session"][0]
    csrf = console.csrf(token)
    form = {"csrf": csrf, "language": "it", "name": "reader@acme", "password": PASSWORD}
    for path in ("/language", "/login"):
        cookies |= cookies_set(
            raw.request(
                office.address,
                "POST",
                path,
                urlencode(form).encode(),
                **headers,
                cookie=f"__Host-session={token}",
                content_type=raw.FORM,
            )
        )
    assert set(cookies) == {
        f"__Host-{name}" for name in COOKIES - ({"browser"} if "x_remote_user" in headers else set())
    }
    for name, (_value, *attributes) in cookies.items():
        assert {"Secure", "HttpOnly", "Path=/"} <= set(attributes), name


@pytest.mark.parametrize("proxies", [(), ("192.0.2.1",)])
def test_who_is_not_trusted_says_nothing_of_tls(office: ServedConsole, proxies: tuple[str, ...]) -> None:
    """On http the names are plain, for browsers refuse others there, whatever a stranger's header says."""
    office.console.settings = replace(office.console.settings, proxies=proxies)
    cookies = cookies_set(raw.request(office.address, x_forwarded_proto="https"))
    assert list(cookies) == ["session"]
    assert "Secure" not in cookies["session"]


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("198.51.100.1", "198.51.100.1"),
        ("203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("203.0.113.9, 198.51.100.1, 10.0.0.7, 10.0.0.8", "198.51.100.1"),
        ("10.0.0.7, 10.0.0.8", "10.0.0.7"),
        ("203.0.113.9, nonsense, 10.0.0.8", "nonsense"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_client_is_the_last_address_that_is_no_server_in_front(
    header: str, address: str, *, trusted: bool
) -> None:
    """Of two servers behind each other the inner one names the outer, and the outer the client; others'
    headers say nothing."""
    scope = {
        "type": "http",
        "client": ("127.0.0.1" if trusted else "192.0.2.66", 50000),
        "headers": [(b"x-forwarded-for", header.encode()), (b"forwarded", b"for=203.0.113.1")],
    }
    settings = WebServer(proxies=("127.0.0.1", "10.0.0.0/8"))
    assert forwarded_address(Request(scope), settings) == (address if trusted else "")


def test_who_guesses_behind_a_proxy_slows_himself_alone(office: ServedConsole) -> None:
    """It is the client's address that waits, and not that of the server in front, which all have."""
    office.console.settings = replace(office.console.settings, proxies=("127.0.0.1",))
    office.console.throttle = Throttle(clock=lambda: 0.0)
    browser = office.browser()
    browser.http.headers["x-forwarded-for"] = "10.9.9.9, 198.51.100.1"
    for number in range(10):
        browser.get("/login")
        browser.send(name=f"guess{number}", password="wrong")
    waits = [
        office.console.throttle.wait(f"address {address}") > 0
        for address in ("198.51.100.1", "198.51.100.2", "127.0.0.1", "10.9.9.9")
    ]
    assert waits == [True, False, False, False]


def test_who_logs_out_is_out(office: ServedConsole) -> None:
    """Also with a copy of the cookie, and by the back button."""
    browser = office.browser("reader@acme")
    token = browser.http.cookies["session"]
    browser.send("/logout")
    assert browser.http.cookies["session"] != token  # so that no browser keeps pages for its back button
    browser.http.cookies.set("session", token)
    assert browser.get("/acme/calls").url.path == "/login"


@pytest.mark.parametrize("change", ["grants", "password", "removed"])
def test_a_changed_account_is_logged_out(office: ServedConsole, change: str) -> None:
    """With other grants, another password or without the account the session is over at once."""
    browser, accounts, now = office.browser("reader@acme"), office.console.accounts, datetime.now(UTC)
    assert browser.get("/acme/calls").status_code == 200
    if change == "grants":
        accounts.change("reader@acme", {"borealis": Role.READER}, now)
    elif change == "password":
        other = office.browser()
        other.get(invited(office, "reader@acme"))
        other.send(password=NEW, again=NEW)
    else:
        accounts.remove("reader@acme")
    assert browser.get("/acme/calls").url.path == "/login"


@pytest.mark.sample(2)
@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_is_set_changes_no_session(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    """Whoever is logged in stays so if the machine's clock jumps, and is logged out by a change under the
    other time."""
    reader, officer = office.browser("reader@acme"), office.browser("compliance@acme")
    moved = datetime.now(UTC) + timedelta(days=days)
    monkeypatch.setattr(office.console, "now", lambda: moved)
    assert [browser.get("/acme/calls").url.path for browser in (reader, officer)] == ["/acme/calls"] * 2
    office.console.accounts.change("reader@acme", {"acme": Role.ADMIN}, moved)
    own_account.change_password(office.console.accounts, "compliance@acme", f"{PASSWORD} new", moved)
    assert [browser.get("/acme/calls").url.path for browser in (reader, officer)] == ["/login"] * 2


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\n//evil"]
)
def test_no_form_leads_elsewhere(office: ServedConsole, back: str) -> None:
    """An open redirect: whatever is sent as the page before, the answer stays here."""
    browser = office.browser("reader@acme")
    browser.http.follow_redirects = False
    csrf = browser.forms()[0].fields["csrf"]
    location = browser.post("/language", {"csrf": csrf, "language": "it", "back": back}).headers["location"]
    assert re.fullmatch(r"/([A-Za-z0-9][^\\]*)?", location)


def test_the_language_is_what_the_reader_chose(office: ServedConsole) -> None:
    """Over what his browser asks for, and on every page from then on."""
    browser = office.browser("reader@acme", language="it")
    assert '<html lang="it">' in browser.get("/acme/calls").text
    browser.send("/language", language="en")
    assert '<html lang="en">' in browser.get("/acme/today").text
