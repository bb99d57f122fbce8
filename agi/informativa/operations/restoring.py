"""A backup that is put in the place of a controller's ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..evidence.settings import EvidenceConfig
from ..ledgers.instructions import require_instruction
from ..model import Controller
from ..process import retrieval, storage


@dataclass(frozen=True)
class RestoredLedger:
    """A backup that was put in a ledger's place."""

    controller: str
    """The controller's name in the configuration."""
    records: int
    """Number of records that the ledger has now."""
    gone_again: int
    """Number of records of the backup that were erased or purged since, and are so again."""
    lost: int
    """Number of records that were published since the backup, and are lost."""
    epoch: int
    """The number of the controller's log in which it goes on."""
    before: Path | None
    """The file of the ledger that was there before; null if there was none."""


def restore(
    controller: Controller, backup: Path, now: datetime, settings: EvidenceConfig, instruction: str = ""
) -> RestoredLedger:
    """Put a backup in the place of the controller's ledger; notes about what is lost have the controller's
    `instruction`. Its log gets what was published of it and is not here. Raises InformativaError, and does
    not change the ledger then."""
    require_instruction(instruction)
    retrieval.retrieve(controller, settings)
    restored = storage.restore(controller, backup, now, instruction)
    return RestoredLedger(
        controller.id, restored.records, restored.gone_again, restored.lost, restored.epoch, restored.before
    )
