"""Bounds for work that may never end, as on a network folder that has stalled: nobody waits for it longer.

A read from a dead server cannot be interrupted, so it is made in a thread that is left behind then, and that
keeps no process from ending. A thread whose work is done takes other work, and ends when there is none for a
while. (ThreadPoolExecutor has a bound, which so many dead servers could use up, and keeps a process from
ending until all its work is done.)
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future, wait
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..model.errors import DefectError, InformativaError
from ..model.text import Foreign, Text

Item = TypeVar("Item")
Key = TypeVar("Key")
Result = TypeVar("Result")

SOON_SECONDS = 0.1  # mostly enough for one company's work; then the next one's begins beside it
SPARE_SECONDS = 5.0  # for which a thread without work waits for some

Work = Callable[[], object]


class ThreadCache:
    """Threads for work that may never end. An idle one takes the work, the last that became idle first, and
    another is started only where none is idle: work never waits for other work."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = seconds
        self._idle: list[queue.SimpleQueue[Work]] = []  # of each idle thread, by which it gets work
        self._lock = threading.Lock()

    def start(self, work: Work) -> None:
        """Start some work, which must raise nothing. Raises RuntimeError, or MemoryError, where the system
        gives no thread."""
        with self._lock:
            inbox = self._idle.pop() if self._idle else None
        if inbox is not None:
            inbox.put(work)
            return
        inbox = queue.SimpleQueue()
        inbox.put(work)  # not as the thread's argument, which would live as long as the thread
        threading.Thread(target=self._run, args=(inbox,), name="may stall", daemon=True).start()

    def forget(self) -> None:
        """Forget all threads, in a process that was forked from theirs."""
        self._idle, self._lock = [], threading.Lock()

    def _run(self, inbox: queue.SimpleQueue[Work]) -> None:
        work: Work | None = inbox.get()
        while work is not None:
            work()
            work = None  # or its objects would live on while the thread is idle
            with self._lock:
                self._idle.append(inbox)
            work = self._next(inbox)

    def _next(self, inbox: queue.SimpleQueue[Work]) -> Work | None:
        """Return the next work of a thread; `None` if there is none for so long that it ends."""
        try:
            return inbox.get(timeout=self._seconds or SPARE_SECONDS)
        except queue.Empty:
            with self._lock:
                if inbox in self._idle:
                    self._idle.remove(inbox)
                    return None
            return inbox.get()  # which comes, for `start` has taken this thread


_threads = ThreadCache()
os.register_at_fork(after_in_child=_threads.forget)


def start_apart(work: Work) -> None:
    """Start some work beside all other, in a thread of this process, without a result. It must raise nothing.
    Raises RuntimeError, or MemoryError, where the system gives no thread."""
    _threads.start(work)


def start_in_thread(work: Callable[[], Result]) -> Future[Result]:
    """Start some work beside all other. Raises RuntimeError where the system gives no thread."""
    future: Future[Result] = Future()
    future.set_running_or_notify_cancel()  # nobody can cancel it
    start_apart(partial(complete, future, work))
    return future


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Do some work, and wait for it no longer than that. Raises its exceptions, and TimeoutError when the
    time is over: the work may still go on then."""
    return start_in_thread(work).result(seconds)


async def in_thread(work: Callable[..., Result], *arguments: object) -> Result:
    """Do some work beside an event loop, which does not wait for it when it closes, as it would for a thread
    of asyncio's own. Raises the work's exceptions."""
    return await asyncio.wrap_future(start_in_thread(partial(work, *arguments)))


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine in an event loop of its own, as `asyncio.run`, and return its result. That has a text
    made of the result, which nobody reads (its handler of SIGINT names the task, and the module `signal`
    describes the handler): for the settings of 300 companies that takes half a second."""
    results = list[Result]()

    async def take() -> None:
        results.append(await work)

    asyncio.run(take())
    return results[0]


def of_each(works: Mapping[Key, Callable[[], Result]], seconds: float) -> dict[Key, Result | Exception]:
    """Do the work of each company, and wait for all no longer than that. Return the result of each, or its
    exception, or TimeoutError where it may still go on. No work waits for one that takes long, or ends with
    it (I10)."""
    futures: dict[Key, Future[Result]] = {key: Future() for key in works}
    _in_turn(deque(partial(complete, future, works[key]) for key, future in futures.items()))
    wait(futures.values(), seconds)
    return _outcomes(futures)


def of_each_by(
    deadline: float, works: Mapping[Key, Callable[[], Result]], threads: int
) -> dict[Key, Result | Exception]:
    """Do the work of each company, so many at a time, until `time.monotonic()` is at the deadline. Return the
    result of each, or its exception, or TimeoutError where it did not end by then, or did not begin."""
    futures: dict[Key, Future[Result]] = {key: Future() for key in works}
    waiting = deque((future, works[key]) for key, future in futures.items())
    _work_off(waiting, threads)
    wait(futures.values(), max(0.0, deadline - time.monotonic()))
    waiting.clear()
    return _outcomes(futures)


def some_at_a_time(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> list[Result]:
    """Do the work for all items, some at a time, and return the results in the order of the items. Raises the
    first exception when all is done. Unlike an executor's threads, these keep no process from ending."""
    jobs: list[tuple[Future[Result], Callable[[], Result]]] = [
        (Future(), partial(work, item)) for item in items
    ]
    _work_off(deque(jobs), threads)
    futures = [future for future, _work in jobs]
    wait(futures)
    return [future.result() for future in futures]


class Rounds(Generic[Key]):
    """Rounds of works that raise nothing, one work after the other. Where one takes long, the next are done
    beside it (I10), and it is left out of later rounds until it has ended."""

    def __init__(self) -> None:
        self._running = set[Key]()

    def make(self, works: Mapping[Key, Work]) -> None:
        """Make one round, and return when all is done or takes long. Raises RuntimeError, or MemoryError,
        where the system gives no thread."""
        keys = [key for key in works if key not in self._running]
        _in_turn(deque(partial(self._run, key, works[key]) for key in keys))

    def _run(self, key: Key, work: Work) -> None:
        self._running.add(key)
        try:
            work()
        finally:
            self._running.discard(key)


def failure(error: Exception, place: str | Path, seconds: float) -> Text:
    """Return the message for an exception of `of_each` with something at a place, and the remedy."""
    if isinstance(error, TimeoutError):
        return stalled(place, seconds)
    if isinstance(error, OSError):
        return Text(
            "{file} cannot be read ({why})",
            "run this as a user who may",
            file=error.filename or place,
            why=Foreign(error.strerror or ""),
        )
    return error.text if isinstance(error, InformativaError) else DefectError(error).text


def defect(error: Exception) -> Exception | None:
    """Return an error that nobody foresaw, for the log; `None` for one of ours or of the system's."""
    return None if isinstance(error, (InformativaError, OSError)) else error


def stalled(place: str | Path, seconds: float) -> Text:
    """Return the message for a file or folder that could not be read in time, and the remedy."""
    return Text(
        "{file} cannot be read within {seconds:.0f} s",
        "look at the disk or the network folder that it lies on",
        file=place,
        seconds=seconds,
    )


def _in_turn(waiting: deque[Work]) -> None:
    """Do works that wait, one after the other, which is quicker than all at once. Where one takes long, the
    next are done beside it (I10). Return when all are done or take long."""

    def work_off(over: threading.Event) -> None:
        while not over.is_set():
            try:
                work = waiting.popleft()
            except IndexError:
                over.set()
            else:
                work()

    while waiting:
        over, left = threading.Event(), -1
        start_apart(partial(work_off, over))
        while not over.wait(SOON_SECONDS) and len(waiting) != left:
            left = len(waiting)
        over.set()


def _work_off(waiting: deque[tuple[Future[Result], Callable[[], Result]]], threads: int) -> None:
    """Start so many threads, at most one for each work that waits, which do one after the other."""

    def work_off() -> None:
        while waiting:
            complete(*waiting.popleft())  # an IndexError, where another took the last one, ends it

    for _ in range(min(threads, len(waiting))):
        start_in_thread(work_off)


def _outcomes(futures: Mapping[Key, Future[Result]]) -> dict[Key, Result | Exception]:
    """Return the results, or exceptions in their place; TimeoutError where there is none yet."""
    outcomes: dict[Key, Result | Exception] = {}
    for key, future in futures.items():
        error = future.exception() if future.done() else TimeoutError()
        outcomes[key] = error if isinstance(error, Exception) else future.result()
    return outcomes


def complete(future: Future[Result], work: Callable[[], Result]) -> None:
    """Do some work, and give the future its result, or its exception."""
    try:
        result = work()
    except BaseException as error:  # for the thread that waits
        future.set_exception(error)
    else:
        future.set_result(result)
