"""The content of a backup that is made, what is said of it, and what is in its way."""

from __future__ import annotations

import errno
import os
import pwd
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pyrage
import pytest

from backups import KNOWN, OTHER, config, erase, inform, sign
from informativa.call.caller import fingerprint
from informativa.config import load
from informativa.evidence.origin import machine
from informativa.ledgers import snapshot
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Period
from informativa.model.errors import InformativaError
from informativa.operations.backup import archive, making, places, sources
from informativa.operations.backup.encryption import KeyProtection
from informativa.operations.backup.manifest import BackupCompany, FilePart, LeftOutCompany

NOW = datetime(2026, 11, 30, 3, 20, tzinfo=UTC)
NAME = "informativa-2026-11-30T03-20-00Z"
ROOM = "Make room there, or name another folder; nothing was written."


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


@pytest.fixture
def place(folder: Path) -> Path:
    """A folder for backups."""
    place = folder.parent / "backups"
    place.mkdir()
    return place


def test_backup_says_all_of_what_is_in_it(folder: Path, place: Path) -> None:
    """The companies with their records, logs and keys' fingerprints; whose machine it was, and the program; a
    company without a ledger is in it, too."""
    inform(folder, KNOWN, OTHER)
    sign(folder)
    erase(folder, OTHER)
    acme, borealis = load(config(folder)).controllers.values()
    recipient = str(pyrage.x25519.Identity.generate().to_public())
    made = making.make(config(folder), place, NOW, protection=KeyProtection((recipient,)))
    origin = f"{machine()}/informativa/acme/{machine()}/1"
    companies = (
        BackupCompany("acme", 4, 4, (origin,), (fingerprint(acme.key),)),
        BackupCompany("borealis", 0, 0, (), (fingerprint(borealis.key),)),
    )
    assert (made.file, made.bytes, made.made) == (place / f"{NAME}.tar", made.file.stat().st_size, NOW)
    assert (made.companies, made.left_out, made.outside, made.keys, made.deleted) == (
        companies,
        (),
        (),
        True,
        (),
    )
    manifest = archive.verify(made.file)
    assert (manifest.format, manifest.program, manifest.made, manifest.box) == (1, "0.2.0", NOW, machine())
    assert manifest.configuration == "informativa.yaml"
    assert manifest.owner == pwd.getpwuid(os.geteuid()).pw_name
    assert (manifest.companies, manifest.left_out) == (companies, ())
    files = [(file.name, str(file.part), file.controller, file.place) for file in manifest.files]
    assert files[0] == ("configuration/informativa.yaml", "configuration", None, "informativa.yaml")
    private = "private/1-3.json"
    of_acme = [file for file in files if file[0].startswith("companies/")]
    assert [file for file in of_acme if file[1] not in ("log", "private-list")] == [
        ("companies/acme/ledger.sqlite3", "ledger", "acme", "ledger.sqlite3"),
        ("companies/acme/access.sqlite3", "access-log", "acme", "access.sqlite3"),
    ]
    assert of_acme[0] == ("companies/acme/log/1/checkpoint", "log", "acme", "1/checkpoint")
    lists = [file for file in of_acme if file[1] == "private-list"]
    assert [
        (name.startswith("companies/acme/log/private/"), owner) for name, _part, owner, _place in lists
    ] == [(True, "acme")]
    assert all(name == f"companies/acme/log/{path}" for name, _part, _owner, path in lists), private
    assert files[-1] == ("keys.age", "keys", None, "keys.age")
    prompts = [file for file in files if file[1] == "prompt"]
    assert {name == f"configuration/{path}" for name, _part, _owner, path in prompts} == {True}
    assert {owner for *_rest, owner, _place in prompts} == {"acme", "borealis"}


@pytest.mark.parametrize(
    "boxed",
    [
        "evidence: {box: pbx-2}",
        "evidence: {domain: acme.example}",
    ],
)
def test_backup_is_of_the_box_that_the_configuration_names(folder: Path, place: Path, boxed: str) -> None:
    """Without a name it is the machine's."""
    config(folder).write_text(config(folder).read_text().replace("operator: ", f"{boxed}\noperator: ", 1))
    made = making.make(config(folder), place, NOW)
    assert archive.verify(made.file).box == ("pbx-2" if "box" in boxed else machine())
    assert made.keys is False


def test_copies_are_made_where_the_backup_is_to_be(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its disk has the room that was looked for; the folder for temporary files may be a small one, which
    others read, or be missing."""
    inform(folder, KNOWN)
    monkeypatch.setattr(tempfile, "tempdir", str(place / "missing"))
    making.make(config(folder), place, NOW)
    assert [file.name for file in place.iterdir()] == [f"{NAME}.tar"]


def test_copies_have_a_name_by_which_they_are_removed(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next backup removes what one that was killed left in the folder."""
    inform(folder, KNOWN)
    names, copy = list[str](), snapshot.copy_ledger

    def copied(store: SqliteStore, target: Path) -> snapshot.Snapshot:
        names.append(str(target.parent.relative_to(place)))
        return copy(store, target)

    monkeypatch.setattr(snapshot, "copy_ledger", copied)
    making.make(config(folder), place, NOW)
    assert [name.startswith(".informativa-backup-") for name in names] == [True]


def test_place_of_a_backup(folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, whatever its name, a new file in one, also by a path from here, or the configured folder."""
    dotted = place / "x.tar"
    dotted.mkdir()
    monkeypatch.chdir(place)
    config(folder).write_text(f"{config(folder).read_text()}backup: {{folder: {dotted}}}\n")
    for named, file in (
        (place, place / f"{NAME}.tar"),
        (dotted, dotted / f"{NAME}.tar"),
        (place / "mine.tar", place / "mine.tar"),
        (Path("here.tar"), Path("here.tar")),
    ):
        assert making.make(config(folder), named, NOW).file == file
    later = NOW + timedelta(days=1)
    assert making.make(config(folder), None, later, ["acme", "acme"]).file == (
        dotted / "informativa-2026-12-01T03-20-00Z-acme-acme.tar"
    )
    with pytest.raises(InformativaError) as caught:
        making.make(config(folder), place / "mine.tar", NOW)
    assert sentences_of(caught.value) == (
        f"{place}/mine.tar is there already, and is not written over.",
        "Name another one.",
    )
    with pytest.raises(InformativaError, match="nobody"):
        making.make(config(folder), place / "new.tar", NOW, ["acme", "nobody"])
    assert not (place / "new.tar").exists()


def test_backups_are_deleted_after_the_time_of_the_configuration(folder: Path, place: Path) -> None:
    """Unless another one is said; and not where a backup is a file by itself."""
    config(folder).write_text(f"{config(folder).read_text()}backup: {{folder: {place}, keep: 20 days}}\n")
    days = [making.make(config(folder), place, NOW - timedelta(days=age), ["acme"]).file for age in (19, 10)]
    assert (
        making.make(config(folder), place / "by-itself.tar", NOW + timedelta(days=9), ["acme"]).deleted == ()
    )
    assert making.make(config(folder), place, NOW, ["acme"], keep=Period(days=30)).deleted == ()
    assert making.make(config(folder), place, NOW + timedelta(days=2), ["acme"]).deleted == (days[0],)
    assert days[1].exists()


def test_file_outside_of_the_folder_is_told_once(folder: Path, place: Path) -> None:
    """A prompt elsewhere, which two notices have, is named and not in the backup; the next files are."""
    outside = folder.parent / "sound/short.wav"
    outside.parent.mkdir()
    outside.write_bytes((folder / "prompts/it/short.wav").read_bytes())
    text = config(folder).read_text()
    assert "it: prompts/it/short\n" in text
    config(folder).write_text(text.replace("it: prompts/it/short\n", f"it: {outside.with_suffix('')}\n"))
    made = making.make(config(folder), place, NOW)
    assert made.outside == (outside,)
    inside = archive.verify(made.file).files
    assert not any("sound" in file.name for file in inside)
    assert {file.controller for file in inside if file.part is FilePart.PROMPT} == {"acme", "borealis"}


def test_company_that_cannot_be_backed_up_is_left_out(folder: Path, place: Path) -> None:
    """With its reason, and nothing of it is counted as in the backup; by its own name it is refused. So is
    one whose section has mistakes."""
    for controller in ("acme", "borealis"):
        inform(folder, KNOWN, controller=controller)
    sign(folder)
    ledger = folder / "ledger/borealis.sqlite3"
    ledger.write_bytes(b"no ledger" * 1000)
    made = making.make(config(folder), place, NOW)
    (company,) = made.left_out
    assert company.controller == "borealis"
    assert company.reason.startswith(f"The ledger {ledger} cannot be used")
    manifest = archive.verify(made.file)
    assert manifest.left_out == made.left_out
    assert not [file for file in manifest.files if file.name.startswith("companies/borealis")]
    names = {file.name for file in manifest.files}
    assert {"configuration/informativa.yaml", "companies/acme/ledger.sqlite3"} <= names
    with pytest.raises(InformativaError, match="cannot be used"):
        making.make(config(folder), place / "one.tar", NOW, ["borealis"])
    with pytest.raises(InformativaError, match="cannot be used"):
        making.make(config(folder), place / "one.tar", NOW, ["acme", "borealis"])
    text = config(folder).read_text().replace("key: keys/borealis.key", "cay: keys/borealis.key")
    config(folder).write_text(text)
    assert making.make(config(folder), place / "two.tar", NOW).left_out == (
        LeftOutCompany("borealis", "The section of borealis has mistakes. Look at them: informativa check"),
    )
    assert sorted(file.name for file in place.iterdir()) == [f"{NAME}.tar", "two.tar"]


@pytest.mark.parametrize(
    ("names", "keys"),
    [(("acme",), {"keys/acme.key"}), ((), {"keys/acme.key", "keys/borealis.key", "keys/agi.token"})],
)
def test_keys_are_those_of_the_companies(
    folder: Path, place: Path, names: tuple[str, ...], keys: set[str]
) -> None:
    """Of one company its own; the token, which is of all, only with all."""
    identity = pyrage.x25519.Identity.generate()
    protection = KeyProtection((str(identity.to_public()),))
    made = making.make(config(folder), place, NOW, names, protection)
    with archive.reading(made.file) as (tar, manifest):
        data = b"".join(archive.contents(made.file, tar, manifest.files[-1]))
    assert sources.parse_secrets(pyrage.decrypt(data, [identity])).keys() == keys


def raising(error: BaseException) -> Callable[..., None]:
    """Return a function that only fails."""

    def fail(*_given: object, **_more: object) -> None:
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "message", "remedy"),
    [
        (OSError(errno.ENOSPC, "No space"), "There is no room for the backup in {place}.", ROOM),
        (OSError(errno.EDQUOT, "Quota"), "There is no room for the backup in {place}.", ROOM),
        (
            OSError(errno.EACCES, "Permission denied"),
            "The backup {place}/informativa-2026-11-30T03-20-00Z.tar cannot be written (Permission denied).",
            "Look at the owner and mode of {place}/informativa-2026-11-30T03-20-00Z.tar, or name another"
            " folder.",
        ),
    ],
)
def test_disk_that_refuses_is_told(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, message: str, remedy: str
) -> None:
    """No part of the backup stays."""
    monkeypatch.setattr(archive.ArchiveWriter, "finish", raising(error))
    with pytest.raises(InformativaError) as caught:
        making.make(config(folder), place, NOW)
    assert sentences_of(caught.value) == (message.format(place=place), remedy.format(place=place))
    assert (caught.value.code == "no-room") is (error.errno in (errno.ENOSPC, errno.EDQUOT))
    assert list(place.iterdir()) == []


def test_disk_that_fills_up_in_a_company_leaves_none_out(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next company would find no room either."""
    inform(folder, KNOWN)
    full = InformativaError("full", code=snapshot.NO_ROOM)
    monkeypatch.setattr(snapshot, "copy_ledger", raising(full))
    with pytest.raises(InformativaError) as caught:
        making.make(config(folder), place, NOW)
    assert caught.value is full
    assert list(place.iterdir()) == []


def test_room_is_for_all_and_for_the_largest_once_more(
    folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ledgers and access logs with their write-ahead logs, of the companies in it, and 16 MiB."""
    sizes = {
        "acme.sqlite3": 5_000_000,
        "acme.sqlite3-wal": 300_000,
        "acme.sqlite3.access": 20_000,
        "acme.sqlite3.access-wal": 1_000,
        "borealis.sqlite3": 7_000_000,
        "borealis.sqlite3-shm": 99_000_000,
    }
    (folder / "ledger").mkdir(exist_ok=True)
    for name, size in sizes.items():
        with (folder / "ledger" / name).open("wb") as file:
            file.truncate(size)
    configuration, spare = load(config(folder)), 16_777_216
    acme = 5_321_000
    for names, needed, megabytes in (
        ((), acme + 2 * 7_000_000 + spare, 37),
        (("acme",), 2 * acme + spare, 28),
        (("nobody",), spare, 17),
    ):
        for short in (0, 1):
            asked = list[Path]()

            def usage(folder: Path, free: int = needed - short, asked: list[Path] = asked) -> SimpleNamespace:
                asked.append(folder)
                return SimpleNamespace(free=free)

            monkeypatch.setattr(making.shutil, "disk_usage", usage)
            if not short:
                making._require_room(configuration, names, place)
            else:
                with pytest.raises(InformativaError) as caught:
                    making._require_room(configuration, names, place)
                assert sentences_of(caught.value) == (
                    f"There is no room for the backup in {place}: {megabytes} MB are needed.",
                    ROOM,
                )
                assert caught.value.code == "no-room"
            assert asked == [place]


def test_only_one_is_made_in_a_folder(folder: Path, place: Path) -> None:
    """While one is made, another one is refused before it is begun."""
    with places.alone_in(place), pytest.raises(InformativaError, match="Another backup is being made"):
        making.make(config(folder), place, NOW)
    assert list(place.iterdir()) == []
