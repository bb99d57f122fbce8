"""I7: the newest rows of a ledger are deleted by SQL: the verdict stays the same while calls go on."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import pytest

from evidence.ledger import audited, forged, of, signed
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Verdict
from informativa.model.errors import SigningError
from informativa.operations.evidence.audited_notes import judged
from informativa.operations.evidence.verdict import holes, verdict

ROW = "DELETE FROM event WHERE record = 5"
ROWS = "DELETE FROM event WHERE record > 3"
LEAF = "DELETE FROM leaf WHERE leaf = 4"
LEAVES = "DELETE FROM leaf WHERE leaf > 2"
GAPS, CHANGED = Verdict.GAPS, Verdict.CHANGED
CASES = {
    "row": ([ROW], GAPS, [(4, 4)], GAPS, [(4, 4)]),
    "two rows": ([ROWS], GAPS, [(3, 4)], GAPS, [(3, 4)]),
    "leaf": ([LEAF], CHANGED, [], CHANGED, [(4, 4)]),
    "row and its leaf": ([ROW, LEAF], CHANGED, [], GAPS, [(4, 4)]),
    "two rows and their leaves": ([ROWS, LEAVES], CHANGED, [], GAPS, [(3, 4)]),
}
"""The statements; verdict and holes where the rows were not signed yet, so that only the counters know of a
leaf that is gone; and where they were."""


def look(ledger: Path) -> tuple[Verdict, list[tuple[int, int]]]:
    """The verdict, and the holes."""
    audited_log = audited(ledger)
    gaps = holes(audited_log, judged(audited_log.logs, LogFolder(ledger), ()))
    return verdict(audited_log, gaps), [(hole.first, hole.last) for hole in gaps]


@pytest.mark.sample(4)
@pytest.mark.parametrize("when", ["never signed", "newest not signed", "all signed"])
@pytest.mark.parametrize("case", CASES)
def test_i7_newest_rows_that_are_deleted_stay_gone(tmp_path: Path, case: str, when: str) -> None:
    """I7: neither a service that has the ledger open nor one that starts gives their numbers to others, or a
    leaf that was signed; and nothing is signed after a leaf that is gone."""
    deletion, unsigned, open_holes, verdict_signed, signed_holes = CASES[case]
    expected = (verdict_signed, signed_holes) if when == "all signed" else (unsigned, open_holes)
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([of(1), of(2)])
        if when != "never signed":
            signed(ledger)
        store.append([of(3), of(4), of(5)])
        if when == "all signed":
            signed(ledger)
        forged(ledger, *deletion)
        assert look(ledger) == expected
        store.append([of(6)])
        assert look(ledger) == expected
    with closing(SqliteStore(str(ledger))) as store:
        store.append([of(7), of(8)])
    assert look(ledger) == expected
    leaf_is_gone = LEAF in deletion or LEAVES in deletion
    if when == "all signed" and leaf_is_gone:
        with pytest.raises(SigningError, match="Record 4 of the log is gone from the ledger"):
            signed(ledger)
    else:
        signed(ledger)
    assert look(ledger) == expected


def test_deleted_row_does_not_hold_the_calls_after_a_transaction_that_was_undone(tmp_path: Path) -> None:
    """The numbers that an undone transaction had are given again, since no leaf has them."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger))) as store:
        store.append([of(1)])
        with suppress(ZeroDivisionError), store.transaction() as transaction:
            transaction.append(of(2))
            raise ZeroDivisionError
        assert store.append([of(3), of(4)]) == [2, 3]
    assert audited(ledger).is_sound
