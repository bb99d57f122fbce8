"""A caller's consents while one box has the new key of its company and another has not: an answer is his
last one, and he is one caller, on whichever box somebody looks."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from commands import typed
from consenting import ask_for_consents, company
from doubles import CALLER
from informativa.call.caller import pseudonym
from informativa.operations import consent_export, consents
from informativa.operations.access_letter import access_letter
from informativa.operations.consent_pseudonyms import callers_with_several
from informativa.operations.typed_caller import by_number
from lab.postgres import Postgres
from sharing.installation import HE, Installation, of
from traces import traces

ONE, TWO, THREE, OTHER = b"1", b"2", b"3", b"4"


@pytest.fixture
def half_rotated(meeting: tuple[Installation, Installation]) -> tuple[Installation, Installation]:
    """Two boxes that ask for consents, of which the first has a new key."""
    for box in meeting:
        ask_for_consents(box.file.parent)
        box.exchange()
    assert typed("keys", "rotate", "acme", "--yes", "-c", meeting[0].file)[0] == 0
    return meeting


def act(boxes: tuple[Installation, Installation], command: str, box: Installation) -> None:
    """Put the caller's act on record on a box, and let all know."""
    grant = ("--by", "website", "--reference", "form-7")
    how = grant if command == "record" else ("--by", "operator")
    assert typed("consent", command, "marketing", CALLER, *how, *of(box))[0] == 0
    for installation in (*boxes, *boxes):
        installation.exchange()


def exported(box: Installation, form: str, *more: str) -> str:
    """Return the file of consents that a box makes."""
    code, out, _error = typed("consent", "export", "--format", form, *more, *of(box))
    assert code == 0
    return out


@pytest.mark.sample(1)
@pytest.mark.parametrize(("grants", "withdraws"), [(0, 1), (1, 0)])
def test_consent_that_was_withdrawn_is_one_callers_on_both_boxes(
    half_rotated: tuple[Installation, Installation], server: Postgres, grants: int, withdraws: int
) -> None:
    """In each file, the console's list, the letter, and by the number; and an erasure leaves nothing."""
    act(half_rotated, "record", half_rotated[grants])
    act(half_rotated, "withdraw", half_rotated[withdraws])
    his = [pseudonym(HE, box.acme.key) for box in half_rotated]
    for box in half_rotated:
        (row,) = csv.DictReader(io.StringIO(exported(box, "csv")))
        assert (row["answer"], row["counts"], row["caller"]) == ("withdrawn", "true", his[0].hex())
        assert row["box"] == ("" if box is half_rotated[withdraws] else f"pbx-{withdraws + 1}")
        assert [json.loads(line)["answer"] for line in exported(box, "jsonl").splitlines()] == ["withdrawn"]
        assert exported(box, "jsonl", "--answer", "granted") == ""
        configuration, owner, _choice = company(box.file)
        known, now = consents.consents(configuration, "acme"), datetime.now(UTC)
        page = consent_export.page(
            owner, known, now, consent_export.ALL, None, 50, shared=configuration.shared
        )
        assert [(shown.caller, shown.answer) for shown in page.rows] == [(his[0].hex(), "withdrawn")]
        (consent,) = access_letter(owner, by_number(CALLER), configuration, now).consents
        assert (consent.answer, consent.holds) == ("withdrawn", False)
        shown = json.loads(typed("consent", "show", CALLER, "--json", *of(box))[1])
        assert shown["controllers"][0]["standing"][0]["answer"] == "withdrawn"
    typed("caller", "erase", CALLER, "--yes", *of(half_rotated[1]))
    for box in (*half_rotated, *half_rotated):
        box.exchange()
    for box in half_rotated:
        assert [traces(box.file.parent, own, own.hex().encode()) for own in his] == [[], []]
        assert exported(box, "jsonl") == ""
    assert server.sql("SELECT 1 FROM informativa.record WHERE pseudonym IS NOT NULL") == []


def test_caller_with_three_keys_is_one() -> None:
    """Whoever changed the key twice knows him by three pseudonyms, which lead to each other one by one."""
    ties = [(ONE, TWO), (TWO, THREE)]
    callers = callers_with_several({ONE, OTHER}, lambda new: [tie for tie in ties if new & {*tie}])
    assert callers == {own: [THREE, ONE, TWO] for own in (ONE, TWO, THREE)}
