"""The drill: an installation is backed up, lost, and restored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyrage
import pytest

from agi_script import Script, variables
from backups import (
    ERASED,
    KNOWN,
    OTHER,
    QuickAge,
    back_up,
    config,
    erase,
    inform,
    is_informed,
    publish_to,
    records,
    restore,
    sign,
    wipe,
)
from commands import refused, typed
from informativa.call.caller import pseudonym
from informativa.evidence.log_folder import LogFolder
from informativa.model import Identified


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """A file with an identity of age, as age-keygen writes it; a passphrase takes seconds instead."""
    secret = pyrage.x25519.Identity.generate()
    file = tmp_path / "identity"
    file.write_text(f"# public key: {secret.to_public()}\n{secret}\n")
    return file


def recipient(identity: Path) -> str:
    """The public key of an identity."""
    return identity.read_text().split()[3]


@pytest.mark.usefixtures("own_port")
def test_drill_with_keys_who_was_informed_is(folder: Path, identity: Path) -> None:
    """After a wipe all comes back, keys too: who was informed is, on the real script; nobody else is."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder, "--with-keys", "--to", recipient(identity))
    token = (folder / "keys/agi.token").read_bytes()
    wipe(folder)
    code, out, error = restore(folder, file, "--identity", identity)
    assert code == 0, (out, error)
    assert (folder / "keys/agi.token").read_bytes() == token
    assert (folder / "keys/acme.key").stat().st_mode & 0o777 == 0o600
    assert typed("check", "-c", config(folder))[0] == 0
    assert is_informed(folder, KNOWN)
    assert not is_informed(folder, OTHER)
    script = Script(config(folder), number=KNOWN)
    script.expect(variables("3", "already-informed", "NOTDUE"))
    script.say("200 result=0\n")
    assert script.end() == (0, "")


def test_i9_drill_caller_who_was_erased_since_stays_erased(folder: Path) -> None:
    """I9: a published erasure after the backup is applied anew on the wiped box, by its private list; he
    hears the notice again. Without the list nothing is restored."""
    published = folder.parent / "proof"
    published.mkdir()
    publish_to(folder, f"publish: [{{folder: {published}}}]")
    inform(folder, KNOWN, ERASED)
    sign(folder)
    file = back_up(folder)
    erase(folder, ERASED)
    sign(folder)
    assert (published / "informativa/acme").is_dir()
    private = folder.parent / "private"
    shutil.copytree(folder / "ledger/acme.log/private", private)
    wipe(folder, keys=True)
    code, out, _error = restore(folder, file)
    assert code == 1
    assert "The list of the records of an erasure is missing" in out
    assert not (folder / "ledger/acme.sqlite3").exists()
    shutil.copytree(private, folder / "ledger/acme.log/private", dirs_exist_ok=True)
    code, out, _error = restore(folder, file)
    assert code == 0, out
    assert "1 record that was erased or purged since the backup is so again." in out
    assert is_informed(folder, KNOWN)
    assert not is_informed(folder, ERASED)
    key = bytes.fromhex((folder / "keys/acme.key").read_text())
    for number, is_there in ((KNOWN, True), (ERASED, False)):
        for file_name in ("acme.sqlite3", "acme.sqlite3.access"):
            content = (folder / "ledger" / file_name).read_bytes()
            assert (pseudonym(Identified(number), key) in content) == is_there, file_name


def test_what_cannot_be_known_is_named(folder: Path) -> None:
    """Where an erasure was published nowhere and the ledger is lost, he has come back, and the command says
    from when on requests are to be looked through."""
    inform(folder, KNOWN, ERASED)
    file = back_up(folder)
    erase(folder, ERASED)
    wipe(folder, keys=True)
    code, out, _error = restore(folder, file, "--json")
    (acme, _borealis) = json.loads(out)["companies"]
    assert code == 0
    assert acme["unknown_since"] is not None
    assert is_informed(folder, ERASED)


def test_ledger_that_is_there_tells_who_was_erased(folder: Path) -> None:
    """On a box that is not wiped the replaced ledger tells all, and is kept beside."""
    inform(folder, KNOWN, ERASED)
    file = back_up(folder)
    erase(folder, ERASED)
    inform(folder, OTHER)
    code, out, _error = restore(folder, file, "--json")
    acme = json.loads(out)["companies"][0]
    assert code == 0
    assert (acme["gone_again"], acme["unknown_since"]) == (1, None)
    assert Path(acme["before"]).exists()
    assert is_informed(folder, KNOWN)
    assert not is_informed(folder, ERASED)


def test_nothing_is_changed_without_yes(folder: Path) -> None:
    """A restoration shows what it would do; with --yes what is different is kept beside."""
    inform(folder, KNOWN)
    file = back_up(folder)
    config(folder).write_text(config(folder).read_text() + "# mine\n")
    inform(folder, OTHER)
    before = {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "ledger" not in path.parts
    }
    code, out, _error = typed("restore", file, "-c", config(folder))
    assert code == 0
    assert "Nothing was changed yet." in out
    assert before == {path: path.read_bytes() for path in before}
    assert records(folder) == 3
    assert restore(folder, file)[0] == 0
    (aside,) = folder.glob("informativa.yaml.before-*")
    assert aside.read_text().endswith("# mine\n")
    assert records(folder) == 2


def test_i6_part_of_one_company_is_restored_alone(folder: Path) -> None:
    """I6: with --controller the other company's ledger, and the configuration, stay as they are."""
    inform(folder, KNOWN)
    inform(folder, KNOWN, controller="borealis")
    file = back_up(folder)
    inform(folder, OTHER, controller="borealis")
    (folder / "ledger/acme.sqlite3").unlink()
    code, out, _error = restore(folder, file, "--controller", "acme")
    assert code == 0, out
    assert (records(folder), records(folder, "borealis")) == (2, 3)


def test_backup_of_another_company_or_box_is_refused(folder: Path) -> None:
    """A company that is not in the backup, and a ledger of another log, are refused in one sentence."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder, "--controller", "acme")
    message = refused("restore", file, "--controller", "borealis", "-c", config(folder), "--yes")
    assert message == "informativa: The backup has nothing of borealis. It has: acme."
    shutil.rmtree(folder / "ledger")
    config(folder).write_text(
        config(folder).read_text().replace("operator: ", "evidence: {box: pbx-2}\noperator: ", 1)
    )
    inform(folder, OTHER)
    assert "The backup is of the log" in refused("restore", file, "-c", config(folder), "--yes")
    assert records(folder) == 2


def test_log_that_was_begun_anew_is_not_mixed_with_the_backups(folder: Path) -> None:
    """A box that was set up anew after the wipe has another log under the same name: it is refused."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    shutil.rmtree(folder / "ledger")
    inform(folder, OTHER)
    sign(folder)
    code, out, _error = restore(folder, file)
    assert code == 1
    assert "is another one than that of the backup" in out
    assert records(folder) == 2


def test_missing_key_is_named_by_its_fingerprint(folder: Path) -> None:
    """Without keys a wiped box gets its configuration, and the ledger waits for the key."""
    inform(folder, KNOWN)
    file = back_up(folder)
    keys = folder.parent / "keys"
    shutil.copytree(folder / "keys", keys)
    wipe(folder)
    code, out, _error = restore(folder, file)
    assert code == 1
    assert "The key of acme by which the callers of the backup are known is missing" in out
    assert not (folder / "ledger/acme.sqlite3").exists()
    shutil.copytree(keys, folder / "keys", dirs_exist_ok=True)
    assert restore(folder, file)[0] == 0
    assert is_informed(folder, KNOWN)


@pytest.mark.night
def test_missing_key_is_named_before_anything_is_changed(folder: Path) -> None:
    """The preview on an empty box says which key is missing, and counts as many files as are written then."""
    file = back_up(folder)
    shutil.copytree(folder / "keys", folder.parent / "keys")
    wipe(folder)
    code, preview, _error = typed("restore", file, "-c", config(folder))
    assert code == 1
    assert "acme: its ledger would stay as it is. The key of acme by which" in preview
    assert list(folder.iterdir()) == []
    shutil.copytree(folder.parent / "keys", folder / "keys")
    code, preview, _error = typed("restore", file, "-c", config(folder))
    assert (code, "acme: its ledger of" in preview) == (0, True)
    count = preview.partition(" ")[0]
    assert restore(folder, file)[1].startswith(f"{count} files are written, ")


def test_dialplan_can_start_the_script_again(folder: Path) -> None:
    """The link by which it does that is in no backup, and is there after a restore."""
    file = back_up(folder)
    wipe(folder, keys=True)
    assert restore(folder, file)[0] == 0
    link = folder / "informativa.yaml.agi"
    assert link.is_symlink()
    assert link.resolve().name == "informativa-agi"


@pytest.mark.parametrize("age", [pytest.param("real", marks=pytest.mark.night), "quick"])
def test_wrong_passphrase_changes_nothing(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: str
) -> None:
    """Keys that are not opened stop the restoration before anything is changed; the passphrase opens them."""
    if age == "quick":
        monkeypatch.setattr(pyrage, "passphrase", QuickAge)
        monkeypatch.setattr(pyrage, "DecryptError", QuickAge.DecryptError)
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery\n")
    file = back_up(folder, "--with-keys", "--passphrase", passphrase)
    wipe(folder)
    passphrase.write_text("another passphrase\n")
    message = refused("restore", file, "--passphrase", passphrase, "-c", config(folder), "--yes")
    assert "are not opened by" in message
    assert list(folder.iterdir()) == []
    passphrase.write_text("correct horse battery\n")
    assert restore(folder, file, "--passphrase", passphrase)[0] == 0


def test_keys_are_opened_by_their_identity_alone(folder: Path, tmp_path: Path, identity: Path) -> None:
    """Keys for an age recipient are opened by its identity alone; without a reader there are none, and a
    short passphrase is refused."""
    file = back_up(folder, "--to", recipient(identity))
    assert "encrypted, for recipients" in refused("backup", tmp_path, "--with-keys", "-c", config(folder))
    (tmp_path / "short").write_text("short\n")
    words = ("backup", tmp_path, "--passphrase", tmp_path / "short", "-c", config(folder))
    assert "The passphrase is too short" in refused(*words)
    wipe(folder)
    other = tmp_path / "other"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    message = refused("restore", file, "--identity", other, "-c", config(folder), "--yes")
    assert "are not opened by" in message
    assert list(folder.iterdir()) == []
    assert restore(folder, file, "--identity", identity)[0] == 0


def test_key_that_is_there_is_never_replaced(folder: Path, identity: Path) -> None:
    """A key that was changed since the backup stays, and is named."""
    file = back_up(folder, "--with-keys", "--to", recipient(identity))
    (folder / "keys/agi.token").write_text("ab" * 32 + "\n")
    _code, out, _error = restore(folder, file, "--identity", identity)
    assert "keys/agi.token is another one than in the backup, and stays." in out
    assert (folder / "keys/agi.token").read_text() == "ab" * 32 + "\n"


def test_damaged_backup_changes_nothing(folder: Path) -> None:
    """A flipped byte in a prompt stops the restoration of all."""
    inform(folder, KNOWN)
    file = back_up(folder)
    data = bytearray(file.read_bytes())
    data[2000] ^= 1
    file.write_bytes(data)
    wipe(folder)
    assert "is damaged" in refused("restore", file, "-c", config(folder), "--yes")
    assert list(folder.iterdir()) == []


def test_log_goes_on_under_another_key(folder: Path) -> None:
    """The signing key is in no backup: the command says how to begin another log, which is sound."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    wipe(folder, keys=True)
    _code, out, _error = restore(folder, file)
    assert "informativa evidence key -c" in out
    code, _out, error = typed("evidence", "key", "--new", "--controller", "acme", "-c", config(folder))
    assert code == 0, error
    inform(folder, OTHER)
    sign(folder)
    assert LogFolder(folder / "ledger/acme.sqlite3").epochs() == [1, 2]
    code, out, error = typed("evidence", "audit", "--controller", "acme", "-c", config(folder))
    assert code == 0, (out, error)
