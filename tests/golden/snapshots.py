"""Snapshot files: text that a person reads or that another program receives, one file for each case.

A test compares with `snapshot(extension_class=TextFile)`. After an intended change:
`python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation


class TextFile(SingleFileSnapshotExtension):
    """A file of text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        """Return whether a snapshot is of that test. syrupy asks for each unused file and each test, and its
        answer is slow: half of a run's time. Most files are of another test file, by their folder."""
        folder = f"/{test_location.item.path.stem}/"
        return folder in snapshot_location and super().matches_test_location(
            test_location=test_location, snapshot_location=snapshot_location
        )


class HtmlFile(TextFile):
    """A page that a browser shows."""

    file_extension = "html"


class JsonFile(TextFile):
    """A JSON document."""

    file_extension = "json"


def snapshot_names(test_file: str) -> list[str]:
    """Return the names of all snapshot files of the tests in `test_file`, without extension. syrupy reports
    an unused one only where all tests of a file run together."""
    folder = Path(test_file).with_name("__snapshots__") / Path(test_file).stem
    return sorted(file.stem for file in folder.iterdir())


def expected_names(test: str, cases: Iterable[str]) -> list[str]:
    """Return the names of the snapshot files of a test, one for each case."""
    return [f"{test}[{case}]" for case in cases]
