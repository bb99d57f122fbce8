"""The parts of which backups are made: the folder with its files, the manifest, and the list."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from backups import KNOWN, back_up, config, inform
from informativa.call.caller import fingerprint
from informativa.config import load
from informativa.model import Period
from informativa.model.connections import SharedDatabase
from informativa.model.errors import InformativaError
from informativa.operations.backup import archive, conditions, listing, manifest, places
from informativa.operations.backup.manifest import BackupCompany, BackupFile, FilePart, Manifest
from informativa.operations.backup.places import BackupPlace

NOW = datetime(2026, 11, 30, 3, 20, 5, tzinfo=UTC)
KEYS = BackupFile("acme/keys.age", FilePart.KEYS, "acme", "keys.age", 3, "00")
LEDGER = BackupFile("acme/ledger", FilePart.LEDGER, "acme", "acme.sqlite3", 3, "00")
PROMPT = BackupFile("prompts/a", FilePart.PROMPT, None, "prompts/it/a.wav", 3, "00")
ACME = BackupCompany("acme", 3, 4, ("log/1",), ("ab12",))
WHOLE = Manifest(1, "0.2.0", NOW, "box", "informativa.yaml", "asterisk", (ACME,), (), (KEYS, LEDGER, PROMPT))


def said(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


def test_names_of_backups_are_times_of_utc(tmp_path: Path) -> None:
    """Another zone's time becomes that of UTC, companies stand at the end, and what has another name, or a
    time that there is not, is none."""
    rome = NOW.astimezone(timezone(timedelta(hours=1)))
    first, second = places.file_name(rome, []), places.file_name(NOW, ["acme", "b-2"])
    assert (first, second) == (
        "informativa-2026-11-30T03-20-05Z.tar",
        "informativa-2026-11-30T03-20-05Z-acme-b-2.tar",
    )
    others = ("informativa-2026-13-30T03-20-05Z.tar", "informativa-notes.tar", f"{first}.part", "old.tar")
    earlier = "informativa-2025-01-01T00-00-00Z.tar"
    for name in (second, first, earlier, *others):
        (tmp_path / name).touch()
    assert places.backups_in(tmp_path) == [
        BackupPlace(tmp_path / earlier, datetime(2025, 1, 1, tzinfo=UTC), ""),
        BackupPlace(tmp_path / second, NOW, "-acme-b-2"),
        BackupPlace(tmp_path / first, NOW, ""),
    ]
    assert listing.newest(tmp_path) == NOW
    (tmp_path / first).unlink()
    assert listing.newest(tmp_path) == datetime(2025, 1, 1, tzinfo=UTC)
    (tmp_path / earlier).unlink()
    assert listing.newest(tmp_path) is None


def test_backup_is_kept_to_the_end_of_its_time(tmp_path: Path) -> None:
    """It goes in the very moment in which its time is over, not before; the newest stays."""
    old, newest = (tmp_path / places.file_name(NOW - timedelta(days=age), []) for age in (40, 35))
    old.touch()
    newest.touch()
    keep = Period(days=30)
    assert places.expires(places.backups_in(tmp_path)[0], keep) == NOW - timedelta(days=10)
    assert places.delete_expired(tmp_path, keep, NOW - timedelta(days=10, seconds=1)) == ()
    assert places.delete_expired(tmp_path, keep, NOW - timedelta(days=10)) == (old,)
    assert places.delete_expired(tmp_path, keep, NOW + timedelta(days=999)) == ()
    assert list(tmp_path.iterdir()) == [newest]


def test_folder_must_be_there(folder: Path) -> None:
    """The named one counts, else the configured one; a missing one is not made."""
    named, configured, file = folder.parent / "named", folder.parent / "configured", config(folder)
    configuration = load(file)
    with pytest.raises(InformativaError) as caught:
        places.required_folder(configuration, None)
    assert said(caught.value) == (
        "No folder for backups is named.",
        f"Name one, or write into {file}: `backup: {{folder: /var/backups/informativa}}`",
    )
    with file.open("a") as text:
        text.write(f"backup: {{folder: {configured}}}\n")
    configuration = load(file)
    for place, argument in ((named, named), (configured, None)):
        with pytest.raises(InformativaError) as caught:
            places.required_folder(configuration, argument)
        assert said(caught.value) == (
            f"There is no folder {place}.",
            f"Mount it, or make it once: mkdir -p -m 700 {place}",
        )
        assert not place.exists()
        place.mkdir()
        assert places.required_folder(configuration, argument) == place


def test_folder_is_had_alone(tmp_path: Path) -> None:
    """A second one is refused while the first works, and may come afterwards; what an interrupted one left is
    deleted, and nothing else."""
    (tmp_path / ".informativa-backup-1").mkdir()
    (tmp_path / ".informativa-backup-1" / "ledger").touch()
    (tmp_path / ".informativa-2026.tar.part").touch()
    mine = tmp_path / "informativa-2026.tar.part"
    mine.touch()
    for _ in range(2):
        with places.alone_in(tmp_path):
            assert list(tmp_path.iterdir()) == [mine]
            before = len(list(Path("/proc/self/fd").iterdir()))
            with pytest.raises(InformativaError) as caught, places.alone_in(tmp_path):
                pytest.fail("two at once")
            assert len(list(Path("/proc/self/fd").iterdir())) == before
        assert said(caught.value) == (
            f"Another backup is being made in {tmp_path}.",
            "Wait until it is done, and try again.",
        )


def test_manifest_tells_of_what_it_is() -> None:
    """Its files by company and part, its companies by name, and whether keys are in it."""
    assert (WHOLE.has_keys, replace(WHOLE, files=(LEDGER, PROMPT)).has_keys) == (True, False)
    assert WHOLE.of("acme", FilePart.LEDGER) == [LEDGER]
    assert WHOLE.of("borealis", FilePart.LEDGER) == WHOLE.of("acme", FilePart.LOG) == []
    assert WHOLE.company("acme") is ACME
    with pytest.raises(InformativaError) as caught:
        replace(WHOLE, companies=(ACME, replace(ACME, controller="b"))).company("borealis")
    assert said(caught.value) == ("The backup has nothing of borealis.", "It has: acme, b.")


def test_manifest_is_read_as_it_was_written() -> None:
    """Also by eyes: it has lines. One of a later form is refused whatever else is in it, and what is no
    manifest is none."""
    data = WHOLE.encode()
    assert data.startswith(b'{\n "format": 1,\n "program": "0.2.0",\n')
    assert manifest.parse(data) == WHOLE
    assert manifest.parse(b"{}") is None
    assert manifest.parse(b'{"format": 1}') is None
    with pytest.raises(InformativaError) as caught:
        manifest.parse(b'{"format": 2}')
    assert said(caught.value) == (
        "The backup is of a newer informativa (its form is 2, this one knows 1).",
        "Install the version that made it, or a later one.",
    )


@pytest.mark.parametrize("place", ["/etc/passwd", "../x", "a/../../x", "."])
def test_file_that_would_go_elsewhere_makes_a_manifest_none(place: str) -> None:
    """No file of a backup leaves the folder that it is put into."""
    content = json.loads(WHOLE.encode())
    content["files"][1]["place"] = place
    assert manifest.parse(json.dumps(content).encode()) is None


def test_list_tells_all_of_a_backup(folder: Path) -> None:
    """Of a good one and of one that cannot be read; where the ledger is gone, whom it holds is not known."""
    inform(folder, KNOWN)
    file = back_up(folder)
    verified = listing.verify(file)
    assert (verified.file, verified.manifest) == (file, archive.verify(file))
    made = verified.manifest.made
    damaged = file.parent / "informativa-2026-01-01T00-00-00Z.tar"
    damaged.write_bytes(b"x" * 2000)
    bad, good = listing.list_backups(config(folder), file.parent, Period(days=30)).backups
    assert (bad.file, bad.bytes, bad.controllers, bad.keys, bad.holds, bad.unknown) == (
        *(damaged, 2000, (), False, (), ()),
    )
    assert bad.expires is not None
    assert bad.expires.tzinfo is UTC
    assert (bad.made, bad.expires) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 31, tzinfo=UTC))
    assert str(bad.problem) == (
        f"{damaged} is no backup, or was cut off: its manifest is missing. Take another one, by its day:"
        " informativa backup list"
    )
    assert (good.made, good.bytes, good.keys) == (made, file.stat().st_size, False)
    assert (good.controllers, good.holds, good.unknown) == (("acme", "borealis"), (), ())
    assert bool(good.problem) is False
    assert good.expires == made.replace(microsecond=0) + timedelta(days=30)
    (folder / "ledger/acme.sqlite3").unlink()
    _bad, good = listing.list_backups(config(folder), file.parent).backups
    assert (good.unknown, good.expires) == (("acme",), None)
    with config(folder).open("a") as text:
        text.write(f"backup: {{folder: {file.parent}, keep: 60 days}}\n")
    listed = listing.list_backups(config(folder))
    assert listed.folder == file.parent
    assert listed.backups[0].expires == datetime(2026, 3, 2, tzinfo=UTC)


def test_backup_of_another_box_or_of_another_key_is_refused(folder: Path) -> None:
    """Where boxes share a database the box counts, else it does not; both are named, and so is the key that
    is missing. A company of which the backup has no key needs none."""
    configuration = load(config(folder))
    conditions.require_possible(configuration, WHOLE, ["acme", "gone"])
    for box in ("box", "other"):
        shared = replace(configuration, shared=SharedDatabase(("db:5432",), "calls", box))
        if box == WHOLE.box:
            conditions.require_possible(shared, WHOLE, ["acme"])
            continue
        with pytest.raises(InformativaError) as caught:
            conditions.require_possible(shared, WHOLE, ["acme"])
        assert said(caught.value) == (
            "The backup is of the box box, and this is other.",
            "Take a backup of this box: informativa backup list",
        )
    acme = configuration.controllers["acme"]
    with pytest.raises(InformativaError) as caught:
        conditions.require_key(WHOLE, acme)
    assert said(caught.value) == (
        "The key of acme by which the callers of the backup are known is missing (its fingerprint is ab12).",
        "Put it back as its `key:` says, with mode 0600, or give --identity FILE or --passphrase FILE, if the"
        " backup has the keys; then try again.",
    )
    for keys in ((), (fingerprint(acme.key), "ab12")):
        conditions.require_key(replace(WHOLE, companies=(replace(ACME, keys=keys),)), acme)
