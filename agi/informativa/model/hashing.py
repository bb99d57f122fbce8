"""SHA-256, and HMAC-SHA256 (RFC 2104), for the short messages that a call hashes. Pure.

OpenSSL sets up for each hash more than it hashes: beside a commit, when no cache has that code any more, it
takes several times as long as the C of Python itself. With `hashlib` and `hmac` a known caller's call takes
1.015 times the instructions in the service (callgrind), and a script 1.04 times the CPU time, since it loads
OpenSSL for them. For whole files OpenSSL is faster.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import hashlib  # with which OpenSSL is loaded: a script that plays nothing hashes nothing by it

_BLOCK = 64  # bytes of SHA-256
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def _fastest_sha256() -> Callable[[bytes], hashlib._Hash]:
    """Return Python's own SHA-256, under its name since 3.12 or before; a Python may be built without it."""
    for module in ("_sha2", "_sha256"):
        with contextlib.suppress(ImportError):
            constructor: Callable[[bytes], hashlib._Hash] = importlib.import_module(module).sha256
            return constructor
    return importlib.import_module("hashlib").sha256  # type: ignore[no-any-return]


sha256 = _fastest_sha256()


def hmac(key: bytes, message: bytes) -> bytes:
    """Return the HMAC, 32 bytes, by a key of the configuration: the work for the key is cached for the next
    message."""
    inner, outer = _cached_halves(key)
    return _digest(inner.copy(), outer.copy(), message)


def hmac_once(key: bytes, message: bytes) -> bytes:
    """Return the same by a key for a single message; nothing is cached."""
    return _digest(*_halves(key), message)


def _halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """Return the two hashes with the key in them (RFC 2104, section 4)."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


_cached_halves = functools.lru_cache(maxsize=256)(_halves)  # keys are in memory anyway


def _digest(inner: hashlib._Hash, outer: hashlib._Hash, message: bytes) -> bytes:
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()
