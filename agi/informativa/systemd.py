"""What systemd is told of the service (sd_notify(3)): ready, loading anew, stopping, alive.

Our own lines, because the one Python library for it has had no release since 2017 and may block.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque


class Notifier:
    """Sends states to the socket that systemd named; does nothing where it named none."""

    def __init__(self) -> None:
        self._untold: deque[bytes] = deque(maxlen=8)
        self._address = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)  # a systemd that stalls must hold no call

    def ready(self, status: str) -> None:
        """Calls are taken; `status` is for `systemctl status`."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """The configuration is loaded anew; `ready` is when that is over."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """No more calls are taken."""
        self._tell("STOPPING=1", "STATUS=letting the calls in progress end")

    def alive(self) -> None:
        """The event loop turns (for WatchdogSec=)."""
        self._tell("WATCHDOG=1", again=False)

    def close(self) -> None:
        """Say nothing more."""
        self._socket.close()

    def _tell(self, state: str, *more: str, again: bool = True) -> None:
        """What a full socket did not take is told first the next time: without `READY=1` no start is done."""
        if not self._address:
            return
        datagram = "\n".join((state, *more)).encode()
        with contextlib.suppress(OSError):  # a systemd that is gone is not ours to mend
            while self._untold:
                self._socket.sendto(self._untold[0], self._address)
                self._untold.popleft()
            self._socket.sendto(datagram, self._address)
            return
        if again:
            self._untold.append(datagram)
