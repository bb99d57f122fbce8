"""Receipts of one record, or of all records of a caller, which an auditor checks without us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Identified, SharedDatabase
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Text
from ...process import storage
from ..callers import pseudonyms
from ..records import no_other_boxes
from .receipt_maker import ReadableLog, ReceiptMaker, RecordReceipt, RecordWithoutReceipt

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.proof_reader import ProofReader


def of_record(
    controller: Controller, number: int, shared: SharedDatabase | None = None, box: str = ""
) -> RecordReceipt:
    """Make the receipt of one record; for another `box` from the database that the boxes share.

    Raises InformativaError if there is no such record, EvidenceError if it cannot be opened or is in no
    checkpoint yet, and SharedDatabaseError.
    """
    if box and shared is None:
        raise no_other_boxes("--box")
    if shared is None or box in ("", shared.box):
        receipt = _of_this_box(controller, number)
    else:
        receipt = _of_box(controller, number, shared, box)
    if isinstance(receipt, RecordWithoutReceipt):
        raise _note(receipt) if receipt.is_note else _waiting(receipt)
    return receipt


def _of_this_box(controller: Controller, number: int) -> RecordReceipt | RecordWithoutReceipt:
    with _reading(controller) as store:
        record = store.record(number)
        if record is None:
            raise InformativaError(
                Text("There is no record {number} in the ledger of {id}.", number=number, id=controller.id),
                Text("Which there are: informativa ledger show --controller {id}", id=controller.id),
            )
        return ReceiptMaker.of_ledger(controller, store).make(record, store.leaf(number))


def _of_box(
    controller: Controller, number: int, shared: SharedDatabase, box: str
) -> RecordReceipt | RecordWithoutReceipt:
    with storage.provable(shared, controller) as reader:
        provable = reader.record(box, number)
        if provable is None:
            raise InformativaError(
                Text("The database has no record {number} of {box}.", number=number, box=box),
                Text(
                    "Which there are: informativa ledger show --all-boxes --controller {id}", id=controller.id
                ),
            )
        return makers_of_boxes(controller, reader)(box).make(provable.record, provable.leaf)


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
    if waiting.box and not waiting.sent:
        return EvidenceError(
            Text("Nothing here proves record {number} of {box}.", number=number, box=waiting.box),
            Text(
                "Its informativa is an earlier one, or has not come to it yet. Type there: informativa"
                " evidence receipt {number} --controller {id}",
                number=number,
                id=waiting.controller.id,
            ),
            code="no-proof-here",
        )
    if waiting.box:
        return EvidenceError(
            Text("Record {number} of {box} is in no checkpoint yet.", number=number, box=waiting.box),
            Text("Wait until its service has signed and sent one: a minute, where it runs."),
            code="no-checkpoint-yet",
        )
    return EvidenceError(
        Text("Record {number} is in no checkpoint yet.", number=number),
        Text(
            "Wait a minute, or type: informativa evidence checkpoint --controller {id}",
            id=waiting.controller.id,
        ),
        code="no-checkpoint-yet",
    )


def of_caller(
    controller: Controller,
    caller: Identified,
    shared: SharedDatabase | None = None,
    *,
    opened: bool = False,
) -> list[RecordReceipt | RecordWithoutReceipt]:
    """Make the receipts of all records of a caller; of all boxes if they share a database. With `opened` each
    shows a person who knows the number that it is the caller's. Raises as `of_record`."""
    caller_pseudonyms, opened_caller = pseudonyms(controller, caller), caller if opened else None
    with _reading(controller) as store:
        maker = ReceiptMaker.of_ledger(controller, store, opened=opened_caller)
        records = [record for pseudonym in caller_pseudonyms for record in store.of_caller(pseudonym)]
        records.sort(key=lambda record: record.number)
        receipts = [maker.make(record, store.leaf(record.number)) for record in records]
    if shared is not None:
        with storage.provable(shared, controller) as reader:
            maker_of = makers_of_boxes(controller, reader, opened=opened_caller)
            others = reader.of_caller(caller_pseudonyms, but=shared.box)
            receipts += [maker_of(other.box).make(other.record, other.leaf) for other in others]
    return receipts


def makers_of_boxes(
    controller: Controller, reader: ProofReader, *, opened: Identified | None = None
) -> Callable[[str], ReceiptMaker]:
    """Return a function from a box's name to the maker of its receipts."""
    logs = reader.logs()

    @cache
    def maker_of(box: str) -> ReceiptMaker:
        by_epoch = {log.epoch: log for log in logs if log.box == box}

        def published(epoch: int) -> ReadableLog:
            return reader.published(by_epoch[epoch])

        return ReceiptMaker(controller, list(by_epoch.values()), published, opened=opened, box=box)

    return maker_of


@contextmanager
def _reading(controller: Controller) -> Iterator[SqliteStore]:
    with closing(storage.store(controller, read_only=True)) as store:
        yield store
