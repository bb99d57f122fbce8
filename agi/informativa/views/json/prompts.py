"""Prompts that are there, were made or were installed."""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite

from ... import errors
from ...operations.problems import Problem
from ...operations.prompts import configured, installing, making, showing
from .shapes import Document, Seconds, Shape


class Prompt(Shape):
    """One prompt: a recording of one part of a version in one language."""

    controller: str | None
    """Whose notice it is."""
    notice: str | None
    """Which notice."""
    version: str | None
    """Which of its versions."""
    part: str | None
    """`short`, `short-nokey`, `full`, `supplement`, or `fallback`, which is of no notice."""
    after: str | None
    """The version that those know whom a supplement is for."""
    language: str | None
    """Its language."""
    path: str
    """Where it is, without extension, as Asterisk knows it."""
    files: list[str]
    """The sound files that are there, one for each format."""
    seconds: Seconds | None
    """How long it is; nothing if Asterisk would not play it."""
    level: float | None
    """The level of its speech, in dB below full scale (dBov)."""
    problem: Problem | None
    """Why Asterisk would not play it."""
    warnings: list[str]
    """What callers might complain about."""

    @classmethod
    def of(cls, found: showing.PromptFound) -> Prompt:
        """As it is there."""
        part, _colon, after = found.path.part.partition(":")
        return cls(
            controller=found.controller or None,
            notice=found.path.notice or None,
            version=found.path.version or None,
            part=part or None,
            after=after or None,
            language=found.path.language or None,
            path=str(found.path.base),
            files=[str(file) for file in found.files],
            seconds=found.seconds,
            level=round(found.sound.level, 1) if found.sound and isfinite(found.sound.level) else None,
            problem=Problem.of(found.problem, errors.PromptError.code) if found.problem else None,
            warnings=[str(warning) for warning in found.warnings],
        )


class Prompts(Document):
    """Prompts that a configuration names, or the one that was asked for."""

    prompts: list[Prompt]

    @classmethod
    def of(cls, found: Iterable[showing.PromptFound]) -> Prompts:
        """As they are there."""
        return cls(prompts=[Prompt.of(one) for one in found])


class Snippet(Shape):
    """What to write into the configuration."""

    where: str
    """The key path of the list that it belongs into."""
    version: str | None
    """The version in that list to add it to; nothing if it makes a new one at the end."""
    yaml: str
    """The lines themselves, with their indentation."""

    @classmethod
    def of(cls, snippet: configured.Snippet) -> Snippet:
        """As it was made."""
        return cls(where=snippet.where, version=snippet.version or None, yaml=snippet.yaml)


class PromptsMade(Document):
    """Prompts that were put in their places, and are not played before the configuration names them."""

    prompts: list[Prompt]
    configuration: Snippet
    warnings: list[str]
    """What is doubtful in the recording."""

    @classmethod
    def of(cls, made: making.PromptsMade) -> PromptsMade:
        """As they were made."""
        return cls(
            prompts=[Prompt.of(one) for one in made.prompts],
            configuration=Snippet.of(made.snippet),
            warnings=[str(doubt) for doubt in made.doubts],
        )


class PromptsInstalled(Document):
    """What was done to have prompts in Asterisk's formats."""

    done: bool
    """Whether it was done, or only would be."""
    prompts: int
    """How many prompts there are."""
    files: list[str]
    """The files that were made or copied."""
    deleted: list[str]
    """Those of another version that were deleted."""
    not_made: list[str]
    """The formats that cannot be made on this machine."""
    warnings: list[str]
    """What else is not as it should be, and why a format cannot be made."""

    @classmethod
    def of(cls, done: installing.Installed) -> PromptsInstalled:
        """As it was done."""
        return cls(
            done=done.done,
            prompts=done.prompts,
            files=[str(file) for file in done.files],
            deleted=[str(step.file) for step in done.steps if step.action is installing.Action.DELETE],
            not_made=list(done.not_made),
            warnings=[str(warning) for warning in done.warnings],
        )
