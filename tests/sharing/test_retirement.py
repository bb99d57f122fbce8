"""A retirement that a promoted standby has not got is told to it again, by any box that knows of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from commands import typed
from examples import PLAYED
from informativa.ledgers import boxes as ledger_boxes
from lab.postgres import Postgres
from sharing.conftest import Boxes
from sharing.installation import Installation, of

RETIRED = "SELECT box FROM informativa.ledger WHERE retired IS NOT NULL ORDER BY box"
LOST = "UPDATE informativa.ledger SET retired = NULL"


def test_the_box_that_retired_another_tells_it_again(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """From the moment at which the command ended, without an exchange in between."""
    one, other = meeting
    one.exchange()
    other.exchange()
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    server.sql(LOST)
    (acme,) = json.loads(typed("boxes", "--json", *of(one))[1])["controllers"]
    assert [box["retired"] for box in acme["boxes"]] == [None, None]
    one.exchange()
    assert server.sql(RETIRED) == [("pbx-2",)]


def test_a_third_box_that_saw_the_retirement_tells_it_again(boxes: Boxes) -> None:
    """Whoever retired it, and an erasure that waited for the retired box alone is over with it."""
    for box in ("pbx-1", "pbx-2", "pbx-3"):
        boxes.record(box, PLAYED)
        boxes.exchange(box).send()
    boxes.sql("UPDATE acme.ledger SET retired = now() WHERE box = 'pbx-2'")
    boxes.exchange("pbx-3").receive()
    boxes.sql(LOST)
    boxes.sql(
        "INSERT INTO acme.erasure VALUES (1, 1, ARRAY['\\x01'::bytea]);"
        " UPDATE acme.ledger SET erasures = 1, applied = CASE WHEN box = 'pbx-2' THEN 0 ELSE 1 END"
    )
    boxes.exchange("pbx-3").receive()
    assert boxes.sql(RETIRED) == [("pbx-2",)]
    assert boxes.sql("SELECT 1 FROM acme.erasure") == []


def test_another_ledger_of_that_name_is_not_retired(boxes: Boxes) -> None:
    """A database that was made anew may know the name by a ledger of another identity."""
    boxes.exchange("pbx-2")
    first = boxes.exchange("pbx-1")
    with closing(boxes.store("pbx-1")) as store:
        ledger_boxes.store_retired(store, [("pbx-2", b"another", None)])
    first.expect_all()
    assert boxes.sql(RETIRED) == []


def test_a_box_without_a_ledger_retires_another(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """The command makes no ledger for it."""
    one, other = meeting
    other.exchange()
    assert typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))[0] == 0
    assert server.sql(RETIRED) == [("pbx-2",)]
    assert not Path(one.acme.ledger).exists()
