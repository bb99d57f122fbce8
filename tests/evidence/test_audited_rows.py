"""I7: what an audit says of each leaf with its record, however one of its values is changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evidence.ledger import busy
from evidence.noted import CONTENTS
from examples import AT, PLAYED
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import NoteSource
from informativa.ledgers import audit, gathered_caller, leaves, loss_notes, note_leaves
from informativa.ledgers.audit import RecordCounts
from informativa.ledgers.audit_flaws import AuditedFlaw, ClosedLeaves, Flaw
from informativa.ledgers.loss_notes import LossNotes, read_loss_notes
from informativa.ledgers.sequencer import begin_epoch
from informativa.ledgers.sqlite import SqliteStore

Named = set[tuple[int | None, str, int | None]]
"""Flaws: the number of the record, what is wrong, the index of the leaf."""
CLOSELY = [5, 6, 7, 11, 13, 17, 19, 20, 21, 22]
ALL = RecordCounts(whole=17, erased=5, purged=3)
NO_FOLDER = LogFolder(Path("nowhere.sqlite3"))
FACTS_AND_CALLERS = [("5-8", True), ("11-12", False), ("13-14", False), ("17-18", False), ("19-21", False)]
"""The leaves that nobody can open, and whether the facts are gone, too."""
WITH_RECORDS = [0, 1, 2, 3, 4, *range(8, 25)]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with some of everything, which nobody touches."""
    return busy(tmp_path_factory.mktemp("busy")).ledger


# Of which row which changes have which flaws; what is counted then, in place of 17 whole, 5 erased, 3 purged.
# 4 is of nobody; 9 is as most are; 12 was erased; 20
# rested on an erased one; 22 says what was purged, leaves 5 to 7, and 23 what was erased.
CHANGES: list[tuple[str, int, str, tuple[int, int, int], list[str]]] = [
    (
        "event",
        1,
        "",
        (17, 5, 3),
        ["recorded = at"],
    ),
    ("event", 1, "facts-altered row-altered", (16, 5, 3), ["heard = 9.6"]),
    ("event", 1, "person-altered", (16, 5, 3), ["recorded = at + 1", "call = ''", "pseudonym = NULL"]),
    ("event", 1, "row-altered", (16, 5, 3), ["key = NULL", "erased = 1", "heard = NULL"]),
    (
        "event",
        1,
        "facts-altered row-altered",
        (16, 5, 3),
        ["ending = NULL, heard = NULL, length = NULL"],
    ),
    ("event", 2, "person-altered", (16, 5, 3), ["at = at + 1"]),
    ("event", 2, "facts-altered person-altered", (16, 5, 3), ["recorded = recorded + 60000000"]),
    ("event", 5, "person-altered", (16, 5, 3), ["basis = NULL", "basis = 4"]),
    ("event", 5, "row-altered", (16, 5, 3), ["key = ''", "rate = 8000"]),
    (
        "event",
        9,
        "person-altered",
        (16, 5, 3),
        [
            "call = '17.9'",
            "linked = ''",
            "pseudonym = zeroblob(32)",
            "pseudonym = NULL",
            "at = at + 1",
            "recorded = recorded - 1",
            "key = '1'",
            "earlier = zeroblob(32)",
            "basis = 8",
            "reference = 'contract'",
        ],
    ),
    (
        "event",
        9,
        "facts-altered",
        (16, 5, 3),
        [
            "line = '+39'",
            "heard = 75999.0",
            "rate = 0",
            "supplement = 1",
            "counts = 0",
            "vouched = 'network'",
        ],
    ),
    (
        "event",
        9,
        "facts-altered row-altered",
        (16, 5, 3),
        ["line = x'2b'", "kind = 'purge'", "supplement = 2", "rate = NULL, heard = 9.5, length = 9.5"],
    ),
    (
        "event",
        9,
        "row-altered",
        (16, 5, 3),
        [
            "pseudonym = 'p'",
            "at = 1 << 62",
            "at = -(1 << 62)",
            "recorded = 1 << 62",
            "heard = 'x'",
            "at = 'x'",
            "recorded = NULL",
            "key = NULL",
            "erased = 1",
            "status = 'HEARD'",
            "earlier = x''",
            "earlier = 'e'",
            "vouched = ''",
            "purposes = 'service billing'",
            "call = CAST(x'31ff' AS TEXT)",
            "line = CAST(x'31ff' AS TEXT)",
        ],
    ),
    ("event", 9, "facts-altered person-altered", (16, 5, 3), ["at = at + 60000000"]),
    ("event", 9, "facts-altered person-altered row-altered", (16, 5, 3), ["at = 1.5"]),
    ("event", 9, "person-altered row-altered", (16, 5, 3), ["basis = 'x'"]),
    ("event", 12, "still-there", (17, 5, 3), ["basis = 9"]),
    (
        "event",
        12,
        "row-altered",
        (17, 5, 3),
        [
            "call = 'c'",
            "linked = 'c'",
            "reference = 'c'",
            "key = '1'",
            "pseudonym = zeroblob(32)",
            "earlier = zeroblob(32)",
            "at = at + 1",
            "recorded = recorded + 1",
            "at = at + 1, recorded = recorded + 1",
            "recorded = NULL",
            "call = CAST(x'31ff' AS TEXT)",
            "recorded = 'x'",
        ],
    ),
    ("event", 12, "", (17, 5, 3), ["key = ''"]),
    ("event", 12, "row-altered still-there", (17, 5, 3), ["erased = 0"]),
    ("event", 12, "facts-altered", (17, 5, 3), ["line = 'x'"]),
    ("event", 12, "facts-altered row-altered", (17, 5, 3), ["kind = 'erasure'"]),
    ("event", 20, "still-there", (17, 5, 3), ["basis = 9"]),
    ("event", 20, "row-altered", (17, 5, 3), ["erased = 1", "call = CAST(x'31ff' AS TEXT)", "key = NULL"]),
    ("event", 20, "", (17, 5, 3), ["call = 'other'"]),
    ("event", 20, "facts-altered", (17, 5, 3), ["line = 'x'"]),
    ("event", 23, "facts-altered", (16, 5, 3), ["line = 'x'"]),
    ("event", 23, "row-altered", (16, 5, 3), ["erased = 1"]),
    ("event", 22, "row-altered", (16, 5, 3), ["erased = 1"]),
    ("leaf", 0, "unexplained", (16, 6, 3), ["salt_who = NULL"]),
    ("leaf", 0, "unexplained", (16, 5, 3), ["salt_what = NULL"]),
    ("leaf", 0, "person-altered", (16, 5, 3), ["binding = zeroblob(32)"]),
    ("leaf", 8, "facts-altered leaf-altered", (16, 5, 3), ["what = zeroblob(32)"]),
    ("leaf", 8, "leaf-altered person-altered", (16, 5, 3), ["who = zeroblob(32)"]),
    (
        "leaf",
        8,
        "leaf-altered",
        (16, 5, 3),
        ["what = 'w'", "salt_what = 's'", "binding = x''", "binding = 'b'"],
    ),
    ("leaf", 8, "unexplained", (16, 5, 3), ["salt_what = NULL"]),
    ("leaf", 8, "facts-altered", (16, 5, 3), ["salt_what = zeroblob(16)"]),
    (
        "leaf",
        8,
        "unexplained",
        (16, 6, 3),
        ["salt_who = NULL", "salt_who = NULL, salt_what = NULL", "salt_who = NULL, binding = NULL"],
    ),
    ("leaf", 8, "person-altered", (16, 5, 3), ["salt_who = zeroblob(16)", "binding = NULL"]),
    (
        "leaf",
        5,
        "still-there",
        (17, 5, 3),
        ["salt_what = zeroblob(16)", "salt_who = zeroblob(16)", "binding = zeroblob(32)"],
    ),
    ("leaf", 5, "leaf-altered", (17, 5, 3), ["what = zeroblob(32)", "binding = x''", "binding = 'x'"]),
    ("leaf", 11, "still-there", (17, 4, 3), ["salt_who = zeroblob(16)"]),
    ("leaf", 11, "still-there", (17, 5, 3), ["binding = zeroblob(32)"]),
    ("leaf", 11, "unexplained", (17, 5, 3), ["salt_what = NULL"]),
    ("leaf", 11, "facts-altered", (17, 5, 3), ["salt_what = zeroblob(16)"]),
    ("leaf", 11, "leaf-altered", (17, 5, 3), ["who = zeroblob(32)", "binding= x''"]),
    ("leaf", 19, "still-there", (17, 4, 3), ["salt_who = zeroblob(16)"]),
    ("leaf", 19, "still-there", (17, 5, 3), ["binding = zeroblob(32)"]),
    ("leaf", 19, "unexplained", (17, 5, 3), ["salt_what = NULL"]),
    ("leaf", 3, "unexplained", (16, 6, 3), ["salt_who = NULL"]),
]


@pytest.fixture
def ledger(original: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A copy of it in memory, to be changed. No kinds of values were met before."""
    monkeypatch.setattr(audit, "_KINDS", set())
    monkeypatch.setattr(audit, "_KINDS_OF_BOTH", set())
    with (
        closing(sqlite3.connect(":memory:", isolation_level=None)) as copy,
        closing(sqlite3.connect(original)) as source,
    ):
        source.backup(copy)
        for pragma in ("ignore_check_constraints = ON", "foreign_keys = OFF"):
            copy.execute(f"PRAGMA {pragma}")
        yield copy


class Audit:
    """An audit of the leaves of a ledger, and what it gave on and asked for meanwhile."""

    def __init__(self, ledger: sqlite3.Connection) -> None:
        self.ledger = ledger
        self.log = leaves.log(ledger)
        self.entries: list[bytes | None] = [
            leaves.entry(*values) for values in ledger.execute(leaves.ENTRIES, (0, 25))
        ]
        self.requests: list[tuple[int, int]] = []
        self.right: list[int] = []
        self.closed: list[ClosedLeaves] = []
        self.notes: LossNotes | None = None
        """Notes in place of those of the ledger."""

    def published(self, first: int, count: int) -> Sequence[bytes | None]:
        """The entries as they were before anything was changed."""
        self.requests.append((first, count))
        return self.entries[first : first + count]

    def sound(self, opened: Sequence[tuple[Any, ...]]) -> None:
        """Keeps which leaves nothing was wrong with."""
        self.right += [row[0] for row in opened]

    def losses(self) -> LossNotes:
        """Return what the notes of the ledger say."""
        return self.notes or read_loss_notes(self.ledger, [self.log], NO_FOLDER)

    def looked(self, first: int = 0, end: int = 25) -> tuple[RecordCounts, Named]:
        """Return the counts, and the flaws."""
        notes = self.losses()
        counted, flaws, self.closed = audit.leaves_of(
            self.ledger, self.log, first, end, notes, self.published, self.sound
        )
        return counted, {(flaw.record, str(flaw.flaw), flaw.leaf) for flaw in [*notes.flaws, *flaws]}


def test_ledger_says_what_is_gone(ledger: sqlite3.Connection) -> None:
    """Its notes have the leaves, the number of the last purged record, and the minute after the cutoff."""
    assert Audit(ledger).losses() == LossNotes(
        purged=(range(5, 8),),
        erased=(range(11, 12), range(13, 14), range(17, 18), range(19, 21)),
        lost=(),
        flaws=(),
        last=8,
        before=1_726_403_460_000_000,
        emptied=(range(11, 12), range(13, 14), range(17, 18), range(20, 21)),
        resting=(range(19, 20),),
    )


def noted(ledger: sqlite3.Connection, **references: str) -> None:
    """Turn the records from 15 on into notes with these texts."""
    for number, (kind, reference) in enumerate(references.items(), 15):
        kinds = (kind.partition("_")[0], reference, number)
        ledger.execute("UPDATE event SET kind = ?, reference = ? WHERE record = ?", kinds)


PURGED = "1 record, {0} to {1}, from before {2} UTC; leaves {3}"


def test_several_notes_are_gathered(ledger: sqlite3.Connection) -> None:
    """Purges whose last record and whose time are the latest by one each, and records that were lost."""
    noted(
        ledger,
        purge=PURGED.format(1, 13, "2024-08-01 00:00", "10 12"),
        purge_again=PURGED.format(2, 9, "2026-01-01 00:00", "9"),
        lost="3 records; leaves 2-4",
        erasure="1 record; leaves 0",
    )
    notes = Audit(ledger).losses()
    assert (notes.last, notes.before) == (13, 1_767_225_660_000_000)
    assert notes.purged == (range(5, 8), range(9, 11), range(12, 13))
    assert (notes.lost, notes.erased[0], notes.emptied[0]) == ((range(2, 5),), range(1), range(1))
    assert notes.flaws == ()


@pytest.mark.parametrize(
    ("kind", "reference", "flaw"),
    [
        ("purge", "nothing", "row-altered"),
        ("purge", "1 record, 1 to 2, from before then; leaves 1", "row-altered"),
        ("purge", PURGED.format(1, 2, "2024-08-01 00:00", "a"), "row-altered"),
        ("lost", "1 record; leaves -1", "row-altered"),
        ("erasure", "1 record; leaves 14", "false-note"),
        ("erasure", "2 records; leaves 13-14", "false-note"),
        ("erasure", "1 record; leaves 1, and resting on them 14", "false-note"),
        ("lost", "1 record; leaves 40", "false-note"),
        ("lost", "1 record; leaves 5-4", "false-note"),
        ("erasure", "1 record; leaves 13", ""),
    ],
)
def test_i7_note_that_says_what_it_cannot_is_named(
    ledger: sqlite3.Connection, kind: str, reference: str, flaw: str
) -> None:
    """I7: by its leaf in the log that it is in, and those after it are read all the same. It can only name
    leaves that were there before it."""
    noted(ledger, **{kind: reference})
    look = Audit(ledger)
    assert [(finding.record, str(finding.flaw), finding.leaf) for finding in look.losses().flaws] == (
        [(15, flaw, 14)] if flaw else []
    )
    assert (look.losses().last, look.losses().erased[-1]) == (8, range(19, 21))
    later = [look.log, replace(look.log, first=10), replace(look.log, first=14), replace(look.log, first=20)]
    assert [finding.leaf for finding in read_loss_notes(ledger, later, NO_FOLDER).flaws] == (
        [0] if flaw else []
    )
    assert [finding.leaf for finding in read_loss_notes(ledger, later[1:2], NO_FOLDER).flaws] == (
        [4] if flaw else []
    )
    assert [finding.leaf for finding in read_loss_notes(ledger, later[3:], NO_FOLDER).flaws] == (
        [14] if flaw else []
    )


def test_ledger_without_notes_says_nothing(ledger: sqlite3.Connection) -> None:
    """And its first record may be one that nobody can read."""
    ledger.execute("DELETE FROM event WHERE record IN (22, 23)")
    assert Audit(ledger).losses() == LossNotes((), (), (), (), last=0, before=0, emptied=())
    ledger.execute("UPDATE event SET kind = 'purge' WHERE record = 1")
    assert Audit(ledger).losses().flaws == (AuditedFlaw(1, 0, Flaw.ROW),)


def test_what_is_gone_is_looked_up_by_its_leaf() -> None:
    """First and last of a range, before and behind it, between two, and of each kind."""
    notes = LossNotes((range(2, 4), range(7, 8)), (range(10, 11),), (range(20, 22),), ())
    assert [leaf for leaf in range(25) if notes.is_purged(leaf)] == [2, 3, 7]
    assert [leaf for leaf in range(25) if notes.is_erased(leaf)] == [10]
    assert [leaf for leaf in range(25) if notes.is_lost(leaf)] == [20, 21]
    assert [leaf for leaf in range(25) if notes.names(leaf)] == [2, 3, 7, 10, 20, 21]
    assert not LossNotes((), (), (), ()).names(0)


def test_ranges_are_merged() -> None:
    """In order; those that overlap, touch or hold one another are one."""
    ranges = [
        range(9, 10),
        range(4, 6),
        range(1, 3),
        range(3, 4),
        range(12, 20),
        range(13, 15),
        range(18, 22),
    ]
    assert loss_notes._merge(ranges) == (range(1, 6), range(9, 10), range(12, 22))
    assert loss_notes._merge([]) == ()


def test_counts_are_added() -> None:
    """Each to its own."""
    assert RecordCounts(1, 2, 3, 4).plus(RecordCounts(10, 20, 30, 40)) == RecordCounts(11, 22, 33, 44)


def test_untouched_rows_are_sound(ledger: sqlite3.Connection) -> None:
    """All are counted as what became of them, and all records are given on, in one page."""
    look = Audit(ledger)
    assert look.looked() == (ALL, set())
    assert (look.requests, look.right) == ([(0, 25)], WITH_RECORDS)


@pytest.mark.parametrize("way", ["short", "long"])
@pytest.mark.parametrize(
    ("table", "row", "flaws", "counts", "change"),
    [
        (table, row, flaws, counts, change)
        for table, row, flaws, counts, changes in CHANGES
        for change in changes
    ],
)
def test_i7_change_of_a_row_has_these_flaws(
    ledger: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    row: int,
    flaws: str,
    counts: tuple[int, int, int],
    change: str,
    way: str,
) -> None:
    """I7: those that are named and no other ones, of that leaf alone, also where no record is opened by its
    row alone at first; and what is wrong is not given on."""
    look = Audit(ledger)
    key, leaf = ("record", row - 1) if table == "event" else ("leaf", row)
    ledger.execute(f"UPDATE {table} SET {change} WHERE {key} = ?", (row,))
    if way == "long":
        monkeypatch.setattr(audit, "opens", lambda *_: False)
    counted, flaws_by_leaf = look.looked()
    assert flaws_by_leaf == {(leaf + 1, flaw, leaf) for flaw in flaws.split()}
    assert (counted.whole, counted.erased, counted.purged, counted.lost) == (*counts, 0)
    assert look.right == [index for index in WITH_RECORDS if index != leaf or not flaws]


@pytest.mark.parametrize(
    ("changes", "closed"),
    [
        ((), FACTS_AND_CALLERS),
        (("DELETE FROM leaf WHERE leaf = 8",), [("5-9", True), *FACTS_AND_CALLERS[1:]]),
        (("DELETE FROM leaf WHERE leaf = 10",), [("5-8", True), ("10-11", True), *FACTS_AND_CALLERS[1:]]),
        (("DELETE FROM event WHERE record = 9",), [("5-9", True), *FACTS_AND_CALLERS[1:]]),
        (("UPDATE leaf SET salt_who = NULL WHERE leaf = 12",),
         [("5-8", True), ("11-14", False), *FACTS_AND_CALLERS[3:]]),
        (("UPDATE leaf SET salt_what = NULL WHERE leaf = 9",),
         [("5-8", True), ("9-10", False), *FACTS_AND_CALLERS[1:]]),
        (("UPDATE event SET line = 'x' WHERE record = 9",), FACTS_AND_CALLERS),
        (("DELETE FROM leaf WHERE leaf >= 16",), [*FACTS_AND_CALLERS[:3], ("16-25", True)]),
        (("DELETE FROM leaf",), [("0-25", True)]),
    ],
)  # fmt: skip
def test_i7_leaves_that_nobody_can_open_any_more_are_told(
    ledger: sqlite3.Connection,
    monkeypatch: pytest.MonkeyPatch,
    changes: Sequence[str],
    closed: list[tuple[str, bool]],
) -> None:
    """I7: as ranges, which end where it changes whether the facts are gone too or only the caller; a leaf
    that opens to something else than it should is not among them."""
    monkeypatch.setattr(audit, "PAGE", 8)
    look = Audit(ledger)
    for change in changes:
        ledger.execute(change)
    look.looked()
    assert {leaves_of_log.log for leaves_of_log in look.closed} == {"example.org/informativa/acme/box/1"}
    ranges = [(leaves_of_log.indices, leaves_of_log.facts) for leaves_of_log in look.closed]
    assert [(f"{indices.start}-{indices.stop}", facts) for indices, facts in ranges] == closed


HERE, NOWHERE = (range(8, 9),), ()


@pytest.mark.parametrize(
    ("notes", "change", "counts", "flaws"),
    [
        ({"purged": HERE}, "", {"whole": 16}, {"still-there"}),
        ({"purged": HERE, "by_notes": HERE}, "", {"whole": 16, "waiting": 1}, set()),
        ({"erased": HERE, "emptied": HERE}, "", {"whole": 16}, {"still-there"}),
        ({"erased": HERE, "by_notes": HERE}, "", {"whole": 16, "waiting": 1}, set()),
        ({"lost": HERE, "by_notes": HERE}, "", {"whole": 16, "waiting": 1}, set()),
        ({"purged": HERE, "by_notes": (range(9, 12),)}, "", {"whole": 16}, {"still-there"}),
        ({"erased": HERE, "by_notes": HERE}, "line = 'x' WHERE record = 9", {"whole": 16}, {"facts-altered"}),
    ],
)  # fmt: skip
def test_i7_record_that_a_note_names_may_wait(
    ledger: sqlite3.Connection,
    notes: dict[str, tuple[range, ...]],
    change: str,
    counts: dict[str, int],
    flaws: set[str],
) -> None:
    """I7: it still opens although a note says that it will not, and that is no flaw where a note came before
    what it says; but a record that was altered does not wait."""
    look = Audit(ledger)
    ranges = {"purged": NOWHERE, "erased": NOWHERE, "lost": NOWHERE, "flaws": ()} | notes
    look.notes = LossNotes(**ranges)  # type: ignore[arg-type]
    if change:
        ledger.execute(f"UPDATE event SET {change}")
    counted, named = look.looked(8, 9)
    assert {flaw for _record, flaw, _leaf in named} == flaws
    assert (counted.waiting, counted.whole) == (counts.get("waiting", 0), counts["whole"] - 16)


def test_i7_record_about_records_does_not_wait(ledger: sqlite3.Connection) -> None:
    """I7: nothing purges it, so that it counts as whole though a note names it."""
    look, here = Audit(ledger), (range(21, 22),)
    look.notes = LossNotes(here, (), (), (), by_notes=here)
    assert look.looked(21, 22) == (RecordCounts(whole=1), set())


def test_i7_record_that_rests_on_an_erased_one_may_wait_to_be_emptied(ledger: sqlite3.Connection) -> None:
    """I7: two erasures name leaf 19, one since it rests on a caller, one since it is the caller's own; until
    the second is done it is left as one that rests. Without a note before, that is a flaw. Once it is done it
    is erased, whatever names it."""
    look, here = Audit(ledger), (range(19, 20),)
    for by_notes, flaws in ((here, set[str]()), (NOWHERE, {"still-there"})):
        look.notes = LossNotes((), here, (), (), emptied=here, resting=here, by_notes=by_notes)
        assert {flaw for _record, flaw, _leaf in look.looked(19, 20)[1]} == flaws
    his = "record = (SELECT record FROM leaf WHERE leaf = 19)"
    ledger.execute(f"UPDATE event SET {gathered_caller.ERASED_ROW} WHERE {his}")
    for by_notes in (here, NOWHERE):
        look.notes = LossNotes((), here, (), (), emptied=here, resting=here, by_notes=by_notes)
        assert look.looked(19, 20) == (RecordCounts(erased=1), set())


@pytest.fixture
def with_note(tmp_path: Path) -> Iterator[Audit]:
    """An audit of a ledger in which leaf 1 is a note, between two calls."""
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        store.append([PLAYED])
        with store.transaction() as transaction, store.connected() as connection:
            note_leaves.append(transaction, connection, CONTENTS["next"][1], AT, NoteSource.COMMAND)
        store.append([PLAYED])
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for pragma in ("ignore_check_constraints = ON", "foreign_keys = OFF"):
            connection.execute(f"PRAGMA {pragma}")
        yield Audit(connection)


@pytest.mark.parametrize(
    ("change", "flaws"),
    [
        ("UPDATE event SET at = at + 1, recorded = recorded + 1", ""),
        ("UPDATE event SET at = at + 1", "row-altered"),
        ("UPDATE event SET reference = replace(reference, 'command', 'service')", "leaf-altered"),
        ("UPDATE event SET reference = replace(reference, 'command', 'nobody')", "leaf-altered row-altered"),
        ("UPDATE event SET reference = CAST(x'7bff' AS TEXT)", "row-altered"),
        ("UPDATE event SET status = 'PLAYED'", "row-altered"),
        ("UPDATE event SET call = 'c'", "row-altered"),
        ("UPDATE event SET kind = 'rule'", "row-altered"),
        ("UPDATE event SET recorded = NULL", "row-altered"),
        ("UPDATE event SET counts = 2", "row-altered"),
        ("UPDATE leaf SET salt_who = zeroblob(16)", "leaf-altered"),
        ("UPDATE leaf SET opening = zeroblob(16)", "leaf-altered"),
        ("DELETE FROM event", "deleted"),
    ],
)
def test_i7_change_of_a_note_has_these_flaws(with_note: Audit, change: str, flaws: str) -> None:
    """I7: a note is its own entry, so that its record must be the one that such a note is written with."""
    assert with_note.looked(0, 3) == (RecordCounts(whole=3), set())
    with_note.ledger.execute(f"{change} WHERE record = 2")
    counted, named = with_note.looked(0, 3)
    assert named == {(2, flaw, 1) for flaw in flaws.split()}
    assert counted == RecordCounts(whole=2 if flaws else 3)


def test_i7_note_that_was_not_published_is_held_against_its_record_alone(with_note: Audit) -> None:
    """I7: another note in its place is none that anybody knows to be false yet; no note at all is a flaw."""
    with_note.entries = [None] * 3
    with_note.ledger.execute(
        "UPDATE event SET reference = replace(reference, 'command', 'service') WHERE record = 2"
    )
    assert with_note.looked(0, 3) == (RecordCounts(whole=3), set())
    with_note.ledger.execute("UPDATE event SET reference = 'none' WHERE record = 2")
    assert with_note.looked(0, 3) == (RecordCounts(whole=2), {(2, "row-altered", 1)})


@pytest.mark.parametrize(
    ("change", "flaw", "counts"),
    [
        ("UPDATE event SET record = 90 WHERE record = 9", (9, "deleted", 8), (16, 5, 3)),
        ("UPDATE leaf SET record = 90 WHERE leaf = 8", (90, "deleted", 8), (16, 5, 3)),
        ("UPDATE leaf SET record = 'x' WHERE leaf = 8", (None, "leaf-altered", 8), (16, 5, 4)),
        ("DELETE FROM event WHERE record = 9", (9, "deleted", 8), (16, 5, 3)),
        ("DELETE FROM event WHERE record = 12", (12, "deleted", 11), (17, 4, 3)),
        ("DELETE FROM leaf WHERE leaf = 8", (None, "deleted", 8), (16, 5, 3)),
        ("DELETE FROM leaf WHERE leaf = 5", (None, "deleted", 5), (17, 5, 2)),
    ],
)
def test_i7_row_that_is_not_there_is_named(
    ledger: sqlite3.Connection, change: str, flaw: tuple[int, str, int], counts: tuple[int, int, int]
) -> None:
    """I7: by its number, where its leaf still says that."""
    look = Audit(ledger)
    ledger.execute(change)
    assert look.looked() == (RecordCounts(*counts), {flaw})


def test_i7_leaves_are_looked_at_page_by_page(
    ledger: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I7: each once, from the first to the last that is wanted; of a page that is gone the first stands for
    all, and the next one is looked at all the same."""
    monkeypatch.setattr(audit, "PAGE", 4)
    look = Audit(ledger)
    assert look.looked(2, 13) == (RecordCounts(whole=7, erased=1, purged=3), set())
    assert (look.requests, look.right) == ([(2, 4), (6, 4), (10, 3)], [2, 3, 4, 8, 9, 10, 11, 12])
    ledger.execute("DELETE FROM leaf WHERE leaf BETWEEN 8 AND 15")
    ledger.execute("DELETE FROM event WHERE record = 17")
    flaws = {(None, "deleted", 8), (None, "deleted", 12), (17, "deleted", 16)}
    assert look.looked(0, 20) == (RecordCounts(whole=6, erased=2, purged=3), flaws)
    ledger.execute("DELETE FROM leaf WHERE leaf > 15")
    assert look.looked(16)[1] == {(None, "deleted", 16), (None, "deleted", 20), (None, "deleted", 24)}
    ledger.execute("DELETE FROM leaf WHERE leaf = 3")
    assert look.looked(0, 4) == (RecordCounts(whole=3), {(None, "deleted", 3)})


def test_i7_leaves_of_a_later_log_are_counted_from_its_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """I7: the same as those of the first one, which are looked at on their own."""
    monkeypatch.setattr(audit, "PAGE", 2)
    file = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(file))) as store:
        store.append([PLAYED] * 3)
        begin_epoch(file, AT)
        store.append([PLAYED] * 3)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        first, later = leaves.logs(connection)
        look = Audit(connection)
        assert (first.size, later.first, later.size) == (3, 3, 4)
        look.entries, look.log = look.entries[3:], later
        assert look.looked(0, 4) == (RecordCounts(whole=4), set())
        assert (look.requests, look.right) == ([(0, 2), (2, 2)], [3, 4, 5, 6])
        connection.execute("UPDATE event SET line = 'x' WHERE record = 6")
        assert look.looked(1, 4) == (RecordCounts(whole=2), {(6, "facts-altered", 2)})


def test_i7_leaf_that_was_not_published_is_held_against_its_record_alone(ledger: sqlite3.Connection) -> None:
    """I7: with another commitment it is no leaf of another entry, and its record still does not open it."""
    look = Audit(ledger)
    look.entries = [None] * 25
    assert look.looked() == (ALL, set())
    ledger.execute("UPDATE leaf SET who = zeroblob(32) WHERE leaf IN (8, 11)")
    assert look.looked()[1] == {(9, "person-altered", 8)}


def test_i7_record_that_was_written_anew_with_its_leaf_is_named(ledger: sqlite3.Connection) -> None:
    """I7: it opens its leaf, and that is none that was published."""
    look = Audit(ledger)
    look.entries[8] = look.entries[9]
    assert look.looked() == (replace(ALL, whole=16), {(9, "leaf-altered", 8)})


def test_usual_record_opens_by_its_row_alone(
    ledger: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the purged, the erased and those about records: to look closely takes longer."""
    closely: list[int] = []
    looked = audit._examine_closely

    def noting(origin: str, index: int, *arguments: Any) -> Any:
        closely.append(index)
        return looked(origin, index, *arguments)

    monkeypatch.setattr(audit, "_examine_closely", noting)
    assert Audit(ledger).looked()[0] == ALL
    assert closely == CLOSELY


def test_i7_record_without_a_leaf_is_named(ledger: sqlite3.Connection) -> None:
    """I7: whoever inserts one has no leaf for it."""
    ledger.execute("UPDATE event SET record = 90 WHERE record = 25")
    ledger.execute("DELETE FROM leaf WHERE leaf = 1")
    assert list(audit.without_leaf(ledger)) == [
        AuditedFlaw(number, None, Flaw.INSERTED) for number in (2, 90)
    ]


def test_i7_lost_record_is_one_whose_leaf_is_closed(ledger: sqlite3.Connection) -> None:
    """I7: it is counted as lost, and not as purged; as long as it can be opened it is still there."""
    noted(ledger, lost="1 record; leaves 8")
    look = Audit(ledger)
    ledger.execute("DELETE FROM event WHERE record = 9")
    counted, flaws = look.looked()
    assert {flaw for flaw in flaws if flaw[0] != 15} == {(9, "still-there", 8)}
    ledger.execute(
        "UPDATE leaf SET salt_what = NULL, salt_who = NULL, binding = NULL, opening = NULL WHERE leaf = 8"
    )
    assert look.looked()[0] == counted == RecordCounts(whole=15, erased=5, purged=3, lost=1)
    assert {flaw for flaw in look.looked()[1] if flaw[0] != 15} == set()
