"""HMAC-SHA256 (RFC 2104) as calls need it. Pure.

OpenSSL looks its algorithm up anew for each HMAC, which beside a commit, when no cache has it any more, takes
several times what the hashing does.
"""

from __future__ import annotations

import functools
import hashlib

_BLOCK = 64  # bytes of SHA-256
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def digest(key: bytes, message: bytes) -> bytes:
    """32 bytes. By a key of the configuration: what is made of it is kept for the next one."""
    inner, outer = (half.copy() for half in _kept(key))
    return _digest(inner, outer, message)


def digest_once(key: bytes, message: bytes) -> bytes:
    """The same by a key that has no other message, of which nothing is kept."""
    return _digest(*_halves(key), message)


def _halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """HMAC's two hashes with the key in them (RFC 2104, section 4)."""
    block = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


_kept = functools.lru_cache(maxsize=256)(_halves)  # which the configuration has in memory anyway


def _digest(inner: hashlib._Hash, outer: hashlib._Hash, message: bytes) -> bytes:
    inner.update(message)
    outer.update(inner.digest())
    return outer.digest()
