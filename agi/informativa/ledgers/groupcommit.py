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

from ..errors import EventRefusedError, LedgerError
from ..model import Event, Record, Standing
from .sqlite import BUSY_SECONDS, SqliteStore

ANSWER_SECONDS = 2 * BUSY_SECONDS + 1.0  # a batch may wait once for the lock, and for one batch before it


@dataclass(frozen=True)
class _Job:
    """What one call waits for: a record's number, or what can be looked up in the store."""

    work: Event | Callable[[SqliteStore], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class GroupCommitLedger:
    """The `Ledger` of a service: any number of calls at a time on one SQLite file."""

    def __init__(self, file: str) -> None:
        self._store = SqliteStore(file)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = self._writer()

    async def standing(self, pseudonym: bytes) -> Standing:
        standing: Standing = await self._ask(lambda store: store.standing(pseudonym))
        return standing

    async def rekey(self, old: bytes, new: bytes) -> None:
        await self._ask(lambda store: store.rekey(old, new))

    async def record(self, number: int) -> Record | None:
        record: Record | None = await self._ask(lambda store: store.record(number))
        return record

    async def append(self, event: Event) -> int:
        """Shielded from cancellation of the call: what was handed over is recorded."""
        number: int = await self._ask(event)
        return number

    def records(self, first: int = 1) -> Iterator[Record]:
        store = SqliteStore(str(self._store.file))
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

    async def _ask(self, work: Event | Callable[[SqliteStore], Any]) -> Any:
        if self._closed:
            raise LedgerError(f"The ledger {self._store.file} is closed.", "Start the service.")
        if not self._thread.is_alive():
            self._thread = self._writer()
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        try:
            return await asyncio.wait_for(asyncio.shield(future), ANSWER_SECONDS)
        except TimeoutError:
            future.cancel()  # it is told that it failed
            raise LedgerError(f"The ledger did not answer within {ANSWER_SECONDS:.0f} s.") from None

    def _writer(self) -> threading.Thread:
        """A thread that writes, started. Nothing is known that ends one before `close`; should memory run
        out at a bad moment, say, the next call starts another."""
        thread = threading.Thread(target=self._write, name=f"ledger {self._store.file}", daemon=True)
        thread.start()
        return thread

    def _write(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch, last = self._drain(job)
            self._serve(batch)
            if last:
                return

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
        """Appends first and in one transaction, so that look-ups in the same batch see them."""
        appends = [job for job in batch if isinstance(job.work, Event)]
        try:
            _deliver(appends, self._store.append)
        except EventRefusedError:
            for job in appends:  # one by one, so that a wrong event fails nobody else's
                _deliver([job], self._store.append, last=True)
        for job in batch:
            if not isinstance(job.work, Event):
                _deliver([job], self._look_up, last=True)

    def _look_up(self, questions: Sequence[Callable[[SqliteStore], Any]]) -> list[Any]:
        return [question(self._store) for question in questions]


def _deliver(
    jobs: Sequence[_Job], work: Callable[[Sequence[Any]], Sequence[Any]], *, last: bool = False
) -> None:
    """Do the work and wake the calls that wait for it, with its results or its error.

    Who has stopped waiting by now was told that it failed, and must not be recorded after all.
    Raises EventRefusedError, with nobody woken, unless this is the `last` try.
    """
    jobs = [job for job in jobs if not job.future.cancelled()]
    if not jobs:
        return
    results: Sequence[Any] = [None] * len(jobs)
    failure: LedgerError | None = None
    try:
        results = work([job.work for job in jobs])
    except EventRefusedError as error:
        if not last:
            raise
        failure = error
    except LedgerError as error:
        failure = error
    except Exception as error:  # whatever it is, the calls must not wait for it in vain
        failure = LedgerError(f"The ledger failed ({error!r}).")
    for job, result in zip(jobs, results, strict=True):
        with contextlib.suppress(RuntimeError):  # its loop is closed: nobody waits
            job.loop.call_soon_threadsafe(_settle, job.future, result, failure)


def _settle(future: asyncio.Future[Any], result: Any, error: Exception | None) -> None:
    if future.done():  # the call stopped waiting
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)
