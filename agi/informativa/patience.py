"""Work that may never end, as on a network folder that has stalled: nobody waits for it longer than a bound.

A read from a dead server cannot be interrupted, so it is made in a thread that is left behind then, and that
keeps no process from ending.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NoReturn, TypeVar

Result = TypeVar("Result")
_Job = Callable[[], None]


class Patience:
    """Does one thing after the other, none for longer than so many `seconds`. For one thread at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._jobs: SimpleQueue[_Job | None] | None = None

    def do(self, work: Callable[[], Result]) -> Result:
        """What `work` gives. Raises whatever it raises, and TimeoutError when the time is over: it may still
        go on then."""
        done: SimpleQueue[Callable[[], Result]] = SimpleQueue()

        def job() -> None:
            try:
                result = work()
            except BaseException as error:
                done.put(_raising(error))
            else:
                done.put(lambda: result)

        if self._jobs is None:
            self._jobs = SimpleQueue()
            threading.Thread(target=_work, args=(self._jobs,), name="files", daemon=True).start()
        self._jobs.put(job)
        try:
            outcome = done.get(timeout=self._seconds)
        except Empty:
            self.close()
            raise TimeoutError from None
        return outcome()

    def close(self) -> None:
        """Let the thread end when it has nothing left to do. Closing twice is harmless."""
        jobs, self._jobs = self._jobs, None
        if jobs is not None:
            jobs.put(None)


def _work(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        job()


def _raising(error: BaseException) -> Callable[[], NoReturn]:
    def again() -> NoReturn:
        raise error

    return again
