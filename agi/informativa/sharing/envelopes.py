"""Envelopes in the database where boxes meet, which only boxes with a key of the company open (AES-256-GCM).

An envelope is the key's fingerprint (8 bytes), the nonce (12), and the encrypted data. Each kind of data has
its own encryption key, derived from the company's by HMAC of the kind's text; no number and no binding, which
are under the company's key too, begins like these texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from ..call.caller import fingerprint
from ..model import hashing

CALLER = b"sealed caller"
LIST = b"sealed list"

_ID, _NONCE = 8, 12  # bytes


def seal(kind: bytes, data: bytes, key: bytes) -> bytes:
    """Return data of that kind in an envelope under a key of the company."""
    identity, nonce = key_id(key), os.urandom(_NONCE)
    return identity + nonce + _cipher(kind, key).encrypt(nonce, data, identity)  # type: ignore[no-any-return]


def unseal(kind: bytes, envelope: bytes, keys: Iterable[bytes]) -> bytes | None:
    """Return the data; `None` if the envelope is under none of these keys, or was changed."""
    from cryptography.exceptions import InvalidTag

    identity, nonce, encrypted = envelope[:_ID], envelope[_ID:][:_NONCE], envelope[_ID + _NONCE :]
    for key in keys:
        if key_id(key) == identity:
            with suppress(InvalidTag, ValueError):
                return _cipher(kind, key).decrypt(nonce, encrypted, identity)  # type: ignore[no-any-return]
    return None


def key_id_of(envelope: bytes) -> bytes:
    """Return the `key_id` of the key under which an envelope is."""
    return envelope[:_ID]


def key_id(key: bytes) -> bytes:
    """Return the fingerprint of a key, 8 bytes."""
    return bytes.fromhex(fingerprint(key))


def _cipher(kind: bytes, key: bytes):  # type: ignore[no-untyped-def]  # loaded where somebody is erased
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hashing.hmac(key, kind))
