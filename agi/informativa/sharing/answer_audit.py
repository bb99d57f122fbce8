"""Comparison of the answers that a ledger has from other boxes with the records of those in the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from ..ledgers import audit_answers, rows
from ..ledgers.audit_answers import AnswerRow, Place
from ..ledgers.audit_history import HistoryRow
from ..model import Record, SharedDatabase
from ..model.choices import ACTS, answer_elsewhere
from .connection import connect, translated
from .reading import with_box
from .rows import Statements

_PAGE = 1000


def contradicted(
    ledger_rows: Sequence[tuple[Place, AnswerRow]],
    database: SharedDatabase,
    controller: str,
    purged_before: datetime | None,
) -> list[HistoryRow]:
    """Return those of a ledger's rows about answers of other boxes that those have not on record so. A record
    from before `purged_before` that is not there was purged. Raises SharedDatabaseError."""
    database = database.of(controller)
    remaining = iter(ledger_rows)
    forged: list[HistoryRow] = []
    with connect(database, controller) as shared, translated(database):
        named = Statements(shared.company).named
        while page := list(islice(remaining, _PAGE)):
            names = [str(row.box) for _place, row in page]
            numbers = [row.record if type(row.record) is int else 0 for _place, row in page]
            proofs = {
                (box, record.number): (box, record)
                for box, record in with_box(shared.execute(named, (names, numbers)).fetchall())
            }
            for place, row in page:
                proof = proofs.get((row.box, row.record))
                if proof is None and purged_before is not None and _is_before(row, purged_before):
                    continue
                if proof is None or (place, row) not in _rows_of(*proof):
                    forged.append(audit_answers.history_row(place, row))
    return forged


def _is_before(row: AnswerRow, moment: datetime) -> bool:
    return type(row.at) is int and row.at < rows.microseconds(moment)


def _rows_of(box: str, record: Record) -> Iterator[tuple[Place, AnswerRow]]:
    """Iterate over the rows that a record of another box amounts to: under its pseudonym, and under the one
    before."""
    answer, asked = answer_elsewhere(box, record), record.event.asked
    if answer is not None and asked is not None:
        row = AnswerRow.of(answer)
        for pseudonym in (record.event.pseudonym, record.event.earlier):
            yield (pseudonym, asked.choice, int(answer.word in ACTS)), row
