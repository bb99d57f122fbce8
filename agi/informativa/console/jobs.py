"""Jobs: work that takes longer than a page may. Each runs in a thread, and its page shows the progress."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import structlog

from ..model.errors import InformativaError

THREADS = 2  # for the jobs of all companies: pages and calls come first
RESULT_LIFETIME = 3600.0  # seconds for which the result of a job is kept

Progress = Callable[[int, int], object]
"""A function that a job calls with the amount of work done and the amount in total."""
Work = Callable[[Progress], Any]

log = structlog.get_logger("informativa")


@dataclass
class Job:
    """One piece of work for one company ('' for the machine). `request` tells jobs of one kind apart. `total`
    is 0 while the amount of work is not known. A job that has ended has a `result`, an `error`, or a `defect`
    whose traceback is in the log. `started` and `ended` are of the clock of `Jobs`, in seconds."""

    id: str
    kind: str
    controller: str
    started: float
    request: str = ""
    completed: int = 0
    total: int = 0
    ended: float = 0.0
    result: Any = field(default=None, repr=False)
    error: InformativaError | None = None
    defect: bool = False

    @property
    def running(self) -> bool:
        """Tell if the job has not ended."""
        return not self.ended


class Jobs:
    """All jobs of this process. `on_removed` is called for each job that is removed, to delete its files."""

    def __init__(
        self, on_removed: Callable[[Job], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._on_removed, self._clock = on_removed, clock
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="job")

    def start(self, kind: str, controller: str, work: Work, request: str = "") -> Job:
        """Start a job, or return the running one of the same kind, company and `request`: a form that is sent
        twice does nothing twice, and nobody gets what somebody else asked for."""
        self._remove_old()
        with self._lock:
            for job in self._jobs.values():
                if job.running and (job.kind, job.controller, job.request) == (kind, controller, request):
                    return job
            job = Job(secrets.token_urlsafe(12), kind, controller, self._clock(), request)
            self._jobs[job.id] = job
        self._pool.submit(self._run, job, work)
        return job

    def find(self, job_id: str, controller: str) -> Job | None:
        """Return the job of an id as it is now, or `None` if it is another company's or too old: it may end
        while a page is made of it."""
        self._remove_old()
        job = self._jobs.get(job_id)
        return replace(job) if job and job.controller == controller else None

    def newest(self, kind: str, controller: str) -> Job | None:
        """Return the last job of that kind and company that has a result."""
        with self._lock:
            jobs = [job for job in self._jobs.values() if (job.kind, job.controller) == (kind, controller)]
        return next((job for job in reversed(jobs) if job.ended and job.result is not None), None)

    def age(self, job: Job) -> float:
        """Return the seconds since a job ended."""
        return self._clock() - job.ended

    def close(self) -> None:
        """Start no more jobs, and remove all; running threads end with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for job in self._jobs.values():
            self._on_removed(job)

    def _run(self, job: Job, work: Work) -> None:
        def progress(completed: int, total: int) -> None:
            job.completed, job.total = completed, total

        try:
            job.result = work(progress)
        except InformativaError as error:
            job.error = error
        except Exception:
            job.defect = True
            log.exception("defect", job=job.kind)
        job.ended = self._clock()  # at last: whoever sees it sees the result

    def _remove_old(self) -> None:
        now = self._clock()
        with self._lock:
            old = [job for job in self._jobs.values() if job.ended and now - job.ended > RESULT_LIFETIME]
            for job in old:
                del self._jobs[job.id]
        for job in old:
            self._on_removed(job)
