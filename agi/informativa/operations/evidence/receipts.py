"""Receipts: for one record, or for all of a caller's, what an auditor checks without us."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ... import storage
from ...errors import EvidenceError, InformativaError
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Identified, SharedDatabase
from ...text import Text
from ..callers import pseudonyms
from ..records import no_other_boxes
from .receipt_maker import MadeReceipt, ReadableLog, ReceiptMaker, WaitingRecord

if TYPE_CHECKING:  # its driver is there only where boxes share a database
    from ...sharing.proof_reader import ProofReader


def of_record(
    controller: Controller, number: int, shared: SharedDatabase | None = None, box: str = ""
) -> MadeReceipt:
    """The receipt of one record, of another `box` by what is in the database that boxes share. Raises
    InformativaError where there is no such record, EvidenceError where it cannot be opened or is in no
    checkpoint yet, and SharedDatabaseError."""
    if box and shared is None:
        raise no_other_boxes("--box")
    if shared is None or box in ("", shared.box):
        made = _own(controller, number)
    else:
        made = _of_box(controller, number, shared, box)
    if isinstance(made, WaitingRecord):
        raise _waiting(made)
    return made


def _own(controller: Controller, number: int) -> MadeReceipt | WaitingRecord:
    with _reading(controller) as store:
        record = store.record(number)
        if record is None:
            raise InformativaError(
                Text("There is no record {number} in the ledger of {id}.", number=number, id=controller.id),
                Text("Which there are: informativa ledger show --controller {id}", id=controller.id),
            )
        return ReceiptMaker.of_ledger(controller, store).made(record, store.leaf(number))


def _of_box(
    controller: Controller, number: int, shared: SharedDatabase, box: str
) -> MadeReceipt | WaitingRecord:
    with storage.provable(shared, controller) as reader:
        found = reader.record(box, number)
        if found is None:
            raise InformativaError(
                Text("The database has no record {number} of {box}.", number=number, box=box),
                Text(
                    "Which there are: informativa ledger show --all-boxes --controller {id}", id=controller.id
                ),
            )
        return makers_of_boxes(controller, reader)(box).made(found.record, found.leaf)


def _waiting(made: WaitingRecord) -> EvidenceError:
    number = made.record.number
    if made.box and not made.sent:
        return EvidenceError(
            Text("Nothing here proves record {number} of {box}.", number=number, box=made.box),
            Text(
                "Its informativa is an earlier one, or has not come to it yet. Type there: informativa"
                " evidence receipt {number} --controller {id}",
                number=number,
                id=made.controller.id,
            ),
            code="no-proof-here",
        )
    if made.box:
        return EvidenceError(
            Text("Record {number} of {box} is in no checkpoint yet.", number=number, box=made.box),
            Text("Wait until its service has signed and sent one: a minute, where it runs."),
            code="no-checkpoint-yet",
        )
    return EvidenceError(
        Text("Record {number} is in no checkpoint yet.", number=number),
        Text(
            "Wait a minute, or type: informativa evidence checkpoint --controller {id}", id=made.controller.id
        ),
        code="no-checkpoint-yet",
    )


def of_caller(
    controller: Controller,
    caller: Identified,
    shared: SharedDatabase | None = None,
    *,
    opened: bool = False,
) -> list[MadeReceipt | WaitingRecord]:
    """The receipts of all of a caller's records, of all boxes where they share a database; `opened`, they
    show whose number it is to whoever knows it. Raises as above."""
    his, about = pseudonyms(controller, caller), caller if opened else None
    with _reading(controller) as store:
        maker = ReceiptMaker.of_ledger(controller, store, opened=about)
        records = [record for each in his for record in store.of_caller(each)]
        records.sort(key=lambda record: record.number)
        found = [maker.made(record, store.leaf(record.number)) for record in records]
    if shared is not None:
        with storage.provable(shared, controller) as reader:
            of_box = makers_of_boxes(controller, reader, opened=about)
            others = reader.of_caller(his, but=shared.box)
            found += [of_box(each.box).made(each.record, each.leaf) for each in others]
    return found


def makers_of_boxes(
    controller: Controller, reader: ProofReader, *, opened: Identified | None = None
) -> Callable[[str], ReceiptMaker]:
    """What makes receipts of each box, by its name."""
    logs = reader.logs()

    @cache
    def of_box(box: str) -> ReceiptMaker:
        own = {each.epoch: each for each in logs if each.box == box}

        def published(epoch: int) -> ReadableLog:
            return reader.published(own[epoch])

        return ReceiptMaker(controller, list(own.values()), published, opened=opened, box=box)

    return of_box


@contextmanager
def _reading(controller: Controller) -> Iterator[SqliteStore]:
    with closing(storage.store(controller, read_only=True)) as store:
        yield store
