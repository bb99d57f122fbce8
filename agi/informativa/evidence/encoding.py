"""Numbers, base64, text and names of logs, each with only one way to write it. Pure."""

from __future__ import annotations

import base64
import binascii
import re

from ..model.errors import EvidenceFormatError
from ..model.text import Text

HASH_SIZE = 32  # bytes, of SHA-256
LARGEST = 2**63 - 1  # of a size, an index or a time: what every implementation can hold
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,18})\Z")
_ORIGIN = re.compile(
    r"(?=.{1,300}\Z)[a-z0-9-][a-z0-9.-]*/informativa/[a-z0-9-]+/[a-z0-9-]+/[1-9][0-9]{0,8}\Z"
)


def encode_base64(data: bytes) -> str:
    """Return the base64 of RFC 4648 section 4, with padding."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode base64 that has no line breaks, all its padding and no stray bits. Raises
    EvidenceFormatError."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = None
    if data is None or encode_base64(data) != text:
        raise EvidenceFormatError(Text("Here should be base64 of the standard kind, with its padding."))
    return data


def decoded_hash(text: str) -> bytes:
    """Decode a hash of 32 bytes from base64. Raises EvidenceFormatError."""
    data = decode_base64(text)
    if len(data) != HASH_SIZE:
        raise EvidenceFormatError(Text("A hash has 32 bytes, this one {count}.", count=len(data)))
    return data


def decimal(text: str) -> int:
    """Parse a number from 0 to 2^63 - 1 in ASCII digits, without leading zeroes. Raises
    EvidenceFormatError."""
    if not _DECIMAL.match(text) or int(text) > LARGEST:
        raise EvidenceFormatError(Text("Here should be a decimal number without leading zeroes."))
    return int(text)


def log_origin(text: str) -> str:
    """Return the text, if it is an origin as `origin.origin` makes it, of at most 300 characters:
    `<domain or box>/informativa/<company>/<box>/<epoch>`. Raises EvidenceFormatError."""
    if not _ORIGIN.match(text):
        raise EvidenceFormatError(Text("Here should be the origin of a log of this program."))
    return text


def without_epoch(origin: str) -> str:
    """Return the name of a log, which is the same in all its epochs."""
    return origin.rpartition("/")[0]


def as_text(data: bytes, limit: int) -> str:
    """Decode UTF-8 of at most `limit` bytes. Raises EvidenceFormatError."""
    if len(data) > limit:
        raise EvidenceFormatError(
            Text("It has {size} bytes, and at most {limit} are read.", size=len(data), limit=limit)
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise EvidenceFormatError(Text("It is not UTF-8.")) from None
