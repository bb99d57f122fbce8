"""Many calls, one writer: a thread that takes all that waits and commits it in one transaction.

A commit waits for the disk, and waiting for it once for sixty calls costs what it costs for one. The
thread keeps that wait out of the event loop. No transaction is open between batches.
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
from .sqlite import SqliteStore
from .write_lock import BUSY_SECONDS

ANSWER_SECONDS = 2 * BUSY_SECONDS + 1.0  # a batch may wait once for the lock, and for one batch before it
IDLE_SECONDS = 1.0  # without a call, after which the writer looks after the file

log = structlog.get_logger("informativa")

_Outcome = tuple["asyncio.Future[Any]", Any, LedgerError | None]


@dataclass(frozen=True, slots=True)
class _Job:
    """What one call waits for."""

    work: Callable[[LedgerTransaction], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class GroupCommitLedger(Ledger):
    """The `Ledger` of a service: any number of calls at a time on one SQLite file."""

    def __init__(self, file: str, *, migrate: bool = True, log: str = "") -> None:
        self.file = file
        self._store = SqliteStore(file, migrate=migrate, log=log)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._trouble, self._logged = "", 0  # what the log has had already
        self._thread = self._writer()

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Shielded from cancellation of the call: what was handed over is recorded."""
        if self._closed:
            raise LedgerError(f"The ledger {self.file} is closed.", "Start the service.")
        if not self._thread.is_alive():
            self._thread = self._writer()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        late = loop.call_later(ANSWER_SECONDS, _tell_slow, future)
        try:
            return await asyncio.shield(future)
        finally:
            late.cancel()

    @property
    def waiting(self) -> int:
        """How many pieces of work wait to be done."""
        return self._jobs.qsize()

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
            self._jobs.put(None)
            self._thread.join()
            self._store.close()

    def _writer(self) -> threading.Thread:
        """A thread that writes, started. Nothing is known that ends one before `close`; should memory run
        out at a bad moment, say, the next call starts another."""
        thread = threading.Thread(target=self._write, name=f"ledger {self._store.file}", daemon=True)
        thread.start()
        return thread

    def _write(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_SECONDS)
            except queue.Empty:
                self._tend()
                continue
            if job is None:
                return
            batch, last = self._drain(job)
            self._serve(batch)
            if last:
                return

    def _tend(self) -> None:
        """Nobody waits: look after the file. What is wrong with it is told once, and its calls are told."""
        try:
            self._store.tend()
        except LedgerError as error:
            if str(error) != self._trouble:
                log.error("a ledger is in trouble", ledger=self.file, error=str(error))
            self._trouble = str(error)
        else:
            self._trouble = ""
        self._tell_saved()

    def _tell_saved(self) -> None:
        if self._logged < self._store.saved:
            self._logged = self._store.saved
            text = "what lies beside a ledger (-wal, -shm) was deleted while in use; nothing was lost"
            log.error(text, ledger=self.file, remedy="find out who did it: next time it may be the ledger")

    def _drain(self, job: _Job) -> tuple[list[_Job], bool]:
        """`job` and all that waits behind it; whether the end was among it."""
        batch = [job]
        while True:
            try:
                following = self._jobs.get_nowait()
            except queue.Empty:
                return batch, False
            if following is None:
                return batch, True
            batch.append(following)

    def _serve(self, batch: Sequence[_Job]) -> None:
        """Do all that the calls wait for, and wake each event loop once.

        Who has stopped waiting was told that it failed, and must not be recorded after all.
        """
        jobs = [job for job in batch if not job.future.done()]
        outcomes = self._outcomes(jobs)
        self._tell_saved()
        by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
        for job, (result, error) in zip(jobs, outcomes, strict=True):
            by_loop.setdefault(job.loop, []).append((job.future, result, error))
        for loop, settled in by_loop.items():
            with contextlib.suppress(RuntimeError):  # it is closed: nobody waits
                loop.call_soon_threadsafe(_settle, settled)

    def _outcomes(self, jobs: Sequence[_Job]) -> list[tuple[Any, LedgerError | None]]:
        """In one transaction; one by one where one of them is wrong, so that it fails nobody else's."""
        try:
            return [(result, None) for result in self._store.transact([job.work for job in jobs])]
        except Exception as error:
            its_own = isinstance(error, EventRefusedError) or not isinstance(error, LedgerError)
            if its_own and len(jobs) > 1:
                return [(None, None) if job.future.done() else self._outcomes([job])[0] for job in jobs]
            failure = (
                error if isinstance(error, LedgerError) else LedgerError(f"The ledger failed ({error!r}).")
            )
            return [(None, failure)] * len(jobs)


def _tell_slow(future: asyncio.Future[Any]) -> None:
    """The error is made here and not where the timer is set, which each call does twice."""
    _settle([(future, None, LedgerSlowError(f"The ledger did not answer within {ANSWER_SECONDS:.0f} s."))])


def _settle(outcomes: Sequence[_Outcome]) -> None:
    for future, result, error in outcomes:
        if future.done():  # the call stopped waiting
            continue
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)
