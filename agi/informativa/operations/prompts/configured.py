"""Which prompts a configuration names, and what else it says about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ... import storage
from ...config.build import draft
from ...config.controllers import begins, zone
from ...config.messages import closest
from ...config.schema import ControllerSettings, VersionSettings
from ...errors import InformativaError
from ...model import Recording, parts
from ...prompts.store import PromptPath, PromptStore, next_version
from ...text import Text


@dataclass(frozen=True)
class Snippet:
    """What to write into the configuration, with the indentation that it has there: at the end of `where`, or
    at the `version` that is there already, if it is."""

    where: str
    version: str
    yaml: str


class ConfiguredPrompts:
    """The prompts of a configuration, which need not be there yet. Raises ConfigError."""

    def __init__(self, file: Path) -> None:
        self.settings = draft(file)[1]
        self.folder = file.absolute().parent
        self.store = PromptStore(self.folder)

    def controller(self, name: str | None) -> tuple[str, ControllerSettings]:
        """The one that was named, or the only one. Raises InformativaError with those that there are."""
        there = self.settings.controllers
        if name is None and len(there) > 1:
            raise InformativaError(
                Text("There are several controllers."),
                Text("Name one: --controller {name}", name=min(there)),
            )
        name = name or next(iter(there))
        if name not in there:
            hint = _meant(name, there)
            raise InformativaError(Text("There is no controller {name}", "{hint}", name=name, hint=hint))
        return name, there[name]

    def versions(self, controller: str, notice: str) -> dict[str, VersionSettings]:
        """By id, the oldest first. Raises InformativaError for a notice that there is not."""
        notices = self.settings.controllers[controller].notices
        if notice not in notices:
            hint = _meant(notice, notices)
            raise InformativaError(Text("There is no notice {name}", "{hint}", name=notice, hint=hint))
        return {version.version: version for version in notices[notice].versions}

    def newest(self, controller: str, notice: str) -> VersionSettings:
        """The version that stands last. Raises InformativaError for a notice that there is not."""
        return list(self.versions(controller, notice).values())[-1]

    def proposed(self, controller: str, notice: str, now: datetime) -> str:
        """An id for the next version: the month, with a letter if that has one."""
        known = self.versions(controller, notice)
        month = f"{now:%Y-%m}"
        return next_version(month, known) if month in known else month

    def in_force(self, controller: str, notice: str, now: datetime | None = None) -> str:
        """The version of a notice that callers hear now."""
        now = now or datetime.now(UTC)
        own = zone(self.settings.controllers[controller].time_zone)
        versions = list(self.versions(controller, notice).values())
        begun = [version for version in versions if (begins(version.starts, own) or now) <= now]
        return (begun or versions[:1])[-1].version

    def languages(self, controller: str) -> list[str]:
        """Those of the controller's lines. Raises InformativaError if it has none."""
        lines = [line for line in self.settings.lines.values() if line.controller == controller]
        found: Iterable[str] = (
            language
            for line in lines
            for language in (line.language, *line.languages.values(), *line.fallback)
        )
        wanted = list(dict.fromkeys(found))
        if not wanted:
            raise InformativaError(
                Text("{controller} has no line that says which languages.", controller=controller),
                Text("Give them: --languages it,en"),
            )
        return wanted

    def key(self, controller: str, given: str = "") -> str:
        """Which key plays the full text. Raises InformativaError if the lines differ, or it is no key."""
        if given:
            if not re.fullmatch(r"[0-9*#]", given):
                raise InformativaError(
                    Text("{given!r} is no key of a telephone.", given=given), Text("Give one: --key 1")
                )
            return given
        lines = self.settings.lines.values()
        keys = {line.keys.full for line in lines if line.controller == controller}
        if len(keys) != 1:
            raise InformativaError(
                Text("{controller} has no one key for the full text.", controller=controller),
                Text("Give the one to say: --key 1"),
            )
        return keys.pop()

    def heard_otherwise(self, controller: str, recordings: Sequence[Recording]) -> bool:
        """Whether callers heard another sound file in the place of one of these. Raises LedgerError."""
        ledger = self.folder / self.settings.controllers[controller].ledger
        return bool(storage.served_otherwise(ledger, recordings))

    def paths(self) -> Iterator[tuple[str, PromptPath]]:
        """Every prompt that the configuration names, by controller; the fallback prompt as nobody's."""
        for name, controller in self.settings.controllers.items():
            for notice, given in controller.notices.items():
                for version in given.versions:
                    for part, language, path in parts(
                        version.short, version.short_nokey, version.full, version.supplements
                    ):
                        base = self.folder / path
                        yield name, PromptPath(notice, version.version, part, language, base)
        if self.settings.fallback_prompt:
            yield "", PromptPath("", "", "fallback", "", self.folder / self.settings.fallback_prompt)

    def snippet(self, controller: str, paths: Sequence[PromptPath], purposes: Sequence[str]) -> Snippet:
        """What makes these prompts of one version the configuration's."""
        first = paths[0]
        known = first.version in self.versions(controller, first.notice)
        lines = []
        if not known:
            lines = [
                f'          - version: "{first.version}"',
                f"            purposes: [{', '.join(purposes)}]",
                "            material: false",
            ]
        for part in dict.fromkeys(path.part for path in paths):
            name, after = (*part.split(":"), "")[:2]  # supplement:VERSION
            lines.append(f"            {'supplements' if after else name.replace('-', '_')}:")
            pairs = [(path.language, self.store.relative(path.base)) for path in paths if path.part == part]
            if after:
                lines += [f'              "{after}": {{{", ".join(": ".join(pair) for pair in pairs)}}}']
            else:
                lines += [f"              {language}: {base}" for language, base in pairs]
        where = f"controllers.{controller}.notices.{first.notice}.versions"
        return Snippet(where, first.version if known else "", "\n".join(lines))


def _meant(name: str, there: Iterable[str]) -> Text:
    """Which was probably meant, or which there are."""
    if close := closest(name, there):
        return Text("did you mean {name}?", name=close)
    return Text("there are: {known}.", known=", ".join(sorted(there)))
