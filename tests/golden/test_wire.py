"""What Asterisk and PostgreSQL are told: a change of the program that is not meant to change it changes
nothing here.

After one that is: `python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from golden import database_stories, manager_stories
from golden.agi_calls import SITUATIONS, Office, Situation, by_script, by_service
from golden.snapshots import expected_names, snapshot_names
from golden.stopped_clock import THURSDAY, BytesBySize, stopped_clock
from informativa.operations.init import init
from lab.office import fill_in

OF_THE_SCRIPT = [name for name, each in SITUATIONS.items() if each.script]


@pytest.fixture(scope="module")
def office(module_folder: Path) -> Iterator[Office]:
    """One for all situations, of which each begins anew."""
    with stopped_clock(THURSDAY, BytesBySize()) as clock:
        yield Office(module_folder, clock)


def words(name: str) -> str:
    """A case as it is called in the name of its file."""
    return name.replace(" ", "-")


@pytest.mark.parametrize("name", SITUATIONS, ids=words)
def test_agi_of_the_service(office: Office, name: str, text_file: SnapshotAssertion) -> None:
    """Each command of a call, and what Asterisk answered to it."""
    assert by_service(office, SITUATIONS[name]) == text_file


@pytest.mark.parametrize("name", OF_THE_SCRIPT, ids=words)
def test_agi_of_the_script(office: Office, name: str, text_file: SnapshotAssertion) -> None:
    """The same of the script, where no service is there."""
    assert by_script(office, SITUATIONS[name]) == text_file


@pytest.mark.parametrize("name", manager_stories.STORIES, ids=words)
def test_ami(office: Office, name: str, text_file: SnapshotAssertion) -> None:
    """Each action at the manager interface, with its fields."""
    office.begin(Situation([]))
    assert manager_stories.told(office, manager_stories.STORIES[name]) == text_file


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory, short_prompts: Path) -> dict[str, str]:
    """By story, what a real PostgreSQL was sent."""
    base = tmp_path_factory.mktemp("database")
    init(base / "etc")
    shutil.copytree(short_prompts, base / "etc/prompts", dirs_exist_ok=True)
    fill_in(base / "etc/informativa.yaml")
    return database_stories.told(base / "etc", base / "pg")


@pytest.mark.slow
@pytest.mark.parametrize("name", database_stories.STORIES, ids=words)
def test_sql(told: dict[str, str], name: str, text_file: SnapshotAssertion) -> None:
    """Each statement with its parameters, as the server's own log has them."""
    assert told[name] == text_file


def test_every_file_is_of_a_case() -> None:
    """None is left of what is no case any more."""
    cases = {
        "test_agi_of_the_service": SITUATIONS,
        "test_agi_of_the_script": OF_THE_SCRIPT,
        "test_ami": manager_stories.STORIES,
        "test_sql": database_stories.STORIES,
    }
    expected = [each for test, names in cases.items() for each in expected_names(test, map(words, names))]
    assert snapshot_names(__file__) == sorted(expected)
