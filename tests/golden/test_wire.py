"""Golden files of all that Asterisk and PostgreSQL get from the program.

After an intended change: `python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from golden import manager_stories
from golden.agi_calls import SITUATIONS, Office, Situation, by_script, by_service
from golden.snapshots import expected_names, snapshot_names
from golden.stopped_clock import THURSDAY, BytesBySize, stopped_clock

OF_THE_SCRIPT = [name for name, situation in SITUATIONS.items() if situation.script]


@pytest.fixture(scope="module")
def office(module_folder: Path) -> Iterator[Office]:
    """An office for all situations, which restore it."""
    with stopped_clock(THURSDAY, BytesBySize()) as clock:
        yield Office(module_folder, clock)


def words(name: str) -> str:
    """Return the name of a case in the name of its file."""
    return name.replace(" ", "-")


@pytest.mark.sample(18)
@pytest.mark.parametrize("name", SITUATIONS, ids=words)
def test_agi_of_the_service(office: Office, name: str, text_file: SnapshotAssertion) -> None:
    """Commands of the service in a call, each with Asterisk's answer."""
    assert by_service(office, SITUATIONS[name]) == text_file


@pytest.mark.parametrize("name", OF_THE_SCRIPT, ids=words)
def test_agi_of_the_script(office: Office, name: str, text_file: SnapshotAssertion) -> None:
    """Commands of the script, which handles calls where no service answers."""
    assert by_script(office, SITUATIONS[name]) == text_file


@pytest.mark.parametrize("name", manager_stories.STORIES, ids=words)
def test_ami(office: Office, name: str, text_file: SnapshotAssertion) -> None:
    """Actions at the manager interface, each with its fields."""
    office.begin(Situation([]))
    assert manager_stories.actions(office, manager_stories.STORIES[name]) == text_file


def test_every_file_is_of_a_case() -> None:
    """Every snapshot file belongs to a case."""
    cases = {
        "test_agi_of_the_service": SITUATIONS,
        "test_agi_of_the_script": OF_THE_SCRIPT,
        "test_ami": manager_stories.STORIES,
    }
    expected = [name for test, names in cases.items() for name in expected_names(test, map(words, names))]
    assert snapshot_names(__file__) == sorted(expected)
