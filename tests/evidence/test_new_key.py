"""Another signing key: the log ends, and the next begins with its last checkpoint."""

from __future__ import annotations

import base64
import json
import shutil
from contextlib import closing
from pathlib import Path

from commands import refused, run
from evidence.logs import configured, record, signed
from evidence.witnessing import serving_logs
from informativa.config import load
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Verifier, sign
from informativa.evidence.tree import leaf_hash, root
from informativa.evidence.witness_store import WitnessFolder
from informativa.model import Controller, Reason, RecordKind
from informativa.operations.evidence import logs, receipts, verifying
from informativa.process import storage

NAME = "acme.example/informativa/acme/pbx-1"


def test_a_new_key_begins_another_log(folder: Path, tmp_path: Path) -> None:
    """The old key signs the earlier records, and is deleted then. All is published and sound, receipts of
    both logs hold by both keys, and those of one log by its own key alone."""
    mount = tmp_path / "mount"
    mount.mkdir()
    acme = configured(folder, "publish: [{folder: " + str(mount) + ", independent: true}]")
    record(acme, 3)
    assert signed(folder) == 3
    record(acme, 2)
    old, new = run(
        "evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme"
    ).stdout.split()
    assert (old.partition("+")[0], new.partition("+")[0]) == (f"{NAME}/1", f"{NAME}/2")
    assert not (LogFolder(Path(acme.ledger)).folder / "signing/1.key").exists()
    record(acme)
    assert signed(folder) == 2
    with closing(storage.store(acme, read_only=True)) as store:
        first = list(store.records())[5].event
    last = (LogFolder(Path(acme.ledger)).folder / "1/checkpoint").read_text().splitlines()[:3]
    root = base64.b64decode(last[2]).hex()
    assert (first.kind, first.reason) == (RecordKind.NEW_LOG, Reason.NEW_KEY)
    assert first.reference == f"after 5 records of {NAME}/1, root {root}"
    document = json.loads(
        run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme", "--json").stdout
    )
    assert [(log["log"], log["size"]) for log in document["logs"]] == [(f"{NAME}/1", 5), (f"{NAME}/2", 2)]
    for epoch, size in ((1, "5"), (2, "2")):
        checkpoint = (mount / f"informativa/acme/pbx-1/{epoch}/checkpoint").read_text()
        assert checkpoint.splitlines()[1] == size
    assert logs.audit(acme).sound
    audit = ("evidence", "audit", "-c", folder / "informativa.yaml", "--controller", "acme")
    assert "  7 records (7 whole, 0 erased, 0 purged, 0 lost); 7 signed.\n" in run(*audit).stdout
    (audit_document,) = json.loads(run(*audit, "--json").stdout)["ledgers"]
    assert (
        audit_document["size"],
        audit_document["signed"],
        audit_document["whole"],
        audit_document["log"],
    ) == (7, 7, 7, f"{NAME}/2")
    copy = mount / "informativa/acme/pbx-1"
    assert run(*audit, "--log", copy).returncode == 0
    for place in (copy.parent, copy / "1", mount / "nowhere"):
        assert refused(*audit, "--log", place).startswith(f"informativa: {place} has no log that was")
    again = json.loads(
        run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme", "--json").stdout
    )
    assert [log["log"] for log in again["logs"]] == [f"{NAME}/2"]
    files = []
    for number in (1, 7):
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
    assert signed(folder) == 3
    record(acme, 2)
    shutil.rmtree(LogFolder(Path(acme.ledger)).folder)
    checkpoint = ("evidence", "checkpoint", "-c", folder / "informativa.yaml", "--controller", "acme")
    assert "end the log: informativa evidence key -c" in refused(*checkpoint)
    entries = entries_of(acme)
    ran = run("evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme")
    assert ran.returncode == 0
    record(acme)
    assert signed(folder) == 2
    with closing(storage.store(acme, read_only=True)) as store:
        first = list(store.records())[5].event
    tree = root(list(map(leaf_hash, entries))).hex()
    assert first.reference == f"after 5 records of {NAME}/1, root {tree}"
    audit = logs.audit(acme)
    assert [str(problem) for problem in audit.problems] == [
        f"The log in {LogFolder(Path(acme.ledger)).folder}/1 ends before 3 records that were signed according"
        f" to the ledger {acme.ledger}."
    ]
    assert (audit.whole, audit.signed, audit.flaws) == (7, 2, ())


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
    sound_audit = logs.audit(acme, settings=settings)
    assert [(place.log, place.size, place.problem) for place in sound_audit.elsewhere] == [
        (f"{NAME}/1", 3, None),
        (f"{NAME}/2", 1, None),
    ]
    shutil.rmtree(log.published(1).folder)
    entries = [b"informativa/record/v1\n" + bytes([number]) * 64 for number in range(3)]
    log.published(1).put_key(old.verifier)
    log.published(1).extend(0, entries)
    checkpoint = Checkpoint(old.name, 3, root(map(leaf_hash, entries)))
    log.published(1).put_checkpoint(3, sign(checkpoint.text, old))
    forged_audit = logs.audit(acme, settings=settings)
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
        assert signed(folder) == 1
        completed = run("evidence", "key", "-c", folder / "informativa.yaml", "--new", "--controller", "acme")
        assert "No checkpoint was signed by it yet: " in completed.stderr
        keys.append(Verifier.parse(logs.keys(acme)[1].key or ""))
        assert signed(folder) == 1
        run("evidence", "publish", "-c", folder / "informativa.yaml", "--controller", "acme")
        assert logs.audit(acme).sound


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
