"""Turns at one kind of work beside the calls, one company's after the other's. A company whose work hangs or
fails neither holds nor ends the work of others (I10)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

Result = TypeVar("Result")
TURN_SECONDS = 10.0  # after which the next company's work begins

log = structlog.get_logger("informativa")


class OnceLogged:
    """A log of errors that repeat: each is logged once for as long as it lasts."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._logged: dict[str, str] = {}

    def tell(self, subject: str, **facts: Any) -> None:
        """Log the error of a subject, a company say, unless it is the same as before."""
        if self._logged.get(subject) != repr(facts):
            self._logged[subject] = repr(facts)
            log.error(self._event, **facts)

    def over(self, subject: str) -> None:
        """Forget the error of a subject: the work succeeded."""
        self._logged.pop(subject, None)


class Turns:
    """The turns of companies at one kind of work, which the log calls by that name.

    Work that goes on after its turn does so beside that of the next ones, and is not begun a second time.
    """

    def __init__(self, work: str, seconds: float | None = None) -> None:
        self._work, self._seconds = work, seconds
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._defects = OnceLogged("a defect of informativa")

    async def take(self, company: str, work: Callable[[], Coroutine[Any, Any, Result]]) -> Result | None:
        """Do a company's work. Return `None` where it goes on, or fails in an unforeseen way, which is then
        logged."""
        if company in self._running:
            return None
        task = self._running[company] = asyncio.create_task(self._run_and_log(company, work))
        task.add_done_callback(lambda _task: self._running.pop(company))
        await asyncio.wait({task}, timeout=self._seconds or TURN_SECONDS)
        if task.done():
            result: Result | None = task.result()
            return result
        log.warning("work for a company takes long: others do not wait", controller=company, work=self._work)
        return None

    async def over(self, company: str) -> None:
        """Wait for the end of a company's work, if it goes on."""
        if company in self._running:
            await asyncio.wait({self._running[company]})

    async def _run_and_log(
        self, company: str, work: Callable[[], Coroutine[Any, Any, Result]]
    ) -> Result | None:
        try:
            result = await work()
        except Exception as error:
            self._defects.tell(company, controller=company, work=self._work, exc_info=error)
            return None
        self._defects.over(company)
        return result
