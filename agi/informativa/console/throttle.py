"""The throttle of log-ins, in this process's memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network

_KEYS = 10_000  # of which failures are remembered
_IPV6_PREFIX = 64  # bits of an address that one subscriber has for himself


class Throttle:
    """Slows the guessing of passwords. After `free` failures of a key (an account, an address or a browser)
    each one more doubles the wait, up to `longest` seconds; a success clears the key. Failures are forgotten
    `longest` seconds after their wait."""

    def __init__(
        self, free: int = 4, longest: float = 900.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free, self._longest, self._clock = free, longest, clock
        self._failures: dict[str, tuple[int, float]] = {}  # number of failures, and the end of the wait
        self._lock = threading.Lock()

    def wait(self, *keys: str) -> float:
        """Return the seconds until all of these keys may try again; 0 if they may now."""
        now = self._clock()
        with self._lock:
            return max(0.0, *(self._failures.get(key, (0, now))[1] - now for key in keys))

    def has_failed(self, key: str) -> bool:
        """Return whether a failure of this key is remembered."""
        now = self._clock()
        with self._lock:
            return key in self._failures and now - self._failures[key][1] <= self._longest

    def failed(self, *keys: str) -> None:
        """Count one more failure of each key."""
        now = self._clock()
        with self._lock:
            if len(self._failures) > _KEYS:
                self._failures = {
                    key: failures
                    for key, failures in self._failures.items()
                    if failures[1] + self._longest > now
                }
            for key in keys:
                previous, wait_end = self._failures.get(key, (0, now))
                count = 1 if now - wait_end > self._longest else previous + 1
                wait = min(self._longest, 2.0 ** min(count - self._free, 16)) if count > self._free else 0.0
                self._failures[key] = (count, now + wait)

    def succeeded(self, key: str) -> None:
        """Clear the failures of a key."""
        with self._lock:
            self._failures.pop(key, None)


def network_of(address: str) -> str:
    """Return the part of an address that tells one subscriber from others: all of it for IPv4, the first half
    for IPv6, of which everybody has many addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped or ip_network((parsed, _IPV6_PREFIX), strict=False).network_address)
