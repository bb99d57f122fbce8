"""What came of putting a backup in a ledger's place."""

from __future__ import annotations

from ...ledgers import restoring
from .shapes import Document


class AdoptedLedger(Document):
    """A ledger that is a company's from now on."""

    done: bool
    """Whether it is; else it would be."""
    controller: str
    """The controller's name in the configuration."""
    ledger: str
    """The file."""


class RestoredLedger(Document):
    """A backup that was put in a ledger's place."""

    controller: str
    """The controller's name in the configuration."""
    records: int
    """How many records the ledger has now."""
    gone_again: int
    """How many records of the backup were erased or purged since, and are so again."""
    lost: int
    """How many records were published since the backup, and are lost."""
    epoch: int
    """In which of the controller's logs it goes on."""
    before: str | None
    """Where the ledger is that was there before; null if there was none."""

    @classmethod
    def of(cls, controller: str, restored: restoring.Restored) -> RestoredLedger:
        """As it was done."""
        return cls(
            controller=controller,
            records=restored.records,
            gone_again=restored.gone_again,
            lost=restored.lost,
            epoch=restored.epoch,
            before=None if restored.before is None else str(restored.before),
        )
