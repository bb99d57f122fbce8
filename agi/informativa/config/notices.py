"""The notices of a configuration: their versions in order, each with its prompts and their lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..model import Notice, Prompt, Version
from ..model.errors import PromptError
from ..model.text import Text
from ..prompts.installed import measure
from .controllers import begins, zone
from .document import KeyPath
from .findings import Findings
from .messages import unknown

if TYPE_CHECKING:
    from .schema import ChoiceSettings, ControllerSettings, NoticeSettings, VersionSettings

_EVER = datetime.min.replace(tzinfo=UTC)
LONGEST_SHORT = 30.0  # seconds; WP260 asks for layers, and callers hang up on long notices
Measured = dict[Path, Prompt | PromptError | None]
"""Prompts by their path, or the error of a prompt; `None` for those that do not answer."""


class Notices:
    """A builder of notices, which notes problems on the way. A prompt that is named several times is read
    once: `measured` is for all."""

    def __init__(self, folder: Path, findings: Findings, measured: Measured) -> None:
        self._folder, self._findings, self._measured = folder, findings, measured

    def of_company(self, name: str, section: ControllerSettings) -> dict[str, Notice]:
        """Return one company's notices, by name."""
        controller_zone = zone(section.time_zone)
        return {
            notice: self._notice(
                notice, notice_section, controller_zone, ("controllers", name, "notices", notice, "versions")
            )
            for notice, notice_section in section.notices.items()
        }

    def of_choice(self, name: str, section: ChoiceSettings, time_zone: str, path: KeyPath) -> Notice:
        """Return the wording of a choice."""
        controller_zone = zone(time_zone)
        versions = tuple(
            Version(
                id=version.version,
                purposes=frozenset(filter(None, [section.purpose])),
                material=version.material,
                short=self._prompts(version.short, (*path, index, "short")),
                full={},
                starts=begins(version.starts, controller_zone),
                withdraw=self._prompts(version.withdraw, (*path, index, "withdraw")),
            )
            for index, version in enumerate(section.versions)
        )
        self._require_order(versions, path)
        return Notice(name, versions)

    def _notice(self, name: str, section: NoticeSettings, controller_zone: tzinfo, path: KeyPath) -> Notice:
        versions = tuple(
            self._version(version, controller_zone, (*path, index))
            for index, version in enumerate(section.versions)
        )
        self._require_order(versions, path)
        return Notice(name, versions)

    def _require_order(self, versions: Sequence[Version], path: KeyPath) -> None:
        """Note problems of versions that have the same name, are in the wrong order, or add to one that is
        not before them."""
        previous: list[Version] = []
        for index, version in enumerate(versions):
            earlier = [other.id for other in previous]
            if version.id in earlier:
                self._findings.add_problem(
                    (*path, index, "version"),
                    Text("{version} stands here twice", "give it a new name", version=version.id),
                )
            if previous and (previous[-1].starts or _EVER) > (version.starts or _EVER):
                self._findings.add_problem(
                    (*path, index, "starts"),
                    Text("is before {version} starts", "put the oldest first", version=previous[-1].id),
                )
            for supplemented in version.supplements:
                if supplemented not in earlier:
                    self._findings.add_problem(
                        (*path, index, "supplements", supplemented),
                        unknown(Text("version before it"), supplemented, earlier),
                    )
            previous.append(version)

    def _version(self, section: VersionSettings, controller_zone: tzinfo, path: KeyPath) -> Version:
        return Version(
            id=section.version,
            purposes=frozenset(section.purposes),
            material=section.material,
            short=self._short(section.short, (*path, "short")),
            short_nokey=self._short(section.short_nokey, (*path, "short_nokey")),
            full=self._prompts(section.full, (*path, "full")),
            starts=begins(section.starts, controller_zone),
            supplements={
                earlier: self._prompts(prompts, (*path, "supplements", earlier))
                for earlier, prompts in section.supplements.items()
            },
        )

    def _short(self, files: Mapping[str, str], path: KeyPath) -> dict[str, Prompt]:
        prompts = self._prompts(files, path)
        for language, prompt in prompts.items():
            if prompt.seconds > LONGEST_SHORT:
                message = Text(
                    "the short notice lasts {seconds:.0f} s",
                    "callers hang up on more than {longest:.0f} s: shorten it, and leave the rest to `full`",
                    seconds=prompt.seconds,
                    longest=LONGEST_SHORT,
                )
                self._findings.add_warning((*path, language), message)
        return prompts

    def _prompts(self, files: Mapping[str, str], path: KeyPath) -> dict[str, Prompt]:
        return {
            language: prompt
            for language, file in files.items()
            if (prompt := self.prompt(file, (*path, language))) is not None
        }

    def prompt(self, name: str, path: KeyPath) -> Prompt | None:
        """Return the prompt in those files; `None`, with a problem noted, if it cannot be played."""
        file = self._folder / name
        if file not in self._measured:
            self._measured[file] = self._measure(file, path)
        elif self._measured[file] is None:
            self._findings.note_stalled(file, path)
        measured = self._measured[file]
        if isinstance(measured, PromptError):
            self._findings.add_problem(path, measured.message, measured.remedy)
            return None
        return measured

    def _measure(self, file: Path, path: KeyPath) -> Prompt | PromptError | None:
        try:
            return self._findings.look(file, path, partial(measure, file))
        except PromptError as error:
            return error
