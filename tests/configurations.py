"""Configurations in which something is missing or wrong, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from informativa.config import load
from informativa.model.errors import ConfigError


def without_papers(folder: Path) -> Path:
    """The example configuration with the second company's outsourcing block taken out."""
    file = folder / "informativa.yaml"
    lines = file.read_text().splitlines(keepends=True)
    start = next(number for number, text in enumerate(lines) if text.startswith("    outsourcing:"))
    file.write_text("".join(lines[:start] + lines[start + 4 :]))
    return file


def problems(file: Path) -> list[str]:
    """What is wrong with `file`, each as the admin reads it, without the folder."""
    with pytest.raises(ConfigError) as caught:
        load(file)
    return [str(problem).replace(f"{file.parent}/", "") for problem in caught.value.problems]
