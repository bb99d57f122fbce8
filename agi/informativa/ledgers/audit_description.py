"""The description that a ledger gives of its own logs, held against their folders."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from ..evidence.checkpoint import Checkpoint
from ..evidence.log_folder import LogFolder, PublishedLog
from ..evidence.notes import NewLogNote
from ..model.errors import EvidenceError
from ..model.text import Text
from . import leaves, note_leaves, private_lists, references
from .foreign_schema import foreign_parts


def require_numbers(ledger: Path, logs: Sequence[leaves.LedgerLog]) -> None:
    """Check that the ledger describes its logs by values of the right types. Raises EvidenceError."""
    for log in logs:
        numbers = (log.epoch, log.first, log.next)
        if any(type(number) is not int for number in numbers) or type(log.origin) is not str:
            raise EvidenceError(
                Text("The ledger {ledger} has something else in the place of its log.", ledger=ledger)
            )


def problems(
    connection: sqlite3.Connection,
    ledger: Path,
    folder: LogFolder,
    logs: Sequence[leaves.LedgerLog],
    ended: Collection[int],
) -> Iterator[Text]:
    """Find what is wrong in the ledger's description of its logs. The logs `ended` may have lost all their
    leaves."""
    epochs = [log.epoch for log in logs]
    starts = [log.first for log in logs]
    empty = any(log.size <= 0 and log.epoch not in ended for log in logs[1:])
    if epochs != list(range(1, len(logs) + 1)) or starts[0] != 0 or starts != sorted(starts) or empty:
        yield Text("The ledger {ledger} has a log too many, or one is missing.", ledger=ledger)
    for epoch in folder.epochs():
        if epoch not in epochs:
            yield Text(
                "The log in {folder} is none of the ledger {ledger}.",
                folder=folder.published(epoch).folder,
                ledger=ledger,
            )
    if parts := foreign_parts(connection):
        yield Text(
            "The ledger {ledger} has parts that informativa did not make: {parts}.",
            ledger=ledger,
            parts=", ".join(parts),
        )


def ended_epochs(
    connection: sqlite3.Connection, folder: LogFolder, logs: Sequence[leaves.LedgerLog]
) -> set[int]:
    """Return the epochs that ended as they were published according to the first record of a later log: their
    last records were lost with a ledger that a backup replaced."""
    first_records = ((log, connection.execute(leaves.FIRST, (log.first,)).fetchone()) for log in logs[1:])
    ends = {end for log, row in first_records if row for end in _ends(log, *row)}
    return {log.epoch for log in logs if _follows(folder.published(log.epoch)) in ends}


def missing_lists(
    connection: sqlite3.Connection,
    logs: Sequence[leaves.LedgerLog],
    folder: LogFolder,
    purged: Sequence[range],
) -> Iterator[Text]:
    """Yield a sentence for each erasure whose private list is missing: its leaves seem to be unexplained.
    Raises sqlite3.Error."""
    for log, note in private_lists.missing(connection, logs, folder, purged):
        yield Text(
            "The list {file} of the erasure in leaf {index} of {log} is missing, or is another one."
            " Put it back, from a backup of that folder or from the approver.",
            file=folder.private_file(log.epoch, note.index),
            index=note.index,
            log=log.origin,
        )


def _ends(log: leaves.LedgerLog, reference: bytes | None, is_note: object) -> Iterator[str]:
    """Yield the ends of other logs that a log's first record names, as `references.follows` writes them."""
    if not is_note:
        yield from references.as_text(reference).split(references.AND)
        return
    note = note_leaves.read_entry(log, log.first, reference).note
    if note is not None and isinstance(note.content, NewLogNote):
        yield from map(references.follows, note.content.after)


def _follows(published: PublishedLog) -> str | None:
    try:
        data = published.checkpoint()
        return None if data is None else references.follows(Checkpoint.unverified(data))
    except EvidenceError:  # which the check of the checkpoints reports
        return None


def shortened(ledger: Path, published: PublishedLog, size: int) -> Text:
    """Return the fault of a folder that ends before the tree that the ledger remembers."""
    return Text(
        "The log in {folder} ends before {size} records that were signed according to the ledger {ledger}.",
        folder=published.folder,
        size=size,
        ledger=ledger,
    )


def truncated(ledger: Path, log: leaves.LedgerLog, signed: int) -> Text:
    """Return the fault of a ledger that ends before the leaves that were signed."""
    return Text(
        "The ledger {ledger} ends before {missing} records that were signed: it was cut off, or put back.",
        ledger=ledger,
        missing=signed - log.size,
    )
