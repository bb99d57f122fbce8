"""Snapshot files, the installation in which commands are typed, and copies of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC

import pytest
from syrupy.assertion import SnapshotAssertion

from golden import installation
from golden.cases import Case
from golden.installation import Installation
from golden.snapshots import JsonFile, TextFile
from golden.stopped_clock import TUESDAY, SeededBytes, stopped_clock


@pytest.fixture
def text_file(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The text file of a test."""
    return snapshot.use_extension(TextFile)


@pytest.fixture
def json_file(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The JSON file of a test."""
    return snapshot.use_extension(JsonFile)


@pytest.fixture(scope="module")
def original() -> Iterator[Installation]:
    """The installation as it was built, which no test changes."""
    random_bytes = SeededBytes()
    # Commands are typed in Rome, an hour later than UTC; one snapshot has UTC all the same (status-service).
    with (
        stopped_clock(TUESDAY, random_bytes, tokens=True, local_zone=UTC),
        installation.temporary_folder() as root,
    ):
        yield installation.build(root, random_bytes)


@pytest.fixture(scope="module")
def read_only(original: Installation) -> Iterator[Installation]:
    """A copy for all commands that change nothing but the access log. It is compared in the end: if a command
    changed more, the output of those after it would depend on it."""
    with installation.temporary_folder() as root:
        copy = installation.copied(original, root)
        files = copy.files()
        yield copy
        assert copy.files() == files


@pytest.fixture(scope="module")
def installation_for(
    original: Installation, read_only: Installation
) -> Iterator[Callable[[Case], Installation]]:
    """A function that returns the installation for a case: as it was built, if the case changes something."""
    with installation.temporary_folder() as root:
        copy = installation.RestorableCopy(original, root)
        yield lambda case: copy.restored() if case.changes_files else read_only
