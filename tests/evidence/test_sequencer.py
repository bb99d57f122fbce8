"""Checkpoints: each extends the last, none contradicts another, and what broke is said and kept."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from evidence.ledger import audited, checkpoints, files, forged, grown, published, require_one_history, signed
from informativa.evidence import ed25519
from informativa.evidence.log_folder import LogFolder, PublishedLog
from informativa.evidence.note import Signer
from informativa.ledgers import sequencer
from informativa.ledgers.sequencer import examine, sequence
from informativa.ledgers.sqlite import SqliteStore
from informativa.model.errors import EvidenceError, SigningError, TileChangedError
from informativa.system import files as files_module


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger with three records."""
    grown(tmp_path / "acme.sqlite3", 3)
    return tmp_path / "acme.sqlite3"


def put_back(ledger: Path, copy: Path) -> None:
    """Copy the whole content of a backup into the ledger."""
    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(ledger)) as target:
        source.backup(target)


def copied(ledger: Path) -> Path:
    """A backup."""
    copy = ledger.with_name("elsewhere")
    put_back(copy, ledger)
    return copy


def test_each_checkpoint_extends_the_last(ledger: Path) -> None:
    """However the log grows, across tiles; and where nothing was added nothing is signed."""
    sizes = [3]
    assert sequence(ledger).checkpoint.size == 3
    for more in (1, 251, 1, 1, 255, 300):
        grown(ledger, more)
        sequenced = sequence(ledger)
        sizes.append(sizes[-1] + more)
        assert (sequenced.checkpoint.size, sequenced.added) == (sizes[-1], more)
        require_one_history(ledger)
    files_before = files(ledger)
    assert sequence(ledger).added == 0
    assert files(ledger) == files_before
    assert published(ledger).sizes() == sizes == [3, 4, 255, 256, 257, 512, 812]
    assert audited(ledger).is_sound


def test_many_records_go_into_tiles_by_pages(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With other pages the same files."""
    grown(ledger, 1000)
    other = ledger.with_name("other.sqlite3")
    put_back(other, ledger)
    progress: list[tuple[int, int]] = []
    monkeypatch.setattr(sequencer, "PAGE", 300)
    sequence(ledger, lambda count, of: progress.append((count, of)))
    assert progress == [(300, 1003), (600, 1003), (900, 1003), (1003, 1003)]
    monkeypatch.setattr(sequencer, "PAGE", 8192)
    sequence(other)
    tiles = {name: data for name, data in files(other).items() if ".p/" not in name and "/tile/" in name}
    assert tiles.items() <= files(ledger).items()
    assert checkpoints(ledger)[-1].root == checkpoints(other)[-1].root


@pytest.mark.parametrize("more", [0, 1, 2, 3, 300])
def test_i7_rolled_back_copy_is_refused(ledger: Path, more: int) -> None:
    """I7: an older state put back, as it was or with as many or more new records after it: nothing is signed,
    nothing is written over, and the audit names what is missing or other."""
    sequence(ledger)
    copy = copied(ledger)
    grown(ledger, 2)
    sequence(ledger)
    files_before = files(ledger)
    put_back(ledger, copy)
    grown(ledger, more)
    with pytest.raises(SigningError) as raised:
        sequence(ledger)
    assert raised.value.code == "rolled-back"
    assert files(ledger) == files_before
    audit_result = audited(ledger)
    assert not audit_result.is_sound
    assert {finding.leaf for finding in audit_result.flaws} == {3, 4}


def test_i7_record_that_was_changed_with_its_leaf_is_refused(ledger: Path) -> None:
    """I7: also in the middle of a tile that is not full yet, which is written anew; the audit names it."""
    sequence(ledger)
    grown(ledger, 5)
    sequence(ledger)
    forged(ledger, "UPDATE leaf SET what = who WHERE leaf = 1")
    files_before = files(ledger)
    assert sequence(ledger).added == 0
    grown(ledger, 1)
    sequence(ledger)  # what is new is right, and the tiles have the right one
    assert files_before.items() - files(ledger).items() == {
        (name, files_before[name]) for name in ("1/checkpoint", "signing/1.signed")
    }
    assert {(finding.leaf, str(finding.flaw)) for finding in audited(ledger).flaws} == {
        (1, "leaf-altered"),
        (1, "facts-altered"),
    }


def test_lost_checkpoint_is_made_again(ledger: Path) -> None:
    """From what lies beside the key: the same bytes, of the same tree."""
    sequence(ledger)
    grown(ledger, 4)
    sequence(ledger)
    files_before = files(ledger)
    (published(ledger).folder / "checkpoint").unlink()
    assert sequence(ledger).checkpoint.size == 7
    assert files(ledger) == files_before
    (published(ledger).folder / "checkpoint").unlink()
    grown(ledger, 1)
    sequence(ledger)
    require_one_history(ledger)


def test_lost_signed_checkpoint_is_taken_from_the_published_one(ledger: Path) -> None:
    """And nothing that contradicts that is signed."""
    sequence(ledger)
    copy = copied(ledger)
    grown(ledger, 4)
    sequence(ledger)
    files_before = files(ledger)
    (LogFolder(ledger).folder / "signing/1.signed").unlink()
    put_back(copy.with_name("whole"), ledger)
    put_back(ledger, copy)
    grown(ledger, 9)
    with pytest.raises(SigningError):
        sequence(ledger)
    put_back(ledger, copy.with_name("whole"))
    sequence(ledger)
    assert files(ledger) == files_before


def test_key_that_was_made_and_never_signed_is_made_again(
    ledger: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while it is made, before or after the checkpoint of nothing: the next run goes on."""
    for name in ("create", "write_file"):
        with monkeypatch.context() as patched:
            patched.setattr(files_module, name, _fails)
            with pytest.raises(EvidenceError):
                sequence(ledger)
    sequence(ledger)
    require_one_history(ledger)


def _fails(*_arguments: object, **_keywords: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("memory", ["checkpoints", "nothing"])
def test_key_that_has_lost_what_it_signed_signs_nothing_else(ledger: Path, memory: str) -> None:
    """If the last signed checkpoint is lost, older stored ones count. Without any the signed state is
    unknown: nothing is signed before somebody declares a new log."""
    sequence(ledger)
    copy = copied(ledger)
    grown(ledger, 4)
    sequence(ledger)
    files_before = files(ledger)
    (LogFolder(ledger).folder / "signing/1.signed").unlink()
    (published(ledger).folder / "checkpoint").unlink()
    if memory == "checkpoints":
        put_back(copy.with_name("whole"), ledger)
        put_back(ledger, copy)
        with pytest.raises(SigningError, match="put back to an older state"):
            sequence(ledger)
        put_back(ledger, copy.with_name("whole"))
        sequence(ledger)
        assert files(ledger) == files_before
        return
    shutil.rmtree(published(ledger).folder)
    left = files(ledger)
    for state in (ledger, copy):
        put_back(ledger, state) if state is copy else None
        with pytest.raises(SigningError) as raised:
            sequence(ledger)
        assert raised.value.code == "log-missing"
        assert files(ledger) == left
    forged(ledger, "DELETE FROM signed")
    with pytest.raises(SigningError) as raised:
        sequence(ledger)
    assert raised.value.code == "signed-unknown"


def examined(ledger: Path) -> None:
    """Examine a ledger that was opened to be read only."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        examine(store)


@pytest.mark.parametrize("more", [0, 1])
def test_i7_deleted_folder_of_a_log_is_missed(ledger: Path, more: int) -> None:
    """I7: the ledger remembers what was signed; no new log takes the place of the one that is gone."""
    key = signed(ledger)
    grown(ledger, more)
    folder = LogFolder(ledger).folder
    shutil.rmtree(folder)
    for attempt in (sequence, examined):
        with pytest.raises(
            SigningError, match=f"is gone from {folder}: 3 records of it were signed"
        ) as raised:
            attempt(ledger)
        assert raised.value.code == "log-missing"
    assert files(ledger) == {}
    assert [str(problem) for problem in audited(ledger, key).cut_off] == [
        f"The log in {folder}/1 ends before 3 records that were signed according to the ledger {ledger}."
    ]


def test_i7_folder_of_another_log_is_not_taken(ledger: Path, tmp_path: Path) -> None:
    """I7: of the same name, with a key of its own, and the same records."""
    key, moved = signed(ledger), tmp_path / "kept"
    folder = LogFolder(ledger).folder
    folder.rename(moved)
    forged(ledger, "DELETE FROM signed")
    signed(ledger)
    shutil.rmtree(folder)
    moved.rename(folder)
    files_before = files(ledger)
    for attempt in (sequence, examined):
        with pytest.raises(SigningError, match="is not the one that the ledger") as raised:
            attempt(ledger)
        assert raised.value.code == "other-log"
    assert files(ledger) == files_before
    assert audited(ledger, key).is_sound  # its records are those that this log signed


def test_whoever_looks_makes_no_key(ledger: Path) -> None:
    """While another process makes the log's key, its first file is there and the key is not: a look between
    the two makes no key of its own, by which the first checkpoint would be signed."""
    folder = LogFolder(ledger)
    with closing(SqliteStore(str(ledger))) as store:
        log = store.log()
    signer = folder.signer(log.origin, log.epoch, create=True)
    key = folder.folder / f"signing/{log.epoch}.key"
    key.unlink()
    examined(ledger)
    assert not key.exists()
    key.write_text(f"{signer.secret}\n")
    examined(ledger)
    assert sequence(ledger).key == str(signer.verifier)


def test_one_note_in_three_files_is_verified_once(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last checkpoint is published twice, and lies beside the key: `doctor` verified it three times for
    each company."""
    sequence(ledger)
    verify, verified = ed25519.verify, list[bytes]()

    def counted(public: bytes, message: bytes, signature: bytes) -> bool:
        verified.append(signature)
        return verify(public, message, signature)

    monkeypatch.setattr(ed25519, "verify", counted)
    examined(ledger)
    assert len(verified) == 1


def test_older_folder_of_the_log_is_brought_up_to_date(ledger: Path, tmp_path: Path) -> None:
    """A backup of the folder is behind the ledger: the leaves show that it is the same log."""
    key, folder, copy = signed(ledger), LogFolder(ledger).folder, tmp_path / "kept"
    shutil.copytree(folder, copy)
    grown(ledger, 300)
    newest = sequence(ledger)
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    assert [str(problem) for problem in audited(ledger, key).cut_off] == [
        f"The log in {folder}/1 ends before 303 records that were signed according to the ledger {ledger}."
    ]
    examined(ledger)
    assert sequence(ledger).data == newest.data
    require_one_history(ledger)
    assert audited(ledger, key).is_sound


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE signed SET root = zeroblob(32)",
        "UPDATE signed SET size = 2",
        "UPDATE signed SET key = 'x'",
        "UPDATE leaf SET who = zeroblob(32) WHERE leaf = 4",
    ],
)
def test_i7_tree_that_the_ledger_remembers_is_extended_or_nothing(
    ledger: Path, tmp_path: Path, statement: str
) -> None:
    """I7: also where the folder is older, and only the leaves are left to be compared."""
    folder, copy = LogFolder(ledger).folder, tmp_path / "kept"
    signed(ledger)
    shutil.copytree(folder, copy)
    grown(ledger, 3)
    signed(ledger)
    shutil.rmtree(folder)
    shutil.copytree(copy, folder)
    forged(ledger, statement)
    files_before = files(ledger)
    with pytest.raises(SigningError) as raised:
        sequence(ledger)
    assert raised.value.code == "other-log"
    assert files(ledger) == files_before


def test_lost_key_is_not_made_again(ledger: Path) -> None:
    """A log that was signed by another key stays as it is."""
    sequence(ledger)
    (LogFolder(ledger).folder / "signing/1.key").unlink()
    files_before = files(ledger)
    grown(ledger, 1)
    with pytest.raises(EvidenceError, match=r"1\.key"):
        sequence(ledger)
    assert files(ledger) == files_before


def test_swapped_key_signs_nothing(ledger: Path) -> None:
    """Neither that of another log nor another one of this name."""
    sequence(ledger)
    key = LogFolder(ledger).folder / "signing/1.key"
    grown(ledger, 1)
    origin = checkpoints(ledger)[0].origin
    for name, sentence in (("other.example/1", "is that of the log other"), (origin, "No key that is known")):
        key.write_text(Signer(name, bytes(range(32))).secret + "\n")
        files_before = files(ledger)
        with pytest.raises(EvidenceError, match=sentence):
            sequence(ledger)
        assert files(ledger) == files_before
    key.write_text("no key\n")
    with pytest.raises(EvidenceError, match="It is no key"):
        sequence(ledger)


def _other(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.sample(4)
@pytest.mark.parametrize("more", [0, 1, 300])
@pytest.mark.parametrize(
    "name",
    [
        "1/tile/0/001.p/44",
        "1/tile/1/000.p/1",
        "1/tile/entries/001.p/44",
        "1/checkpoint",
        "signing/1.signed",
    ],
)
def test_i7_tampered_files_are_found_before_anything_is_signed(ledger: Path, name: str, more: int) -> None:
    """I7: what was published, or signed, and is another now: one sentence, nothing signed, nothing written
    over."""
    grown(ledger, 297)
    sequence(ledger)
    file = LogFolder(ledger).folder / name
    file.write_bytes(_other(file.read_bytes(), len(file.read_bytes()) - 5))
    files_before = files(ledger)
    grown(ledger, more)
    with pytest.raises(EvidenceError) as raised:
        sequence(ledger)
    assert "\n" not in str(raised.value)
    assert files(ledger) == files_before
    assert not audited(ledger, LogFolder(ledger).signer(checkpoints_origin(ledger), 1).verifier).is_sound


def checkpoints_origin(ledger: Path) -> str:
    """Return the log's origin, as the ledger has it."""
    with closing(SqliteStore(str(ledger), read_only=True)) as store:
        return store.log().origin


def test_i7_full_tile_or_bundle_that_was_changed_is_found_by_the_audit(ledger: Path) -> None:
    """I7: nothing of it is read to sign what is new."""
    grown(ledger, 297)
    sequence(ledger)
    folder = LogFolder(ledger).folder
    bundle = folder / "1/tile/entries/000"
    content = bundle.read_bytes()
    bundle.write_bytes(_other(content, 100))
    audit_result = audited(ledger)
    assert [str(problem) for problem in audit_result.problems] == [
        f"The published file {bundle} has other entries than its tile."
    ]
    assert {finding.leaf for finding in audit_result.flaws} == {1}
    bundle.write_bytes(content)
    assert audited(ledger).is_sound
    (folder / "1/tile/0/000").write_bytes(_other((folder / "1/tile/0/000").read_bytes(), 100))
    assert {str(problem) for problem in audited(ledger).problems} == {
        f"The published file {bundle} has other entries than its tile.",
        f"The published file {folder}/1/tile/1/000.p/1 is not what its tree says.",
        f"The tiles in {folder}/1 are not those of the checkpoint of 300 records.",
    }


def test_tile_that_was_put_there_beforehand_is_refused(ledger: Path) -> None:
    """A tile of a size to come with something else in it is not written over, and the audit goes on."""
    sequence(ledger)
    grown(ledger, 1)
    forged_tile = published(ledger).folder / "tile/0/000.p/4"
    forged_tile.write_bytes(bytes(4 * 32))
    files_before = files(ledger)
    with pytest.raises(TileChangedError):
        sequence(ledger)
    after = files(ledger)
    assert files_before.items() <= after.items()
    assert set(after) - set(files_before) == {"1/tile/entries/000.p/4"}


def test_of_two_sequencers_one_signs(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other is refused at once, and nothing is signed twice."""
    extend = PublishedLog.extend
    refused: list[str] = []

    def extended(self: PublishedLog, old: int, entries: list[bytes]) -> None:
        ran = subprocess.run(
            [sys.executable, "-c", SIGN, ledger], capture_output=True, text=True, check=False
        )
        refused.append(ran.stderr.splitlines()[-1])
        extend(self, old, entries)

    monkeypatch.setattr(PublishedLog, "extend", extended)
    sequence(ledger)
    assert refused == [
        "informativa.model.errors.SigningError: Another process signs or publishes"
        f" {LogFolder(ledger).folder}; it is the service, or a command: wait until it is done,"
        " and do the same again"
    ]
    require_one_history(ledger)


SIGN = """
import sys
from pathlib import Path
from informativa.ledgers.sequencer import sequence
sequence(Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_full_disk_leaves_the_log_whole_and_the_next_run_goes_on(
    ledger: Path, monkeypatch: pytest.MonkeyPatch, rounds: Callable[[int, int], int]
) -> None:
    """Whichever write, rename or sync fails: what is there is a log of the old size or of the new one, and
    with room again it is of the new one."""
    grown(ledger, 250)
    sequence(ledger)
    grown(ledger, 10)
    start, copy = ledger.with_name("start"), copied(ledger)
    shutil.copytree(LogFolder(ledger).folder, start)
    failures = 0
    for at in range(0, 500, rounds(3, 1)):
        shutil.rmtree(LogFolder(ledger).folder)
        shutil.copytree(start, LogFolder(ledger).folder)
        put_back(ledger, copy)  # which does not remember what the last round signed
        with _full(monkeypatch, at) as calls, contextlib.suppress(EvidenceError):
            sequence(ledger)
        assert audited(ledger).is_sound
        if calls[0] <= at:
            break
        failures += 1
        sequence(ledger)
        require_one_history(ledger)
        assert published(ledger).sizes() == [253, 263]
        assert audited(ledger).is_sound
        assert [name for name in files(ledger) if name.endswith(".part")] == []
    assert failures > 10


@contextlib.contextmanager
def _full(monkeypatch: pytest.MonkeyPatch, at: int) -> Iterator[list[int]]:
    """The n-th call that asks for room on the disk has none."""
    calls = [0]

    def failing(function: Callable[..., object]) -> Callable[..., object]:
        def called(*arguments: object, **keywords: object) -> object:
            calls[0] += 1
            if calls[0] == at + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*arguments, **keywords)

        return called

    writing = os.O_WRONLY | os.O_CREAT
    opening = os.open

    def opened(path: object, flags: int, *arguments: object, **keywords: object) -> object:
        function: Callable[..., object] = failing(opening) if flags & writing == writing else opening
        return function(path, flags, *arguments, **keywords)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", opened)
        for name in ("fsync", "mkdir", "replace"):
            patched.setattr(os, name, failing(getattr(os, name)))
        yield calls


GROW_AND_SIGN = """
import os, sys
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from informativa.model.errors import SigningError
from informativa.ledgers.sequencer import sequence
from informativa.ledgers.sqlite import SqliteStore
from examples import PLAYED
ledger = Path(sys.argv[1])
with closing(SqliteStore(str(ledger))) as store:
    print("ready", flush=True)
    while True:
        store.append([replace(PLAYED, pseudonym=os.urandom(32)) for _ in range(int(sys.argv[2]))])
        with suppress(SigningError):
            sequence(ledger)
        print(".", end="", flush=True)
"""


@pytest.mark.night
@pytest.mark.slow
def test_i3_kill_9_at_any_moment_leaves_one_log(
    ledger: Path, chance: random.Random, rounds: Callable[[int, int], int]
) -> None:
    """I3, I7: killed between append, tile and checkpoint, again and again: the log is whole, no two
    checkpoints disagree, and the next run goes on."""
    sequence(ledger)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    checkpoints_before: dict[int, bytes] = {}
    for _ in range(rounds(10, 200)):
        command = [sys.executable, "-c", GROW_AND_SIGN, str(ledger), str(chance.randrange(1, 90))]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as running:
            assert running.stdout is not None
            assert running.stdout.readline() == b"ready\n"
            running.stdout.read(chance.randrange(1, 12))
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(chance.uniform(0, 0.05))
            running.send_signal(signal.SIGKILL)
        audit_result = audited(ledger)
        assert audit_result.is_sound, (
            audit_result.flaws[:3],
            [str(problem) for problem in audit_result.problems],
        )
        log = published(ledger)
        now = {size: log.checkpoint_of(size) or b"" for size in log.sizes()}
        assert checkpoints_before.items() <= now.items()
        checkpoints_before = now
        sequence(ledger)
        require_one_history(ledger)
        assert audited(ledger).is_sound
    signed(ledger)
    assert len(checkpoints(ledger)) > 10
