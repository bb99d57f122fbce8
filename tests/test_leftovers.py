"""The look at the folder for temporary files after each test."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from lab.leftovers import complaint, note


def test_file_that_stays_is_told_with_its_test(tmp_path: Path) -> None:
    """A file is named with the test during which it appeared, and only while it is there."""
    origins: dict[str, str] = {}
    (tmp_path / "gone").touch()
    note(origins, tmp_path, "first")
    (tmp_path / "gone").unlink()
    (tmp_path / "left").mkdir()
    note(origins, tmp_path, "second")
    note(origins, tmp_path, "third")
    assert origins == {"left": "second"}
    assert complaint(origins) == (
        "In the folder for temporary files are left:\n  left, which appeared during second"
    )


def test_folder_of_multiprocessing_may_stay(tmp_path: Path) -> None:
    """Python deletes it when the worker ends, after the last test."""
    (tmp_path / "pymp-abcdefgh").mkdir()
    origins: dict[str, str] = {}
    note(origins, tmp_path, "test")
    assert origins == {}


def test_temporary_files_are_where_tests_look() -> None:
    """This process and those that it starts have the same folder, which every user may write into."""
    folder = Path(os.environ["TMPDIR"])
    assert tempfile.gettempdir() == str(folder)
    assert folder.stat().st_mode & 0o7777 == 0o1777
