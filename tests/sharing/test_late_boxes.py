"""I9: a box that took calls before it ever took part, and erasures that all others had done by then."""

from __future__ import annotations

import json

from commands import typed
from doubles import CALLER
from examples import ONE, OTHER, PLAYED
from informativa.call.caller import pseudonym
from informativa.sharing import administration
from informativa.sharing.connection import connect
from lab.postgres import Postgres
from sharing.conftest import Boxes
from sharing.erasing import begin, erase, left, orders, quiet, stored_orders
from sharing.installation import HE, Installation, examined, of
from traces import traces


def test_i9_an_order_waits_for_a_box_that_serves_the_company_and_never_took_part(boxes: Boxes) -> None:
    """The box has the caller on record from before; it carries the order out when it takes part, and until
    then the box that asked keeps the request."""
    begin(boxes, "pbx-1", "pbx-2")
    boxes.record("pbx-3", PLAYED)
    boxes.database("pbx-3")
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    assert (orders(boxes), stored_orders(boxes, "pbx-1")) == ([1], [1])
    boxes.exchange("pbx-3")
    quiet(boxes)
    assert left(boxes, ONE) == []
    assert stored_orders(boxes, "pbx-1") == []
    assert traces(boxes.folder / "pbx-2", OTHER) != []


def test_i9_a_request_that_all_others_fulfilled_waits_for_a_box_that_is_let_in_meanwhile(
    boxes: Boxes,
) -> None:
    """Between the last box's turn and that of the one that asked: it asks once more."""
    begin(boxes, "pbx-1", "pbx-2")
    boxes.record("pbx-3", PLAYED)
    erase(boxes, "pbx-1", ONE)
    boxes.opened[1].erase()
    assert (orders(boxes), stored_orders(boxes, "pbx-1")) == ([], [1])
    boxes.database("pbx-3")
    quiet(boxes)
    assert orders(boxes) != []
    boxes.exchange("pbx-3")
    quiet(boxes)
    assert left(boxes, ONE) == []


def test_nobody_waits_for_such_a_box_that_is_retired_or_retired_and_let_in_again(boxes: Boxes) -> None:
    """It serves the company no more, so that the order ends; let in again, it takes part as any other."""
    begin(boxes, "pbx-1", "pbx-2")
    boxes.database("pbx-3")
    erase(boxes, "pbx-1", ONE)
    quiet(boxes)
    assert administration.retire(boxes.database(), "acme", "pbx-3") is None
    quiet(boxes)
    assert (left(boxes, ONE), stored_orders(boxes, "pbx-1")) == ([], [])
    served = "SELECT login FROM informativa.serves WHERE login LIKE '%pbx-3'"
    assert boxes.sql(served) == []
    boxes.served.discard(("pbx-3", "acme"))
    boxes.exchange("pbx-3")
    quiet(boxes)
    assert boxes.sql(served) != []


def test_i6_a_box_withdraws_none_that_took_part_and_none_of_another_company(boxes: Boxes) -> None:
    """Whoever logs in as a box ends the wait for one that never took part, and takes away nothing else."""
    begin(boxes, "pbx-1", "pbx-2")
    boxes.sql("INSERT INTO informativa.company VALUES (2, 'globex')")
    boxes.sql("INSERT INTO informativa.serves VALUES ('informativa-box-pbx-2', 2)")
    before = boxes.sql("SELECT * FROM informativa.serves ORDER BY 1, 2")
    with connect(boxes.database("pbx-1"), "acme") as connection:
        for company, box in ((1, "pbx-2"), (2, "pbx-2"), (2, "pbx-1"), (1, "pbx-9")):
            withdrawn = connection.execute("SELECT informativa.withdraw(%s, %s)", (company, box))
            assert withdrawn.fetchone() == (0,)
        assert connection.execute("SELECT informativa.awaited(2)").fetchall() == []
    assert boxes.sql("SELECT * FROM informativa.serves ORDER BY 1, 2") == before


def test_a_box_that_never_took_part_is_named_wherever_something_is_missing_for_it(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """`boxes`, `status`, `doctor`, and what is told and erased of a caller; `boxes retire` ends it."""
    one, other = meeting
    one.record()
    other.record()
    one.exchange()
    _code, out, _error = typed("boxes", "--json", *of(one))
    (meeting_of_acme,) = (row for row in json.loads(out)["controllers"] if row["controller"] == "acme")
    assert {box["name"]: box["joined"] for box in meeting_of_acme["boxes"]} == {"pbx-1": True, "pbx-2": False}
    assert "never took part" in typed("boxes", *of(one))[1]
    assert "pbx-2 (NEVER TOOK PART)" in typed("status", "--screen", "-c", one.file)[1]
    assert ("warning", "pbx-2 serves acme and never took part, so that erasures wait for it") in examined(one)
    code, out, _error = typed("caller", "show", CALLER, *of(one))
    assert code == 3
    assert "not complete: pbx-2 serves acme and never took part" in out
    code, out, _error = typed("caller", "erase", CALLER, "--yes", *of(one))
    assert code == 3
    assert "pbx-2: each erases the caller too" in out
    other.exchange()
    for installation in (one, other):
        installation.exchange()
    his = pseudonym(HE, one.configuration.controllers["acme"].key)
    assert traces(other.file.parent, his, his.hex().encode()) == []
    assert server.sql("SELECT 1 FROM informativa.erasure") == []
