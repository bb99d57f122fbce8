"""Loading a configuration anew while calls go on: not before it is written to its end, and what it changes is
told by name, for nothing is taken away in silence."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError, Problem
from ..text import Text
from . import document as documents
from .configuration import Configuration

STEADY_SECONDS = 1.0  # without a change, and nobody is writing any more
PATIENCE_SECONDS = 5.0  # with one who is

Change = tuple[str, Mapping[str, str]]


def wait_written(file: Path) -> None:
    """Wait until nobody writes to the file. Raises ConfigError for one that is not there to its end: YAML
    that was cut off anywhere is often a smaller configuration, and few editors leave the last line open."""
    until = time.monotonic() + PATIENCE_SECONDS
    while _fresh(file):
        if time.monotonic() > until:
            raise ConfigError(
                [Problem(str(file), None, "", Text("is still being written", "load it again then"))]
            )
        time.sleep(0.1)
    text = documents.read(file)
    if not text.endswith("\n"):
        message = Text(
            "ends in the middle of its last line, as if it was cut off", "save it whole, with a line break"
        )
        raise ConfigError([Problem(str(file), text.count("\n") + 1, "", message)])


def _fresh(file: Path) -> bool:
    try:
        return abs(time.time() - file.stat().st_mtime) < STEADY_SECONDS
    except OSError:  # which whoever reads it tells
        return False


def taken_away(before: Configuration, now: Configuration) -> Iterator[Change]:
    """Companies and lines that are gone, or served no more: a sentence, and which."""
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
            of = {"line": line.number, "controller": line.controller.id}
            yield "a line is gone from the configuration: its callers hear fallback_prompt", of
        elif later_line.controller.id != line.controller.id:
            whose = {"controller": later_line.controller.id, "before": line.controller.id}
            yield "a line is another company's now", {"line": line.number, **whose}
    if before.fallback and not now.fallback:
        yield "fallback_prompt is gone: callers of other numbers hear nothing", {}


def changed(before: Configuration, now: Configuration) -> Iterator[Change]:
    """Companies and lines that stay, and what of them is not as before; those that are new."""
    old: dict[str, Mapping[str, Any]] = {"controller": before.controllers, "line": _lines(before)}
    new: dict[str, Mapping[str, Any]] = {"controller": now.controllers, "line": _lines(now)}
    for kind, found in new.items():
        for name, one in found.items():
            known = old[kind].get(name)
            if known is None:
                yield "new in the configuration", {kind: name}
            elif differing := _differing(known, one):
                yield "changed in the configuration", {kind: name, "settings": ", ".join(differing)}
    for name in now.notices.keys() & before.notices.keys():
        if now.notices[name] != before.notices[name]:
            yield "changed in the configuration", {"controller": name, "settings": "notices"}


def _lines(configuration: Configuration) -> Mapping[str, Any]:
    return {line.number: line for line in configuration.lines}


def _differing(one: Any, other: Any) -> list[str]:
    """Settings that differ. Those of a line's company, and its notices, are told of the company."""
    ours, theirs = vars(one), vars(other)
    return sorted(name for name in ours if name != "controller" and ours[name] != theirs[name])
