"""One-time codes of an authenticator app: TOTP (RFC 6238) of six digits and 30 seconds, over HOTP (RFC 4226).

SHA-1, six digits and 30 seconds are what every app knows; several ignore other parameters silently. pyotp
would replace a dozen of these lines; that no code is good twice would still be ours.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import struct
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_SIZE = 20  # bytes: as long as the hash, as RFC 4226 (section 4, R6) recommends
_OFFSETS = (0, -1, 1)  # steps by which a clock may be off, or that it took to type the code


def new_secret() -> str:
    """Return a new secret, in base 32, the form for apps."""
    return base64.b32encode(os.urandom(SECRET_SIZE)).decode()


def uri(secret: str, account: str, issuer: str) -> str:
    """Return the URI that an app reads from a QR code. Neither name may have a colon in it."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def hotp(key: bytes, counter: int, digits: int = DIGITS) -> str:
    """Return the code of a counter (RFC 4226)."""
    digest = hmac.digest(key, struct.pack(">Q", counter), "sha1")
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def step(now: datetime) -> int:
    """Return the step of a time: the number of 30-second steps since 1970."""
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(secret: str, code: str, now: datetime, last: int = 0) -> int | None:
    """Return the step whose code this is: that of now, or one before or after, and later than the `last` one
    used; `None` if there is none. Spaces in the code are ignored. Raises ValueError for a malformed
    secret."""
    try:
        key = base64.b32decode(secret)
    except binascii.Error as error:
        raise ValueError("no base 32") from error
    typed = "".join(code.split()).encode("utf-8", "replace")
    current, matching = step(now), None
    for candidate in (current + offset for offset in _OFFSETS):
        if candidate > last and hmac.compare_digest(hotp(key, candidate).encode(), typed):
            matching = candidate
    return matching
