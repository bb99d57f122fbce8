"""What somebody hostile sends, who has an account of one company, or none."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request

from informativa.console import server
from informativa.console.console import AT_THE_DOOR, WAITING
from informativa.console.jobs import Jobs
from informativa.console.sessions import Throttle
from informativa.console.visit import Visit
from informativa.model import Role
from informativa.views.record_files import _cell
from lab import raw
from lab.console import PASSWORD, ServedConsole, served
from lab.raw import Attacker

PART = b'--x\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n\\ud800\r\n--x--\r\n'
HUGE = "9" * 5000  # digits of which Python makes no number


NOT_LINKED = (
    f"/acme/calls/{HUGE}",
    f"/acme/calls/1{'0' * 30}",
    "/acme/calls/%C2%B2",
    "/acme/calls/-1",
    f"/acme/calls?before=1{'0' * 19}",
    "/acme/calls?before=%C2%B2",
    f"/acme/looked?before=1{'0' * 19}",
    "/acme/looked?before=%C2%B2",
    "/acme/calls?line=%ff%fe%00&since=%ed%a0%80",
    "/acme/calls?until=9999-12-31T23:59",
    "/acme%00/calls",
    "/static/%00",
    "/static/..%2f..%2f..%2froutes.py",
    "/static/%2e%2e/%2e%2e/base.html",
    "/acme/notices/..%2f/2026-11/short/it/sound",
    "/acme/notices/privacy/2026-11/short/%2e%2e/sound",
)


def test_what_no_page_links_to_is_no_defect(office: ServedConsole) -> None:
    """Numbers of no ledger, bytes that are no text, ways out of a folder: a page, never what lies there."""
    operator = Attacker(office, "operator")
    for path in NOT_LINKED:
        answer = operator.get(path)
        assert answer.status in (200, 404, 409), path[:40]
        assert b"from __future__" not in answer.data
        assert b"{% block" not in answer.data
        assert "content-security-policy" in answer.head


def test_headers_of_no_browser_are_no_defect(office: ServedConsole) -> None:
    """Whatever stands in them."""
    office.console.live.close()  # its streams end at once
    operator = Attacker(office, "operator")
    odd: list[dict[str, str]] = [
        {"last_event_id": HUGE},
        {"range": f"bytes={HUGE}-"},
        {"range": "bytes=\u00b2-"},
        {"range": "bytes=" + ",".join(["0-1"] * 3000)},
        {"accept_language": "a," * 20_000},
        {"cookie": 'session="\\303\\377"; language=\udcff\udcfe'},
    ]
    for path in ("/login", "/acme/live", "/acme/notices/privacy/2026-11/short/it/sound"):
        for headers in odd:
            answer = operator.get(path, **headers)
            assert 200 <= answer.status < 500, headers
            assert "content-security-policy" in answer.head


def test_language_is_one_that_there_is(office: ServedConsole) -> None:
    """Nothing else gets into the cookie, and nothing into a header."""
    stranger = Attacker(office)
    for fields in ({"language": "\u8bed\u8a00"}, {"language": "\r\n"}, {"back": "/a\x00\r\nset-cookie: x=y"}):
        answer = stranger.post("/language", fields)
        assert answer.status == 303
        assert "language=en;" in answer.head
        assert "\r\nset-cookie: x=y" not in answer.head


def test_ends_of_the_calendar_are_no_defect(office: ServedConsole) -> None:
    """A day that no clock shows is one of a page, or refused."""
    officer = Attacker(office, "compliance@acme")
    for on in ("0001-01-01", "9999-12-31T23:59-23:59", "0001-01-01T00:00+23:59", "\u00b2"):
        asked = {"line": "+390212345678", "number": "+393331234567", "on": on}
        assert officer.post("/acme/what-if", asked).status in (200, 422)
        period = {"first": on[:10], "last": on[:10], "language": "\x00."}
        assert officer.post("/acme/evidence/bundle", period).status in (303, 409)


def test_forms_come_as_our_pages_send_them(office: ServedConsole) -> None:
    """Other types of content, which other sites' scripts and odd encodings could use, are refused unread."""
    officer = Attacker(office, "compliance@acme")
    good = urlencode({"csrf": officer.csrf, "language": "it"}).encode()
    multipart = "multipart/form-data; boundary=x"
    odd = (multipart, f"{multipart}; charset=unicode_escape", "text/plain", "application/json", "")
    for kind in odd:
        for data in (PART, good):
            assert officer.post("/language", data, content_type=kind).status == 415


def test_configuration_and_accounts_that_cannot_be_read_are_told(office: ServedConsole) -> None:
    """A page of ours with its headers, until they can be; nobody is let in meanwhile."""
    reader, accounts = Attacker(office, "reader@acme"), office.console.accounts.file
    file = office.console.file
    content = file.read_text()
    for broken, mend in (
        (lambda: file.write_text("controllers: ["), lambda: file.write_text(content)),
        (lambda: accounts.chmod(0o644), lambda: accounts.chmod(0o600)),
    ):
        broken()
        answer = reader.get("/acme/calls")
        assert (answer.status, "content-security-policy" in answer.head) == (503, True)
        mend()
        assert reader.get("/acme/calls").status == 200


def test_it_answers_to_its_own_names(office: ServedConsole) -> None:
    """DNS rebinding, a poisoned Host, none at all, and what is no name: no page, and no link to anywhere."""
    reader, port = Attacker(office, "reader@acme"), office.address.rpartition(":")[2]
    for host in (
        "evil.example",
        f"127.0.0.1.evil.example:{port}",
        "[",
        "a:b:c",
        "a b",
        "127.0.0.1:x",
        "\u00e9",
    ):
        for path in ("/acme/calls", "/login/", "/static", "/static/console.css"):
            answer = reader.get(path, host=host)
            assert answer.status in (400, 421), host
            assert "\r\nlocation:" not in answer.head
    assert reader.get("/acme/calls", host=f"LOCALHOST:{port}").status == 200
    assert raw.ask(office.address, b"GET /login HTTP/1.0\r\n\r\n").status == 421
    assert reader.get("/login/").status == 404
    assert reader.get("/acme/calls", x_forwarded_host="evil.example", forwarded="host=evil").status == 200


def test_names_are_those_of_the_configuration(folder: Path) -> None:
    """web.names adds to them; TLS may end in front, so that a form comes from an https page."""
    file = folder / "informativa.yaml"
    file.write_text(f"{file.read_text()}\nweb:\n  names: [console.example]\n")
    with served(folder) as office:
        reader = Attacker(office, "reader@acme")
        assert reader.get("/acme/calls", host="console.example").status == 200
        fields = {"language": "it"}
        for origin, status in (
            ("https://console.example", 303),
            ("http://console.example", 303),
            ("https://console.example.evil.example", 403),
            ("https://console.example:444", 403),
            ("", 303),
            ("null", 403),
        ):
            answer = reader.post("/language", fields, host="console.example", origin=origin)
            assert answer.status == status, origin


def test_one_request_is_one(office: ServedConsole) -> None:
    """Smuggling: two lengths, or a length beside chunks, are refused, and nothing after them is answered."""
    host = office.address.removeprefix("http://")
    second = f"GET /login HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
    for framing in (
        "content-length: 3\r\ncontent-length: 4",
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 0",
        "transfer-encoding: xchunked",
        "transfer-encoding : chunked",
        "content-length: +5",
        "content-length: 1_0",
    ):
        data = f"POST /language HTTP/1.1\r\nhost: {host}\r\n{framing}\r\n\r\n0\r\n\r\n{second}"
        answer = raw.ask(office.address, data.encode())
        assert answer.status == 400, framing
        assert b"HTTP/1.1 200" not in answer.data


def test_other_methods_and_targets_find_nothing(office: ServedConsole) -> None:
    """TRACE, CONNECT, a form's method in another's place, another server's address: refused."""
    reader = Attacker(office, "reader@acme")
    for method in ("TRACE", "PUT", "DELETE", "OPTIONS", "PATCH"):
        answer = reader.get("/acme/calls", method)
        assert answer.status == 405
        assert b"cookie" not in answer.body
    for method, target in (("GET", "http://evil.example/acme/calls"), ("CONNECT", "evil.example:443")):
        assert reader.get(target, method).status in (404, 405)
    assert reader.get("/logout", x_http_method_override="POST").status == 405
    assert reader.get("/logout?_method=POST").status == 405
    assert reader.get("/acme/calls").status == 200  # still logged in


def test_who_takes_no_answer_loses_the_connection(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who asks for much and reads nothing holds no place for long, without an account too."""
    lost, ending = threading.Event(), server.Impatient.connection_lost

    def told(protocol: server.Impatient, error: Exception | None) -> None:
        ending(protocol, error)
        lost.set()

    host = office.address.removeprefix("http://")
    many = f"GET /static/console.css HTTP/1.1\r\nhost: {host}\r\n\r\n".encode() * 20_000
    with raw.connected(office.address) as opened:
        monkeypatch.setattr(server, "STALLED", 0.05)
        monkeypatch.setattr(server.Impatient, "connection_lost", told)
        opened.setblocking(False)
        with suppress(OSError):
            opened.send(many)
        assert lost.wait(raw.PATIENCE)
    assert Attacker(office).get("/login").status == 200


def test_log_ins_leave_pages_their_threads(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """While two hundred passwords wait to be hashed pages are served, and what is too many is told so."""
    reader, strangers = Attacker(office, "reader@acme"), Attacker(office)
    hashing, ended = threading.Semaphore(0), threading.Event()

    def verify(*_given: object) -> None:
        hashing.release()
        ended.wait(raw.PATIENCE)

    monkeypatch.setattr(office.console.accounts, "verify", verify)
    fields = {"name": "nobody", "password": "x"}
    with ThreadPoolExecutor(100) as pool:
        tries = [pool.submit(strangers.post, "/login", fields) for _ in range(100)]
        for _ in range(AT_THE_DOOR):
            assert hashing.acquire(timeout=raw.PATIENCE)
        assert reader.get("/acme/calls").status == 200
        ended.set()
        found = Counter(each.result().status for each in tries)
    assert set(found) == {403, 503}
    assert found[403] >= WAITING
    assert not office.console.waiting.total()


def test_nobody_is_locked_out_on_purpose(office: ServedConsole) -> None:
    """Whoever fails for another one keeps him out of no browser in which he was logged in, not from the same
    address either; elsewhere the wait holds, and that browser's own failures count, too."""
    officer, vandal = office.browser("compliance@acme"), Attacker(office)
    officer.send("/logout")
    for _ in range(6):
        vandal.post("/login", {"name": "compliance@acme", "password": "x"})
    right = {"name": "compliance@acme", "password": PASSWORD}
    assert vandal.post("/login", right).status == 403
    officer.get("/login")
    assert officer.send(**right).url.path == "/acme/today"
    officer.send("/logout")
    officer.get("/login")
    for _ in range(5):
        officer.send(name="compliance@acme", password="x")
    assert "Too many attempts failed" in officer.send(**right).text


def test_browser_is_known_to_its_own_account(office: ServedConsole) -> None:
    """The cookie of one's own browser is worth nothing for another account, nor is one that was made up."""
    own = office.browser("reader@acme")
    known = own.http.cookies["browser"]
    stranger = Attacker(office)
    for cookie in (known, "x.y", ".", f"{known}0", "\u00e9.\u00e9"):
        given = f"{stranger.cookie}; browser={cookie}"
        for _ in range(6):
            stranger.post("/login", {"name": "admin@acme", "password": "x"}, cookie=given)
        right = {"name": "admin@acme", "password": PASSWORD}
        assert stranger.post("/login", right, cookie=given).status == 403


def test_failures_are_forgotten() -> None:
    """Typing errors of a month do not add up."""
    at = 0.0
    throttle = Throttle(clock=lambda: at)
    for _ in range(20):
        throttle.failed("address")
        assert throttle.wait("address") == 0
        at += 901


def test_a_server_in_front_is_taken_at_its_word_alone(office: ServedConsole) -> None:
    """Two headers, another spelling, letters that fold into another's name: nobody; and whoever comes without
    a cookie for ever fills no memory. An account that is removed is out."""
    office.console.settings = replace(office.console.settings, header="X-Remote-User", proxies=("127.0.0.1",))
    now = datetime.now(UTC)
    office.console.accounts.accept(
        office.console.accounts.invite("ross", {"acme": Role.ADMIN}, now + timedelta(hours=1)),
        PASSWORD,
        "",
        now,
    )
    host = office.address.removeprefix("http://")
    for header, status in (
        (b"x-remote-user: ross", 200),
        (b"X-REMOTE-USER: Ross ", 200),
        (b"x-remote-user: ro\xdf", 403),
        (b"x-remote-user: \xa0ross", 403),
        (b"x-remote-user: \xe2\x84\xaaross", 403),
        (b"x-remote-user: ross, operator", 403),
        (b"x_remote_user: ross", 403),
        (b"x-remote-user:", 403),
        (b"x-remote-user: ross\r\nX-Remote-User: operator", 403),
        (b"x-remote-user: ross\r\nx-remote-user:", 403),
        (b"x-forwarded-user: ross\r\nx-forwarded-for: 127.0.0.1", 403),
    ):
        head = f"GET /acme/calls HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n".encode()
        assert raw.ask(office.address, head + header + b"\r\n\r\n").status == status, header
    for _ in range(30):
        assert raw.request(office.address, path="/acme/company", x_remote_user="ross").status == 200
    assert len(office.console.sessions._sessions) <= 20
    office.console.accounts.remove("ross")
    assert raw.request(office.address, path="/acme/calls", x_remote_user="ross").status == 403


def test_an_invitation_is_accepted_once(office: ServedConsole) -> None:
    """However many send it at the same time, one of them has the account, with his password."""
    now = datetime.now(UTC)
    token = office.console.accounts.invite("nora", {"acme": Role.READER}, now + timedelta(hours=1))
    strangers = [Attacker(office) for _ in range(6)]
    words = [f"{PASSWORD} {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        found = list(
            pool.map(
                lambda who, word: who.post(f"/invitation/{token}", {"password": word, "again": word}).status,
                strangers,
                words,
            )
        )
    assert sorted(found)[0] == 303
    assert all(status in (404, 422) for status in sorted(found)[1:])
    account = office.console.accounts.get("nora")
    assert office.console.accounts.verify("nora", words[found.index(303)], "", now) == account


def test_what_others_wrote_is_no_formula() -> None:
    """Cells of an export that a spreadsheet would run begin with an apostrophe, also those of lists, and with
    the wide signs that it takes for the others."""
    for sign in ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20"):
        for value in (f"{sign}1+1", [f"{sign}1+1", "x"]):
            assert str(_cell("reference", value)).startswith(f"'{sign}")


def test_what_nobody_may_know_is_in_no_representation(office: ServedConsole) -> None:
    """A log that shows what a function was given shows neither a form nor a cookie."""
    visit = Visit(
        office.console, Request({"type": "http", "headers": []}), "a token", office.console.configuration()
    )
    visit.form = FormData({"number": "+393331234567"})
    assert "+393331234567" not in repr(visit)
    assert "a token" not in repr(visit)


def test_files_of_the_console_are_its_own(office: ServedConsole) -> None:
    """I5: its folder is closed to others, a bundle that is an hour old is gone, and all of it at the end."""
    folder, at = office.console.folder, 1.0
    assert folder.stat().st_mode & 0o777 == 0o700
    jobs = Jobs(lambda job: Path(job.result).unlink(), clock=lambda: at)
    file = folder / "x.zip"
    file.touch()
    job = jobs.start("bundle", "acme", lambda _progress: file)
    jobs._pool.shutdown(wait=True)
    assert jobs.find(job.id, "borealis") is None
    assert jobs.find(job.id, "acme") is job
    at = 3602.0
    assert jobs.find(job.id, "acme") is None
    assert not file.exists()
    office.console.close()
    assert not folder.exists()
