"""The pages that contributors read: names exist, the drawing is the program's, workflows run what there
is."""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from informativa.cli.main import app
from informativa.cli.tree import tree
from lab import nightly

ROOT = Path(__file__).resolve().parent.parent
GITHUB, DOCS = ROOT / ".github", ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("*.yml"))
PAGES = [
    *(DOCS / f"{name}.md" for name in ("CONTRIBUTING", "architecture", "glossary")),
    GITHUB / "SECURITY.md",
    *DECISIONS,
]
PARTS = ["Context", "Decision", "What was measured", "Consequences"]
OTHERS = {
    "AGI",
    "AGISTATUS",
    "Application",
    "Error",
    "Request",
    "add_typer",
}  # of what we import, and Asterisk's


@cache
def source(*folders: str) -> str:
    """All of the program's text, and of the tests'."""
    files = chain.from_iterable((ROOT / folder).rglob("*.py") for folder in folders)
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


@cache
def defined() -> set[str]:
    """All classes, functions and constants, and what else a line begins with and defines."""
    definition = r"^[^\S\n]*(?:(?:class|def|async def) (\w+)|(\w+)\b.*[=:])"
    return {
        name
        for names in re.findall(definition, source("agi", "tests", "prompts"), re.MULTILINE)
        for name in names
    }


def named(page: Path) -> list[str]:
    """Return what a page names as code, outside of its blocks."""
    prose = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", prose)


def imported(file: Path) -> Iterator[str]:
    """Yield what a module imports, by its whole name; and what a script imports that it starts."""
    statement = r"^[^\S\n]*(?:from (\S+) )?import (\([^)]*\)|.*)"
    for module, names in re.findall(statement, file.read_text(encoding="utf-8"), re.MULTILINE):
        yield from (f"{module}.{name}".removeprefix(".") for name in re.findall(r"[\w.]+", names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_on_the_pages_are_in_the_code(page: Path) -> None:
    """Each class, function, constant or module that a page names is there, in the program or its tests."""
    modules = {file.stem for file in (ROOT / "agi").rglob("*.py")}
    names = [
        name
        for code in named(page)
        if re.fullmatch(r"_?[A-Za-z]\w+(\.\w+)?", code)
        and re.search(r"[A-Z_]", code)
        and not code.lower().startswith("informativa_")  # metrics, and variables of the dialplan
        for name in code.split(".")
    ]
    assert [one for one in names if one not in OTHERS | modules | defined()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_pages_name_are_there(page: Path) -> None:
    """A test that is named is one, and a kind of tests (`test_i3_…`) has some."""
    text = source("tests")
    tests = [name.rstrip("…") for name in named(page) if name.startswith("test_") and "." not in name]
    assert [name for name in tests if f"def {name}" not in text] == []


@pytest.mark.slow
def test_no_module_imports_a_test_module() -> None:
    """What several tests share stands in a module that is no test."""
    files = sorted((ROOT / "tests").rglob("*.py"))
    names = [(file.name, name) for file in files for name in imported(file)]
    assert ("test_ledgers.py", "examples.PLAYED") in names
    assert [entry for entry in names if re.match(r"(?!informativa\.)(.*\.)?test_", entry[1])] == []


def test_commands_on_the_pages_exist() -> None:
    """What contributors are told to make can be made, and what they are told to type is a command."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    known = {" ".join(command.path[1:]) for command in tree(app()).walk()}
    for page in (*PAGES, DOCS / "licences.md"):
        code = named(page)
        made = [one.split()[1] for one in code if re.match(r"make [a-z]", one)]
        assert [one for one in made if one not in targets] == [], page
        typed = [one.removeprefix("informativa ") for one in code if one.startswith("informativa ")]
        assert [one for one in typed if re.split(r" ?-| [A-Z]", one)[0] not in known] == [], page


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_decision_is_short_and_has_its_parts(page: Path) -> None:
    """Context, decision, what was measured, consequences, in 40 lines; the list names it."""
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 40
    parts = [part.rstrip(".") for part in re.findall(r"^\*\*([^*]+)\*\*", text, re.MULTILINE)]
    assert [part.replace("was found", "was measured") for part in parts] in (
        PARTS,
        [PARTS[0], PARTS[2], PARTS[1], PARTS[3]],
    )
    number = int(page.name[:4])
    assert text.startswith(f"# {number}. ")
    listed = (page.parent / "README.md").read_text(encoding="utf-8")
    assert re.search(rf"^{number}\. \[.+\]\({page.name}\)$", listed, re.MULTILINE)


def test_decisions_have_the_day_on_which_they_were_written() -> None:
    """Below the heading; a later one has no earlier day."""
    days = [date.fromisoformat(page.read_text(encoding="utf-8").splitlines()[1]) for page in DECISIONS]
    assert days == sorted(days)
    assert days[0] == date(2026, 11, 25)


def test_every_rule_has_tests_that_carry_its_number() -> None:
    """I1 to I10, none left out of the table, as its heading promises."""
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = page.partition("## Rules that hold everywhere")[2].partition("\n## ")[0]
    rules = re.findall(r"^\| I(\d+) \| .+ \|$", table, re.MULTILINE)
    assert rules == ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
    text = source("tests")
    assert [rule for rule in rules if f"def test_i{rule}_" not in text] == []


def test_decisions_are_listed_by_their_numbers() -> None:
    """Each number is of one decision, for good: that of one that no longer holds stays free."""
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert numbers == sorted(set(numbers))
    listed = (DOCS / "decisions/README.md").read_text(encoding="utf-8")
    assert [int(number) for number in re.findall(r"^(\d+)\. \[", listed, re.MULTILINE)] == numbers


def test_glossary_explains_each_term_once() -> None:
    """One term for one thing, in two lines at most."""
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", text, re.MULTILINE)
    terms = [term.strip("` ") for row, _ in rows if row != "Term" for term in row.split(", ")]
    assert sorted(terms) == sorted(set(terms))
    assert [row for row, meaning in rows if len(re.sub(r"\]\([^)]+\)", "]", meaning)) > 220] == []
    assert len(terms) > 80


def test_layers_on_the_page_are_those_of_the_contract() -> None:
    """In the same order from the top, none left out and none made up."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    layers = tools["importlinter"]["contracts"][0]["layers"]
    table = (
        (DOCS / "architecture.md").read_text(encoding="utf-8").partition("## Layers")[2].partition("\n## ")[0]
    )
    rows = [row.partition(" | ")[0] for row in table.splitlines() if row.startswith("| [")]
    shown = [re.findall(r"\[(\w+)(?:\.py|/)\]", row) for row in rows]
    flat = [{name} for row in rows if ", then " in row for name in re.findall(r"\[(\w+)", row)]
    expected = [set(layer.split(" | ")) for layer in layers]
    assert [one for one in expected if one not in [set(row) for row in shown] + flat] == []
    order = [name for row in shown for name in row]
    places = [max(order.index(name) for name in layer) for layer in expected]
    assert places == sorted(places)
    assert set(order) == set().union(*expected)


def test_drawing_names_what_is_there() -> None:
    """Each file in it exists, no box stands twice or alone, and each arrow leads from one box to another."""
    (drawing,) = re.findall(r"^```mermaid\n(.*?)^```$", (DOCS / "architecture.md").read_text(), re.M | re.S)
    boxes = re.findall(r'^ +(\w+)\["(.+)<br>(.+)"\](?::::outside)?$', drawing, re.MULTILINE)
    names = [name for name, _, _ in boxes]
    ways = [re.split(r" -(?:- .+ -->|\. .+ \.->|->) | --> ", line.strip()) for line in drawing.splitlines()]
    joined = set(chain.from_iterable(way for way in ways if len(way) > 1))
    assert sorted(names) == sorted(joined)
    assert drawing.count('["') == len(boxes) == 19
    package = ROOT / "agi/informativa"
    folders = [ROOT, package, package / "asterisk", package / "ledgers"]
    text = " ".join(files for _, _, files in boxes)
    files = re.findall(r"[\w/]+(?:\.(?:py|conf)\b|/(?=[ ,;]|$))", text)
    assert len(files) > 15
    assert [file for file in files if not any((folder / file).exists() for folder in folders)] == []


def workflow(file: Path) -> dict[str, Any]:
    """A workflow, understood. (YAML 1.1 takes the key `on` for a truth.)"""
    loaded: dict[Any, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {str(key).replace("True", "on"): value for key, value in loaded.items()}


def steps(file: Path) -> list[dict[str, Any]]:
    """All steps of a workflow."""
    return [step for job in workflow(file)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_are_whole_and_pinned(file: Path) -> None:
    """They parse, may do nothing that is not said, end by themselves, and use actions of one version."""
    content = workflow(file)
    assert {"name", "on", "permissions", "jobs"} <= set(content)
    assert content["permissions"] == {"contents": "read"}
    for job in content["jobs"].values():
        assert job["timeout-minutes"] <= (300 if file.stem == "nightly" else 90)
    for step in steps(file):
        assert len({"uses", "run"} & set(step)) == 1, step
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", step["uses"]), step
        else:
            shell = ["bash", "-n", "-c", step["run"]]
            ran = subprocess.run(shell, text=True, capture_output=True, timeout=60, check=False)
            assert ran.stderr == "", step


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_run_what_there_is(file: Path) -> None:
    """Files that are run exist; tools that pip installs have one version."""
    runs = "\n".join(step.get("run", "") for step in steps(file))
    files = re.findall(r"\b(?:bash|python) ((?:[\w.]+/)+[\w.]+)", runs)
    made = re.findall(r"^make ([a-z]+)", runs, re.MULTILINE)
    assert files + made
    assert [name for name in made if not re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)] == []
    assert [name for name in files if not (ROOT / name).is_file()] == []
    for packages in re.findall(r"pip install (.+)", runs):
        assert all("==" in one or one.startswith("dist/") for one in packages.split())


def test_every_python_is_tried() -> None:
    """CI's Pythons are those that pyproject.toml says that there are."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    classified = [one.rpartition(" ")[2] for one in project["classifiers"] if "Python :: 3." in one]
    job = workflow(GITHUB / "workflows/ci.yml")["jobs"]["run"]
    assert job["strategy"]["matrix"]["python"] == classified
    assert project["requires-python"] == f">={classified[0]}"
    assert any(step.get("run") == "bash .ci/run" for step in job["steps"])


def test_the_night_runs_every_job() -> None:
    """The workflow's jobs are those of `make nightly`, but for lint and other Pythons, which ci.yml has."""
    matrix = workflow(GITHUB / "workflows/nightly.yml")["jobs"]["try"]["strategy"]["matrix"]
    names = [job.name for job in nightly.jobs(seed=1)]
    assert matrix["job"] == [name for name in names if not name.startswith(("lint", "python"))]


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.name)
def test_issue_forms_are_whole(file: Path) -> None:
    """Each question has a name of its own and a label, and no number is asked for."""
    form = yaml.safe_load(file.read_text(encoding="utf-8"))
    if file.name == "config.yml":
        assert form == {"blank_issues_enabled": False}
        return
    assert {"name", "description", "body"} <= set(form)
    asked = [one for one in form["body"] if one["type"] != "markdown"]
    names = [one["id"] for one in asked]
    assert len(names) == len(set(names))
    assert all(one["attributes"]["label"] for one in asked)
    (doctor,) = [one for one in asked if one["id"] == "doctor"]
    assert "informativa doctor --json" in doctor["attributes"]["label"]
    assert "numbers" in str(form)
    assert "doctor" in {" ".join(command.path[1:]) for command in tree(app()).walk()}
