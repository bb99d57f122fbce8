"""Files put in place by root in folders that belong to somebody else, who does what he can meanwhile."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path

import pytest

from informativa.system import files
from informativa.system.files import create, give_folder, make_folder, read, read_foreign, reading, write_file

root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
OTHER = 4242


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder of somebody else's."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, OTHER, OTHER)
    return folder


class Intruder:
    """Somebody who puts a link to `target` where something else stands, just before the program does what it
    announces to Python's auditors: between any two of its steps."""

    def __init__(self) -> None:
        self.before, self.place, self.target = "", Path(), Path()
        sys.addaudithook(self._hear)

    def lurk(self, before: str, place: Path, target: Path) -> None:
        """Do it once, before the next of these events."""
        self.before, self.place, self.target = before, place, target

    def _hear(self, event: str, _arguments: object) -> None:
        if event == self.before and os.path.lexists(self.place):
            self.before = ""
            self.place.rename(self.place.with_name("aside"))
            self.place.symlink_to(self.target)


@pytest.fixture(scope="module")
def intruder() -> Iterator[Intruder]:
    """One for all tests: an auditor stays as long as the process."""
    one = Intruder()
    yield one
    one.before = ""


STEPS = ("open", "os.chmod", "os.chown", "os.rename", "os.mkdir")


@root
def test_folder_is_made_for_the_owner_of_the_one_around_it(theirs: Path) -> None:
    """Each of those that were missing, for all to look into, whatever the umask says."""
    before = os.umask(0o077)
    try:
        make_folder(theirs / "a" / "b")
    finally:
        os.umask(before)
    for folder in (theirs / "a", theirs / "a" / "b"):
        assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (OTHER, 0o755)


@root
@pytest.mark.parametrize("step", STEPS)
def test_nothing_is_given_away_through_a_link_that_takes_a_folders_place(
    theirs: Path, tmp_path: Path, intruder: Intruder, step: str
) -> None:
    """Between the making of a folder and its giving away its owner-to-be may exchange it."""
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    intruder.lurk(step, theirs / "new", precious)
    with suppress(OSError):
        make_folder(theirs / "new")
    assert (precious.stat().st_uid, stat.S_IMODE(precious.stat().st_mode)) == (0, 0o700)


@root
def test_folder_of_somebody_else_is_not_given_away(theirs: Path, tmp_path: Path) -> None:
    """What took the place of the one that we made, by a link or as it is."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (theirs / "link").symlink_to(precious)
    with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
        give_folder(theirs / "link", theirs.stat())
    assert precious.stat().st_uid == 0
    third = tmp_path / "third"
    third.mkdir()
    os.chown(third, 4243, 4243)
    with pytest.raises(PermissionError):
        give_folder(third, theirs.stat())
    assert third.stat().st_uid == 4243


@root
def test_file_belongs_to_whom_the_folder_does_that_it_gets_into(theirs: Path, tmp_path: Path) -> None:
    """A link in place of the folder leads root into another one: there the file is that one's owner's."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (theirs / "it").symlink_to(mine)
    write_file(theirs / "it" / "short.wav", b"sound", for_folders_owner=True)
    assert (mine / "short.wav").stat().st_uid == 0
    write_file(theirs / "short.wav", b"sound", for_folders_owner=True)
    assert (theirs / "short.wav").stat().st_uid == OTHER


def test_no_thread_goes_on_before_a_folder_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files take over the owner of the folder that they get into: another thread waits until it has one."""
    folder, give = tmp_path / "tile" / "0", files._give
    with ThreadPoolExecutor() as threads:
        others = []

        def slowly(name: str, around: int, like: os.stat_result, mode: int = 0) -> None:
            other = threads.submit(make_folder, folder)
            assert not wait([other], timeout=0.2).done
            others.append(other)
            give(name, around, like, mode)

        monkeypatch.setattr(files, "_give", slowly)
        make_folder(folder)
    assert [other.result() for other in others] == [None, None]


@pytest.mark.parametrize("step", STEPS)
def test_folder_that_is_exchanged_meanwhile_gets_all_or_nothing(
    theirs: Path, tmp_path: Path, intruder: Intruder, step: str
) -> None:
    """Part and whole are of one folder, and of one owner's, whatever stands under its name meanwhile."""
    other, folder = tmp_path / "other", theirs / "it"
    other.mkdir()
    make_folder(folder)
    intruder.lurk(step, folder, other)
    write_file(folder / "short.wav", b"sound", for_folders_owner=True)
    (made,) = {file.resolve() for file in tmp_path.rglob("short.wav")}
    assert made.read_bytes() == b"sound"
    assert made.stat().st_uid == made.parent.stat().st_uid
    assert not [*tmp_path.rglob(".*.part")]


def test_part_that_cannot_be_finished_is_taken_away(tmp_path: Path) -> None:
    """Nothing is left beside a file that could not be replaced."""
    (tmp_path / "short.wav").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path / "short.wav", b"sound")
    with pytest.raises(TypeError):
        write_file(tmp_path / "long.wav", "no bytes")  # type: ignore[arg-type]
    assert [*tmp_path.iterdir()] == [tmp_path / "short.wav"]


def test_error_names_the_place(tmp_path: Path) -> None:
    """With its whole path, for an admin who must do something about it."""
    with pytest.raises(FileNotFoundError) as caught:
        create(tmp_path / "gone" / "file")
    assert caught.value.filename == f"{tmp_path}/gone/file"


def test_what_somebody_else_wrote_is_read_only_if_it_is_a_file(tmp_path: Path) -> None:
    """A link to a secret, a pipe that nobody fills, a folder: none of it."""
    (tmp_path / "file").write_bytes(b"12345")
    assert read_foreign(tmp_path / "file", 4) == b"1234"
    (tmp_path / "link").symlink_to(tmp_path / "file")
    with pytest.raises(OSError, match="symbolic links"):
        read_foreign(tmp_path / "link", 4)
    os.mkfifo(tmp_path / "pipe")
    assert read_foreign(tmp_path / "pipe", 4) is None
    assert read_foreign(tmp_path, 4) is None


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (os.mkfifo, "Not a regular file"),
        (lambda file: file.symlink_to("/dev/zero"), "Not a regular file"),
        (Path.mkdir, "Is a directory"),
        (lambda file: file.write_bytes(b"12345678901"), "File too large"),
        (Path.absolute, "No such file or directory"),
    ],
    ids=["pipe", "device", "folder", "large", "none"],
)
def test_nothing_but_a_file_of_some_size_is_read(
    tmp_path: Path, made: Callable[[Path], object], reason: str
) -> None:
    """Neither waits for who never writes nor reads what never ends: of at most 10 bytes here."""
    file = tmp_path / "file"
    made(file)
    with pytest.raises(OSError, match=reason) as caught:
        read(file, 10)
    assert caught.value.filename in (str(file), file)


def test_file_is_read_through_a_link_and_not_beyond_its_limit(tmp_path: Path) -> None:
    """Ten bytes of ten; what grows while it is read is too large then."""
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_bytes(b"1234567890")
    link.symlink_to(file)
    assert read(link, 10) == b"1234567890"
    with reading(link, 10) as opened:
        assert opened.read() == b"1234567890"
    with pytest.raises(OSError, match="File too large"):
        read(Path("/proc/version"), 1)  # whose size is 0 to who looks


def test_first_folder_that_blocks_is_named(tmp_path: Path) -> None:
    """From the root on, by the right of whoever it is about; also on the way to what a link leads to."""
    (tmp_path / "a/b/c").mkdir(parents=True)
    (tmp_path / "a/b/c/file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a/b/c/file")
    closed = {tmp_path / "a/b", tmp_path / "a/b/c"}
    for file in (tmp_path / "a/b/c/file", tmp_path / "link", tmp_path / "a/b/none"):
        assert files.closed_folder(file, lambda folder: folder not in closed) == tmp_path / "a/b"
    assert files.closed_folder(tmp_path / "a/file", lambda folder: folder not in closed) is None
    assert files.closed_folder(tmp_path / "a/b/c/file") is None
