"""Erasures of callers from all that is stored of a controller: its ledger, and a shared database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Controller, Identified, SharedDatabase
from ..model.errors import LedgerError, SharedDatabaseError
from ..model.hooks import ErasureUnfinishedError
from .log_storage import keep_rule
from .storage import existing_ledger, readable_folder, store

if TYPE_CHECKING:
    from ..evidence.erased_leaves import LeafPlace
    from ..ledgers.erasure import ErasureResult
    from ..ledgers.erasure_requests import ErasureRequest
    from ..model.hooks import HookMessage
    from ..sharing.erasure_orders import ErasureOrder


def erase(
    controller: Controller,
    caller: Identified,
    at: datetime,
    shared: SharedDatabase | None = None,
    instruction: str = "",
    *,
    in_console: bool = False,
) -> tuple[ErasureResult, ErasureOrder | SharedDatabaseError | None]:
    """Erase a caller of one controller: on this box, and, where boxes share a database, on all others. Return
    the result on this box, and the order to the others; the error if they cannot be asked: then the request
    is kept, and the service asks them later. The log notes the controller's `instruction`.

    Raises LedgerError, with a remedy, if any of his records is left, and ErasureUnfinishedError if traces of
    him are.
    """
    from ..call.caller import pseudonyms_under
    from ..evidence.note_values import NoteSource
    from ..ledgers.erasure import erase

    ledger, his_pseudonyms = Path(controller.ledger), pseudonyms_under(caller, controller.keys)
    by = NoteSource.CONSOLE if in_console else NoteSource.COMMAND
    if shared is not None or ledger.exists():
        store(controller).close()  # creates it for the request; refuses one that is another's
        keep_rule(controller, at, by)  # who approves is what the configuration says now
    if shared is None:
        return erase(ledger, his_pseudonyms, at, instruction=instruction, by=by), None
    from ..sharing.sealed_caller import seal

    sealed = seal(caller, controller.keys, instruction)
    result = erase(
        ledger,
        his_pseudonyms,
        at,
        everywhere=True,
        sealed=sealed,
        instruction=instruction,
        by=by,
        elsewhere=_leaves_of_retired(shared, controller, his_pseudonyms),
    )
    assert result.request is not None
    try:
        order = _order(shared, controller, result.request, waits=bool(result.waiting))
        if not set(order.pseudonyms) <= set(result.request.pseudonyms):  # another box knew of an earlier key
            more = erase(ledger, order.pseudonyms, at, instruction=instruction, by=by)
            result = replace(
                result,
                records=result.records + more.records,
                traces=result.traces + more.traces,
                waiting=result.waiting + more.waiting,
                undelivered=result.undelivered + more.undelivered,
            )
    except SharedDatabaseError as error:
        return result, error
    except LedgerError as error:
        undelivered = error.undelivered if isinstance(error, ErasureUnfinishedError) else ()
        raise ErasureUnfinishedError(
            error.message, error.remedy, (*result.undelivered, *undelivered)
        ) from error
    return result, order


def _leaves_of_retired(
    shared: SharedDatabase, controller: Controller, pseudonyms: Sequence[bytes]
) -> Sequence[LeafPlace]:
    """Return the caller's leaves in the logs of boxes that left for good; none if the database cannot be
    asked: then they are noted when the erasure is ordered."""
    from ..sharing import retired_leaves

    try:
        return retired_leaves.leaves_of(shared, controller.id, pseudonyms)
    except SharedDatabaseError:
        return ()


def _order(
    shared: SharedDatabase, controller: Controller, request: ErasureRequest, *, waits: bool
) -> ErasureOrder:
    from ..sharing import erasure_orders

    with closing(store(controller)) as ledger:
        return erasure_orders.order(shared, controller.id, request, ledger, waits=waits)


def carry_out_erasures(
    controller: Controller, report: Callable[[int, int, Sequence[HookMessage]], None] = lambda *_: None
) -> None:
    """Carry out, in a controller's ledger, which must exist, the erasures that are noted and not done, and
    for which no approval is missing. `report` is called after each, with the number of its record, how many
    records it erased, and the messages to the company's hook that it deleted.
    Raises LedgerError, and EvidenceError; calling it again finishes the work."""
    from ..ledgers import erasure

    with closing(store(controller, create=False)) as ledger:
        erasure.finish(ledger)
        for pending in erasure.pending(ledger):
            report(pending.record, *erasure.carry_out(ledger, pending))


def would_erase(
    controller: Controller, caller: Identified, shared: SharedDatabase | None = None
) -> tuple[ErasureResult, ErasureOrder | None]:
    """Return the results that `erase` would have, and write nothing. Raises LedgerError and
    SharedDatabaseError."""
    from ..call.caller import pseudonyms_under
    from ..ledgers import erasure, ledger_copies

    ledger, his_pseudonyms = Path(controller.ledger), pseudonyms_under(caller, controller.keys)
    with existing_ledger(controller) as existing:
        records = erasure.would_erase(existing, his_pseudonyms) if existing else 0
        messages = erasure.undelivered(existing, his_pseudonyms) if existing else ()
    with readable_folder(ledger.parent):
        copies = ledger_copies.copies(ledger) if ledger.parent.exists() else []
    result = erasure.ErasureResult(records, tuple(copies), undelivered=messages)
    if shared is None:
        return result, None
    from ..sharing import erasure_orders

    with existing_ledger(controller) as existing:
        return result, erasure_orders.would_order(shared, controller.id, his_pseudonyms, existing)
