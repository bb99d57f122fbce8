"""Work that takes longer than a page may: it goes on in a thread, and its page says how far it is."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import structlog

from ..errors import InformativaError

AT_ONCE = 2  # of all companies: pages and calls come first
KEPT = 3600.0  # seconds for which a result is there

Progress = Callable[[int, int], object]
"""Called with how much is done, and of how much."""
Work = Callable[[Progress], Any]

log = structlog.get_logger("informativa")


@dataclass
class Job:
    """One piece of work, of one company ('' for the machine); `request` tells those of one kind apart. `of`
    is 0 while nobody knows how much there is; `result` is what it came to, `error` why it came to nothing; a
    `defect` is in the log."""

    id: str
    kind: str
    controller: str
    begun: float
    request: str = ""
    done: int = 0
    of: int = 0
    ended: float = 0.0
    result: Any = field(default=None, repr=False)
    error: InformativaError | None = None
    defect: bool = False

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return not self.ended


class Jobs:
    """Those of this process. `dropped` is told each that is forgotten, so that its files go, too."""

    def __init__(self, dropped: Callable[[Job], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._dropped, self._clock = dropped, clock
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="job")

    def start(self, kind: str, controller: str, work: Work, request: str = "") -> Job:
        """Begin it, or find the one of its kind and company that is not done yet and has the same
        `request`: a form that is sent twice does nothing twice, and nobody gets what another asked for."""
        self._forget()
        with self._lock:
            if job := self._running(kind, controller, request):
                return job
            job = Job(secrets.token_urlsafe(12), kind, controller, self._clock(), request)
            self._jobs[job.id] = job
        self._pool.submit(self._run, job, work)
        return job

    def find(self, name: str, controller: str) -> Job | None:
        """The one of that id, if it is that company's and not too old."""
        self._forget()
        job = self._jobs.get(name)
        return job if job and job.controller == controller else None

    def newest(self, kind: str, controller: str) -> Job | None:
        """The last one of its kind that came to something."""
        with self._lock:
            found = [job for job in self._jobs.values() if (job.kind, job.controller) == (kind, controller)]
        return next((job for job in reversed(found) if job.ended and job.result is not None), None)

    def age(self, job: Job) -> float:
        """How many seconds ago it ended."""
        return self._clock() - job.ended

    def running(self, kind: str, controller: str) -> Job | None:
        """The one of its kind that goes on."""
        with self._lock:
            return self._running(kind, controller)

    def _running(self, kind: str, controller: str, request: str = "") -> Job | None:
        which = kind, controller, request
        running = (job for job in self._jobs.values() if job.running)
        return next((job for job in running if (job.kind, job.controller, job.request) == which), None)

    def close(self) -> None:
        """Begin no more; what runs is ended with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for job in self._jobs.values():
            self._dropped(job)

    def _run(self, job: Job, work: Work) -> None:
        def progress(done: int, of: int) -> None:
            job.done, job.of = done, of

        try:
            job.result = work(progress)
        except InformativaError as error:
            job.error = error
        except Exception:
            job.defect = True
            log.exception("defect", job=job.kind)
        job.ended = self._clock()

    def _forget(self) -> None:
        now = self._clock()
        with self._lock:
            old = [job for job in self._jobs.values() if job.ended and now - job.ended > KEPT]
            for job in old:
                del self._jobs[job.id]
        for job in old:
            self._dropped(job)
