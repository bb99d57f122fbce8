"""The service's log: facts to standard error, one a line, and never a reason for a call to wait."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import structlog

from ..views.terminal import colours, one_line

WAITING = 10_000  # lines that may wait for a reader; more are dropped and counted
GATHER_SECONDS = 0.02  # from the first line to the writing: waking a thread costs more than many lines do
FLUSH_SECONDS = 1.0


# What journald takes off the front of a line (sd-daemon(3)), so that `journalctl -p err` finds errors.
_PRIORITIES = {"critical": 2, "error": 3, "warning": 4, "info": 6, "debug": 7}


class LogFormat(StrEnum):
    """How `serve` writes its log."""

    CONSOLE = "console"
    JSON = "json"


class Sink:
    """A logger for structlog whose lines a thread writes to a file, all that came in a short while at once.

    Whoever reads our standard error may stall or its disk may be full; a call must not wait for it
    nor fail over it. What cannot wait in line is dropped, and the number of such lines is told.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Take a line; never waits."""
        if self._lines.qsize() < WAITING:
            self._lines.put(f"{text}\n")
        else:
            self._dropped += 1

    debug = info = warning = error = critical = write  # the level stands in the line

    def close(self) -> None:
        """Write what waits, for a bounded time."""
        self._lines.put(None)
        self._thread.join(FLUSH_SECONDS)

    def _run(self) -> None:
        last = False
        while not last:
            lines: list[str] = []
            try:
                last = self._gather(lines)
                self._put(lines)
            except Exception:  # no memory, say: these lines are lost, and those to come are not
                self._dropped += len(lines)

    def _gather(self, lines: list[str]) -> bool:
        """All lines that wait, a while after the first of them came; whether the end was among them."""
        following = self._lines.get()
        if following is not None:
            time.sleep(GATHER_SECONDS)
        with contextlib.suppress(queue.Empty):
            while following is not None:
                lines.append(following)
                following = self._lines.get_nowait()
        return following is None

    def _put(self, lines: list[str]) -> None:
        dropped = self._dropped
        told = f"({dropped} lines were dropped: nobody read them)\n" if dropped else ""
        rest = "".join([told, *lines]).encode(errors="replace")
        self._dropped -= dropped
        with contextlib.suppress(OSError):
            while rest:  # the descriptor itself: a stalled write must not hold the stream's lock
                rest = rest[os.write(self._descriptor, rest) :]


def _journal_reads() -> bool:
    """Whether journald itself reads our standard error (systemd.exec(5), $JOURNAL_STREAM)."""
    found = os.fstat(sys.stderr.fileno())
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _prioritised(_logger: object, method: str, line: Any) -> str:
    """Every line with its priority, a traceback's too: journald takes each for an entry of its own."""
    return "\n".join(f"<{_PRIORITIES.get(method, 6)}>{part}" for part in str(line).split("\n"))


def _cleaned(_logger: object, _method: str, facts: Any) -> dict[str, Any]:
    """No fact passes for a line of its own, or for a command to the terminal; a traceback is none of them."""
    return {name: one_line(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _stamped(_logger: object, method: str, facts: Any) -> Any:
    """The level, and the time in UTC, as structlog's own processors add them for twice the time."""
    facts["level"] = method
    facts["timestamp"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
    return facts


_encode = json.JSONEncoder(default=repr).encode  # structlog's own renderer makes an encoder for each line


def _rendered(_logger: object, _method: str, facts: Any) -> str:
    return _encode(facts)


def configure(form: LogFormat) -> Sink:
    """Have structlog write to standard error in this form; close the sink at the end."""
    sink = Sink(sys.stderr.fileno())
    output: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, _rendered]
        if form is LogFormat.JSON
        else [
            _cleaned,
            structlog.dev.ConsoleRenderer(
                colors=colours(sys.stderr),
                # the pretty one would print local variables, and with them callers' numbers
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ]
    )
    if form is LogFormat.CONSOLE and _journal_reads():
        output.append(_prioritised)
    structlog.configure(
        processors=[
            _stamped,
            *output,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,  # made anew for each line otherwise
        logger_factory=lambda *_name: sink,
    )
    return sink
