"""Brings the names in docs/evidence.md up to date with the program: `python -m lab.evidence_page`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from informativa.evidence.commitment import FACTS, PERSON

PAGE = Path("docs/evidence.md")
_BETWEEN = re.compile(r"(<!-- what each name says.*? -->\n).*?(<!-- end -->)", re.DOTALL)


def with_names(page: str) -> str:
    """The page with a table of the names of each of the two."""
    tables = "\n\n".join((_table("facts", FACTS), _table("person", PERSON)))
    return _BETWEEN.sub(lambda found: f"{found[1]}\n{tables}\n\n{found[2]}", page)


def _table(name: str, names: Mapping[str, str]) -> str:
    rows = "\n".join(f"| `{each}` | {says} |" for each, says in names.items())
    return f"| In `{name}` | What it says |\n|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(with_names(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
