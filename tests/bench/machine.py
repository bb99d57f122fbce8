"""On what the numbers were taken, and what processes took."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import statistics
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_WHOLE_PROCESS = 2  # its clock as clock_getcpuclockid(3) makes it: CPUCLOCK_SCHED, in nanoseconds
_PAGE = os.sysconf("SC_PAGE_SIZE")


def describe(folder: Path) -> dict[str, str]:
    """Machine and versions; ``folder`` is where the ledgers lie."""
    return {
        "CPU": f"{_cpu()}, {len(os.sched_getaffinity(0))} cores, {_memory_gib():.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}, {sys.base_prefix}",
        "Python's build": python_build(),
        "SQLite": sqlite3.sqlite_version,
        "event loop": _event_loop(),
        "ledger's file system": f"{_file_system(folder)}, a durable commit takes {sync_us(folder):.0f} µs",
        "load before": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        **{name: importlib.metadata.version(name) for name in ("informativa", "panoramisk", "pyst2")},
    }


Variable = Callable[[str], object]


def python_build(variable: Variable = sysconfig.get_config_var) -> str:
    """Name the options and flags with which this Python says that it was built."""
    options, opt, cflags = (str(variable(name) or "") for name in ("CONFIG_ARGS", "OPT", "CFLAGS"))
    optimisations = " ".join(name for name in ("--enable-optimizations", "--with-lto") if name in options)
    return f"{optimisations or 'neither --enable-optimizations nor --with-lto'}; OPT {opt}; CFLAGS {cflags}"


def slow_python(prefix: str = sys.base_prefix, variable: Variable = sysconfig.get_config_var) -> str:
    """Return why the numbers are not those of the Python that admins have; empty where they are. A
    distribution's own is built with a profile and need not say so: Debian takes those flags out of what its
    Python tells, because nobody who compiles an extension may use them.

    A distribution's own is built with a profile and need not say so: Debian takes those flags out of what its
    Python tells, because nobody who compiles an extension may use them.
    """
    flags = " ".join(str(variable(name) or "") for name in ("CONFIG_ARGS", "PY_CORE_CFLAGS"))
    if prefix == "/usr" or "--enable-optimizations" in flags or "-fprofile-use" in flags:
        return ""
    return (
        "This Python was built without --enable-optimizations, and is 11 to 15 % slower than one with it:"
        " name another with PYTHON=…"
    )


def sync_us(folder: Path) -> float:
    """Microseconds of the median commit of one small row by SQLite in WAL mode with full synchronisation."""
    with tempfile.TemporaryDirectory(dir=folder) as made:
        connection = sqlite3.connect(f"{made}/probe.sqlite3", isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE probe (number)")
        times = []
        for number in range(200):
            start = time.perf_counter()
            connection.execute("INSERT INTO probe VALUES (?)", (number,))
            times.append(time.perf_counter() - start)
        connection.close()
    return statistics.median(times) * 1e6


def cpu_seconds(pid: int) -> float:
    """CPU time that a process took so far, ended threads included."""
    return time.clock_gettime(~pid << 3 | _WHOLE_PROCESS)


def resident_kb(pid: int) -> float:
    """Kilobytes (1,000 bytes) of memory that a process has of its own or shares."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1000


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model")))
    return next(named, platform.machine())


def _memory_gib() -> float:
    return os.sysconf("SC_PHYS_PAGES") * _PAGE / 2**30


def _event_loop() -> str:
    try:
        return f"uvloop {importlib.metadata.version('uvloop')}"
    except importlib.metadata.PackageNotFoundError:
        return "asyncio (no uvloop)"


def _file_system(folder: Path) -> str:
    """The type of the mount that holds the folder: the longest mount point above it."""
    mounts = [line.split()[1:3] for line in Path("/proc/self/mounts").read_text().splitlines()]
    above = [(place, kind) for place, kind in mounts if folder.resolve().is_relative_to(place)]
    return max(above, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]
