"""Brings the names in docs/evidence.md up to date with the program: `python -m lab.evidence_page`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from informativa.evidence.commitment import FACTS, PERSON
from informativa.evidence.notes import KEYS, KINDS, LogNote, NoteKey

PAGE = Path("docs/evidence.md")


def with_names(page: str) -> str:
    """The page with a table of the names of each of the two, and one of the keys of notes."""
    names = "\n\n".join((_table("facts", FACTS), _table("person", PERSON)))
    return _filled(_filled(page, "what each name says", names), "what each key of a note says", _notes())


def _filled(page: str, marker: str, tables: str) -> str:
    between = re.compile(rf"(<!-- {marker}.*? -->\n).*?(<!-- end -->)", re.DOTALL)
    return between.sub(lambda match: f"{match[1]}\n{tables}\n\n{match[2]}", page)


def _notes() -> str:
    kinds = {"all": KEYS[LogNote], **{f"`{kind}`": KEYS[content] for kind, content in KINDS.items()}}
    rows = (f"| {_row(kind, key)} |" for kind, keys in kinds.items() for key in keys)
    return "\n".join(("| Kind | Key | Its value | What it says |", "|---|---|---|---|", *rows))


def _row(kind: str, key: NoteKey) -> str:
    name = f"`{key.name}`" if key.is_required else f"`{key.name}`, or absent"
    return " | ".join((kind, name, str(key.grammar.expected), key.meaning))


def _table(name: str, names: Mapping[str, str]) -> str:
    rows = "\n".join(f"| `{name}` | {says} |" for name, says in names.items())
    return f"| In `{name}` | What it says |\n|---|---|\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(with_names(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
