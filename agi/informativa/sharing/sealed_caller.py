"""The caller of an erasure, encrypted for the boxes of the company.

A pseudonym cannot be turned back into a number, so a box with a newer key than the one that asks cannot tell
whom a pseudonym under the old key stands for. It can open what was encrypted with that old key. Whoever has
a key of the company can find a caller's number by trying all: so nothing more is given away than by the
pseudonyms that are sent beside it, and both are deleted when all boxes have erased him (I5, I9).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ..call.caller import fingerprint, pseudonyms_under
from ..model import Identified, hashing

_FINGERPRINT, _NONCE = 8, 12  # bytes
_SIZE = 96  # bytes of the padded plain text, so that its length tells nothing
_INSTRUCTION = b"instruction:"
_CUSTOMER, _NUMBER = b"customer:", b"e164:"


def seal(caller: Identified, keys: Iterable[bytes], instruction: str = "") -> tuple[bytes, ...]:
    """Encrypt the caller under each of these keys (AES-256-GCM). Each result is the key's fingerprint (8
    bytes), the nonce (12), and the encrypted text. The controller's instruction, a ticket's id, goes along as
    it is; boxes of an earlier informativa pass it over."""
    space = _CUSTOMER if caller.customer else _NUMBER
    plain = (space + caller.number.encode(errors="replace")).ljust(_SIZE, b"\0")
    sealed = []
    for key in keys:
        name, nonce = _name(key), os.urandom(_NONCE)
        sealed.append(name + nonce + _cipher(key).encrypt(nonce, plain, name))
    return (*sealed, _INSTRUCTION + instruction.encode()) if instruction else tuple(sealed)


def instruction(sealed: Iterable[bytes]) -> str:
    """Return the controller's instruction that came with a sealed caller; '' if none did. Nothing is
    checked."""
    texts = (value.removeprefix(_INSTRUCTION) for value in sealed if value.startswith(_INSTRUCTION))
    return next(texts, b"").decode(errors="replace")


def covers(sealed: Sequence[bytes], keys: Iterable[bytes]) -> bool:
    """Return whether the box that asked has all of these keys: then its pseudonyms are complete."""
    return {_name(key) for key in keys} <= {envelope[:_FINGERPRINT] for envelope in sealed}


def unseal(sealed: Sequence[bytes], keys: Iterable[bytes]) -> Identified | None:
    """Return the caller; `None` if none of these keys opens the envelope."""
    from cryptography.exceptions import InvalidTag

    by_name = {_name(key): key for key in keys}
    for envelope in sealed:
        key = by_name.get(envelope[:_FINGERPRINT])
        if key is None:
            continue
        name, remainder = envelope[:_FINGERPRINT], envelope[_FINGERPRINT:]
        nonce, text = remainder[:_NONCE], remainder[_NONCE:]
        try:
            plain = _cipher(key).decrypt(nonce, text, name).rstrip(b"\0")
        except (InvalidTag, ValueError):
            continue
        customer = plain.startswith(_CUSTOMER)
        number = plain.removeprefix(_CUSTOMER if customer else _NUMBER).decode(errors="replace")
        return Identified(number, customer=customer)
    return None


def _name(key: bytes) -> bytes:
    return bytes.fromhex(fingerprint(key))


def _cipher(key: bytes):  # type: ignore[no-untyped-def]  # the library is loaded where somebody is erased
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hashing.hmac(key, b"sealed caller"))  # no number and no binding begins like this


def all_pseudonyms(
    pseudonyms: Sequence[bytes], sealed: Sequence[bytes], keys: Sequence[bytes]
) -> tuple[Sequence[bytes], bool]:
    """Return an order's pseudonyms, with those of its caller under a box's keys, and whether all are known. A
    box of an earlier informativa sends no sealed caller, and its pseudonyms alone are used."""
    if not sealed or covers(sealed, keys):
        return pseudonyms, True
    caller = unseal(sealed, keys)
    if caller is None:
        return pseudonyms, False
    return list({*pseudonyms, *pseudonyms_under(caller, keys)}), True
