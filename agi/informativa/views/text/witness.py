"""A witness, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.evidence.witness import Witness
from ..messages import Language


def public_key_lines(witness: Witness, made: bool, say: Language) -> Iterator[str]:
    """Yield the public key, for the operator of a log, and the last checkpoint signed for each log; `made` if
    the key is new."""
    yield witness.key
    if made:
        yield say(
            "The private key lies in {folder}: keep it, and what lies beside it.", folder=witness.folder
        )
    for checkpoint in witness.logs:
        yield say.counted(
            "{origin}: {size} record, signed on {at:%Y-%m-%d %H:%M} UTC",
            "{origin}: {size} records, signed on {at:%Y-%m-%d %H:%M} UTC",
            checkpoint.size,
            origin=checkpoint.log,
            size=checkpoint.size,
            at=checkpoint.at,
        )
