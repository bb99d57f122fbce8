"""The temporary folder of a console that was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from informativa.console import scratch
from informativa.console.scratch import PREFIX, Scratch
from lab.office import BIN
from lab.ports import answers, free_port
from lab.process import Child, until

PROGRAM = (
    "import sys; from informativa.console.scratch import Scratch; found = Scratch();"
    " (found.folder / 'x.zip').touch(); print(found.folder, flush=True); sys.stdin.read()"
)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use a folder of the test for temporary folders."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def test_what_the_dead_left_goes_and_what_the_living_have_stays(place: Path) -> None:
    """I5: a bundle of a console that was killed is not there after the next start; one that is at work, and
    whatever is no folder of a console, are left alone."""
    other = place / "elsewhere"
    other.mkdir()
    (place / f"{PREFIX}link").symlink_to(other)
    (place / f"{PREFIX}file").touch()
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as living:
        assert living.stdout
        theirs = Path(living.stdout.readline().strip())
        scratch_folder = Scratch()
        assert (theirs / "x.zip").exists()
        assert scratch_folder.folder.stat().st_mode & 0o777 == 0o700
        living.kill()
    assert theirs.exists()
    third = Scratch()
    assert not theirs.exists()
    for living_console in (scratch_folder, third):
        assert living_console.folder.exists()
        living_console.close()
    assert sorted(entry.name for entry in place.iterdir()) == [
        "elsewhere",
        f"{PREFIX}file",
        f"{PREFIX}link",
    ]


@pytest.mark.sample(1)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_console_that_ends_in_order_leaves_nothing(
    folder: Path, place: Path, number: signal.Signals
) -> None:
    """I5: `systemctl stop` and Ctrl-C leave no bundle behind."""
    port = free_port()
    with (folder / "informativa.yaml").open("a") as file:
        file.write(f'\nweb:\n  listen: "127.0.0.1:{port}"\n')
    command = [BIN / "informativa", "web", "-c", folder / "informativa.yaml"]
    console = Child([str(part) for part in command], cwd=folder, output=place / "printed")
    try:
        until(lambda: answers(port), 60, lambda: (place / "printed").read_text(), console)
        assert len(list(place.glob(f"{PREFIX}*"))) == 1
        console.send(number)
        assert console.wait(60)
    finally:
        console.kill()
    assert list(place.glob(f"{PREFIX}*")) == []
    if number == signal.SIGTERM:
        assert console.status == 0


def test_a_folder_that_is_taken_before_it_is_locked_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two consoles that start at once: the one whose folder the other took for a dead one's has another."""
    original, stolen = tempfile.mkdtemp, list[str]()

    def taken(**named: str) -> str:
        folder = original(**named)
        if not stolen:
            Path(folder).rmdir()
            stolen.append(folder)
        return folder

    monkeypatch.setattr(scratch.tempfile, "mkdtemp", taken)
    scratch_folder = Scratch()
    assert scratch_folder.folder.is_dir()
    assert str(scratch_folder.folder) not in stolen
    scratch_folder.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a folder of somebody else's")
def test_folders_of_others_are_theirs(place: Path) -> None:
    """Root's start takes nothing away of another user's."""
    other = place / f"{PREFIX}other"
    other.mkdir()
    os.chown(other, 65534, 65534)
    Scratch().close()
    assert other.exists()
