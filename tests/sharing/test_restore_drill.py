"""A restore drill: the database where boxes meet is put back from a backup, and boxes go on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from examples import AT, ONE, OTHER, PLAYED
from informativa.ledgers import expiry
from informativa.sharing import administration
from lab.databases import given
from lab.postgres import Postgres
from lab.process import until
from sharing.conftest import Boxes
from sharing.erasing import begin, erase, left, quiet

LATER, LAST, FORMER = b"3" * 32, b"4" * 32, b"5" * 32
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
    found = {}
    for box in NAMES:
        with closing(boxes.store(box)) as store, store.connected() as connection:
            rows = connection.execute("SELECT record, pseudonym, erased FROM event ORDER BY record")
            found |= {(box, number): [pseudonym, erased] for number, pseudonym, erased in rows}
    return found  # type: ignore[return-value]


def known(boxes: Boxes, caller: bytes) -> list[bool]:
    """Which boxes know that a caller was informed."""
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


def test_i9_rows_of_a_retired_box_come_back_for_whom_no_other_knows(boxes: Boxes, tmp_path: Path) -> None:
    """I9: nobody sends for a box that left, so its rows come back with an old backup. They go with those of a
    box in service that knows the caller; one whom only the retired box knew waits for a second erasure."""
    tell(boxes, "pbx-1", LATER)
    tell(boxes, "pbx-2", FORMER)
    quiet(boxes)
    administration.retire(boxes.database("pbx-1"), "acme", "pbx-2")
    boxes.opened.pop().close()
    mark, restore = from_base_backup(boxes, tmp_path / "restored")
    mark()
    for caller in (ONE, FORMER):
        erase(boxes, "pbx-1", caller)
    quiet(boxes)
    rows = (
        f"SELECT box, pseudonym FROM acme.record WHERE pseudonym IN ('\\x{ONE.hex()}', '\\x{FORMER.hex()}')"
    )
    assert boxes.sql(rows) == []

    go_on(boxes, restore())
    boxes.exchange("pbx-1")
    quiet(boxes)
    assert boxes.sql(rows) == [("pbx-2", FORMER)]
    erase(boxes, "pbx-1", FORMER)
    quiet(boxes)
    assert boxes.sql(rows) == []
