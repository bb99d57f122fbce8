"""The note by which another box's log says that one left for good, so that a monitor waits for it no more."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from examples import AT
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import LogNote, RetiresNote
from informativa.model.errors import LedgerError
from informativa.process import storage
from lab.postgres import Postgres
from sharing.installation import Installation, of
from sharing.noted_boxes import Pair, bundled, recorded, renamed, replaced, ruled, sent, silent


@pytest.fixture
def pair(meeting: Pair) -> Pair:
    """Both have a rule and a call, and all was sent."""
    ruled(meeting)
    for box in meeting:
        recorded(box, AT)
    sent(*meeting)
    return meeting


def retire(box: Installation, *words: object, name: str = "pbx-2") -> dict[str, Any]:
    """Return what the command says of the company."""
    code, out, error = typed("boxes", "retire", name, *words, "--force", "--json", *of(box))
    assert code == 0, error
    return dict(json.loads(out)["boxes"][0])


def notes_of(box: Installation) -> list[LogNote]:
    """The notes in its log of boxes that left."""
    with closing(storage.store(box.acme, read_only=True)) as store:
        return [note for note in store.log_notes() if isinstance(note.content, RetiresNote)]


def test_the_log_of_the_box_on_which_it_is_typed_says_it_once(pair: Pair) -> None:
    """After which record, and by which tree of its log; typed again, and by the service, nothing is added."""
    one, other = pair
    would = retire(one)
    assert (would["by"], would["noted"], would["before"], notes_of(one)) == ("pbx-1", None, False, [])
    result = retire(one, "--yes")
    (note,) = notes_of(one)
    checkpoint = LogFolder(Path(other.acme.ledger)).published(1).newest()[0]
    assert isinstance(note.content, RetiresNote)
    assert (note.content.box, note.content.record, note.by) == ("pbx-2", 2, NoteSource.COMMAND)
    (tree,) = note.content.after
    assert (tree.origin.split("/")[-2], tree.size) == ("pbx-2", checkpoint)
    assert (result["by"], result["noted"], result["before"]) == ("pbx-1", 3, False)
    again = retire(one, "--yes")
    assert (again["noted"], again["before"]) == (3, True)
    sent(one)
    assert notes_of(one) == [note]


def test_no_other_box_notes_it_too(pair: Pair) -> None:
    """Fifty boxes need not all say the same."""
    one, _other = pair
    third = renamed(one, "pbx-3")
    recorded(third, AT)
    sent(third)
    retire(one, "--yes")
    sent(third, one)
    assert (len(notes_of(one)), notes_of(third)) == (1, [])


def test_a_bundle_has_the_note(pair: Pair, tmp_path: Path) -> None:
    """It is a reason for the end of a log, and no hole."""
    one, _other = pair
    retire(one, "--yes")
    sent(one)
    bundle, _text = bundled(one, tmp_path / "bundle.zip")
    assert (bundle["verdict"], bundle["holes"], bundle["log_notes"]) == ("complete", [], 3)


def test_the_service_notes_what_the_command_could_not(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the ledger was busy: when it connects the next time."""
    one, _other = pair
    from informativa.sharing import replacing

    def busy(*_values: object) -> int:
        raise LedgerError("busy")

    with monkeypatch.context() as patch:
        patch.setattr(replacing, "note_retirement", busy)
        result = retire(one, "--yes")
    assert (result["by"], result["noted"], notes_of(one)) == ("pbx-1", None, [])
    sent(one)
    (note,) = notes_of(one)
    assert (note.by, note.content) == (NoteSource.SERVICE, RetiresNote("pbx-2", 2, note.content.after))  # type: ignore[union-attr]


def test_a_ledger_that_takes_nothing_is_told_with_what_to_type_again(pair: Pair, server: Postgres) -> None:
    """The service would never note what the ledger does not have, so nothing is promised; and once the ledger
    is mended the same command notes it."""
    one, _other = pair
    ledger = Path(one.acme.ledger)
    ledger.rename(ledger.with_suffix(".away"))
    ledger.write_text("no ledger")
    code, out, error = typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    assert (code, out) == (1, "")
    assert "pbx-2 left for good, and no log says so" in error
    assert str(ledger) in error
    assert error.endswith("Then type the same again.\n")
    assert server.sql("SELECT box FROM informativa.ledger WHERE retired IS NOT NULL") == [("pbx-2",)]
    ledger.with_suffix(".away").rename(ledger)
    assert (retire(one, "--yes")["noted"], len(notes_of(one))) == (3, 1)


def test_a_box_that_retires_itself_says_that_another_one_has_to_note_it(pair: Pair) -> None:
    """Its own log says nothing of its end; the other one notes it when it is typed there."""
    one, other = pair
    code, out, _error = typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(other))
    assert code == 0
    assert "  No log says so: type the same on another box, which notes it." in out
    assert notes_of(other) == []
    result = retire(one, "--yes")
    assert (result["before"], result["noted"], len(notes_of(one))) == (True, 3, 1)


def test_the_place_of_a_retired_box_may_still_be_taken(pair: Pair, server: Postgres) -> None:
    """The log then has both notes; a box whose place was taken is retired no more."""
    one, _other = pair
    retire(one, "--yes")
    silent(server)
    code, result = replaced(one, "pbx-2", "pbx-1", "--yes")
    assert (code, result["noted"], len(notes_of(one))) == (0, 4, 1)
    code, _out, error = typed("boxes", "retire", "pbx-2", "--yes", "--force", *of(one))
    assert (code, "pbx-2 left for good before: pbx-1 took its place." in error) == (1, True)
