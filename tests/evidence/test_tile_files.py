"""Tiles in a folder: whole or not at all, in order, and never changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from informativa.evidence import tiles, tree
from informativa.evidence.tile_files import TileFolder
from informativa.evidence.tiles import Tile, TileHashes
from informativa.model.errors import EvidenceError, EvidenceFormatError, TileChangedError, TileMissingError


def entries(begin: int, end: int) -> list[bytes]:
    """All different."""
    return [str(number).encode() for number in range(begin, end)]


def paths(folder: Path) -> set[str]:
    """Return the paths of all files in a folder."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_a_log_is_published_and_grows(tmp_path: Path) -> None:
    """Just the files that a tree of each size has, readable for all, with nothing left beside them."""
    folder = TileFolder(tmp_path)
    expected: set[str] = set()
    for old, new in ((0, 3), (3, 255), (255, 256), (256, 600)):
        folder.extend(old, entries(old, new))
        expected |= {tile.path for tile in tiles.tiles_of(new, old)}
        assert paths(tmp_path) == expected
        leaves = map(tree.leaf_hash, entries(0, new))
        assert tree.root_at(new, TileHashes(new, folder.read)) == tree.root(leaves)
    assert (tmp_path / "tile/0/000").stat().st_mode & 0o444 == 0o444


def test_the_same_again_is_nothing_new_and_another_is_refused(tmp_path: Path) -> None:
    """After a crash before the checkpoint the same files are written again; what differs stays as it is."""
    folder = TileFolder(tmp_path)
    folder.extend(0, entries(0, 5))
    number = (tmp_path / "tile/0/000.p/5").stat().st_ino
    folder.extend(0, entries(0, 5))
    assert (tmp_path / "tile/0/000.p/5").stat().st_ino == number
    content = (tmp_path / "tile/entries/000.p/5").read_bytes()
    with pytest.raises(TileChangedError, match="not what the ledger says"):
        folder.extend(0, entries(1, 6))
    assert (tmp_path / "tile/entries/000.p/5").read_bytes() == content


def test_files_are_synced_before_they_have_their_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bundles before tiles; each file synced, then renamed; then the folders around, so that a power cut
    after `write` takes nothing back."""
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        steps.append(f"sync {path.relative_to(tmp_path)}")
        sync(descriptor)

    def replaced(part: str, name: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        folder = Path(f"/proc/self/fd/{dst_dir_fd}").readlink()
        steps.append(f"rename {folder.relative_to(tmp_path) / name}")
        replace(part, name, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    TileFolder(tmp_path).extend(0, entries(0, 2))
    assert steps[:2] == ["sync tile/entries/000.p/.2.part", "rename tile/entries/000.p/2"]
    assert set(steps[2:7]) == {"sync tile/entries/000.p", "sync tile/entries", "sync tile", "sync ."}
    assert steps[7:9] == ["sync tile/0/000.p/.2.part", "rename tile/0/000.p/2"]
    assert set(steps[9:]) == {"sync tile/0/000.p", "sync tile/0", "sync tile", "sync ."}


def test_what_a_crash_left_is_in_nobodys_way(tmp_path: Path) -> None:
    """A part of a file, or a link under its name, is replaced and not followed."""
    (tmp_path / "tile/0/000.p").mkdir(parents=True)
    (tmp_path / "other").write_bytes(b"other")
    (tmp_path / "tile/0/000.p/.2.part").symlink_to(tmp_path / "other")
    TileFolder(tmp_path).extend(0, entries(0, 2))
    assert (tmp_path / "other").read_bytes() == b"other"
    assert len((tmp_path / "tile/0/000.p/2").read_bytes()) == 64


def test_partial_files_go_when_the_full_one_is_there(tmp_path: Path) -> None:
    """Partial files of all smaller sizes are deleted then, and not before, with a crash's remains. Earlier
    trees can still be proven."""
    folder = TileFolder(tmp_path)
    folder.extend(0, entries(0, 3))
    folder.extend(3, entries(3, 200))
    folder.drop_partials(3, 200)
    assert "tile/0/000.p/3" in paths(tmp_path)
    folder.extend(200, entries(200, 300))
    (tmp_path / "tile/0/000.p/.90.part").write_bytes(b"killed here")
    folder.drop_partials(200, 300)
    assert paths(tmp_path) == {tile.path for tile in tiles.tiles_of(300)}
    assert tree.root_at(3, TileHashes(3, folder.read)) == tree.root(map(tree.leaf_hash, entries(0, 3)))
    folder.drop_partials(200, 300)
    (tmp_path / "tile/entries/001").unlink(missing_ok=True)
    with pytest.raises(TileMissingError):
        folder.drop_partials(300, 512)


def test_what_is_not_there_or_cannot_be_read_is_said(tmp_path: Path) -> None:
    """No other error leaves the folder."""
    folder = TileFolder(tmp_path)
    with pytest.raises(TileMissingError):
        folder.read("tile/0/000")
    for path in ("../x", "tile/0/../../x", "checkpoint", "/etc/hostname"):
        with pytest.raises(EvidenceFormatError):
            folder.read(path)
    (tmp_path / "tile/0/000").mkdir(parents=True)
    with pytest.raises(EvidenceError):
        folder.read("tile/0/000")
    (tmp_path / "tile/1").write_bytes(b"")
    with pytest.raises(EvidenceError):
        folder.write([(Tile(1, 0, 1), bytes(32))])
