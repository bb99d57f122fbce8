"""The rule of signing: nothing that others have is contradicted, and somebody of them must answer."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evidence.serving import nowhere
from evidence.test_settings import written
from evidence.witnessing import serving_logs
from informativa import bootstrap, publication
from informativa.config import load
from informativa.errors import ForkError, SigningError
from informativa.evidence import note, tree
from informativa.evidence.checkpoint import Checkpoint
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.note import Signer, Verifier
from informativa.evidence.policy import Policy
from informativa.evidence.witness_store import WitnessFolder
from informativa.model import Controller
from informativa.operations.evidence import logs
from test_cli import refused, run
from test_ledgers import PLAYED

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def configured(folder: Path, *lines: str) -> Controller:
    """acme, with the section `evidence`."""
    written(folder, "domain: acme.example", "box: pbx-1", *lines)
    return load(folder / "informativa.yaml").controllers["acme"]


def record(controller: Controller, count: int = 1) -> None:
    """Calls go on."""
    with closing(bootstrap.store(controller)) as store:
        store.append([PLAYED] * count)


def signed(folder: Path) -> int:
    """The size after signing what is there, unless somebody elsewhere is against it."""
    configuration = load(folder / "informativa.yaml")
    acme = configuration.controllers["acme"]
    done = logs.checkpoint(acme, elsewhere=publication.sources(configuration.evidence.of("acme")))
    return done.size


def published(folder: Path) -> publication.Publication:
    """What came of publishing."""
    configuration = load(folder / "informativa.yaml")
    acme = configuration.controllers["acme"]
    (done,) = publication.publish(acme, configuration.evidence.of("acme"), NOW)
    return done


def key(controller: Controller) -> Verifier:
    """The log's."""
    found = logs.keys(controller)[0].key
    assert found is not None
    return found


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
        assert signed(folder) == 3
        assert not published(folder).whole
        (tmp_path / "away").rename(mount)
        for size in (4, 5):
            record(acme)
            assert signed(folder) == size
            done = published(folder)
            assert done.whole
            assert [(each.size, each.independent) for each in done.targets] == [(size, True)]
    data = (mount / "informativa/acme/pbx-1/1/checkpoint").read_bytes()
    policy = Policy.parse(f"log {key(acme)}\nwitness home {witness}\nquorum home\n".encode())
    found = policy.verify(data).required()
    assert (found.checkpoint.origin, found.checkpoint.size) == ("acme.example/informativa/acme/pbx-1/1", 5)
    state = publication.state(acme, 1)
    assert state.targets == {str(mount): (5, NOW, "")}
    assert state.witnesses == {"home.example": (5, NOW, "")}


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
    assert signed(folder) == 2
    done = published(folder)
    assert (done.quorum, done.whole) == (False, False)
    assert [each.error is None for each in done.targets] == [True]


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
    with pytest.raises(ForkError, match="has 4 records of the log and here are 3"):
        signed(folder)
    assert LogFolder(Path(acme.ledger)).published(1).sizes() == [3]


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
        assert published(folder).whole
        secret = (folder / "ledger/acme.log/signing/1.key").read_text()
        shutil.rmtree(folder / "ledger")
        shutil.rmtree(tmp_path / "mount")
        (tmp_path / "mount").mkdir()
        (folder / "ledger").mkdir(mode=0o700)
        record(acme, 4)
        (folder / "ledger/acme.log/signing").mkdir(parents=True)
        (folder / "ledger/acme.log/signing/1.key").write_text(secret)
        (folder / "ledger/acme.log/signing/1.signed").write_bytes(_forged(acme))
        with pytest.raises(ForkError, match=r"home\.example has 3 records of the log and here are 0"):
            signed(folder)


def _forged(acme: Controller) -> bytes:
    """What a forger puts with the key so that it is used: the empty log's checkpoint."""
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
    told = run("evidence", "publish", "-c", file, "--controller", "acme")
    assert (told.returncode, told.stderr) == (0, "")
    assert "acme: 1 record signed." in told.stdout
    assert "5 files written. It proves nothing against whoever can change it too." in told.stdout
    found = json.loads(run("evidence", "publish", "-c", file, "--controller", "acme", "--json").stdout)
    assert found["logs"][0]["targets"] == [
        {"place": str(tmp_path / "mount"), "independent": False, "size": 1, "files": 0, "problem": None}
    ]
    assert run("evidence", "publish", "--check", "-c", file, "--controller", "acme").returncode == 0
    (tmp_path / "mount").rename(tmp_path / "away")
    gone = run("evidence", "publish", "-c", file, "--controller", "acme")
    assert gone.returncode == 1
    assert "is not there; mount it, or make it once: it is tried again" in " ".join(gone.stdout.split())


def test_nothing_configured_is_nobody_asked(folder: Path) -> None:
    """Signing and publishing work without a section, and publishing says that nobody else has it."""
    file = folder / "informativa.yaml"
    record(load(file).controllers["acme"])
    assert run("evidence", "checkpoint", "-c", file, "--controller", "acme").returncode == 0
    told = run("evidence", "publish", "-c", file, "--controller", "acme")
    assert told.returncode == 0
    assert "Nobody else has it" in told.stdout
