"""Fleets whose calls, faults and typed commands are drawn by a seed, held against a sequential model."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from informativa.sharing import loop
from lab.chance import SEED, USUAL, by_day
from lab.postgres import Postgres
from sharing.conftest import Boxes
from sharing.fleet import Size
from sharing.fleet_database import FleetDatabase
from sharing.history import History
from sharing.pgbouncer import PgBouncer
from sharing.stepped import SteppedPlace

SEED_OF_HISTORIES = by_day(SEED, at_night=str(time.time_ns()) if SEED == USUAL else SEED)
"""At night another each time; the one that a failure prints gives the same histories again."""
SIZES = {
    9: Size(boxes=(8,)),
    **dict.fromkeys(range(10, 190), Size(boxes=(2, 3, 4, 6, 8), companies=(1, 2, 3, 5, 8), steps=100)),
    197: Size(boxes=(3,), companies=(50,)),
    198: Size(boxes=(3,), companies=(100,)),
    199: Size(boxes=(2,), companies=(300,)),
}
"""The sizes of the histories of the night, and of one of the day."""


@pytest.fixture
def fleet(
    boxes: Boxes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[FleetDatabase]:
    """The tables, and no box yet."""
    monkeypatch.setattr(loop, "MeetingPlace", SteppedPlace)
    assert isinstance(boxes.server, Postgres)
    number = request.node.callspec.params["number"]
    with contextlib.ExitStack() as stack:
        port = boxes.server.port
        if number % 4 == 3:  # pgbouncer stands between
            bouncer = PgBouncer(tmp_path / "pgbouncer", boxes.server, port, pool=3)
            port = stack.enter_context(bouncer).port
        yield stack.enter_context(closing(FleetDatabase(boxes.server, port, tmp_path / "empty.sqlite3")))


@pytest.mark.parametrize("number", range(by_day(10, at_night=200)))
def test_a_random_history_of_a_fleet_is_one_that_may_be(
    fleet: FleetDatabase, tmp_path: Path, number: int
) -> None:
    """Nothing acknowledged is lost or doubled, nobody uninformed is skipped, whoever is known is not played
    to, the erased stay erased, and no company sees another's."""
    seed = SEED_OF_HISTORIES
    print(f"INFORMATIVA_SEED={seed}, history {number}")
    with History(tmp_path, fleet, f"{seed} {number}", SIZES.get(number, Size())) as history:
        print(history.run())
