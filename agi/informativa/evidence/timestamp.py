"""Time-stamps (RFC 3161) of checkpoints: an authority says that a checkpoint was there at a time.

The stamp is of the SHA-256 of the checkpoint's note with the log's own signatures alone, so that it stays the
same whichever witnesses sign later. The authority's whole answer is stored, as `openssl ts -verify` reads it.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.errors import ElsewhereError, EvidenceError, SignatureError
from ..model.text import Foreign, Text
from ..system.files import read
from .note import Note, Verifier, parse
from .settings import TimestampAuthority

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from rfc3161_client import TimeStampResponse

    from .http import HttpClient

LARGEST_STAMP = 262_144  # bytes
_LARGEST_PEM = 1_000_000  # bytes
_SHA256 = "2.16.840.1.101.3.4.2.1"


@dataclass(frozen=True)
class Stamp:
    """A valid time-stamp: its time, and the authority's answer."""

    at: datetime
    data: bytes


def stamped_bytes(checkpoint: bytes, key: Verifier) -> bytes:
    """Return the part of a checkpoint's note that is stamped: its text and the log's own signatures. Raises
    EvidenceFormatError."""
    note = parse(checkpoint)
    identity = (key.name, key.key_id)
    own_signatures = tuple(line for line in note.signatures if (line.name, line.key_id) == identity)
    return Note(note.text, own_signatures).data


def stamp(data: bytes, authority: TimestampAuthority, http: HttpClient | None = None) -> Stamp:
    """Request a stamp of the data now. Raises ElsewhereError if the authority refuses, and SignatureError if
    its answer is not valid."""
    client = _library()
    request = client.TimestampRequestBuilder().data(data).hash_algorithm(client.HashAlgorithm.SHA256).build()
    from .http import HttpClient  # not for who only reads stamps

    connection = http or HttpClient(authority.url)
    try:
        answer = connection.request(
            "POST",
            "",
            request.as_bytes(),
            {"Content-Type": "application/timestamp-query"},
            largest=LARGEST_STAMP,
        )
    finally:
        connection.close()
    if answer.status != 200:
        raise ElsewhereError(
            Text(
                "{url} answered with status {status}",
                "it is asked again",
                url=authority.url,
                status=answer.status,
            )
        )
    return verify(answer.body, data, certificates(authority.certificates), nonce=request.nonce)


def verify(stamp: bytes, data: bytes, roots: list[Certificate], nonce: int | None = None) -> Stamp:
    """Verify that an authority below these roots stamped the data. Raises SignatureError."""
    client = _library()
    from rfc3161_client import VerificationError

    try:
        answer = client.decode_timestamp_response(stamp)
        verifier = client.VerifierBuilder(roots=roots, nonce=nonce).build()
        verifier.verify(answer, sha256(data).digest())
        if answer.tst_info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            raise ValueError("another hash")
        return Stamp(_time(answer), stamp)
    except (VerificationError, ValueError) as error:
        raise SignatureError(
            Text(
                "The time-stamp does not hold: {why}",
                "it is of something else, or of an authority whose root is not the one that is configured",
                why=Foreign(str(error)),
            )
        ) from error


def time_of(stamp: bytes) -> datetime:
    """Return the time that a stamp states; nothing is verified. Raises SignatureError if it is no stamp."""
    try:
        return _time(_library().decode_timestamp_response(stamp))
    except ValueError as error:
        raise SignatureError(Text("It is no time-stamp (RFC 3161).")) from error


def newest(stamps: Sequence[tuple[int, bytes]], largest: int) -> tuple[int, datetime | None]:
    """Return the size of the newest checkpoint with a stamp, of at most `largest` records, and the time that
    the stamp states; (0, None) without any. `stamps` are in the order of sizes; an unreadable one is
    ignored."""
    for size, stamp in reversed(stamps):
        if size <= largest:
            with suppress(EvidenceError):
                return size, time_of(stamp)
    return 0, None


def certificates(file: str) -> list[Certificate]:
    """Return the trusted root certificates in a file. Raises EvidenceError."""
    from cryptography.x509 import load_pem_x509_certificates

    try:
        return load_pem_x509_certificates(read(Path(file), _LARGEST_PEM))
    except OSError as error:
        reason = Foreign(error.strerror or type(error).__name__)
        raise EvidenceError(Text("{file} cannot be used: {why}", file=file, why=reason)) from error
    except ValueError as error:
        raise EvidenceError(Text("{file} has no certificates in it (PEM)", file=file)) from error


def _time(answer: TimeStampResponse) -> datetime:
    at = answer.tst_info.gen_time
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _library() -> Any:
    """Import and return rfc3161_client, which may not be installed. Raises EvidenceError."""
    try:
        import rfc3161_client
    except ImportError:
        raise EvidenceError(
            Text(
                "Time-stamps need rfc3161-client",
                "type: {prefix}/bin/pip install 'informativa[timestamp]'",
                prefix=Path(sys.prefix),
            )
        ) from None
    return rfc3161_client
