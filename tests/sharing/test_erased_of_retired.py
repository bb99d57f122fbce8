"""Erasures of callers whom a box that left for good had on record, in a real PostgreSQL: another box notes
which leaves of that one's log it erased, and a bundle made there names the note."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from commands import typed
from doubles import CALLER
from evidence.noted import APPROVER
from examples import AT
from informativa.evidence.approval import Approval, sign
from informativa.evidence.log_folder import LogFolder
from informativa.ledgers import erasure_notes, erasure_requests
from informativa.process import erasing, storage
from lab.postgres import Postgres
from sharing.installation import Installation, of
from sharing.noted_boxes import Pair, bundled, recorded, renamed, replaced, ruled, sent, silent, waiting

KNOWN = "SELECT count(*) FROM informativa.record WHERE box = 'pbx-2' AND pseudonym IS NOT NULL"
EACH = f"approver: {APPROVER.verifier}", "erasures: each"


def retired(pair: Pair, *rules: str, here: bool = True) -> Installation:
    """Let both have the caller on record, or the second alone unless `here`, and that one leave for good."""
    one, other = pair
    ruled(pair, *rules)
    recorded(one, *([AT] if here else []))
    recorded(other, AT)
    sent(one, other)
    code, _out, error = typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    assert code == 0, error
    return one


def erased(box: Installation, instruction: str = "DPO-9") -> None:
    """Erase the caller from there, and send that."""
    typed("caller", "erase", CALLER, "--yes", "--instruction", instruction, *of(box))
    sent(box)


def listed(box: Installation) -> list[tuple[str, int]]:
    """The leaves of other boxes that the lists of its erasures name, each with its box."""
    with closing(storage.store(box.acme, read_only=True)) as store, store.connected() as connection:
        noted = list(erasure_notes.noted(connection, LogFolder(store.file)))
    return [(place.origin.split("/")[-2], place.index) for note in noted for place in note.named.elsewhere]


@pytest.mark.sample(1)
@pytest.mark.parametrize("here", [True, False])
def test_a_bundle_names_the_note_of_the_box_that_erased(
    meeting: Pair, server: Postgres, tmp_path: Path, *, here: bool
) -> None:
    """The leaf of the retired box's log is named by the list of the note in the other log, which the bundle
    has; also where that box had nothing of the caller."""
    one = retired(meeting, here=here)
    erased(one)
    assert server.sql(KNOWN) == [(0,)]
    assert listed(one) == [("pbx-2", 1)]
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = (box for box in bundle["holes"] if box["box"] == "pbx-2")
    (hole,) = entry["holes"]
    assert (hole["cause"], hole["first"], hole["last"], hole["instruction"]) == ("erased", 1, 1, "DPO-9")
    assert (hole["standing"], hole["noted_in"].split("/")[-2]) == ("holds", "pbx-1")
    assert (bundle["verdict"], entry["erasures"]) == ("accounted", [])
    assert "pbx-2: leaf 1: caller erased, by the note in leaf" in text
    assert "pbx-2: leaf 1: GONE" not in text


def test_a_record_that_no_note_names_stays_a_hole(meeting: Pair, server: Postgres, tmp_path: Path) -> None:
    """Of the same retired box: one caller was erased with a note, another was emptied in the database."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT, AT)
    sent(one, other)
    typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    server.sql(
        "UPDATE informativa.record SET erased = 1, pseudonym = NULL, salt_who = NULL, binding = NULL,"
        " opening = NULL WHERE box = 'pbx-2' AND record = 3"
    )
    erased(one)
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = (box for box in bundle["holes"] if box["box"] == "pbx-2")
    assert [(hole["cause"], hole["first"]) for hole in entry["holes"]] == [("erased", 1), ("deleted", 2)]
    assert bundle["verdict"] == "gaps"
    assert "pbx-2: leaf 2: GONE, and no note says why" in text


@pytest.mark.sample(1)
@pytest.mark.parametrize("change", ["retired = NULL", "another list"])
def test_only_what_the_note_binds_of_a_retired_box_counts(
    meeting: Pair, server: Postgres, tmp_path: Path, change: str
) -> None:
    """A box that works has to note its erasures itself; and a list that is not the note's names nothing."""
    one = retired(meeting)
    erased(one)
    if change == "another list":
        folder = LogFolder(Path(one.acme.ledger))
        ((epoch, index),) = folder.private_lists()
        file = folder.private_file(epoch, index)
        file.write_text(file.read_text().replace("pbx-2/1 1", "pbx-2/1 0"))
    else:
        server.sql(f"UPDATE informativa.ledger SET {change} WHERE box = 'pbx-2'")
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = (box for box in bundle["holes"] if box["box"] == "pbx-2")
    assert [(hole["cause"], hole["note"]) for hole in entry["holes"]] == [("deleted", None)]
    assert bundle["verdict"] == "gaps"


@pytest.mark.sample(1)
@pytest.mark.parametrize("here", [True, False])
def test_an_approval_is_asked_first(meeting: Pair, server: Postgres, tmp_path: Path, *, here: bool) -> None:
    """Where the controller approves each erasure, nothing of the retired box is erased before, and everything
    that the list names is erased afterwards."""
    one = retired(meeting, *EACH, here=here)
    erased(one)
    assert server.sql(KNOWN) == [(1,)]
    assert bundled(one, tmp_path / "waiting.zip")[0]["verdict"] == "complete"
    file = tmp_path / "dpo-9.approval"
    file.write_bytes(sign(Approval.of(int(time.time()), [waiting(one)]), APPROVER))
    assert typed("evidence", "approval", file, *of(one))[0] == 0
    erasing.carry_out_erasures(one.configuration.controllers["acme"])
    sent(one)
    assert server.sql(KNOWN) == [(0,)]
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = (box for box in bundle["holes"] if box["box"] == "pbx-2")
    (hole,) = entry["holes"]
    assert (hole["standing"], hole["by"]) == ("approved", [APPROVER.verifier.name])
    assert bundle["verdict"] == "accounted"


def test_what_was_erased_without_its_approval_is_a_gap(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """A note that waits excuses nothing of the retired box."""
    one = retired(meeting, *EACH)
    erased(one)
    server.sql(
        "UPDATE informativa.record SET erased = 1, pseudonym = NULL, salt_who = NULL, binding = NULL,"
        " opening = NULL WHERE box = 'pbx-2' AND record = 2"
    )
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = (box for box in bundle["holes"] if box["box"] == "pbx-2")
    assert [(hole["standing"], hole["approved"]) for hole in entry["holes"]] == [("waits", False)]
    assert bundle["verdict"] == "gaps"


def test_an_erasure_while_the_database_was_away_is_noted_once_it_is_back(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """The service orders it later, and notes the leaves of the retired box before it erases them there."""
    one = retired(meeting)
    server.stop()
    typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-9", *of(one))
    server.start()
    assert listed(one) == []
    sent(one)
    assert (server.sql(KNOWN), listed(one)) == ([(0,)], [("pbx-2", 1)])
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    assert bundle["verdict"] == "accounted"
    assert {hole["instruction"] for box in bundle["holes"] for hole in box["holes"]} == {"DPO-9"}


@pytest.mark.sample(1)
@pytest.mark.parametrize("lost", [False, True])
def test_a_box_that_leaves_after_the_order_and_before_it_erased_him_is_noted_too(
    meeting: Pair, server: Postgres, tmp_path: Path, *, lost: bool
) -> None:
    """The other box has its leaves with the request, and notes them before it forgets that; also where the
    order was lost, and given again when there was nothing of him any more."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT, AT)
    sent(one, other)
    erased(one)
    assert (listed(one), server.sql(KNOWN)) == ([], [(0,)])
    if lost:
        server.sql("DELETE FROM informativa.erasure; UPDATE informativa.ledger SET erasures = 0, applied = 0")
        sent(one)
    code, _out, error = typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    assert code == 0, error
    sent(one)
    assert listed(one) == [("pbx-2", 1), ("pbx-2", 2)]
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    (entry,) = (box for box in bundle["holes"] if box["box"] == "pbx-2")
    assert {(hole["cause"], hole["instruction"]) for hole in entry["holes"]} == {("erased", "DPO-9")}
    assert (bundle["verdict"], ": GONE, and" in text) == ("accounted", False)
    with closing(storage.store(one.acme, read_only=True)) as store:
        assert erasure_requests.stored_requests(store) == []


def test_a_box_that_leaves_with_a_record_that_nobody_erased_still_has_a_hole(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """What was emptied in the database and is not the caller's is not among the leaves of the request."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT, AT)
    sent(one, other)
    server.sql(
        "UPDATE informativa.record SET erased = 1, pseudonym = NULL, salt_who = NULL, binding = NULL,"
        " opening = NULL WHERE box = 'pbx-2' AND record = 3"
    )
    erased(one)
    typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    sent(one)
    assert listed(one) == [("pbx-2", 1)]
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["verdict"], "pbx-2: leaf 2: GONE, and no note says why" in text) == ("gaps", True)


def test_a_copy_that_goes_on_under_the_retired_logs_name_excuses_nothing_of_it(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """The caller is erased everywhere. But a leaf of the one log may be another than that of the other with
    the same name and index, so that its note says nothing of the retired one's."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT)
    sent(one, other)
    new = renamed(other, "pbx-4", Path(other.acme.ledger))
    recorded(other, AT + timedelta(minutes=1))
    sent(other)
    silent(server)
    assert typed("join", *of(new))[0] == 0
    replaced(one, "pbx-2", "pbx-4", "--yes")
    recorded(new, AT + timedelta(minutes=2))
    sent(new)
    typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-9", *of(new))
    sent(new, one)
    assert server.sql("SELECT count(*) FROM informativa.record WHERE pseudonym IS NOT NULL") == [(0,)]
    bundle, _text = bundled(new, tmp_path / "bundle.zip")
    causes = {box["box"]: [hole["cause"] for hole in box["holes"]] for box in bundle["holes"]}
    assert causes == {"pbx-1": ["erased"], "pbx-2": ["deleted"], "pbx-4": ["erased"]}
    assert (listed(new), bundle["verdict"]) == ([], "gaps")
