"""The controller's word: `evidence approve` in a monitor's copy, the key for it, and all that it refuses."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from commands import PROGRAM, typed
from evidence import noted
from evidence.monitored import (
    APPROVER,
    ERASURE,
    NOW,
    ORIGIN,
    RULE,
    SIGNER,
    WITNESS,
    Clock,
    ServedLog,
    monitor,
    policy,
    record,
)
from evidence.witnessing import MemoryLog
from informativa.evidence.approval import Approval, verify
from informativa.evidence.cosignature import WitnessSigner
from informativa.evidence.erased_leaves import ErasedLeaves, LeafPlace
from informativa.evidence.log_copy import CopySnapshot, require_sound
from informativa.evidence.note import Signer, sign
from informativa.evidence.notes import ApprovalNote, ErasureNote, LostNote, PurgeNote
from informativa.evidence.witness import logs_of
from informativa.evidence.witness_store import WitnessFolder, WitnessStore
from informativa.model.plan import Period
from informativa.operations.evidence.monitor import MonitorSettings

BOX_2 = "acme.example/informativa/acme/pbx-2/1"
SIGNER_2 = Signer(BOX_2, bytes([4]) * 32)
LOST = LostNote(ORIGIN, 1, 3, "dpo-2")
LEAVES = ErasedLeaves.of(bytes(16), [LeafPlace(ORIGIN, 0), LeafPlace(BOX_2, 1)], [LeafPlace(ORIGIN, 2)])


@pytest.fixture
def log(tmp_path: Path) -> ServedLog:
    """A log of 5 records, a rule that wants each erasure approved, and 3 more records; unpublished."""
    served = ServedLog(tmp_path / "web")
    served.top.mkdir()
    (tmp_path / "key").write_text(f"{APPROVER.secret}\n")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "out").mkdir()
    served.records(5)
    served.note(RULE)
    served.records(3)
    return served


def watched(*logs: ServedLog, at: int | None = NOW) -> Path:
    """Publish logs, and look at them once; the state of the monitor."""
    top = logs[0].top.parent
    for log in logs:
        log.publish(at)
    settings = MonitorSettings(policy(top / "policy", *logs), top / "state", published=str(logs[0].top))
    monitor(settings, Clock()).look()
    return top / "state"


def approve(state: Path, *words: object, key: str = "key") -> tuple[int, str, str]:
    """Approve as a script does; the file goes into the folder `out`."""
    top = state.parent
    return typed("evidence", "approve", state, *words, "--key", top / key, "--to", top / "out", "--yes")


def refusal(state: Path, *words: object, key: str = "key", code: int = 1) -> str:
    """Return what approving says that is refused; nothing is written then."""
    ended, out, err = approve(state, *words, key=key)
    assert (ended, out) == (code, "")
    assert "Traceback" not in err
    assert list((state.parent / "out").iterdir()) == []
    return err


def test_one_note(log: ServedLog) -> None:
    """Said in words, signed by the key, and in a file by the name of its text that everybody may read."""
    note = log.note(LOST)
    state = watched(log)
    code, out, err = approve(state, ORIGIN, 9)
    (file,) = (state.parent / "out").iterdir()
    assert (code, err) == (0, "")
    words, place, next_step = out.splitlines()
    assert words == (
        f"{ORIGIN} 9: 2026-11-18T11:06Z: The records of the leaves 1 to 2 of {ORIGIN} are lost. Instruction"
        " dpo-2. It waits for an approval."
    )
    assert place == f"{file}: signed by {APPROVER.verifier}"
    assert "--approvals FOLDER" in next_step
    verified = verify(file.read_bytes(), [APPROVER.verifier])
    assert verified.approval.leaves == (note.leaf,)
    assert file.name == verified.approval.file_name
    assert file.stat().st_mode & 0o777 == 0o644
    log.note(ApprovalNote(file.read_bytes()), verified.approval.time)
    log.publish(verified.approval.time)
    file.unlink()
    assert "is approved already, by acme.example/approver" in refusal(watched(log), ORIGIN, 9)


def test_one_approval_for_all_boxes(log: ServedLog) -> None:
    """Notes of two logs, typed in any order, are lines of one approval."""
    other = ServedLog(log.top, SIGNER_2)
    other.note(replace(RULE))
    other.records(2)
    notes = [log.note(LOST), log.note(ERASURE), other.note(ERASURE)]
    state = watched(log, other)
    code, out, err = approve(state, BOX_2, 3, ORIGIN, 10, 9)
    (file,) = (state.parent / "out").iterdir()
    assert (code, len(out.splitlines())) == (0, 5)
    assert err.count("is about is not known without its list") == 2
    leaves = Approval.unverified(file.read_bytes()).leaves
    assert sorted(leaf.line for leaf in leaves) == sorted(note.leaf.line for note in notes)


def test_a_rule_says_what_it_changes(log: ServedLog) -> None:
    """All values that are other than in the rule in force, whatever they are."""
    loose = replace(RULE, approver=None, witnesses=(), processor=False)
    log.note(replace(loose, retention=Period(days=8), instruction="T-1"))
    code, out, _err = approve(watched(log), ORIGIN, 9)
    assert code == 0
    assert out.splitlines()[1:6] == [
        "  retention: P8D instead of P60M",
        "  processor: 0 instead of 1",
        f"  witnesses: nothing instead of {WITNESS.verifier}",
        f"  approver: nothing instead of {APPROVER.verifier}",
        "  instruction: T-1",
    ]


def test_the_first_rule_says_all(log: ServedLog) -> None:
    """One with holes from before waits, and there was no rule before it."""
    log.entries[5:] = []
    log.note(replace(RULE, purged=7))
    _code, out, _err = approve(watched(log), ORIGIN, 5)
    assert "Before it 7 records were deleted." in out
    assert "  retention: P60M\n  zone: Europe/Rome\n  erasures: each\n  processor: 1\n" in out
    assert "  purged: 7\n" in out


def test_the_list_of_an_erasure(log: ServedLog) -> None:
    """It fits the note, and says how many records of which logs."""
    other = ServedLog(log.top, SIGNER_2)
    other.records(4)
    log.note(ErasureNote(LEAVES.digest, LEAVES.most, "dpo-1"))
    state = watched(log, other)
    (state.parent / "list").write_bytes(LEAVES.data)
    code, out, err = approve(state, ORIGIN, 9, "--list", state.parent / "list")
    assert (code, err) == (0, "")
    assert out.splitlines()[1:3] == [
        f"  Its list, in {ORIGIN}: 1 record of the caller, and 1 record that rested on those.",
        f"  Its list, in {BOX_2}: 1 record of the caller, and 0 records that rested on those.",
    ]


def test_a_list_of_a_log_that_is_not_followed(log: ServedLog) -> None:
    """It is said, for nobody here can see those leaves."""
    log.note(ErasureNote(LEAVES.digest, LEAVES.most, "dpo-1"))
    state = watched(log)
    (state.parent / "list").write_bytes(LEAVES.data)
    code, _out, err = approve(state, ORIGIN, 9, "--list", state.parent / "list")
    assert (code, f"names leaves of {BOX_2}, which the monitor does not follow" in err) == (0, True)


@pytest.mark.parametrize(
    ("leaves", "sentence"),
    [
        (replace(LEAVES, salt=bytes([1]) * 16), "is not that of any of these notes"),
        (ErasedLeaves.of(bytes(16), [LeafPlace(ORIGIN, 0)]), "is not that of any of these notes"),
    ],
)
def test_a_list_that_is_another_ones(log: ServedLog, leaves: ErasedLeaves, sentence: str) -> None:
    """Neither another salt nor other lines are those of the note."""
    log.note(ErasureNote(LEAVES.digest, LEAVES.most, "dpo-1"))
    state = watched(log)
    (state.parent / "list").write_bytes(leaves.data)
    assert sentence in refusal(state, ORIGIN, 9, "--list", state.parent / "list")


@pytest.mark.parametrize(
    ("leaves", "most", "sentence"),
    [
        (LEAVES, 100, "another number of leaves than the note says"),
        (ErasedLeaves.of(bytes(16), [LeafPlace(ORIGIN, 9)]), 10, "leaves that come after the note"),
        (ErasedLeaves.of(bytes(16), [LeafPlace(ORIGIN, 5)]), 10, "names leaf 5 of"),
    ],
)
def test_a_list_that_does_not_fit(log: ServedLog, leaves: ErasedLeaves, most: int, sentence: str) -> None:
    """The note commits to it, and yet it cannot be: `most` is wrong, or a leaf is no record before it."""
    log.note(ErasureNote(leaves.digest, most, "dpo-1"))
    state = watched(log)
    (state.parent / "list").write_bytes(leaves.data)
    assert sentence in refusal(state, ORIGIN, 9, "--list", state.parent / "list")


def test_files_that_are_no_list(log: ServedLog) -> None:
    """Neither a missing one nor another one."""
    log.note(ERASURE)
    state = watched(log)
    (state.parent / "list").write_bytes(b"informativa/list/v2\n")
    assert "It is no list of erased leaves" in refusal(state, ORIGIN, 9, "--list", state.parent / "list")
    assert "No such file" in refusal(state, ORIGIN, 9, "--list", state.parent / "none")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((ORIGIN, 0), f"Leaf 0 of {ORIGIN} is a record: only notes are approved."),
        ((ORIGIN, 5), f"The note 5 of {ORIGIN} needs no approval."),
        ((ORIGIN, 10), f"The note 10 of {ORIGIN} does not hold: The rule that it names is none"),
        ((ORIGIN, 11), f"The note 11 of {ORIGIN} does not hold: "),
        ((ORIGIN, 12), f"The monitor's copy of {ORIGIN} has 12 leaves, and no leaf 12."),
        ((ORIGIN, 2**63 - 1), "and no leaf 9223372036854775807."),
        ((BOX_2, 9), f"The monitor does not follow the log {BOX_2}."),
    ],
)
def test_leaves_that_are_not_approved(log: ServedLog, words: tuple[object, ...], sentence: str) -> None:
    """Each is refused with its reason, also beside one that could be."""
    log.note(LOST)
    log.note(PurgeNote(ORIGIN, 2, noted.AT.replace(year=2020), 4))
    log.entries.append(b"neither a record nor a note")
    state = watched(log)
    assert sentence in refusal(state, *words)
    assert sentence in refusal(state, ORIGIN, 9, *words)


def test_all_reasons_at_once(log: ServedLog) -> None:
    """Who named several learns of each."""
    message = refusal(watched(log), ORIGIN, 0, 5, BOX_2, 1)
    assert [part in message for part in ("Leaf 0", "note 5", BOX_2)] == [True, True, True]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((ORIGIN,), "should be the numbers of its notes"),
        ((9,), "9 is neither the origin of a log nor the number of a note"),
        ((ORIGIN, "x"), "x is neither"),
        ((ORIGIN, "09"), "09 is neither"),
        ((ORIGIN, "٩"), "is neither"),
        (("acme.example/other", 9), "acme.example/other is neither"),
        ((ORIGIN, BOX_2, 9), "should be the numbers of its notes"),
        ((ORIGIN, 9, BOX_2), "should be the numbers of its notes"),
        ((ORIGIN, 9, 9), "A note stands there twice."),
        ((ORIGIN, 9, ORIGIN, 9), "A note stands there twice."),
        ((ORIGIN, *range(65)), "One approval is for 64 notes at most."),
    ],
)
def test_what_cannot_be_understood(log: ServedLog, words: tuple[object, ...], sentence: str) -> None:
    """A mistyped leaf is a mistake of the command line."""
    assert sentence in refusal(watched(log), *words, code=2)


def test_sixty_four_notes(log: ServedLog) -> None:
    """As many as there can be in one approval."""
    for _number in range(64):
        log.note(ERASURE)
    state = watched(log)
    code, _out, _err = approve(state, ORIGIN, *range(9, 73))
    (file,) = (state.parent / "out").iterdir()
    assert (code, len(Approval.unverified(file.read_bytes()).leaves)) == (0, 64)


def test_an_approval_of_another_leaf_approves_nothing_else(log: ServedLog) -> None:
    """Put into the log beside a note of the same words it leaves that one waiting."""
    log.note(LOST)
    state = watched(log)
    approve(state, ORIGIN, 9)
    (file,) = (state.parent / "out").iterdir()
    other = ServedLog(log.top, SIGNER_2)
    other.records(8)
    other.note(RULE)
    other.note(LOST)
    log.note(LOST)
    other.note(ApprovalNote(file.read_bytes()))
    state = watched(log, other)
    file.unlink()
    assert "The note 9 of acme.example/informativa/acme/pbx-1/1 is approved already" in refusal(
        state, ORIGIN, 9
    )
    assert approve(state, ORIGIN, 10, BOX_2, 9)[0] == 0


def test_a_copy_that_no_witness_signed(log: ServedLog) -> None:
    """The company's own word is not enough; a look after the witness signed is."""
    log.note(LOST)
    state = watched(log, at=None)
    assert "have not signed the copy" in refusal(state, ORIGIN, 9)
    assert approve(watched(log), ORIGIN, 9)[0] == 0


def test_a_policy_without_witnesses(log: ServedLog) -> None:
    """One that asks for none is enough for a monitor, and not to approve."""
    log.note(LOST)
    state = watched(log)
    policy(state.parent / "none", log, witnesses=())
    assert "have not signed the copy" in refusal(state, ORIGIN, 9, "--policy", state.parent / "none")


def test_too_few_witnesses(log: ServedLog) -> None:
    """One of two signed, and the policy wants both."""
    log.note(LOST)
    state = watched(log)
    second = WitnessSigner("second.example", bytes([6]) * 32)
    names = f"witness one {WITNESS.verifier}\nwitness two {second.verifier}\n"
    for quorum, count in ("any", 1), ("all", 0):
        text = f"log {SIGNER.verifier}\n{names}group both {quorum} one two\nquorum both\n"
        (state.parent / "two").write_text(text)
        ended, _out, err = approve(state, ORIGIN, 9, "--policy", state.parent / "two")
        assert (ended, "have not signed the copy" in err) == (1 - count, count == 0)


def test_the_policy_of_the_last_look(log: ServedLog) -> None:
    """The state has it; another one may be named, and counts then."""
    log.note(LOST)
    state = watched(log)
    (state.parent / "policy").unlink()
    assert approve(state, ORIGIN, 9)[0] == 0
    (state / "policy").unlink()
    for file in (state.parent / "out").iterdir():
        file.unlink()
    assert "policy cannot be read" in refusal(state, ORIGIN, 9)
    policy(state.parent / "again", log)
    assert approve(state, ORIGIN, 9, "--policy", state.parent / "again")[0] == 0


def test_a_log_that_contradicts_itself(log: ServedLog) -> None:
    """Nothing in it is approved any more."""
    log.note(LOST)
    state = watched(log)
    log.entries[2] = record(99)
    (log.folder / "checkpoint").write_bytes(log.signed())
    settings = MonitorSettings(state.parent / "policy", state, published=str(log.top))
    monitor(settings, Clock()).look()
    assert "contradicts what it signed" in refusal(state, ORIGIN, 9)


def test_a_copy_that_was_changed(log: ServedLog) -> None:
    """Its leaves are no longer those of its checkpoint."""
    log.note(LOST)
    state = watched(log)
    (bundle,) = (file for file in (state / ORIGIN / "tile/entries").rglob("*") if file.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b"dpo-2", b"dpo-3"))
    assert "is not what was written there" in refusal(state, ORIGIN, 9)


def test_a_log_without_a_copy(log: ServedLog) -> None:
    """It is in the policy, and the monitor has never read it."""
    log.note(LOST)
    state = watched(log)
    shutil.rmtree(state / ORIGIN)
    message = refusal(state, ORIGIN, 9)
    assert "There is no copy of it in" in message
    assert not (state / ORIGIN).exists()


@pytest.mark.parametrize("name", ["none", "web", "key"])
def test_a_state_that_is_none(log: ServedLog, name: str) -> None:
    """Nothing, another folder, a file."""
    state = watched(log)
    (state.parent / "none").unlink(missing_ok=True)
    assert "is not the state of a monitor" in refusal(state.parent / name, ORIGIN, 9)


def test_nothing_is_written_into_the_state(log: ServedLog) -> None:
    """It may be another user's, and only to be read."""
    log.note(LOST)
    state = watched(log)
    before = {file: file.stat().st_mtime_ns for file in state.rglob("*")}
    approve(state, ORIGIN, 9)
    assert {file: file.stat().st_mtime_ns for file in state.rglob("*")} == before


@pytest.mark.parametrize("count", [1, 246, 247, 1000])
def test_a_monitor_may_go_on_meanwhile(log: ServedLog, count: int) -> None:
    """What was begun to be read stays as it was, although its last bundle is another file now."""
    log.note(LOST)
    state = watched(log)
    snapshot = CopySnapshot(state / ORIGIN)
    log.records(count)
    log.note(LOST)
    watched(log)
    require_sound(snapshot)
    assert snapshot.size == 10
    assert [index for index, _entry in snapshot.other_entries(0)] == [5, 9]


# the own witness


def own_witness(top: Path, log: ServedLog, *sizes: int) -> Path:
    """A witness that signed the log at these sizes; its folder."""
    folder = WitnessFolder(top / "witness")
    witness = folder.make("home.example")
    signed, old = MemoryLog(*log.entries, signer=log.signer), 0
    with closing(WitnessStore(folder)) as store:
        for size in sizes:
            request = signed.request(old, size).body
            assert store.answer(request, logs_of([log.signer.verifier]), witness, NOW).status == 200
            old = size
    return folder.folder


def test_what_the_own_witness_signed(log: ServedLog) -> None:
    """With --witness a leaf counts only below what that signed."""
    log.note(LOST)
    log.note(LOST)
    state = watched(log)
    witness = own_witness(state.parent, log, 10)
    assert f"Your witness has not signed leaf 10 of {ORIGIN} yet." in refusal(
        state, ORIGIN, 10, "--witness", witness
    )
    assert approve(state, ORIGIN, 9, "--witness", witness)[0] == 0


def test_what_the_own_witness_signed_otherwise(log: ServedLog) -> None:
    """Another tree than the monitor's copy, nothing at all, or a folder that is none."""
    log.note(LOST)
    state = watched(log)
    other = ServedLog(state.parent / "other")
    other.entries = [record(77), *log.entries[1:]]
    other.publish()
    assert "Your witness signed another log" in refusal(
        state, ORIGIN, 9, "--witness", own_witness(state.parent, other, 10)
    )
    shutil.rmtree(state.parent / "witness")
    assert "Your witness has signed nothing" in refusal(
        state, ORIGIN, 9, "--witness", own_witness(state.parent, log)
    )
    assert "cannot be used" in refusal(state, ORIGIN, 9, "--witness", state.parent / "nowhere")


# the key


def test_a_key_is_made_and_shown(tmp_path: Path) -> None:
    """For its owner alone; a second time it is shown, and another name is refused."""
    file = tmp_path / "dpo.key"
    code, out, err = typed("evidence", "approver-key", file, "--name", "acme.example/dpo")
    key = out.splitlines()[0]
    assert (code, err, key.startswith("acme.example/dpo+")) == (0, "", True)
    assert f"The private key lies in {file}" in out.splitlines()[1]
    assert file.stat().st_mode & 0o777 == 0o600
    assert typed("evidence", "approver-key", file) == (0, f"{key}\n", "")
    assert typed("evidence", "approver-key", file, "--name", "acme.example/dpo") == (0, f"{key}\n", "")
    code, out, _err = typed("evidence", "approver-key", file, "--json")
    assert json.loads(out) == {"schema": 1, "key": key, "file": str(file)}
    secret = file.read_text()
    code, out, err = typed("evidence", "approver-key", file, "--name", "acme.example/other")
    assert (code, out, "another one needs a file of its own" in err) == (1, "", True)
    assert file.read_text() == secret
    assert secret.strip() not in out + err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("none",), "No such file"),
        (("none", "--name", "a b"), "A key's name is not empty"),
        (("none", "--name", ORIGIN), "is a log, and whoever approves signs nothing else"),
        (("no/folder", "--name", "acme.example/dpo"), "No such file"),
    ],
)
def test_keys_that_are_not_made(tmp_path: Path, words: tuple[str, ...], sentence: str) -> None:
    """Nothing is written then."""
    code, out, err = typed("evidence", "approver-key", tmp_path / words[0], *words[1:])
    assert (code, out, sentence in err) == (1, "", True)
    assert list(tmp_path.iterdir()) == []


def test_keys_that_do_not_approve(log: ServedLog) -> None:
    """One that others can read, a missing one, another file, and those of a log and of a witness."""
    log.note(LOST)
    state = watched(log)
    key = state.parent / "key"
    for mode in (0o640, 0o604, 0o620):
        key.chmod(mode)
        assert f"Others can read {key}; type: chmod 600 {key}" in refusal(state, ORIGIN, 9)
    assert "No such file" in refusal(state, ORIGIN, 9, key="none")
    for content, sentence in {
        str(APPROVER.verifier): "has no key that approves",
        "": "has no key that approves",
        "x" * 5000: "cannot be used: File too large",
        SIGNER.secret: "is a log",
        Signer("acme.example/dpo", SIGNER.seed).secret: f"This key is also that of {ORIGIN}",
        WITNESS.secret: "is of another kind",
        Signer("acme.example/dpo", WITNESS.seed).secret: "This key is also that of home.example",
    }.items():
        key.write_text(content)
        key.chmod(0o600)
        assert sentence in refusal(state, ORIGIN, 9)


def test_a_key_that_the_rule_does_not_name(log: ServedLog) -> None:
    """It may sign all the same, for the monitor's --approver counts, and is told so."""
    log.note(LOST)
    state = watched(log)
    other = Signer("acme.example/dpo", bytes([5]) * 32)
    (state.parent / "key").write_text(other.secret)
    code, _out, err = approve(state, ORIGIN, 9)
    assert (code, "says that acme.example/approver approves, which is another key" in err) == (0, True)


def test_what_somebody_else_approved(log: ServedLog) -> None:
    """With the other's key as --approver it is approved already; without it, it waits for this one."""
    note = log.note(LOST)
    other = Signer("acme.example/dpo", bytes([5]) * 32)
    log.note(ApprovalNote(sign(Approval.of(NOW, [note.leaf]).text, other)))
    state = watched(log)
    assert "is approved already, by acme.example/dpo" in refusal(
        state, ORIGIN, 9, "--approver", str(other.verifier)
    )
    assert approve(state, ORIGIN, 9)[0] == 0


# the file


def test_a_file_that_is_there(log: ServedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same once more is no mistake; another content under its name is never overwritten."""
    monkeypatch.setattr("informativa.cli.commands.approve.time.time", lambda: NOW + 0.9)
    log.note(LOST)
    state = watched(log)
    assert approve(state, ORIGIN, 9)[0] == 0
    (file,) = (state.parent / "out").iterdir()
    data = file.read_bytes()
    assert approve(state, ORIGIN, 9)[0] == 0
    assert file.read_bytes() == data
    assert b"\ntime 1795000000\n" in data
    file.write_bytes(data + b"x")
    code, _out, err = approve(state, ORIGIN, 9)
    assert (code, "is there with another content" in err) == (1, True)
    assert file.read_bytes() == data + b"x"


def test_a_folder_that_cannot_be_written(log: ServedLog) -> None:
    """It is said, with the option that names another one."""
    log.note(LOST)
    state = watched(log)
    (state.parent / "out").rmdir()
    code, _out, err = approve(state, ORIGIN, 9)
    assert (code, "Name a folder of yours with --to." in err) == (1, True)


def test_as_a_document(log: ServedLog) -> None:
    """All that people read, as data; without --yes nobody can be asked, and nothing is signed."""
    log.note(ErasureNote(LEAVES.digest, LEAVES.most, "dpo-1"))
    state = watched(log)
    (state.parent / "list").write_bytes(LEAVES.data)
    code, out, err = approve(state, ORIGIN, 9, "--list", state.parent / "list", "--json")
    (file,) = (state.parent / "out").iterdir()
    facts = json.loads(out)
    (note,) = facts["notes"]
    assert code == 0
    assert facts["file"] == str(file)
    assert facts["key"] == str(APPROVER.verifier)
    assert (note["log"], note["index"], note["note"], note["instruction"]) == (ORIGIN, 9, "erasure", "dpo-1")
    assert note["erasure_list"]["logs"][1] == {"log": BOX_2, "erased": 1, "resting": 0}
    assert facts["warnings"] == [err.removeprefix("warning: ").strip()]
    file.unlink()
    code, out, err = typed(
        "evidence", "approve", state, ORIGIN, 9, "--key", state.parent / "key", "--json", "--to", file.parent
    )
    assert (code, json.loads(out)["ok"], "nobody can be asked here" in err) == (1, False, True)
    assert list(file.parent.iterdir()) == []


def test_without_a_terminal_nobody_is_asked(log: ServedLog) -> None:
    """The notes are shown, and nothing is signed."""
    log.note(LOST)
    state = watched(log)
    code, out, err = typed(
        "evidence", "approve", state, ORIGIN, 9, "--key", state.parent / "key", "--to", state.parent / "out"
    )
    assert (code, "are lost" in out, "add --yes" in err) == (1, True, True)
    assert list((state.parent / "out").iterdir()) == []


@pytest.mark.sample(1)
@pytest.mark.parametrize(("answer", "code", "files"), [("n", 1, 0), ("", 1, 0), ("y", 0, 1)])
@pytest.mark.slow
def test_at_a_terminal(log: ServedLog, answer: str, code: int, files: int) -> None:
    """Only a yes signs."""
    log.note(LOST)
    state = watched(log)
    terminal, its = pty.openpty()
    command = [PROGRAM, "evidence", "approve", state, ORIGIN, "9", "--key", state.parent / "key"]
    with subprocess.Popen([*command, "--to", state.parent / "out"], stdin=its, stdout=its, stderr=its) as ran:
        os.close(its)
        os.write(terminal, f"{answer}\n".encode())
        printed = b""
        with suppress(OSError):  # which is how a terminal ends
            while part := os.read(terminal, 65536):
                printed += part
        assert ran.wait(60) == code
    os.close(terminal)
    assert b"Do you approve this, for your company? [no]" in printed
    assert (b"Nothing was signed." in printed) == (files == 0)
    assert len(list((state.parent / "out").iterdir())) == files
