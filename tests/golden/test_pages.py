"""Golden files of every page of the console.

After an intended change: `python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from syrupy.assertion import SnapshotAssertion

from golden.console_walk import CASES, NAMES, NOT_WALKED, Walk, console
from golden.snapshots import HtmlFile, TextFile, expected_names, snapshot_names
from informativa.console.routes import ROUTES

pytestmark = pytest.mark.first


@pytest.fixture(scope="module")
def walk(module_folder: Path) -> Iterator[Walk]:
    """A walk in which all steps were taken, once for all tests."""
    with console(module_folder) as (office, _clock):
        walk = Walk(office, module_folder)
        walk.take_all()
        yield walk


def words(part: str) -> str:
    """Return a part of a case's name in the name of its file."""
    return part.replace(" ", "-")


@pytest.mark.parametrize(("name", "language"), NAMES, ids=words)
def test_page(walk: Walk, name: str, language: str, snapshot: SnapshotAssertion) -> None:
    """Answer of the console: its status, its own headers, and its body."""
    answer = walk.answers[name, language]
    assert answer == snapshot.use_extension(HtmlFile if "<!doctype html>" in answer.lower() else TextFile)


def test_every_route_is_walked(walk: Walk) -> None:
    """Every route has a case, or a reason why it has none."""
    routes = {("GET", route.path) for route in ROUTES if route.get}
    routes |= {("POST", route.path) for route in ROUTES if route.post}
    assert routes - walk.routes == set(NOT_WALKED)


def test_admins_see_what_compliance_sees(walk: Walk) -> None:
    """Pages that an admin shares with compliance are the same, and need no files of their own."""
    for compliance, admin in walk.same_for_admins():
        assert admin == compliance


def test_every_file_is_of_a_case() -> None:
    """Every snapshot file belongs to a case."""
    cases = (f"{words(name)}-{language}" for name, language in NAMES)
    assert snapshot_names(__file__) == sorted(expected_names("test_page", cases))


def test_no_two_cases_have_one_name() -> None:
    """Names of cases differ, so that each has its own file."""
    assert len({(case.name, *case.languages) for case in CASES}) == len(CASES)
    assert len(set(NAMES)) == len(NAMES)
