"""Notices of one company: every version of each, with its words and recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..config import Configuration
from ..model import Controller, Line, Notice, Prompt, Version
from ..prompts.installed import hashed_before
from .controller_state import lines_of
from .evidence.receipt_page import PLAYABLE, words_of


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

    @property
    def known(self) -> str:
        """Return the version that a supplement builds on; '' for other parts."""
        return self.part.partition(":")[2]

    @property
    def playable(self) -> Path | None:
        """Return the file that a browser can play; `None` where there is none."""
        by_form = {file.suffix[1:]: file for file in self.files}
        return next((by_form[form] for form in PLAYABLE if form in by_form), None)


@dataclass(frozen=True)
class NoticeVersion:
    """A version and its recordings."""

    version: Version
    in_force: bool
    """True if callers hear this version now."""
    until: datetime | None
    """The time at which the next dated version comes into force; `None` where no later one has a date."""
    prompts: tuple[NoticePrompt, ...]


@dataclass(frozen=True)
class CompanyNotice:
    """A notice with its versions, the newest first."""

    notice: Notice
    versions: tuple[NoticeVersion, ...]
    lines: tuple[Line, ...]
    """The lines whose plan has it."""


def notices_of_company(
    configuration: Configuration, controller: Controller, now: datetime
) -> tuple[CompanyNotice, ...]:
    """Return all notices of one company as they are at `now`."""
    lines = lines_of(controller, configuration)
    return tuple(
        CompanyNotice(
            notice,
            tuple(reversed([_version(version, notice, now) for version in notice.versions])),
            tuple(line for line in lines if any(step.notice.id == notice.id for step in line.plan)),
        )
        for notice in configuration.notices[controller.id]
    )


def recording(
    configuration: Configuration, controller: Controller, notice: str, version: str, part: str, language: str
) -> Path | None:
    """Return the file of one recording that a browser can play; `None` where there is none, or no such
    recording."""
    for candidate in configuration.notices[controller.id]:
        for candidate_version in candidate.versions:
            for prompt in (
                _prompts(candidate_version)
                if (candidate.id, candidate_version.id) == (notice, version)
                else ()
            ):
                if (prompt.part, prompt.language) == (part, language):
                    return prompt.playable
    return None


def _version(version: Version, notice: Notice, now: datetime) -> NoticeVersion:
    later_versions = notice.versions[notice.versions.index(version) + 1 :]
    end = min((other.starts for other in later_versions if other.starts is not None), default=None)
    return NoticeVersion(version, notice.current(now) is version, end, tuple(_prompts(version)))


def _prompts(version: Version) -> Iterator[NoticePrompt]:
    for part, language, prompt in version.prompts():
        try:
            files = hashed_before(prompt.path)
        except OSError:  # shown as gone
            files = {}
        by_form = {file.suffix[1:]: sha256 for file, sha256 in files.items()}
        yield NoticePrompt(part, language, prompt, files, words_of(prompt.path, by_form))
