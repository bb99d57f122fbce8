"""Another signing key: the log ends, and the next begins with its last checkpoint."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from commands import refused, run
from evidence import ruled
from evidence.logs import configured, record, signed
from evidence.witnessing import serving_logs
from examples import AT, PLAYED
from informativa.config import load
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder, PublishedLog
from informativa.evidence.note import Verifier, sign
from informativa.evidence.note_standing import NoteVerdict
from informativa.evidence.notes import NewLogNote, NextNote, NoteContent, RuleNote
from informativa.evidence.tree import Frontier, leaf_hash, root
from informativa.evidence.witness_store import WitnessFolder
from informativa.ledgers import approvals, leaves, note_leaves, own_logs, sequencer
from informativa.ledgers.sequencer import begin_epoch, sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Controller, Reason, RecordKind
from informativa.model.errors import InformativaError
from informativa.operations.evidence import auditing, logs, receipts, verifying
from informativa.process import storage

NAME = "acme.example/informativa/acme/pbx-1"


def test_a_new_key_begins_another_log(folder: Path, tmp_path: Path) -> None:
    """The old key signs the earlier records, and is deleted then. All is published and sound, receipts of
    both logs hold by both keys, and those of one log by its own key alone."""
    mount = tmp_path / "mount"
    mount.mkdir()
    acme = configured(folder, "publish: [{folder: " + str(mount) + ", independent: true}]")
    record(acme, 3)
    assert signed(folder) == 4
    record(acme, 2)
    old, new = run(
        "evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme"
    ).stdout.split()
    assert (old.partition("+")[0], new.partition("+")[0]) == (f"{NAME}/1", f"{NAME}/2")
    assert not (LogFolder(Path(acme.ledger)).folder / "signing/1.key").exists()
    record(acme)
    assert signed(folder) == 3
    with closing(storage.store(acme, read_only=True)) as store:
        first = list(store.records())[8].event
    assert (first.kind, first.reason) == (RecordKind.NEW_LOG, Reason.NEW_KEY)
    end = Checkpoint.unverified((LogFolder(Path(acme.ledger)).folder / "1/checkpoint").read_bytes())
    rule, following, new_log, same_rule = contents(acme)
    assert (following, new_log) == (NextNote(Verifier.parse(new)), NewLogNote((end,)))
    assert isinstance(rule, RuleNote)
    assert same_rule == rule
    document = json.loads(
        run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme", "--json").stdout
    )
    assert [(log["log"], log["size"]) for log in document["logs"]] == [(f"{NAME}/1", 8), (f"{NAME}/2", 3)]
    for epoch, size in ((1, "8"), (2, "3")):
        checkpoint = (mount / f"informativa/acme/pbx-1/{epoch}/checkpoint").read_text()
        assert checkpoint.splitlines()[1] == size
    assert auditing.audit(acme).sound
    audit = ("evidence", "audit", "-c", folder / "informativa.yaml", "--controller", "acme")
    assert "  11 records (11 whole, 0 erased, 0 purged, 0 lost); 11 signed.\n" in run(*audit).stdout
    (audit_document,) = json.loads(run(*audit, "--json").stdout)["ledgers"]
    assert (
        audit_document["size"],
        audit_document["signed"],
        audit_document["whole"],
        audit_document["log"],
    ) == (11, 11, 11, f"{NAME}/2")
    copy = mount / "informativa/acme/pbx-1"
    assert run(*audit, "--log", copy).returncode == 0
    for place in (copy.parent, copy / "1", mount / "nowhere"):
        assert refused(*audit, "--log", place, code=2).startswith(f"informativa: {place} has no log that was")
    again = json.loads(
        run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme", "--json").stdout
    )
    assert [log["log"] for log in again["logs"]] == [f"{NAME}/2"]
    files = []
    for number in (2, 11):
        files.append(tmp_path / str(number))
        files[-1].write_bytes(receipts.of_record(acme, number).receipt.proof.data)
    keys = logs.trusted_keys([old, new])
    assert [receipt.holds for receipt in verifying.verify(files, keys).receipts] == [True, True]
    assert [receipt.holds for receipt in verifying.verify(files, keys[1:]).receipts] == [False, True]


def test_log_that_is_gone_for_good_is_ended(folder: Path) -> None:
    """Where nobody has a copy of its folder: the next log names all leaves that the ledger has, and the audit
    goes on to say that the signed log is gone."""
    acme = configured(folder)
    record(acme, 3)
    assert signed(folder) == 4
    record(acme, 2)
    shutil.rmtree(LogFolder(Path(acme.ledger)).folder)
    checkpoint = ("evidence", "checkpoint", "-c", folder / "informativa.yaml", "--controller", "acme")
    assert "end the log: informativa evidence key -c" in refused(*checkpoint)
    ran = run("evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme")
    assert ran.returncode == 0
    entries = entries_of(acme)[:7]  # the last one has the totals
    record(acme)
    assert signed(folder) == 3
    tree = Checkpoint(f"{NAME}/1", 7, root(list(map(leaf_hash, entries))))
    assert contents(acme)[1:2] == [NewLogNote((tree,), "unstated")]
    audit = auditing.audit(acme)
    assert [str(problem) for problem in audit.problems] == [
        f"The log in {LogFolder(Path(acme.ledger)).folder}/1 ends before 4 records that were signed according"
        f" to the ledger {acme.ledger}."
    ]
    assert (audit.whole, audit.signed, audit.flaws) == (10, 3, ())


def test_calls_are_recorded_while_an_unsigned_end_is_hashed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Leaves are hashed before the lock of writers is taken; what is recorded meanwhile is in the tree."""
    acme = configured(folder)
    record(acme, 3)
    signed(folder)
    ledger, real = Path(acme.ledger), sequencer.leaves_so_far
    (LogFolder(ledger).folder / "signing/1.key").unlink()

    def meanwhile(store: SqliteStore, log: leaves.LedgerLog, published: PublishedLog) -> Frontier:
        frontier = real(store, log, published)
        record(acme)
        return frontier

    monkeypatch.setattr(sequencer, "leaves_so_far", meanwhile)
    begin_epoch(ledger, AT, "OPS/7")
    tree = Checkpoint(f"{NAME}/1", 5, root(list(map(leaf_hash, entries_of(acme)[:5]))))
    assert contents(acme)[1:2] == [NewLogNote((tree,), "OPS/7")]


def contents(company: Controller) -> list[NoteContent]:
    """Return what the notes of the ledger say, in order."""
    with closing(storage.store(company, read_only=True)) as store:
        return [written.content for written in store.log_notes()]


def entries_of(company: Controller) -> list[bytes]:
    """The entries that the ledger has."""
    with closing(storage.store(company, read_only=True)) as store:
        return store.entries(0, 1000)


def test_i7_earlier_log_that_was_written_anew_contradicts_what_others_have(
    folder: Path, tmp_path: Path
) -> None:
    """I7: by whoever kept its key: an audit asks for every epoch, and not for the newest alone."""
    mount = tmp_path / "mount"
    mount.mkdir()
    acme = configured(folder, "publish: [{folder: " + str(mount) + ", independent: true}]")
    settings = load(folder / "informativa.yaml").evidence
    log = LogFolder(Path(acme.ledger))
    record(acme, 3)
    signed(folder)
    old = log.signer(f"{NAME}/1", 1)
    run("evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme")
    run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme")
    sound_audit = auditing.audit(acme, settings=settings)
    assert [(place.log, place.size, place.problem) for place in sound_audit.elsewhere] == [
        (f"{NAME}/1", 6, None),
        (f"{NAME}/2", 2, None),
    ]
    shutil.rmtree(log.published(1).folder)
    entries = [b"informativa/record/v2\n" + bytes([number]) * 64 for number in range(5)]
    log.published(1).put_key(old.verifier)
    log.published(1).extend(0, entries)
    checkpoint = Checkpoint(old.name, 5, root(map(leaf_hash, entries)))
    log.published(1).put_checkpoint(5, sign(checkpoint.text, old))
    forged_audit = auditing.audit(acme, settings=settings)
    assert not forged_audit.sound
    assert [place.contradicts for place in forged_audit.elsewhere] == [True, False]


def test_a_witness_must_know_a_new_key_first(folder: Path, tmp_path: Path) -> None:
    """Until then nothing is signed by it, which is said with the key; the old log is whole at the witness."""
    home = WitnessFolder(tmp_path / "home")
    witness = home.make("home.example").verifier
    with serving_logs(tmp_path / "home") as (port, keys):
        acme = configured(folder, f"witness: [{{key: {witness}, url: 'http://127.0.0.1:{port}'}}]")
        record(acme)
        refused("evidence", "checkpoint", "-c", folder / "informativa.yaml", "--controller", "acme")
        keys.append(Verifier.parse(logs.keys(acme)[0].key or ""))
        assert signed(folder) == 2
        completed = run("evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme")
        assert "No checkpoint was signed by it yet: " in completed.stderr
        keys.append(Verifier.parse(logs.keys(acme)[1].key or ""))
        assert signed(folder) == 2
        run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme")
        assert auditing.audit(acme).sound


def test_of_several_companies_one_must_be_named(folder: Path) -> None:
    """No key is changed of a company that the command did not name."""
    acme = configured(folder)
    borealis = load(folder / "informativa.yaml").controllers["borealis"]
    for controller in (acme, borealis):
        record(controller)
    signed(folder)
    keys_before = logs.keys(acme)
    assert "Name one: --controller" in refused("evidence", "key", "-c", folder / "informativa.yaml", "--new")
    assert logs.keys(acme) == keys_before
    assert len(logs.keys(borealis)) == 1


class Killed(BaseException):
    """The end of a process at one point."""


STEPS = (
    (LogFolder, "signer", 3),
    (LogFolder, "keep_signed", 3),
    (PublishedLog, "put_checkpoint", 2),
    (PublishedLog, "extend", 2),
    (LogFolder, "retire", 1),
    (note_leaves, "append", 3),
    (leaves, "begin_another", 1),
    (own_logs, "remember", 2),
)
"""The steps of a change, and how often each is done."""


def signed_in_part(folder: Path) -> Path:
    """Return a ledger with a record that is signed, and one that is not."""
    ledger = folder / "acme.sqlite3"
    ruled.record(ledger)
    sequence(ledger)
    ruled.record(ledger)
    return ledger


def test_steps_of_a_change_are_done_so_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time is interrupted below."""
    ledger, done = signed_in_part(tmp_path), list[str]()
    for place, name, _times in STEPS:
        step = getattr(place, name)

        def counted(*values: object, step: Any = step, name: str = name, **options: object) -> object:
            done.append(name)
            return step(*values, **options)

        monkeypatch.setattr(place, name, counted)
    begin_epoch(ledger, AT)
    assert Counter(done) == {name: times for _place, name, times in STEPS}


@pytest.mark.sample(10)
@pytest.mark.parametrize("again", ["the service", "the command"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize(
    ("place", "name", "count"),
    [
        pytest.param(place, name, count, id=f"{name}-{count}")
        for place, name, times in STEPS
        for count in range(1, times + 1)
    ],
)
def test_interrupted_change_goes_on(
    tmp_path: Path,
    place: object,
    name: str,
    count: int,
    before: bool,
    again: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed before or after any step of it, there is the old log alone, or both, of which the service or the
    same command signs what is left; calls go on meanwhile."""
    ledger = signed_in_part(tmp_path)
    original, calls = getattr(place, name), 0

    def interrupted(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if before and calls == count:
            raise Killed
        result = original(*arguments, **options)
        if calls == count:
            raise Killed
        return result

    monkeypatch.setattr(place, name, interrupted)
    with pytest.raises(Killed):
        begin_epoch(ledger, AT)
    monkeypatch.undo()
    ruled.record(ledger)
    if again == "the command":
        sequence(ledger)
        begin_epoch(ledger, AT)
    ruled.sound(ledger)
    assert {verdict for _kind, verdict in ruled.verdicts(ledger, rules=True)} == {NoteVerdict.HOLDS}
    with closing(SqliteStore(str(ledger))) as store:
        *earlier_logs, _log = store.logs()
    folder = LogFolder(ledger)
    assert not any(folder.has_key(log.epoch) for log in earlier_logs)
    assert all(folder.published(log.epoch).sizes()[-1] == log.size for log in earlier_logs)


def test_log_that_cannot_be_ended_asks_for_the_instruction(tmp_path: Path) -> None:
    """Where somebody approves and the folder of the log is gone; nothing is changed before."""
    ledger = ruled.approved(tmp_path)
    with closing(SqliteStore(str(ledger))) as store:
        store.append([PLAYED])  # which nobody signed
    shutil.rmtree(LogFolder(ledger).folder)
    content = ledger.read_bytes()
    with pytest.raises(InformativaError) as refused:
        begin_epoch(ledger, AT)
    assert (refused.value.exit_code, refused.value.code) == (2, "instruction-refused")
    assert ledger.read_bytes() == content
    begin_epoch(ledger, AT, "OPS/7")
    (new_log,) = [content for content in ruled.contents(ledger) if isinstance(content, NewLogNote)]
    assert new_log.instruction == "OPS/7"
    with closing(SqliteStore(str(ledger))) as store:
        waiting, _noted = approvals.state(store, None)
    assert [standing.entry.note.content for standing in waiting if standing.entry.note] == [new_log]


def test_chain_of_logs_holds(tmp_path: Path) -> None:
    """Each log names the key of the next one, which names its tree and has the same rule."""
    ledger = ruled.approved(tmp_path)
    for _ in range(3):
        begin_epoch(ledger, AT)
    ruled.sound(ledger)
    verdicts = ruled.verdicts(ledger, rules=True)
    assert len(verdicts) == 1 + 3 * 3
    assert {verdict for _kind, verdict in verdicts} == {NoteVerdict.HOLDS}


def test_instruction_that_is_none_is_refused(folder: Path) -> None:
    """Such as one with a number in it; before anything is done."""
    acme = configured(folder)
    record(acme)
    command = ("evidence", "key", "-c", folder / "informativa.yaml", "--controller", "acme", "--new")
    ran = run(*command, "--instruction", "caller 3331234567")
    assert ran.returncode == 2
    assert "An instruction is at most 40 letters" in ran.stderr
    assert len(logs.keys(acme)) == 1
