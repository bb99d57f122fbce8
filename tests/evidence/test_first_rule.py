"""The first rule of a ledger that has records already: it says how many are gone, for which all leaves are
read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from evidence.purging import DAY, OWN_WORD, START, Company
from examples import PLAYED
from informativa.evidence.notes import RuleNote
from informativa.ledgers import expiry, leaves, write_lock
from informativa.ledgers.sqlite import SqliteStore


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A ledger of ten calls without a rule; whoever finds it locked gives up at once."""
    company = Company(tmp_path / "acme.sqlite3", rule=None)
    company.days(10)
    monkeypatch.setattr(write_lock, "BUSY_SECONDS", 0.0)
    return company


def state_rule(company: Company, meanwhile: Callable[[SqliteStore], object]) -> tuple[int, int]:
    """State the first rule; what another process does each time that the leaves begin to be read. Return the
    number of purged records that the rule states, and how often the other succeeded."""
    successes = 0
    with closing(SqliteStore(str(company.ledger))) as other, company.store.connected() as connection:

        def on_statement(sql: str) -> None:
            nonlocal successes
            if sql.strip() == leaves.CLOSED.strip():
                meanwhile(other)  # what it raises is lost here
                successes += 1

        connection.set_trace_callback(on_statement)
        company.state(OWN_WORD)
        connection.set_trace_callback(None)
    (note,) = company.store.log_notes()
    assert isinstance(note.content, RuleNote)
    return note.content.purged, successes


def purge_before(time: datetime) -> Callable[[SqliteStore], object]:
    """Return what deletes the calls before a time."""
    return lambda store: expiry.purge(store, time, time)


def test_i4_calls_are_recorded_while_the_leaves_are_read(company: Company) -> None:
    """The lock of the ledger is free meanwhile: else a call beside a million leaves would wait for seconds,
    and a purge would give up."""
    assert state_rule(company, lambda store: store.append([replace(PLAYED, call="1.1")])) == (0, 1)
    assert company.store.count() == 12


def test_records_that_are_deleted_meanwhile_are_counted(company: Company) -> None:
    """Three calls that are purged while the leaves are read count as purged before the rule."""
    assert state_rule(company, purge_before(START + 3 * DAY + DAY / 2)) == (3, 2)


def test_a_rule_comes_though_records_are_deleted_on_and_on(company: Company) -> None:
    """Where another process purges one more call at each of five looks, the leaves are read for the sixth
    time while it has to wait, and the numbers are right."""
    days = count(1)
    purged = state_rule(company, lambda store: purge_before(START + next(days) * DAY + DAY / 2)(store))
    assert purged == (5, 5)
