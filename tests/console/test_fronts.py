"""The console behind real web servers, each set up as the documentation says."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from console.served import Browser, ServedConsole, lay_calls, served
from evidence.receipts import Company
from informativa.console.throttle import Throttle
from informativa.operations import proxy_faults
from lab.certificates import Authority
from lab.debian import Unavailable
from lab.fronts import FRONTS, RunningFront, obtain

CLIENT = "127.0.0.2"  # another address than that from which the server in front asks
FORGED = {
    "x-forwarded-for": "203.0.113.66",
    "forwarded": 'for=203.0.113.67;proto=http, for="203.0.113.68',
    "x-forwarded-proto": "http",
    "x-real-ip": "203.0.113.69",
    "x-remote-user": "operator",
}
NIGHT = [pytest.param(name, marks=pytest.mark.night) for name in ("caddy", "apache")]


@pytest.fixture(params=["nginx", *NIGHT])
def front(folder: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[FrontOffice]:
    """The console with a few calls, and the server in front of it."""
    server = FRONTS[request.param]
    try:
        obtain(server)
    except Unavailable as error:
        pytest.skip(str(error))
    lay_calls(folder)
    certificate = Authority(tmp_path / "authority").issue()
    with served(folder, proxies=("127.0.0.1",)) as office:
        port = urlsplit(office.address).port
        assert port is not None
        with RunningFront(server, tmp_path / "front", port, certificate) as running:
            yield FrontOffice(office, running.address, certificate.root)


class FrontOffice:
    """A console, and the address of the server in front of it."""

    def __init__(self, office: ServedConsole, address: str, root: Path) -> None:
        self.office, self.address = office, address
        self._trust = ssl.create_default_context(cafile=root)

    def browser(self, account: str = "", **headers: str) -> Browser:
        """Return a browser of another address, which sends these headers with each request."""
        browser = Browser(self.address)
        browser.http.close()
        transport = httpx.HTTPTransport(verify=self._trust, local_address=CLIENT)
        browser.http = httpx.Client(
            base_url=self.address, transport=transport, headers=headers, follow_redirects=True, timeout=30.0
        )
        self.office.browsers.append(browser)
        return browser.log_in(account) if account else browser


@pytest.mark.slow
def test_the_console_works_behind_a_real_server(front: FrontOffice) -> None:
    """By the examples of the documentation people log in, cookies are of this host and https alone, calls
    appear as they come, a configuration of 200 KB arrives, and what a client forges of his address counts for
    nothing."""
    office = front.office
    office.console.throttle = Throttle(clock=lambda: 0.0)
    admin = front.browser()
    cookies = admin.get("/login").headers.get_list("set-cookie")
    admin.send(name="admin@acme", password="correct horse battery staple")
    cookies += [line for reply in admin.open.history for line in reply.headers.get_list("set-cookie")]
    assert {line.partition("=")[0] for line in cookies} == {"__Host-session", "__Host-browser"}
    assert all({"Secure", "HttpOnly", "Path=/"} <= set(re.split("; ?", line)) for line in cookies)
    assert admin.open.url == f"{front.address}/acme/today"

    with admin.http.stream("GET", "/acme/live?after=6") as stream, closing(stream.iter_lines()) as lines:
        for number in ("7", "8"):  # the second while the stream is open
            office.record(Company(office.folder).played)
            assert next(line for line in lines if line.startswith("id: ")) == f"id: {number}"

    csrf = admin.forms()[0].fields["csrf"]
    statuses = [
        admin.http.post("/acme/what-if", data={"csrf": csrf, "number": "1" * size}).status_code
        for size in (60 << 10, 70 << 10)
    ]
    assert statuses[1] == 413
    assert statuses[0] != 413

    guesser = front.browser(**FORGED)
    for number in range(6):
        guesser.get("/login")
        assert guesser.send(name=f"guess{number}", password="wrong").status_code == 403
    waits = {name: office.console.throttle.wait(f"address {name}") > 0 for name in (CLIENT, "127.0.0.1")}
    assert waits == {CLIENT: True, "127.0.0.1": False}
    for forged in re.findall(r"203\.0\.113\.\d+", str(FORGED)):
        assert office.console.throttle.wait(f"address {forged}") == 0
    assert proxy_faults.newest(office.folder / "web") is None
