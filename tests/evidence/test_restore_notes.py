"""A backup put in the place of a ledger with a rule: notes come back as they were, and name what does not."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commands import typed
from evidence.logs import configured
from evidence.logs import record as record_call
from evidence.noted import APPROVER
from evidence.ruled import (
    APPROVED,
    HE,
    LOG,
    OTHER,
    RULE,
    approved,
    company,
    contents,
    notes,
    record,
    sound,
    verdicts,
)
from examples import AT, ONE, PLAYED, UNIDENTIFIED
from informativa.config import load
from informativa.evidence import approval
from informativa.evidence.approval import Approval
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_standing import NoteVerdict
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import (
    ApprovalNote,
    ErasureNote,
    LogNote,
    LostNote,
    NewLogNote,
    NoteContent,
    NoteKind,
    PurgeNote,
    RuleNote,
)
from informativa.ledgers import erasure, leaves, note_leaves
from informativa.ledgers.audit import RecordCounts
from informativa.ledgers.audit_log import audit_ledger
from informativa.ledgers.loss_notes import NamedLeaves, ranges_of
from informativa.ledgers.restoring import RestoreResult, restore
from informativa.ledgers.sequencer import begin_epoch, sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import InformativaError, LedgerError
from informativa.model.plan import Period
from lab.chance import by_day

EACH = replace(APPROVED, erasures=ErasureRule.EACH)
MINUTE = AT.replace(second=0, microsecond=0)
NOW = AT + timedelta(days=2)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """With a rule and three records, signed."""
    file = tmp_path / "acme.sqlite3"
    record(file, replace(PLAYED, pseudonym=HE), PLAYED, replace(PLAYED, pseudonym=OTHER))
    sequence(file)
    return file


def backed_up(ledger: Path) -> Path:
    """A copy as an admin makes it."""
    copy = ledger.with_name("monday.backup")
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy


def note(ledger: Path, content: NoteContent) -> LogNote:
    """Write a note."""
    with (
        closing(SqliteStore(str(ledger))) as store,
        store.transaction() as transaction,
        store.connected() as connection,
    ):
        return note_leaves.append(transaction, connection, content, AT, NoteSource.SERVICE)[0]


def erase(ledger: Path, row: int, *resting: int, really: bool = True) -> LogNote:
    """Erase the records of these leaves of the first log, as a command does."""
    with closing(SqliteStore(str(ledger))) as store:
        log = store.log()
        places = [LeafPlace(f"{LOG}/1", place) for place in (row, *resting)]
        listed = ErasedLeaves.of(bytes(16), places[:1], places[1:])
        LogFolder(ledger).put_private_list(log.epoch, log.size, listed.data)
        written = note(ledger, ErasureNote(listed.digest, listed.most, "dpo-1"))
        if really:
            with store.connected() as connection, store.transaction():
                erasure.erase_again(connection, NamedLeaves(ranges_of([row]), ranges_of(resting)))
    return written


def purge(ledger: Path, below: int, origin: str = f"{LOG}/1") -> LogNote:
    """Purge the records below an index of the first log, as a command does."""
    written = note(ledger, PurgeNote(origin, below, MINUTE, 0))
    with (
        closing(SqliteStore(str(ledger))) as store,
        store.connected() as connection,
        store.transaction() as transaction,
    ):
        numbers = leaves.deletable(connection, range(below))
        for number in numbers:
            transaction.purge(number)
        transaction.close_leaves(numbers)
    return written


def entries(ledger: Path) -> list[bytes]:
    """All entries."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        return store.entries(0, 1000)


def files(ledger: Path) -> list[Path]:
    """Return what lies there, but for what SQLite lays beside a backup that it reads."""
    return sorted(file for file in ledger.parent.rglob("*") if not file.name.startswith("monday"))


def delete_entries(ledger: Path, epoch: int) -> None:
    """Delete the published entries of a log."""
    shutil.rmtree(LogFolder(ledger).published(epoch).folder / "tile/entries")


def restored(ledger: Path, copy: Path, rule: RuleNote = RULE, instruction: str = "") -> RestoreResult:
    """Put the copy in place."""
    return restore(ledger, copy, NOW, company(rule), instruction)


def test_published_notes_come_back_byte_for_byte_and_lost_records_are_named(ledger: Path) -> None:
    """Runs of lost records between notes have a note each; the log goes on, and the numbers with it."""
    copy = backed_up(ledger)
    record(ledger, UNIDENTIFIED, UNIDENTIFIED)
    changed = note(ledger, replace(RULE, retention=Period(months=70)))
    record(ledger)
    note(ledger, RULE)
    sequence(ledger)
    published = entries(ledger)
    result = restored(ledger, copy)
    assert (result.lost, result.epoch, result.gone_again) == (3, 1, 0)
    assert entries(ledger)[: len(published)] == published
    assert changed in notes(ledger)
    assert contents(ledger)[-2:] == [
        LostNote(f"{LOG}/1", 4, 6, "unstated"),
        LostNote(f"{LOG}/1", 7, 8, "unstated"),
    ]
    record(ledger)
    assert sound(ledger) == RecordCounts(whole=4 + 2 + 2 + 1, lost=3)
    assert verdicts(ledger) == [(NoteKind.LOST, NoteVerdict.WAITS)] * 2  # nobody could approve it
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        numbers = [stored.number for stored in store.records()]
    assert numbers == [1, 2, 3, 4, 7, 9, 10, 11, 12]


def test_lost_records_ask_for_the_instruction_where_somebody_approves(tmp_path: Path) -> None:
    """One sentence, before anything is changed; with it the notes name it."""
    ledger = approved(tmp_path)
    copy = backed_up(ledger)
    record(ledger, rule=APPROVED)
    sequence(ledger)
    content, before = ledger.read_bytes(), files(ledger)
    with pytest.raises(InformativaError) as refused:
        restored(ledger, copy, APPROVED)
    assert (refused.value.exit_code, refused.value.code) == (2, "instruction-refused")
    assert (ledger.read_bytes(), files(ledger)) == (content, before)
    restored(ledger, copy, APPROVED, "OPS/7")
    assert contents(ledger)[-1] == LostNote(f"{LOG}/1", 3, 4, "OPS/7")
    assert sound(ledger).lost == 1


def test_nothing_lost_asks_for_nothing(tmp_path: Path) -> None:
    """A copy of the present state needs no note."""
    ledger = approved(tmp_path)
    copy = backed_up(ledger)
    assert restored(ledger, copy, APPROVED).lost == 0
    assert [written.kind for written in notes(ledger)] == [NoteKind.RULE]
    assert sound(ledger) == RecordCounts(whole=3)


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("survivor", [True, False], ids=["ledger", "no ledger"])
def test_erased_caller_stays_erased(ledger: Path, published: bool, survivor: bool) -> None:
    """By the list of the note, published or not, with or without the ledger of before."""
    record(ledger, replace(PLAYED, pseudonym=b"n" * 32, basis=2))
    copy = backed_up(ledger)
    erased = erase(ledger, 1, 4)
    if published:
        sequence(ledger)
    if not survivor:
        ledger.unlink()
    assert restored(ledger, copy).gone_again == 1
    assert HE not in ledger.read_bytes()
    with closing(SqliteStore(str(ledger))) as store:
        assert store.history(HE) == {}
        assert set(store.history(ONE)) == {"privacy"}
        events = [stored.event for stored in store.records()]
    assert (events[1].erased, events[4].erased, events[4].basis) == (True, False, None)
    last = notes(ledger)[-1]
    if published:
        assert last == erased
    else:
        assert isinstance(last.content, ErasureNote)
        assert last.content.instruction == ("dpo-1" if survivor else "unstated")
    assert sound(ledger) == RecordCounts(whole=5 - 1, erased=2)
    assert verdicts(ledger) == [(NoteKind.ERASURE, NoteVerdict.HOLDS)]


def test_second_restore_needs_no_other_note_for_an_erasure(ledger: Path) -> None:
    """The note of the first restore names what the list names that was there before; that one is deleted."""
    record(ledger)
    copy = backed_up(ledger)
    record(ledger, UNIDENTIFIED, UNIDENTIFIED)
    erase(ledger, 1)
    assert LogFolder(ledger).private_lists() == [(1, 7)]
    ledger.unlink()
    restored(ledger, copy)
    assert LogFolder(ledger).private_lists() == [(1, 5)]
    sequence(ledger)
    restored(ledger, copy)
    assert LogFolder(ledger).private_lists() == [(1, 5)]
    assert [written.kind for written in notes(ledger)] == [NoteKind.RULE, NoteKind.ERASURE]
    assert sound(ledger).erased == 1


def test_several_erasures_become_one(ledger: Path) -> None:
    """Those that were not published, whose lists may be overwritten by the new one."""
    record(ledger)
    copy = backed_up(ledger)
    erase(ledger, 1)
    erase(ledger, 3)
    assert restored(ledger, copy).gone_again == 2
    assert [written.kind for written in notes(ledger)] == [NoteKind.RULE, NoteKind.ERASURE]
    assert LogFolder(ledger).private_lists() == [(1, 5)]
    assert sound(ledger).erased == 2


@pytest.mark.parametrize("damaged", [True, False])
@pytest.mark.parametrize("early", [True, False], ids=["in the backup", "since"])
def test_missing_list_stops_the_restore(ledger: Path, damaged: bool, early: bool) -> None:
    """Of a published erasure: it is named, and nothing is changed."""
    if not early:
        copy = backed_up(ledger)
    erase(ledger, 1)
    sequence(ledger)
    if early:
        copy = backed_up(ledger)
    file = LogFolder(ledger).folder / "private/1-4"
    file.unlink()
    if damaged:
        file.write_bytes(ErasedLeaves.of(bytes(16), [LeafPlace(f"{LOG}/1", 2)]).data)
    content, before = ledger.read_bytes(), files(ledger)
    with pytest.raises(LedgerError, match=str(file)):
        restored(ledger, copy)
    assert (ledger.read_bytes(), files(ledger)) == (content, before)


def test_list_of_an_erasure_that_came_to_nothing_erases_nobody_later(ledger: Path) -> None:
    """Another record has the leaf that it names; the log has gone on beyond the place of its note."""
    listed = ErasedLeaves.of(bytes(16), [LeafPlace(f"{LOG}/1", 4)])
    LogFolder(ledger).put_private_list(1, 5, listed.data)
    record(ledger, replace(PLAYED, pseudonym=b"n" * 32), UNIDENTIFIED)
    copy = backed_up(ledger)
    sequence(ledger)
    assert restored(ledger, copy).gone_again == 0
    assert sound(ledger) == RecordCounts(whole=6)


@pytest.mark.parametrize("published", [True, False])
def test_purged_records_stay_purged(ledger: Path, published: bool) -> None:
    """By the prefix of the note, which is written again if it was not published; never the rule."""
    copy = backed_up(ledger)
    purge(ledger, 3)
    if published:
        sequence(ledger)
    assert restored(ledger, copy).gone_again == 2
    assert contents(ledger)[1:] == [PurgeNote(f"{LOG}/1", 3, MINUTE, 0)]
    assert sound(ledger) == RecordCounts(whole=3, purged=2)


def test_purge_beyond_what_was_published_is_noted_for_the_rest(ledger: Path) -> None:
    """The leaves behind are of other records from now on."""
    copy = backed_up(ledger)
    record(ledger, UNIDENTIFIED, UNIDENTIFIED)
    purge(ledger, 6)
    assert restored(ledger, copy).gone_again == 3
    assert contents(ledger)[1:] == [PurgeNote(f"{LOG}/1", 4, MINUTE, 0)]
    record(ledger, UNIDENTIFIED, UNIDENTIFIED)
    assert sound(ledger) == RecordCounts(whole=4, purged=3)


def test_another_log_where_entries_are_gone(ledger: Path) -> None:
    """It begins with the trees of those before and with the rule; their last leaves count as lost."""
    copy = backed_up(ledger)
    record(ledger, UNIDENTIFIED, UNIDENTIFIED)
    end = sequence(ledger).checkpoint
    delete_entries(ledger, 1)
    result = restored(ledger, copy)
    assert (result.lost, result.epoch) == (2, 2)
    assert contents(ledger)[1:] == [NewLogNote((end,), "unstated"), RULE]
    sequence(ledger)
    folder = LogFolder(ledger)
    keys = [key for epoch in (1, 2) if (key := folder.published(epoch).key())]
    audited = audit_ledger(ledger, keys)
    assert (audited.flaws, audited.counted) == ((), RecordCounts(whole=6, lost=2))
    assert verdicts(ledger) == [(NoteKind.NEW_LOG, NoteVerdict.WAITS)]


def test_new_log_asks_for_the_instruction(tmp_path: Path) -> None:
    """Where its leaves are lost and somebody approves."""
    ledger = approved(tmp_path)
    copy = backed_up(ledger)
    record(ledger, rule=APPROVED)
    sequence(ledger)
    delete_entries(ledger, 1)
    with pytest.raises(InformativaError):
        restored(ledger, copy, APPROVED)
    restored(ledger, copy, APPROVED, "OPS/7")
    (new_log,) = [content for content in contents(ledger) if isinstance(content, NewLogNote)]
    assert new_log.instruction == "OPS/7"


@pytest.mark.sample(3)
@pytest.mark.parametrize("unreadable", [(), (1,), (2,), (1, 2)])
@pytest.mark.parametrize("survivor", [True, False], ids=["ledger", "no ledger"])
def test_backup_from_before_the_key_was_changed(
    ledger: Path, unreadable: tuple[int, ...], survivor: bool
) -> None:
    """Both logs are entered, the second begins where the first one ends; who was erased in any of them stays
    erased, also if nobody can read the note any more."""
    copy = backed_up(ledger)
    record(ledger)
    begin_epoch(ledger, AT)
    erase(ledger, 1)
    record(ledger)
    sequence(ledger)
    for epoch in unreadable:
        delete_entries(ledger, epoch)
    if not survivor:
        ledger.unlink()
    result = restored(ledger, copy)
    assert (result.gone_again, result.epoch) == (1, 3 if unreadable else 2)
    record(ledger)
    sequence(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        assert store.history(HE) == {}
    if not unreadable:
        assert sound(ledger) == RecordCounts(whole=10, erased=1, lost=2)
        expected = [NoteKind.NEXT, NoteKind.NEW_LOG, NoteKind.ERASURE]
        assert verdicts(ledger)[:3] == [(kind, NoteVerdict.HOLDS) for kind in expected]
    folder = LogFolder(ledger)
    keys = [key for epoch in folder.epochs() if (key := folder.published(epoch).key())]
    audited = audit_ledger(ledger, keys)
    assert audited.flaws == ()
    assert audited.counted.erased == 1


def test_log_that_has_ended_goes_on_in_the_next_one(ledger: Path) -> None:
    """Also if nothing of that was published yet; it holds, because the old log names its key."""
    copy = backed_up(ledger)
    begin_epoch(ledger, AT)
    assert restored(ledger, copy).epoch == 2
    kinds = [NoteKind.RULE, NoteKind.NEXT, NoteKind.NEW_LOG, NoteKind.RULE]
    assert [written.kind for written in notes(ledger)] == kinds
    assert sound(ledger) == RecordCounts(whole=7)
    assert {verdict for _kind, verdict in verdicts(ledger, rules=True)} == {NoteVerdict.HOLDS}


def test_erasure_that_waits_is_not_carried_out(tmp_path: Path) -> None:
    """The controller has yet to approve it; when it has, that comes back too, and the caller does not."""
    ledger = approved(tmp_path, EACH)
    copy = backed_up(ledger)
    waiting = erase(ledger, 1, really=False)
    sequence(ledger)
    assert restored(ledger, copy, EACH).gone_again == 0
    assert waiting in notes(ledger)
    word = approval.sign(Approval.of(int(AT.timestamp()), [waiting.leaf]), APPROVER)
    note(ledger, ApprovalNote(word))
    with closing(SqliteStore(str(ledger))) as store, store.connected() as connection, store.transaction():
        erasure.erase_again(connection, NamedLeaves(ranges_of([1])))
    assert restored(ledger, copy, EACH).gone_again == 1
    assert contents(ledger)[-1] == ApprovalNote(word)
    assert sound(ledger).erased == 1
    assert verdicts(ledger)[0] == (NoteKind.ERASURE, NoteVerdict.APPROVED)


def test_erasure_that_was_carried_out_without_approval_stays(tmp_path: Path) -> None:
    """What the ledger of before had erased does not come back, although its note waits."""
    ledger = approved(tmp_path, EACH)
    copy = backed_up(ledger)
    erase(ledger, 1)
    sequence(ledger)
    assert restored(ledger, copy, EACH).gone_again == 1
    assert sound(ledger).erased == 1
    assert verdicts(ledger) == [(NoteKind.ERASURE, NoteVerdict.WAITS)]


def test_changed_rule_is_written_before_what_is_lost(ledger: Path) -> None:
    """The configuration was changed since the signing."""
    copy = backed_up(ledger)
    record(ledger)
    sequence(ledger)
    longer = replace(RULE, retention=Period(months=72))
    restored(ledger, copy, longer)
    assert contents(ledger)[1:] == [longer, LostNote(f"{LOG}/1", 4, 5, "unstated")]
    assert sound(ledger) == RecordCounts(whole=6, lost=1)


def test_first_rule_counts_what_was_gone_before_and_not_what_is_named(tmp_path: Path) -> None:
    """The backup is of a ledger without a rule, and the configuration has one."""
    ledger = tmp_path / "acme.sqlite3"
    with closing(SqliteStore(str(ledger), log=LOG)) as store:
        store.append([replace(PLAYED, pseudonym=HE), PLAYED])
    erasure.erase(ledger, [HE], AT)
    sequence(ledger)
    copy = backed_up(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        store.append([UNIDENTIFIED])
    sequence(ledger)
    restored(ledger, copy)
    assert contents(ledger) == [replace(RULE, erased=1), LostNote(f"{LOG}/1", 3, 4, "unstated")]
    assert sound(ledger) == RecordCounts(whole=4, erased=1, lost=1)


@pytest.mark.parametrize("step", ["drop_private_list", "put_private_list"])
def test_interrupted_restore_goes_on(ledger: Path, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done again from the same backup."""
    record(ledger)
    copy = backed_up(ledger)
    erase(ledger, 1)
    erase(ledger, 3)
    original: Callable[..., None] = getattr(LogFolder, step)

    def interrupted(*arguments: object) -> None:
        original(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(LogFolder, step, interrupted)
    with pytest.raises(KeyboardInterrupt):
        restored(ledger, copy)
    monkeypatch.undo()
    restore(ledger, copy, NOW + timedelta(days=1), company())
    assert sound(ledger) == RecordCounts(whole=4, erased=2)
    with closing(SqliteStore(str(ledger))) as store:
        assert store.history(HE) == store.history(OTHER) == {}


def test_clock_that_was_set_back_does_not_matter(ledger: Path) -> None:
    """A purge whose time is in the future is noted again with that of the restore."""
    copy = backed_up(ledger)
    purge(ledger, 3)
    early = datetime.fromtimestamp(0, AT.tzinfo)
    restore(ledger, copy, early, company())
    assert contents(ledger)[-1] == PurgeNote(f"{LOG}/1", 3, early, 0)


def test_command_asks_for_the_instruction(folder: Path) -> None:
    """Where the configuration names an approver; one that is none is refused before anything else."""
    file = folder / "informativa.yaml"
    acme = configured(folder)
    file.write_text(file.read_text().replace("  acme:\n", f"  acme:\n    approver: {APPROVER.verifier}\n", 1))
    acme, ledger = load(file).controllers["acme"], Path(acme.ledger)
    record_call(acme)
    sequence(ledger)
    ask = ("ledger", "restore", backed_up(ledger), "--controller", "acme", "-c", file)
    record_call(acme)
    sequence(ledger)
    code, _out, err = typed(*ask)
    assert (code, err.count("--instruction TICKET")) == (2, 1)
    code, _out, err = typed(*ask, "--instruction", "2026/11 12345678")
    assert (code, "An instruction is at most 40 letters" in err) == (2, True)
    assert [content for content in contents(ledger) if isinstance(content, LostNote)] == []
    assert typed(*ask, "--instruction", "OPS/7")[0] == 0
    assert contents(ledger)[-1] == LostNote(f"{LOG}/1", 2, 3, "OPS/7")


STEPS = ("record", "sign", "erase", "purge", "key", "copy", "restore", "restore alone")


@settings(max_examples=by_day(5, at_night=15), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 5)), max_size=12))
@example(steps=[("copy", 0), ("key", 0), ("erase", 1), ("restore", 0), ("key", 0), ("restore alone", 0)])
def test_any_history_ends_sound(steps: list[tuple[str, int]]) -> None:
    """Whatever happens between copies and restores: the audit finds nothing wrong, what was published stays
    the beginning of the log, and nobody who was erased comes back."""
    with TemporaryDirectory() as folder:
        ledger, erased = Path(folder) / "acme.sqlite3", set[bytes]()
        record(ledger, *(replace(PLAYED, pseudonym=bytes([number]) * 32) for number in range(6)))
        sequence(ledger)
        copies, published = [backed_up(ledger).rename(ledger.with_name("monday"))], entries(ledger)
        for count, (step, choice) in enumerate(steps):
            match step:
                case "record":
                    record(ledger, *[UNIDENTIFIED] * (choice + 1))
                case "sign":
                    sequence(ledger)
                    published = entries(ledger)
                case "erase" if bytes([choice]) * 32 not in erased:
                    if is_open(ledger, choice + 1):
                        erase(ledger, choice + 1)
                        erased.add(bytes([choice]) * 32)
                case "purge" if choice:
                    purge(ledger, choice)
                case "key":
                    begin_epoch(ledger, AT)
                    published = entries(ledger)[:-2]  # the first two leaves of the new log are not signed yet
                case "copy":
                    copies.append(backed_up(ledger).rename(ledger.with_name(f"monday.{count}")))
                case "restore" | "restore alone":
                    if step == "restore alone":
                        ledger.unlink()
                    restore(ledger, copies[choice % len(copies)], NOW + timedelta(minutes=count), company())
                    assert entries(ledger)[: len(published)] == published
                    sound(ledger)
                    published = entries(ledger)
        sound(ledger)
        with closing(SqliteStore(str(ledger))) as store:
            assert not any(store.history(pseudonym) for pseudonym in erased)


def is_open(ledger: Path, row: int) -> bool:
    """Return whether the record of that row of `leaf` is neither purged nor erased."""
    with closing(sqlite3.connect(ledger)) as connection:
        return leaves.names_anybody(connection, range(row, row + 1))
