"""Ed25519 (RFC 8032) without its loopholes. Pure.

RFC 8032 5.1.7 leaves open, and libraries answer differently ("Taming the many EdDSAs", Chalkias et al.,
2020), whether points may be encoded in a second way and whether a key may be a point of small order, under
which one signature fits many texts. Here neither may; and S < L, so that nobody turns one signature into
another one.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_SIZE = 32  # bytes, of a public key and of a seed
SIGNATURE_SIZE = 64  # bytes: R, a point, and S, a number
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
# The y of the points whose order divides 8: (0, 1), (0, -1), (±√-1, 0), and the four points of order 8.
_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL = {0, 1, _P - 1, _ORDER_8, _P - _ORDER_8}


def public_key(seed: bytes) -> bytes:
    """Return the public key (32 bytes) to a seed of 32 bytes. Raises ValueError for another length."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def sign(seed: bytes, message: bytes) -> bytes:
    """Sign the message with the key of that seed. Returns 64 bytes. Raises ValueError for a seed of another
    length."""
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


@lru_cache(64)
def is_key(public: bytes) -> bool:
    """Return whether these bytes can be a public key: a point of the curve in its one encoding, not of small
    order."""
    return len(public) == KEY_SIZE and _is_point(public) and _y(public) not in _SMALL


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the signature is that key's of this message."""
    if not is_key(public) or len(signature) != SIGNATURE_SIZE:
        return False
    R, S = signature[:32], int.from_bytes(signature[32:], "little")  # noqa: N806  # as RFC 8032 calls them
    if S >= _L or not _is_point(R):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _is_point(encoded: bytes) -> bool:
    """Apply steps 1 to 4 of RFC 8032 5.1.3: y below p, on the curve, and no sign bit (x_0) with an x of 0.
    u/v is a square where uv is one, for that is u/v times the square of v, which is never 0."""
    y, x_0 = _y(encoded), encoded[31] >> 7
    if y >= _P:
        return False
    u, v = y * y - 1, _D * y * y + 1
    return not x_0 if u % _P == 0 else pow(u * v, (_P - 1) // 2, _P) == 1


def _y(encoded: bytes) -> int:
    return int.from_bytes(encoded, "little") & (1 << 255) - 1
