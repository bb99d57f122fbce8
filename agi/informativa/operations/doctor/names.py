"""Checks that people read names of notices and purposes, and not the ids of the configuration."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime

from ...model import Controller, Line, languages_without_name
from ...text import Text
from ..controller_state import lines_of
from .findings import Finding, warning
from .system import System


async def names(system: System) -> AsyncIterator[Finding]:
    """Each notice and purpose of a live company has a name in the languages in which its callers hear it."""
    for controller in system.configured.controllers.values():
        if controller.refused:
            continue
        if missing := _missing(controller, lines_of(controller, system.configured)):
            finding = Text(
                "letters, receipts and pages of {id} show these ids of its configuration in place of names:"
                " {ids}",
                id=controller.id,
                ids=", ".join(f"{one} ({', '.join(codes)})" for one, codes in missing.items()),
            )
            setting = Text("Write under controllers.{id}: names: {names}")
            yield warning(finding, setting.format(id=controller.id, names=_setting(missing)))


def _missing(controller: Controller, lines: Iterable[Line]) -> dict[str, tuple[str, ...]]:
    """The ids without a name, each with the languages in which it is heard and has none."""
    now = datetime.now(UTC)
    heard = dict[str, dict[str, None]]()
    for step in (step for line in lines for step in line.plan):
        versions = step.notice.versions
        for version in versions[versions.index(step.notice.current(now)) :]:
            for one in (step.notice.id, *sorted(version.purposes)):
                heard.setdefault(one, {}).update(dict.fromkeys(version.short))
    missing = {one: languages_without_name(one, controller.names, codes) for one, codes in heard.items()}
    return {one: codes for one, codes in missing.items() if codes}


def _setting(missing: Mapping[str, Iterable[str]]) -> str:
    """The setting that gives the names, to be filled in, on one line."""
    by_language = dict[str, list[str]]()
    for one, codes in missing.items():
        for code in codes:
            by_language.setdefault(code, []).append(f"{one}: …")
    return "{" + ", ".join(f"{code}: {{{', '.join(ids)}}}" for code, ids in by_language.items()) + "}"
