"""Commands about all companies of which one has trouble with the shared database, and the clock of a box."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from commands import typed
from informativa.model import Controller
from informativa.model.errors import SharedDatabaseError
from informativa.operations import boxes as operations
from informativa.sharing import administration
from lab.postgres import SUPERUSER, Postgres
from sharing.conftest import ACME, Boxes
from sharing.installation import Installation, examined, of


def test_one_companys_trouble_stops_no_others_command(
    two: tuple[Installation, Installation], server: Postgres
) -> None:
    """`shared migrate`, `join` and `boxes retire` do what they can, name the company for which they cannot
    with what to type, and end with 3; in JSON it is beside the others."""
    one, _other = two
    server.sql("DROP SCHEMA IF EXISTS informativa CASCADE")  # other tests may have made the tables, or not
    server.sql("CREATE SCHEMA informativa_borealis")  # which is not whole
    try:
        code, out, error = typed("shared", "migrate", "--as", SUPERUSER, "-c", one.file)
        assert code == 3
        assert out.splitlines() == [
            "acme: the login informativa-box-pbx-1 was made",
            "acme: the tables of all companies were made (migration 6)",
            "acme: this box serves it from now on (migration 6)",
        ]
        assert error.startswith("Borealis GmbH (borealis): The shared database postgres on")
        assert "Make the tables: informativa shared migrate" in error
        one.exchange()
        code, out, error = typed("join", "-c", one.file)
        assert (code, out) == (3, "Acme S.p.A. (acme): 0 records of 0 other boxes were taken in\n")
        assert error.startswith("Borealis GmbH (borealis): ")
        code, out, error = typed("boxes", "retire", "pbx-1", "--json", "-c", one.file)
        assert (code, error) == (3, "")
        result = json.loads(out)
        assert [row["controller"] for row in result["boxes"]] == ["acme"]
        assert [row["controller"] for row in result["failed"]] == ["borealis"]
        code, out, _error = typed("boxes", "retire", "pbx-1", "--yes", "--force", "-c", one.file)
        assert code == 3
        assert "Acme S.p.A. (acme): pbx-1 left for good" in out
    finally:
        server.sql("DROP SCHEMA informativa_borealis CASCADE")


@pytest.mark.parametrize(("state", "tries"), [("refused", 2), ("3F000", 3)])
def test_a_server_that_is_away_is_tried_once(state: str, tries: int) -> None:
    """After a company whose trouble is the network's the others are not tried, and each is named with it;
    after a company whose trouble is its own they are."""
    tried: list[str] = []

    def work(company: Controller) -> str:
        tried.append(company.id)
        if company.id != "c0":
            raise SharedDatabaseError("no", "do", state=state)
        return company.id

    companies = [replace(ACME, id=f"c{number}", name=f"C {number}") for number in range(3)]
    first, *failed = operations.of_each_company(companies, work)
    assert (first, len(tried)) == ("c0", tries)
    assert [(failure.name, str(failure.remedy)) for failure in failed] == [("C 1", "do"), ("C 2", "do")]  # type: ignore[union-attr]


@pytest.mark.sample(1)
@pytest.mark.parametrize(("ahead", "words"), [(90.0, "-90.0 s from this box's"), (-1.0, "+1.0 s from")])
def test_the_difference_of_clocks_is_shown(
    meeting: tuple[Installation, Installation], monkeypatch: pytest.MonkeyPatch, ahead: float, words: str
) -> None:
    """`boxes` shows the difference, and the doctor warns of one above two seconds."""
    one, _other = meeting
    one.exchange()
    monkeypatch.setattr(administration, "_clock_ahead", lambda _connection: ahead)
    assert f", migration 6, its clock {words}" in typed("boxes", *of(one))[1]
    (acme,) = json.loads(typed("boxes", "--json", *of(one))[1])["controllers"]
    assert acme["clock_ahead"] == ahead
    warned = [text for state, text in examined(one) if state == "warning" and "clock" in text]
    assert warned == (
        ["the clock of the shared database and this machine's are 90.0 s apart"] if ahead > 2 else []
    )


def test_the_clock_of_another_box_is_shown_and_warned_of(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """As that box reported it; one that is silent, or retired, is not warned of."""
    one, other = meeting
    one.exchange()
    other.exchange()
    server.sql("UPDATE informativa.box SET ahead = CASE WHEN box = 'pbx-2' THEN -5.25 ELSE 0.01 END")
    rows = typed("boxes", *of(one))[1].splitlines()[2:]
    assert [row.split()[3:5] for row in rows] == [["+0.0", "s"], ["-5.2", "s"]]
    (acme,) = json.loads(typed("boxes", "--json", *of(one))[1])["controllers"]
    assert [box["clock_ahead"] for box in acme["boxes"]] == [0.01, -5.25]
    clock = ("warning", "the clock of pbx-2 is -5.2 s from the shared database's")
    assert clock in examined(one)
    server.sql("UPDATE informativa.box SET seen = now() - interval '2 hours' WHERE box = 'pbx-2'")
    assert clock not in examined(one)


def test_the_clock_of_a_box_is_compared_with_the_databases(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine whose clock is two hours fast is two hours ahead, however busy it is."""
    monkeypatch.setattr(administration, "time", SimpleNamespace(time=lambda: time.time() + 7200))
    assert 7100 < administration.database_state(boxes.database(), "acme").clock_ahead < 7300
