"""The prompts that a configuration names, with the settings that concern them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ...config.build import draft
from ...config.controllers import begins, zone
from ...config.messages import closest
from ...config.schema import ChoiceSettings, ChoiceVersionSettings, ControllerSettings, VersionSettings
from ...model import Recording, prompts_by_part
from ...model.errors import InformativaError
from ...model.text import Text
from ...process import storage
from ...prompts.store import PromptPath, PromptStore, next_version
from .parts import PartPlace

WordingSettings = VersionSettings | ChoiceVersionSettings
"""A version of a notice or choice, as the configuration writes it."""


DIALPLAN = "dialplan"
"""The place of lines that belong into no configuration."""


@dataclass(frozen=True)
class Snippet:
    """Lines to write into the configuration, or into the dialplan."""

    where: str
    """The key path of the list that they belong into; `dialplan` for what no setting names."""
    version: str | None
    """The version in that list to add them to; null if they make a new one at the end."""
    yaml: str
    """The lines themselves, with their indentation."""


class ConfiguredPrompts:
    """The prompts of a configuration, whose files need not exist yet. Raises ConfigError."""

    def __init__(self, file: Path) -> None:
        self.settings = draft(file)[1]
        self.folder = file.absolute().parent
        self.store = PromptStore(self.folder)

    def controller(self, name: str | None) -> tuple[str, ControllerSettings]:
        """Return the controller of that name, or the only one, as name and settings. Raises InformativaError
        if there is no such controller, or no name and several controllers."""
        controllers = self.settings.controllers
        if name is None and len(controllers) > 1:
            raise InformativaError(
                Text("There are several controllers."),
                Text("Name one: --controller {name}", name=min(controllers)),
            )
        name = name or next(iter(controllers))
        if name not in controllers:
            hint = _hint(name, controllers)
            raise InformativaError(Text("There is no controller {name}", "{hint}", name=name, hint=hint))
        return name, controllers[name]

    def names(self, controller: str) -> list[str]:
        """Return the ids of a controller's notices and choices. No choice has the id of a notice."""
        owner = self.settings.controllers[controller]
        return [*owner.notices, *owner.choices]

    def choice(self, controller: str, name: str) -> ChoiceSettings | None:
        """Return a choice; `None` for a notice, or for neither."""
        return self.settings.controllers[controller].choices.get(name)

    def versions(self, controller: str, name: str) -> dict[str, WordingSettings]:
        """Return the versions of a notice or choice by id, the oldest first. Raises InformativaError if there
        is no such notice or choice."""
        owner = self.settings.controllers[controller]
        wording = owner.notices.get(name) or owner.choices.get(name)
        if wording is None:
            hint = _hint(name, self.names(controller))
            message = Text("There is no notice or choice {name}", "{hint}", name=name, hint=hint)
            raise InformativaError(message)
        return {version.version: version for version in wording.versions}

    def versions_so_far(self, controller: str, place: PartPlace) -> dict[str, WordingSettings]:
        """Return the versions of a text's notice or choice by id, the oldest first; none of one that is to be
        written yet. Raises InformativaError if there is none and none comes with that text."""
        if place.is_new(self.names(controller)):
            return {}
        return self.versions(controller, place.id)

    def in_force(self, controller: str, name: str, now: datetime | None = None) -> str:
        """Return the id of the version of a notice or choice that callers hear now."""
        now = now or datetime.now(UTC)
        time_zone = zone(self.settings.controllers[controller].time_zone)
        versions = list(self.versions(controller, name).values())
        started = [version for version in versions if (begins(version.starts, time_zone) or now) <= now]
        return (started or versions[:1])[-1].version

    def languages(self, controller: str) -> list[str]:
        """Return the languages of a controller's lines. Raises InformativaError if it has none."""
        lines = [line for line in self.settings.lines.values() if line.controller == controller]
        with_duplicates: Iterable[str] = (
            language
            for line in lines
            for language in (line.language, *line.languages.values(), *line.fallback)
        )
        languages = list(dict.fromkeys(with_duplicates))
        if not languages:
            raise InformativaError(
                Text("{controller} has no line that says which languages.", controller=controller),
                Text("Give them: --languages it,en"),
            )
        return languages

    def key(self, controller: str, key: str = "") -> str:
        """Return the key that plays the full text: `key` if given, else that of the controller's lines.
        Raises InformativaError if it is no telephone key, or if the lines do not have one and the same."""
        if key:
            if not re.fullmatch(r"[0-9*#]", key):
                raise InformativaError(
                    Text("{given!r} is no key of a telephone.", given=key), Text("Give one: --key 1")
                )
            return key
        lines = self.settings.lines.values()
        keys = {line.keys.full for line in lines if line.controller == controller}
        if len(keys) != 1:
            raise InformativaError(
                Text("{controller} has no one key for the full text.", controller=controller),
                Text("Give the one to say: --key 1"),
            )
        return keys.pop()

    def lines_asking(self, controller: str, choice: str) -> list[str]:
        """Return the lines whose plan has a choice; all of the controller where none has it yet."""
        lines = {
            number: line for number, line in self.settings.lines.items() if line.controller == controller
        }
        asking = [
            number for number, line in lines.items() if any(step.choice == choice for step in line.plan)
        ]
        return asking or [*lines]

    def line_keys(self, controller: str) -> frozenset[str]:
        """Return the keys that do something during a notice on the controller's lines."""
        keys = (line.keys for line in self.settings.lines.values() if line.controller == controller)
        return frozenset(key for one in keys for key in (one.full, one.repeat, one.skip) if key)

    def heard_with_other_sound(self, controller: str, recordings: Sequence[Recording]) -> bool:
        """Return whether callers heard another sound in the place of one of these recordings. Raises
        LedgerError."""
        ledger = self.folder / self.settings.controllers[controller].ledger
        return bool(storage.served_otherwise(ledger, recordings))

    def paths(self) -> Iterator[tuple[str, PromptPath]]:
        """Yield every prompt that the configuration names, with its controller's name; '' for the fallback
        prompt."""
        for name, controller in self.settings.controllers.items():
            for notice, settings in controller.notices.items():
                for version in settings.versions:
                    for part, language, path in prompts_by_part(
                        version.short, version.short_nokey, version.full, version.supplements, {}
                    ):
                        base = self.folder / path
                        yield name, PromptPath(notice, version.version, part, language, base)
            for choice, choice_settings in controller.choices.items():
                for wording in choice_settings.versions:
                    for part, language, path in prompts_by_part(wording.short, {}, {}, {}, wording.withdraw):
                        base = self.folder / path
                        yield name, PromptPath(choice, wording.version, part, language, base)
        if self.settings.fallback_prompt:
            yield "", PromptPath("", "", "fallback", "", self.folder / self.settings.fallback_prompt)

    def snippet(
        self,
        controller: str,
        paths: Sequence[PromptPath],
        purposes: Sequence[str],
        new: PartPlace | None = None,
    ) -> Snippet:
        """Build the lines by which the configuration names these prompts, all of one version; `new` is the
        place of a notice or choice that the configuration lacks."""
        first = paths[0]
        exists = not new and first.version in self.versions(controller, first.notice)
        is_choice = bool(new.asks if new else self.choice(controller, first.notice))
        lines = []
        if not exists:
            lines = [f'          - version: "{first.version}"']
            if not is_choice:
                lines += [f"            purposes: [{', '.join(purposes)}]", "            material: false"]
        for part in dict.fromkeys(path.part for path in paths):
            name, base_version = (*part.split(":"), "")[:2]  # supplement:VERSION
            lines.append(f"            {'supplements' if base_version else name.replace('-', '_')}:")
            pairs = [(path.language, self.store.relative(path.base)) for path in paths if path.part == part]
            if base_version:
                lines += [
                    f'              "{base_version}": {{{", ".join(": ".join(pair) for pair in pairs)}}}'
                ]
            else:
                lines += [f"              {language}: {base}" for language, base in pairs]
        if new:
            return Snippet(
                f"controllers.{controller}.{new.section}", None, "\n".join([*new.heading(), *lines])
            )
        section = "choices" if is_choice else "notices"
        where = f"controllers.{controller}.{section}.{first.notice}.versions"
        return Snippet(where, first.version if exists else None, "\n".join(lines))


def playback(paths: Sequence[PromptPath]) -> Snippet:
    """Build the lines of the dialplan that play these prompts, one for each language."""
    lines = [f" same => n,Playback({path.base})  ; {path.language}" for path in paths]
    return Snippet(DIALPLAN, None, "\n".join(lines))


def proposed(versions: Container[str], now: datetime) -> str:
    """Return an id for the next version: the month, with a letter if a version has that id."""
    month = f"{now:%Y-%m}"
    return next_version(month, versions) if month in versions else month


def _hint(name: str, names: Iterable[str]) -> Text:
    """Return the sentence that suggests the closest of `names`, else one that lists them."""
    if close := closest(name, names):
        return Text("did you mean {name}?", name=close)
    return Text("there are: {known}.", known=", ".join(sorted(names)))
