"""The report of a restoration, what it writes, and what it refuses, part by part."""

from __future__ import annotations

import errno
import io
import os
import pwd
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest

from backups import KNOWN, OTHER, config, erase, inform, sign, wipe
from informativa.config import load
from informativa.evidence.settings import EvidenceConfig
from informativa.ledgers.restoring import RestoreResult
from informativa.model import Controller
from informativa.model.errors import InformativaError
from informativa.model.text import NOTHING, Text
from informativa.operations.backup import archive, making, recovery
from informativa.operations.backup.encryption import KeyAccess, KeyProtection
from informativa.operations.backup.manifest import BackupFile, FilePart
from informativa.operations.backup.recovery import RestoredBackup, RestoredCompany
from informativa.process import storage

MADE = datetime(2026, 11, 30, 3, 20, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
AGAIN = "Look at its owner, its mode and the room there, and try again: what is done stays."


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


def backed_up(folder: Path, *names: str, protection: KeyProtection | None = None) -> Path:
    """Back up an installation into a new file beside it."""
    return making.make(config(folder), folder.parent / "backup.tar", MADE, names, protection).file


def restored(
    folder: Path, file: Path, *names: str, access: KeyAccess | None = None, really: bool = True
) -> RestoredBackup:
    """Restore it; what is reported."""
    return recovery.restore(file, config(folder), NOW, names, access, "OPS/2026-7", really=really)


def content(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the content and the mode of all files but ledgers, and the modes of folders."""
    return {
        str(path.relative_to(folder)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode & 0o777,
        )
        for path in folder.rglob("*")
        if ".sqlite3" not in path.name and not path.is_symlink()
    }


def test_report_says_all_of_a_lost_disk(folder: Path, tmp_path: Path) -> None:
    """All files come back with their rights, none is there that was not. The erasures since are not known,
    and the signing key of the log is lost. Before, the same is shown, and nothing is written."""
    config(folder).chmod(0o644)  # it has no secrets, so that is how a restoration lays it
    inform(folder, KNOWN)
    sign(folder)
    erase(folder, KNOWN)
    sign(folder)
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    file = backed_up(folder, protection=KeyProtection((str(identity.to_public()),)))
    before = content(folder)
    wipe(folder)
    access = KeyAccess(identity=tmp_path / "identity")
    preview = restored(folder, file, access=access, really=False)
    assert list(folder.iterdir()) == []
    done = restored(folder, file, access=access)
    assert (preview.done, done.done) == (False, True)
    assert replace(preview, done=True, companies=done.companies) == done
    assert (done.file, done.made, done.aside, done.unchanged) == (file, MADE, (), ())
    assert done.companies == (
        RestoredCompany("acme", 3, epoch=1, unknown_since=MADE, must_begin_log=True),
        RestoredCompany("borealis"),
    )
    assert preview.companies == (RestoredCompany("acme"), RestoredCompany("borealis"))
    lost = {name for name in before if name.startswith("ledger/acme.log/signing")}
    after = content(folder)
    assert lost
    absent = {name for name in before.keys() - after.keys() if not name.startswith("prompts/")}
    assert absent == {*lost, "ledger/acme.log/elsewhere-1.json"}
    assert {name: after[name] for name in after} == {name: before[name] for name in after}
    names = [str(path.relative_to(folder)) for path in done.written]
    assert names[0] == "informativa.yaml"
    assert sorted(names[-3:]) == ["keys/acme.key", "keys/agi.token", "keys/borealis.key"]
    assert len(names) == len({*names}) > 10
    for ledger in ("acme.sqlite3", "acme.sqlite3.access"):
        assert (folder / "ledger" / ledger).stat().st_mode & 0o777 == 0o600
    assert sorted(file.name for file in (folder / "ledger").glob("*rescued*")) == []


def test_what_is_different_is_kept_beside(folder: Path, tmp_path: Path) -> None:
    """A configuration and a prompt that were changed are moved aside, under the time; a key that was changed
    stays and is named, and what is the same is not written."""
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    file = backed_up(folder, protection=KeyProtection((str(identity.to_public()),)))
    prompt, token = folder / "prompts/it/short.wav", folder / "keys/agi.token"
    configured = config(folder).read_text()
    for changed, text in ((config(folder), f"{configured}# mine\n"), (prompt, "mine"), (token, "ab" * 32)):
        changed.write_text(text)
    (folder / "keys/borealis.key").unlink()
    aside = (
        config(folder).with_name("informativa.yaml.before-2026-12-01T09-00-00"),
        prompt.with_name("short.wav.before-2026-12-01T09-00-00"),
    )
    for really in (False, True):
        report = restored(folder, file, access=KeyAccess(tmp_path / "identity"), really=really)
        assert (report.aside, report.unchanged) == (aside, (token,))
        assert report.written == (config(folder), prompt, folder / "keys/borealis.key")
        assert [place.exists() for place in aside] == [really, really]
        assert config(folder).read_text() == (configured if really else f"{configured}# mine\n")
    assert (aside[1].read_text(), token.read_text()) == ("mine", "ab" * 32)


def test_part_of_one_company_is_its_prompts_and_its_ledger(folder: Path) -> None:
    """The configuration stays where there is one; where there is none, all of the backup is needed."""
    inform(folder, KNOWN)
    file = backed_up(folder)
    shutil.rmtree(folder / "prompts")
    shutil.rmtree(folder / "ledger")
    mine = f"{config(folder).read_text()}# mine\n"
    config(folder).write_text(mine)
    report = restored(folder, file, "acme")
    assert report.companies == (RestoredCompany("acme", 2, epoch=1, unknown_since=MADE),)
    assert (config(folder).read_text(), report.aside) == (mine, ())
    assert {path.parent.parent.name for path in report.written} == {"prompts"}
    of_all = restored(folder, file, really=False)
    assert {path.suffix for path in of_all.written} > {".yaml"}
    config(folder).unlink()
    with pytest.raises(InformativaError) as caught:
        restored(folder, file, "acme")
    assert sentences_of(caught.value) == (
        f"There is no configuration {config(folder)} to put acme into.",
        "Restore all of the backup, without --controller, or lay the configuration first.",
    )
    with pytest.raises(InformativaError, match="to put acme, acme into"):
        restored(folder, file, "acme", "acme")
    both = restored(folder, file, "borealis", "acme")
    assert [company.controller for company in both.companies] == ["borealis", "acme"]
    assert config(folder).exists()


def test_companies_that_cannot_be_restored_are_told(folder: Path) -> None:
    """One that the configuration does not have, and one whose key is missing, before anything is written and
    after; each by itself."""
    inform(folder, KNOWN)
    inform(folder, KNOWN, controller="borealis")
    file = backed_up(folder)
    wipe(folder, keys=True)
    (folder / "keys/acme.key").write_text("ab" * 32)
    for really in (False, True):
        acme, borealis = restored(folder, file, really=really).companies
        assert (acme.controller, borealis.controller) == ("acme", "borealis")
        assert str(acme.problem).startswith(
            "The key of acme by which the callers of the backup are known is missing (its fingerprint is "
        )
        key = folder / "keys/acme.key"
        assert str(acme.problem).endswith(
            "Another one is in its place. Put that aside, and this one there, or give --identity FILE or"
            f" --passphrase FILE, if the backup has the keys; then try again: mv {key} {key}.aside"
        )
        assert (acme.records, borealis.problem, borealis.records) == (0, NOTHING, 2 if really else 0)
    text = config(folder).read_text()
    config(folder).write_text(text.replace("  borealis:", "  boreas:").replace(": borealis", ": boreas"))
    for really in (False, True):
        (company,) = restored(folder, file, "borealis", really=really).companies
        assert str(company.problem) == (
            f"The configuration {config(folder)} has no company borealis. Write its section first, or restore"
            " all of the backup."
        )


def test_another_key_is_put_aside_with_the_ledger_that_it_belongs_to(folder: Path, tmp_path: Path) -> None:
    """Its box was set up anew, and has taken calls; the commands are told, and then all comes back."""
    inform(folder, KNOWN)
    identity = pyrage.x25519.Identity.generate()
    (tmp_path / "identity").write_text(f"{identity}\n")
    file = backed_up(folder, protection=KeyProtection((str(identity.to_public()),)))
    key, ledger = folder / "keys/acme.key", folder / "ledger/acme.sqlite3"
    shutil.rmtree(folder / "ledger")
    key.write_text("ab" * 32)
    inform(folder, OTHER)
    access = KeyAccess(tmp_path / "identity")
    acme = next(one for one in restored(folder, file, access=access).companies if one.controller == "acme")
    commands = f"mv {key} {key}.aside; mv {ledger} {ledger}.aside"
    assert str(acme.problem).endswith(
        "Another one is in its place. Put that aside with its ledger, and this one there, or give --identity"
        f" FILE or --passphrase FILE, if the backup has the keys; then try again: {commands}"
    )
    subprocess.run(["sh", "-c", commands], check=True)
    acme = next(one for one in restored(folder, file, access=access).companies if one.controller == "acme")
    assert (acme.problem, acme.records) == (NOTHING, 2)


def test_backup_of_other_companies_alone_replaces_no_configuration(folder: Path) -> None:
    """Somebody took the file of another PBX: it is said, with the way on if he means it."""
    inform(folder, KNOWN)
    file = backed_up(folder)
    text = config(folder).read_text().replace("acme", "alpha").replace("borealis", "boreas")
    config(folder).write_text(text)
    before = content(folder)
    with pytest.raises(InformativaError) as caught:
        restored(folder, file)
    assert sentences_of(caught.value) == (
        f"The backup is of acme, borealis, and the configuration {config(folder)} of alpha, boreas.",
        "Take a backup of this machine: informativa backup list. If this one is right, put that configuration"
        f" aside, and try again: mv {config(folder)} {config(folder)}.aside",
    )
    assert content(folder) == before


def test_keys_that_are_not_in_a_backup_are_not_opened(folder: Path, tmp_path: Path) -> None:
    """It is said, with where they are; nothing is written."""
    file = backed_up(folder)
    wipe(folder)
    with pytest.raises(InformativaError) as caught:
        restored(folder, file, access=KeyAccess(tmp_path / "identity"))
    assert sentences_of(caught.value) == (
        f"There are no keys in the backup {file}.",
        "Put them back from where you keep them, and leave out --identity and --passphrase.",
    )
    assert list(folder.iterdir()) == []


def test_log_of_another_begin_is_told_with_its_commands(folder: Path) -> None:
    """Its key is another one: it and its ledger are to be put aside, and none of its files is touched."""
    inform(folder, KNOWN)
    sign(folder)
    file = backed_up(folder)
    log, ledger = folder / "ledger/acme.log", folder / "ledger/acme.sqlite3"
    (log / "1/key").write_text("another\n")
    (log / "1/checkpoint").unlink()
    ledger.unlink()
    (acme,) = restored(folder, file, "acme").companies
    assert str(acme.problem) == (
        f"The log in {log} is another one than that of the backup. It was begun since, or is another"
        " machine's. If so, put it aside with its ledger, and try again:"
        f" mv {log} {log}.aside; mv {ledger} {ledger}.aside"
    )
    assert not (log / "1/checkpoint").exists()
    assert not ledger.exists()


def test_log_gets_what_is_missing(folder: Path, tmp_path: Path) -> None:
    """From the backup, and what was published since in a folder. With its signing key the log goes on."""
    proof = tmp_path / "proof"
    proof.mkdir()
    text = config(folder).read_text()
    settings = f"evidence: {{domain: acme.example, publish: [{{folder: {proof}}}]}}\n"
    config(folder).write_text(text.replace("operator: ", f"{settings}operator: ", 1))
    inform(folder, KNOWN)
    sign(folder)
    file = backed_up(folder)
    inform(folder, OTHER)
    sign(folder)
    log = folder / "ledger/acme.log/1"
    newest = (log / "checkpoint").read_bytes()
    for name in ("checkpoint", "key"):
        (log / name).unlink()
    (folder / "ledger/acme.sqlite3").unlink()
    (acme,) = restored(folder, file, "acme").companies
    assert acme.must_begin_log is False
    assert (log / "checkpoint").read_bytes() == newest
    assert ((log / "key").stat().st_mode & 0o777, log.stat().st_mode & 0o777) == (0o644, 0o755)
    assert acme.lost == 1


def test_ledger_that_was_there_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept beside, and has all erasures; what is lost is noted with the controller's instruction, and
    the copy from which the ledger is restored is for its owner alone, under a name that an erasure looks
    for."""
    inform(folder, KNOWN)
    file = backed_up(folder)
    inform(folder, OTHER)
    copies, restore = list[tuple[str, int, datetime, str]](), storage.restore

    def noted(controller: Controller, copy: Path, at: datetime, instruction: str = "") -> RestoreResult:
        copies.append((copy.name, copy.stat().st_mode & 0o777, at, instruction))
        return restore(controller, copy, at, instruction)

    monkeypatch.setattr(recovery.storage, "restore", noted)
    (acme,) = restored(folder, file, "acme").companies
    assert copies == [("acme.sqlite3.rescued-2026-12-01T09-00-00-0", 0o600, NOW, "OPS/2026-7")]
    assert acme == RestoredCompany("acme", 2, epoch=1, before=acme.before)
    assert acme.before is not None
    assert (acme.before.parent, acme.before.exists()) == (folder / "ledger", True)
    recovery.restore(file, config(folder), NOW + timedelta(hours=1), ["acme"], really=True)
    assert copies[1][-1] == ""


def test_ledger_that_cannot_be_copied_is_one_companys_problem(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the archive, which was whole before, fails before the copy is there, its error is reported, and
    none of the copy's."""
    inform(folder, KNOWN)
    file = backed_up(folder)
    contents, parts = archive.contents, list[FilePart]()

    def torn(of: Path, tar: tarfile.TarFile, declared: BackupFile) -> Iterator[bytes]:
        parts.append(declared.part)
        if declared.part is FilePart.LEDGER and parts.count(FilePart.LEDGER) > 1:
            raise InformativaError("The archive is torn.")
        return contents(of, tar, declared)

    monkeypatch.setattr(recovery.archive, "contents", torn)
    (acme,) = restored(folder, file, "acme").companies
    assert acme == RestoredCompany("acme", problem=acme.problem)
    assert str(acme.problem) == "The archive is torn."


def test_damaged_archive_is_named_in_each_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever part of it is read, its file is known to whoever reads it."""
    inform(folder, KNOWN)
    sign(folder)
    erase(folder, KNOWN)
    identity = pyrage.x25519.Identity.generate()
    (folder.parent / "identity").write_text(f"{identity}\n")
    file = backed_up(folder, protection=KeyProtection((str(identity.to_public()),)))
    wipe(folder)
    files, contents = set[Path](), archive.contents

    def noted(of: Path, tar: tarfile.TarFile, declared: BackupFile) -> Iterator[bytes]:
        files.add(of)
        return contents(of, tar, declared)

    monkeypatch.setattr(recovery.archive, "contents", noted)
    restored(folder, file, access=KeyAccess(identity=folder.parent / "identity"))
    assert files == {file}


def test_witness_that_signed_more_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the company's own settings, after its log was fetched by the same."""
    inform(folder, KNOWN)
    sign(folder)
    file = backed_up(folder)
    asked = list[tuple[str, EvidenceConfig]]()
    settings = load(config(folder)).evidence.for_controller("acme")

    def for_controller(_evidence: EvidenceConfig, name: str) -> EvidenceConfig:
        return settings if name == "acme" else replace(settings)

    monkeypatch.setattr(type(settings), "for_controller", for_controller)

    def retrieve(controller: Controller, by: EvidenceConfig) -> None:
        asked.append((controller.id, by))

    def signed_beyond(controller: Controller, by: EvidenceConfig) -> Text:
        asked.append((controller.id, by))
        return Text("A witness signed more.")

    monkeypatch.setattr(recovery.retrieval, "retrieve", retrieve)
    monkeypatch.setattr(recovery.retrieval, "signed_beyond", signed_beyond)
    (acme,) = restored(folder, file, "acme").companies
    assert str(acme.signed_beyond) == "A witness signed more."
    assert [(name, by is settings) for name, by in asked] == [("acme", True)] * 2


@pytest.mark.parametrize(("user", "owner"), [("daemon", "daemon"), ("nobody-of-here", None)])
def test_files_belong_to_the_user_of_the_backup(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: str, owner: str | None
) -> None:
    """Where root restores and that user is here; else to the owner of the folder. Each is on the disk before
    the next step."""
    manifest = replace(archive.verify(backed_up(folder)), owner=user)
    restoration = recovery._Restoration(tmp_path, manifest, config(folder), NOW, "", really=True)
    asked = list[tuple[Path, int, int, bool]]()

    @contextmanager
    def opened(target: Path, like: os.stat_result, *, most: int, durable: bool) -> Iterator[io.BytesIO]:
        asked.append((target, like.st_uid, most, durable))
        yield io.BytesIO()

    monkeypatch.setattr(recovery.files, "open_for_replacement", opened)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    folders = list[tuple[int | None, int]]()

    def make_folder(_folder: Path, like: os.stat_result | None, mode: int) -> None:
        folders.append((like and like.st_uid, mode))

    monkeypatch.setattr(recovery.files, "make_folder", make_folder)
    restoration._write(tmp_path / "file", [b"x"], 0o640)
    restoration._make_folder(tmp_path / "new", 0o750)
    assert folders == [(pwd.getpwnam(owner).pw_uid if owner else None, 0o750)]
    uid = pwd.getpwnam(owner).pw_uid if owner else tmp_path.stat().st_uid
    assert asked == [(tmp_path / "file", uid, 0o640, True)]


def test_prompts_of_named_companies_are_laid_as_anybody_may_read_them(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of others are not, and the configuration stays where there is one; a file that is read in pieces
    is whole."""
    file = backed_up(folder)
    manifest = archive.verify(file)
    prompt = next(declared for declared in manifest.files if declared.part is FilePart.PROMPT)
    prompts = [replace(prompt, controller=name, place=f"prompts/{name}.wav") for name in ("acme", "borealis")]
    mine = replace(manifest, files=(*(f for f in manifest.files if f.part is not FilePart.PROMPT), *prompts))
    restoration = recovery._Restoration(file, mine, config(folder), NOW, "", really=True)
    laid = list[tuple[Path, bytes, int]]()

    def lay(_restoration: object, target: Path, content: bytes, mode: int) -> None:
        laid.append((target, content, mode))

    monkeypatch.setattr(recovery._Restoration, "_lay", lay)
    monkeypatch.setattr(recovery.archive, "contents", lambda *_given: iter([b"first ", b"second"]))
    with tarfile.open(file) as tar:
        restoration.lay_configuration(tar, ("borealis",))
        assert laid == [(folder / "prompts/borealis.wav", b"first second", 0o644)]
        laid.clear()
        restoration.lay_configuration(tar, ())
    assert {target.name for target, *_rest in laid} >= {"informativa.yaml", "acme.wav", "borealis.wav"}
    assert {mode for *_rest, mode in laid} == {0o644}


def test_disk_that_fills_up_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the file, as far as the system names one."""
    file = backed_up(folder)
    for name, place in (("/etc/x", "/etc/x"), (None, "?")):
        error = OSError(errno.ENOSPC, "No space left on device", name)

        def full(*_given: object, error: OSError = error, **_more: object) -> None:
            raise error

        wipe(folder, keys=True)
        with monkeypatch.context() as patched:
            patched.setattr(recovery.files, "open_for_replacement", full)
            with pytest.raises(InformativaError) as caught:
                restored(folder, file)
        assert sentences_of(caught.value) == (f"{place} cannot be written (No space left on device).", AGAIN)


def test_instruction_with_a_number_is_refused(folder: Path) -> None:
    """It would lead to a caller for as long as the note is kept."""
    file = backed_up(folder)
    with pytest.raises(InformativaError, match="instruction"):
        recovery.restore(file, config(folder), NOW, instruction=KNOWN, really=False)


def test_configuration_elsewhere_is_the_one_that_is_written(folder: Path, tmp_path: Path) -> None:
    """A backup goes into the folder of the file that is named, under that name."""
    inform(folder, KNOWN)
    file = backed_up(folder)
    other = tmp_path / "other/mine.yaml"
    shutil.copytree(folder / "keys", other.parent / "keys")
    report = recovery.restore(file, other, NOW, really=True)
    assert report.written[0] == other
    assert load(other).controllers["acme"].ledger == str(tmp_path / "other/ledger/acme.sqlite3")
    assert Path(load(other).controllers["acme"].ledger).exists()
    assert not (other.parent / "informativa.yaml").exists()
