"""Every page of the console, as somebody gets it: a change of the program that is not meant to change what
it says changes nothing here.

After one that is: `python -m pytest tests/golden --snapshot-update`, and read the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="the extra `web` is not installed")

from syrupy.assertion import SnapshotAssertion

from golden.console_walk import CASES, NAMES, NOT_WALKED, Walk, site
from golden.snapshots import HtmlFile, TextFile, expected_names, snapshot_names
from informativa.console.routes import ROUTES


@pytest.fixture(scope="module")
def walk(module_folder: Path) -> Iterator[Walk]:
    """All steps, taken once."""
    with site(module_folder) as (office, _clock):
        walk = Walk(office, module_folder)
        walk.all()
        yield walk


def words(part: str) -> str:
    """A part of a case's name, as it stands in the name of its file."""
    return part.replace(" ", "-")


@pytest.mark.parametrize(("name", "language"), NAMES, ids=words)
def test_page(walk: Walk, name: str, language: str, snapshot: SnapshotAssertion) -> None:
    """An answer of the console: status, headers of its own, and all that it says."""
    said = walk.said[name, language]
    assert said == snapshot.use_extension(HtmlFile if "<!doctype html>" in said.lower() else TextFile)


def test_every_route_is_walked(walk: Walk) -> None:
    """A page that is new has a case, or a reason why it has none."""
    there = {("GET", each.path) for each in ROUTES if each.get}
    there |= {("POST", each.path) for each in ROUTES if each.post}
    assert there - walk.walked == set(NOT_WALKED)


def test_admins_see_what_compliance_sees(walk: Walk) -> None:
    """So the files of the one stand for the other's pages."""
    for compliance, admin in walk.same_for_admins():
        assert admin == compliance


def test_every_file_is_of_a_case() -> None:
    """None is left of what is no case any more."""
    cases = (f"{words(name)}-{language}" for name, language in NAMES)
    assert snapshot_names(__file__) == sorted(expected_names("test_page", cases))


def test_no_two_cases_have_one_name() -> None:
    """Else one would be kept in the file of the other."""
    assert len({(each.name, *each.languages) for each in CASES}) == len(CASES)
    assert len(set(NAMES)) == len(NAMES)
