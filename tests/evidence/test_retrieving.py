"""Logs that come back from where they were published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from evidence.places import BELOW, KEY, Place, grown, in_folder, published
from informativa.evidence.log_folder import PublishedLog
from informativa.evidence.retrieving import retrieve
from informativa.evidence.targets import FolderTarget
from informativa.evidence.tiles import TileHashes
from informativa.evidence.tree import root_at
from informativa.model.errors import ElsewhereError, ForkError


def restored(folder: Path, size: int) -> PublishedLog:
    """A log as an earlier backup has it: of that size, or with its key alone."""
    log = PublishedLog(folder)
    log.put_key(KEY)
    return grown(folder, size) if size else log


def read_back(log: PublishedLog, place: Place) -> None:
    """Add to a log what is there beyond it."""
    source = place.target
    source.begin()
    retrieve(log, source)


@pytest.mark.sample(6)
@pytest.mark.parametrize("size", [0, 3, 256, 300])
def test_all_that_was_published_since_comes_back(tmp_path: Path, place: Place, size: int) -> None:
    """Entries, tiles and the newest checkpoint are as they were, and so are those between; and publishing
    goes on there."""
    log = grown(tmp_path / "log", 3, 256, 300, 520, 600)
    published(log, place)
    back = restored(tmp_path / "back", size)
    read_back(back, place)
    assert [back.entry(at, 600) for at in (size, 599)] == [log.entry(at, 600) for at in (size, 599)]
    assert root_at(600, TileHashes(600, back.tiles.read)) == root_at(600, TileHashes(600, log.tiles.read))
    assert back.checkpoint() == log.checkpoint()
    assert back.checkpoint_of(600) == log.checkpoint_of(600)
    assert set(back.sizes()) >= {520, 600}
    assert published(back, place, check=True).size == 600


def test_nothing_is_taken_that_is_here(tmp_path: Path, place: Place) -> None:
    """A log that is as long or longer here, and one of which nothing is published, stay as they are."""
    read_back(grown(tmp_path / "log", 9), place)
    published(grown(tmp_path / "log", 9), place)
    log = grown(tmp_path / "log", 20)
    before = in_folder(tmp_path / "log")
    read_back(log, place)
    assert in_folder(tmp_path / "log") == before


def test_without_entries_the_tree_comes_back(tmp_path: Path, place: Place) -> None:
    """Where entries were not published, the log here ends with the tree that was signed, without them."""
    published(grown(tmp_path / "log", 300), place, entries=False)
    back = restored(tmp_path / "back", 3)
    read_back(back, place)
    assert back.newest()[0] == 300
    assert root_at(300, TileHashes(300, back.tiles.read))
    assert not (back.folder / "tile/entries/001.p").exists()


def test_copy_of_a_monitor_is_enough(tmp_path: Path) -> None:
    """Bundles and a checkpoint, as a monitor has them, give the whole log back."""
    log = grown(tmp_path / "log", 300)
    place = tmp_path / "copy"
    (place / BELOW).mkdir(parents=True)
    shutil.copy(log.folder / "checkpoint", place / BELOW)
    shutil.copytree(log.folder / "tile/entries", place / BELOW / "tile/entries")
    back = restored(tmp_path / "back", 3)
    retrieve(back, FolderTarget(place))
    assert back.checkpoint() == log.checkpoint()
    assert root_at(300, TileHashes(300, back.tiles.read)) == root_at(300, TileHashes(300, log.tiles.read))


@pytest.mark.parametrize("path", ["tile/entries/001.p/44", "checkpoint"])
def test_what_was_changed_there_is_refused(tmp_path: Path, place: Place, path: str) -> None:
    """A changed entry, and a checkpoint that the key did not sign, change nothing here."""
    published(grown(tmp_path / "log", 300), place)
    data = bytearray(place.files()[f"{BELOW}/{path}"])
    data[-3] ^= 1
    place.put(f"{BELOW}/{path}", bytes(data))
    back = restored(tmp_path / "back", 3)
    before = in_folder(tmp_path / "back")
    with pytest.raises(ForkError):
        read_back(back, place)
    assert in_folder(tmp_path / "back") == before


@pytest.mark.parametrize("entries", [True, False])
def test_another_log_there_is_refused(tmp_path: Path, place: Place, entries: bool) -> None:
    """A log that does not begin with the one here changes nothing here, with entries or without."""
    published(grown(tmp_path / "log", 300, fork=1), place, entries=entries)
    back = restored(tmp_path / "back", 3)
    before = in_folder(tmp_path / "back")
    with pytest.raises(ForkError, match="another log"):
        read_back(back, place)
    assert in_folder(tmp_path / "back") == before


def test_place_that_is_away_is_an_error(tmp_path: Path, place: Place) -> None:
    """Nobody takes a place that cannot be read for one that has nothing."""
    published(grown(tmp_path / "log", 9), place)
    shutil.rmtree(place.folder)
    with pytest.raises(ElsewhereError):
        read_back(restored(tmp_path / "back", 3), place)
