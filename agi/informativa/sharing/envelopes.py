"""Envelopes in the database where boxes meet, which only boxes with a key of the company open (AES-256-GCM).

An envelope is the key's fingerprint (8 bytes), the nonce (12), and the encrypted data. Each kind of data has
its own encryption key, derived from the company's by HMAC of the kind's name; no number and no binding, which
are under the company's key too, begins like these names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from ..call.caller import fingerprint
from ..model import hashing

CALLER = b"sealed caller"
LIST = b"sealed list"

_NAME, _NONCE = 8, 12  # bytes


def seal(kind: bytes, data: bytes, key: bytes) -> bytes:
    """Return data of that kind in an envelope under a key of the company."""
    name, nonce = key_name(key), os.urandom(_NONCE)
    return name + nonce + _cipher(kind, key).encrypt(nonce, data, name)  # type: ignore[no-any-return]


def unseal(kind: bytes, envelope: bytes, keys: Iterable[bytes]) -> bytes | None:
    """Return the data; `None` if the envelope is under none of these keys, or was changed."""
    from cryptography.exceptions import InvalidTag

    name, nonce, encrypted = envelope[:_NAME], envelope[_NAME:][:_NONCE], envelope[_NAME + _NONCE :]
    for key in keys:
        if key_name(key) == name:
            with suppress(InvalidTag, ValueError):
                return _cipher(kind, key).decrypt(nonce, encrypted, name)  # type: ignore[no-any-return]
    return None


def name(envelope: bytes) -> bytes:
    """Return the `key_name` of the key under which an envelope is."""
    return envelope[:_NAME]


def key_name(key: bytes) -> bytes:
    """Return the fingerprint of a key, 8 bytes."""
    return bytes.fromhex(fingerprint(key))


def _cipher(kind: bytes, key: bytes):  # type: ignore[no-untyped-def]  # loaded where somebody is erased
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hashing.hmac(key, kind))
