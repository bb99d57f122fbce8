"""I7 and I9 together: an erasure is noted before it is done, and neither the note nor what is published says
which calls were one person's."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from evidence.ledger import audited, signed
from evidence.noted import APPROVER
from examples import AT, NOTDUE, OTHER, PARTIAL, PLAYED, UNIDENTIFIED
from informativa.evidence.approval import Approval, sign
from informativa.evidence.commitment import NOTE_TAG
from informativa.evidence.erased_leaves import ErasedLeaves
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note_values import ErasureRule, NoteSource
from informativa.evidence.notes import ApprovalNote, ErasureNote, LogNote, NoteContent, RuleNote
from informativa.ledgers import caller_traces, erasure, erasure_notes, gathered_caller, note_leaves
from informativa.ledgers.access_log import AccessLog, LoggedAccess
from informativa.ledgers.audit_log import audit_ledger
from informativa.ledgers.erasure import (
    ErasureResult,
    carry_out,
    erase,
    erase_again,
    finish,
    pending,
)
from informativa.ledgers.instructions import INSTRUCTION_REFUSED, instruction_for
from informativa.ledgers.loss_notes import NamedLeaves
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Action, Event, Reason
from informativa.model.errors import InformativaError, LedgerError
from informativa.model.hooks import ErasureUnfinishedError
from traces import HE, HE_BEFORE, put_in_outbox, traces

STANDING = RuleNote(None, "Europe/Rome", ErasureRule.STANDING, processor=False)
EACH = replace(STANDING, erasures=ErasureRule.EACH, approver=APPROVER.verifier)
HIS = replace(PLAYED, pseudonym=HE, reference="contract 7", linked="1700000000.0")
AGAIN = replace(HIS, call="1700000000.12", linked="1700000000.12")
ANOTHER = replace(PLAYED, pseudonym=OTHER, call="1700000000.77", linked="1700000000.77")


def noted(file: Path, content: NoteContent) -> tuple[LogNote, int]:
    """Write a note into the log."""
    with (
        closing(SqliteStore(str(file))) as store,
        store.connected() as connection,
        store.transaction() as transaction,
    ):
        return note_leaves.append(transaction, connection, content, AT, NoteSource.COMMAND)


def approve(file: Path, note: LogNote) -> None:
    """Give the controller's approval."""
    noted(file, ApprovalNote(sign(Approval.of(1_795_523_400, [note.leaf]), APPROVER)))


def recorded(file: Path, *events: Event) -> None:
    """Record calls."""
    with closing(SqliteStore(str(file))) as store:
        store.append(events)


def filled(file: Path, rule: RuleNote) -> Path:
    """A ledger with the rule as leaf 0, five records of his, one that rests on his, and another's."""
    noted(file, rule)
    recorded(
        file,
        HIS,
        ANOTHER,
        replace(PARTIAL, pseudonym=HE_BEFORE),
        replace(NOTDUE, pseudonym=HE, basis=2),
        replace(UNIDENTIFIED, call="1700000000.9", linked="1700000000.0"),
        replace(ANOTHER, pseudonym=b"r" * 32, reason=Reason.SAME_CALL, basis=2),
    )
    return file


def last_note(file: Path) -> LogNote:
    """The newest note of an erasure."""
    with closing(SqliteStore(str(file))) as store, store.connected() as connection:
        return next(erasure_notes.noted(connection, LogFolder(file))).note


def sound(file: Path) -> dict[str, int]:
    """Return how many leaves are in which state, of a ledger in which an audit finds no fault, signed or
    not."""
    for _turn in range(2):
        result = audited(file)
        assert result.is_sound, result
        signed(file)
    return {name: number for name, number in vars(result.counted).items() if number}


def pending_done(file: Path) -> list[int]:
    """Do what the service does: carry out what may be, and return the numbers of records."""
    with closing(SqliteStore(str(file), create=False)) as store:
        finish(store)
        return [carry_out(store, noted_erasure)[0] for noted_erasure in pending(store)]


def published(file: Path) -> dict[str, bytes]:
    """Everything of the log that anybody may see."""
    folder = LogFolder(file).folder
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0].isdecimal()
    }


def test_i9_erasure_is_noted_with_its_private_list_and_done(tmp_path: Path) -> None:
    """The list fits the note, names his leaves and those that rest on them, and nobody else may read it."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    assert sound(file) == {"whole": 7}
    result = erase(file, [HE, HE_BEFORE], AT, instruction="OPS/2026-117", by=NoteSource.COMMAND)
    assert (result, result.traces) == (ErasureResult(4, ()), (8,))
    assert traces(tmp_path, HE, HE_BEFORE) == []
    note, private = last_note(file), tmp_path / "acme.log/private/1-7"
    assert (note.index, note.by, note.log) == (7, NoteSource.COMMAND, last_note(file).log)
    listed = ErasedLeaves.parse(private.read_bytes())
    listed.check(note)
    assert note.content == ErasureNote(listed.digest, 10, "OPS/2026-117")
    assert [place.index for place in listed.erased] == [1, 3, 4, 5]
    assert [place.index for place in listed.resting] == [6]
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert stat.S_IMODE(private.parent.stat().st_mode) == 0o700
    assert sound(file) == {"whole": 3, "erased": 5}
    with closing(SqliteStore(str(file))) as store:
        assert store.history(OTHER)["privacy"].record == 3
        assert HE not in store.history(HE)


def test_i9_nothing_public_names_his_leaves(tmp_path: Path) -> None:
    """Neither what is published, nor the note beside the ledger of version 1; one salt is not the next."""
    files = [filled(tmp_path / name / "acme.sqlite3", STANDING) for name in ("a", "b")]
    for file in files:
        signed(file)
        erase(file, [HE, HE_BEFORE], AT)
        signed(file)
        public = published(file)
        assert "1/gone" not in public
        log = LogFolder(file).published(1)
        entries = [log.entry(index, 8) for index in range(8)]
        assert [entry.startswith(NOTE_TAG) for entry in entries] == [True, *[False] * 6, True]
        keys = {"at", "by", "index", "instruction", "kind", "list", "log", "most", "v"}
        assert json.loads(entries[7].removeprefix(NOTE_TAG)).keys() == keys
        listed = (tmp_path / file.parent.name / "acme.log/private/1-7").read_bytes()
        secrets = [line for line in listed.splitlines() if line and not line.startswith(b"informativa/list")]
        assert not any(secret in content for secret in secrets for content in public.values())
    first, second = (last_note(file).content for file in files)
    assert first != second


def test_caller_without_a_leaf_is_not_noted(tmp_path: Path) -> None:
    """There is no empty list. What copies and the access log have of him goes all the same."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    copy = file.with_name("acme.sqlite3.rescued-2026-11-25T10-11-12")
    copy.write_bytes(b"1" * 32)
    AccessLog(file).add(LoggedAccess(AT, "marta", Action.OPEN_CALLER, b"1" * 32))
    result = erase(file, [b"1" * 32], AT)
    assert (result, result.traces) == (ErasureResult(0, (copy,)), ())
    assert traces(tmp_path, b"1" * 32) == []
    assert not (tmp_path / "acme.log/private").exists()


def test_each_erasure_waits_for_its_approval(tmp_path: Path) -> None:
    """Nothing is erased before, whoever asks again, and all that was listed after it."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    copy = file.with_name("acme.sqlite3.rescued-2026-11-25T10-11-12")
    copy.write_bytes(HE)
    with closing(SqliteStore(str(file))) as store:
        before = list(store.records())
    waiting = erase(file, [HE, HE_BEFORE], AT, instruction="T-1")
    private = tmp_path / "acme.log/private/1-7"
    assert (waiting, waiting.traces) == (ErasureResult(4, (), waiting=(private,)), (8,))
    with closing(SqliteStore(str(file))) as store:
        assert list(store.records())[:7] == before
    assert sound(file) == {"whole": 3, "waiting": 5}
    assert pending_done(file) == []
    again = erase(file, [HE, HE_BEFORE], AT, instruction="T-2")
    assert (again, again.traces) == (waiting, (8,))
    assert copy.exists()
    approve(file, last_note(file))
    assert sound(file) == {"whole": 4, "waiting": 5}
    assert pending_done(file) == [4]
    assert pending_done(file) == []
    assert traces(tmp_path, HE, HE_BEFORE) == []
    assert not copy.exists()
    assert not LogFolder(file).unfinished.exists()
    assert sound(file) == {"whole": 4, "erased": 5}
    assert erase(file, [HE, HE_BEFORE], AT) == ErasureResult(0, ())


def test_approved_erasure_is_done_by_who_asks_again(tmp_path: Path) -> None:
    """The command need not wait for the service."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    erase(file, [HE, HE_BEFORE], AT)
    approve(file, last_note(file))
    result = erase(file, [HE, HE_BEFORE], AT)
    assert (result, result.traces) == (ErasureResult(4, ()), (8,))
    assert traces(tmp_path, HE, HE_BEFORE) == []
    assert sound(file) == {"whole": 4, "erased": 5}


def test_calls_since_the_list_are_not_in_it(tmp_path: Path) -> None:
    """They stay with what he knows by them, since nobody approved their erasure; another note names them."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    erase(file, [HE, HE_BEFORE], AT)
    first = last_note(file)
    later = replace(HIS, at=AT + timedelta(hours=1), version="2", call="17.5", linked="17.5")
    recorded(file, later)
    more = erase(file, [HE, HE_BEFORE], AT)
    assert (more.records, more.waiting) == (5, (tmp_path / "acme.log/private/1-9",))
    approve(file, first)
    assert pending_done(file) == [4]
    assert sound(file) == {"whole": 5, "erased": 5, "waiting": 1}
    with closing(SqliteStore(str(file))) as store:
        assert store.history(HE)["privacy"].record == 9
        assert store.record(9).event.pseudonym == HE  # type: ignore[union-attr]
    assert traces(tmp_path, HE_BEFORE) == []
    approve(file, last_note(file))
    assert pending_done(file) == [1]
    assert traces(tmp_path, HE, HE_BEFORE) == []
    assert sound(file) == {"whole": 6, "erased": 6}


@pytest.mark.parametrize(
    ("rule", "waits"),
    [
        (STANDING, False),
        (EACH, True),
        (replace(EACH, approver=None), False),
        (replace(EACH, approver=None, processor=True), False),
        (replace(EACH, erased=2), True),
        (replace(STANDING, approver=APPROVER.verifier), False),
    ],
)
def test_only_a_known_approver_is_waited_for(tmp_path: Path, rule: RuleNote, waits: bool) -> None:
    """Where nobody could approve it, it would wait for ever; a rule that waits itself says who may."""
    file = filled(tmp_path / "acme.sqlite3", rule)
    assert bool(erase(file, [HE, HE_BEFORE], AT).waiting) is waits
    if waits:
        approve(file, last_note(file))
        assert pending_done(file) == [4]
    assert traces(tmp_path, HE, HE_BEFORE) == []


def test_an_audit_reads_notes_before_the_first_signature(tmp_path: Path) -> None:
    """A log that nobody signed has no key, and its notes are judged all the same."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    (read_log,) = audit_ledger(file, []).logs.values()
    assert [entry.note.kind for entry in read_log.entries if entry.note] == ["rule"]


def killed(*_arguments: object) -> None:
    """Stand for the end of the process."""
    raise KeyboardInterrupt


def test_kill_between_note_and_act_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The note is there, the records still are: the audit says that they wait, and the service does it."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    with monkeypatch.context() as patched:
        patched.setattr(gathered_caller, "erase_gathered", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(file, [HE, HE_BEFORE], AT)
    assert sound(file) == {"whole": 3, "waiting": 5}
    assert pending_done(file) == [4]
    assert traces(tmp_path, HE, HE_BEFORE) == []
    assert sound(file) == {"whole": 3, "erased": 5}


def test_kill_before_the_note_leaves_a_list_that_is_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list without a note names nothing: the leaf of its index is another record meanwhile."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    with monkeypatch.context() as patched:
        patched.setattr(note_leaves, "append", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(file, [HE, HE_BEFORE], AT)
    assert (tmp_path / "acme.log/private/1-7").exists()
    assert sound(file) == {"whole": 7}
    assert pending_done(file) == []
    assert erase(file, [HE, HE_BEFORE], AT).traces == (8,)
    assert sound(file) == {"whole": 3, "erased": 5}


@pytest.mark.parametrize("step", ["clean", "delete_copies"])
def test_kill_after_the_act_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """His rows are empty, so nobody knows any more what to look for: all files are written anew."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    copy = file.with_name("acme.sqlite3.rescued-2026-11-25T10-11-12")
    copy.write_bytes(HE)
    with closing(sqlite3.connect(file)) as other, other:
        other.execute("PRAGMA secure_delete = OFF")
        other.execute("DELETE FROM standing WHERE pseudonym = ?", (HE,))
        other.execute("INSERT INTO number_use (pseudonym, notice, recycled) VALUES (?, 'privacy', 1)", (HE,))
    erase(file, [HE, HE_BEFORE], AT)
    approve(file, last_note(file))
    service = SqliteStore(str(file))  # holds the log open, so that nothing is emptied by closing
    with monkeypatch.context() as patched:
        patched.setattr(caller_traces, step, killed)
        with pytest.raises(KeyboardInterrupt):
            pending_done(file)
    assert traces(tmp_path, HE) != []
    assert LogFolder(file).unfinished.exists()
    service.close()
    assert pending_done(file) == []
    assert traces(tmp_path, HE, HE_BEFORE) == []
    assert not LogFolder(file).unfinished.exists()


def ring_in_the_first_turn(
    monkeypatch: pytest.MonkeyPatch, file: Path, also: Callable[[], None] = lambda: None
) -> list[int]:
    """Have him ring while traces of him are searched the first time. Return the turns, as they come."""
    turns = list[int]()

    def clean(_store: SqliteStore, _his: object) -> bool:
        turns.append(len(turns))
        if len(turns) == 1:
            recorded(file, AGAIN)
            also()
        return len(turns) == 2

    monkeypatch.setattr(caller_traces, "clean", clean)
    return turns


def test_erasure_in_two_turns_names_what_both_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """He rings while traces of him are searched: copies, acts that the hook does not get any more and notes
    are of both turns, and the instruction is one that says nothing."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    put_in_outbox(file, 2)
    turns = ring_in_the_first_turn(monkeypatch, file, lambda: put_in_outbox(file, 9))
    monkeypatch.setattr(caller_traces, "delete_copies", lambda _ledger: (Path(f"copy-{len(turns)}"),))
    result = erase(file, [HE, HE_BEFORE], AT)
    assert (result.records, result.traces, result.noted) == (5, (8, 10), True)
    assert result.copies == (Path("copy-0"), Path("copy-1"))
    assert [message.record for message in result.undelivered] == [2, 9]
    content = last_note(file).content
    assert isinstance(content, ErasureNote)
    assert content.instruction == "unstated"


def test_erasure_that_waits_does_not_stand_for_that_of_another(tmp_path: Path) -> None:
    """Each caller has a note of his own, by which nothing is erased yet."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    for pseudonyms, trace in (([OTHER], 8), ([HE, HE_BEFORE], 9)):
        result = erase(file, pseudonyms, AT, instruction="DPO-1")
        assert (result.traces, result.noted, len(result.waiting)) == ((trace,), True, 1)
    assert traces(tmp_path, HE) != []


def test_call_between_list_and_act_is_in_his_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not in the list, so it stays, and the next call rests on it."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    erase(file, [HE, HE_BEFORE], AT)
    approve(file, last_note(file))
    real = LogFolder.put_unfinished

    def ringing(folder: LogFolder) -> None:
        recorded(file, AGAIN)
        real(folder)

    monkeypatch.setattr(LogFolder, "put_unfinished", ringing)
    assert pending_done(file) == [4]
    with closing(sqlite3.connect(file)) as other:
        assert other.execute("SELECT record FROM standing WHERE pseudonym = ?", (HE,)).fetchall() == [(10,)]


@pytest.mark.parametrize(
    ("is_clean", "sentence"),
    [
        (OSError(5, "broken"), "acme.sqlite3 cannot be read (broken)."),
        (False, "He rings again and again meanwhile."),
    ],
)
def test_traces_that_are_left_of_a_noted_erasure_are_told_with_their_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_clean: object, sentence: str
) -> None:
    """And what is not finished is remembered for the next turn; acts that the hook does not get any more are
    named."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    put_in_outbox(file, 2)
    erase(file, [HE, HE_BEFORE], AT)
    approve(file, last_note(file))

    def clean(*_values: object) -> object:
        if isinstance(is_clean, OSError):
            raise is_clean
        return is_clean

    with monkeypatch.context() as patched:
        patched.setattr(caller_traces, "clean", clean)
        with pytest.raises(ErasureUnfinishedError) as error:
            pending_done(file)
    assert f"records in {file} are erased, but traces of him are left." in str(error.value)
    assert sentence in str(error.value)
    assert [message.record for message in error.value.undelivered] == [2]
    assert LogFolder(file).unfinished.exists()


def test_ledger_whose_work_cannot_be_finished_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where an erasure was interrupted, and its files cannot be written anew."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    LogFolder(file).put_unfinished()

    def failing(_store: SqliteStore) -> None:
        raise OSError(5, "broken")

    monkeypatch.setattr(caller_traces, "write_anew", failing)
    with pytest.raises(LedgerError) as error:
        pending_done(file)
    assert str(error.value).startswith(
        f"The caller's records in {file} are erased, but traces of him are left."
    )
    assert f"{file} cannot be read (broken)." in str(error.value)


def test_work_that_somebody_else_finished_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two that carry out the same erasure do not stop each other; a turn says whether there was work."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    erase(file, [HE, HE_BEFORE], AT)
    approve(file, last_note(file))
    unfinished = LogFolder(file).unfinished

    def clean(*_values: object) -> bool:
        unfinished.unlink()
        return True

    def write_anew(_store: SqliteStore) -> None:
        unfinished.unlink()

    monkeypatch.setattr(caller_traces, "clean", clean)
    monkeypatch.setattr(caller_traces, "write_anew", write_anew)
    assert pending_done(file) == [4]
    with closing(SqliteStore(str(file), create=False)) as store:
        assert not finish(store)
        unfinished.touch()
        assert finish(store)


def test_i9_erasure_done_again_leaves_the_history_of_what_stays(tmp_path: Path) -> None:
    """Of a restored ledger, say: a later record of his is not in the list, and he is known by that one."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    recorded(file, AGAIN)
    with closing(SqliteStore(str(file))) as store, store.connected() as connection:
        (leaf,) = connection.execute("SELECT leaf FROM leaf WHERE record = 2").fetchone()
        with store.transaction():
            assert erase_again(connection, NamedLeaves((range(leaf, leaf + 1),))) == 1
        known = "SELECT record FROM standing WHERE pseudonym = ?"
        assert connection.execute(known, (HE,)).fetchall() == [(8,)]


def test_note_that_waits_stands_for_what_it_names_alone(tmp_path: Path) -> None:
    """Asked again, he has the same note; who has no leaf at all has none."""
    file = filled(tmp_path / "acme.sqlite3", EACH)
    for pseudonym, expected in ((OTHER, (8,)), (OTHER, (8,)), (b"1" * 32, ())):
        assert erase(file, [pseudonym], AT, instruction="DPO-1").traces == expected


def test_call_before_the_list_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """He rings after his records were searched and before the list is written: that record is his too."""
    file = filled(tmp_path / "acme.sqlite3", STANDING)
    real = erasure._noted_before

    def ringing(*values: Any) -> Any:
        recorded(file, AGAIN)
        return real(*values)

    monkeypatch.setattr(erasure, "_noted_before", ringing)
    assert erase(file, [HE, HE_BEFORE], AT).records == 5
    assert traces(tmp_path, HE) == []


def test_call_between_note_and_act_goes_in_another_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not in the list; so there is another one."""
    file, rung = filled(tmp_path / "acme.sqlite3", STANDING), list[int]()
    real = erasure_notes.NotedErasure.waits

    def ringing(*values: Any) -> bool:
        if not rung:
            rung.append(1)
            recorded(file, AGAIN)
        return real(*values)

    monkeypatch.setattr(erasure_notes.NotedErasure, "waits", ringing)
    result = erase(file, [HE, HE_BEFORE], AT)
    assert (result.records, result.traces) == (5, (8, 10))
    assert traces(tmp_path, HE) == []


@pytest.mark.parametrize(
    ("rule", "given", "noted_as"),
    [
        (None, "", "unstated"),
        (STANDING, "", "unstated"),
        (STANDING, "T-1", "T-1"),
        (EACH, "T-1", "T-1"),
    ],
)
def test_instruction_is_noted(rule: RuleNote | None, given: str, noted_as: str) -> None:
    """One is needed where somebody else reads it."""
    assert instruction_for([rule], given) == noted_as


@pytest.mark.parametrize(
    ("rule", "given"),
    [
        (EACH, ""),
        (replace(STANDING, processor=True), ""),
        (STANDING, "two words"),
        (STANDING, "+393331234567"),
        (None, "T-12345678"),
        (None, "x" * 41),
    ],
)
def test_instruction_is_refused(rule: RuleNote | None, given: str) -> None:
    """If it is missing, or could be a number or a name."""
    with pytest.raises(InformativaError) as refused:
        instruction_for([rule], given)
    assert (refused.value.code, refused.value.exit_code) == (INSTRUCTION_REFUSED, 2)
