"""What keeps a controller's slow or broken system from holding calls: threads, a time limit, a breaker.

A driver may hang for minutes, and not every one can be interrupted. So it is asked in a thread that nobody
waits for longer than the look-up's time limit; the question is cut off then where that is possible, which
frees the thread; and after some failures in a row the system is left in peace for a while, so that calls do
not wait in vain, until one call tries again.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, tzinfo
from typing import Any

from ..errors import LookupSourceError
from ..model import Identified, Lookup, Notice, Period, ReportedDelivery
from ..ports import Clock
from ..text import NOTHING, Text, joined
from .answers import parse_answer

THREADS = 4  # at most that many questions at a time are under way at one system …
WAITING = 16  # … and so many more may wait their turn: beyond that nobody gets an answer in time
ABANDONED = 32  # threads at most that may hang in a driver, over all the times that it broke
FAILURES = 3  # in a row, after which it is not asked
PAUSE_SECONDS = 30.0

Answers = Sequence[Mapping[str, Any]]
Question = Callable[[Identified], Answers]
_Job = list[tuple[Identified, "Future[Answers]"]]
Wait = Callable[["Future[Answers]", float], Awaitable[Answers]]


async def suspend(future: Future[Answers], seconds: float) -> Answers:
    """Wait in an event loop. Raises TimeoutError."""
    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)


async def block(future: Future[Answers], seconds: float) -> Answers:
    """Wait in a process that has one call only. Raises TimeoutError."""
    return future.result(seconds)


class GuardedLookup:
    """The `LookupSource` for one look-up. `opened` makes the question that one thread asks."""

    def __init__(
        self,
        lookup: Lookup,
        notice: Notice,
        opened: Callable[[Lookup], Question],
        wait: Wait,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        retention: Period | None = None,
        zone: tzinfo = UTC,
    ) -> None:
        self._lookup, self._notice, self._opened = lookup, notice, opened
        self._wait, self._clock, self._monotonic = wait, clock, monotonic
        self._retention, self._zone = retention, zone
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._alive: list[threading.Thread] = []
        self._waited_for: dict[Future[Answers], Question | None] = {}  # and what is being asked for it
        self._cutting = threading.Lock()  # what is over must not be cut off: the next may be asked by it
        self._threads = self._asking = self._failures = 0
        self._paused_until = 0.0

    async def ask(self, caller: Identified) -> ReportedDelivery | None:
        """As the port says. Asked only about the kind of number that the look-up knows."""
        knows_customers = "{customer}" in self._lookup.question
        if caller.customer != knows_customers or not self._may_ask():
            return None
        try:
            answer = await self._answer(caller)
        except LookupSourceError as error:
            raise LookupSourceError(joined("", error.text, self._failed())) from error
        except TimeoutError:
            said = Text(
                "The look-up {id} did not answer within {milliseconds:.0f} ms.",
                id=self._lookup.id,
                milliseconds=self._lookup.seconds * 1000,
            )
            raise LookupSourceError(joined("", said, self._failed())) from None
        except Exception as error:  # a driver's own; its text may quote the number, so its name has to do
            said = Text("The look-up {id} failed ({kind}).", id=self._lookup.id, kind=type(error).__name__)
            raise LookupSourceError(joined("", said, self._failed())) from None
        self._failures, self._paused_until = 0, 0.0
        now = self._clock.now()
        return parse_answer(answer, caller, self._lookup, self._notice, now, self._retention, self._zone)

    def close(self) -> None:
        for _thread in range(THREADS):
            self._jobs.put(None)

    def _may_ask(self) -> bool:
        """Whether it is not paused and not busy. After a pause one call tries."""
        now = self._monotonic()
        if now < self._paused_until or self._asking >= THREADS + WAITING:
            return False
        if self._failures >= FAILURES:
            self._paused_until = now + PAUSE_SECONDS
        return True

    def _failed(self) -> Text:
        """Count a failure; what to add to its message."""
        self._failures += 1
        if self._failures < FAILURES:
            return NOTHING
        self._paused_until = self._monotonic() + PAUSE_SECONDS
        self._replace_threads()
        return Text(
            " It is not asked for {seconds:.0f} s; who would be recognised by it hears the notice.",
            seconds=PAUSE_SECONDS,
        )

    def _replace_threads(self) -> None:
        """Threads may hang in the driver for ever: leave them behind, while they are not too many."""
        self._alive = [thread for thread in self._alive if thread.is_alive()]
        if len(self._alive) <= ABANDONED - THREADS:
            self.close()
            self._jobs, self._idle, self._threads = queue.SimpleQueue(), threading.Semaphore(0), 0

    async def _answer(self, caller: Identified) -> Answers:
        future: Future[Answers] = Future()
        job = [(caller, future)]
        self._waited_for[future] = None
        self._jobs.put(job)
        self._asking += 1
        try:
            if not self._idle.acquire(blocking=False) and self._threads < THREADS:
                self._start()
            return await self._wait(future, self._lookup.seconds)
        finally:
            job.clear()  # nobody keeps a number that is not asked about any more
            future.cancel()  # who still waits for its turn need not be asked about any more
            self._give_up(future)
            self._asking -= 1

    def _start(self) -> None:
        """One thread more. Raises RuntimeError where the system gives none; the next question tries again."""
        name = f"look-up {self._lookup.id}"
        thread = threading.Thread(target=self._work, args=(self._jobs, self._idle), name=name, daemon=True)
        thread.start()
        self._alive.append(thread)
        self._threads += 1

    def _give_up(self, future: Future[Answers]) -> None:
        """Wait no more, and cut off what is being asked, if it knows how."""
        with self._cutting:
            question = self._waited_for.pop(future, None)
            if cut := getattr(question, "cut", None):
                cut()

    def _asks(self, future: Future[Answers], question: Question | None) -> bool:
        """That this is being asked for it, or no more; whether somebody still waits."""
        with self._cutting:
            if waited_for := future in self._waited_for:
                self._waited_for[future] = question
            return waited_for

    def _work(self, jobs: queue.SimpleQueue[_Job | None], idle: threading.Semaphore) -> None:
        question: Question | None = None
        answer: Answers
        error: BaseException | None
        while True:
            job = _next(jobs, idle)
            if job is None:
                return
            try:
                caller, future = job.pop()
            except IndexError:  # given up
                continue
            if not future.set_running_or_notify_cancel():
                continue
            try:
                question = question or self._opened(self._lookup)
                if not self._asks(future, question):  # what was to be opened took all the time
                    raise TimeoutError
                answer, error = question(caller), None
            except Exception as failure:  # whatever it is, it is the waiting call's to report
                answer, error = [], failure
            except BaseException as failure:  # a driver's exit or panic would end the service's loop
                answer, error = [], RuntimeError(type(failure).__name__)
            if not self._asks(future, None):  # it may have been cut off, and is of no more use
                question = None
            if error is None:
                future.set_result(answer)
            else:
                future.set_exception(error)


def _next(jobs: queue.SimpleQueue[_Job | None], idle: threading.Semaphore) -> _Job | None:
    with contextlib.suppress(queue.Empty):
        return jobs.get_nowait()
    idle.release()
    return jobs.get()
