"""What one company tells its callers: every version of each notice, with its words and recordings."""

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
class ToldPrompt:
    """One recording of a version as it lies there now: which part it is (short, short-nokey, full,
    supplement:VERSION), and in which language. `files` is each sound file with its SHA-256, none where none
    is there any more; `text` its words, '' where nobody kept them."""

    part: str
    language: str
    prompt: Prompt
    files: Mapping[Path, str]
    text: str

    @property
    def known(self) -> str:
        """Of a supplement, the version that is known to whoever hears it."""
        return self.part.partition(":")[2]

    @property
    def playable(self) -> Path | None:
        """The file that a browser plays, if there is one."""
        by_form = {file.suffix[1:]: file for file in self.files}
        return next((by_form[form] for form in PLAYABLE if form in by_form), None)


@dataclass(frozen=True)
class ToldVersion:
    """A version and its recordings. `until` is when the next one with a day comes into force, `None` where
    none has one; `in_force` is whether it is the one that callers hear now."""

    version: Version
    in_force: bool
    until: datetime | None
    prompts: tuple[ToldPrompt, ...]


@dataclass(frozen=True)
class ToldNotice:
    """A notice, its versions the newest first, and the lines of which it is in the plan."""

    notice: Notice
    versions: tuple[ToldVersion, ...]
    lines: tuple[Line, ...]


def told(configuration: Configuration, controller: Controller, now: datetime) -> tuple[ToldNotice, ...]:
    """All notices of one company as they stand `now`."""
    lines = lines_of(controller, configuration)
    return tuple(
        ToldNotice(
            notice,
            tuple(reversed([_version(each, notice, now) for each in notice.versions])),
            tuple(line for line in lines if any(step.notice.id == notice.id for step in line.plan)),
        )
        for notice in configuration.notices[controller.id]
    )


def recording(
    configuration: Configuration, controller: Controller, notice: str, version: str, part: str, language: str
) -> Path | None:
    """The sound of one recording that a browser plays; `None` where there is none, or no such recording."""
    for each in configuration.notices[controller.id]:
        for one in each.versions:
            for found in _prompts(one) if (each.id, one.id) == (notice, version) else ():
                if (found.part, found.language) == (part, language):
                    return found.playable
    return None


def _version(version: Version, notice: Notice, now: datetime) -> ToldVersion:
    later = notice.versions[notice.versions.index(version) + 1 :]
    until = min((each.starts for each in later if each.starts is not None), default=None)
    return ToldVersion(version, notice.current(now) is version, until, tuple(_prompts(version)))


def _prompts(version: Version) -> Iterator[ToldPrompt]:
    for part, language, prompt in version.prompts():
        try:
            files = hashed_before(prompt.path)
        except OSError:  # shown as gone
            files = {}
        by_form = {file.suffix[1:]: sha256 for file, sha256 in files.items()}
        yield ToldPrompt(part, language, prompt, files, words_of(prompt.path, by_form))
