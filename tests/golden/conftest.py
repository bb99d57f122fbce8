"""The installation that the golden files are of, and the extension of syrupy that keeps them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from golden import installation
from golden.cases import Case
from golden.installation import Installation
from golden.still import still


class Said(SingleFileSnapshotExtension):
    """A text file for each case, as a person reads it."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


class Document(Said):
    """A JSON file for each case."""

    file_extension = "json"


@pytest.fixture
def said(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """What people read."""
    return snapshot.use_extension(Said)


@pytest.fixture
def document(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """What programs read."""
    return snapshot.use_extension(Document)


@pytest.fixture(scope="module")
def laid() -> Iterator[Installation]:
    """The installation as it was laid, which no test changes."""
    with still() as dice, installation.place() as root:
        yield installation.lay(root, dice)


@pytest.fixture(scope="module")
def looked_at(laid: Installation) -> Iterator[Installation]:
    """One for all commands that change nothing but the access log, which is so: else they would differ by
    what was typed before them."""
    with installation.place() as root:
        copy = installation.copied(laid, root)
        before = copy.files()
        yield copy
        assert copy.files() == before


@pytest.fixture
def install(laid: Installation, looked_at: Installation) -> Iterator[Callable[[Case], Installation]]:
    """The installation for a case: its own, if it changes something."""
    with ExitStack() as places:
        yield (
            lambda case: (
                installation.copied(laid, places.enter_context(installation.place()))
                if case.apart
                else looked_at
            )
        )
