"""Callers who ring at the same time; and the check that all attacks rely on, tried on spoilt ledgers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import sqlite3
from collections import Counter
from collections.abc import Callable

import pytest

from informativa.model.errors import LedgerError
from lab.office import Office
from torture.load import CONTROLLERS, Call, callers, complaints, crowd


def test_i1_one_caller_at_many_telephones_at_once(
    office: Office, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I1: whatever calls of a few callers overlap, each history could have happened one call at a time."""
    office.start()
    calls: list[Call] = []
    for few in range(rounds(3, 200)):
        among = itertools.islice(callers(chance, among=4 + few), 200)
        calls += asyncio.run(crowd(office, among, at_once=24))
    assert complaints(office, calls) == []
    assert all(call.status for call in calls)
    first = Counter((call.caller, call.line) for call in calls if call.reason == "not-informed")
    print(f"{len(calls)} calls; at most {max(first.values())} first contacts of one caller overlapped")


SPOILT = {
    "lost": "DELETE FROM event WHERE record = (SELECT max(record) FROM event)",
    "doubled": """
        INSERT INTO event (at, call, line, notice, version, language, purposes, status, reason, prompt)
        SELECT at, call, line, notice, version, language, purposes, status, reason, prompt
        FROM event WHERE record = 2""",
    "invented": "UPDATE event SET call = '1600000000.1' WHERE record = 2",
    "of another caller": "UPDATE event SET pseudonym = randomblob(32) WHERE record = 2",
    "otherwise": "UPDATE event SET reason = 'new-purpose' WHERE status = 'PLAYED'",
    "without basis": "UPDATE event SET basis = NULL WHERE status = 'NOTDUE'",
    "with a later basis": "UPDATE event SET basis = (SELECT max(record) FROM event) WHERE status = 'NOTDUE'",
    "dangling": "UPDATE event SET basis = 9999 WHERE status = 'NOTDUE'",
    "standing lost": "DELETE FROM standing",
    "standing stale": "UPDATE standing SET purposes = ''",
}


@pytest.fixture
def placed(office: Office) -> tuple[Office, list[Call]]:
    """A service that was stopped after a few callers had called twice each, and their calls."""
    office.start()
    twice = [Call(caller=f"+39333100000{n}", line=line) for line in CONTROLLERS for n in (0, 1, 0, 1)]
    calls = asyncio.run(crowd(office, twice, at_once=1))
    office.stop()
    assert complaints(office, calls) == []
    return office, calls


def test_spoilt_ledgers_are_found_out(placed: tuple[Office, list[Call]]) -> None:
    """Each way in which a ledger may differ from what callers saw is a complaint."""
    office, calls = placed
    file = office.folder / "ledger/acme.sqlite3"
    sound = file.read_bytes()
    for name, statement in SPOILT.items():
        file.write_bytes(sound)
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as ledger:
            assert ledger.execute(statement).rowcount > 0
        assert complaints(office, calls), name
    file.write_bytes(sound[:-4096] + bytes(4096))
    with contextlib.suppress(sqlite3.DatabaseError, LedgerError):  # or the ledger is refused
        assert complaints(office, calls), "a page of nothing"


def test_impossible_histories_are_found_out(placed: tuple[Office, list[Call]]) -> None:
    """A second first contact after the first was over is a complaint; one that overlapped it is none."""
    office, calls = placed
    first = next(call for call in calls if call.status == "PLAYED")
    again = next(call for call in calls if call.status == "NOTDUE")
    again.variables |= {"INFORMATIVA_STATUS": "PLAYED", "INFORMATIVA_REASON": "not-informed"}
    assert any("first contact" in text for text in complaints(office, calls))
    again.began = first.answered - 0.01
    assert not any("first contact" in text for text in complaints(office, calls))
