"""Erasures of callers from all that is stored of a controller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Controller, Identified
from .log_storage import keep_rule
from .storage import existing_ledger, readable_folder, store

if TYPE_CHECKING:
    from ..ledgers.erasure import ErasureResult
    from ..model.hooks import HookMessage


def erase(
    controller: Controller,
    caller: Identified,
    at: datetime,
    instruction: str = "",
    *,
    in_console: bool = False,
) -> ErasureResult:
    """Erase a caller of one controller. The log notes the controller's `instruction`.

    Raises LedgerError, with a remedy, if any of his records is left, and ErasureUnfinishedError if traces of
    him are.
    """
    from ..call.caller import pseudonyms_under
    from ..evidence.note_values import NoteSource
    from ..ledgers.erasure import erase

    ledger, his_pseudonyms = Path(controller.ledger), pseudonyms_under(caller, controller.keys)
    by = NoteSource.CONSOLE if in_console else NoteSource.COMMAND
    if ledger.exists():
        store(controller).close()  # refuses one that is another's
        keep_rule(controller, at, by)  # who approves is what the configuration says now
    return erase(ledger, his_pseudonyms, at, instruction=instruction, by=by)


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


def would_erase(controller: Controller, caller: Identified) -> ErasureResult:
    """Return the result that `erase` would have, and write nothing. Raises LedgerError."""
    from ..call.caller import pseudonyms_under
    from ..ledgers import erasure, ledger_copies

    ledger, his_pseudonyms = Path(controller.ledger), pseudonyms_under(caller, controller.keys)
    with existing_ledger(controller) as existing:
        records = erasure.would_erase(existing, his_pseudonyms) if existing else 0
        messages = erasure.undelivered(existing, his_pseudonyms) if existing else ()
    with readable_folder(ledger.parent):
        copies = ledger_copies.copies(ledger) if ledger.parent.exists() else []
    return erasure.ErasureResult(records, tuple(copies), undelivered=messages)
