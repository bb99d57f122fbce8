"""A ledger for many calls with one writer at a time: a thread that takes all waiting work and commits it in
one transaction.

A commit waits for the disk, and waiting once for sixty calls costs as much as waiting for one. The thread
keeps that wait out of the event loop. No transaction is open between groups, and no thread belongs to a
ledger then: all ledgers of a process share theirs (`system.patience`), so that three hundred companies need
a few, and a disk that hangs holds no other company's (I10).

If two threads compute at the same time, they take the interpreter from each other at each statement, which
costs more than the statements. So the event loop first takes all calls that are ready, hands their work over
as one group, and then waits until the group is read and written and only the disk is waited for: but never
long.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..model import Record
from ..model.errors import EventRefusedError, LedgerError, LedgerSlowError
from ..model.ports import Ledger, LedgerTransaction, Result
from ..system.patience import start_apart
from ..system.turns import OnceLogged
from .owner import LedgerOwner
from .sqlite import SqliteStore
from .write_lock import BUSY_SECONDS

ANSWER_SECONDS = 2 * BUSY_SECONDS + 1.0  # a group may wait for the lock, and for an earlier group
GATHERED = 64  # calls in a group after which it does not grow any more
STILL_SECONDS = 0.005  # for which Python lets a thread have the interpreter anyway (sys.getswitchinterval)

_Outcome = tuple["asyncio.Future[Any]", Any, LedgerError | None]


@dataclass(eq=False, slots=True)
class _Job:
    """The work of one call, and the future that the call waits for."""

    work: Callable[[LedgerTransaction], Any]
    future: asyncio.Future[Any]
    late: bool = False
    """The call was told that its work failed, so it must not be recorded any more."""

    def tell_slow(self) -> None:
        """Fail the call with LedgerSlowError. The error is created here, not when the timer is set, which
        each call does twice."""
        self.late = True
        message = f"The ledger did not answer within {ANSWER_SECONDS:.0f} s."
        _settle([(self.future, None, LedgerSlowError(message))])


class _LateError(Exception):
    """One of the jobs in a transaction was reported as failed meanwhile."""


class _Group:
    """The jobs of one transaction."""

    def __init__(self, jobs: Sequence[_Job]) -> None:
        self.jobs = jobs
        self._written = threading.Lock()
        self._written.acquire()

    def wait_written(self) -> None:
        """Wait until all is read and written, though not committed, or until it takes too long."""
        self._written.acquire(timeout=STILL_SECONDS)

    def written(self) -> None:
        """Say that only the disk is waited for now. May be called more than once."""
        if self._written.locked():
            self._written.release()


class GroupCommitLedger(Ledger):
    """The `Ledger` of a service: any number of calls at a time, on one event loop and one SQLite file."""

    def __init__(self, file: str, *, log: str = "", owner: LedgerOwner | None = None) -> None:
        self.file, self.owner = file, owner
        self._store = SqliteStore(file, log=log, owner=owner)
        self._turn = threading.Lock()  # held to add jobs, hand them over or close, perhaps in another thread
        self._jobs: list[_Job] = []  # not handed over yet
        self._groups: deque[_Group] = deque()  # handed over, for the writer
        self._handed = 0  # number of jobs that the writer has
        self._writing = False  # a thread works for this ledger: the only one that uses the store
        self._free = threading.Event()  # set while no thread works for it
        self._free.set()
        self._loop: asyncio.AbstractEventLoop | None = None  # of the last call
        self._gathering: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._troubles = OnceLogged("a ledger is in trouble")

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Record a call. Cancelling it takes nothing back: its work is recorded all the same."""
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
        """The number of jobs that are not done."""
        return len(self._jobs) + self._handed

    def records(self, first: int = 1) -> Iterator[Record]:
        store = SqliteStore(self.file, create=False)
        try:
            yield from store.records(first)
        finally:
            store.close()

    def close(self) -> None:
        """Close the file when all earlier jobs are durable."""
        with self._turn:
            was_closed, self._closed = self._closed, True
        if not was_closed:
            self._hand_over()
            self._free.wait()
            while self._groups:  # for which there was no thread
                self._serve(self._groups.popleft())
            self._store.close()

    def _expect(self, loop: asyncio.AbstractEventLoop) -> None:
        """Schedule the hand-over of waiting jobs, after the loop has run all calls that are ready."""
        if self._gathering is not loop:
            self._gathering = loop
            loop.call_soon(self._gather, loop, 0)

    def _gather(self, loop: asyncio.AbstractEventLoop, number: int) -> None:
        """Hand over the waiting jobs, unless more than `number` wait by now. While the writer has a group the
        next one grows."""
        if number < len(self._jobs) < GATHERED:
            loop.call_soon(self._gather, loop, len(self._jobs))
            return
        self._gathering = None
        if not self._handed or not self._writing:
            self._hand_over().wait_written()

    def _hand_over(self) -> _Group:
        """Give all waiting jobs to the writer, as a group, and return it."""
        with self._turn:
            group = _Group(self._jobs)
            if group.jobs:
                self._jobs, self._handed = [], len(self._jobs)
                self._groups.append(group)
            else:
                group.written()
            self._start_writer()
        return group

    def _start_writer(self) -> None:
        """Start a thread for groups that wait, unless one works for this ledger. The caller holds `_turn`."""
        if self._groups and not self._writing:
            self._writing = True
            self._free.clear()
            try:
                start_apart(self._write)
            except (RuntimeError, MemoryError) as error:  # the next call tries again
                self._let_go()
                problem = f"no thread can be started ({error})"
                self._troubles.tell(self.file, ledger=self.file, error=problem)
            else:
                self._troubles.over(self.file)

    def _write(self) -> None:
        """Do all groups that wait, one after the other. Nothing is known that ends this sooner; if memory
        runs out at a bad moment, for example, the calls of a group are told that the ledger is slow."""
        try:
            while group := self._next_group():
                self._serve(group)
        except BaseException:
            with self._turn:
                self._handed = 0
                self._let_go()
                self._start_writer()
            raise

    def _next_group(self) -> _Group | None:
        """Return the next group that waits; if there is none, the ledger is free then."""
        with self._turn:
            if self._groups:
                return self._groups.popleft()
            self._let_go()
            return None

    def _let_go(self) -> None:
        """Leave the ledger to the next thread. The caller holds `_turn`."""
        self._writing = False
        self._free.set()

    def _serve(self, group: _Group) -> None:
        """Do all jobs of a group, and wake each event loop once.

        A job whose call has stopped waiting was reported as failed, and must not be recorded.
        """
        jobs = [job for job in group.jobs if not job.late]
        outcomes = self._outcomes(jobs, group)
        group.written()
        self._handed = 0
        by_loop: dict[asyncio.AbstractEventLoop | None, list[_Outcome]] = {self._loop: []}
        for job, (result, error) in zip(jobs, outcomes, strict=True):
            by_loop.setdefault(job.future.get_loop(), []).append((job.future, result, error))
        for loop, outcomes_of_loop in by_loop.items():
            with contextlib.suppress(RuntimeError):  # the loop is closed: no call waits
                if loop is not None:
                    loop.call_soon_threadsafe(self._on_group_committed, loop, outcomes_of_loop)

    def _on_group_committed(self, loop: asyncio.AbstractEventLoop, outcomes: Sequence[_Outcome]) -> None:
        """Give the calls of this loop their outcomes, and schedule the next group."""
        _settle(outcomes)
        if self._jobs:
            self._expect(loop)

    def _outcomes(self, jobs: Sequence[_Job], group: _Group) -> list[tuple[Any, LedgerError | None]]:
        """Do the jobs in one transaction, without those whose calls stop waiting before its commit. If one of
        them raises, do them one by one, so that the others succeed."""

        def before_commit(_transaction: LedgerTransaction) -> None:
            if any(job.late for job in jobs):
                raise _LateError
            group.written()

        try:
            *results, _ = self._store.transact([*(job.work for job in jobs), before_commit])
            return [(result, None) for result in results]
        except _LateError:
            waiting = [job for job in jobs if not job.late]
            outcomes = dict(zip(waiting, self._outcomes(waiting, group), strict=True))
            return [outcomes.get(job, (None, None)) for job in jobs]
        except Exception as error:
            fault_of_a_job = isinstance(error, EventRefusedError) or not isinstance(error, LedgerError)
            if fault_of_a_job and len(jobs) > 1:
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
