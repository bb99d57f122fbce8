"""The service's log: facts to standard error, one a line, and never a reason for a call to wait."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Callable
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
    """The forms in which `serve` writes its log."""

    CONSOLE = "console"
    JSON = "json"


class Sink:
    """A logger for structlog whose lines a thread writes to a file, all that came in a short while at once.

    Whoever reads our standard error may stall or its disk may be full; a call must not wait for it
    nor fail over it. What cannot wait in line is dropped, and the number of such lines is told.

    With `QueueHandler` and `QueueListener` of `logging.handlers` a line takes the event loop 6 to 15 times as
    long, and the process more than twice: they make a record of each line, wake their thread for it, and
    write it alone. Their `stop` waits for a stalled reader without a limit.
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
        notice = f"({dropped} lines were dropped: nobody read them)\n" if dropped else ""
        remaining = "".join([notice, *lines]).encode(errors="replace")
        self._dropped -= dropped
        with contextlib.suppress(OSError):
            while remaining:  # the descriptor itself: a stalled write must not hold the stream's lock
                remaining = remaining[os.write(self._descriptor, remaining) :]


def _journal_reads() -> bool:
    """Return whether journald itself reads our standard error (systemd.exec(5), $JOURNAL_STREAM)."""
    status = os.fstat(sys.stderr.fileno())
    return os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _cleaned(facts: dict[str, Any]) -> dict[str, Any]:
    """No fact passes for a line of its own, or for a command to the terminal; a traceback is none of them."""
    return {name: one_line(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}


def _json(facts: dict[str, Any]) -> str:
    if "exc_info" in facts:
        facts = dict(structlog.processors.format_exc_info(None, "", facts))
    parts = [
        f"{_quoted(name)}: {_quoted(fact) if isinstance(fact, str) else _encode(fact)}"
        for name, fact in facts.items()
    ]
    return f"{{{', '.join(parts)}}}"


_quoted = json.encoder.encode_basestring_ascii
_encode = json.JSONEncoder(default=repr).encode


def _plain(facts: dict[str, Any]) -> str:
    facts = _cleaned(facts)
    start = f"{facts.pop('timestamp')} [{facts.pop('level'):<9}] {facts.pop('event')!s:<30}"
    parts = [
        f"{name}=" + (fact if isinstance(fact, str) and not _ODD(fact) else repr(fact))
        for name, fact in sorted(facts.items())
    ]
    return " ".join([start, *parts]).rstrip(" ")


_ODD = re.compile(r"""[ \t\r\n='"]""").search


def _console() -> Callable[[dict[str, Any]], str]:
    """Choose the renderer for a terminal, in colour where it has some. Tracebacks are plain: the pretty
    ones would print local variables, and with them callers' numbers."""
    colour = colours(sys.stderr)
    renderer = structlog.dev.ConsoleRenderer(colors=colour, exception_formatter=structlog.dev.plain_traceback)

    def render(facts: dict[str, Any]) -> str:
        if colour or "exc_info" in facts:
            return renderer(None, "", _cleaned(facts))
        return _plain(facts)

    return render


def _logger(render: Callable[[dict[str, Any]], str], *, prioritised: bool = False) -> Any:
    """A logger for structlog that makes its lines itself, byte for byte those of structlog's own renderers.

    A chain of processors for each line, and nine formatters for one on the console, took 9 and 2 % of a
    call's instructions. `prioritised` lines have their priority first, a traceback's too: journald takes each
    for an entry of its own.
    """

    class Logger(structlog.make_filtering_bound_logger(logging.INFO)):  # type: ignore[misc]  # made at run time
        def _proxy_to_logger(self, method_name: str, event: str | None = None, **facts: Any) -> None:
            # structlog's own processor for the time takes twice as long
            now = f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
            line = render({**self._context, **facts, "event": event, "level": method_name, "timestamp": now})
            if prioritised:
                mark = f"<{_PRIORITIES.get(method_name, 6)}>"
                line = mark + line.replace("\n", f"\n{mark}")
            self._logger.write(line)

    return Logger


def configure(form: LogFormat) -> Sink:
    """Make structlog write to standard error in this form, and return the sink, to be closed at the end."""
    sink = Sink(sys.stderr.fileno())
    wrapper = _logger(_json) if form is LogFormat.JSON else _logger(_console(), prioritised=_journal_reads())
    structlog.configure(
        processors=[],
        wrapper_class=wrapper,
        cache_logger_on_first_use=True,  # made anew for each line otherwise
        logger_factory=lambda *_name: sink,
    )
    return sink
