"""Receipts of one record, or of all records of a caller, which an auditor checks without us."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Identified
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Text
from ...process import storage
from ..callers import pseudonyms
from .receipt_maker import ReceiptMaker, RecordReceipt, RecordWithoutReceipt


def of_record(controller: Controller, number: int) -> RecordReceipt:
    """Make the receipt of one record.

    Raises InformativaError if there is no such record, EvidenceError if it cannot be opened or is in no
    checkpoint yet.
    """
    with _reading(controller) as store:
        record = store.record(number)
        if record is None:
            raise InformativaError(
                Text("There is no record {number} in the ledger of {id}.", number=number, id=controller.id),
                Text("Which there are: informativa ledger show --controller {id}", id=controller.id),
            )
        receipt = ReceiptMaker.of_ledger(controller, store).make(record, store.leaf(number))
    if isinstance(receipt, RecordWithoutReceipt):
        raise _note(receipt) if receipt.is_note else _waiting(receipt)
    return receipt


def _note(note: RecordWithoutReceipt) -> EvidenceError:
    """Build the error that a note needs no receipt."""
    return EvidenceError(
        Text("Record {number} is a note of the log: nothing of it is hidden.", number=note.record.number),
        Text(
            "What it says: informativa ledger show --controller {id}. Whether it stands in the log:"
            " informativa evidence audit --controller {id}",
            id=note.controller.id,
        ),
        code="note",
    )


def _waiting(waiting: RecordWithoutReceipt) -> EvidenceError:
    """Build the error that a record has no receipt yet."""
    number = waiting.record.number
    return EvidenceError(
        Text("Record {number} is in no checkpoint yet.", number=number),
        Text(
            "Wait a minute, or type: informativa evidence checkpoint --controller {id}",
            id=waiting.controller.id,
        ),
        code="no-checkpoint-yet",
    )


def of_caller(
    controller: Controller, caller: Identified, *, opened: bool = False
) -> list[RecordReceipt | RecordWithoutReceipt]:
    """Make the receipts of all records of a caller. With `opened` each shows a person who knows the number
    that it is the caller's. Raises as `of_record`."""
    caller_pseudonyms, opened_caller = pseudonyms(controller, caller), caller if opened else None
    with _reading(controller) as store:
        maker = ReceiptMaker.of_ledger(controller, store, opened=opened_caller)
        records = [record for pseudonym in caller_pseudonyms for record in store.of_caller(pseudonym)]
        records.sort(key=lambda record: record.number)
        return [maker.make(record, store.leaf(record.number)) for record in records]


@contextmanager
def _reading(controller: Controller) -> Iterator[SqliteStore]:
    with closing(storage.store(controller, read_only=True)) as store:
        yield store
