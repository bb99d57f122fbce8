"""The console attacked: by strangers, by officers of another company, by what callers and operators wrote."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote

import pytest
from structlog.testing import capture_logs

from console.test_routes import filled
from informativa.console import console as consoles
from informativa.console.routes import ROUTES, Route
from lab.console import BOREALIS, CALLER, PASSWORD, ServedConsole, lay_calls

HOSTILE = (
    "'\"><script>alert(1)</script>",
    "../../../../etc/passwd",
    "²",
    "1e9",
    "9" * 40,
    "-1",
    "\x00",
    "%00",
    "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
    "=cmd|' /C calc'!A0",
    "{{7*7}}",
    "a" * 5000,
)
PARAMETERS = (
    *("before", "line", "status", "reason", "since", "until"),
    *("over", "account", "action", "from", "form"),
)
ASKED = [each for each in ROUTES if each.get and not each.path.endswith("/live")]


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.path)
def test_no_address_breaks_a_page(office: ServedConsole, route: Route) -> None:
    """Whatever stands in an address or its query, no page breaks, repeats it as markup, or logs a number."""
    operator = office.browser("operator")
    with capture_logs() as logged:
        for hostile in HOSTILE:
            path = re.sub(r"\{(?!controller)(\w+)(:\w+)?\}", quote(hostile, safe=""), route.path)
            for address in (path.replace("{controller}", "acme"), filled(route)):
                answer = operator.http.get(address, params=dict.fromkeys(PARAMETERS, hostile))
                assert answer.status_code < 500, (address, hostile)
                assert "<script>alert" not in answer.text
    assert not [each for each in logged if each["event"] == "defect"]


@pytest.mark.parametrize("route", [each for each in ROUTES if each.post], ids=lambda route: route.path)
def test_no_form_breaks_a_page(office: ServedConsole, route: Route) -> None:
    """Whatever is typed into a form, or sent in place of one, is answered without a defect."""
    fields = (
        "number",
        "customer",
        "line",
        "on",
        "language",
        "first",
        "last",
        "confirm",
        "reference",
        "notice",
    )
    fields += ("version", "by", "name", "password", "again", "code", "secret", "back", "presentation", "kind")
    operator = office.browser("operator")
    for hostile in HOSTILE:
        operator.get("/acme/today")
        csrf = operator.forms()[0].fields["csrf"]
        answer = operator.http.post(filled(route), data={"csrf": csrf, **dict.fromkeys(fields, hostile)})
        assert answer.status_code < 500, hostile
        assert "<script>alert" not in answer.text
    for kind in ("multipart/form-data; boundary=x", "text/plain", "application/json", "multipart/form-data"):
        answer = operator.http.post(filled(route), content=b"\xff" * 500, headers={"content-type": kind})
        assert answer.status_code in (404, 413, 415)


def test_what_others_wrote_is_text(office: ServedConsole) -> None:
    """Markup in a call's id, its language, a reference or a name is shown, never taken as markup."""
    script = "<script>alert(1)</script>"
    event = lay_calls(office.folder)
    office.record(replace(event, call=script, linked=script, wanted="<b>", reference=script))
    officer = office.browser("compliance@acme")
    numbers = re.findall(r'href="/acme/calls/(\d+)"', officer.get("/acme/calls").text)
    for path in ("/acme/today", "/acme/calls", f"/acme/calls/{numbers[0]}"):
        text = officer.get(path).text
        assert script not in text
        assert "<b>" not in text
    assert "&lt;script&gt;" in text


def test_what_a_session_keeps_is_its_own(office: ServedConsole) -> None:
    """I6: the name under which one officer's session keeps a caller leads nobody else anywhere."""
    officer, other = office.browser("compliance@acme"), office.browser("admin@acme")
    officer.get("/acme/caller")
    found = officer.send(number=CALLER.number)
    path = found.url.path
    assert found.status_code == 200
    assert CALLER.number not in str(found.url)
    assert other.get(path).status_code == 404
    assert office.browser(f"compliance@{BOREALIS}").get(path.replace("acme", BOREALIS)).status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "..%2fbase.html",
        "%2e%2e/base.html",
        "vendor/../../base.html",
        "..%5cbase.html",
        "%00",
        "console.css%00",
    ],
)
def test_static_files_are_those_alone(office: ServedConsole, name: str) -> None:
    """No path leads out of their folder."""
    assert office.browser().http.get(f"/static/{name}").status_code in (400, 404)


def _raw(office: ServedConsole, data: bytes) -> bytes:
    host, port = office.address.removeprefix("http://").split(":")
    address = host, int(port)
    # It may be refused while it is still being sent.
    with socket.create_connection(address, timeout=30) as connection, suppress(OSError):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))
    return b""


@pytest.mark.parametrize(
    "head",
    [
        b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /login HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    ],
    ids=["two lengths", "length and chunks", "long head", "version", "tls", "trace", "connect", "absolute"],
)
def test_what_is_no_request_is_refused(office: ServedConsole, head: bytes) -> None:
    """It gets a short answer, or none, and the next who comes is served."""
    answer = _raw(office, head)
    status = int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 400
    assert status in (400, 413, 421, 431)
    assert b"evil.example" not in answer
    assert office.browser().get("/login").status_code == 200


def test_pages_are_served_while_many_guess_passwords(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Log-ins wait for each other, and never hold the threads that pages are made in."""
    reader, hashing, release = office.browser("reader@acme"), threading.Event(), threading.Event()

    def slow(*_arguments: object) -> None:
        hashing.set()
        release.wait(60)

    monkeypatch.setattr(office.console.accounts, "verify", slow)
    guessers = [threading.Thread(target=_guess, args=(office, number)) for number in range(60)]
    for guesser in guessers:
        guesser.start()
    try:
        assert hashing.wait(30)
        for _page in range(5):
            assert reader.get("/acme/calls").status_code == 200
    finally:
        release.set()
        for guesser in guessers:
            guesser.join()


def _guess(office: ServedConsole, number: int) -> None:
    browser = office.browser()
    if browser.get("/login").status_code == 200:  # otherwise too many wait already
        browser.send(name=f"guess{number}", password=PASSWORD)


def test_a_defect_tells_nothing(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that breaks says so, and neither how nor where; the log says where, and no number."""
    reader = office.browser("reader@acme")

    def broken(*_arguments: object) -> None:
        raise RuntimeError(f"secret of {CALLER.number}")

    monkeypatch.setattr(consoles, "_guarded", broken)
    with capture_logs() as logged:
        answer = reader.get("/acme/calls")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (said,) = [each for each in logged if each["event"] == "defect"]
    assert said["path"] == "/acme/calls"
