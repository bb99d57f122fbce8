"""One-time codes of an authenticator app: TOTP (RFC 6238) of six digits and 30 seconds, over HOTP (RFC 4226).

SHA-1, six digits and 30 seconds are what every app knows; several pass over other parameters in silence.
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
_AROUND = (0, -1, 1)  # steps that a clock may be off, or that somebody typed for


def new_secret() -> str:
    """A new secret, in base 32 as apps take it."""
    return base64.b32encode(os.urandom(SECRET_SIZE)).decode()


def uri(secret: str, account: str, issuer: str) -> str:
    """What an app reads from a QR code. Neither name may have a colon in it."""
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer}, quote_via=quote)}"


def hotp(key: bytes, counter: int, digits: int = DIGITS) -> str:
    """The code of a counter (RFC 4226)."""
    found = hmac.digest(key, struct.pack(">Q", counter), "sha1")
    start = found[-1] & 0xF
    number = int.from_bytes(found[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def step(now: datetime) -> int:
    """In which of the 30 seconds since 1970 a time is."""
    return int(now.timestamp()) // STEP_SECONDS


def matching_step(secret: str, code: str, now: datetime, last: int = 0) -> int | None:
    """The step whose code this is: of now, or one before or after, and later than the `last` one used;
    `None` if it is none of them. Spaces in the code count for nothing. Raises ValueError for what is no
    secret."""
    try:
        key = base64.b32decode(secret)
    except binascii.Error as error:
        raise ValueError("no base 32") from error
    typed = "".join(code.split()).encode("utf-8", "replace")
    current, found = step(now), None
    for each in (current + off for off in _AROUND):
        if each > last and hmac.compare_digest(hotp(key, each).encode(), typed):
            found = each
    return found
