"""A box that left for good after it noted an erasure and before the controller approved that: who is named,
and what the evidence says of its records."""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from doubles import CALLER
from evidence.noted import APPROVER
from examples import AT
from informativa.evidence.approval import Approval, LeafIdentity, sign
from informativa.evidence.notes import ErasureNote
from informativa.process import erasing, storage
from lab.postgres import Postgres
from sharing.installation import Installation, of
from sharing.noted_boxes import Pair, bundled, recorded, renamed, ruled, sent, waiting

KNOWN = "SELECT box FROM informativa.record WHERE pseudonym IS NOT NULL"
EACH = f"approver: {APPROVER.verifier}", "erasures: each"
NAME = APPROVER.verifier.name


@pytest.fixture
def noted(meeting: Pair) -> Pair:
    """Both noted the erasure of the caller, which waits on both."""
    one, other = meeting
    ruled(meeting, *EACH)
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-9", *of(one))
    sent(other, one)
    return meeting


def retire(box: Installation, *words: object) -> tuple[int, dict[str, Any]]:
    """The exit code of the command, and what it says of the company."""
    code, out, error = typed("boxes", "retire", "pbx-2", *words, "--force", "--json", *of(box))
    result = json.loads(out)
    assert not result["failed"], error
    return code, result["boxes"][0]


def approve(box: Installation, file: Path, *leaves: LeafIdentity) -> None:
    """Let the controller approve these notes on a box, which carries out what it can."""
    file.write_bytes(sign(Approval.of(int(time.time()), list(leaves)), APPROVER))
    code, _out, error = typed("evidence", "approval", file, *of(box))
    assert (code, error) == (0, "")
    erasing.carry_out_erasures(box.configuration.controllers["acme"])
    sent(box)


def holes(
    box: Installation, file: Path, retired: str = "pbx-2"
) -> tuple[str, list[tuple[str, str, list[str]]]]:
    """The verdict of a bundle, and of the retired box's holes the cause, the standing of the note, and who
    approved it."""
    bundle, _text = bundled(box, file)
    holes = [hole for part in bundle["holes"] if part["box"] == retired for hole in part["holes"]]
    return bundle["verdict"], [(hole["cause"], hole["standing"], hole["by"]) for hole in holes]


def test_the_erasures_that_wait_on_a_retired_box_are_named(noted: Pair) -> None:
    """L25: by the controller's instruction, before it leaves and when it has left; and the command ends as
    incomplete, since nobody carries them out there."""
    one, _other = noted
    code, would = retire(one)
    assert (code, would["waiting"], would["before"]) == (0, ["DPO-9"], False)
    code, out, _error = typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    assert code == 3
    assert (
        "  pbx-2 noted erasures that wait for the controller's approval, and carries out none of them: DPO-9."
        in out
    )
    code, again = retire(one, "--yes")
    assert (code, again["waiting"], again["before"]) == (3, ["DPO-9"], True)


def test_one_approval_for_both_notes_accounts_for_the_retired_boxs_records(
    noted: Pair, server: Postgres, tmp_path: Path
) -> None:
    """Its own log takes no approval any more: the one in the other box's log names its note, and counts."""
    one, _other = noted
    leaves = [waiting(box) for box in noted]
    retire(one, "--yes")
    assert server.sql(KNOWN) == [("pbx-1",), ("pbx-2",)]
    approve(one, tmp_path / "both.approval", *leaves)
    assert server.sql(KNOWN) == []
    assert holes(one, tmp_path / "bundle.zip") == ("accounted", [("erased", "approved", [NAME])])
    code, again = retire(one, "--yes")
    assert (code, again["waiting"]) == (0, [])


def test_an_approval_of_the_other_note_alone_leaves_a_gap_until_this_one_is_approved(
    noted: Pair, server: Postgres, tmp_path: Path
) -> None:
    """The records go with the first approval of the erasure on a box that is there; and the evidence says by
    which note, and that this one waits."""
    one, _other = noted
    here, other = (waiting(box) for box in noted)
    retire(one, "--yes")
    approve(one, tmp_path / "here.approval", here)
    assert server.sql(KNOWN) == []
    assert holes(one, tmp_path / "gap.zip") == ("gaps", [("erased", "waits", [])])
    code, again = retire(one, "--yes")
    assert (code, again["waiting"]) == (3, ["DPO-9"])
    approve(one, tmp_path / "there.approval", other)
    assert holes(one, tmp_path / "bundle.zip") == ("accounted", [("erased", "approved", [NAME])])
    code, again = retire(one, "--yes")
    assert (code, again["waiting"]) == (0, [])


def test_a_log_that_is_not_what_its_box_signed_approves_nothing(
    noted: Pair, server: Postgres, tmp_path: Path
) -> None:
    """The erasure stays listed for the box that left, and its own notes are not called false for that."""
    one, _other = noted
    leaves = [waiting(box) for box in noted]
    retire(one, "--yes")
    approve(one, tmp_path / "both.approval", *leaves)
    server.sql(
        "UPDATE informativa.record SET reference = replace(reference, 'DPO-9', 'DPO-8') WHERE box = 'pbx-1'"
    )
    code, again = retire(one, "--yes")
    assert (code, again["waiting"]) == (3, ["DPO-9"])


@pytest.mark.sample(1)
@pytest.mark.parametrize("approved", [True, False])
def test_i9_a_box_that_left_under_a_key_that_the_ordering_box_has_not_is_noted(
    meeting: Pair, server: Postgres, tmp_path: Path, *, approved: bool
) -> None:
    """The box that has that key names the leaf in a note, erases the record once that is approved, or at once
    where nobody approves erasures; and a bundle names the note."""
    one, other = meeting
    ruled(meeting, *(EACH if approved else ()))
    assert typed("keys", "rotate", "acme", "--yes", "-c", other.file)[0] == 0
    third = renamed(other, "pbx-3")
    for box, times in ((one, ()), (other, ()), (third, (AT,))):
        recorded(box, *times)
    sent(one, other, third)
    assert typed("boxes", "retire", "pbx-3", "--yes", "--force", *of(other))[0] == 0
    assert typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-9", *of(one))[0] == 0
    assert server.sql(KNOWN) == [("pbx-3",)]
    sent(one, other)
    if approved:
        assert server.sql(KNOWN) == [("pbx-3",)]
        assert bundled(other, tmp_path / "waiting.zip")[0]["verdict"] == "complete"
        with closing(storage.store(other.configuration.controllers["acme"], read_only=True)) as store:
            leaves = [note.leaf for note in store.log_notes() if isinstance(note.content, ErasureNote)]
        approve(other, tmp_path / "all.approval", *leaves)
    assert server.sql(KNOWN) == []
    verdict, ((cause, standing, _by),) = holes(other, tmp_path / "bundle.zip", "pbx-3")
    assert (verdict, cause, standing) == ("accounted", "erased", "approved" if approved else "holds")
    with closing(storage.store(other.configuration.controllers["acme"], read_only=True)) as store:
        notes = [note.content for note in store.log_notes() if isinstance(note.content, ErasureNote)]
    assert {content.instruction for content in notes} == {"DPO-9"}
