"""Calls as they come."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path

import httpx
import pytest

from console.served import Browser, ServedConsole, lay_calls, served
from evidence.receipts import Company
from informativa.console import live
from informativa.console.pages import calls as page
from informativa.console.sessions import Sessions


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a second to go by."""
    monkeypatch.setattr(live, "INTERVAL", 0.02)
    monkeypatch.setattr(page, "HEARTBEAT", 0.05)


def stream_of(browser: Browser, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Open a stream; the caller closes it."""
    return browser.http.send(browser.http.build_request("GET", path, headers=headers), stream=True)


def events(stream: httpx.Response) -> Iterator[dict[str, str]]:
    """Yield the events of a stream as a browser reads them, until it ends."""
    event: dict[str, str] = {}
    for line in stream.iter_lines():
        name, colon, value = line.partition(": ")
        if colon:
            event[name] = event.get(name, "") + value
        elif not line and event:
            yield event
            event = {}


def test_a_call_appears_by_itself(office: ServedConsole) -> None:
    """It appears as a row of the table in the reader's language; one that came while the page was on its way
    is not lost, and after a break it goes on where it was."""
    reader = office.browser("reader@acme", "it")
    assert 'data-live="/acme/live?after=6"' in reader.get("/acme/calls").text
    office.record(Company(office.folder).played)
    with closing(stream_of(reader, "/acme/live?after=6")) as stream:
        coming = events(stream)
        first = next(coming)
        assert (first["event"], first["id"]) == ("calls", "7")
        assert 'href="/acme/calls/7"' in first["data"]
        office.record(Company(office.folder).played)
        assert next(coming)["id"] == "8"
    office.record(Company(office.folder).played)
    with closing(stream_of(reader, "/acme/live?after=6", {"last-event-id": "8"})) as stream:
        assert next(events(stream))["id"] == "9"


def test_filtered_and_older_pages_stand_still(office: ServedConsole) -> None:
    """Only the newest of all grow."""
    reader = office.browser("reader@acme")
    assert "data-live=" not in reader.get("/acme/calls", status="PLAYED").text
    assert "data-live=" not in reader.get("/acme/calls", before="4").text


def test_stream_ends_with_the_session(office: ServedConsole) -> None:
    """A user who logs out is told that, and nothing more; his browser does not connect again."""
    reader = office.browser("reader@acme")
    reader.get("/acme/calls")
    with closing(stream_of(reader, "/acme/live?after=6")) as stream:
        reader.send("/logout")
        assert [event["event"] for event in events(stream)] == ["over"]
    office.record(Company(office.folder).played)
    assert reader.get("/acme/live").url.path == "/login"


def test_a_stream_keeps_nobody_logged_in(office: ServedConsole) -> None:
    """A page that looks by itself every ten minutes ends half an hour after it was asked for."""
    looks = count(step=600)
    office.console.sessions = Sessions(1800, lambda: next(looks))
    with closing(stream_of(office.browser("reader@acme"), "/acme/live")) as stream:
        lines = list(stream.iter_lines())
    assert [line for line in lines if line.startswith(("event", ":"))] == ["event: calls", ":", "event: over"]


def test_streams_of_one_account_are_few(office: ServedConsole) -> None:
    """One more than allowed is refused; one that ended makes room."""
    reader = office.browser("reader@acme")
    streams = [stream_of(reader, "/acme/live") for _ in range(live.PER_ACCOUNT)]
    coming = [events(stream) for stream in streams]
    assert [next(stream_events)["event"] for stream_events in coming] == ["calls"] * live.PER_ACCOUNT
    assert reader.get("/acme/live").status_code == 429
    for stream in streams:
        stream.close()


def test_one_thread_looks_for_all(office: ServedConsole) -> None:
    """However many watch a company."""
    earlier = set(threading.enumerate())  # one that looked for an earlier console may not have ended yet
    streams = [stream_of(office.browser(f"{role}@acme"), "/acme/live") for role in ("reader", "admin")]
    coming = [events(stream) for stream in streams]
    assert [next(thread)["id"] for thread in coming] == ["6", "6"]
    assert [thread.name for thread in set(threading.enumerate()) - earlier].count("live acme") == 1
    for stream in streams:
        stream.close()


def test_stream_ends_with_the_console(folder: Path) -> None:
    """It waits for nobody who watches."""
    lay_calls(folder)
    with served(folder) as office:
        stream = stream_of(Browser(office.address).log_in("reader@acme"), "/acme/live")
        coming = events(stream)
        next(coming)
    assert list(coming) == []


def test_whoever_is_behind_comes_again() -> None:
    """News that a browser has not read do not pile up: its stream ends, and the next one begins at its last
    record."""

    async def story() -> list[live.News]:
        subscriber = live.Subscriber("ada")
        for _ in range(live._QUEUE_LENGTH + 1):
            subscriber.put([])
        await asyncio.sleep(0)  # a turn of the loop
        return [await subscriber.next_news(1) for _ in range(live._QUEUE_LENGTH)]

    assert asyncio.run(story())[-1] is None
