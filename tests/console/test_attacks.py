"""The console attacked, by strangers and by who has an account of one company: single requests, by kind."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from structlog.testing import capture_logs

from console import raw
from console.raw import Answer, Attacker
from console.served import CALLER, ServedConsole, filled, served
from informativa.console import application
from informativa.console.routes import ROUTES, Route

HUGE = "9" * 5000  # digits of which Python makes no number
HOSTILE = (
    "'\"><script>alert(1)</script>",
    "../../../../etc/passwd",
    "\u00b2",
    "1e9",
    f"1{'0' * 19}",
    f"1{'0' * 30}",
    "9" * 40,
    HUGE,
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
QUOTED = [(quote(word, safe=""), urlencode(dict.fromkeys(PARAMETERS, word))) for word in HOSTILE]
"""Each hostile word as a part of a path, and as all parameters of a query."""
FIELDS = (
    *("number", "customer", "line", "on", "language", "first", "last", "confirm", "reference", "notice"),
    *("version", "by", "name", "password", "again", "code", "secret", "back", "presentation", "kind"),
)
ASKED = [route for route in ROUTES if route.get and not route.path.endswith("/live")]
SENT = [route for route in ROUTES if route.post]
TELLING = (
    b"<script>alert",
    b"from __future__",
    b"{% block",
    b"Traceback",
    b"\r\nset-cookie: x=y",
)


@dataclass(frozen=True)
class Sent:
    """One request, a form where there is one; headers as `raw.request` takes them."""

    path: str
    form: dict[str, str] | bytes | None = None
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)

    def by(self, attacker: Attacker) -> Answer:
        """Return what he gets for it."""
        if self.form is None:
            return attacker.get(self.path, self.method, **self.headers)
        return attacker.post(self.path, self.form, **self.headers)


@dataclass(frozen=True)
class Bytes:
    """Bytes that no client of HTTP sends; `<host>` stands for the console's own name."""

    data: bytes

    def by(self, attacker: Attacker) -> Answer:
        """Return what he gets for it."""
        host = attacker.address.removeprefix("http://").encode()
        return raw.ask(attacker.address, self.data.replace(b"<host>", host))


@dataclass(frozen=True)
class Kind:
    """Attacks that are answered alike: by which account, with which codes; 0 is no answer."""

    account: str
    codes: Collection[int]
    attacks: Collection[Sent | Bytes]


def framed(*headers: str) -> Bytes:
    """A form with these, and a second request behind it."""
    lines = ["POST /language HTTP/1.1", "host: <host>", *headers, "", "0", "", ""]
    lines += ["GET /login HTTP/1.1", "host: <host>", "connection: close", "", ""]
    return Bytes("\r\n".join(lines).encode())


def hostile_addresses(route: Route) -> list[Sent]:
    """With each in place of all parts of the path but the company, and in the query, or there alone."""
    pattern = re.sub(r"\{(?!controller)\w+(:\w+)?\}", "<part>", route.path).replace("{controller}", "acme")
    return [
        Sent(f"{path}?{query}")
        for quoted, query in QUOTED
        for path in (pattern.replace("<part>", quoted), filled(route))
    ]


ATTACKS = {
    "addresses that no page links to: no numbers, no text, out of a folder": Kind(
        "operator",
        (200, 404, 409),
        [
            Sent(f"/acme/calls?before=1{'0' * 19}"),
            Sent("/acme/calls?before=%C2%B2"),
            Sent(f"/acme/looked?before=1{'0' * 19}"),
            Sent("/acme/looked?before=%C2%B2"),
            Sent("/acme/calls?line=%ff%fe%00&since=%ed%a0%80"),
            Sent("/acme/calls?until=9999-12-31T23:59"),
            Sent("/acme%00/calls"),
            Sent("/acme/notices/..%2f/2026-11/short/it/sound"),
            Sent("/acme/notices/privacy/2026-11/short/%2e%2e/sound"),
        ],
    ),
    "files beside those that are served": Kind(
        "",
        (404,),
        [
            Sent(f"/static/{name}")
            for name in (
                *(
                    "..%2f..%2f..%2froutes.py",
                    "%2e%2e/%2e%2e/base.html",
                    "..%2fbase.html",
                    "%2e%2e/base.html",
                ),
                *("vendor/../../base.html", "..%5cbase.html", "%00", "console.css%00"),
            )
        ],
    ),
    "headers of no browser": Kind(
        "operator",
        range(200, 500),
        [
            Sent(path, headers=headers)
            for path in ("/login", "/acme/live", "/acme/notices/privacy/2026-11/short/it/sound")
            for headers in (
                {"last_event_id": HUGE},
                {"range": f"bytes={HUGE}-"},
                {"range": "bytes=\u00b2-"},
                {"range": "bytes=" + ",".join(["0-1"] * 3000)},
                {"accept_language": "a," * 20_000},
                {"cookie": 'session="\\303\\377"; language=\udcff\udcfe'},
            )
        ],
    ),
    "names of another: DNS rebinding, a poisoned Host, what is no name": Kind(
        "reader@acme",
        (400, 421),
        [
            Bytes(b"GET /login HTTP/1.0\r\n\r\n"),
            *(
                Sent(path, headers={"host": host})
                for path in ("/acme/calls", "/login/", "/static", "/static/console.css")
                for host in (
                    *("evil.example", "127.0.0.1.evil.example", "127.0.0.1.evil.example:80"),
                    *("[", "a:b:c", "a b", "127.0.0.1:x", "\u00e9"),
                )
            ),
            Bytes(b"GET http://evil.example/login HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            Bytes(b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            Bytes(b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ],
    ),
    "smuggling: two lengths, or a length beside chunks": Kind(
        "",
        (400,),
        [
            framed("content-length: 3", "content-length: 4"),
            framed("content-length: 4", "transfer-encoding: chunked"),
            framed("transfer-encoding: chunked", "content-length: 0"),
            framed("transfer-encoding: xchunked"),
            framed("transfer-encoding : chunked"),
            framed("content-length: +5"),
            framed("content-length: 1_0"),
        ],
    ),
    "no request of HTTP 1": Kind(
        "",
        (0, 400, 421, 431),
        [
            Bytes(b"GET /login HTTP/1.1\r\nHost: <host>\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"),
            Bytes(b"GET / HTTP/9.9\r\n\r\n"),
            Bytes(b"\x16\x03\x01\x02\x00\x01\x00"),
        ],
    ),
    "methods": Kind(
        "reader@acme",
        (405,),
        [Sent("/acme/calls", method=method) for method in ("TRACE", "PUT", "DELETE", "OPTIONS", "PATCH")],
    ),
    "another server's address": Kind(
        "reader@acme",
        (404, 405),
        [Sent("http://evil.example/acme/calls"), Sent("evil.example:443", method="CONNECT")],
    ),
    "days that no clock shows, of a call": Kind(
        "compliance@acme",
        (200, 422),
        [
            Sent("/acme/what-if", {"line": "+390212345678", "number": "+393331234567", "on": on})
            for on in ("0001-01-01", "9999-12-31T23:59-23:59", "0001-01-01T00:00+23:59", "\u00b2")
        ],
    ),
    "days that no clock shows, of a period": Kind(
        "compliance@acme",
        (303, 400),
        [
            Sent("/acme/evidence/bundle", {"first": day, "last": day, "language": "\x00."})
            for day in ("0001-01-01", "9999-12-31", "\u00b2")
        ],
    ),
    "content that no page of ours sends, which other sites' scripts and odd encodings could use": Kind(
        "operator",
        (415,),
        [
            Sent(filled(route), form, headers={"content_type": kind})
            for route in SENT
            for kind in (
                *("multipart/form-data", "multipart/form-data; boundary=x"),
                *(
                    "multipart/form-data; boundary=x; charset=unicode_escape",
                    "text/plain",
                    "application/json",
                    "",
                ),
            )
            for form in (
                b"\xff" * 500,
                b'--x\r\ncontent-disposition: form-data; name="csrf"\r\n\r\n\\ud800\r\n--x--\r\n',
                {"language": "it"},
            )
        ],
    ),
    **{
        f"an address of {route.path}": Kind("operator", range(200, 500), hostile_addresses(route))
        for route in ASKED
    },
    **{
        f"a form to {route.path}": Kind(
            "operator",
            range(200, 500),
            [Sent(filled(route), dict.fromkeys(FIELDS, word)) for word in HOSTILE],
        )
        for route in SENT
    },
}


@pytest.mark.sample(12)
@pytest.mark.parametrize("kind", ATTACKS.values(), ids=ATTACKS)
def test_attacks(office: ServedConsole, kind: Kind) -> None:
    """Each has one answer, fit for its kind and with our headers; none repeats what it brought, leads away,
    tells what lies beside the pages or is a defect; and the next who comes is served."""
    office.console.live.close()  # its streams end at once
    with capture_logs() as logged:
        for attack in kind.attacks:
            attacker = Attacker(office, kind.account)  # a form may have logged the one before out
            answer = attack.by(attacker)
            assert answer.status in kind.codes, attack
            assert answer.status in (0, 400) or "content-security-policy" in answer.head, attack
            assert answer.status == 303 or "\r\nlocation:" not in answer.head, attack
            assert answer.data.count(b"HTTP/1.1 ") <= 1, attack
            assert "evil.example" not in answer.head, attack
            assert not re.search(rb'(href|action|src)="[^"]*evil\.example', answer.body), attack
            assert [word for word in (*TELLING, attacker.cookie.encode()) if word in answer.data] == [], (
                attack
            )
    assert not [line for line in logged if line["event"] == "defect"]
    assert Attacker(office).get("/login").status == 200


def test_language_is_one_that_there_is(office: ServedConsole) -> None:
    """Nothing else gets into the cookie, and nothing into a header."""
    stranger = Attacker(office)
    for fields in ({"language": "\u8bed\u8a00"}, {"language": "\r\n"}, {"back": "/a\x00\r\nset-cookie: x=y"}):
        answer = stranger.post("/language", fields)
        assert answer.status == 303
        assert "language=en;" in answer.head
        assert "\r\nset-cookie: x=y" not in answer.head


def test_it_answers_to_its_own_names(office: ServedConsole) -> None:
    """In any spelling, whatever else a request calls it; an address that it has not leads nowhere."""
    reader, port = Attacker(office, "reader@acme"), office.address.rpartition(":")[2]
    assert reader.get("/acme/calls", host=f"LOCALHOST:{port}").status == 200
    assert reader.get("/acme/calls", host=f"127.0.0.1.evil.example:{port}").status == 421
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


def test_no_link_logs_out(office: ServedConsole) -> None:
    """A form's method in another's place is none."""
    reader = Attacker(office, "reader@acme")
    assert reader.get("/logout", x_http_method_override="POST").status == 405
    assert reader.get("/logout?_method=POST").status == 405
    assert reader.get("/acme/calls").status == 200


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
        assert b"The console cannot work at present." in answer.data
        mend()
        assert reader.get("/acme/calls").status == 200


def test_a_defect_tells_nothing(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that breaks says so, and neither how nor where; the log says where, and no number."""
    reader = office.browser("reader@acme")

    def broken(*_arguments: object) -> None:
        raise RuntimeError(f"secret of {CALLER.number}")

    monkeypatch.setattr(application, "_checked_answer", broken)
    with capture_logs() as logged:
        answer = reader.get("/acme/calls")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (defect,) = [line for line in logged if line["event"] == "defect"]
    assert defect["path"] == "/acme/calls"
