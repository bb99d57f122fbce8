"""A witness, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from ...operations.evidence.witness import WitnessedLog, WitnessKey
from ..messages import Language


def key(found: WitnessKey, signed: Sequence[WitnessedLog], say: Language) -> Iterator[str]:
    """The key, to be given to whoever keeps the log, and what was signed last."""
    yield str(found.key)
    if found.made:
        yield say("The private key lies in {folder}: keep it, and what lies beside it.", folder=found.folder)
    for each in signed:
        at = datetime.fromtimestamp(each.at, UTC)
        yield say.counted(
            "{origin}: {size} record, signed on {at:%Y-%m-%d %H:%M} UTC",
            "{origin}: {size} records, signed on {at:%Y-%m-%d %H:%M} UTC",
            each.size,
            origin=each.origin,
            size=each.size,
            at=at,
        )
