"""The reason why calls get no answer from the shared database: what is asked for it, logged and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from informativa.model import SharedDatabase
from informativa.model.errors import DefectError, SharedDatabaseError
from informativa.sharing import call_troubles
from informativa.sharing.call_troubles import CallTroubles
from lab.ports import free_port
from sharing.conftest import ACME

FAILED = "calls are not told what other boxes know"


class Threads:
    """Threads whose work waits until a test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], object]] = []

    def start(self, work: Callable[[], object]) -> None:
        """Take some work."""
        self.waiting.append(work)

    def run(self) -> None:
        """Do all that waits."""
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    """The threads in which reasons are found out."""
    made = Threads()
    monkeypatch.setattr(call_troubles, "start_apart", made.start)
    return made


def troubles(*hosts: str) -> CallTroubles:
    """The troubles of calls with a database on these hosts, which wait 30 ms for it."""
    return CallTroubles(SharedDatabase(hosts, "meeting", "pbx-1", seconds=0.03))


def of_failures(events: list[Any]) -> list[tuple[str, str]]:
    """The database and the error of each failure that was logged."""
    return [(event["database"], event["error"]) for event in events if event["event"] == FAILED]


def test_the_servers_reason_is_asked_for_where_the_failure_has_none(threads: Threads) -> None:
    """libpq has no SQLSTATE for a connection that did not come about, and a call that waited in vain has
    not even that."""
    address = f"127.0.0.1:{free_port()}"
    failures = SharedDatabaseError("libpq's words"), SharedDatabaseError("", state="57014"), TimeoutError()
    for error in failures:
        calls = troubles(address)
        with capture_logs() as events:
            calls.learn(ACME, error)
            assert (calls.error, events) == (None, [])
            threads.run()
        assert isinstance(calls.error, SharedDatabaseError)
        assert calls.error.state == "refused"
        ((database, logged),) = of_failures(events)
        assert database == "meeting"
        assert f"{address}: nothing takes connections there" in logged


def test_a_failure_that_has_a_reason_is_told_as_it_is(threads: Threads) -> None:
    """The server itself said it over a connection that stood; nobody is asked once more."""
    calls, error = troubles("127.0.0.1:1"), SharedDatabaseError("Its disk is full.", state="53100")
    calls.learn(ACME, error)
    threads.run()
    assert calls.error is error


def test_a_database_that_is_only_slow_is_told_apart(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes this box's writes, and answers no call in time: by the call's clock, or by the server's."""
    monkeypatch.setattr(call_troubles, "server_refusal", lambda *_of: None)
    for error in (TimeoutError(), SharedDatabaseError("cancelled", state="57014")):
        calls = troubles("db1:5432", "db2:5432")
        calls.learn(ACME, error)
        threads.run()
        assert str(calls.error) == (
            "The shared database meeting on db1:5432, db2:5432 does not answer calls within 30 ms."
            " See how busy it is. If it is far away, let calls wait longer for it: shared.milliseconds"
        )
    calls, error = troubles("db1:5432"), SharedDatabaseError("It broke.")
    calls.learn(ACME, error)
    threads.run()
    assert calls.error is error


def test_what_nobody_foresaw_is_logged_with_its_traceback(
    threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the question failed so, or the search for the reason did."""

    def broken(*_of: object) -> None:
        raise ValueError("of the search")

    monkeypatch.setattr(call_troubles, "server_refusal", broken)
    for error, kind in ((KeyError("of the question"), "KeyError"), (TimeoutError(), "ValueError")):
        calls = troubles("db1:5432")
        with capture_logs() as events:
            calls.learn(ACME, error)
            threads.run()
        assert isinstance(calls.error, DefectError)
        assert calls.error.kind == kind
        assert type(events[0]["exc_info"]).__name__ == kind


def test_the_same_trouble_is_logged_once_until_a_call_gets_an_answer(threads: Threads) -> None:
    """Then that is logged too, once, and a reason that is found out after it counts no more."""
    calls, full, failure = troubles("db1:5432"), *(SharedDatabaseError(text, state="53100") for text in "fg")
    with capture_logs() as events:
        for error in (full, full, failure):
            calls.learn(ACME, error)
        threads.run()
        calls.learn(ACME, full)
        for _answer in range(2):
            calls.over()
        threads.run()
        assert calls.error is None
        calls.learn(ACME, failure)
        threads.run()
    assert calls.error is failure
    assert of_failures(events) == [("meeting", "f"), ("meeting", "g"), ("meeting", "g")]
    again = [event for event in events if event["event"] != FAILED]
    assert again == [
        {"event": "calls are told again what other boxes know", "log_level": "info", "database": "meeting"}
    ]
    assert all(event["exc_info"] is None for event in events if event["event"] == FAILED)


def test_where_no_thread_can_be_started_the_next_failure_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine out of threads is no trouble more for the call."""
    calls, error = troubles("db1:5432"), SharedDatabaseError("full", state="53100")
    for refusal in (RuntimeError("can't start new thread"), MemoryError()):

        def none(_work: object, refusal: Exception = refusal) -> None:
            raise refusal

        monkeypatch.setattr(call_troubles, "start_apart", none)
        calls.learn(ACME, error)
    assert calls.error is None
    monkeypatch.setattr(call_troubles, "start_apart", lambda work: work())
    calls.learn(ACME, error)
    assert calls.error is error
