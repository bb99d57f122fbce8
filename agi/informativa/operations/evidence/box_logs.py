"""The logs of a company's other boxes, as far as each has sent them to the shared database."""

from __future__ import annotations

from dataclasses import dataclass

from ...config import Configuration
from ...evidence.checkpoint import Checkpoint
from ...model import Controller
from ...process import storage
from ..boxes import Box, meeting


@dataclass(frozen=True)
class BoxLog:
    """Another box, and the number of records in the newest checkpoints of all its logs. Nothing is
    verified."""

    box: Box
    signed: int


def other_box_logs(configuration: Configuration, controller: Controller) -> tuple[BoxLog, ...]:
    """Return the logs of the other boxes, by box name; none if no database is shared. Raises
    SharedDatabaseError, EvidenceFormatError."""
    if configuration.shared is None:
        return ()
    boxes = [box for box in meeting(configuration, controller).boxes if not box.this]
    with storage.provable(configuration.shared, controller) as proofs:
        signed = dict.fromkeys((box.name for box in boxes), 0)
        for log in proofs.logs():
            note = proofs.newest(log.box, log.epoch)
            if note is not None and log.box in signed:
                signed[log.box] += Checkpoint.unverified(note).size
    return tuple(BoxLog(box, signed[box.name]) for box in boxes)
