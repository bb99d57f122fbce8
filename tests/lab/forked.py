"""The installed program in a process of its own, without the half second in which Python loads it.

multiprocessing's fork server has loaded it once (lab/loaded.py), and each start is a fork of that: with a
session, a folder, an environment, an output and a command line of its own, and the exit code that the command
has. Each command is also really started, by tests/test_starting.py, and the service by test_service.py and
the demo.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import ModuleType

from .process import Child, die_with


class Forked(Child):
    """The command `informativa`; its arguments, folder, output and environment are those of a `Child`."""

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, output: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._ended = threading.Event()
        arguments = (list(argv), str(cwd), str(output), dict(os.environ if env is None else env))
        self._forked = _context().Process(target=_run, args=arguments)
        main_module, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:
            self._forked.start()  # which would have the fork import what runs the tests
        finally:
            sys.modules["__main__"] = main_module
        threading.Thread(target=self._keep, daemon=True, name=f"keeper of {argv[-1]}").start()

    def _keep(self) -> None:
        self._forked.join()
        self._ended.set()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._forked.pid
        return self._forked.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._forked.exitcode if self._ended.is_set() else None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)


@functools.cache
def _context() -> ForkServerContext:
    """A fork server that runs, and has loaded all of the program."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([f"{__package__}.loaded", __name__])
    path = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(sys.path)  # the server of CPython 3.11 looks nowhere else
    try:
        forkserver.ensure_running()
    finally:
        if path is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path
    return context


def _run(argv: list[str], folder: str, output: str, environment: dict[str, str]) -> None:
    from informativa.cli.main import main

    os.setsid()
    die_with(os.getppid())
    os.chdir(folder)
    for number, file, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, output, os.O_APPEND | os.O_CREAT | os.O_WRONLY),
    ):
        opened = os.open(file, mode, 0o666)
        os.dup2(opened, number)
        os.close(opened)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    _name([sys.executable, *argv])
    sys.exit(main())


def _name(words: Sequence[str]) -> None:
    """Have /proc tell these words as the command line: proc(5), arg_start and arg_end in stat."""
    fields = Path("/proc/self/stat").read_text().rpartition(") ")[2].split()
    start, end = (int(fields[number - 3]) for number in (48, 49))
    content = b"\0".join(os.fsencode(word) for word in words) + b"\0"
    if len(content) > end - start:
        raise ValueError(f"a command line of {len(content)} bytes does not fit into {end - start}")
    ctypes.memmove(start, content.ljust(end - start, b"\0"), end - start)
