"""The snippets of dialplan/README.md: each block names in its first line the file that it belongs into."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DIALPLAN = Path(__file__).resolve().parents[2] / "dialplan"


@dataclass(frozen=True)
class Snippet:
    """A block of the page, with the heading that it stands under."""

    section: str
    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.section}: {self.file}"


def snippets() -> list[Snippet]:
    """All blocks of configuration files in the page, in their order."""
    found = []
    page = (DIALPLAN / "README.md").read_text(encoding="utf-8")
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        for text in re.findall(r"^```(?:ini|yaml)\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
            file = re.match(r"[;#] (\S+\.(?:conf|yaml))", text)
            assert file, f"this block does not say which file it is for:\n{text}"
            found.append(Snippet(section.partition("\n")[0], file[1], text))
    return found


def section(title: str, file: str) -> str:
    """The text for one file that the page shows under a heading."""
    texts = [snippet.text for snippet in snippets() if (snippet.section, snippet.file) == (title, file)]
    assert texts, f"the page has no {file} under {title!r}"
    return "\n".join(texts)
