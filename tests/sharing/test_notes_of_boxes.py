"""Notes of a box's log where boxes meet, in a real PostgreSQL: what a bundle made on another box says of what
is gone, an approval for both logs, and lists of records."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from doubles import CALLER
from evidence.noted import APPROVER
from examples import AT
from informativa.evidence.approval import Approval, sign
from informativa.operations import records
from informativa.process import erasing
from lab.postgres import Postgres
from sharing.installation import Installation, of
from sharing.noted_boxes import Pair, bundled, recorded, ruled, sent, waiting

OLD = AT.replace(year=2020)


def audited(box: Installation) -> dict[str, Any]:
    """Return what the audit on that box says of its ledger."""
    (ledger,) = json.loads(typed("evidence", "audit", "--json", *of(box))[1])["ledgers"]
    return dict(ledger)


def test_a_purge_on_another_box_is_named_with_its_note(meeting: Pair, tmp_path: Path) -> None:
    """The bundle has the very holes that the audit on that box has, from the note in its signed tree."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, OLD, AT)
    sent(one, other)
    assert typed("purge", "--yes", *of(other))[0] == 0
    sent(one, other)
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = bundle["holes"]
    (hole,) = audited(other)["holes"]
    assert (entry["box"], entry["holes"], entry["erasures"]) == ("pbx-2", [hole], [])
    assert (hole["cause"], hole["standing"], hole["first"]) == ("purged", "holds", 1)
    assert "pbx-2: leaf 1: deleted because of their age, by the note in leaf 3" in text
    assert "the machine alone knows. Type on it: informativa evidence audit" in text


def test_a_note_of_another_box_needs_no_proof(meeting: Pair, tmp_path: Path) -> None:
    """No record waits for a checkpoint that will never come, and the notes are counted as what they are."""
    one, other = meeting
    ruled(meeting)
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["records"], bundle["receipts"], bundle["log_notes"]) == (4, 2, 2)
    assert (bundle["waiting_from"], bundle["holes"]) == (None, [])
    assert "Without a proof yet" not in text
    assert "which need no proof: 2." in text


@pytest.mark.sample(1)
@pytest.mark.parametrize("listed", [True, False])
def test_an_erasure_on_both_boxes_has_one_instruction(
    meeting: Pair, server: Postgres, tmp_path: Path, *, listed: bool
) -> None:
    """The notes of both name it, and the bundle knows which leaves; where the other one's list is not there,
    as of an earlier informativa, it says plainly that this box alone knows them. The audits on both boxes
    name them."""
    one, other = meeting
    ruled(meeting)
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    assert typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-7", *of(one))[0] == 0
    sent(other, one)
    if not listed:
        server.sql("UPDATE informativa.record SET sealed_list = NULL")
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    own, others = bundle["holes"]
    assert [hole["instruction"] for hole in own["holes"]] == ["DPO-7"]
    assert own["erasures"] == []
    if listed:
        assert [(hole["cause"], hole["note"]) for hole in others["holes"]] == [("erased", 2)]
        assert (others["erasures"], "an erasure is noted in leaf" in text) == ([], False)
    else:
        assert [(hole["cause"], hole["note"]) for hole in others["holes"]] == [("erased", None)]
        assert [(note["instruction"], note["standing"]) for note in others["erasures"]] == [
            ("DPO-7", "holds")
        ]
        assert "pbx-2: an erasure is noted in leaf 2" in text
    for box in meeting:
        report = audited(box)
        (hole,) = report["holes"]
        assert (report["verdict"], hole["first"], hole["instruction"]) == ("accounted", 1, "DPO-7")


def test_one_approval_for_the_logs_of_two_boxes(meeting: Pair, tmp_path: Path) -> None:
    """An erasure waits on both, nothing is erased anywhere meanwhile, and the bundle and both audits count no
    hole; one file with a line for each log frees both, and is named in all three."""
    one, other = meeting
    ruled(meeting, f"approver: {APPROVER.verifier}", "erasures: each")
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-8", *of(one))
    sent(other, one)
    assert bundled(one, tmp_path / "waiting.zip")[0]["erased"] == 0
    assert [(audited(box)["verdict"], audited(box)["waiting"]) for box in meeting] == [("complete", 1)] * 2
    approval = Approval.of(int(time.time()), [waiting(box) for box in meeting])
    (tmp_path / "both.approval").write_bytes(sign(approval, APPROVER))
    for box in meeting:
        code, _out, error = typed("evidence", "approval", tmp_path / "both.approval", *of(box))
        assert (code, error) == (0, "")
        erasing.carry_out_erasures(box.configuration.controllers["acme"])
    sent(one, other)
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    own, others = bundle["holes"]
    name = APPROVER.verifier.name
    assert [(hole["approved"], hole["by"]) for hole in own["holes"]] == [(True, [name])]
    assert [(hole["approved"], hole["by"]) for hole in others["holes"]] == [(True, [name])]
    assert f"approved by {name}" in text
    for box in meeting:
        report = audited(box)
        assert (report["verdict"], [hole["by"] for hole in report["holes"]]) == ("accounted", [[name]])


def test_what_another_box_lost_without_a_note(meeting: Pair, server: Postgres, tmp_path: Path) -> None:
    """It is said as such, on the screen too, and with where to look."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT, AT)
    sent(one, other)
    server.sql("""DELETE FROM informativa.record WHERE box = 'pbx-2' AND record = 2""")
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    assert [hole["cause"] for hole in bundle["holes"][0]["holes"]] == ["deleted"]
    assert "pbx-2: leaf 1: GONE, and no note says why" in text
    days = "--from", "2020-01-01", "--to", "2099-12-31"
    _code, out, _error = typed(
        "evidence", "bundle", *days, "--all-boxes", "-o", tmp_path / "again.zip", *of(one)
    )
    assert "✘ pbx-2: leaf 1: GONE, and no note says why" in out


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param("reference = replace(reference, 'standing', 'each')", id="another rule"),
        pytest.param("who = NULL, salt_what = NULL, kind = 'erasure'", id="a record made a note"),
    ],
)
def test_a_note_that_was_changed_in_the_database_stops_a_bundle(
    meeting: Pair, server: Postgres, tmp_path: Path, change: str
) -> None:
    """It is held against the tree that its box signed, as records are."""
    one, other = meeting
    ruled(meeting)
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    number = 1 if "reference" in change else 2
    server.sql(f"""UPDATE informativa.record SET {change} WHERE box = 'pbx-2' AND record = {number}""")
    file = tmp_path / "bundle.zip"
    days = "--from", "2020-01-01", "--to", "2099-12-31"
    code, _out, error = typed("evidence", "bundle", *days, "--all-boxes", "-o", file, *of(one))
    assert (code, file.exists()) == (1, False)
    assert f"Record {number} of pbx-2 is not what it was when it was written." in error


def test_notes_whose_leaves_did_not_arrive_yet(meeting: Pair, server: Postgres, tmp_path: Path) -> None:
    """What its box has not proven yet is no hole, and counts as without a proof."""
    one, other = meeting
    ruled(meeting)
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    server.sql(
        """UPDATE informativa.record SET leaf = NULL, who = NULL WHERE box = 'pbx-2';
        UPDATE informativa.ledger SET proven = 0 WHERE box = 'pbx-2'"""
    )
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["receipts"], bundle["log_notes"], bundle["waiting_from"]) == (1, 1, 1)
    assert bundle["holes"] == []
    sent(other)
    assert bundled(one, tmp_path / "later.zip")[0]["waiting_from"] is None


def test_lists_of_calls_leave_out_notes_of_all_boxes_alike(meeting: Pair) -> None:
    """A list of records has the notes of other boxes as it has the own ones, a list of calls has neither."""
    one, other = meeting
    ruled(meeting)
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    shown = json.loads(typed("ledger", "show", "--all-boxes", "--json", *of(one))[1])["records"]
    assert sorted((record["box"], record["kind"]) for record in shown) == [
        ("pbx-1", "phone"),
        ("pbx-1", "rule"),
        ("pbx-2", "phone"),
        ("pbx-2", "rule"),
    ]
    acme, shared = one.configuration.controllers["acme"], one.configuration.shared
    for last in (None, 10):
        calls = records.everywhere([acme], shared, records.CALLS, last)
        assert [(entry.box, str(entry.record.event.kind)) for entry in calls] == [
            ("pbx-1", "phone"),
            ("pbx-2", "phone"),
        ]
