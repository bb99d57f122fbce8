"""Notices of one company: every version of each, with its words and recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..config import Configuration
from ..model import Controller, Line, Notice, Prompt, Version
from ..prompts.formats import playable_file
from ..prompts.installed import hashed_before
from .controller_state import lines_of
from .evidence.played_sound import words_of


@dataclass(frozen=True)
class NoticePrompt:
    """One recording of a version, with the files that are there now."""

    part: str
    """The part of the version: short, short-nokey, full or supplement:VERSION."""
    language: str
    prompt: Prompt
    files: Mapping[Path, str]
    """Each sound file with its SHA-256; empty where no file is there."""
    text: str
    """The words; '' where no file with them is there."""
    playable: Path | None
    """The file that a browser can play, as it is or as a WAV file of it; `None` where there is none."""


@dataclass(frozen=True)
class NoticeVersion:
    """A version, and when callers hear it."""

    version: Version
    in_force: bool
    """True if callers hear this version now."""
    until: datetime | None
    """The time at which the next dated version comes into force; `None` where no later one has a date."""


@dataclass(frozen=True)
class CompanyNotice:
    """A notice with its versions, the newest first."""

    notice: Notice
    versions: tuple[NoticeVersion, ...]
    lines: tuple[Line, ...]
    """The lines whose plan has it."""

    def version(self, version_id: str) -> NoticeVersion | None:
        """Return the version of that id, or `None`."""
        return next((version for version in self.versions if version.version.id == version_id), None)

    def earlier(self, version: NoticeVersion) -> NoticeVersion | None:
        """Return the version before one, or `None`."""
        return next(iter(self.versions[self.versions.index(version) + 1 :]), None)


def notices_of_company(
    configuration: Configuration, controller: Controller, now: datetime
) -> tuple[CompanyNotice, ...]:
    """Return all notices of one company as they are at `now`. No sound file is read."""
    lines = lines_of(controller, configuration)
    return tuple(
        CompanyNotice(
            notice,
            tuple(reversed([_version(version, notice, now) for version in notice.versions])),
            tuple(line for line in lines if any(step.notice.id == notice.id for step in line.plan)),
        )
        for notice in configuration.notices[controller.id]
    )


def prompts_of(version: Version) -> tuple[NoticePrompt, ...]:
    """Return all recordings of a version."""
    return tuple(_prompt(*prompt) for prompt in version.prompts())


def prompt_of(version: Version, part: str, language: str) -> NoticePrompt | None:
    """Return one recording of a version; `None` where it has none for that part and language."""
    prompts = (prompt for prompt in version.prompts() if prompt[:2] == (part, language))
    return next((_prompt(*prompt) for prompt in prompts), None)


def _version(version: Version, notice: Notice, now: datetime) -> NoticeVersion:
    later_versions = notice.versions[notice.versions.index(version) + 1 :]
    end = min((other.starts for other in later_versions if other.starts is not None), default=None)
    return NoticeVersion(version, notice.current(now) is version, end)


def _prompt(part: str, language: str, prompt: Prompt) -> NoticePrompt:
    try:
        files = hashed_before(prompt.path)
        playable = playable_file(files)
    except OSError:  # shown as gone
        files, playable = {}, None
    by_form = {file.suffix[1:]: sha256 for file, sha256 in files.items()}
    return NoticePrompt(part, language, prompt, files, words_of(prompt.path, by_form), playable)
