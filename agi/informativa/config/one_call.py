"""The part of a configuration that one call depends on: its line, and the company of that.

A script that looked at the files of all companies would wait for each network folder that has stalled (I10).
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from .apart import require_apart
from .controllers import ledger_file
from .findings import Findings
from .lines import spelled

if TYPE_CHECKING:
    from .schema import Settings


def narrowed(settings: Settings, number: str | None) -> Settings:
    """Settings with that line alone, and its company; without one, what callers of other numbers hear."""
    only: dict[str, Any] = {"lines": {}, "controllers": {}, "shared": None}
    if number is not None:
        line = settings.lines[number]
        company = {line.controller: settings.controllers[line.controller]}
        only = {"lines": {number: line}, "controllers": company, "fallback_prompt": None}
    return cast("Settings", SimpleNamespace(**(vars(settings) | only)))


def examine_text(settings: Settings, folder: Path, found: Findings) -> dict[str, str]:
    """Give the called number by every way in which it may be written. Notes what is wrong between companies,
    as far as the text alone tells it: names of files are compared, and no file is looked at."""
    require_apart(
        {name: os.path.normpath(folder / section.key) for name, section in settings.controllers.items()},
        {name: Path(ledger_file(folder, section)) for name, section in settings.controllers.items()},
        lambda file: file,
        found,
    )
    lines = settings.lines.items()
    regions = {number: line.region for number, line in lines if line.controller in settings.controllers}
    return spelled(regions, found)
