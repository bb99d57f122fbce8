"""The check that people read names of notices and purposes, and not ids of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from ...model import Controller, Line, languages_without_name
from ...model.text import Text
from ..controller_state import lines_of
from .findings import Finding, warning
from .system import System


def names(system: System) -> Iterator[Finding]:
    """Check that each notice and purpose of a live company has a name in the languages in which callers hear
    it."""
    for controller in system.live():
        if missing := _missing(controller, lines_of(controller, system.configured)):
            finding = Text(
                "letters, receipts and pages of {id} show these ids of its configuration in place of names:"
                " {ids}",
                id=controller.id,
                ids=", ".join(f"{name_id} ({', '.join(codes)})" for name_id, codes in missing.items()),
            )
            setting = Text("Write under controllers.{id}: names: {names}")
            yield warning(finding, setting.format(id=controller.id, names=_setting(missing)))


def _missing(controller: Controller, lines: Iterable[Line]) -> dict[str, tuple[str, ...]]:
    """Return the ids of notices and purposes that lack a name, each with the languages in which it lacks
    one."""
    now = datetime.now(UTC)
    languages = dict[str, dict[str, None]]()
    for step in (step for line in lines for step in line.plan):
        versions = step.notice.versions
        for version in versions[versions.index(step.notice.current(now)) :]:
            for name_id in (step.notice.id, *sorted(version.purposes)):
                languages.setdefault(name_id, {}).update(dict.fromkeys(version.short))
    missing = {
        name_id: languages_without_name(name_id, controller.names, codes)
        for name_id, codes in languages.items()
    }
    return {name_id: codes for name_id, codes in missing.items() if codes}


def _setting(missing: Mapping[str, Iterable[str]]) -> str:
    """Return the setting that gives the names, on one line, with the names left to fill in."""
    by_language = dict[str, list[str]]()
    for name_id, codes in missing.items():
        for code in codes:
            by_language.setdefault(code, []).append(f"{name_id}: …")
    return "{" + ", ".join(f"{code}: {{{', '.join(ids)}}}" for code, ids in by_language.items()) + "}"
