"""A box and others that left for good, step by step: the order of what is asked and noted, on a ledger of its
own and with a database that answers by a list."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from structlog.testing import capture_logs

from evidence.ledger import signed
from examples import ONE, OTHER, PLAYED
from informativa.evidence.erased_leaves import LeafPlace
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import NoteSource
from informativa.evidence.notes import ReplacesNote, RetiresNote
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers import erasure_requests, replacements
from informativa.ledgers.erasure_requests import ErasureRequest
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import SharedDatabase
from informativa.sharing import replacing, retired_leaves, retirements, sealed_caller
from informativa.sharing.administration import RegisteredBox
from informativa.sharing.connection import Connection
from informativa.sharing.erasure_statements import ErasureStatements
from informativa.sharing.proof_statements import ProofStatements
from informativa.sharing.retired_leaves import RetiredLeaves
from informativa.sharing.retirements import OtherLedger, Retirements
from informativa.sharing.rows import Statements
from sharing.answering import Answering

DATABASE = SharedDatabase(("127.0.0.1:1",), "of_{controller}", "pbx-1")
MEETING = replace(DATABASE, name="of_acme")
SQL, ERASURES, PROOFS = Statements(7), ErasureStatements(7), ProofStatements(7)
SETTLED = [(ERASURES.erase_approved_of_retired, ()), (ERASURES.done_everywhere, None)]
AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
OLD = OtherLedger("pbx-2", 7, b"2", retired=True, successor=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """This box's ledger, with one record that is signed."""
    with closing(SqliteStore(str(tmp_path / "acme.sqlite3"))) as made:
        made.append([PLAYED])
        signed(Path(made.file))
        yield made


@pytest.fixture(autouse=True)
def _of_this_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are translated as those of the company's database."""

    def translated(database: SharedDatabase) -> AbstractContextManager[None]:
        assert database == MEETING
        return nullcontext()

    for module in (replacing, retired_leaves, retirements):
        monkeypatch.setattr(module, "translated", translated)


def retirements_of(store: SqliteStore, database: Answering) -> Retirements:
    """Return what a ledger knows of boxes that left."""
    return Retirements(store, cast("Connection", database), MEETING, 7, "acme")


def notes_of(store: SqliteStore) -> list[ReplacesNote]:
    """Return the notes of places that the box took."""
    return [note.content for note in store.log_notes() if isinstance(note.content, ReplacesNote)]


def retires_notes_of(store: SqliteStore) -> list[tuple[RetiresNote, NoteSource]]:
    """Return the notes of boxes that left for good, each with who made it."""
    return [(note.content, note.by) for note in store.log_notes() if isinstance(note.content, RetiresNote)]


# -- comparison ----------------------------------------------------------------------------------------------


def test_boxes_that_left_are_remembered_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name and identity, with the box that took the place once that is known; nothing is told to the
    database, which knows it."""
    stored, store_retired = list[object](), ledger_boxes.store_retired

    def storing(of: SqliteStore, boxes: Any) -> None:
        stored.extend(boxes)
        store_retired(of, boxes)

    monkeypatch.setattr(retirements.boxes, "store_retired", storing)
    database = Answering()
    known = retirements_of(store, database)
    here = replace(OLD, box="pbx-3", retired=False)
    for ledgers, expected in (
        ([here], []),
        ([OLD, here], [("pbx-2", b"2", None)]),
        ([OLD, here], []),
        ([replace(OLD, successor="pbx-3")], [("pbx-2", b"2", "pbx-3")]),
        ([replace(OLD, successor="pbx-3")], []),
        ([replace(OLD, identity=b"4")], [("pbx-2", b"4", None)]),
    ):
        stored.clear()
        known.compare(ledgers)
        assert stored == expected
    assert ledger_boxes.retired(store) == {("pbx-2", b"2"): "pbx-3", ("pbx-2", b"4"): None}
    assert (database.asked, notes_of(store)) == ([], [])


@pytest.mark.parametrize(
    ("successor", "here", "answered"),
    [
        (None, replace(OLD, retired=False), True),
        (None, OLD, False),
        ("pbx-3", OLD, True),
        ("pbx-3", replace(OLD, successor="pbx-3"), False),
        ("pbx-3", replace(OLD, retired=False, successor="pbx-3"), True),
        ("pbx-3", replace(OLD, retired=False, identity=b"9"), False),
    ],
)
def test_retirement_that_the_database_lost_is_told_again(
    store: SqliteStore, successor: str | None, here: OtherLedger, answered: bool
) -> None:
    """A standby took over without it, or without the box that took the place: the orders that waited are
    settled once, and the log of the service says it. A ledger of another identity is another box."""
    ledger_boxes.store_retired(store, [("pbx-2", b"2", successor), ("pbx-4", b"4", None)])
    database = Answering()
    lost = OtherLedger("pbx-4", 1, b"4", retired=not answered, successor=None)
    with capture_logs() as logged:
        retirements_of(store, database).compare([here, lost])
    if not answered:
        assert (database.asked, logged) == ([], [])
        return
    again = [(SQL.retire_again, (successor, "pbx-2", b"2")), (SQL.retire_again, (None, "pbx-4", b"4"))]
    assert database.asked == [*again, *SETTLED]
    assert logged == [
        {
            "event": "boxes were retired again, of which the shared database did not know it any more",
            "log_level": "warning",
            "controller": "acme",
            "boxes": ["pbx-2", "pbx-4"],
        }
    ]


@pytest.mark.parametrize("known_by", ["the database", "the ledger"])
def test_place_that_this_box_took_is_noted_in_its_log(store: SqliteStore, known_by: str) -> None:
    """Once, whoever knows of it: by the service, which nobody instructed."""
    ledger = OLD
    if known_by == "the database":
        ledger = replace(OLD, successor="pbx-1")
    else:
        ledger_boxes.store_retired(store, [("pbx-2", b"2", "pbx-1")])
    database = Answering()
    for _ in range(2):
        retirements_of(store, database).compare([ledger, replace(OLD, box="pbx-5", successor="pbx-3")])
    assert notes_of(store) == [ReplacesNote("pbx-2", 7)]
    (note,) = (note for note in store.log_notes() if isinstance(note.content, ReplacesNote))
    assert note.by is NoteSource.SERVICE
    assert replacements.noted(store, "pbx-2", b"2") == 2


def test_retirement_that_was_typed_on_this_box_is_noted_in_its_log(store: SqliteStore) -> None:
    """Once, by the service, which nobody instructed; of no box that another one's admin let go, and of none
    whose place another box took meanwhile."""
    elsewhere, taken = replace(OLD, box="pbx-5"), replace(OLD, box="pbx-6", successor="pbx-3")
    ledger_boxes.store_retired(store, [("pbx-2", b"2", None), ("pbx-6", b"2", None)], here=True)
    ledger_boxes.store_retired(store, [("pbx-5", b"2", None)])
    for _ in range(2):
        retirements_of(store, Answering()).compare([OLD, elsewhere, taken])
    assert retires_notes_of(store) == [(RetiresNote("pbx-2", 7), NoteSource.SERVICE)]
    assert notes_of(store) == []
    assert replacements.noted(store, "pbx-2", b"2", RetiresNote) == 2
    assert replacements.noted(store, "pbx-2", b"2") is None


def test_place_that_this_box_took_is_noted_as_that_alone(store: SqliteStore) -> None:
    """Though the retirement was typed on it before."""
    ledger_boxes.store_retired(store, [("pbx-2", b"2", None)], here=True)
    retirements_of(store, Answering()).compare([replace(OLD, successor="pbx-1")])
    assert (notes_of(store), retires_notes_of(store)) == ([ReplacesNote("pbx-2", 7)], [])


# -- the note ------------------------------------------------------------------------------------------------


@pytest.fixture
def end(tmp_path: Path) -> tuple[str, str, str]:
    """The end of another box's log, as the database has it: origin, key, and signed checkpoint."""
    file = tmp_path / "of-pbx-2.sqlite3"
    with closing(SqliteStore(str(file))) as other:
        other.append([PLAYED, PLAYED])
        key, origin = signed(file), other.log().origin
    text = (LogFolder(file).folder / "1/checkpoint").read_text()
    return origin, str(key), text


def noted(store: SqliteStore, rows: dict[str, Any]) -> tuple[ReplacesNote, list[object]]:
    """Note that this box took the place of another: the note, and what was asked for it."""
    ledger_boxes.store_retired(store, [("pbx-2", b"2", "pbx-1")])
    database = Answering(rows)
    assert retirements_of(store, database).note(OLD, NoteSource.COMMAND) == 2
    (note,) = (note for note in store.log_notes() if isinstance(note.content, ReplacesNote))
    assert note.by is NoteSource.COMMAND
    assert isinstance(note.content, ReplacesNote)
    return note.content, database.asked


def test_note_has_the_newest_tree_that_the_other_box_signed(
    store: SqliteStore, end: tuple[str, str, str]
) -> None:
    """Of its newest log that has one; logs of others are passed over."""
    origin, key, text = end
    logs = [
        ("pbx-2", 1, f"{origin}-earlier", 0, "no key"),
        ("pbx-2", 2, origin, 5, key),
        ("pbx-3", 4, "of another", 0, "no key"),
    ]
    note, asked = noted(store, {PROOFS.logs: logs, PROOFS.newest: [(text,)]})
    (tree,) = note.after
    assert (note.box, note.record, tree.origin, tree.size) == ("pbx-2", 7, origin, 2)
    assert asked == [(PROOFS.logs, None), (PROOFS.newest, ("pbx-2", 2))]


def test_note_of_a_retirement_has_the_newest_tree_and_its_author(
    store: SqliteStore, end: tuple[str, str, str]
) -> None:
    """It is made once: what stands is returned, and not asked for again."""
    origin, key, text = end
    ledger_boxes.store_retired(store, [("pbx-2", b"2", None)], here=True)
    database = Answering({PROOFS.logs: [("pbx-2", 2, origin, 5, key)], PROOFS.newest: [(text,)]})
    known = retirements_of(store, database)
    assert known.note_retirement(OLD, NoteSource.COMMAND) == 2
    assert known.note_retirement(OLD, NoteSource.SERVICE) == 2
    ((note, by),) = retires_notes_of(store)
    (tree,) = note.after
    assert (note.box, note.record, tree.origin, tree.size, by) == ("pbx-2", 7, origin, 2, NoteSource.COMMAND)
    assert database.asked == [(PROOFS.logs, None), (PROOFS.newest, ("pbx-2", 2))]


def test_note_of_a_log_without_a_tree_has_none(store: SqliteStore, end: tuple[str, str, str]) -> None:
    """All its logs are looked at for one."""
    origin, key, _text = end
    logs = [("pbx-2", 1, f"{origin}-earlier", 0, key), ("pbx-2", 2, origin, 5, key)]
    note, asked = noted(store, {PROOFS.logs: logs})
    assert note.after == ()
    assert [cast("Any", entry)[1] for entry in asked] == [None, ("pbx-2", 2), ("pbx-2", 1)]


def test_tree_that_its_key_did_not_sign_is_none(store: SqliteStore, end: tuple[str, str, str]) -> None:
    """What anybody may have written is not stated as that box's."""
    origin, key, text = end
    forged = text.replace("\n2\n", "\n3\n")
    logs = [("pbx-2", 2, origin, 5, key)]
    note, asked = noted(store, {PROOFS.logs: logs, PROOFS.newest: [(forged,)]})
    assert (note.after, len(asked), forged == text) == ((), 2, False)


def test_log_that_this_ledger_goes_on_with_is_named_by_none(store: SqliteStore) -> None:
    """A copy of the other box's ledger has its tree itself."""
    folder = LogFolder(Path(store.file))
    key, text = folder.published(1).key(), (folder.folder / "1/checkpoint").read_text()
    logs = [("pbx-2", 1, store.log().origin, 0, str(key))]
    note, asked = noted(store, {PROOFS.logs: logs, PROOFS.newest: [(text,)]})
    assert (note.after, asked) == ((), [(PROOFS.logs, None)])


def test_note_that_stands_is_not_asked_for_again(store: SqliteStore) -> None:
    """Its record is returned, and nothing is written."""
    noted(store, {})
    database = Answering()
    assert retirements_of(store, database).note(OLD, NoteSource.SERVICE) == 2
    assert (database.asked, len(notes_of(store))) == ([], 1)


def test_note_that_another_process_wrote_is_kept(store: SqliteStore) -> None:
    """Also by a backup that was put back, which forgets it: its log has the note."""
    content = ReplacesNote("pbx-2", 7)
    ledger_boxes.store_retired(store, [("pbx-2", b"2", "pbx-1"), ("pbx-3", b"3", "pbx-1")])
    assert replacements.noted(store, "pbx-2", b"2") is None
    assert replacements.noted(store, "pbx-9", b"9") is None
    for _ in range(2):
        assert replacements.note(store, ("pbx-2", b"2"), content, AT, NoteSource.SERVICE) == 2
    other = ReplacesNote("pbx-3", 1)
    assert replacements.note(store, ("pbx-3", b"3"), other, AT, NoteSource.SERVICE) == 3
    assert replacements.noted(store, "pbx-3", b"3") == 3
    with store.transaction(), store.connected() as connection:
        connection.execute("UPDATE retired_box SET noted = NULL")
    assert replacements.note(store, ("pbx-2", b"2"), content, AT, NoteSource.SERVICE) == 2
    assert replacements.noted(store, "pbx-2", b"2") == 2
    assert notes_of(store) == [content, other]
    assert {note.at for note in store.log_notes()} == {AT}


def test_notes_of_a_place_and_of_a_retirement_are_apart(store: SqliteStore) -> None:
    """A note of one kind about a box is none of the other, nor of another box; a second one of its kind is
    not made, also by a ledger that forgot it."""
    ledger_boxes.store_retired(store, [("pbx-2", b"2", None), ("pbx-3", b"3", None)], here=True)
    place, left = ReplacesNote("pbx-2", 7), RetiresNote("pbx-2", 7)
    other = RetiresNote("pbx-3", 7)
    assert replacements.note(store, ("pbx-2", b"2"), place, AT, NoteSource.SERVICE) == 2
    assert replacements.noted(store, "pbx-2", b"2", RetiresNote) is None
    assert replacements.note(store, ("pbx-3", b"3"), other, AT, NoteSource.COMMAND) == 3
    assert replacements.note(store, ("pbx-2", b"2"), left, AT, NoteSource.COMMAND) == 4
    with store.transaction(), store.connected() as connection:
        connection.execute("UPDATE retired_box SET noted = NULL, left_by = 0")
    assert replacements.noted(store, "pbx-2", b"2", RetiresNote) is None
    assert replacements.note(store, ("pbx-3", b"3"), other, AT, NoteSource.SERVICE) == 3
    assert replacements.note(store, ("pbx-2", b"2"), left, AT, NoteSource.SERVICE) == 4
    assert replacements.noted(store, "pbx-2", b"2", RetiresNote) == 4
    assert replacements.noted(store, "pbx-3", b"3", RetiresNote) == 3
    assert retires_notes_of(store) == [(other, NoteSource.COMMAND), (left, NoteSource.COMMAND)]


# -- the replacement in the database -------------------------------------------------------------------------


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """A database that whoever connects gets, which must name the company's own."""
    made = Answering()

    def connect(database: SharedDatabase, controller: str, **limits: float) -> Answering:
        assert (database, controller) == (MEETING, "acme")
        made.asked.append(limits)
        return made

    for module in (replacing, retired_leaves):
        monkeypatch.setattr(module, "connect", connect)
    return made


BROKEN = RegisteredBox("pbx-2", 7, 9, 0, AT, 90.0, "", "", "", None, identity=b"2")
NEW = replace(BROKEN, name="pbx-1", identity=b"1")


@pytest.mark.parametrize(("rows", "number"), [([(3,)], 3), ([], 0)])
def test_copies_are_those_under_both_names(database: Answering, rows: list[tuple[int]], number: int) -> None:
    """The first is the box that broke; somebody waits, so a server that hangs is waited for ten seconds."""
    database.rows[SQL.copies] = rows
    assert replacing.copies(DATABASE, "acme", "pbx-2", "pbx-1") == number
    assert database.asked == [{"silence": 10.0}, (SQL.copies, ("pbx-2", "pbx-1"))]
    assert database.closed


@pytest.mark.parametrize(("rows", "number"), [([(8,)], 8), ([], None)])
def test_replacement_is_one_transaction(
    database: Answering, rows: list[tuple[int]], number: int | None
) -> None:
    """Each box by name and identity; orders that waited for the old one alone are settled with it."""
    database.rows[SQL.replace] = rows
    assert replacing.replace(DATABASE, "acme", BROKEN, NEW) == number
    values = {"box": "pbx-2", "identity": b"2", "successor": "pbx-1", "new_identity": b"1"}
    assert database.asked == [{"silence": 10.0}, "begin", (SQL.replace, values), *SETTLED, "commit"]


def test_command_notes_the_place_with_its_last_record(database: Answering, store: SqliteStore) -> None:
    """As a box that left for good, whose place this one took."""
    ledger_boxes.store_retired(store, [("pbx-2", b"2", "pbx-1")])
    assert replacing.note(DATABASE, "acme", store, BROKEN) == 2
    (note,) = (note for note in store.log_notes() if isinstance(note.content, ReplacesNote))
    assert (note.content, note.by) == (ReplacesNote("pbx-2", 7), NoteSource.COMMAND)
    assert database.asked == [{"silence": 10.0}, (PROOFS.logs, None)]


def test_command_gives_its_values_to_the_note(
    database: Answering, store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The company and its number, the connection, and the box as one that left."""
    values = list[object]()

    class Noting:
        def __init__(self, *given: object) -> None:
            values.extend(given)

        def note(self, *given: object) -> int:
            values.extend(given)
            return 5

    monkeypatch.setattr(replacing, "Retirements", Noting)
    assert replacing.note(DATABASE, "acme", store, BROKEN) == 5
    ledger = OtherLedger("pbx-2", 7, b"2", retired=True, successor="pbx-1")
    assert values == [store, database, MEETING, 7, "acme", ledger, NoteSource.COMMAND]


# -- leaves of erased callers --------------------------------------------------------------------------------

FIRST, SECOND = LeafPlace("pbx-2/log", 3), LeafPlace("pbx-3/log", 5)
PLACES: list[tuple[object, ...]] = [("pbx-2/log", 3), ("pbx-3/log", 5)]


def test_leaves_are_those_of_all_pseudonyms_of_a_caller(database: Answering) -> None:
    """Also under earlier keys, as the database knows them."""
    database.rows |= {ERASURES.his: [(ONE,), (OTHER,)], ERASURES.leaves_of_retired: PLACES}
    assert retired_leaves.leaves_of(DATABASE, "acme", (ONE,)) == (FIRST, SECOND)
    assert database.asked == [{}, (ERASURES.his, ([ONE],)), (ERASURES.leaves_of_retired, ([ONE, OTHER],))]


def leaves_in(store: SqliteStore, database: Answering) -> RetiredLeaves:
    """Return the leaves over a connection."""
    return RetiredLeaves(store, cast("Connection", database), 7)


class NotedElsewhere:
    """The notes of erased leaves of other boxes, which wait for an approval or not."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, waits: bool | None) -> None:
        self.values, self.waits = list[tuple[object, ...]](), waits
        monkeypatch.setattr(retired_leaves.erasure, "note_elsewhere", self.note)

    def note(self, *values: object) -> SimpleNamespace | None:
        """Note these leaves; nothing where other notes have them."""
        self.values.append(values)
        return None if self.waits is None else SimpleNamespace(waits=self._waits)

    def _waits(self, ledger: object) -> bool | None:
        assert isinstance(ledger, sqlite3.Connection)
        return self.waits


@pytest.mark.parametrize("waits", [True, False, None])
def test_note_says_whether_it_waits_for_an_approval(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, waits: bool | None
) -> None:
    """One that was not needed does not."""
    noted = NotedElsewhere(monkeypatch, waits=waits)
    database = Answering({ERASURES.leaves_of_retired: PLACES})
    request = erasure_requests.new(AT, sealed_caller_with("DPO-8"))
    assert leaves_in(store, database).note([ONE, OTHER], request) is bool(waits)
    ((of, places, instruction, at),) = noted.values
    assert (of, places, instruction) == (store, (FIRST, SECOND), "DPO-8")
    assert cast("datetime", at).tzinfo is UTC
    assert database.asked == [(ERASURES.leaves_of_retired, ([ONE, OTHER],))]


def sealed_caller_with(instruction: str) -> tuple[bytes, ...]:
    """Return a sealed caller that nobody can open, with an instruction."""
    sealed = (b"0" * 40, b"instruction:" + instruction.encode())
    assert sealed_caller.instruction(sealed) == instruction
    return sealed


def test_instruction_is_that_of_the_request_under_way(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For one of these pseudonyms; what is no instruction is left out, as where nothing is under way."""
    noted = NotedElsewhere(monkeypatch, waits=False)
    database = Answering({ERASURES.leaves_of_retired: PLACES})
    with store.transaction(), store.connected() as connection:
        for number, (pseudonym, instruction) in enumerate(
            ((b"3" * 32, "DPO-7"), (OTHER, "DPO-8"), (b"4" * 32, "two words"))
        ):
            sealed = sealed_caller_with(instruction)
            erasure_requests.store_request(
                connection, ErasureRequest(number + 1, None, AT, (pseudonym,), sealed)
            )
    for pseudonyms in ([ONE, OTHER], [ONE], [b"4" * 32]):
        leaves_in(store, database).note(pseudonyms)
    assert [values[2] for values in noted.values] == ["DPO-8", "", ""]


def test_where_no_leaf_is_left_nothing_is_noted(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is looked for, either."""
    noted = NotedElsewhere(monkeypatch, waits=True)
    assert leaves_in(store, Answering()).note([ONE]) is False
    assert noted.values == []


def waiting_for(monkeypatch: pytest.MonkeyPatch, *waiting: LeafPlace) -> None:
    """Have a note of this box name these leaves, which waits for an approval; another note names the first
    leaf, and waits for nobody."""
    notes = [SimpleNamespace(note="waits", named=SimpleNamespace(elsewhere=waiting))]
    notes.append(SimpleNamespace(note="counts", named=SimpleNamespace(elsewhere=(FIRST,))))
    standings = [SimpleNamespace(entry=SimpleNamespace(note="waits"))] if waiting else []

    def noted(connection: object, folder: LogFolder) -> list[SimpleNamespace]:
        assert isinstance(connection, sqlite3.Connection)
        assert folder.folder.name == "acme.log"
        return notes

    def waiting_erasures(connection: object) -> list[SimpleNamespace]:
        assert isinstance(connection, sqlite3.Connection)
        return standings

    monkeypatch.setattr(retired_leaves.own_logs, "waiting_erasures", waiting_erasures)
    monkeypatch.setattr(retired_leaves.erasure_notes, "noted", noted)


def test_leaves_that_wait_for_nobody_are_erased_by_caller(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one statement, also where there is none: what came meanwhile goes too."""
    waiting_for(monkeypatch)
    for rows in ({}, {ERASURES.leaves_of_retired: PLACES}):
        database = Answering(rows)
        leaves_in(store, database).erase_of((ONE, OTHER))
        assert database.asked == [
            (ERASURES.leaves_of_retired, ([ONE, OTHER],)),
            (ERASURES.erase_awaiting_of_retired, ([ONE, OTHER],)),
        ]
    waiting_for(monkeypatch, LeafPlace("pbx-9/log", 1))
    leaves_in(store, database).erase_of((ONE, OTHER))
    assert database.asked[-1] == (ERASURES.erase_awaiting_of_retired, ([ONE, OTHER],))


def test_leaves_whose_approval_is_missing_stay(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are erased one by one; where all wait, nothing is."""
    database = Answering({ERASURES.leaves_of_retired: PLACES})
    waiting_for(monkeypatch, SECOND)
    leaves_in(store, database).erase_of([ONE])
    assert database.asked[1:] == [(ERASURES.erase_leaves_of_retired, (["pbx-2/log"], [3]))]
    database.asked.clear()
    waiting_for(monkeypatch, FIRST, SECOND)
    leaves_in(store, database).erase_of([ONE])
    assert database.asked == [(ERASURES.leaves_of_retired, ([ONE],))]
