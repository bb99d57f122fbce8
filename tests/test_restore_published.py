"""A box that is lost and restored, and what was published of its logs since the backup."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from backups import (
    KNOWN,
    OTHER,
    back_up,
    config,
    inform,
    is_informed,
    publish_to,
    records,
    restore,
    sign,
    wipe,
)
from commands import refused, typed
from evidence.witnessing import serving_logs
from informativa.evidence.log_folder import LogFolder
from informativa.evidence.witness_store import WitnessFolder


@pytest.fixture
def proof(folder: Path) -> Path:
    """A folder in which logs are published, on another machine's disk."""
    proof = folder.parent / "proof"
    proof.mkdir()
    publish_to(folder, f"publish: [{{folder: {proof}}}]")
    return proof


def new_key(folder: Path) -> None:
    """Begin another log."""
    code, _out, error = typed("evidence", "key", "--new", "--controller", "acme", "-c", config(folder))
    assert code == 0, error


def verdict(folder: Path) -> str:
    """The verdict on all logs of the company."""
    code, out, error = typed("evidence", "audit", "--controller", "acme", "--json", "-c", config(folder))
    assert code in {0, 1, 3}, error
    return str(json.loads(out)["verdict"])


def lose(folder: Path, proof: Path) -> None:
    """Lose the disk; what was published, which is not mounted any more, and the keys are elsewhere."""
    wipe(folder, keys=True)
    proof.rename(proof.with_name("unmounted"))


def mount(proof: Path) -> None:
    """Mount the folder in which logs are published again."""
    proof.with_name("unmounted").rename(proof)


def test_i7_restored_box_forks_nothing_that_was_published(folder: Path, proof: Path) -> None:
    """I7: what a folder elsewhere has beyond the backup is lost by name, and the log goes on behind it: it
    can be published there, and an audit misses the approval alone."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    inform(folder, OTHER)
    sign(folder)
    lose(folder, proof)
    mount(proof)
    code, out, _error = restore(folder, file)
    assert code == 0, out
    assert "1 record that was published since is lost" in out
    new_key(folder)
    sign(folder)
    code, out, error = typed("evidence", "publish", "--check", "-c", config(folder))
    assert code == 0, (out, error)
    assert verdict(folder) == "gaps"
    assert is_informed(folder, KNOWN)


def test_log_that_was_begun_since_comes_back_too(folder: Path, proof: Path) -> None:
    """A key that was changed after the backup: both logs come back, and the third follows."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    new_key(folder)
    sign(folder)
    lose(folder, proof)
    mount(proof)
    assert restore(folder, file)[0] == 0
    assert LogFolder(folder / "ledger/acme.sqlite3").epochs() == [1, 2]
    new_key(folder)
    sign(folder)
    assert typed("evidence", "publish", "-c", config(folder))[0] == 0
    assert verdict(folder) != "changed"


def test_log_that_nobody_names_is_asked_for(folder: Path, proof: Path) -> None:
    """A log that began where the key was lost is not named by the one before it: nothing is restored till it
    is laid by hand."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    shutil.rmtree(folder / "ledger/acme.log/signing")
    new_key(folder)
    sign(folder)
    lose(folder, proof)
    mount(proof)
    code, out, _error = restore(folder, file)
    assert code == 1
    assert "which the log before it does not name" in out
    assert not (folder / "ledger/acme.sqlite3").exists()
    (first,) = proof.glob("informativa/acme/*/1")
    shutil.copytree(first.with_name("2"), folder / "ledger/acme.log/2")
    assert restore(folder, file)[0] == 0
    new_key(folder)
    sign(folder)
    assert typed("evidence", "publish", "-c", config(folder))[0] == 0


def test_place_that_is_away_stops_a_lost_box(folder: Path, proof: Path) -> None:
    """While the folder is missing nothing is restored, and the place is named; a box that has its key needs
    it not, and one that gives it up is restored without."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    aside = proof.rename(proof.with_name("aside"))
    assert restore(folder, file)[0] == 0
    aside.rename(proof)
    lose(folder, proof)
    code, out, _error = restore(folder, file)
    assert code == 1
    assert f"What was published of its log at {proof} may be more than is here" in out
    assert not (folder / "ledger/acme.sqlite3").exists()
    text = config(folder).read_text()
    config(folder).write_text(text.replace(f", publish: [{{folder: {proof}}}]", ""))
    assert restore(folder, file, "--controller", "acme")[0] == 0
    assert records(folder) == 2


def test_no_log_ends_before_what_was_published(folder: Path, proof: Path) -> None:
    """A ledger that was put back without what was published cannot end its log, till it is restored."""
    inform(folder, KNOWN)
    sign(folder)
    copy = folder.parent / "copy"
    shutil.copytree(folder / "ledger", copy)
    inform(folder, OTHER)
    sign(folder)
    shutil.rmtree(folder / "ledger")
    shutil.copytree(copy, folder / "ledger")
    shutil.rmtree(folder / "ledger/acme.log/signing")
    words = ("--controller", "acme", "-c", config(folder))
    message = refused("evidence", "key", "--new", *words)
    assert f"{proof} has 3 records of the log and here are" in message
    assert typed("ledger", "restore", copy / "acme.sqlite3", *words)[0] == 0
    new_key(folder)
    assert records(folder) > 2


def test_witness_who_signed_more_is_quoted(folder: Path) -> None:
    """Where nobody has the records that a witness signed, the command says so, and what to do about it."""
    home = folder.parent / "home"
    witness = WitnessFolder(home).make("home.example").verifier
    with serving_logs(home) as (port, keys):
        address = f'{{key: "{witness}", url: "http://127.0.0.1:{port}"}}'
        publish_to(folder, f"witness: [{address}]")
        inform(folder, KNOWN)
        typed("evidence", "checkpoint", "-c", config(folder))
        key = LogFolder(folder / "ledger/acme.sqlite3").published(1).key()
        assert key is not None
        keys.append(key)
        sign(folder)
        file = back_up(folder)
        inform(folder, OTHER)
        sign(folder)
        wipe(folder, keys=True)
        code, out, _error = restore(folder, file)
        assert code == 0, out
        assert "home.example has 3 records of the log and here are 2 that were signed." in out
        assert "name its folder in evidence.publish and restore again" in out
