"""SHA-256, and HMAC-SHA256 (RFC 2104), of the little that a call hashes. Pure.

OpenSSL sets up for each hash more than it hashes: beside a commit, when no cache has that code any more, it
takes several times as long as the C of Python itself. Of whole files it is the quicker one.
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


def _quickest() -> Callable[[bytes], hashlib._Hash]:
    """Python's own, by its name since 3.12 or before; a Python may be built without."""
    for module in ("_sha2", "_sha256"):
        with contextlib.suppress(ImportError):
            own: Callable[[bytes], hashlib._Hash] = importlib.import_module(module).sha256
            return own
    return importlib.import_module("hashlib").sha256  # type: ignore[no-any-return]


sha256 = _quickest()


def hmac(key: bytes, message: bytes) -> bytes:
    """32 bytes. By a key of the configuration: what is made of it is kept for the next one."""
    inner, outer = (half.copy() for half in _kept(key))
    return _finished(inner, outer, message)


def hmac_once(key: bytes, message: bytes) -> bytes:
    """The same by a key that has no other message, of which nothing is kept."""
    return _finished(*_halves(key), message)


def _halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """The two hashes with the key in them (RFC 2104, section 4)."""
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    return sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))


_kept = functools.lru_cache(maxsize=256)(_halves)  # keys, which the configuration has in memory anyway


def _finished(inner: hashlib._Hash, outer: hashlib._Hash, message: bytes) -> bytes:
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()
