"""The logs of a company's other boxes, as far as each has sent them to the shared database."""

from __future__ import annotations

from dataclasses import dataclass

from ... import storage
from ...config import Configuration
from ...evidence.checkpoint import Checkpoint
from ...model import Controller
from ..boxes import BoxState, meeting


@dataclass(frozen=True)
class BoxLog:
    """Another box: its state, and the number of records in the newest checkpoints of all its logs. Nothing is
    verified."""

    state: BoxState
    signed: int


def of_other_boxes(configuration: Configuration, controller: Controller) -> tuple[BoxLog, ...]:
    """Return the logs of the other boxes, by box name; none if no database is shared. Raises
    SharedDatabaseError, EvidenceFormatError."""
    if configuration.shared is None:
        return ()
    states = [state for state in meeting(configuration, controller).boxes if not state.this]
    with storage.provable(configuration.shared, controller) as proofs:
        signed = dict.fromkeys((state.box.name for state in states), 0)
        for log in proofs.logs():
            note = proofs.newest(log.box, log.epoch)
            if note is not None and log.box in signed:
                signed[log.box] += Checkpoint.unverified(note).size
    return tuple(BoxLog(state, signed[state.box.name]) for state in states)
