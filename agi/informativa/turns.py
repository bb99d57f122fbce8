"""Turns at one kind of work beside the calls, one company's after the other's: what hangs or fails for one
neither holds nor ends the others' (I10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

Result = TypeVar("Result")
TURN_SECONDS = 10.0  # for which one company's work may hold up the next one's

log = structlog.get_logger("informativa")


class OnceLogged:
    """Why something cannot be done, logged once for as long as it is so."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._known: dict[str, str] = {}

    def tell(self, what: str, **facts: Any) -> None:
        """It cannot be done now, of that company, say."""
        if self._known.get(what) != repr(facts):
            self._known[what] = repr(facts)
            log.error(self._event, **facts)

    def over(self, what: str) -> None:
        """It was done."""
        self._known.pop(what, None)


class Turns:
    """Gives each company its turn at one kind of work, which the log calls by that name.

    Work that goes on after its turn does so beside that of the next ones, and is not begun a second time.
    """

    def __init__(self, work: str) -> None:
        self._work = work
        self._going_on: dict[str, asyncio.Task[Any]] = {}
        self._defects = OnceLogged("a defect of informativa")

    async def take(self, company: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result | None:
        """Do a company's work; `None` where it goes on, or fails in a way that nobody foresaw, which the log
        has then."""
        if company in self._going_on:
            return None
        task = self._going_on[company] = asyncio.create_task(self._surviving(company, work))
        task.add_done_callback(lambda _done: self._going_on.pop(company))
        await asyncio.wait({task}, timeout=TURN_SECONDS)
        if task.done():
            result: Result | None = task.result()
            return result
        log.warning("work for a company takes long: others do not wait", controller=company, work=self._work)
        return None

    async def over(self, company: str) -> None:
        """Wait for the end of a company's work, if it goes on."""
        if company in self._going_on:
            await asyncio.wait({self._going_on[company]})

    async def _surviving(
        self, company: str, work: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Result | None:
        try:
            result = await work()
        except Exception as error:
            self._defects.tell(company, controller=company, work=self._work, exc_info=error)
            return None
        self._defects.over(company)
        return result
