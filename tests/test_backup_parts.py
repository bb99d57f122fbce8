"""The parts of which backups are made: the folder with its files, the manifest, and the list."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from subprocess import PIPE
from typing import NoReturn

import pytest

from backups import KNOWN, back_up, config, erase, inform, sign
from informativa.call.caller import fingerprint
from informativa.config import inspect, load
from informativa.ledgers import snapshot, write_lock
from informativa.ledgers.snapshot import PastErasure
from informativa.model import Period
from informativa.model.errors import InformativaError
from informativa.operations.backup import archive, conditions, listing, manifest, places, sources
from informativa.operations.backup.manifest import BackupCompany, BackupFile, FilePart, Manifest
from informativa.operations.backup.places import BackupPlace
from informativa.process import storage
from lab.process import open_files

NOW = datetime(2026, 11, 30, 3, 20, 5, tzinfo=UTC)
OPENED = """
import sqlite3, sys
ledger = sqlite3.connect(sys.argv[1])
print(*ledger.execute("SELECT count(*) FROM event"), flush=True)
sys.stdin.read()
"""
KEYS = BackupFile("acme/keys.age", FilePart.KEYS, "acme", "keys.age", 3, "00")
LEDGER = BackupFile("acme/ledger", FilePart.LEDGER, "acme", "acme.sqlite3", 3, "00")
PROMPT = BackupFile("prompts/a", FilePart.PROMPT, None, "prompts/it/a.wav", 3, "00")
ACME = BackupCompany("acme", 3, 4, ("log/1",), ("ab12",))
WHOLE = Manifest(1, "0.2.0", NOW, "box", "informativa.yaml", "asterisk", (ACME,), (), (KEYS, LEDGER, PROMPT))


def sentences_of(error: InformativaError) -> tuple[str, str]:
    """Return the message and the remedy."""
    return str(error.message), str(error.remedy)


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's zone, in which summer time ends in between."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("new_york")
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


@pytest.mark.usefixtures("new_york")
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
    assert sentences_of(caught.value) == (
        "No folder for backups is named.",
        f"Name one, or write into {file}: `backup: {{folder: /var/backups/informativa}}`",
    )
    with file.open("a") as text:
        text.write(f"backup: {{folder: {configured}}}\n")
    configuration = load(file)
    for place, argument in ((named, named), (configured, None)):
        with pytest.raises(InformativaError) as caught:
            places.required_folder(configuration, argument)
        assert sentences_of(caught.value) == (
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
            before = [file for file in open_files() if file.is_relative_to(tmp_path)]
            assert before
            with pytest.raises(InformativaError) as caught, places.alone_in(tmp_path):
                pytest.fail("two at once")
            assert [file for file in open_files() if file.is_relative_to(tmp_path)] == before
        assert sentences_of(caught.value) == (
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
    assert sentences_of(caught.value) == ("The backup has nothing of borealis.", "It has: acme, b.")


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
    assert sentences_of(caught.value) == (
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
    """Of a good one and of one that cannot be read; where the ledger is damaged or gone, whom it holds is
    not known."""
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
    ledger = folder / "ledger/acme.sqlite3"
    ledger.write_bytes(b"no ledger" * 500)
    assert listing.list_backups(config(folder), file.parent).backups[1].unknown == ("acme",)
    ledger.unlink()
    _bad, good = listing.list_backups(config(folder), file.parent).backups
    assert (good.unknown, good.expires) == (("acme",), None)
    with config(folder).open("a") as text:
        text.write(f"backup: {{folder: {file.parent}, keep: 60 days}}\n")
    listed = listing.list_backups(config(folder))
    assert listed.folder == file.parent
    assert listed.backups[0].expires == datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.usefixtures("new_york")
def test_backups_that_hold_the_caller_erased_last(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are said until the company's day on which the last one goes; the earlier erasure is not asked
    about, and a reason of the system is in its words."""
    inform(folder, KNOWN)
    first, second = (
        folder.parent / "backups" / places.file_name(datetime(2026, 11, day, 22, 40, tzinfo=UTC), [])
        for day in (1, 2)
    )
    shutil.copy(back_up(folder), first)
    shutil.copy(first, second)
    for file in set(first.parent.iterdir()) - {first, second}:
        file.unlink()
    with config(folder).open("a") as text:
        text.write(f"backup: {{folder: {first.parent}, keep: 30 days}}\n")
    configuration = load(config(folder))
    acme = configuration.controllers["acme"]
    newer, older = PastErasure(NOW, leaf=10**6, first=0), PastErasure(NOW, leaf=10, first=9)
    erasures: list[PastErasure] = []
    monkeypatch.setattr(snapshot, "past_erasures", lambda _ledger: iter(erasures))

    def warnings() -> list[str]:
        return list(map(str, listing.holding_last_erased(configuration, acme)))

    assert warnings() == []
    erasures[:] = [newer, older]
    assert warnings() == [
        f"2 backups in {first.parent} still hold him, the last until 2026-12-02: informativa backup list"
    ]
    erasures[:] = [older]
    assert warnings() == []
    monkeypatch.setattr(archive, "reading", _unreadable)
    unknown = f"which backups in {first.parent} still hold him is not known:"
    assert warnings() == [f"{unknown} Permission denied"]
    monkeypatch.setattr(archive, "reading", _without_a_word)
    assert warnings() == [f"{unknown} "]
    monkeypatch.setattr(archive, "reading", _no_backup)
    assert warnings() == [f"{unknown} It is no backup."]
    Path(acme.ledger).unlink()
    assert warnings() == []


def _unreadable(file: Path) -> NoReturn:
    raise PermissionError(errno.EACCES, "Permission denied", str(file))


def _no_backup(_file: Path) -> NoReturn:
    raise InformativaError("It is no backup.")


def _without_a_word(_file: Path) -> NoReturn:
    raise OSError


def test_backup_of_another_key_is_refused(folder: Path) -> None:
    """The key that is missing is named. A company of which the backup has no key needs none."""
    configuration = load(config(folder))
    conditions.require_possible(configuration, WHOLE, ["acme", "gone"])
    acme = configuration.controllers["acme"]
    with pytest.raises(InformativaError) as caught:
        conditions.require_key(WHOLE, acme, folder / "keys/gone.key")
    assert sentences_of(caught.value) == (
        "The key of acme by which the callers of the backup are known is missing (its fingerprint is ab12).",
        "Put it back as its `key:` says, with mode 0600, or give --identity FILE or --passphrase FILE, if the"
        " backup has the keys; then try again.",
    )
    for keys in ((), (fingerprint(acme.key), "ab12")):
        conditions.require_key(replace(WHOLE, companies=(replace(ACME, keys=keys),)), acme, folder)


def test_ledger_that_is_open_is_not_replaced(folder: Path) -> None:
    """The process is named that has it open; a ledger that is not there is open nowhere."""
    configuration = load(config(folder))
    acme, unlogged = configuration.controllers["acme"], replace(WHOLE, companies=(replace(ACME, logs=()),))
    conditions.require_possible(configuration, unlogged, ["acme"])
    storage.store(acme).close()
    conditions.require_possible(configuration, unlogged, ["acme"])
    other = subprocess.Popen([sys.executable, "-c", OPENED, acme.ledger], stdin=PIPE, stdout=PIPE)
    with other:
        assert other.stdout is not None
        assert other.stdout.readline()
        with pytest.raises(InformativaError) as caught:
            conditions.require_possible(configuration, unlogged, ["acme"])
    assert sentences_of(caught.value) == (
        f"The ledger {acme.ledger} is open (process {other.pid}).",
        "Stop the service: systemctl stop informativa, and try again.",
    )


def test_each_process_is_named_that_has_a_ledger_open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service, and whoever looks at it."""
    monkeypatch.setattr(write_lock, "users", lambda _file: [7, 8])
    with pytest.raises(InformativaError, match=r"is open \(process 7, 8\)\."):
        conditions.require_possible(
            load(config(folder)), replace(WHOLE, companies=(replace(ACME, logs=()),)), ["acme"]
        )


def test_ledger_of_another_box_is_not_replaced(folder: Path) -> None:
    """Its log has another name than those of the backup; one in common is enough, and a backup without logs
    goes anywhere. A ledger that cannot be read is no box's."""
    inform(folder, KNOWN)
    configuration = load(config(folder))
    acme = configuration.controllers["acme"]
    with closing(storage.store(acme, read_only=True)) as ledger:
        (origin,) = [log.origin for log in ledger.logs()]
    for logs in ((), ("box/9", origin), (origin,)):
        conditions.require_possible(
            configuration, replace(WHOLE, companies=(replace(ACME, logs=logs),)), ["acme"]
        )
    other = replace(WHOLE, companies=(replace(ACME, logs=("box/7", "box/8", "box/9")),))
    with pytest.raises(InformativaError) as caught:
        conditions.require_possible(configuration, other, ["acme"])
    assert sentences_of(caught.value) == (
        f"The backup is of the log box/9, and here is {origin}.",
        "Take a backup of this machine: informativa backup list",
    )
    assert conditions.knows_erasures(acme)
    Path(acme.ledger).write_bytes(b"no database" * 1000)
    conditions.require_possible(configuration, other, ["acme"])
    assert not conditions.knows_erasures(acme)
    assert not conditions.knows_erasures(configuration.controllers["borealis"])


def test_files_of_the_configuration_are_those_that_it_names(folder: Path, tmp_path: Path) -> None:
    """With the certificates, and the prompts in all of their formats, each with its company; of one company
    its prompts alone."""
    certificates = {"web": tmp_path / "web.pem"}
    loaded = load(config(folder))
    configuration = replace(
        loaded,
        web=replace(loaded.web, certificate=str(certificates["web"])),
    )
    short = folder / "prompts/it/short"
    for name in ("short.txt", "short.sln16", "short-other.wav", "short.old/x"):
        file = short.parent / name
        file.parent.mkdir(exist_ok=True)
        file.touch()
    files = sources.configuration_files(configuration, ["acme"], all_of_it=True)
    of_all = [own.file for own in files if own.part is FilePart.CONFIGURATION]
    fallback = [folder / f"prompts/it/short-nokey.{kind}" for kind in ("txt", "wav")]
    assert of_all == [config(folder), *certificates.values(), *fallback]
    plain = replace(loaded, fallback=None)
    assert [own.file for own in sources.configuration_files(plain, [], all_of_it=True)] == [config(folder)]
    assert {own.controller for own in files if own.part is FilePart.CONFIGURATION} == {None}
    prompts = sources.configuration_files(configuration, ["acme"], all_of_it=False)
    assert prompts == [own for own in files if own.part is FilePart.PROMPT]
    assert {(own.part, own.controller) for own in prompts} == {(FilePart.PROMPT, "acme")}
    paths = [own.file for own in prompts]
    assert paths == sorted(set(paths))
    shorts = [file.name for file in paths if file.parent == short.parent and file.name.startswith("short.")]
    assert shorts == ["short.sln16", "short.txt", "short.wav"]
    assert short.with_name("short-other.wav") not in paths


def test_files_of_a_log_are_copied_so_that_each_has_what_it_needs(folder: Path) -> None:
    """The checkpoint before the tiles, which only grow; hidden files and the private lists are not among
    them, which come by themselves."""
    inform(folder, KNOWN)
    sign(folder)
    ledger, log = folder / "ledger/acme.sqlite3", folder / "ledger/acme.log"
    (log / "1/.checkpoint.part").touch()
    (log / "1/witnesses").touch()
    (log / "2").mkdir()
    (log / "2/checkpoint").touch()
    names = [str(file.relative_to(log)) for file in sources.log_files(ledger)]
    assert names == [
        "1/checkpoint",
        "2/checkpoint",
        "1/checkpoints/2",
        "1/key",
        "1/witnesses",
        "1/tile/0/000.p/2",
        "1/tile/entries/000.p/2",
    ]
    assert sources.private_lists(ledger) == []
    erase(folder, KNOWN)
    (private,) = sources.private_lists(ledger)
    assert (private.parent, private.is_file()) == (log / "private", True)


def test_secrets_are_those_that_the_configuration_names(folder: Path) -> None:
    """Keys, also retired ones, the token, and what is of all only with all; what lies elsewhere, and what is
    not there, is left out."""
    keys = folder / "keys"
    (keys / "acme.key.retired-20260101").write_bytes(b"old")
    (keys / "acme.hook").write_bytes(b"hook")
    (keys / "manager").write_bytes(b"manager")
    (folder / "web").mkdir(exist_ok=True)
    (folder / "web/accounts.json").write_bytes(b"{}")
    (folder.parent / "outside").write_bytes(b"outside")
    text = config(folder).read_text()
    hook = "hook: {url: 'https://127.0.0.1/', secret: keys/acme.hook, subject: number}"
    text = text.replace("    key: keys/acme.key", f"    {hook}\n    key: keys/acme.key", 1)
    config(folder).write_text(f"{text}\nmanager: {{user: informativa, secret: keys/manager}}\n")
    configuration = inspect(config(folder))[0]
    one = sources.parse_secrets(sources.secrets(configuration, ["acme"], all_of_it=False))
    names = ("keys/acme.hook", "keys/acme.key", "keys/acme.key.retired-20260101")
    assert one == {name: (folder / name).read_bytes() for name in names}
    both = sources.parse_secrets(sources.secrets(configuration, ["acme", "borealis"], all_of_it=True))
    more = ("keys/borealis.key", "keys/agi.token", "keys/manager", "web/accounts.json")
    assert both == {name: (folder / name).read_bytes() for name in (*names, *more)}
    (keys / "agi.token").unlink()
    config(folder).write_text(text)
    configuration = inspect(config(folder))[0]
    rest = sources.parse_secrets(sources.secrets(configuration, [], all_of_it=True))
    assert rest == {"web/accounts.json": b"{}"}
