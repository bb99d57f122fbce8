"""Many calls, one file: what comes together is done in one transaction, and a call that is alone in its own.

A commit waits for the disk, and waiting for it once for sixty calls costs what it costs for one. Statements
run on the event loop: each gives up the interpreter's lock, and in a thread would wait to have it again. So
does the commit where it was quick of late, since a thread's turn costs more than that. A slow one, and
whatever would wait for the disk or for another process, is the thread's. No transaction is open between
batches.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import structlog

from ..errors import EventRefusedError, LedgerError, LedgerSlowError
from ..model import Record
from ..ports import Ledger, LedgerTransaction, Result
from .ledger_file import BUSY_SECONDS
from .sqlite import SqliteStore

ANSWER_SECONDS = 2 * BUSY_SECONDS + 1.0  # a batch may wait once for the lock, and for one batch before it
TEND_SECONDS = 1.0  # from one look after the file to the next
QUICK_SECONDS = 0.001  # a commit that the event loop waits for; a disk that needs longer has the thread wait
COLD_SECONDS = 0.05  # statements that took longer waited for the disk: what follows is the thread's …
ASIDE_SECONDS = 1.0  # … for so long
_PUT_OFF_SECONDS = 0.005  # what the thread waits for a transaction to end that it may have to end itself

log = structlog.get_logger("informativa")

_Outcome = tuple[Any, LedgerError | None]


class _Job:
    """What one call waits for. `late`: it was told that it failed, and must not be recorded after all."""

    __slots__ = ("future", "late", "timer", "work")

    def __init__(self, work: Callable[[LedgerTransaction], Any], loop: asyncio.AbstractEventLoop) -> None:
        self.work = work
        self.future: asyncio.Future[Any] = loop.create_future()
        self.timer: asyncio.TimerHandle | None = None
        self.late = False

    def settle(self, outcome: _Outcome) -> None:
        """Tell the call, unless it has stopped waiting."""
        if self.timer is not None:
            self.timer.cancel()
        if not self.future.done():
            result, error = outcome
            if error is None:
                self.future.set_result(result)
            else:
                self.future.set_exception(error)

    def watch(self) -> None:
        """It may take a while: there is an end to the waiting."""
        if self.timer is None:
            self.timer = self.future.get_loop().call_later(ANSWER_SECONDS, self._tell_late)

    def _tell_late(self) -> None:
        self.late = True
        self.settle((None, LedgerSlowError(f"The ledger did not answer within {ANSWER_SECONDS:.0f} s.")))


_Answer = Callable[[Sequence[_Job], Sequence[_Outcome]], None]


class GroupCommitLedger(Ledger):
    """The `Ledger` of a service: any number of calls at a time on one SQLite file."""

    def __init__(self, file: str, *, migrate: bool = True, log: str = "") -> None:
        self.file = file
        self._store = SqliteStore(file, migrate=migrate, log=log, checkpoints=False)
        self._free = threading.Lock()  # held from the beginning of a transaction to its end, by whomever
        self._loop: asyncio.AbstractEventLoop | None = None  # on which statements run
        self._gathered = collections.deque[_Job]()  # in this turn of the loop, or while it must wait
        self._handed = False  # something by the loop to the thread, which is not done yet
        self._ended = self._aside = 0.0  # when the last commit ended, until when all is the thread's
        self._commit_seconds = 0.0  # of late, the longest
        self._tasks: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closed = False
        self._trouble, self._logged = "", 0  # what the log has had already
        self._thread = self._writer()

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """What was handed over is recorded, also where the call is cancelled meanwhile."""
        if self._closed:
            raise LedgerError(f"The ledger {self.file} is closed.", "Start the service.")
        loop = asyncio.get_running_loop()
        ours = loop is self._loop or self._take_over(loop)
        if ours and self._is_alone() and (results := self._begun([work])) is not None:
            (outcome,) = self._committed(results)
            if not isinstance(outcome[1], EventRefusedError):
                result: Result = _told(outcome)
                return result
        job = _Job(work, loop)
        if ours:
            self._gather(job)
        else:
            job.watch()
            self._put(partial(self._do, [job], _settle))
        told: Result = await job.future
        return told

    @property
    def waiting(self) -> int:
        """How many pieces of work wait to be done."""
        return len(self._gathered) + self._tasks.qsize()

    def records(self, first: int = 1) -> Iterator[Record]:
        store = SqliteStore(self.file, create=False, migrate=False)
        try:
            yield from store.records(first)
        finally:
            store.close()

    def close(self) -> None:
        """Ends the thread when all that was queued before is durable."""
        if not self._closed:
            self._closed = True
            if jobs := self._take():
                self._tasks.put(partial(self._do, jobs, _settle))
            self._tasks.put(None)
            self._thread.join()
            with self._free:
                self._store.close()

    # -- on the event loop --

    def _take_over(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Statements run on the loop that came first, while it is open; whether that is this one now."""
        if self._loop is not None and not self._loop.is_closed():
            return False
        if jobs := self._take():  # of the loop that was closed
            self._put(partial(self._do, jobs, _settle))
        self._loop, self._handed = loop, False
        return True

    def _gather(self, job: _Job) -> None:
        """For the next turn, which the end of what was handed over begins."""
        if self._handed and not self._thread.is_alive():
            self._handed = False
        self._gathered.append(job)
        if self._handed:
            job.watch()
        elif len(self._gathered) == 1:
            job.future.get_loop().call_soon(self._turn)

    def _take(self) -> list[_Job]:
        """All that was gathered."""
        jobs = []
        with contextlib.suppress(IndexError):
            while True:
                jobs.append(self._gathered.popleft())
        return jobs

    def _is_alone(self) -> bool:
        """Whether nobody waits with it, and nobody came for as long as a commit takes: then it would wait for
        nobody. Where calls come in one after the other they do better together."""
        quick = self._commit_seconds < QUICK_SECONDS
        since = time.monotonic() - self._ended
        return quick and not self._gathered and not self._handed and since > self._commit_seconds

    def _turn(self) -> None:
        """Do all that was gathered. What cannot be done here, or fails, the thread does anew."""
        if self._handed:
            return
        jobs = [job for job in self._take() if not job.late]
        if not jobs:
            return
        results = self._begun([job.work for job in jobs])
        if results is not None and self._commit_seconds < QUICK_SECONDS:
            outcomes = self._committed(results)
            if not isinstance(outcomes[0][1], EventRefusedError):
                _settle(jobs, outcomes)
                return
            results = None
        for job in jobs:
            job.watch()
        self._handed = True
        if results is None:
            self._put(partial(self._do, jobs, self._answer))
        else:
            self._put(partial(self._commit, jobs, results))

    def _begun(self, works: Sequence[Callable[[LedgerTransaction], Any]]) -> list[Any] | None:
        """What these come to in a transaction that is open now; `None`, and there is none, where it would
        have to wait for somebody, or one of them failed."""
        began = time.monotonic()
        if began < self._aside or not self._free.acquire(blocking=False):
            return None
        results = None
        try:
            results = self._store.attempt(works)
        finally:
            if results is None:
                self._free.release()
        if time.monotonic() - began > COLD_SECONDS:
            self._aside = time.monotonic() + ASIDE_SECONDS
        return results

    def _put(self, task: Callable[[], None]) -> None:
        self._tasks.put(task)
        if not self._thread.is_alive():
            self._thread = self._writer()

    def _answer(self, jobs: Sequence[_Job], outcomes: Sequence[_Outcome]) -> None:
        """What the thread has done for the loop; then what came meanwhile."""
        self._handed = False
        _settle(jobs, outcomes)
        self._turn()

    # -- on whichever has the transaction --

    def _committed(self, results: Sequence[Any]) -> list[_Outcome]:
        """End the transaction that is open; what its works came to."""
        began = time.monotonic()
        error: LedgerError | None = None
        try:
            self._store.commit()
        except Exception as failure:
            error = _as_told(failure)
        finally:
            self._free.release()
            self._ended = time.monotonic()
            taken = self._ended - began
            self._commit_seconds = max(taken, self._commit_seconds + (taken - self._commit_seconds) / 8)
        self._tell_saved()
        return [(result, error) for result in results]

    def _tell_saved(self) -> None:
        if self._logged < self._store.saved:
            self._logged = self._store.saved
            text = "what lies beside a ledger (-wal, -shm) was deleted while in use; nothing was lost"
            log.error(text, ledger=self.file, remedy="find out who did it: next time it may be the ledger")

    # -- in the thread --

    def _writer(self) -> threading.Thread:
        """A thread that waits, started. Nothing is known that ends one before `close`; should memory run
        out at a bad moment, say, the next call starts another."""
        thread = threading.Thread(target=self._write, name=f"ledger {self._store.file}", daemon=True)
        thread.start()
        return thread

    def _write(self) -> None:
        due = time.monotonic() + TEND_SECONDS
        while True:
            try:
                task = self._tasks.get(timeout=max(0.0, due - time.monotonic()))
            except queue.Empty:
                self._tend()
                due = time.monotonic() + TEND_SECONDS
                continue
            if task is not None:
                task()
            elif self._tasks.empty():
                return
            else:  # something was put off
                self._tasks.put(None)

    def _tend(self) -> None:
        """Look after the file: what is in its log goes into it, here where no call waits for that. What is
        wrong with it is told once, and its calls are told."""
        if not self._free.acquire(timeout=_PUT_OFF_SECONDS):
            return
        try:
            self._store.tend()
        except LedgerError as error:
            if str(error) != self._trouble:
                log.error("a ledger is in trouble", ledger=self.file, error=str(error))
            self._trouble = str(error)
        else:
            self._trouble = ""
        finally:
            self._free.release()
        self._tell_saved()

    def _commit(self, jobs: Sequence[_Job], results: Sequence[Any]) -> None:
        """End the transaction that the loop has begun. Where one of them is wrong all were undone, and are
        done again."""
        outcomes = self._committed(results)
        if isinstance(outcomes[0][1], EventRefusedError):
            self._do(jobs, self._answer)
        else:
            _call(self._answer, jobs, outcomes)

    def _do(self, jobs: Sequence[_Job], answer: _Answer) -> None:
        """Do all of it. Who has stopped waiting was told that it failed. What others have begun may wait for
        this thread to end it, and goes before."""
        if not self._free.acquire(timeout=_PUT_OFF_SECONDS):
            self._tasks.put(partial(self._do, jobs, answer))
            return
        try:
            outcomes = self._outcomes(jobs)
        finally:
            self._free.release()
        self._tell_saved()
        _call(answer, jobs, outcomes)

    def _outcomes(self, jobs: Sequence[_Job]) -> list[_Outcome]:
        """In one transaction; one by one where one of them is wrong, so that it fails nobody else's."""
        works = [_nothing if job.late else job.work for job in jobs]
        try:
            return [(result, None) for result in self._store.transact(works)]
        except Exception as error:
            its_own = isinstance(error, EventRefusedError) or not isinstance(error, LedgerError)
            if its_own and len(jobs) > 1:
                return [self._outcomes([job])[0] for job in jobs]
            return [(None, _as_told(error))] * len(jobs)


def _nothing(_transaction: LedgerTransaction) -> None:
    """In place of what nobody waits for."""


def _call(answer: _Answer, jobs: Sequence[_Job], outcomes: Sequence[_Outcome]) -> None:
    """On the loop of these jobs."""
    with contextlib.suppress(RuntimeError):  # it is closed: nobody waits
        jobs[0].future.get_loop().call_soon_threadsafe(answer, jobs, outcomes)


def _as_told(error: Exception) -> LedgerError:
    """What a call is told of it."""
    return error if isinstance(error, LedgerError) else LedgerError(f"The ledger failed ({error!r}).")


def _told(outcome: _Outcome) -> Any:
    """Its result. Raises the error."""
    result, error = outcome
    if error is not None:
        raise error
    return result


def _settle(jobs: Sequence[_Job], outcomes: Sequence[_Outcome]) -> None:
    for job, outcome in zip(jobs, outcomes, strict=True):
        job.settle(outcome)
