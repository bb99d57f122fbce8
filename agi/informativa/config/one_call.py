"""The part of a configuration that one call depends on: its line, and the company of that.

A script that read the files of all companies would wait for each network folder that has stalled (I10).
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


def settings_of_call(settings: Settings, number: str | None) -> Settings:
    """Return settings with that line alone, and its company; without a line, the settings for calls to other
    numbers."""
    only: dict[str, Any] = {"lines": {}, "controllers": {}}
    if number is not None:
        line = settings.lines[number]
        company = {line.controller: settings.controllers[line.controller]}
        only = {"lines": {number: line}, "controllers": company, "fallback_prompt": None}
    return cast("Settings", SimpleNamespace(**(vars(settings) | only)))


def examine_text(settings: Settings, folder: Path, findings: Findings) -> dict[str, str]:
    """Return the called number for every way of writing it. Notes problems between companies, as far as the
    text alone shows them: names of files are compared, and no file is read."""
    require_apart(
        {name: os.path.normpath(folder / section.key) for name, section in settings.controllers.items()},
        {name: Path(ledger_file(folder, section)) for name, section in settings.controllers.items()},
        lambda file: file,
        findings,
    )
    lines = settings.lines.items()
    regions = {number: line.region for number, line in lines if line.controller in settings.controllers}
    return spelled(regions, findings)
