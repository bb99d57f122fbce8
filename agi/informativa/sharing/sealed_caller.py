"""The caller of an erasure, encrypted for the boxes of the company.

A pseudonym cannot be turned back into a number, so a box with a newer key than the one that asks cannot tell
whom a pseudonym under the old key stands for. It can open what was encrypted with that old key. Whoever has
a key of the company can find a caller's number by trying all: so nothing more is given away than by the
pseudonyms that are sent beside it, and both are deleted when all boxes have erased him (I5, I9).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..call.caller import pseudonyms_under
from ..model import Identified
from . import envelopes

_SIZE = 96  # bytes of the padded plain text, so that its length tells nothing
_INSTRUCTION = b"instruction:"
_CUSTOMER, _NUMBER = b"customer:", b"e164:"


def seal(caller: Identified, keys: Iterable[bytes], instruction: str = "") -> tuple[bytes, ...]:
    """Encrypt the caller under each of these keys. The controller's instruction, a ticket's id, goes along as
    it is; boxes of an earlier informativa pass it over."""
    space = _CUSTOMER if caller.customer else _NUMBER
    plain = (space + caller.number.encode(errors="replace")).ljust(_SIZE, b"\0")
    sealed = tuple(envelopes.seal(envelopes.CALLER, plain, key) for key in keys)
    return (*sealed, _INSTRUCTION + instruction.encode()) if instruction else sealed


def instruction(sealed: Iterable[bytes]) -> str:
    """Return the controller's instruction that came with a sealed caller; '' if none did. Nothing is
    checked."""
    texts = (value.removeprefix(_INSTRUCTION) for value in sealed if value.startswith(_INSTRUCTION))
    return next(texts, b"").decode(errors="replace")


def covers(sealed: Sequence[bytes], keys: Iterable[bytes]) -> bool:
    """Return whether the box that asked has all of these keys: then its pseudonyms are complete."""
    return set(map(envelopes.key_id, keys)) <= set(map(envelopes.key_id_of, sealed))


def unseal(sealed: Sequence[bytes], keys: Sequence[bytes]) -> Identified | None:
    """Return the caller; `None` if none of these keys opens the envelope."""
    for envelope in sealed:
        padded = envelopes.unseal(envelopes.CALLER, envelope, keys)
        if padded is None:
            continue
        plain = padded.rstrip(b"\0")
        customer = plain.startswith(_CUSTOMER)
        number = plain.removeprefix(_CUSTOMER if customer else _NUMBER).decode(errors="replace")
        return Identified(number, customer=customer)
    return None


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
