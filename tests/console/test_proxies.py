"""A web server in front of the console: what it says, and what is wrong with it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from starlette.requests import Request

from console import raw
from console.served import served
from informativa.config import inspect, load
from informativa.console.proxies import client_hop
from informativa.console.proxy_watch import ProxyWatch, fault_of
from informativa.model import WebServer
from informativa.operations import proxy_faults
from informativa.operations.doctor import examination
from informativa.operations.doctor.checks import CHECKS
from informativa.operations.proxy_faults import ProxyFault

IN_FRONT = WebServer(proxies=("127.0.0.1", "10.0.0.0/8"))
BY_RFC = replace(IN_FRONT, client="Forwarded")
RIGHT = {"x-forwarded-for": "198.51.100.1", "x-forwarded-proto": "https"}
OUTER = "for=198.51.100.1;proto=https"


def request(peer: str = "127.0.0.1", **headers: str) -> Request:
    """A request from that address; in a header's name an underscore stands for a dash."""
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "client": (peer, 50000), "headers": pairs})


@pytest.mark.parametrize(
    ("header", "hop"),
    [
        (OUTER, ("198.51.100.1", "https")),
        ("For=198.51.100.1 ; Proto=HTTPS;by=10.0.0.9", ("198.51.100.1", "https")),
        ('for="198.51.100.1:4711";proto=https', ("198.51.100.1", "https")),
        ('for="[2001:db8::1]:4711";proto=https', ("2001:db8::1", "https")),
        ('for="[2001:db8::1]"', ("2001:db8::1", "")),
        (f"for=203.0.113.9;proto=http, {OUTER}", ("198.51.100.1", "https")),
        (f"{OUTER}, for=10.0.0.7;proto=http", ("198.51.100.1", "https")),
        (f'for="203.0.113.9, for=10.0.0.7", {OUTER}', ("198.51.100.1", "https")),
        (r'for="203.0.113.9\", for=\"10.0.0.7", ' + OUTER, ("198.51.100.1", "https")),
        ("proto=https", ("unknown", "https")),
        ("for=_hidden;proto=https", ("_hidden", "https")),
        (f'for="203.0.113.9, {OUTER}', ("unknown", "")),
        (f"for=203.0.113.9;;, {OUTER}", ("unknown", "")),
        ("for=10.0.0.7;proto=https, for=10.0.0.8", ("10.0.0.7", "https")),
        ("", ("", "")),
    ],
)
def test_forwarded_is_read_as_the_standard_says(header: str, hop: tuple[str, str]) -> None:
    """The hop of the outermost server in front counts, whatever the browser wrote before it; of a header that
    cannot be read nothing counts."""
    assert client_hop(request(forwarded=header), BY_RFC) == hop
    assert client_hop(request("192.0.2.66", forwarded=header), BY_RFC) == ("", "")


def test_one_of_the_two_headers_counts() -> None:
    """The other one, which servers may pass on as browsers send it, is not read."""
    both = request(forwarded="for=203.0.113.9;proto=https", x_forwarded_for="198.51.100.1")
    assert client_hop(both, IN_FRONT) == ("198.51.100.1", "")
    assert client_hop(both, BY_RFC) == ("203.0.113.9", "https")


@pytest.mark.parametrize(
    ("address", "client"),
    [("198.51.100.1:4711", "198.51.100.1"), ("[2001:db8::1]:4711", "2001:db8::1"), ("2001:db8::1",) * 2],
)
def test_a_port_is_no_part_of_an_address(address: str, client: str) -> None:
    """Or each connection of one client would count as another's."""
    assert client_hop(request(x_forwarded_for=address), IN_FRONT).address == client


@pytest.mark.parametrize(
    ("settings", "peer", "headers", "fault"),
    [
        (IN_FRONT, "127.0.0.1", RIGHT, None),
        (BY_RFC, "127.0.0.1", {"forwarded": OUTER}, None),
        (IN_FRONT, "127.0.0.1", {}, ProxyFault.UNNAMED),
        (BY_RFC, "127.0.0.1", RIGHT, ProxyFault.UNNAMED),
        (IN_FRONT, "127.0.0.1", RIGHT | {"x-forwarded-proto": "http"}, ProxyFault.CLEAR),
        (IN_FRONT, "127.0.0.1", {"x-forwarded-for": "198.51.100.1"}, ProxyFault.CLEAR),
        (IN_FRONT, "192.0.2.7", RIGHT, ProxyFault.UNKNOWN),
        (WebServer(), "127.0.0.1", {"forwarded": OUTER}, ProxyFault.UNKNOWN),
        (WebServer(), "127.0.0.1", {}, None),
        (IN_FRONT, "192.0.2.7", {}, None),
    ],
)
def test_each_fault_of_a_server_in_front_is_seen(
    settings: WebServer, peer: str, headers: dict[str, str], fault: ProxyFault | None
) -> None:
    """A request that says neither for whom it is nor how he came has one; a browser's own has none."""
    assert fault_of(request(peer, **headers), settings) == fault


def test_a_fault_is_stored_until_a_request_is_right(tmp_path: Path) -> None:
    """Doctor finds the first one, also after a restart of the console; in the ten minutes after a right
    request a tunnel's counts for nothing."""
    clock = 0.0
    settings = replace(IN_FRONT, folder=str(tmp_path))
    wrong, right = request(), request(**RIGHT)

    def fault_after(watch: ProxyWatch, *requests: Request) -> str | None:
        for one in requests:
            watch.see(one)
        stored = proxy_faults.newest(tmp_path)
        return stored.fault if stored else None

    watch = ProxyWatch(settings, lambda: clock)
    assert fault_after(watch, wrong) == "unnamed"
    assert fault_after(ProxyWatch(settings, lambda: clock)) == "unnamed"
    assert fault_after(ProxyWatch(settings, lambda: clock), right) is None
    watch = ProxyWatch(settings, lambda: clock)
    assert fault_after(watch, wrong, right, wrong) is None
    clock = 600.0
    assert fault_after(watch, wrong) == "unnamed"


def finding(file: Path) -> list[tuple[str, str]]:
    """Return what doctor says of the server in front."""
    checks = [check for check in CHECKS if check.id == "console"]
    _system, findings = asyncio.run(examination.run_checks(file, checks))
    return [(finding.state.value, str(finding.finding)) for finding in findings]


@pytest.fixture
def in_front(folder: Path) -> Path:
    """A configuration with a server in front."""
    file = folder / "informativa.yaml"
    proxy = "web:\n  names: [console.example]\n  proxy:\n    addresses: [127.0.0.1]\n"
    file.write_text(f"{file.read_text()}\n{proxy}")
    return file


def test_doctor_says_what_is_wrong_in_front(in_front: Path) -> None:
    """With the headers that lack, and since when; nothing is said without a server in front."""
    assert [state for state, _text in finding(in_front)] == ["ok"]
    (in_front.parent / "web").mkdir()
    for fault, words in (
        (ProxyFault.UNNAMED, "X-Forwarded-For"),
        (ProxyFault.CLEAR, "https"),
        (ProxyFault.UNKNOWN, "web.proxy.addresses"),
    ):
        proxy_faults.record(in_front.parent / "web", fault, datetime(2026, 11, 30, 12, tzinfo=UTC))
        [(state, text)] = finding(in_front)
        assert state == "warning"
        assert words in text
        assert "2026-11-30 " in text
    proxy_faults.clear(in_front.parent / "web")
    in_front.write_text(in_front.read_text().partition("web:")[0])
    assert finding(in_front) == []


def test_the_served_console_stores_what_it_sees(folder: Path) -> None:
    """A request without a client, by real HTTP, and it is gone with one that has all."""
    with served(folder, proxies=("127.0.0.1",)) as office:
        raw.request(office.address)
        stored = proxy_faults.newest(folder / "web")
        assert stored is not None
        assert stored.fault == "unnamed"
        raw.request(office.address, x_forwarded_for="198.51.100.1", x_forwarded_proto="https")
        assert proxy_faults.newest(folder / "web") is None


def test_a_network_of_everybody_is_refused(in_front: Path) -> None:
    """As is told where it stands, with what to write instead."""
    in_front.write_text(in_front.read_text().replace("[127.0.0.1]", "[0.0.0.0/0]"))
    _configuration, problems = inspect(in_front)
    assert ["every machine" in str(problem.text) for problem in problems] == [True]


def test_a_server_without_a_name_is_warned_of(in_front: Path) -> None:
    """The console would answer to none that browsers ask for."""
    assert load(in_front).warnings == ()
    in_front.write_text(in_front.read_text().replace("  names: [console.example]\n", ""))
    assert ["web.names" in str(warning.text) for warning in load(in_front).warnings] == [True]
