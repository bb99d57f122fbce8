"""The desk at which calls of all companies ask one database: its time limit, its threads, its connections."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, cast

import pytest

from examples import ONE
from informativa.model import Controller, SharedDatabase
from informativa.model.errors import SharedDatabaseError
from informativa.sharing.call_troubles import CallTroubles
from informativa.sharing.connection import Connection
from informativa.sharing.question_desk import QuestionDesk
from lab.ports import free_port
from sharing.conftest import ACME


class Waiter:
    """A call that waits for as long as it takes, and notes the time limit and the threads at work."""

    def __init__(self) -> None:
        self.limits: list[float] = []
        self.threads: set[str] = set()

    async def __call__(self, future: Future[Any], seconds: float) -> Any:
        """Wait for the answer."""
        self.limits.append(seconds)
        self.threads |= {thread.name for thread in threading.enumerate()}
        return future.result(60)


class IdleConnection:
    """A connection that nobody uses."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        """Close it."""
        self.closed = True


class Desk:
    """A desk of a database that is away, with a clock that stands still."""

    def __init__(self) -> None:
        self.now, self.waiter = 0.0, Waiter()
        database = SharedDatabase((f"127.0.0.1:{free_port()}",), "meeting", "pbx-1", seconds=1.25)
        self.desk = QuestionDesk(database, self.waiter, lambda: self.now)


@pytest.fixture
def away() -> Iterator[Desk]:
    """A desk of a database that is away."""
    made = Desk()
    yield made
    made.desk.close()


def test_call_waits_as_long_as_the_database_may_take(away: Desk) -> None:
    """A thread asks, which has the database's name for whoever looks at the process; a database that is away
    is an error of the call's, and after three of them nobody asks."""
    for _call in range(3):
        with pytest.raises(SharedDatabaseError):
            asyncio.run(away.desk.guard.ask((ACME, [ONE])))
    assert away.waiter.limits == [1.25] * 3
    assert "shared database meeting" in away.waiter.threads
    assert asyncio.run(away.desk.guard.ask((ACME, [ONE]))) is None
    away.now = 31.0
    assert not away.desk.guard.paused


def test_no_failure_of_a_question_is_the_calls_failure(away: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a database that is away nor a machine out of threads: there is no answer then. The reason is
    found out once the database is left in peace, and forgotten with the next answer."""
    learnt: list[tuple[Controller, type]] = []

    def learn(_troubles: CallTroubles, controller: Controller, error: Exception) -> None:
        learnt.append((controller, type(error)))
        _troubles.error = SharedDatabaseError("away")

    def no_thread() -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(CallTroubles, "learn", learn)
    monkeypatch.setattr(away.desk.guard, "_start_thread", no_thread)
    assert asyncio.run(away.desk.ask((ACME, [ONE]))) is None
    monkeypatch.undo()
    monkeypatch.setattr(CallTroubles, "learn", learn)
    assert asyncio.run(away.desk.ask((ACME, [ONE]))) is None
    assert (learnt, away.desk.trouble) == ([], None)
    for _call in range(3):
        assert asyncio.run(away.desk.ask((ACME, [ONE]))) is None
    assert learnt == [(ACME, SharedDatabaseError)]
    assert str(away.desk.trouble) == "away"
    troubles, away.now = away.desk._troubles, 31.0
    assert asyncio.run(away.desk.ask((ACME, [ONE]))) is None
    assert (len(learnt), away.desk._troubles) == (2, troubles)

    async def answers(_subject: object) -> list[tuple[int]]:
        return []

    monkeypatch.setattr(away.desk.guard, "ask", answers)
    assert asyncio.run(away.desk.ask((ACME, [ONE]))) == []
    assert away.desk.trouble is None


def test_connection_that_cannot_be_made_ahead_is_no_error(away: Desk) -> None:
    """The idle ones are closed, since they lead to where the database was; and no call has failed by it."""
    idle = IdleConnection()
    away.desk.idle.give_back(1.0, cast("Connection", idle))
    for _try in range(4):
        away.desk.connect_ahead(ACME)
    assert idle.closed
    assert not away.desk.guard.paused


def test_idle_connection_is_used_for_ten_minutes(away: Desk) -> None:
    """By the desk's clock; then there may be another server behind the name."""
    first, second = cast("Connection", IdleConnection()), cast("Connection", IdleConnection())
    expiry, connection = away.desk.idle.take(lambda: first)
    assert (expiry, connection) == (600.0, first)
    away.desk.idle.give_back(expiry, connection)
    away.now = 599.0
    assert away.desk.idle.take(lambda: second) == (600.0, first)
    away.desk.idle.give_back(600.0, first)
    away.now = 600.0
    assert away.desk.idle.take(lambda: second) == (1200.0, second)
    assert first.closed
    away.desk.idle.give_back(1200.0, second)
    away.desk.close()
    assert second.closed
