"""A watchdog that ends the process when its event loop stands still: Asterisk waits for ever for a server
that hangs, and goes on at once when the connection closes.

The measure is the process's own turns, not the clock. A process that was stopped (SIGSTOP, a debugger, a
frozen virtual machine) sees on waking that much time has gone by, and is healthy. So a thread counts how
often it woke itself without a turn of the loop. If it cannot wake, since something computes and never lets go
of the interpreter, the kernel ends the process after as many seconds of computing. Against code that holds
the interpreter and waits there is systemd, which learns by `alive` that the loop turns (WatchdogSec=).
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

SECOND = 1.0
HANGING = 10  # of the watchdog's seconds without a turn of the event loop; a healthy one takes milliseconds
COMPUTING = 2 * HANGING  # seconds of all threads together: others may compute beside the loop
_LAST_WORDS = (
    b"The event loop stands still, so the service ends itself. Please report what each thread does:\n"
)


@asynccontextmanager
async def watched(alive: Callable[[], None]) -> AsyncIterator[None]:
    """Watch this event loop, and call `alive` once a second while it turns."""
    watchdog = _Watchdog(SECOND)

    async def report_turns() -> None:
        while True:
            watchdog.turned()
            alive()
            await asyncio.sleep(SECOND)

    faulthandler.register(signal.SIGPROF, chain=True)  # tells where, and lets the signal end the process
    reporting = asyncio.create_task(report_turns())
    try:
        yield
    finally:
        reporting.cancel()
        watchdog.close()
        faulthandler.unregister(signal.SIGPROF)


class _Watchdog:
    """A thread that counts, and the kernel's timer for the case that no thread can run."""

    def __init__(self, second: float) -> None:
        self._second = second
        self._missed = 0  # of its own seconds since the loop turned
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def turned(self) -> None:
        """Start the count anew: the loop has turned."""
        self._missed = 0
        signal.setitimer(signal.ITIMER_PROF, COMPUTING * self._second)

    def close(self) -> None:
        """Stop watching."""
        self._stopped.set()
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _watch(self) -> None:
        while not self._stopped.wait(self._second):
            self._missed += 1
            if self._missed >= HANGING:
                os.write(2, _LAST_WORDS)  # the stream's lock may be what everybody waits for
                faulthandler.dump_traceback()
                os._exit(1)
