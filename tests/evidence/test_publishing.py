"""Logs in other places: a folder, a git repository and a web address keep to one contract."""

from __future__ import annotations

import shutil
import tracemalloc
from pathlib import Path

import pytest

from evidence.places import BELOW, KEY, Place, grown, published
from evidence.witnessing import SIGNER, MemoryLog
from informativa.evidence import note, tiles
from informativa.evidence.elsewhere import LocalLog
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.publishing import PublishedFiles, TargetSource, publish
from informativa.evidence.targets import FolderTarget
from informativa.model.errors import ElsewhereError, ForkError


def expected(log: PublishedLog, sizes: list[int], entries: bool = True) -> set[str]:
    """The files that are at a target to which the log was brought at each of these sizes."""
    paths: set[str] = set()
    for old, size in zip([0, *sizes], sizes, strict=False):
        paths |= {tile.path for tile in tiles.tiles_of(size, old) if entries or tile.level != tiles.ENTRIES}
        full_paths = {path.partition(".p/")[0] for path in paths if ".p/" not in path}
        paths = {path for path in paths if ".p/" not in path or path.partition(".p/")[0] not in full_paths}
    paths |= {"key", "checkpoint", *(f"checkpoints/{size}" for size in log.sizes())}
    return {f"{BELOW}/{path}" for path in paths}


@pytest.mark.slow
def test_a_log_grows_there_as_it_grows_here(tmp_path: Path, place: Place) -> None:
    """After each size just its files are there, the same as here; every checkpoint stays."""
    log, sizes = PublishedLog(tmp_path / "log"), list[int]()
    for size in (3, 200, 256, 600):
        grown(tmp_path / "log", size)
        sizes.append(size)
        delivered = published(log, place)
        assert (delivered.size, delivered.old_size) == (size, ([0, *sizes])[-2])
        files = place.files()
        assert set(files) == expected(log, sizes)
        for path in ("checkpoint", "key", f"checkpoints/{size}"):
            assert files[f"{BELOW}/{path}"] == (tmp_path / "log" / path).read_bytes()
        assert files[f"{BELOW}/checkpoints/3"] == MemoryLog.of(600).note(3)
    assert published(log, place) == PublishedFiles(600, 600, 0)


@pytest.mark.slow
def test_without_entries_their_number_is_all_that_is_told(tmp_path: Path, place: Place) -> None:
    """Bundles go there only where they are wanted; wanted later, all of them go there."""
    log = grown(tmp_path / "log", 300)
    published(log, place, entries=False)
    assert set(place.files()) == expected(log, [300], entries=False)
    grown(tmp_path / "log", 310)
    published(log, place, entries=True)
    bundles = {path for path in place.files() if "/entries/" in path}
    assert {f"{BELOW}/tile/entries/000", f"{BELOW}/tile/entries/001.p/54"} <= bundles


def test_checkpoints_between_two_times_are_there_too(tmp_path: Path, place: Place) -> None:
    """Checkpoints that were signed while the target was away are published later."""
    log = grown(tmp_path / "log", 3, 5, 9)
    published(log, place)
    assert {f"{BELOW}/checkpoints/{size}" for size in (3, 5, 9)} <= set(place.files())


def test_signatures_that_came_later_are_brought_there(tmp_path: Path, place: Place) -> None:
    """The same checkpoint with another signature under it replaces the one that is there."""
    log = grown(tmp_path / "log", 9)
    published(log, place)
    more = note.sign(MemoryLog.of(9).checkpoint(9).text, SIGNER, note.Signer("home.example", bytes(32)))
    log.put_checkpoint(9, more)
    assert published(log, place) == PublishedFiles(9, 9, 2)
    assert place.files()[f"{BELOW}/checkpoints/9"] == more
    assert place.files()[f"{BELOW}/checkpoint"] == more


@pytest.mark.slow
def test_what_is_older_there_is_brought_up_to_date(tmp_path: Path, place: Place) -> None:
    """A target that was put back is a prefix of the log, and gets what it lacks."""
    log = grown(tmp_path / "log", 9)
    published(log, place)
    grown(tmp_path / "log", 20)
    published(log, place)
    place.put(f"{BELOW}/checkpoint", log.checkpoint_of(9))
    place.put(f"{BELOW}/checkpoints/20", None)
    published(log, place)
    assert place.files()[f"{BELOW}/checkpoint"] == log.checkpoint_of(20)
    assert place.files()[f"{BELOW}/checkpoints/20"] == log.checkpoint_of(20)


def test_what_is_newer_there_is_refused_loudly(tmp_path: Path, place: Place) -> None:
    """The log here was put back: nothing is written, and the sentence says so."""
    published(grown(tmp_path / "log", 20), place)
    files_before = place.files()
    with pytest.raises(ForkError, match="has 20 records of the log and here are 9"):
        published(grown(tmp_path / "older", 9), place)
    assert place.files() == files_before


@pytest.mark.parametrize("size", [20, 30])
def test_another_log_there_is_refused_loudly(tmp_path: Path, place: Place, size: int) -> None:
    """Ours is as long, or longer, and begins otherwise."""
    published(grown(tmp_path / "log", 20), place)
    files_before = place.files()
    with pytest.raises(ForkError, match="another log of 20 records"):
        published(grown(tmp_path / "fork", size, fork=9), place)
    assert place.files() == files_before


@pytest.mark.parametrize(
    ("path", "data"),
    [
        ("checkpoint", b"x"),
        ("checkpoint", MemoryLog.of(9, signer=note.Signer(SIGNER.name, bytes(32))).note(9)),
        ("tile/0/000.p/20", bytes(640)),
        ("tile/0/000.p/20", bytes(5)),
        ("tile/0/000.p/20", None),
    ],
)
def test_what_was_changed_there_is_noticed(
    tmp_path: Path, place: Place, path: str, data: bytes | None
) -> None:
    """A checkpoint that is none of ours, and a tile that is another one, cut off or gone."""
    log = grown(tmp_path / "log", 20)
    published(log, place)
    place.put(f"{BELOW}/{path}", data)
    with pytest.raises(ForkError, match="was changed there"):
        published(log, place)


@pytest.mark.sample(3)
@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/000", "checkpoints/9"])
@pytest.mark.slow
def test_every_file_is_compared_when_asked(tmp_path: Path, place: Place, path: str) -> None:
    """A changed file on which no root at the edge depends is found with `check`."""
    log = grown(tmp_path / "log", 9, 700)
    published(log, place)
    published(log, place, check=True)
    place.put(f"{BELOW}/{path}", b"\x00".join(place.files()[f"{BELOW}/{path}"].split(b"1", 1)))
    published(log, place)
    with pytest.raises(ForkError, match="was changed there"):
        published(log, place, check=True)


def test_a_target_that_is_gone_is_one_sentence(tmp_path: Path, place: Place) -> None:
    """Nothing is made in its place."""
    log = grown(tmp_path / "log", 9)
    published(log, place)
    shutil.rmtree(place.folder)
    with pytest.raises(ElsewhereError, match="is not there"):
        published(log, place)
    assert not place.folder.exists()


def test_a_target_says_what_it_has(tmp_path: Path, place: Place) -> None:
    """Nothing before the first time, the newest checkpoint then."""
    log = grown(tmp_path / "log", 9)
    own_log = LocalLog(log, KEY, 9, log.checkpoint() or b"")
    assert TargetSource(place.target).newest(own_log) is None
    published(log, place)
    assert TargetSource(place.target).newest(own_log) == MemoryLog.of(9).checkpoint(9)


def test_what_a_crash_left_there_is_in_nobodys_way(tmp_path: Path, place: Place) -> None:
    """The part of a file that was being written goes with the partial tiles beside it, when the full tile is
    there."""
    log = grown(tmp_path / "log", 9)
    published(log, place)
    partial = place.folder / BELOW / "tile/entries/000.p"
    (partial / ".10.part").write_bytes(b"killed here")
    grown(tmp_path / "log", 700)
    published(log, place)
    assert not partial.exists()


@pytest.mark.parametrize("path", ["tile/entries/000.p", "checkpoints"])
def test_no_link_that_others_left_there_is_followed(tmp_path: Path, place: Place, path: str) -> None:
    """It would lead out of the target, to what is deleted or written over here; publishing says so."""
    log, ledger = grown(tmp_path / "log", 9), tmp_path / "ledger"
    published(log, place)
    ledger.mkdir()
    (ledger / "9").write_text("a name that a tile has, too")
    (ledger / "acme.sqlite3").write_text("records")
    assert place.files()
    shutil.rmtree(place.folder / BELOW / path)
    (place.folder / BELOW / path).symlink_to(ledger)
    grown(tmp_path / "log", 300)
    with pytest.raises(ElsewhereError, match="Too many levels of symbolic links"):
        published(log, place)
    assert sorted(file.name for file in ledger.iterdir()) == ["9", "acme.sqlite3"]


def test_a_file_there_that_is_too_large_is_not_read(tmp_path: Path, place: Place) -> None:
    """A large file of somebody who can write there does not fill the memory, of which it takes a bundle's
    size: it counts as changed there."""
    log = grown(tmp_path / "log", 9)
    published(log, place)
    place.put(f"{BELOW}/checkpoint", bytes(60_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(ForkError, match="was changed there: checkpoint"):
            published(log, place)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


class RecordedTarget(FolderTarget):
    """A folder that notes the order in which files are written."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.written: list[str] = []

    def write(self, path: str, data: bytes) -> None:
        self.written.append(path.removeprefix(f"{BELOW}/"))
        super().write(path, data)


def test_the_checkpoint_is_written_last(tmp_path: Path, place: Place) -> None:
    """Bundles, tiles, checkpoints that are kept, and then the one that speaks of all of them."""
    target = RecordedTarget(place.folder)
    publish(grown(tmp_path / "log", 3, 300), KEY, target)
    assert target.written == [
        "tile/entries/000",
        "tile/entries/001.p/44",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "key",
        "checkpoints/3",
        "checkpoints/300",
        "checkpoint",
    ]
