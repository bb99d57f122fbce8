"""The logs of a company's other boxes, as far as each has sent what proves its records."""

from __future__ import annotations

from dataclasses import dataclass

from ... import storage
from ...config import Configuration
from ...evidence.checkpoint import Checkpoint
from ...model import Controller
from ..boxes import BoxState, meeting


@dataclass(frozen=True)
class BoxLog:
    """What is there of another box: how it stands, and how many records its newest checkpoints have, of all
    its logs. Nothing is verified."""

    state: BoxState
    signed: int


def of_other_boxes(configuration: Configuration, controller: Controller) -> tuple[BoxLog, ...]:
    """By name; none where nothing is shared. Raises SharedDatabaseError, EvidenceFormatError."""
    if configuration.shared is None:
        return ()
    states = [each for each in meeting(configuration, controller).boxes if not each.this]
    with storage.provable(configuration.shared, controller) as proofs:
        signed = dict.fromkeys((each.box.name for each in states), 0)
        for log in proofs.logs():
            note = proofs.newest(log.box, log.epoch)
            if note is not None and log.box in signed:
                signed[log.box] += Checkpoint.unverified(note).size
    return tuple(BoxLog(each, signed[each.box.name]) for each in states)
