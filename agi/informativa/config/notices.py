"""The notices of a configuration: their versions in order, each with its prompts and their lengths."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import PromptError
from ..model import Notice, Prompt, Version
from ..prompts.installed import measure
from ..text import Text
from .controllers import begins, zone
from .document import KeyPath
from .findings import Findings
from .messages import unknown

if TYPE_CHECKING:
    from .schema import ControllerSettings, NoticeSettings, VersionSettings

_EVER = datetime.min.replace(tzinfo=UTC)
LONGEST_SHORT = 30.0  # seconds; WP260 asks for layers, and callers hang up on long notices
Measured = dict[Path, Prompt | PromptError | None]
"""Prompts by their path, or what is wrong with them; `None` for those that do not answer."""


class Notices:
    """Builds them and notes what is wrong on the way. A prompt that stands in several places is read once:
    `measured` is for all."""

    def __init__(self, folder: Path, found: Findings, measured: Measured) -> None:
        self._folder, self._found, self._measured = folder, found, measured

    def of_company(self, name: str, given: ControllerSettings) -> dict[str, Notice]:
        """One company's, by name."""
        own = zone(given.time_zone)
        return {
            notice: self._notice(notice, its, own, ("controllers", name, "notices", notice, "versions"))
            for notice, its in given.notices.items()
        }

    def _notice(self, name: str, given: NoticeSettings, own: tzinfo, path: KeyPath) -> Notice:
        versions = tuple(
            self._version(version, own, (*path, index)) for index, version in enumerate(given.versions)
        )
        seen: list[Version] = []
        for index, version in enumerate(versions):
            earlier = [other.id for other in seen]
            if version.id in earlier:
                self._found.wrong(
                    (*path, index, "version"),
                    Text("{version} stands here twice", "give it a new name", version=version.id),
                )
            if seen and (seen[-1].starts or _EVER) > (version.starts or _EVER):
                self._found.wrong(
                    (*path, index, "starts"),
                    Text("is before {version} starts", "put the oldest first", version=seen[-1].id),
                )
            for known in version.supplements:
                if known not in earlier:
                    self._found.wrong(
                        (*path, index, "supplements", known),
                        unknown(Text("version before it"), known, earlier),
                    )
            seen.append(version)
        return Notice(name, versions)

    def _version(self, given: VersionSettings, own: tzinfo, path: KeyPath) -> Version:
        return Version(
            id=given.version,
            purposes=frozenset(given.purposes),
            material=given.material,
            short=self._short(given.short, (*path, "short")),
            short_nokey=self._short(given.short_nokey, (*path, "short_nokey")),
            full=self._prompts(given.full, (*path, "full")),
            starts=begins(given.starts, own),
            supplements={
                known: self._prompts(prompts, (*path, "supplements", known))
                for known, prompts in given.supplements.items()
            },
        )

    def _short(self, given: Mapping[str, str], path: KeyPath) -> dict[str, Prompt]:
        prompts = self._prompts(given, path)
        for language, prompt in prompts.items():
            if prompt.seconds > LONGEST_SHORT:
                message = Text(
                    "the short notice lasts {seconds:.0f} s",
                    "callers hang up on more than {longest:.0f} s: shorten it, and leave the rest to `full`",
                    seconds=prompt.seconds,
                    longest=LONGEST_SHORT,
                )
                self._found.warn((*path, language), message)
        return prompts

    def _prompts(self, given: Mapping[str, str], path: KeyPath) -> dict[str, Prompt]:
        return {
            language: prompt
            for language, file in given.items()
            if (prompt := self.prompt(file, (*path, language))) is not None
        }

    def prompt(self, name: str, path: KeyPath) -> Prompt | None:
        """The prompt in those files; `None`, with a problem noted, if it cannot be played."""
        file = self._folder / name
        if file not in self._measured:
            self._measured[file] = self._measure(file, path)
        elif self._measured[file] is None:
            self._found.note_stalled(file, path)
        measured = self._measured[file]
        if isinstance(measured, PromptError):
            self._found.wrong(path, measured.message, measured.remedy)
            return None
        return measured

    def _measure(self, file: Path, path: KeyPath) -> Prompt | PromptError | None:
        try:
            return self._found.look(file, path, partial(measure, file))
        except PromptError as error:
            return error
