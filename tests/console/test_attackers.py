"""The console attacked, with more than one request, by strangers and by who has an account of one company."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.datastructures import FormData
from starlette.requests import Request

from console import raw
from console.raw import Attacker
from console.served import PASSWORD, ServedConsole
from informativa.console import server
from informativa.console.application import ANONYMOUS_PER_ADDRESS
from informativa.console.console import ANONYMOUS_AT_ONCE
from informativa.console.context import RequestContext
from informativa.console.jobs import Jobs
from informativa.console.throttle import Throttle
from informativa.model import Role


def test_who_takes_no_answer_loses_the_connection(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who asks for much and reads nothing holds no place for long, without an account too."""
    lost, ending = threading.Event(), server.HeaderTimeout.connection_lost

    def losing(protocol: server.HeaderTimeout, error: Exception | None) -> None:
        ending(protocol, error)
        lost.set()

    host = office.address.removeprefix("http://")
    many = f"GET /static/console.css HTTP/1.1\r\nhost: {host}\r\n\r\n".encode() * 20_000
    with raw.connected(office.address) as opened:
        monkeypatch.setattr(server, "WRITE_TIMEOUT", 0.05)
        monkeypatch.setattr(server.HeaderTimeout, "connection_lost", losing)
        opened.setblocking(False)
        with suppress(OSError):
            opened.send(many)
        assert lost.wait(raw.PATIENCE)
    assert Attacker(office).get("/login").status == 200


def test_long_head_in_pieces_is_answered(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """A head of 60,000 bytes gets the same answer however the network cuts it."""
    received, receive = threading.Event(), server.HeaderTimeout.data_received

    def receiving(protocol: server.HeaderTimeout, data: bytes) -> None:
        receive(protocol, data)
        received.set()

    monkeypatch.setattr(server.HeaderTimeout, "data_received", receiving)
    host = office.address.removeprefix("http://")
    head = f"GET /login?since={'9' * 60_000} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n".encode()
    at_once = raw.ask(office.address, head)
    received.clear()
    with raw.connected(office.address) as opened:
        opened.sendall(head[:40_000])
        assert received.wait(raw.PATIENCE)
        opened.sendall(head[40_000:])
        pieces = raw.Answer(b"".join(iter(lambda: opened.recv(65536), b"")))
    assert (at_once.status, pieces.status) == (200, 200)


def test_log_ins_leave_pages_their_threads(office: ServedConsole, monkeypatch: pytest.MonkeyPatch) -> None:
    """While two hundred passwords wait to be hashed pages are served, and what is too many is told so."""
    monkeypatch.setattr(server, "PER_ADDRESS", 1000)  # they are many, from one machine
    reader, strangers = Attacker(office, "reader@acme"), Attacker(office)
    hashing, ended = threading.Semaphore(0), threading.Event()

    def verify(*_given: object) -> None:
        hashing.release()
        ended.wait(raw.PATIENCE)

    monkeypatch.setattr(office.console.accounts, "verify", verify)
    fields = {"name": "nobody", "password": "x"}
    with ThreadPoolExecutor(100) as pool:
        tries = [pool.submit(strangers.post, "/login", fields) for _ in range(100)]
        for _ in range(ANONYMOUS_AT_ONCE):
            assert hashing.acquire(timeout=raw.PATIENCE)
        assert reader.get("/acme/calls").status == 200
        assert wait(tries, raw.PATIENCE, FIRST_COMPLETED).done  # one is too many, so all places are taken
        ended.set()
        statuses = Counter(login.result().status for login in tries)
    assert set(statuses) == {403, 503}
    assert statuses[403] >= ANONYMOUS_PER_ADDRESS
    assert not office.console.anonymous_by_address.total()


def test_nobody_is_locked_out_on_purpose(office: ServedConsole) -> None:
    """Whoever fails for another one keeps him out of no browser in which he was logged in, not from the same
    address either; elsewhere the wait holds, and that browser's own failures count, too."""
    office.console.throttle = Throttle(clock=lambda: 0.0)  # no wait is over because the machine is slow
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


def test_strangers_elsewhere_lock_nobody_out(office: ServedConsole) -> None:
    """However often they fail for a name, its owner gets in at once from an address from which nobody failed,
    in a browser that nobody knows; a stranger has one guess there, and waits as long as all of them."""
    console = office.console
    console.settings = replace(console.settings, proxies=("127.0.0.1",))
    console.throttle = Throttle(clock=lambda: 0.0)
    strangers, right = Attacker(office), {"name": "reader@acme", "password": PASSWORD}
    for number in range(20):
        strangers.post("/login", right | {"password": "x"}, x_forwarded_for=f"198.51.100.{number}")
    assert strangers.post("/login", right, x_forwarded_for="198.51.100.7").status == 403
    strangers.post("/login", right | {"password": "x"}, x_forwarded_for="2001:db8:1:2::1")
    assert strangers.post("/login", right, x_forwarded_for="2001:db8:1:2:3::4").status == 403
    assert strangers.post("/login", right, x_forwarded_for="2001:db8:1:3::1").status == 303


def test_browser_is_known_to_its_own_account(office: ServedConsole) -> None:
    """The cookie of one's own browser is worth nothing for another account, nor is one that was made up."""
    office.console.throttle = Throttle(clock=lambda: 0.0)
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


def test_an_invitation_is_accepted_once(office: ServedConsole) -> None:
    """However many send it at the same time, one of them has the account, with his password."""
    now = datetime.now(UTC)
    token = office.console.accounts.invite("nora", {"acme": Role.READER}, now + timedelta(hours=1))
    strangers = [Attacker(office) for _ in range(6)]
    words = [f"{PASSWORD} {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        statuses = list(
            pool.map(
                lambda guest, word: (
                    guest.post(f"/invitation/{token}", {"password": word, "again": word}).status
                ),
                strangers,
                words,
            )
        )
    assert sorted(statuses)[0] == 303
    assert all(status in (404, 422) for status in sorted(statuses)[1:])
    account = office.console.accounts.get("nora")
    assert office.console.accounts.verify("nora", words[statuses.index(303)]) == account


def test_what_nobody_may_know_is_in_no_representation(office: ServedConsole) -> None:
    """A log that shows what a function was given shows neither a form nor a cookie."""
    context = RequestContext(
        office.console, Request({"type": "http", "headers": []}), "a token", office.configuration
    )
    context.form = FormData({"number": "+393331234567"})
    assert "+393331234567" not in repr(context)
    assert "a token" not in repr(context)


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
    assert jobs.find(job.id, "acme") == job
    at = 3602.0
    assert jobs.find(job.id, "acme") is None
    assert not file.exists()
    office.console.close()
    assert not folder.exists()
