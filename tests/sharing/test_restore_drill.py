"""A restore drill: the database where boxes meet is put back from a backup, and boxes go on with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from examples import AT, ONE, OTHER, PLAYED
from informativa.ledgers import erasure_requests, expiry
from informativa.sharing import administration, erasure_orders
from informativa.sharing.connection import connect
from informativa.sharing.exchange import Exchange
from lab.databases import given
from lab.postgres import Postgres
from lab.process import until
from sharing.conftest import Boxes
from sharing.erasing import begin, erase, erase_here, left, quiet
from traces import traces

LATER, LAST, FORMER, THIRD = b"3" * 32, b"4" * 32, b"5" * 32, b"6" * 32
DAY = timedelta(days=1)
NAMES = ("pbx-1", "pbx-2")


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The folder to which the server copies its log."""
    return given(tmp_path / "archive")


@pytest.fixture
def boxes(tmp_path: Path, archive: Path) -> Iterator[Boxes]:
    """Two boxes that told two callers, all known to both, and a server of their own."""
    archiving = {"archive_mode": "on", "archive_command": f"'cp %p {archive}/%f'"}
    (tmp_path / "boxes").mkdir()
    with Postgres(tmp_path / "server", settings=archiving) as server:
        made = Boxes(server, tmp_path / "boxes")
        begin(made, *NAMES)
        yield made
        made.close()
        if made.server is not server:
            assert isinstance(made.server, Postgres)
            made.server.stop()


def go_on(boxes: Boxes, restored: Postgres) -> None:
    """Lose the server, and let the boxes find the restored one in its place."""
    assert isinstance(boxes.server, Postgres)
    boxes.close()
    boxes.opened.clear()
    boxes.server.kill()
    restored.take_place_of(boxes.server)
    boxes.server = restored


def tell(boxes: Boxes, box: str, caller: bytes, at: datetime = AT) -> None:
    """A caller hears the notice on a box."""
    boxes.record(box, replace(PLAYED, at=at, pseudonym=caller, call=caller.hex()[:4]))


def records(boxes: Boxes) -> dict[tuple[str, int], tuple[object, ...]]:
    """The records of the database by box and number: the caller, and whether they were erased."""
    rows = boxes.sql("SELECT box, record, pseudonym, erased FROM acme.record ORDER BY box, record")
    assert len({row[:2] for row in rows}) == len(rows)
    return {(str(box), int(str(number))): rest for box, number, *rest in rows}  # type: ignore[misc]


def recorded(boxes: Boxes) -> dict[tuple[str, int], tuple[object, ...]]:
    """The same of the ledgers."""
    rows_by_place = {}
    for box in NAMES:
        with closing(boxes.store(box)) as store, store.connected() as connection:
            rows = connection.execute("SELECT record, pseudonym, erased FROM event ORDER BY record")
            rows_by_place |= {(box, number): [pseudonym, erased] for number, pseudonym, erased in rows}
    return rows_by_place  # type: ignore[return-value]


def known(boxes: Boxes, caller: bytes) -> list[bool]:
    """Return which boxes know that a caller was informed."""
    result = []
    for box in NAMES:
        with closing(boxes.store(box)) as store:
            result.append("privacy" in store.history(caller))
    return result


def from_base_backup(boxes: Boxes, folder: Path) -> tuple[Callable[[], None], Callable[[], Postgres]]:
    """A base backup of the moment."""
    server, taken = boxes.server, list[Postgres]()
    assert isinstance(server, Postgres)
    return (lambda: taken.append(server.base_backup(folder)), lambda: taken[0])


def from_archive(
    boxes: Boxes, folder: Path, archive: Path
) -> tuple[Callable[[], None], Callable[[], Postgres]]:
    """A base backup of before, and the log from then on, to a point in time."""
    server = boxes.server
    assert isinstance(server, Postgres)
    backup = server.base_backup(folder)

    def mark() -> None:
        server.sql("SELECT pg_create_restore_point('drill')")

    def restored() -> Postgres:
        (segment,) = server.sql("SELECT pg_walfile_name(pg_switch_wal())")[0]
        until(lambda: (archive / str(segment)).exists(), 60, lambda: "The log was not archived.")
        backup.restore(archive, "drill")
        return backup

    return mark, restored


@pytest.mark.sample(1)
@pytest.mark.parametrize("way", ["backup", "archive"])
def test_i9_boxes_go_on_with_a_database_from_an_old_backup(
    boxes: Boxes, tmp_path: Path, archive: Path, way: str
) -> None:
    """I9: what was sent since is sent again, nothing is doubled or lost, and whatever was erased or purged
    since is so there again, though the order was carried out, and so forgotten, before."""
    if way == "archive":
        mark, restore = from_archive(boxes, tmp_path / "restored", archive)
    else:
        mark, restore = from_base_backup(boxes, tmp_path / "restored")
    tell(boxes, "pbx-1", LATER)
    tell(boxes, "pbx-1", FORMER, AT - 400 * DAY)
    quiet(boxes)
    mark()
    erase(boxes, "pbx-2", ONE)
    with closing(boxes.store("pbx-1")) as store:
        assert expiry.purge(store, AT - 365 * DAY, AT) == 1
    tell(boxes, "pbx-2", LAST)
    quiet(boxes)
    assert left(boxes, ONE) == []
    before = records(boxes)

    go_on(boxes, restore())
    tell(boxes, "pbx-1", OTHER)
    rows_of_former = f"SELECT box FROM acme.record WHERE pseudonym = '\\x{FORMER.hex()}'"
    rows_of_one = f"SELECT DISTINCT box FROM acme.record WHERE pseudonym = '\\x{ONE.hex()}' ORDER BY box"
    assert boxes.sql(rows_of_one) == [
        ("pbx-1",),
        ("pbx-2",),
    ]  # an archive has him, and so has what is restored
    assert boxes.sql(rows_of_former) == [("pbx-1",)]
    for box in NAMES:
        boxes.exchange(box)
    quiet(boxes)

    assert boxes.sql(rows_of_former) == []
    assert records(boxes) == recorded(boxes)
    assert records(boxes).keys() > before.keys()
    assert left(boxes, ONE) == []
    assert [known(boxes, caller) for caller in (ONE, OTHER, LATER, LAST)] == [
        [False, False],
        *[[True, True]] * 3,
    ]


def lose_database_after_an_erasure(boxes: Boxes, folder: Path, caller: bytes = ONE) -> None:
    """A caller is erased on all boxes, and then the database is put back as it was before that. No box has
    reached it yet."""
    mark, restore = from_base_backup(boxes, folder)
    mark()
    erase(boxes, "pbx-1", caller)
    quiet(boxes)
    assert boxes.sql(f"SELECT 1 FROM acme.record WHERE pseudonym = '\\x{caller.hex()}'") == []
    go_on(boxes, restore())


@pytest.mark.sample(1)
@pytest.mark.parametrize("first", NAMES)
@pytest.mark.parametrize("again", ["new", "backup"])
def test_i9_a_box_that_joins_an_old_database_before_others_are_back_keeps_no_erased_caller(
    boxes: Boxes, tmp_path: Path, first: str, again: str
) -> None:
    """I9: a new box, or one with a ledger from a backup under a new name, takes in a caller as informed who
    was erased since, for the database does not know it; whichever box is back first tells it."""
    ledger = "pbx-9"
    if again == "backup":
        ledger = "pbx-3"
        boxes.exchange("pbx-3")
        tell(boxes, "pbx-3", THIRD)
        quiet(boxes)
        boxes.opened.pop().close()
        administration.retire(boxes.database("pbx-1"), "acme", "pbx-3")
    lose_database_after_an_erasure(boxes, tmp_path / "restored")
    database = boxes.database("pbx-9")
    boxes.opened.append(Exchange(boxes.store(ledger), connect(database, "acme"), database, "acme"))
    quiet(boxes)
    assert traces(boxes.folder / ledger, ONE) != []
    boxes.exchange(first)
    quiet(boxes)
    assert traces(boxes.folder / ledger, ONE) == []
    boxes.exchange(next(name for name in NAMES if name != first))
    quiet(boxes)
    assert left(boxes, ONE) == []
    assert records(boxes).keys() >= recorded(boxes).keys()
    assert known(boxes, OTHER) == [True, True]


def test_i9_nobody_is_erased_twice_for_an_order_that_the_database_still_has(boxes: Boxes) -> None:
    """A box sends that it erased a caller before its command reaches the database: one order is enough."""
    request = erase_here(boxes, "pbx-1", ONE)
    while boxes.opened[0].send():
        pass
    with closing(boxes.store("pbx-1")) as store:
        assert [request.id for request in erasure_requests.stored_requests(store)] == [request.id]
        erasure_orders.order(boxes.database("pbx-1"), "acme", request, store)
    quiet(boxes)
    assert boxes.sql("SELECT DISTINCT erasures FROM acme.ledger") == [(1,)]
    assert left(boxes, ONE) == []


def retire_the_second(boxes: Boxes) -> None:
    """It leaves for good, and its disk is wiped."""
    administration.retire(boxes.database("pbx-1"), "acme", "pbx-2")
    boxes.opened.pop().close()
    shutil.rmtree(boxes.folder / "pbx-2")


def test_i9_rows_of_a_retired_box_go_with_those_of_a_box_that_is_there(boxes: Boxes, tmp_path: Path) -> None:
    """I9: nobody sends for a box that left, so its rows of a caller come back with an old backup; a box that
    erased him too finds its own there, and orders it once more."""
    retire_the_second(boxes)
    lose_database_after_an_erasure(boxes, tmp_path / "restored")
    boxes.exchange("pbx-1")
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_i9_rows_that_a_retired_box_alone_had_are_remembered_where_he_was_erased(
    boxes: Boxes, tmp_path: Path
) -> None:
    """I9: by number and commitment, since no box that is there had a record of him."""
    tell(boxes, "pbx-2", LAST)
    quiet(boxes)
    retire_the_second(boxes)
    lose_database_after_an_erasure(boxes, tmp_path / "restored", LAST)
    boxes.exchange("pbx-1")
    quiet(boxes)
    assert left(boxes, LAST) == []
