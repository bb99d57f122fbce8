"""The replacement of a box step by step: which pairs can be, the order of what is done, and what is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from doubles import line, notice
from evidence.ledger import signed
from informativa.config import Configuration
from informativa.evidence.note_standing import NoteVerdict
from informativa.evidence.notes import ErasureNote
from informativa.ledgers import boxes as ledger_boxes
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import SharedDatabase
from informativa.model.errors import EvidenceError, InformativaError, LedgerError, SharedDatabaseError
from informativa.operations import box_replacement
from informativa.operations.box_replacement import ReplacedBox
from informativa.operations.evidence import bundle_sources
from informativa.sharing import administration, replacing
from informativa.sharing.administration import RegisteredBox

SEEN = datetime(2026, 12, 1, 9, tzinfo=UTC)
DATABASE = SharedDatabase(("127.0.0.1:1",), "meeting", "pbx-1")
OLD = RegisteredBox("pbx-2", 7, 9, 3, SEEN, 60.0, "1.0", "", "", None, identity=b"2")
NEW = RegisteredBox("pbx-1", 4, 4, 1, SEEN, 0.0, "1.0", "", "", None, identity=b"1")
THIRD = replace(NEW, name="pbx-3", identity=b"3")


class Database:
    """A database with these boxes; `steps` are what it was asked to do, each with its values."""

    def __init__(self, *boxes: RegisteredBox) -> None:
        self.boxes = boxes or (NEW, OLD, THIRD)
        self.steps: list[tuple[object, ...]] = []
        self.record: int | None = 8

    def state(self, *values: object) -> SimpleNamespace:
        """Return the boxes."""
        self.steps.append(("state", *values))
        return SimpleNamespace(boxes=self.boxes)

    def copies(self, *values: object) -> int:
        """Return the number of copies."""
        self.steps.append(("copies", *values))
        return 5

    def replace(self, *values: object) -> int | None:
        """Return the number of the last record."""
        self.steps.append(("replace", *values))
        return self.record

    def waiting(self, *values: object) -> tuple[str, ...]:
        """Return the instructions that wait."""
        self.steps.append(("waiting", *values))
        return ("DPO-8",)

    def remember(self, *values: object) -> int:
        """Return the number of the record that notes it."""
        self.steps.append(("remember", *values))
        return 11


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database with three boxes, and what a box remembers."""
    made = Database()
    monkeypatch.setattr(administration, "database_state", made.state)
    monkeypatch.setattr(replacing, "copies", made.copies)
    monkeypatch.setattr(replacing, "replace", made.replace)
    monkeypatch.setattr(box_replacement, "waiting_erasures", made.waiting)
    monkeypatch.setattr(box_replacement, "_remember", made.remember)
    return made


ACME = replace(line(notice()).controller, id="acme")
SHOWN = ReplacedBox("acme", "pbx-2", "pbx-1", False, False, SEEN, 7, 2, False, 0, 3, 1, ("DPO-8",), None)


def replaced(old: str = "pbx-2", new: str = "pbx-1", **words: bool) -> ReplacedBox:
    """Replace a box."""
    configuration = cast("Configuration", SimpleNamespace(shared=DATABASE))
    words = {"really": False, "force": False} | words
    return box_replacement.replace(configuration, ACME, old, new, **words)


def refused(old: str = "pbx-2", new: str = "pbx-1", **words: bool) -> tuple[str, str]:
    """Return why it is refused, and the remedy."""
    with pytest.raises(InformativaError) as caught:
        replaced(old, new, **words)
    return str(caught.value.message), str(caught.value.remedy)


def test_preview_asks_and_changes_nothing(database: Database) -> None:
    """What would be done, by what the database knows."""
    assert replaced() == SHOWN
    assert database.steps == [("state", DATABASE, "acme"), ("waiting", DATABASE, ACME, OLD, database.boxes)]


def test_old_box_leaves_before_the_new_one_notes_it(database: Database) -> None:
    """It goes on after the record that the database says then; what is not there is what the old one had."""
    done = replaced(really=True)
    assert done == replace(SHOWN, record=8, unsent=1, noted=11)
    assert database.steps[2:] == [
        ("replace", DATABASE, "acme", OLD, NEW),
        ("remember", DATABASE, ACME, OLD, NEW),
    ]
    database.record = 10
    assert replaced(really=True).unsent == 0


def test_place_that_was_taken_is_only_noted_again(database: Database) -> None:
    """By the same box, also where the old one was heard of: it was replaced before."""
    before = replace(OLD, successor="pbx-1", retired=SEEN, age=1.0)
    database.boxes = (NEW, before)
    assert replaced(really=True) == replace(SHOWN, before=True, noted=11)
    assert [step[0] for step in database.steps] == ["state", "waiting", "remember"]
    database.boxes = (NEW, replace(before, retired=None))
    assert replaced(really=True) == replace(SHOWN, before=True, recently=True, noted=11)


def test_copies_are_counted_where_the_new_box_has_a_copy(database: Database) -> None:
    """One ledger has one identity."""
    database.boxes = (NEW, replace(OLD, identity=b"1"))
    assert replaced() == replace(SHOWN, is_copy=True, copies=5)
    assert ("copies", DATABASE, "acme", "pbx-2", "pbx-1") in database.steps


def test_box_that_was_heard_of_is_replaced_by_force_alone(database: Database) -> None:
    """Within a minute; a preview says it, and a box that left for good before is none that works."""
    database.boxes = (NEW, replace(OLD, age=59.9))
    assert replaced() == replace(SHOWN, recently=True)
    assert refused(really=True) == (
        "The box pbx-2 still works: it was heard of 60 s ago.",
        "Stop its service, wait a minute, and type the same again; to do it now, add --force: what it records"
        " from then on stays on it.",
    )
    assert "replace" not in [step[0] for step in database.steps]
    assert replaced(really=True, force=True).recently
    database.boxes = (NEW, replace(OLD, age=1.0, retired=SEEN))
    assert replaced(really=True).recently is False


def test_box_that_left_meanwhile_is_told(database: Database) -> None:
    """Nothing is remembered then."""
    database.record = None
    assert refused(really=True) == (
        "Meanwhile pbx-2 or pbx-1 left for good.",
        "Look who is there: informativa boxes",
    )
    assert "remember" not in [step[0] for step in database.steps]


@pytest.mark.parametrize(
    ("old", "new", "boxes", "message", "remedy"),
    [
        (
            *("pbx-1", "pbx-1", ()),
            "A box cannot take its own place: both names are pbx-1.",
            "Give the new box a name that none had before (shared.box), and name the old one first.",
        ),
        ("pbx-9", "pbx-1", (NEW, OLD), "There is no box pbx-9.", "There are: pbx-1, pbx-2."),
        ("pbx-2", "pbx-9", (), "The box pbx-9 has not joined.", "Type on it: informativa join"),
        (
            *("pbx-2", "pbx-1", (replace(NEW, retired=SEEN), OLD)),
            "The box pbx-1 left for good, and takes no place.",
            "Name a box that takes part: informativa boxes",
        ),
        (
            *("pbx-2", "pbx-1", (NEW, replace(OLD, successor="pbx-3"))),
            "The box pbx-3 took the place of pbx-2 before.",
            "If that one broke too, name it in place of pbx-2.",
        ),
    ],
)
def test_pair_that_cannot_be_is_refused(
    database: Database,
    old: str,
    new: str,
    boxes: tuple[RegisteredBox, ...],
    message: str,
    remedy: str,
) -> None:
    """With what to type; nobody is asked about erasures then."""
    database.boxes = boxes or database.boxes
    assert refused(old, new, really=True) == (message, remedy)
    assert [step[0] for step in database.steps] in ([], ["state"])


def test_database_without_boxes_names_none(database: Database) -> None:
    """A dash stands for none."""
    database.boxes = ()
    assert refused() == ("There is no box pbx-2.", "There are: -.")


@pytest.mark.parametrize(
    ("waiting", "to_erase", "complete"),
    [((), 0, True), ((), 1, False), (("DPO-8",), 0, False), (None, 0, False)],
)
def test_replacement_is_complete_if_no_erasure_is_left(
    waiting: tuple[str, ...] | None, to_erase: int, complete: bool
) -> None:
    """Whatever the old box had to erase itself: that goes with its disk."""
    assert replace(SHOWN, waiting=waiting, successor_to_erase=to_erase).is_complete is complete


# -- erasures that wait --------------------------------------------------------------------------------------


class Reader:
    """A reader of proofs which has a log of each of these boxes."""

    def __init__(self, *boxes: str) -> None:
        self.boxes = boxes

    def logs(self) -> list[SimpleNamespace]:
        """Return the logs."""
        return [SimpleNamespace(box=box) for box in self.boxes]


def standing(verdict: NoteVerdict, instruction: str = "", content: object = None) -> SimpleNamespace:
    """Return the standing of a note about an erasure, or with another content."""
    content = content or ErasureNote("0" * 64, 1, instruction)
    return SimpleNamespace(standing=verdict, entry=SimpleNamespace(note=SimpleNamespace(content=content)))


Standings = dict[str, list[SimpleNamespace]]


class Source:
    """The records of a box: the standings of its notes by themselves and with the logs of others, and its own
    logs; an EvidenceError in the place of what is not what it signed."""

    def __init__(self, box: str, logs: object = "logs", *standings: Standings | EvidenceError) -> None:
        self.box, self._logs, self._standings = box, logs, list(standings)
        self.others = list[list[object]]()

    def standings_among(self, others: Iterable[object]) -> Standings:
        """Return the next standings."""
        self.others.append(list(others))
        standings = self._standings.pop(0)
        if isinstance(standings, EvidenceError):
            raise standings
        return standings

    @property
    def signed_logs(self) -> object:
        """Return its logs."""
        if isinstance(self._logs, EvidenceError):
            raise self._logs
        return self._logs


def waiting(
    monkeypatch: pytest.MonkeyPatch, sources: Sequence[Source], *boxes: str
) -> tuple[tuple[str, ...] | None, list[object]]:
    """Return what waits by the notes of the old box, where these boxes have logs; and the values of the
    questions."""
    opened, questions = Reader(*boxes), list[object]()

    @contextmanager
    def provable(*values: object) -> Iterator[Reader]:
        questions.append(values)
        yield opened

    def records(*values: object) -> Sequence[Source]:
        questions.append(values)
        return sources

    monkeypatch.setattr(box_replacement.storage, "provable", provable)
    monkeypatch.setattr(bundle_sources, "records_of_boxes", records)
    return box_replacement.waiting_erasures(DATABASE, ACME, OLD, [NEW, OLD, THIRD]), questions


NO_NOTE = SimpleNamespace(standing=NoteVerdict.WAITS, entry=SimpleNamespace(note=None))
LOGS = {
    "first": [standing(NoteVerdict.WAITS, "DPO-8"), standing(NoteVerdict.HOLDS, "DPO-7"), NO_NOTE],
    "second": [standing(NoteVerdict.WAITS, content=object()), standing(NoteVerdict.WAITS, "DPO-9")],
}


def test_erasures_that_wait_are_named_by_their_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all logs of the box: neither those that hold, nor notes of another kind, nor entries without a
    note."""
    sources = [Source("pbx-1"), Source("pbx-2", "own", LOGS, LOGS), Source("pbx-3")]
    instructions, questions = waiting(monkeypatch, sources, "pbx-1", "pbx-2")
    assert instructions == ("DPO-8", "DPO-9")
    ((database, controller), (of, reader, boxes, day, this)) = cast("Any", questions)
    assert (database, controller, of, boxes, this) == (DATABASE, ACME, ACME, [NEW, OLD, THIRD], "")
    assert isinstance(reader, Reader)
    assert (day.first, day.last, day.zone) == (date(1970, 1, 1), date(1970, 1, 1), ACME.zone)


def test_approvals_in_logs_of_others_count_as_far_as_they_are_what_was_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are read only where something waits by the box's own log."""
    approved = {**LOGS, "second": [standing(NoteVerdict.APPROVED, "DPO-9")]}
    broken = Source("pbx-3", EvidenceError("another one"))
    own = Source("pbx-2", "own", LOGS, approved)
    assert waiting(monkeypatch, [Source("pbx-1", "those of pbx-1"), own, broken], "pbx-2")[0] == ("DPO-8",)
    assert own.others == [[], ["those of pbx-1"]]
    own = Source("pbx-2", "own", {"first": [standing(NoteVerdict.HOLDS, "DPO-7")]})
    assert waiting(monkeypatch, [own, broken], "pbx-2")[0] == ()
    assert own.others == [[]]


def test_notes_that_are_not_what_was_signed_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then, which is another answer than none; a box without a log noted nothing."""
    assert waiting(monkeypatch, [Source("pbx-2", "own", EvidenceError("another one"))], "pbx-2")[0] is None
    assert waiting(monkeypatch, [], "pbx-1") == ((), [(DATABASE, ACME)])


# -- what the box remembers ----------------------------------------------------------------------------------


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with an identity and a log."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        ledger_boxes.identity(store)
    signed(file)
    return file


def remembered(
    monkeypatch: pytest.MonkeyPatch, ledger: Path, old: RegisteredBox, new: RegisteredBox, note: object = 11
) -> tuple[int | None, list[tuple[object, ...]], dict[tuple[str, bytes], str | None]]:
    """Remember a replacement: the number of the note, with which values it was made, and what the ledger has
    of it then."""
    notes = list[tuple[object, ...]]()

    def noted(*values: object) -> object:
        notes.append(values)
        if isinstance(note, Exception):
            raise note
        return note

    monkeypatch.setattr(replacing, "note", noted)
    controller = replace(ACME, ledger=str(ledger))
    number = box_replacement._remember(DATABASE, controller, old, new)
    if not ledger.exists():
        return number, notes, {}
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        return number, notes, ledger_boxes.retired(store)


def identity(ledger: Path) -> bytes:
    """Return the identity of a ledger."""
    with closing(SqliteStore(str(ledger))) as store:
        return ledger_boxes.identity(store)


def test_new_box_stores_and_notes_that_it_took_the_place(
    monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    """In its ledger and in its log."""
    own = replace(NEW, identity=identity(ledger))
    number, (values,), retired = remembered(monkeypatch, ledger, OLD, own)
    assert (number, retired) == (11, {("pbx-2", b"2"): "pbx-1"})
    database, company, store, old = values
    assert (database, company, old) == (DATABASE, "acme", OLD)
    assert cast("SqliteStore", store).file == ledger


@pytest.mark.parametrize("new", [NEW, THIRD], ids=["of another ledger", "a third box"])
def test_other_boxes_only_store_it(monkeypatch: pytest.MonkeyPatch, ledger: Path, new: RegisteredBox) -> None:
    """Also where this ledger is another one than that which took the place under this name; even if a third
    box has a copy of it."""
    stored = {("pbx-2", b"2"): new.name}
    assert remembered(monkeypatch, ledger, OLD, new) == (None, [], stored)
    if new is THIRD:
        copy = replace(new, identity=identity(ledger))
        assert remembered(monkeypatch, ledger, OLD, copy) == (None, [], stored)


def test_box_that_was_replaced_and_one_without_a_ledger_store_nothing(
    monkeypatch: pytest.MonkeyPatch, ledger: Path
) -> None:
    """The command makes no ledger."""
    own = replace(OLD, name="pbx-1")
    assert remembered(monkeypatch, ledger, own, THIRD) == (None, [], {})
    missing = ledger.with_name("missing.sqlite3")
    assert remembered(monkeypatch, missing, OLD, THIRD) == (None, [], {})
    assert not missing.exists()


@pytest.mark.parametrize("error", [LedgerError("full"), SharedDatabaseError("away")])
def test_note_that_fails_is_left_to_the_service(
    monkeypatch: pytest.MonkeyPatch, ledger: Path, error: Exception
) -> None:
    """The replacement is done, and stored."""
    own = replace(NEW, identity=identity(ledger))
    number, _notes, retired = remembered(monkeypatch, ledger, OLD, own, error)
    assert (number, retired) == (None, {("pbx-2", b"2"): "pbx-1"})
