"""Protection of calls from a slow or broken system: threads, a time limit, a breaker.

A driver may hang for minutes, and not every one can be interrupted. So it is asked in a thread that nobody
waits for longer than the time limit; the question is cut off then where that is possible, which frees the
thread; and after some failures in a row the system is not asked for a while, so that calls do not wait in
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
FAILURES = 3  # in a row, after which the system is not asked
PAUSE_SECONDS = 30.0

Subject = TypeVar("Subject")
Answer = TypeVar("Answer")
Question = Callable[[Subject], Answer]
Wait = Callable[["Future[Any]", float], Awaitable[Any]]
_Job = list[tuple[Subject, "Future[Answer]"]]


async def suspend(future: Future[Answer], seconds: float) -> Answer:
    """Wait in an event loop. Raises TimeoutError."""
    import asyncio  # not for a script

    return await asyncio.wait_for(asyncio.wrap_future(future), seconds)


async def block(future: Future[Answer], seconds: float) -> Answer:
    """Wait in a process that has one call only. Raises TimeoutError."""
    return future.result(seconds)


class Guard(Generic[Subject, Answer]):
    """A guard for the questions to one system. `opened` makes the question that one thread asks. If a
    question has a method `cut`, it is called when nobody waits any more."""

    def __init__(
        self,
        name: str,
        opened: Callable[[], Question[Subject, Answer]],
        seconds: float,
        wait: Wait,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._opened, self._seconds = name, opened, seconds
        self._wait, self._monotonic = wait, monotonic
        self._jobs: queue.SimpleQueue[_Job[Subject, Answer] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._alive: list[threading.Thread] = []
        self._questions: dict[Future[Answer], Question[Subject, Answer] | None] = {}  # of those waited for
        self._cutting = threading.Lock()  # a finished question must not be cut off: it may be asked again
        self._threads = self._asking = self._failures = 0
        self._paused_until = 0.0

    @property
    def paused(self) -> bool:
        """Return whether the system is paused: nobody asks it."""
        return self._monotonic() < self._paused_until

    async def ask(self, subject: Subject) -> Answer | None:
        """Return the answer; `None` if the system is not asked now, because it is paused or busy. Raises
        TimeoutError, and any exception of the question: each counts as a failure."""
        if not self._may_ask():
            return None
        try:
            answer = await self._wait_for_answer(subject)
        except Exception:
            self._count_failure()
            raise
        self._failures, self._paused_until = 0, 0.0
        return answer

    def close(self) -> None:
        """End the threads once they have answered. Closing twice is harmless."""
        for _thread in range(THREADS):
            self._jobs.put(None)

    def _may_ask(self) -> bool:
        """Return whether the system is neither paused nor busy. After a pause one call tries."""
        now = self._monotonic()
        if now < self._paused_until or self._asking >= THREADS + WAITING:
            return False
        if self._failures >= FAILURES:
            self._paused_until = now + PAUSE_SECONDS
        return True

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES:
            self._paused_until = self._monotonic() + PAUSE_SECONDS
            self._replace_threads()

    def _replace_threads(self) -> None:
        """Leave behind threads that may hang in the driver for ever, as long as they are not too many."""
        self._alive = [thread for thread in self._alive if thread.is_alive()]
        if len(self._alive) <= ABANDONED - THREADS:
            self.close()
            self._jobs, self._idle, self._threads = queue.SimpleQueue(), threading.Semaphore(0), 0

    async def _wait_for_answer(self, subject: Subject) -> Answer:
        future: Future[Answer] = Future()
        job = [(subject, future)]
        self._questions[future] = None
        self._jobs.put(job)
        self._asking += 1
        try:
            if not self._idle.acquire(blocking=False) and self._threads < THREADS:
                self._start_thread()
            answer: Answer = await self._wait(future, self._seconds)
            return answer
        finally:
            job.clear()  # so that the subject is not kept any longer
            future.cancel()  # a job that still waits for its turn is not done any more
            self._give_up(future)
            self._asking -= 1

    def _start_thread(self) -> None:
        """Start one thread more. Raises RuntimeError where the system gives none; the next question tries
        again."""
        arguments = (self._jobs, self._idle)
        thread = threading.Thread(target=self._work, args=arguments, name=self._name, daemon=True)
        thread.start()
        self._alive.append(thread)
        self._threads += 1

    def _give_up(self, future: Future[Answer]) -> None:
        """Stop waiting, and cut off the question, if it has a `cut`."""
        with self._cutting:
            question = self._questions.pop(future, None)
            if cut := getattr(question, "cut", None):
                cut()

    def _set_question(self, future: Future[Answer], question: Question[Subject, Answer] | None) -> bool:
        """Note the question that is asked for this future, or none. Return whether somebody still waits for
        it."""
        with self._cutting:
            if still_wanted := future in self._questions:
                self._questions[future] = question
            return still_wanted

    def _work(self, jobs: queue.SimpleQueue[_Job[Subject, Answer] | None], idle: threading.Semaphore) -> None:
        question: Question[Subject, Answer] | None = None
        while True:
            job = _next(jobs, idle)
            if job is None:
                return
            try:
                subject, future = job.pop()
            except IndexError:  # given up
                continue
            if not future.set_running_or_notify_cancel():
                continue
            settle: Callable[[], None]
            try:
                question = question or self._opened()
                if not self._set_question(future, question):  # to open it took all the time
                    raise TimeoutError
                settle = partial(future.set_result, question(subject))
            except Exception as error:  # whatever it is, it is the waiting call's to report
                settle = partial(future.set_exception, error)
            except BaseException as error:  # a driver's exit or panic would end the service's loop
                settle = partial(future.set_exception, RuntimeError(type(error).__name__))
            if not self._set_question(future, None):  # it may have been cut off: do not use it again
                question = None
            settle()


def _next(
    jobs: queue.SimpleQueue[_Job[Subject, Answer] | None], idle: threading.Semaphore
) -> _Job[Subject, Answer] | None:
    with contextlib.suppress(queue.Empty):
        return jobs.get_nowait()
    idle.release()
    return jobs.get()
