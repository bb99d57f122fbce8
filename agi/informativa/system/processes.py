"""Processes: the open files of this machine's processes, as Linux shows them (proc(5)), and worker processes
for long work."""

from __future__ import annotations

import glob
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
