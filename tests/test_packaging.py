"""The things that the program rests on: its dependencies, their licences, and the pins of what the tests
install."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = sorted((ROOT / "tests").glob("*requirements.txt"))
PAGE = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
LISTED = dict(re.findall(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|", PAGE, re.MULTILINE))
COPYLEFT = re.compile(r"GPL|General Public", re.IGNORECASE)
LESSER = {
    "pyst2",
    "psycopg",
    "psycopg-binary",
    "soxr",
}  # imported as it comes, and in no file of ours: the LGPL asks no more
NEVER_BROKE = {"phonenumberslite", "python-dateutil", "rich", "structlog"}  # documented parts alone are used


def licence(name: str) -> str:
    """Return what a distribution says of its licence."""
    facts = metadata.metadata(name)
    classified = [
        classifier for classifier in facts.get_all("Classifier") or () if classifier.startswith("License ::")
    ]
    return " ".join([facts.get("License-Expression") or "", facts.get("License") or "", *classified]).strip()


def needed(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """All distributions that one needs when it runs, with itself, on this machine."""
    names = {canonicalize_name(name)}
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            names |= needed(requirement.name, frozenset(requirement.extras))
    return names


def imported() -> set[str]:
    """The top-level modules of others that any file of the program imports, at its top or later."""
    names: set[str] = set()
    for file in (ROOT / "agi/informativa").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module.partition(".")[0])
    return names - set(sys.stdlib_module_names) - {"informativa"}


def test_every_runtime_dependency_stands_on_the_page_of_licences() -> None:
    """What `pip install informativa` brings is listed, with all extras, each with its licence; nothing else
    is."""
    own = needed(
        "informativa",
        frozenset({"backup", "oidc", "passkey", "postgres", "recogniser", "speech", "web", "xlsx"}),
    ) - {"informativa"}
    assert own <= set(LISTED)
    assert set(LISTED) - own <= {"tzdata", "typing-extensions", "colorama"}  # not for everybody
    silent = {"py-nanotts", "pyrage"}  # their wheels name no licence; that of pyrage has its text
    assert [name for name in own - silent if not licence(name)] == []


def test_nothing_that_is_imported_is_under_the_gpl() -> None:
    """The program is Apache-2.0, and who gets it gets no further duty by what it imports."""
    owners = metadata.packages_distributions()
    names = {canonicalize_name(one) for module in imported() for one in owners.get(module, ())}
    assert {"panoramisk", "pyst2", "pyyaml", "urllib3"} <= names
    bound = {name for name in names | needed("informativa") if COPYLEFT.search(licence(name))}
    assert bound - LESSER == set()


def test_pyst2_still_says_what_the_page_explains() -> None:
    """Another word of its authors would be another decision."""
    terms = (
        "Python Software Foundation License / GNU Library or Lesser General Public License (LGPL) / UNLICENSE"
    )
    assert licence("pyst2") == terms
    files = [str(file).lower() for file in metadata.files("pyst2") or ()]
    assert [file for file in files if "licen" in file or "copying" in file] == []


def test_all_that_is_imported_is_asked_for() -> None:
    """No module is there only because something else needs it."""
    owners = metadata.packages_distributions()
    extras = PROJECT["optional-dependencies"]
    users = ("speech", "recogniser", "backup", "postgres", "web", "oidc", "passkey", "xlsx")
    every = [*PROJECT["dependencies"], *(line for extra in users for line in extras[extra])]
    asked = {canonicalize_name(Requirement(line).name) for line in every}
    lent = {"pydantic-core"}  # a part of pydantic: its own documentation imports it
    names = {canonicalize_name(one) for module in imported() for one in owners.get(module, ())}
    assert names - asked - lent == set()


def test_upper_bounds_stand_where_the_next_version_may_break() -> None:
    """Every dependency has one, but for those of which documented parts alone are used."""
    requirements = [Requirement(line) for line in PROJECT["dependencies"]]
    unbound = {
        one.name for one in requirements if not any(specifier.operator == "<" for specifier in one.specifier)
    }
    assert unbound == NEVER_BROKE


@pytest.mark.parametrize("file", PINS, ids=lambda file: file.name)
def test_pins_have_hashes_and_no_addresses(file: Path) -> None:
    """Each package stands at one version with the hashes of its files; from where is pip's setting."""
    text = file.read_text(encoding="utf-8")
    assert re.findall(r"://|^-|/", text, re.MULTILINE) == []
    blocks = re.split(r"\n(?=[A-Za-z])", text)
    assert all(re.match(r"[A-Za-z0-9._-]+==\S+", block) and "--hash=sha256:" in block for block in blocks)
    assert len(blocks) >= 4


def test_pins_fit_what_the_project_asks_for() -> None:
    """After a change to pyproject.toml, `make requirements`."""
    text = (ROOT / "tests/requirements.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    versions: dict[str, list[str]] = {}
    for name, version in pinned:
        versions.setdefault(canonicalize_name(name), []).append(version)
    extras = PROJECT["optional-dependencies"]
    own = [
        line
        for extra in (
            "test",
            "lint",
            "speech",
            "recogniser",
            "backup",
            "postgres",
            "oidc",
            "passkey",
            "xlsx",
        )
        for line in extras[extra]
    ]
    for line in (*PROJECT["dependencies"], *own):
        one = Requirement(line)
        assert versions[canonicalize_name(one.name)], line
        assert all(one.specifier.contains(version) for version in versions[canonicalize_name(one.name)]), line
