"""Files of receipts: the proof of each record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...evidence.proof import SUFFIX
from ...model.errors import InformativaError
from ...model.text import Foreign, Text
from ...system.files import write_file
from .receipt_maker import RecordReceipt, RecordWithoutReceipt


@dataclass(frozen=True)
class ReceiptFile:
    """A receipt that was written."""

    controller: str
    """The controller's name in the configuration."""
    record: int
    """The number of its record."""
    file: Path | None
    """The file; null where the record is in no checkpoint yet."""
    key: str | None
    """The key of its log."""
    opened: Annotated[bool, Field(exclude=True)]
    """True if it shows whose number it is about, to anybody who knows the number."""


@dataclass(frozen=True)
class WrittenReceipts:
    """The receipts that were written."""

    receipts: tuple[ReceiptFile, ...]
    """One a record."""


def write(receipts: Iterable[RecordReceipt | RecordWithoutReceipt], folder: Path) -> WrittenReceipts:
    """Write the proofs of records into a folder; only its user may read the file of a receipt that is opened.
    Raises InformativaError."""
    return WrittenReceipts(tuple(_write_proof(receipt, folder) for receipt in receipts))


def _write_proof(receipt: RecordReceipt | RecordWithoutReceipt, folder: Path) -> ReceiptFile:
    controller, number = receipt.controller.id, receipt.record.number
    if isinstance(receipt, RecordWithoutReceipt):
        return ReceiptFile(controller, number, None, None, opened=False)
    file = folder / f"{receipt.name}{SUFFIX}"
    _put(file, receipt.receipt.proof.data, receipt)
    return ReceiptFile(controller, number, file, str(receipt.key), opened=_is_opened(receipt))


def _put(file: Path, data: bytes, receipt: RecordReceipt) -> None:
    try:
        write_file(file, data, secret=_is_opened(receipt))
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written: {why}.", file=file, why=Foreign(error.strerror or "")),
            Text("Name a folder of yours with -o."),
        ) from error


def _is_opened(receipt: RecordReceipt) -> bool:
    return receipt.receipt.opening_key is not None
