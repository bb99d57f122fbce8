"""Loading a configuration anew while calls go on: not before it is completely written. Each change is logged
by name, for nothing is to be taken away silently."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..model.errors import ConfigError, ConfigProblem
from ..model.text import Text
from . import document as documents
from .configuration import Configuration

STEADY_SECONDS = 1.0  # without a change: then nobody is writing any more
PATIENCE_SECONDS = 5.0  # for somebody who is writing

Change = tuple[str, Mapping[str, str]]


def wait_written(file: Path) -> None:
    """Wait until nobody writes to the file. Raises ConfigError for one that is not complete: YAML that was
    cut off anywhere is often a smaller configuration, and few editors leave the last line open."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _is_being_written(file):
        if time.monotonic() > deadline:
            raise ConfigError(
                [ConfigProblem(str(file), None, "", Text("is still being written", "load it again then"))]
            )
        time.sleep(0.1)
    text = documents.read(file)
    if not text.endswith("\n"):
        message = Text(
            "ends in the middle of its last line, as if it was cut off", "save it whole, with a line break"
        )
        raise ConfigError([ConfigProblem(str(file), text.count("\n") + 1, "", message)])


def _is_being_written(file: Path) -> bool:
    try:
        return abs(time.time() - file.stat().st_mtime) < STEADY_SECONDS
    except OSError:  # which is reported when it is read
        return False


def removals(before: Configuration, now: Configuration) -> Iterator[Change]:
    """Iterate over companies and lines that are gone, or not served any more: a sentence, and the names."""
    for name, controller in before.controllers.items():
        later = now.controllers.get(name)
        if later is None:
            yield "a company is gone from the configuration", {"controller": name}
        elif later.refused and not controller.refused:
            yield "a company is live no more", {"controller": name, "why": str(later.refused)}
    lines = {line.number: line for line in now.lines}
    for line in before.lines:
        later_line = lines.get(line.number)
        if later_line is None:
            facts = {"line": line.number, "controller": line.controller.id}
            yield "a line is gone from the configuration: its callers hear fallback_prompt", facts
        elif later_line.controller.id != line.controller.id:
            facts_of_owner = {"controller": later_line.controller.id, "before": line.controller.id}
            yield "a line is another company's now", {"line": line.number, **facts_of_owner}
    if before.fallback and not now.fallback:
        yield "fallback_prompt is gone: callers of other numbers hear nothing", {}


def changed(before: Configuration, now: Configuration) -> Iterator[Change]:
    """Iterate over companies and lines that are new, and over those that stay with the settings that
    differ."""
    old: dict[str, Mapping[str, Any]] = {"controller": before.controllers, "line": _lines(before)}
    new: dict[str, Mapping[str, Any]] = {"controller": now.controllers, "line": _lines(now)}
    for kind, entries in new.items():
        for name, entry in entries.items():
            previous = old[kind].get(name)
            if previous is None:
                yield "new in the configuration", {kind: name}
            elif settings := _changed_settings(previous, entry):
                yield "changed in the configuration", {kind: name, "settings": ", ".join(settings)}
    for name in now.notices.keys() & before.notices.keys():
        if now.notices[name] != before.notices[name]:
            yield "changed in the configuration", {"controller": name, "settings": "notices"}


def _lines(configuration: Configuration) -> Mapping[str, Any]:
    return {line.number: line for line in configuration.lines}


def _changed_settings(previous: Any, current: Any) -> list[str]:
    """Return the names of settings that differ. Those of a line's company, and its notices, are reported for
    the company."""
    return sorted(
        field.name
        for field in fields(previous)
        if field.name != "controller" and getattr(previous, field.name) != getattr(current, field.name)
    )
