"""Many calls, one writer: a thread that takes all that waits and commits it in one transaction.

A commit waits for the disk, and waiting for it once for sixty calls costs what it costs for one. The
thread keeps that wait out of the event loop. No transaction is open between groups.

Two threads that compute at once take the interpreter from each other at each statement, which costs more
than the statements. So the event loop first takes all that lies there, hands it over as one group, and then
keeps still until the group is read and written and nothing but the disk is waited for: but never long.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from ..errors import EventRefusedError, LedgerError, LedgerSlowError
from ..model import Record
from ..ports import Ledger, LedgerTransaction, Result
from .owner import LedgerOwner
from .sqlite import SqliteStore
from .write_lock import BUSY_SECONDS

ANSWER_SECONDS = 2 * BUSY_SECONDS + 1.0  # a group may wait once for the lock, and for one group before it
GATHERED = 64  # calls after which no more are waited for
STILL_SECONDS = 0.005  # for which Python lets a thread have the interpreter anyway (sys.getswitchinterval)
IDLE_SECONDS = 1.0  # without a call, after which the writer looks after the file

log = structlog.get_logger("informativa")

_Outcome = tuple["asyncio.Future[Any]", Any, LedgerError | None]


@dataclass(eq=False, slots=True)
class _Job:
    """What one call waits for."""

    work: Callable[[LedgerTransaction], Any]
    future: asyncio.Future[Any]
    late: bool = False
    """Its call was told that it failed: it must not be recorded after all."""

    def tell_slow(self) -> None:
        """The error is made here and not where the timer is set, which each call does twice."""
        self.late = True
        why = f"The ledger did not answer within {ANSWER_SECONDS:.0f} s."
        _settle([(self.future, None, LedgerSlowError(why))])


class _LateError(Exception):
    """One of those that are in a transaction was told meanwhile that it failed."""


class _Group:
    """What is done in one transaction."""

    def __init__(self, jobs: Sequence[_Job]) -> None:
        self.jobs = jobs
        self._written = threading.Lock()
        self._written.acquire()

    def wait_written(self) -> None:
        """Keep still until all is read and written, if not yet committed, or until it takes too long."""
        self._written.acquire(timeout=STILL_SECONDS)

    def written(self) -> None:
        """From now on it waits for the disk. Said once or more."""
        if self._written.locked():
            self._written.release()


class GroupCommitLedger(Ledger):
    """The `Ledger` of a service: any number of calls at a time, on one event loop and one SQLite file."""

    def __init__(
        self, file: str, *, migrate: bool = True, log: str = "", owner: LedgerOwner | None = None
    ) -> None:
        self.file, self.owner = file, owner
        self._store = SqliteStore(file, migrate=migrate, log=log, owner=owner)
        self._turn = threading.Lock()  # to add jobs, hand them over or close, which another thread may do
        self._jobs: list[_Job] = []  # that the writer does not have yet
        self._groups: queue.SimpleQueue[_Group | None] = queue.SimpleQueue()
        self._handed = 0  # jobs that it has
        self._loop: asyncio.AbstractEventLoop | None = None  # the last that a call came from
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._trouble, self._logged = "", 0  # what the log has had already
        self._thread = self._writer()

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """A call that is cancelled takes nothing back: what was asked for is recorded."""
        self._loop = loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future())
        with self._turn:
            if self._closed:
                raise LedgerError(f"The ledger {self.file} is closed.", "Start the service.")
            self._jobs.append(job)
        self._expect(loop)
        late = loop.call_later(ANSWER_SECONDS, job.tell_slow)
        try:
            result: Result = await job.future
            return result
        finally:
            late.cancel()

    @property
    def waiting(self) -> int:
        """How many pieces of work wait to be done."""
        return len(self._jobs) + self._handed

    def records(self, first: int = 1) -> Iterator[Record]:
        store = SqliteStore(self.file, create=False, migrate=False)
        try:
            yield from store.records(first)
        finally:
            store.close()

    def close(self) -> None:
        """Ends the thread when all that was queued before is durable."""
        with self._turn:
            closed, self._closed = self._closed, True
        if not closed:
            self._hand_over()
            self._groups.put(None)
            self._thread.join()
            self._store.close()

    def _expect(self, loop: asyncio.AbstractEventLoop) -> None:
        """See that what waits is handed over when all is taken that lies there."""
        if self._gathering is not loop:
            self._gathering = loop
            loop.call_soon(self._gather, loop, 0)

    def _gather(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        """Hand over what waits, unless more came since there were so many. While the writer has a group the
        next one grows."""
        if number < len(self._jobs) < GATHERED:
            loop.call_soon(self._gather, loop, len(self._jobs))
            return
        self._gathering = None
        if not self._handed or not self._thread.is_alive():
            self._hand_over().wait_written()

    def _hand_over(self) -> _Group:
        """All that waits, as a group, to the writer."""
        with self._turn:
            group = _Group(self._jobs)
            if group.jobs:
                if not self._thread.is_alive():
                    self._thread = self._writer()
                self._jobs, self._handed = [], len(self._jobs)
                self._groups.put(group)
            else:
                group.written()
        return group

    def _writer(self) -> threading.Thread:
        """A thread that writes, started. Nothing is known that ends one before `close`; should memory run
        out at a bad moment, say, the next call starts another."""
        thread = threading.Thread(target=self._write, name=f"ledger {self._store.file}", daemon=True)
        thread.start()
        return thread

    def _write(self) -> None:
        while True:
            try:
                group = self._groups.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._tend()
                continue
            if group is None:
                return
            self._serve(group)

    def _tend(self) -> None:
        """Nobody waits: look after the file. What is wrong with it is told once, and its calls are told."""
        try:
            self._store.tend()
        except LedgerError as error:
            self._tell_trouble(str(error))
        except Exception as error:  # it ends no writer
            self._tell_trouble(repr(error), exc_info=error)
        else:
            self._trouble = ""
        self._tell_saved()

    def _tell_trouble(self, why: str, **facts: Any) -> None:
        if why != self._trouble:
            self._trouble = why
            log.error("a ledger is in trouble", ledger=self.file, error=why, **facts)

    def _tell_saved(self) -> None:
        if self._logged < self._store.saved:
            self._logged = self._store.saved
            text = "what lies beside a ledger (-wal, -shm) was deleted while in use; nothing was lost"
            log.error(text, ledger=self.file, remedy="find out who did it: next time it may be the ledger")

    def _serve(self, group: _Group) -> None:
        """Do all that the calls wait for, and wake each event loop once.

        Who has stopped waiting was told that it failed, and must not be recorded after all.
        """
        jobs = [job for job in group.jobs if not job.late]
        outcomes = self._outcomes(jobs, group)
        group.written()
        self._tell_saved()
        self._handed = 0
        by_loop: dict[asyncio.AbstractEventLoop | None, list[_Outcome]] = {self._loop: []}
        for job, (result, error) in zip(jobs, outcomes, strict=True):
            by_loop.setdefault(job.future.get_loop(), []).append((job.future, result, error))
        for loop, settled in by_loop.items():
            with contextlib.suppress(RuntimeError):  # it is closed: nobody waits
                if loop is not None:
                    loop.call_soon_threadsafe(self._over, loop, settled)

    def _over(self, loop: asyncio.AbstractEventLoop, settled: Sequence[_Outcome]) -> None:
        """The writer has done a group, and takes the next one."""
        _settle(settled)
        if self._jobs:
            self._expect(loop)

    def _outcomes(self, jobs: Sequence[_Job], group: _Group) -> list[tuple[Any, LedgerError | None]]:
        """In one transaction, but for who stopped waiting until its commit; one by one where one of them is
        wrong, so that it fails nobody else's."""

        def last(_transaction: LedgerTransaction) -> None:
            if any(job.late for job in jobs):
                raise _LateError
            group.written()

        try:
            *results, _ = self._store.transact([*(job.work for job in jobs), last])
            return [(result, None) for result in results]
        except _LateError:
            waiting = [job for job in jobs if not job.late]
            outcomes = dict(zip(waiting, self._outcomes(waiting, group), strict=True))
            return [outcomes.get(job, (None, None)) for job in jobs]
        except Exception as error:
            its_own = isinstance(error, EventRefusedError) or not isinstance(error, LedgerError)
            if its_own and len(jobs) > 1:
                return [(None, None) if job.late else self._outcomes([job], group)[0] for job in jobs]
            failure = (
                error if isinstance(error, LedgerError) else LedgerError(f"The ledger failed ({error!r}).")
            )
            return [(None, failure)] * len(jobs)


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # the call stopped waiting
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
