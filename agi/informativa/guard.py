"""What keeps a slow or broken system from holding calls: threads, a time limit, a breaker.

A driver may hang for minutes, and not every one can be interrupted. So it is asked in a thread that nobody
waits for longer than the time limit; the question is cut off then where that is possible, which frees the
thread; and after some failures in a row the system is left in peace for a while, so that calls do not wait in
vain, until one call tries again.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, TypeVar

THREADS = 4  # at most that many questions at a time are under way at one system …
WAITING = 16  # … and so many more may wait their turn: beyond that nobody gets an answer in time
ABANDONED = 32  # threads at most that may hang in a driver, over all the times that it broke
FAILURES = 3  # in a row, after which it is not asked
PAUSE_SECONDS = 30.0

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
Question = Callable[[Asked], Answer]
Wait = Callable[["Future[Any]", float], Awaitable[Any]]
_Job = list[tuple[Asked, "Future[Answer]"]]


async def suspend(future: Future[Answer], seconds: float) -> Answer:
    """Wait in an event loop. Raises TimeoutError."""
    import asyncio  # not for a script

    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)


async def block(future: Future[Answer], seconds: float) -> Answer:
    """Wait in a process that has one call only. Raises TimeoutError."""
    return future.result(seconds)


class Guard(Generic[Asked, Answer]):
    """Asks one system. `opened` makes the question that one thread asks; one that has a method `cut` is cut
    off by it when nobody waits any more."""

    def __init__(
        self,
        name: str,
        opened: Callable[[], Question[Asked, Answer]],
        seconds: float,
        wait: Wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._opened, self._seconds = name, opened, seconds
        self._wait, self._monotonic = wait, monotonic
        self._jobs: queue.SimpleQueue[_Job[Asked, Answer] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._alive: list[threading.Thread] = []
        self._waited_for: dict[Future[Answer], Question[Asked, Answer] | None] = {}  # what is asked for it
        self._cutting = threading.Lock()  # what is over must not be cut off: the next may be asked by it
        self._threads = self._asking = self._failures = 0
        self._paused_until = 0.0

    @property
    def paused(self) -> bool:
        """Whether it is left in peace: nobody waits for it."""
        return self._monotonic() < self._paused_until

    async def ask(self, asked: Asked) -> Answer | None:
        """What it answers; `None` if it is not asked now, because it is paused or busy. Raises TimeoutError,
        and whatever the question raises: each counts as a failure."""
        if not self._may_ask():
            return None
        try:
            answer = await self._answer(asked)
        except Exception:
            self._failed()
            raise
        self._failures, self._paused_until = 0, 0.0
        return answer

    def close(self) -> None:
        """Let go of it when what is being asked was answered. Closing twice is harmless."""
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

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._paused_until = self._monotonic() + PAUSE_SECONDS
            self._replace_threads()

    def _replace_threads(self) -> None:
        """Threads may hang in the driver for ever: leave them behind, while they are not too many."""
        self._alive = [thread for thread in self._alive if thread.is_alive()]
        if len(self._alive) <= ABANDONED - THREADS:
            self.close()
            self._jobs, self._idle, self._threads = queue.SimpleQueue(), threading.Semaphore(0), 0

    async def _answer(self, asked: Asked) -> Answer:
        future: Future[Answer] = Future()
        job = [(asked, future)]
        self._waited_for[future] = None
        self._jobs.put(job)
        self._asking += 1
        try:
            if not self._idle.acquire(blocking=False) and self._threads < THREADS:
                self._start()
            answer: Answer = await self._wait(future, self._seconds)
            return answer
        finally:
            job.clear()  # nobody keeps what is not asked about any more
            future.cancel()  # who still waits for its turn need not be asked about any more
            self._give_up(future)
            self._asking -= 1

    def _start(self) -> None:
        """One thread more. Raises RuntimeError where the system gives none; the next question tries again."""
        arguments = (self._jobs, self._idle)
        thread = threading.Thread(target=self._work, args=arguments, name=self._name, daemon=True)
        thread.start()
        self._alive.append(thread)
        self._threads += 1

    def _give_up(self, future: Future[Answer]) -> None:
        """Wait no more, and cut off what is being asked, if it knows how."""
        with self._cutting:
            question = self._waited_for.pop(future, None)
            if cut := getattr(question, "cut", None):
                cut()

    def _asks(self, future: Future[Answer], question: Question[Asked, Answer] | None) -> bool:
        """That this is being asked for it, or no more; whether somebody still waits."""
        with self._cutting:
            if waited_for := future in self._waited_for:
                self._waited_for[future] = question
            return waited_for

    def _work(self, jobs: queue.SimpleQueue[_Job[Asked, Answer] | None], idle: threading.Semaphore) -> None:
        question: Question[Asked, Answer] | None = None
        while True:
            job = _next(jobs, idle)
            if job is None:
                return
            try:
                asked, future = job.pop()
            except IndexError:  # given up
                continue
            if not future.set_running_or_notify_cancel():
                continue
            settle: Callable[[], None]
            try:
                question = question or self._opened()
                if not self._asks(future, question):  # what was to be opened took all the time
                    raise TimeoutError
                settle = partial(future.set_result, question(asked))
            except Exception as error:  # whatever it is, it is the waiting call's to report
                settle = partial(future.set_exception, error)
            except BaseException as error:  # a driver's exit or panic would end the service's loop
                settle = partial(future.set_exception, RuntimeError(type(error).__name__))
            if not self._asks(future, None):  # it may have been cut off, and is of no more use
                question = None
            settle()


def _next(
    jobs: queue.SimpleQueue[_Job[Asked, Answer] | None], idle: threading.Semaphore
) -> _Job[Asked, Answer] | None:
    with contextlib.suppress(queue.Empty):
        return jobs.get_nowait()
    idle.release()
    return jobs.get()
