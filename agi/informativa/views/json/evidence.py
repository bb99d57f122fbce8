"""Proof, for programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ...operations.evidence.receipt_maker import MadeReceipt, WaitingRecord
from .shapes import Document, Shape


class ReceiptFile(Shape):
    """A receipt that was written."""

    controller: str
    """The controller's name in the configuration."""
    box: str | None
    """On which box that was recorded; null for this one."""
    record: int
    """Of which record."""
    file: str | None
    """Where it is; null where the record is in no checkpoint yet, or nothing here proves it."""
    key: str | None
    """The key of its log."""


class WrittenReceipts(Document):
    """The receipts that were written."""

    receipts: list[ReceiptFile]
    """One a record."""
    pages: list[str]
    """Where their pages are, if any were asked for."""

    @classmethod
    def of(
        cls, written: Iterable[tuple[MadeReceipt | WaitingRecord, Path | None]], pages: Iterable[Path] = ()
    ) -> WrittenReceipts:
        """As they were written."""
        return cls(
            receipts=[
                ReceiptFile(
                    controller=made.controller.id,
                    box=made.box or None,
                    record=made.record.number,
                    file=None if file is None else str(file),
                    key=str(made.key) if isinstance(made, MadeReceipt) else None,
                )
                for made, file in written
            ],
            pages=[str(file) for file in pages],
        )
