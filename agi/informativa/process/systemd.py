"""Messages about the state of the service to systemd (sd_notify(3)): ready, reloading, stopping, alive.

Our own lines, because the one Python library for it has had no release since 2017 and may block.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque


class Notifier:
    """A sender of states to the socket that systemd named; it does nothing where systemd named none."""

    def __init__(self) -> None:
        self._unsent: deque[bytes] = deque(maxlen=8)
        self._address = os.environ.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)  # a systemd that stalls must hold no call

    def ready(self, status: str) -> None:
        """Report that calls are taken; `status` is for `systemctl status`."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Report that the configuration is being loaded; `ready` ends that."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Report that no more calls are taken."""
        self._send("STOPPING=1", "STATUS=letting the calls in progress end")

    def alive(self) -> None:
        """Report that the event loop runs (for WatchdogSec=)."""
        self._send("WATCHDOG=1", again=False)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _send(self, state: str, *more: str, again: bool = True) -> None:
        """Send a state. One that a full socket did not take is sent first the next time: without `READY=1` no
        start is complete."""
        if not self._address:
            return
        datagram = "\n".join((state, *more)).encode()
        with contextlib.suppress(OSError):  # a systemd that is gone is not ours to mend
            while self._unsent:
                self._socket.sendto(self._unsent[0], self._address)
                self._unsent.popleft()
            self._socket.sendto(datagram, self._address)
            return
        if again:
            self._unsent.append(datagram)
