"""A witness, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ...operations.evidence.witness import WitnessedLog, WitnessKey
from ..messages import Language


def key(witness_key: WitnessKey, signed: Sequence[WitnessedLog], say: Language) -> Iterator[str]:
    """Yield the public key, for the operator of a log, and the last checkpoint signed for each log."""
    yield str(witness_key.key)
    if witness_key.made:
        yield say(
            "The private key lies in {folder}: keep it, and what lies beside it.", folder=witness_key.folder
        )
    for log in signed:
        signed_at = datetime.fromtimestamp(log.at, UTC)
        yield say.counted(
            "{origin}: {size} record, signed on {at:%Y-%m-%d %H:%M} UTC",
            "{origin}: {size} records, signed on {at:%Y-%m-%d %H:%M} UTC",
            log.size,
            origin=log.origin,
            size=log.size,
            at=signed_at,
        )
