"""A box that broke is replaced by another one, with a real PostgreSQL: what that means for records, evidence
and erasures, and which pairs are refused."""

from __future__ import annotations

import json
import time
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from commands import typed
from doubles import CALLER
from evidence.noted import APPROVER
from examples import AT, PLAYED
from informativa.evidence.approval import Approval, sign
from informativa.evidence.notes import ReplacesNote
from informativa.ledgers import boxes as ledger_boxes
from informativa.process import erasing, storage
from lab.postgres import Postgres
from sharing.installation import Installation, of
from sharing.noted_boxes import Pair, bundled, recorded, renamed, replaced, ruled, sent, silent, waiting

PLACES = "SELECT box, retired IS NOT NULL, successor FROM informativa.ledger ORDER BY box"


def notes_of(box: Installation) -> list[ReplacesNote]:
    """The notes in its log of the places that it took."""
    with closing(storage.store(box.acme, read_only=True)) as store:
        return [note.content for note in store.log_notes() if isinstance(note.content, ReplacesNote)]


def shown(box: Installation) -> list[tuple[str, int]]:
    """The records of the caller's calls that all boxes have, each with its box."""
    out = typed("ledger", "show", "--all-boxes", "--json", *of(box))[1]
    records = json.loads(out)["records"]
    return sorted((record["box"], record["number"]) for record in records if record["kind"] == "phone")


def calls_of(file: Path) -> list[tuple[str, int]]:
    """The records of calls in a bundle, each with its box."""
    with zipfile.ZipFile(file) as opened:
        (name,) = (name for name in opened.namelist() if name.endswith("records.jsonl"))
        records = [json.loads(line) for line in opened.read(name).decode().splitlines()]
    return sorted((record["box"], record["number"]) for record in records if record["kind"] == "phone")


def test_a_new_box_takes_the_place_of_one_that_broke(meeting: Pair, server: Postgres) -> None:
    """First it is said what would be, then it is so: the old one is retired, its records stay, the new one's
    log says after which of them it goes on."""
    one, other = meeting
    other.record()
    other.exchange()
    one.exchange()
    silent(server)
    before = server.sql(PLACES)
    code, out, _error = typed("boxes", "replace", "pbx-2", "pbx-1", *of(one))
    assert code == 0
    assert out.splitlines()[0] == (
        "Acme S.p.A. (acme): pbx-1 would take the place of pbx-2, which would leave for good"
    )
    assert out.splitlines()[-1] == "Nothing was changed yet. To do it, add --yes."
    assert server.sql(PLACES) == before
    code, out, _error = typed("boxes", "replace", "pbx-2", "pbx-1", "--yes", *of(one))
    assert code == 0
    assert "Acme S.p.A. (acme): pbx-1 took the place of pbx-2, which left for good" in out
    assert server.sql(PLACES) == [("pbx-1", False, None), ("pbx-2", True, "pbx-1")]
    assert [(note.box, note.record) for note in notes_of(one)] == [("pbx-2", 1)]
    assert shown(one) == [("pbx-2", 1)]
    assert "pbx-1 took its place" in typed("boxes", *of(one))[1]


def test_typed_again_it_changes_nothing(meeting: Pair, server: Postgres) -> None:
    """The note stands in the log once, and the command says that it was done before."""
    one, _other = meeting
    for box in meeting:
        box.exchange()
    silent(server)
    for _ in range(2):
        code, result = replaced(one, "pbx-2", "pbx-1", "--yes")
    assert (code, result["before"], len(notes_of(one))) == (0, True, 1)


def test_a_third_box_says_it_and_the_new_one_notes_it(meeting: Pair, server: Postgres) -> None:
    """Wherever it is typed: the new box's service writes the note when it connects."""
    one, other = meeting
    third = renamed(one, "pbx-3")
    for box in (one, other, third):
        box.exchange()
    silent(server)
    code, result = replaced(one, "pbx-2", "pbx-3", "--yes")
    assert (code, result["noted"], notes_of(one), notes_of(third)) == (0, None, [], [])
    third.exchange()
    assert [note.box for note in notes_of(third)] == ["pbx-2"]
    third.exchange()
    assert len(notes_of(third)) == 1


def test_a_replacement_survives_a_failover(meeting: Pair, server: Postgres) -> None:
    """A standby that took over without it is told again, by the box on which it was typed."""
    one, other = meeting
    third = renamed(one, "pbx-3")
    for box in (one, other, third):
        box.exchange()
    silent(server)
    replaced(one, "pbx-2", "pbx-3", "--yes")
    server.sql("UPDATE informativa.ledger SET retired = NULL, successor = NULL")
    one.exchange()
    assert server.sql(PLACES)[1] == ("pbx-2", True, "pbx-3")
    server.sql("UPDATE informativa.ledger SET successor = NULL")  # the retirement arrived there, and no more
    one.exchange()
    assert server.sql(PLACES)[1] == ("pbx-2", True, "pbx-3")


def test_what_was_not_shared_is_named(meeting: Pair, server: Postgres) -> None:
    """From which record on, as far as the box said; another ledger has nothing of it."""
    one, other = meeting
    other.record()
    other.exchange()
    one.exchange()
    server.sql("UPDATE informativa.ledger SET newest = 4 WHERE box = 'pbx-2'")
    silent(server)
    _code, result = replaced(one, "pbx-2", "pbx-1")
    assert (result["record"], result["unsent"], result["is_copy"]) == (1, 3, False)
    out = typed("boxes", "replace", "pbx-2", "pbx-1", *of(one))[1]
    assert "3 records after that one were on its disk alone, as far as it said." in out
    assert "what was on the disk alone is lost, unless the disk can be read" in out


@pytest.mark.sample(1)
@pytest.mark.parametrize("sent_first", [False, True])
def test_records_of_a_backup_count_once(meeting: Pair, server: Postgres, *, sent_first: bool) -> None:
    """The new box has a copy of the broken one's ledger: what is there under both names is shown once, under
    the old one; what the copy has beyond, and what is recorded later, under the new one. Nothing is taken
    away: the log of the new one has a leaf for each."""
    one, other = meeting
    other.record()
    other.exchange()
    other.record(replace(PLAYED, at=AT + timedelta(minutes=1)))  # in the backup, and not sent
    new = renamed(other, "pbx-4", Path(other.acme.ledger))
    one.exchange()
    assert typed("join", *of(new))[0] == 0
    if sent_first:
        new.exchange()
    silent(server)
    _code, result = replaced(one, "pbx-2", "pbx-4", "--yes")
    assert (result["is_copy"], result["copies"]) == (True, 1 if sent_first else 0)
    new.exchange()
    new.record(replace(PLAYED, at=AT + timedelta(minutes=2)))
    new.exchange()
    expected = [("pbx-2", 1), ("pbx-4", 2), ("pbx-4", 3 + 1)]
    assert shown(one) == shown(new) == expected
    assert server.sql("SELECT count(*) FROM informativa.record WHERE box = 'pbx-4'") == [(4,)]
    for box in (one, new):
        document = json.loads(typed("caller", "show", CALLER, "--json", *of(box))[1])
        assert len(document["controllers"][0]["records"]) == 3


def test_a_record_that_is_there_under_the_new_name_alone_is_hidden_by_nothing(
    meeting: Pair, server: Postgres
) -> None:
    """If the broken box's record is deleted in the database, the copy is shown: it may be the last."""
    one, other = meeting
    other.record()
    other.exchange()
    new = renamed(other, "pbx-4", Path(other.acme.ledger))
    one.exchange()
    new.exchange()
    silent(server)
    replaced(one, "pbx-2", "pbx-4", "--yes")
    assert shown(one) == [("pbx-2", 1)]
    server.sql("DELETE FROM informativa.record WHERE box = 'pbx-2'")
    assert shown(one) == [("pbx-4", 1)]


def test_a_bundle_of_both_says_why_the_log_ends(meeting: Pair, server: Postgres, tmp_path: Path) -> None:
    """The note is in it, signed in the new box's log, with the tree that the old one signed last; no record
    counts as gone."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT)
    sent(one, other)
    silent(server)
    replaced(one, "pbx-2", "pbx-1", "--yes")
    sent(one)
    (note,) = notes_of(one)
    assert [(tree.origin.split("/")[-2], tree.size) for tree in note.after] == [("pbx-2", 2)]
    bundle, text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["verdict"], bundle["holes"], bundle["gone"]) == ("complete", [], 0)
    (incomplete,) = bundle["incomplete"]
    assert (incomplete["box"], incomplete["successor"]) == ("pbx-2", "pbx-1")
    assert "pbx-1 took its place, as the log of that one says" in text
    audit = json.loads(typed("evidence", "audit", "--json", *of(one))[1])
    assert audit["ledgers"][0]["verdict"] == "complete"


def test_a_bundle_has_a_record_of_a_backup_once(meeting: Pair, server: Postgres, tmp_path: Path) -> None:
    """Under the name whose log proves it, with a receipt; and neither log has a hole for that."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT)
    sent(one, other)
    new = renamed(other, "pbx-4", Path(other.acme.ledger))
    recorded(new, AT + timedelta(minutes=1))
    silent(server)
    typed("join", *of(new))
    replaced(one, "pbx-2", "pbx-4", "--yes")
    sent(new)
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["holes"], bundle["gone"], bundle["receipts"]) == ([], 0, 3)
    assert calls_of(tmp_path / "bundle.zip") == [("pbx-1", 2), ("pbx-2", 2), ("pbx-4", 3)]


def test_a_bundle_has_what_only_the_new_log_proves_under_the_new_name(
    meeting: Pair, server: Postgres, tmp_path: Path
) -> None:
    """The broken box sent its last record and signed no checkpoint with it; the copy of its ledger goes on
    with the same leaf, and proves it."""
    one, other = meeting
    ruled(meeting)
    recorded(one, AT)
    recorded(other, AT)
    sent(one, other)
    recorded(other, AT + timedelta(minutes=1))
    other.exchange()
    new = renamed(other, "pbx-4", Path(other.acme.ledger))
    silent(server)
    typed("join", *of(new))
    replaced(one, "pbx-2", "pbx-4", "--yes")
    sent(new)
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["holes"], bundle["receipts"], bundle["waiting_from"]) == ([], 3, None)
    assert calls_of(tmp_path / "bundle.zip") == [("pbx-1", 2), ("pbx-2", 2), ("pbx-4", 3)]
    assert shown(one) == [("pbx-1", 2), ("pbx-2", 2), ("pbx-2", 3)]


def test_one_companys_trouble_stops_no_others(meeting: Pair, server: Postgres) -> None:
    """What can be done is done, the other company is named with its reason, and the command ends with 3."""
    one, _other = meeting
    for box in meeting:
        box.exchange()
    silent(server)
    code, out, error = typed("boxes", "replace", "pbx-2", "pbx-1", "--yes", "-c", one.file)
    assert code == 3
    assert out.startswith("Acme S.p.A. (acme): pbx-1 took the place of pbx-2")
    assert "this box, pbx-1, does not serve" in error
    assert error.count("\n") == 1
    assert server.sql(PLACES)[1] == ("pbx-2", True, "pbx-1")


def test_i9_whom_the_broken_box_had_to_erase_is_named_and_taken_over(meeting: Pair, server: Postgres) -> None:
    """The order waited for it alone; afterwards nothing waits, and what is left on its disk is said."""
    one, _other = meeting
    for box in meeting:
        box.record()
        box.exchange()
    one.exchange()
    silent(server)
    assert typed("caller", "erase", CALLER, "--yes", *of(one))[0] == 3
    assert server.sql("SELECT 1 FROM informativa.erasure") == [(1,)]
    new = renamed(one, "pbx-4")
    assert typed("join", *of(new))[0] == 0
    code, result = replaced(one, "pbx-2", "pbx-4", "--yes")
    assert (code, result["to_erase"], result["successor_to_erase"], result["waiting"]) == (0, 1, 0, [])
    assert server.sql("SELECT 1 FROM informativa.erasure") == []
    out = typed("boxes", "replace", "pbx-2", "pbx-4", *of(one))[1]
    assert "1 caller whom pbx-2 had still to erase stays on its disk: wipe or destroy it." in out


def test_erasures_that_wait_for_an_approval_are_named(meeting: Pair, server: Postgres) -> None:
    """The broken box noted one, and nobody carries it out there any more: the command says under which
    instruction, and ends with 3. Once it is approved to the other box, both have nothing of the caller."""
    one, other = meeting
    ruled(meeting, f"approver: {APPROVER.verifier}", "erasures: each")
    for box in meeting:
        recorded(box, AT)
    sent(one, other)
    typed("caller", "erase", CALLER, "--yes", "--instruction", "DPO-8", *of(one))
    sent(other, one)
    silent(server)
    code, result = replaced(one, "pbx-2", "pbx-1", "--yes")
    assert (code, result["waiting"]) == (3, ["DPO-8"])
    out = typed("boxes", "replace", "pbx-2", "pbx-1", *of(one))[1]
    assert "pbx-2 noted erasures that wait for the controller's approval" in out
    known = "SELECT box FROM informativa.record WHERE pseudonym IS NOT NULL ORDER BY box"
    assert server.sql(known) == [("pbx-1",), ("pbx-2",)]
    file = one.file.parent / "dpo-8.approval"
    file.write_bytes(sign(Approval.of(int(time.time()), [waiting(one)]), APPROVER))
    assert typed("evidence", "approval", file, *of(one))[0] == 0
    erasing.carry_out_erasures(one.configuration.controllers["acme"])
    sent(one)
    assert server.sql(known) == []


def refused(box: Installation, *words: object) -> str:
    """The only sentence of a refusal."""
    code, out, error = typed("boxes", "replace", *words, *of(box))
    assert (code, out, error.count("\n")) == (1, "", 1)
    return error


def test_pairs_that_cannot_be_are_refused(meeting: Pair, server: Postgres) -> None:
    """One sentence each, with what to type; and nothing is changed."""
    one, _other = meeting
    for box in meeting:
        box.exchange()
    before = server.sql(PLACES)
    assert "A box cannot take its own place" in refused(one, "pbx-2", "pbx-2", "--yes")
    assert "There is no box pbx-9. There are: pbx-1, pbx-2." in refused(one, "pbx-9", "pbx-1", "--yes")
    assert "The box pbx-9 has not joined. Type on it: informativa join" in refused(one, "pbx-2", "pbx-9")
    alive = refused(one, "pbx-2", "pbx-1", "--yes")
    assert "The box pbx-2 still works: it was heard of" in alive
    assert "add --force" in alive
    assert server.sql(PLACES) == before
    assert typed("boxes", "replace", "pbx-2", "pbx-1", "--yes", "--force", *of(one))[0] == 0
    assert "The box pbx-2 left for good" in refused(one, "pbx-1", "pbx-2")


def test_a_place_is_taken_once(meeting: Pair, server: Postgres) -> None:
    """Another box does not take it after that."""
    one, other = meeting
    third = renamed(one, "pbx-3")
    for box in (one, other, third):
        box.exchange()
    silent(server)
    replaced(one, "pbx-2", "pbx-1", "--yes")
    assert "The box pbx-1 took the place of pbx-2 before." in refused(one, "pbx-2", "pbx-3", "--yes")


def test_a_box_of_another_company_is_unknown(meeting: Pair, server: Postgres) -> None:
    """The database shows no box that has nothing of this company."""
    one, _other = meeting
    for box in meeting:
        box.exchange()
    server.sql(
        "INSERT INTO informativa.company VALUES (77, 'zeta');"
        " INSERT INTO informativa.ledger (company, box, identity) VALUES (77, 'pbx-z', '\\x01')"
    )
    assert "There is no box pbx-z. There are: pbx-1, pbx-2." in refused(one, "pbx-z", "pbx-1", "--yes")
    assert "The box pbx-z has not joined." in refused(one, "pbx-2", "pbx-z", "--yes")


def test_a_database_that_hangs_is_named(meeting: Pair, server: Postgres) -> None:
    """Nothing is done, and it says so."""
    one, _other = meeting
    server.halt()
    try:
        assert "The shared database postgres" in refused(one, "pbx-2", "pbx-1", "--yes")
    finally:
        server.stop()
        server.start()


def test_a_ledger_that_knows_of_it_keeps_it(meeting: Pair, server: Postgres) -> None:
    """By the identity of the ledger, with the box that took the place."""
    one, _other = meeting
    for box in meeting:
        box.exchange()
    silent(server)
    replaced(one, "pbx-2", "pbx-1", "--yes")
    with closing(storage.store(one.acme)) as store:
        ((name, _identity), successor), *more = ledger_boxes.retired(store).items()
    assert (name, successor, more) == ("pbx-2", "pbx-1", [])
