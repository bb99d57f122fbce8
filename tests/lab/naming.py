"""Names, docstrings and files of the program and its tests, counted where a reader would not find his way.

Vague names of values and functions, docstrings that begin as a riddle (of attributes, too), class names that
stand twice, files that are too short to be a place or too long to be read, and modules that the docstring of
their package does not name. `python -m lab.naming` fails where there is more than a limit allows; `python -m
lab.naming PLACE` lists all that counts in a file or folder. A limit goes down when there is less of it, never
up.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE, TESTS = ROOT / "agi/informativa", ROOT / "tests"
LIMITS = {
    PACKAGE: {"name": 54, "function": 17, "docstring": 2, "class": 8, "short": 20, "long": 0, "map": 0},
    TESTS: {"name": 22, "function": 132, "docstring": 769},
}
"""The most findings of each kind in each folder; of other kinds there may be any number.

A test's docstring is a sentence, which may begin with its subject: "What the ledger refuses is not deleted."
"""
SHORT, LONG = 40, 400  # lines of a file
GENERATED = PACKAGE / "model/numbering/table.py"
VAGUE = {
    *("each", "found", "gone", "held", "kept", "ours", "said", "seen", "there", "told", "wanted"),
    *("what", "who", "whole", "why"),
}
"""Names that say what was done to a thing, or that there is one, and not what it is."""
PARTICIPLES = {
    *("about", "asked", "chosen", "copied", "counted", "filled", "given", "joined", "known", "listed"),
    *("locally", "lost", "merged", "named", "opened", "ordered", "shown", "taken", "these", "through"),
    *("worded", "written"),
}
"""The same of functions: they say what happened to a thing that they do not name."""
OPENERS = {
    *("As", "By", "Have", "How", "Of", "So", "That", "Those", "Up", "What", "When", "Where", "Whether"),
    *("Which", "Who", "Whoever", "Whom", "Whose", "Why"),
}
"""First words of docstrings that are riddles: a noun or a verb is understood at once."""


@dataclass(frozen=True)
class Finding:
    """One place where a reader stumbles, and the limit that it counts for."""

    limit: str
    file: Path
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.limit}: {self.text}"


def findings(files: Sequence[Path]) -> Iterator[Finding]:
    """Yield all findings of some source files; class names are compared among these."""
    classes: dict[str, Path] = {}
    for file in files:
        text = file.read_text(encoding="utf-8")
        module, count = ast.parse(text), text.count("\n")
        if count < SHORT:
            yield Finding("short", file, 1, f"{count} lines: it belongs to a neighbour")
        if count > LONG and file != GENERATED:
            yield Finding("long", file, 1, f"{count} lines: there is a second idea in it")
        if file.name == "__init__.py":
            for inside in _unmapped(file.parent, ast.get_docstring(module) or ""):
                yield Finding("map", file, 1, f"the docstring does not say what `{inside}` is")
        for node in ast.walk(module):
            line = getattr(node, "lineno", 1)
            if (name := _assigned(node)) and name.strip("_") in VAGUE:
                yield Finding("name", file, line, name)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (
                node.name.strip("_") in VAGUE | PARTICIPLES
            ):
                yield Finding("function", file, line, node.name)
            for place, docstring in _docstrings(node):
                first = docstring.split()[0].strip(",:;.")
                if first in OPENERS:
                    yield Finding("docstring", file, place, first)
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                if node.name in classes:
                    yield Finding("class", file, line, f"{node.name} is in {classes[node.name]}, too")
                classes.setdefault(node.name, file)


def _unmapped(package: Path, docstring: str) -> Iterator[str]:
    """Yield the modules and packages in a package that no line of its docstring (- `name`: …) names."""
    lines = (line.partition(": ")[0] for line in docstring.splitlines() if line.startswith("- "))
    mapped = {name for line in lines for name in re.findall(r"`(\w+)`", line)}
    inside = {file.stem for file in package.glob("*.py")} | {
        file.parent.name for file in package.glob("*/__init__.py")
    }
    yield from sorted(inside - mapped - {"__init__"})


def _docstrings(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield the docstrings in the body of a module, class or function, each with its line: its own, and those
    below its attributes."""
    if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for statement in node.body:
        match statement:
            case ast.Expr(ast.Constant(str(text))) if text.strip():
                yield statement.lineno, text


def _assigned(node: ast.AST) -> str | None:
    """Return the name that a node assigns to: a variable, a parameter or an attribute."""
    match node:
        case ast.Name(name, ast.Store()) | ast.Attribute(_, name, ast.Store()) | ast.arg(name):
            return name
    return None


def main(places: Sequence[str]) -> int:
    """Print findings of some places, or all limits that do not hold; return 1 where one does not."""
    counted = {folder: list(findings(sorted(folder.rglob("*.py")))) for folder in LIMITS}
    if places:
        chosen = [Path(place).resolve() for place in places]
        for folder, limits in LIMITS.items():
            for finding in counted[folder]:
                if finding.limit in limits and any(finding.file.is_relative_to(place) for place in chosen):
                    print(finding)
        return 0
    exceeded = 0
    for folder, limits in LIMITS.items():
        counts, where = Counter(finding.limit for finding in counted[folder]), folder.relative_to(ROOT)
        for limit, most in limits.items():
            if counts[limit] > most:
                print(f"{limit}: {counts[limit]}, at most {most}. To list them: python -m lab.naming {where}")
                exceeded = 1
    return exceeded


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
