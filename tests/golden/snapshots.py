"""Snapshot files: text that a person reads or that another program receives, one file for each case.

A test compares with `snapshot.use_extension(TextFile)`, or one of the fixtures `text_file` and `json_file`.
After an intended change: `python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from syrupy.location import PyTestLocation


class TextFile(SingleFileSnapshotExtension):
    """A file of text, the only snapshot of its test."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"
    _paths: ClassVar[dict[str, str]] = {}

    @classmethod
    def matches_test_location(cls, *, test_location: PyTestLocation, snapshot_location: str) -> bool:
        """Return whether a file is the snapshot of that test. syrupy asks for all pairs of both, and its own
        answer, which provides for several files of a test, took half of the time of a run."""
        test = test_location.item.nodeid
        if (path := cls._paths.get(test)) is None:
            path = cls.get_location(test_location=test_location, index=0).removesuffix(
                f".{cls.file_extension}"
            )
            cls._paths[test] = path
        return snapshot_location.rpartition(".")[0] == path


class HtmlFile(TextFile):
    """A page that a browser shows."""

    file_extension = "html"


class JsonFile(TextFile):
    """A JSON document."""

    file_extension = "json"


def snapshot_names(test_file: str) -> list[str]:
    """Return the names of all snapshot files of the tests in `test_file`, without extension. syrupy reports
    an unused one only in a run of all tests."""
    folder = Path(test_file).with_name("__snapshots__") / Path(test_file).stem
    return sorted(file.stem for file in folder.iterdir())


def expected_names(test: str, cases: Iterable[str]) -> list[str]:
    """Return the names of the snapshot files of a test, one for each case."""
    return [f"{test}[{case}]" for case in cases]
