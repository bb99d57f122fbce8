"""Child processes that cannot outlive the tests."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_libc = ctypes.CDLL(None, use_errno=True)  # loaded here: a forked child must not load anything


class NeverError(Exception):
    """The error of waiting for what did not happen; says what that was."""


class Child:
    """A program in a session of its own, so that Ctrl-C reaches only Python, which then ends it.

    Linux ends it when Python dies, whichever way. It ties that to the *thread* that started the child, so
    each child has a keeper thread, which also tells at once when the child has ended.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, output: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._argv, self._cwd, self._output, self._env = list(argv), cwd, output, env
        self._started, self._ended = threading.Event(), threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None
        threading.Thread(target=self._keep, daemon=True, name=f"keeper of {argv[-1]}").start()
        self._started.wait()
        if self._error:
            raise self._error

    def _keep(self) -> None:
        try:
            with self._output.open("ab") as output:
                self._process = subprocess.Popen(
                    self._argv,
                    cwd=self._cwd,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=functools.partial(die_with, os.getpid()),
                )
        except OSError as error:
            self._error = error
            return
        finally:
            self._started.set()
        self._process.wait()
        self._ended.set()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._process.returncode if self._process and self._ended.is_set() else None

    def wait(self, timeout: float) -> bool:
        """Wait for the end, so many seconds at most; whether it has ended."""
        return self._ended.wait(timeout)

    def end(self, patience: float = 2.0) -> None:
        """Ask it to end, and kill it if it has not after so many seconds."""
        self.send(signal.SIGTERM)
        if not self.wait(patience):
            self.kill()

    def kill(self) -> None:
        """End it at once, without a chance to say good-bye."""
        self.send(signal.SIGKILL)
        self.wait(30)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self._process and not self._ended.is_set():
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def until(
    holds: Callable[[], object], seconds: float, complaint: Callable[[], str], child: Child | None = None
) -> None:
    """Wait until something holds; ``NeverError`` after so many seconds, or once the child has ended."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        if child and child.status is not None:
            raise NeverError(f"{complaint()} It ended with {child.status}.")
        if time.monotonic() > deadline:
            raise NeverError(f"{complaint()} That was waited for {seconds:.0f} s.")
        child.wait(0.02) if child else pause.wait(0.02)


def open_files(pid: int | str = "self") -> list[Path]:
    """The file behind each descriptor of a process, by default this one, but for what is closed meanwhile.
    Threads of other tests have files open too: ask for those below a folder of the test's own."""
    files = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            files.append(link.readlink())
    return files


def has_ended(pid: int) -> bool:
    """Return whether no such process is left, or only what its parent has not looked at yet."""
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True


def die_with(parent: int) -> None:
    """In a child: be killed when the parent dies."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
