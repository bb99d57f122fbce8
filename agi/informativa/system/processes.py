"""Processes: the open files of this machine's processes, as Linux shows them (proc(5)), the limit of those of
this one, worker processes for long work, and commands of the system."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

_NOT_FOUND, TIMED_OUT = 127, 124  # as shells and timeout(1) say it


@dataclass(frozen=True)
class CommandOutput:
    """The exit code of a command, and what it printed."""

    code: int
    output: str
    errors: str

    @property
    def message(self) -> str:
        """The reason of a failure, as the command says it: its errors or, where it has none, its output."""
        return self.errors or self.output

    @property
    def last_line(self) -> str:
        """The last line of that message; '' where it said nothing."""
        return self.message.rpartition("\n")[2]


def run_command(words: Sequence[str], seconds: float | None = 60.0) -> CommandOutput:
    """Run a command of the system to its end, without input. Its exit code is 127 where there is none of this
    name, and 124 where it took longer; `None` lets it take any time. One that reads bytes, or needs an
    environment or a user of its own, is run by subprocess where it is used."""
    program = shutil.which(words[0])
    if program is None:
        return CommandOutput(_NOT_FOUND, "", os.strerror(errno.ENOENT))
    try:
        process = subprocess.run(  # noqa: S603  # no shell
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return CommandOutput(TIMED_OUT, "", "timed out")
    except OSError as error:
        return CommandOutput(_NOT_FOUND, "", error.strerror or str(error))
    return CommandOutput(
        process.returncode,
        process.stdout.decode(errors="replace").strip(),
        process.stderr.decode(errors="replace").strip(),
    )


class Descriptor(NamedTuple):
    """A descriptor of a process: its link below /proc, and the name of the open file, which is no path for a
    socket, say."""

    process: int
    link: str
    name: str


def descriptors() -> Iterator[Descriptor]:
    """Iterate over the descriptors of all processes, as far as we may see them. Processes end meanwhile, and
    their links go. A service of hundreds of companies has thousands: no `Path` is made of each."""
    for process in filter(str.isdecimal, os.listdir("/proc")):  # noqa: PTH208
        folder = f"/proc/{process}/fd"
        with suppress(OSError):
            for number in os.listdir(folder):  # noqa: PTH208
                with suppress(FileNotFoundError):
                    link = f"{folder}/{number}"
                    yield Descriptor(int(process), link, os.readlink(link))  # noqa: PTH115


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
