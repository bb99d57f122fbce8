"""Files of what somebody reads or another program receives: one for each case, text as it is.

A test takes the fixture `snapshot` as `snapshot(extension_class=Readable)`. After a change that is meant:
`python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class Readable(SingleFileSnapshotExtension):
    """Any text."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Page(Readable):
    """One that a browser shows."""

    file_extension = "html"


def files(test_file: str) -> list[str]:
    """The cases that have a file, of the tests in `test_file`. syrupy tells of one that no test asks for only
    where every test of a run is its own."""
    folder = Path(test_file).with_name("__snapshots__") / Path(test_file).stem
    return sorted(each.stem for each in folder.iterdir())


def named(test: str, cases: Iterable[str]) -> list[str]:
    """How the files of a test's cases are called."""
    return [f"{test}[{case}]" for case in cases]
