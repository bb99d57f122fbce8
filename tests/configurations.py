"""Configurations in which something is missing or wrong, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from informativa.config import load
from informativa.model.errors import ConfigError

_CHOICES = """\
    choices:
      marketing:
        asks: consent
        purpose: marketing
        holds: 24 months
        keys: {granted: "4", refused: "5"}
        withdraw_at: "+390212345678"
        versions:
          - version: "2026-12"
            short: {it: prompts/it/short, en: prompts/en/short}
            withdraw: {it: prompts/it/short, en: prompts/en/short}
      abroad:
        asks: operator
        keys: {eu: "2"}
        tries: 1
        wait: 6 seconds
        versions: [{version: "1", short: {it: prompts/it/short, en: prompts/en/short}}]
      taping:
        asks: recording
        keys: {not-recorded: "7"}
        silence: recorded
        versions: [{version: "1", short: {it: prompts/it/short, en: prompts/en/short}}]
    notices:
      country:
        versions: [{version: "1", purposes: [service], short: {it: prompts/it/short, en: prompts/en/short}}]
"""
_PLAN = """\
    plan:
      - {notice: country, when: always}
      - choice: abroad
      - notice: privacy
      - choice: taping
      - choice: marketing
"""


def with_choices(folder: Path) -> Path:
    """Put three choices into the example configuration, for acme's line: operators within the EU, recording,
    and a consent to marketing; return the file."""
    file = folder / "informativa.yaml"
    text = file.read_text()
    text = text.replace("    notices:\n", _CHOICES, 1).replace(
        "purposes: [service] ", "purposes: [service, marketing] ", 1
    )
    head, _plan, rest = text.partition(
        "    plan:                    # what a caller must hear, in this order\n"
    )
    assert rest
    file.write_text(head + _PLAN + rest.split("\n", 2)[2])
    return file


def without_papers(folder: Path) -> Path:
    """The example configuration with the second company's outsourcing block taken out."""
    file = folder / "informativa.yaml"
    lines = file.read_text().splitlines(keepends=True)
    start = next(number for number, text in enumerate(lines) if text.startswith("    outsourcing:"))
    file.write_text("".join(lines[:start] + lines[start + 4 :]))
    return file


def problems(file: Path) -> list[str]:
    """Return what is wrong with `file`, each as the admin reads it, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [str(problem).replace(f"{file.parent}/", "") for problem in caught.value.problems]


def with_earlier_version(folder: Path, text: str, sound: bytes) -> Path:
    """The example configuration with a version 2025 of acme's notice: `short` in Italian, with that text, as
    a file of A-law."""
    (folder / "prompts/earlier").mkdir()
    (folder / "prompts/earlier/short.txt").write_text(text)
    (folder / "prompts/earlier/short.alaw").write_bytes(sound)
    return _with_versions(folder, _version("2025", "prompts/earlier/short"))


def with_many_versions(folder: Path, count: int) -> Path:
    """The example configuration with so many earlier versions of acme's notice, each in five languages."""
    return _with_versions(folder, "".join(_version(f"v{n}", "prompts/it/short", 5) for n in range(count)))


def _with_versions(folder: Path, versions: str) -> Path:
    file = folder / "informativa.yaml"
    first = '          - version: "2026-11"'
    file.write_text(file.read_text().replace(first, versions + first, 1))
    return file


def _version(name: str, prompt: str, languages: int = 1) -> str:
    prompts = ", ".join(f"{code}: {prompt}" for code in ("it", "en", "de", "fr", "es")[:languages])
    return (
        f'          - version: "{name}"\n            purposes: [service]\n            short: {{{prompts}}}\n'
    )


def with_confirmed_exports(folder: Path) -> Path:
    """The example configuration with exports of acme that a second person must confirm."""
    file = folder / "informativa.yaml"
    first = "    time_zone: Europe/Rome"
    file.write_text(file.read_text().replace(first, f"    exports: {{four_eyes: true}}\n{first}", 1))
    return file
