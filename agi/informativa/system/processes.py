"""Processes: the open files of this machine's processes, as Linux shows them (proc(5)), the limit of those of
this one, and worker processes for long work."""

from __future__ import annotations

import glob
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor


def descriptors() -> Iterator[Path]:
    """Iterate over the links /proc/PROCESS/fd/NUMBER, as far as we may see them. Processes end meanwhile, and
    their links go: `Path.glob` raises then."""
    yield from map(Path, glob.iglob("/proc/[0-9]*/fd/*"))  # noqa: PTH207


def allow_descriptors(number: int) -> int:
    """Raise the limit of this process's open files to `number`, and return how many it may have: fewer where
    the system gives fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed


@contextmanager
def worker_pool(count: int) -> Iterator[ProcessPoolExecutor | None]:
    """Provide a pool of `count` processes for the time of a block. It is `None` for no process, and where the
    system has no semaphores for them, as without a writable /dev/shm (sem_overview(7)): then this process
    does all the work."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    try:
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn")) if count else None
    except (OSError, ImportError, NotImplementedError):
        pool = None
    try:
        yield pool
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
