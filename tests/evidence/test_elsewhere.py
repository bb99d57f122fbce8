"""The rule of signing: nothing that others have is contradicted, and somebody of them must answer."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from commands import refused, run, typed
from evidence.ledger import forged
from evidence.logs import NOW, configured, key, published, record, signed
from evidence.serving import nowhere
from evidence.witnessing import serving_logs
from informativa.config import load
from informativa.evidence import note, tree
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Signer
from informativa.evidence.policy import Policy
from informativa.evidence.witness_client import WitnessClient
from informativa.evidence.witness_store import WitnessFolder
from informativa.ledgers import rows
from informativa.model import Controller, Verdict
from informativa.model.errors import EvidenceError, ForkError, SigningError
from informativa.operations.evidence import auditing, logs
from informativa.process import maintenance, publication

CLOCK = "  To note: The clock was put back by more than 10 minutes once, before record 2 was made."
COLUMNS = rows.COLUMNS.replace("record, ", "", 1)


def test_a_witness_of_the_controller_signs_each_checkpoint(folder: Path, tmp_path: Path) -> None:
    """At home it knows the log by its key: its signature stands under what is published, and a policy that
    asks for it is met."""
    mount = tmp_path / "mount"
    mount.mkdir()
    home = WitnessFolder(tmp_path / "home")
    witness = home.make("home.example").verifier
    with serving_logs(tmp_path / "home") as (port, keys):
        acme = configured(
            folder,
            "publish: [{folder: " + str(mount) + ", independent: true}]",
            f"witness: [{{key: {witness}, url: 'http://127.0.0.1:{port}'}}]",
        )
        record(acme, 3)
        mount.rename(tmp_path / "away")
        with pytest.raises(SigningError, match=r"does not know this log|is not there"):
            signed(folder)
        keys.append(key(acme))  # which is there before anything is signed
        assert signed(folder) == 4
        assert not published(folder).complete
        (tmp_path / "away").rename(mount)
        for size in (5, 6):
            record(acme)
            assert signed(folder) == size
            published_log = published(folder)
            assert published_log.complete
            assert [(target.size, target.independent) for target in published_log.targets] == [(size, True)]
    data = (mount / "informativa/acme/pbx-1/1/checkpoint").read_bytes()
    policy = Policy.parse(f"log {key(acme)}\nwitness home {witness}\nquorum home\n".encode())
    witnessed = policy.verify(data).required()
    assert (witnessed.checkpoint.origin, witnessed.checkpoint.size) == (
        "acme.example/informativa/acme/pbx-1/1",
        6,
    )
    state = publication.state(acme, 1)
    assert state.targets == {str(mount): (6, NOW, "")}
    assert state.witnesses == {"home.example": (6, NOW, "")}


def test_a_log_that_stands_still_is_signed_anew_every_hour(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The witness signs the same checkpoint again when its signature is an hour old, and not before; the
    checkpoint of that size keeps the first signature, by which a purge counts, and targets get both."""
    mount = tmp_path / "mount"
    mount.mkdir()
    witness = WitnessFolder(tmp_path / "home").make("home.example").verifier
    asked: list[int] = []
    cosign = WitnessClient.cosign

    def counted(client: WitnessClient, *arguments: Any) -> tuple[note.Signature, ...]:
        asked.append(len(asked))
        return cosign(client, *arguments)

    with serving_logs(tmp_path / "home") as (port, keys):
        acme = configured(
            folder,
            "publish: [{folder: " + str(mount) + "}]",
            f"witness: [{{key: {witness}, url: 'http://127.0.0.1:{port}'}}]",
        )
        record(acme)
        size = signed(folder)
        keys.append(key(acme))
        settings = load(folder / "informativa.yaml").evidence.for_controller("acme")
        now = datetime.now(UTC)
        monkeypatch.setattr(WitnessClient, "cosign", counted)
        assert not publication.publish(acme, settings, now)[0].errors
        log = LogFolder(Path(acme.ledger)).published(1)
        first = log.checkpoint()
        for minutes, times in ((59, 1), (61, 2), (61, 3)):  # its own clock stands still here
            assert not publication.publish(acme, settings, now + timedelta(minutes=minutes))[0].errors
            assert len(asked) == times
    assert log.checkpoint_of(size) == first
    signed_again = Policy.parse(f"log {key(acme)}\nwitness home {witness}\nquorum home\n".encode())
    assert signed_again.verify(log.checkpoint() or b"").required().checkpoint.size == size
    published_log = mount / "informativa/acme/pbx-1/1"
    assert (published_log / "checkpoint").read_bytes() == log.checkpoint()
    assert (published_log / f"checkpoints/{size}").read_bytes() == first


def test_where_nobody_answers_nothing_is_signed_and_calls_go_on(folder: Path, tmp_path: Path) -> None:
    """Neither folder nor witness: refused with a code of its own; with one of the two back it is signed."""
    home = WitnessFolder(tmp_path / "home").make("home.example").verifier
    acme = configured(
        folder,
        "publish: [{folder: " + str(tmp_path / "mount") + "}]",
        f"witness: [{{key: {home}, url: '{nowhere()}'}}]",
    )
    record(acme)
    with pytest.raises(SigningError, match="nobody elsewhere answers") as caught:
        signed(folder)
    assert caught.value.code == "nobody-answers"
    nothing = LogFolder(Path(acme.ledger)).last_signed(1) or b""
    assert Checkpoint.parse(note.parse(nothing).text).size == 0
    record(acme)
    (tmp_path / "mount").mkdir()
    assert signed(folder) == 3
    published_log = published(folder)
    assert (published_log.quorum, published_log.complete) == (False, False)
    assert [target.problem is None for target in published_log.targets] == [True]


def test_a_ledger_that_was_put_back_signs_nothing_more(folder: Path, tmp_path: Path) -> None:
    """Ledger, log and what is kept with the key are put back together: what was published is longer."""
    (tmp_path / "mount").mkdir()
    acme = configured(folder, "publish: [{folder: " + str(tmp_path / "mount") + "}]")
    record(acme, 3)
    signed(folder)
    published(folder)
    shutil.copytree(folder / "ledger", tmp_path / "before")
    record(acme)
    signed(folder)
    published(folder)
    shutil.rmtree(folder / "ledger")
    shutil.copytree(tmp_path / "before", folder / "ledger")
    record(acme, 5)
    with pytest.raises(ForkError, match="has 5 records of the log and here are 4"):
        signed(folder)
    assert LogFolder(Path(acme.ledger)).published(1).sizes() == [4]


def test_another_history_under_the_same_key_is_not_signed(folder: Path, tmp_path: Path) -> None:
    """The administrator keeps the key and writes the ledger anew: a witness that was there before says no."""
    home = WitnessFolder(tmp_path / "home").make("home.example").verifier
    with serving_logs(tmp_path / "home") as (port, keys):
        (tmp_path / "mount").mkdir()
        acme = configured(
            folder,
            "publish: [{folder: " + str(tmp_path / "mount") + "}]",
            f"witness: [{{key: {home}, url: 'http://127.0.0.1:{port}'}}]",
        )
        record(acme, 3)
        signed(folder)
        keys.append(key(acme))
        assert published(folder).complete
        secret = (folder / "ledger/acme.log/signing/1.key").read_text()
        shutil.rmtree(folder / "ledger")
        shutil.rmtree(tmp_path / "mount")
        (tmp_path / "mount").mkdir()
        (folder / "ledger").mkdir(mode=0o700)
        record(acme, 4)
        (folder / "ledger/acme.log/signing").mkdir(parents=True)
        (folder / "ledger/acme.log/signing/1.key").write_text(secret)
        (folder / "ledger/acme.log/signing/1.signed").write_bytes(_forged(acme))
        with pytest.raises(ForkError, match=r"home\.example has 4 records of the log and here are 0"):
            signed(folder)


def _forged(acme: Controller) -> bytes:
    """Return the checkpoint that a forger puts beside the key so that the key is used: that of the empty
    log."""
    file = Path(acme.ledger).with_name("acme.log") / "signing/1.key"
    signer = Signer.parse(file.read_text().strip())
    return note.sign(Checkpoint(signer.name, 0, tree.EMPTY_ROOT).text, signer)


def test_the_program_publishes(folder: Path, tmp_path: Path) -> None:
    """`evidence checkpoint` and `evidence publish`, for people and for programs; where a target is gone the
    exit code is 1 and the sentence says what to do."""
    (tmp_path / "mount").mkdir()
    acme = configured(folder, "publish: [{folder: " + str(tmp_path / "mount") + "}]")
    file = folder / "informativa.yaml"
    record(acme)
    assert "There is no checkpoint of acme" in refused(
        "evidence", "publish", "-c", file, "--controller", "acme"
    )
    assert run("evidence", "checkpoint", "-c", file, "--controller", "acme").returncode == 0
    completed = run("evidence", "publish", "-c", file, "--controller", "acme")
    assert (completed.returncode, completed.stderr) == (0, "")
    assert "acme: 2 records signed." in completed.stdout
    assert "5 files written. It proves nothing against whoever can change it too." in completed.stdout
    document = json.loads(run("evidence", "publish", "-c", file, "--controller", "acme", "--json").stdout)
    assert document["logs"][0]["targets"] == [
        {"place": str(tmp_path / "mount"), "independent": False, "size": 2, "files": 0, "problem": None}
    ]
    assert run("evidence", "publish", "--check", "-c", file, "--controller", "acme").returncode == 0
    (tmp_path / "mount").rename(tmp_path / "away")
    failed = run("evidence", "publish", "-c", file, "--controller", "acme")
    assert failed.returncode == 1
    assert "is not there; it is tried again: mount it, or make it once: mkdir -p " in " ".join(
        failed.stdout.split()
    )


def test_receipt_tells_who_has_seen_it(folder: Path, tmp_path: Path) -> None:
    """A receipt under a checkpoint that a witness signed names him, by a policy that asks for him; then it is
    not the company's own word."""
    home = WitnessFolder(tmp_path / "home").make("home.example").verifier
    file = folder / "informativa.yaml"
    with serving_logs(tmp_path / "home") as (port, keys):
        acme = configured(folder, f"witness: [{{key: {home}, url: 'http://127.0.0.1:{port}'}}]")
        record(acme)
        with pytest.raises(SigningError, match="does not know this log"):
            signed(folder)
        keys.append(key(acme))
        assert signed(folder) == 2
        assert published(folder).complete
    ask = ("evidence", "receipt", "2", "-o", tmp_path, "-c", file, "--controller", "acme")
    assert typed(*ask)[0] == 0
    (tmp_path / "policy").write_text(f"log {key(acme)}\nwitness home {home}\nquorum home\n")
    receipt = tmp_path / "acme-2.tlog-proof"
    code, out, err = typed("evidence", "verify", receipt, "--policy", tmp_path / "policy")
    assert (code, err) == (0, "")
    *_facts, log, witness_line = out.splitlines()
    assert log == "  Record 1 of 2 in the log acme.example/informativa/acme/pbx-1/1."
    assert re.fullmatch(r"  Seen by the witness home\.example on 20[0-9-]{8} [0-9:]{5} UTC\.", witness_line)


def test_keys_and_checkpoints_for_people_and_programs(folder: Path) -> None:
    """Before the first checkpoint the key is still to come, and it is said what to type; then each is told in
    a line, and as JSON."""
    acme, file = configured(folder), folder / "informativa.yaml"
    record(acme, 2)
    of = ("-c", file, "--controller", "acme")
    assert typed("evidence", "key", *of) == (
        0,
        "acme: no checkpoint was signed yet. Type: informativa evidence checkpoint"
        f" -c {file} --controller acme\n",
        "",
    )
    log = folder / "ledger/acme.log/1"
    assert typed("evidence", "checkpoint", *of) == (
        0,
        f"acme: 3 new, 3 records signed in all. {log / 'checkpoint'}\n",
        "",
    )
    assert typed("evidence", "key", *of) == (0, f"{key(acme)}\n", "")
    name = "acme.example/informativa/acme/pbx-1/1"
    (entry,) = json.loads(typed("evidence", "key", "--json", *of)[1])["keys"]
    assert entry == {"controller": "acme", "log": name, "epoch": 1, "key": str(key(acme)), "size": 3}
    record(acme)
    code, out, err = typed("evidence", "checkpoint", "--json", *of)
    (entry,) = json.loads(out)["checkpoints"]
    root = Checkpoint.parse(note.parse((log / "checkpoint").read_bytes()).text).root.hex()
    assert (code, err) == (0, "")
    assert entry == {
        "controller": "acme",
        "log": name,
        "size": 4,
        "added": 1,
        "root": root,
        "folder": str(log),
        "key": str(key(acme)),
    }


def test_new_key_is_told_with_what_to_do_next(folder: Path) -> None:
    """`evidence key --new` prints the keys for auditors on stdout, and for people on stderr what to do."""
    acme, file = configured(folder), folder / "informativa.yaml"
    record(acme)
    code, out, err = typed("evidence", "key", "--new", "-c", file, "--controller", "acme")
    assert (code, out) == (0, "".join(f"{key_of_epoch.key}\n" for key_of_epoch in logs.keys(acme)))
    assert err == (
        "The newest key signs from now on. Give it to your auditors, and to whoever runs your witnesses;"
        " receipts from before hold by the key from before. What is not yet elsewhere goes there with:"
        f" informativa evidence publish -c {file}\n"
    )


def test_nothing_configured_is_nobody_asked(folder: Path) -> None:
    """Signing and publishing work without a section, and publishing says that nobody else has it."""
    file = folder / "informativa.yaml"
    record(load(file).controllers["acme"])
    assert run("evidence", "checkpoint", "-c", file, "--controller", "acme").returncode == 0
    completed = run("evidence", "publish", "-c", file, "--controller", "acme")
    assert completed.returncode == 0
    assert "Nobody else has it" in completed.stdout


def run_signing(folder: Path, signing: maintenance.Signing) -> tuple[int | None, tuple[str, ...], list[str]]:
    """Run the service's signing, and return the number of records, the names that were not published, and the
    log lines."""
    configuration = load(folder / "informativa.yaml")
    acme = configuration.controllers["acme"]
    with capture_logs() as log_lines:
        try:
            sequenced = asyncio.run(signing.sign(acme, configuration.evidence.for_controller("acme")))
        except EvidenceError:
            sequenced = None
    logged = [f"{line['event']}: {line['error']}" for line in log_lines]
    return (sequenced.size, sequenced.unpublished, logged) if sequenced else (None, (), logged)


def test_service_signs_and_publishes_what_was_recorded(folder: Path, tmp_path: Path) -> None:
    """Nothing before there is a ledger; then it is signed and published at once. Who does not take it, and
    why nothing can be signed, is logged once for as long as it is so."""
    mount, home = tmp_path / "mount", WitnessFolder(tmp_path / "home").make("home.example").verifier
    acme = configured(
        folder,
        "publish: [{folder: " + str(mount) + "}]",
        f"witness: [{{key: {home}, url: '{nowhere()}'}}]",
    )
    signing = maintenance.Signing()
    assert run_signing(folder, signing) == (None, (), [])
    record(acme)
    size, _, (log_line,) = run_signing(folder, signing)
    assert size is None
    assert log_line.startswith("no checkpoint was signed: ")
    assert "nobody elsewhere answers" in log_line
    assert run_signing(folder, signing) == (None, (), [])
    mount.mkdir()
    size, (unpublished,), told_now = run_signing(folder, signing)
    assert (size, told_now) == (2, [f"a checkpoint was not published: {unpublished}"])
    assert (mount / "informativa/acme/pbx-1/1/checkpoint").read_text().splitlines()[1] == "2"
    record(acme)
    assert run_signing(folder, signing) == (3, (unpublished,), [])


def test_service_leaves_signing_to_who_is_at_it(folder: Path, tmp_path: Path) -> None:
    """While another process signs or publishes, that is no error: what is signed so far is told; afterwards
    it is signed here again."""
    (tmp_path / "mount").mkdir()
    acme = configured(folder, "publish: [{folder: " + str(tmp_path / "mount") + "}]")
    record(acme)
    signing, log = maintenance.Signing(), LogFolder(Path(acme.ledger))
    assert run_signing(folder, signing) == (2, (), [])
    record(acme)
    with log.sequencing():
        assert run_signing(folder, signing) == (2, (), [])
    assert run_signing(folder, signing) == (3, (), [])


def test_a_copy_that_is_behind_accuses_nobody(folder: Path, tmp_path: Path) -> None:
    """A witness has more than a copy from before, as between its signature and the next publication: a remark
    as long as the ledger's leaves are those that it signed. Altered, or put back, the ledger is CHANGED."""
    home, mount = WitnessFolder(tmp_path / "home"), tmp_path / "mount"
    witness = home.make("home.example").verifier
    mount.mkdir()
    with serving_logs(home.folder) as (port, keys):
        places = (
            f"publish: [{{folder: {mount}}}]",
            f"witness: [{{key: {witness}, url: 'http://127.0.0.1:{port}'}}]",
        )
        acme = configured(folder, *places)
        record(acme, 3)
        signed(folder)
        keys.append(key(acme))
        published(folder)
        ledger, copy = Path(acme.ledger), tmp_path / "copy"
        shutil.copytree(mount / "informativa/acme/pbx-1", copy)
        shutil.copy(ledger, tmp_path / "old")
        record(acme, 2)
        signed(folder)
        published(folder)
        settings = load(folder / "informativa.yaml").evidence.for_controller("acme")

        def audited() -> auditing.AuditedLedger:
            return auditing.audit(acme, (key(acme),), settings=settings, copy=copy)

        honest = audited()
        assert (honest.verdict, honest.as_of.size, honest.as_of.by) == (
            Verdict.COMPLETE,
            6,
            ("home.example",),
        )
        assert f"The log in {copy / '1'} ends before 6 records" in str(honest.remarks[0])
        forged(ledger, "UPDATE leaf SET what = zeroblob(32) WHERE leaf = 5")
        assert audited().verdict is Verdict.CHANGED
        shutil.copy(tmp_path / "old", ledger)
        put_back = audited()
        assert (put_back.verdict, [log.contradicts for log in put_back.elsewhere]) == (
            Verdict.CHANGED,
            [True, True],
        )


def test_audit_command_says_what_others_have_and_what_is_wrong(folder: Path, tmp_path: Path) -> None:
    """The audit names the log elsewhere, and each changed record, leaf and row of the history by its number;
    then it exits with 1. A place that does not answer is named, and is no fault of the ledger."""
    mount, file = tmp_path / "mount", folder / "informativa.yaml"
    mount.mkdir()
    acme = configured(folder, "publish: [{folder: " + str(mount) + ", independent: true}]")
    record(acme, 4)
    signed(folder)
    published(folder)
    audit = ("evidence", "audit", "-c", file, "--controller", "acme")
    complete = "acme: Complete: nothing was changed, added or taken away."
    alone = (
        "  No checkpoint was compared that nobody here can change: whoever signs here could have rewritten"
        " all of it."
    )
    name = "acme.example/informativa/acme/pbx-1/1"
    code, out, err = typed(*audit)
    assert (code, err) == (0, "")
    verdict, as_of, *others = out.splitlines()
    assert verdict == complete
    assert as_of.endswith(f" UTC, of 5 records in the newest log; known to {mount}.")
    assert others == [
        "  5 records (5 whole, 0 erased, 0 purged, 0 lost); 5 signed.",
        CLOCK,
        f"  {mount} has 5 records of the same log {name}.",
    ]
    mount.rename(tmp_path / "away")
    code, out, err = typed(*audit)
    assert (code, err) == (0, "")
    verdict, as_of, _content, _clock, second, third = out.splitlines()
    assert (verdict, third) == (complete, alone)
    assert as_of.endswith("; by the company's own word.")
    assert second.startswith(f"  {mount} was not compared: ")
    (tmp_path / "away").rename(mount)
    forged(
        Path(acme.ledger),
        "UPDATE event SET line = 'x' WHERE record = 2",
        "DELETE FROM event WHERE record = 3",
        "DELETE FROM leaf WHERE record = 3",
        f"INSERT INTO event (record, {COLUMNS}) SELECT 90, {COLUMNS} FROM event WHERE record = 4",
        "UPDATE standing SET version = '9'",
    )
    code, out, err = typed(*audit)
    assert (code, err) == (1, "")
    verdict, _as_of, *lines = out.splitlines()
    assert verdict == "acme: CHANGED: something is not as it was written and signed."
    assert [line for line in lines if not line.startswith("  ✘ the counter of")] == [
        "  5 records (3 whole, 0 erased, 0 purged, 0 lost); 5 signed.",
        "  ✘ leaf 2: it was deleted, and no record says why",
        "  ✘ record 2 (leaf 1): what is on record of it is not what was written",
        "  ✘ record 90: it was put in otherwise than by being recorded",
        "  ✘ the history says that a caller knows privacy 9 by record 5; the records do not",
        "  ✘ the history says that a caller knows privacy 1 by record 90; the records do not",
        CLOCK,
        f"  {mount} has 5 records of the same log {name}.",
    ]
    (document, *_) = json.loads(typed(*audit, "--json")[1])["ledgers"]
    assert document["sound"] is False


def test_audit_command_names_a_contradiction(folder: Path, tmp_path: Path) -> None:
    """A ledger that was put back is whole in itself; who has more of its log says that it is not all."""
    mount, file = tmp_path / "mount", folder / "informativa.yaml"
    mount.mkdir()
    acme = configured(folder, "publish: [{folder: " + str(mount) + "}]")
    for size in (2, 3):
        record(acme)
        assert signed(folder) == size
        published(folder)
        if size == 2:
            shutil.copytree(folder / "ledger", tmp_path / "before")
    shutil.rmtree(folder / "ledger")
    shutil.copytree(tmp_path / "before", folder / "ledger")
    code, out, err = typed("evidence", "audit", "-c", file, "--controller", "acme")
    assert (code, err) == (1, "")
    verdict, _as_of, *others = out.splitlines()
    assert verdict == "acme: CHANGED: something is not as it was written and signed."
    assert others == [
        "  2 records (2 whole, 0 erased, 0 purged, 0 lost); 2 signed.",
        CLOCK,
        f"  ✘ {mount} has 3 records of the log and here are 2 that were signed; what is here was put back to"
        f" an older state; type: informativa ledger restore -c {file} COPY --controller NAME",
        "  No checkpoint was compared that nobody here can change: whoever signs here could have rewritten"
        " all of it.",
    ]
