"""Backups of an installation: made while calls go on, verified, listed, deleted in time."""

from __future__ import annotations

import json
import os
import tarfile
import threading
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups import ERASED, KNOWN, OTHER, back_up, config, erase, inform, sign
from commands import refused, typed
from examples import PLAYED
from informativa.config import load
from informativa.ledgers import snapshot
from informativa.ledgers.snapshot import PastErasure
from informativa.model import Period
from informativa.operations.backup import archive, listing, making, places
from informativa.process import storage

NOW = datetime(2026, 11, 30, 3, 20, tzinfo=UTC)


def test_backup_has_all_that_a_lost_disk_would_take_and_no_key(folder: Path) -> None:
    """Ledgers, access log, log, configuration and prompts are in it, its mode is 0600, and no key is."""
    inform(folder, KNOWN)
    sign(folder)
    file = back_up(folder)
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        names = tar.getnames()
    assert {
        "configuration/informativa.yaml",
        "configuration/prompts/it/short.wav",
        "companies/acme/ledger.sqlite3",
        "companies/acme/log/1/checkpoint",
        "companies/acme/log/1/key",
    } <= set(names)
    assert names[-2:] == ["manifest.json", "manifest.sha256"]
    for key in (folder / "keys").iterdir():
        assert key.read_bytes().strip() not in file.read_bytes()
    signing = (folder / "ledger/acme.log/signing/1.key").read_bytes().strip()
    assert signing not in file.read_bytes()
    assert [place.name for place in file.parent.iterdir()] == [file.name]


def test_backup_while_calls_are_recorded_is_consistent(folder: Path) -> None:
    """I3: a backup that is made while records are written has a ledger with all records of before, whole."""
    inform(folder, KNOWN)
    controller = load(config(folder)).controllers["acme"]
    ended, begun = threading.Event(), threading.Event()

    def record() -> None:
        with closing(storage.store(controller)) as ledger:
            while not ended.is_set():
                ledger.append([replace(PLAYED, pseudonym=os.urandom(32))])
                begun.set()

    thread = threading.Thread(target=record)
    thread.start()
    try:
        assert begun.wait(30)
        file = back_up(folder)
    finally:
        ended.set()
        thread.join()
    manifest = archive.verify(file)
    assert manifest.company("acme").records >= 3
    assert manifest.company("acme").records == manifest.company("acme").leaves


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.9, 0.97])
def test_changed_byte_is_found(folder: Path, place: float) -> None:
    """One other byte in a file of a backup, or in its manifest, and it is refused in one sentence."""
    inform(folder, KNOWN)
    file = back_up(folder)
    with tarfile.open(file) as tar:
        members = [member for member in tar.getmembers() if member.size]
    member = members[int(len(members) * place)]
    data = bytearray(file.read_bytes())
    data[member.offset_data + member.size // 2] ^= 1
    file.write_bytes(data)
    message = refused("backup", "verify", file)
    assert message.count("\n") == 0
    assert "is damaged" in message


@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.98])
def test_file_that_was_cut_off_is_refused(folder: Path, part: float) -> None:
    """A backup without its end has no manifest."""
    file = back_up(folder)
    os.truncate(file, int(file.stat().st_size * part))
    assert "is no backup, or was cut off" in refused("backup", "verify", file)


def test_backup_of_a_newer_program_is_refused(folder: Path) -> None:
    """A backup of a later form says so, and which version to install."""
    file = folder.parent / "new.tar"
    with archive.writing(file, NOW) as writer:
        manifest = archive.verify(back_up(folder))
        writer.finish(replace(manifest, format=2, files=()))
    assert "is of a newer informativa" in refused("backup", "verify", file)


def test_full_disk_leaves_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk fills up while the archive is written, one sentence says so, and no part of it stays."""
    place = folder.parent / "full"
    place.mkdir()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(archive.ArchiveWriter, "finish", full)
    assert "There is no room for the backup" in refused("backup", place, "-c", config(folder))
    assert list(place.iterdir()) == []


def test_no_room_is_noticed_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk has too little room, nothing is begun."""
    place = folder.parent / "small"
    place.mkdir()
    usage = (100, 99, 1)
    monkeypatch.setattr(making.shutil, "disk_usage", lambda _folder: type("U", (), {"free": usage[2]})())
    assert "17 MB are needed" in refused("backup", place, "-c", config(folder))
    assert list(place.iterdir()) == []


def test_missing_folder_and_file_that_is_there_are_refused(folder: Path) -> None:
    """A folder is never made, because its disk may be missing; a file is never written over."""
    assert "There is no folder" in refused("backup", folder.parent / "none", "-c", config(folder))
    assert "No folder for backups is named" in refused("backup", "-c", config(folder))
    file = folder.parent / "mine.tar"
    file.touch()
    assert "is there already" in refused("backup", file, "-c", config(folder))


def test_two_backups_at_once_are_refused(folder: Path) -> None:
    """The second one says that another is being made."""
    place = folder.parent / "backups"
    place.mkdir()
    with places.alone_in(place):
        assert "Another backup is being made" in refused("backup", place, "-c", config(folder))


def test_i10_company_with_a_damaged_ledger_is_left_out_and_named(folder: Path) -> None:
    """I10: the others are backed up all the same; the command ends with 3."""
    inform(folder, KNOWN)
    (folder / "ledger/borealis.sqlite3").write_bytes(b"no ledger" * 1000)
    place = folder.parent / "backups"
    place.mkdir()
    code, out, _error = typed("backup", place, "-c", config(folder), "--json")
    made = json.loads(out)
    assert code == 3
    assert [company["controller"] for company in made["companies"]] == ["acme"]
    assert [company["controller"] for company in made["left_out"]] == ["borealis"]
    assert [company.controller for company in archive.verify(Path(made["file"])).companies] == ["acme"]


def test_i6_backup_of_one_company_has_nothing_of_another(folder: Path) -> None:
    """I6: with --controller nothing of another company is in it, nor the configuration, which names all."""
    inform(folder, KNOWN)
    inform(folder, KNOWN, controller="borealis")
    file = back_up(folder, "--controller", "acme")
    manifest = archive.verify(file)
    assert {declared.controller for declared in manifest.files} == {"acme"}
    assert file.name.endswith("Z-acme.tar")
    assert b"borealis" not in file.read_bytes()


def test_list_says_which_backups_hold_erased_callers(folder: Path) -> None:
    """Of two backups before and one after the erasure of a caller who called between them, one holds him."""
    inform(folder, KNOWN)
    place = folder.parent / "backups"
    place.mkdir()
    for day, number in enumerate((ERASED, OTHER, None)):
        making.make(config(folder), place, NOW + timedelta(days=day))
        if number:
            inform(folder, number)
    erase(folder, ERASED)
    making.make(config(folder), place, NOW + timedelta(days=3))
    code, out, _error = typed("backup", "list", place, "--keep", "30 days", "-c", config(folder), "--json")
    listed = json.loads(out)["backups"]
    assert code == 0
    assert [[holding["callers"] for holding in backup["holds"]] for backup in listed] == [[], [1], [1], []]
    assert listed[1]["holds"][0]["controller"] == "acme"
    assert listed[1]["expires"] == "2026-12-31T03:20:00.000+00:00"


def test_erasure_says_which_backups_still_hold_the_caller(folder: Path) -> None:
    """Of two, the one that was made after his call, and until when; one that nobody can read is named."""
    place = folder.parent / "backups"
    place.mkdir()
    with config(folder).open("a") as file:
        file.write(f"backup: {{folder: {place}, keep: 30 days}}\n")
    inform(folder, OTHER)
    making.make(config(folder), place, NOW)
    inform(folder, ERASED)
    making.make(config(folder), place, NOW + timedelta(days=1))
    output = typed("caller", "erase", ERASED, "--yes", "--controller", "acme", "-c", config(folder))
    assert output[2].splitlines()[-1] == (
        f"warning: 1 backup in {place} still holds him, until 2026-12-31: informativa backup list"
    )
    next(place.iterdir()).write_bytes(b"no backup")
    output = typed("caller", "erase", OTHER, "--yes", "--controller", "acme", "-c", config(folder))
    assert f"warning: which backups in {place} still hold him is not known: " in output[2]


def test_erasure_names_the_backups(folder: Path) -> None:
    """A trial warns of nothing."""
    place = folder.parent / "backups"
    place.mkdir()
    inform(folder, ERASED)
    inform(folder, OTHER)
    making.make(config(folder), place, NOW)
    with config(folder).open("a") as file:
        file.write(f"backup: {{folder: {place}, keep: 30 days}}\n")
    of = "--controller", "acme", "-c", config(folder)
    warning = f"warning: 1 backup in {place} still holds him"
    assert warning not in typed("caller", "erase", ERASED, *of)[2]
    code, _output, error = typed("caller", "erase", ERASED, "--yes", *of)
    assert (code, warning in error) == (0, True)


def test_erasure_is_held_by_backups_between_the_callers_first_record_and_its_note() -> None:
    """A backup that ends before his first record, or after the note of the erasure, does not hold him."""
    erasure = PastErasure(NOW, leaf=10, first=4)
    assert [end for end in range(13) if erasure.is_held_before(end)] == [5, 6, 7, 8, 9, 10]


def test_day_of_an_erasure_is_that_of_the_company(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half an hour after midnight in Rome it is the day before in UTC."""
    inform(folder, KNOWN)
    file = back_up(folder)
    erasure = PastErasure(datetime(2026, 11, 30, 23, 30, tzinfo=UTC), leaf=10**6, first=0)
    monkeypatch.setattr(snapshot, "past_erasures", lambda _ledger: iter([erasure]))
    (backup,) = listing.list_backups(config(folder), file.parent).backups
    assert [str(holding.day) for holding in backup.holds] == ["2026-12-01"]


def test_backups_are_deleted_in_time_but_for_the_newest(folder: Path) -> None:
    """A backup is deleted when another one is made after its time; the newest of all, and of one company,
    never."""
    place = folder.parent / "backups"
    place.mkdir()
    old = making.make(config(folder), place, NOW - timedelta(days=31)).file
    of_acme = making.make(config(folder), place, NOW - timedelta(days=40), ["acme"]).file
    recent = making.make(config(folder), place, NOW - timedelta(days=29)).file
    other = place / "informativa-notes.tar"
    other.touch()
    made = making.make(config(folder), place, NOW, keep=Period(days=30))
    assert made.deleted == (old,)
    assert set(place.iterdir()) == {of_acme, recent, made.file, other}


def test_damaged_backup_is_listed_with_its_problem(folder: Path) -> None:
    """A file that is none is named, and the others are listed all the same."""
    file = back_up(folder)
    (file.parent / "informativa-2026-01-01T00-00-00Z.tar").write_bytes(b"x" * 2000)
    code, out, _error = typed("backup", "list", file.parent, "-c", config(folder))
    assert code == 0
    assert "is no backup, or was cut off" in out
    assert file.name in out


def test_snapshot_reports_a_disk_that_fills_up(folder: Path, tmp_path: Path) -> None:
    """SQLite's full disk becomes one sentence about the backup, and not about the ledger."""
    inform(folder, KNOWN)
    controller = load(config(folder)).controllers["acme"]
    with closing(storage.store(controller, read_only=True)) as ledger:
        content = snapshot.copy_ledger(ledger, tmp_path / "copy.sqlite3")
    assert (content.records, content.end) == (2, 2)
