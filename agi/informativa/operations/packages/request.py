"""The request to add a notice of today, and its result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from ...config import DEFAULT_FILE
from ...model.text import command
from ..document import AbsolutePath, Sentence
from ..prompts.parts import SpokenPart
from ..prompts.spoken_values import GivenValues


class PromptSource(StrEnum):
    """The source of a prompt's sound."""

    THERE = "there"
    SHIPPED = "shipped"
    SPOKEN = "spoken"


@dataclass(frozen=True)
class AddedPrompt:
    """A prompt of an added notice."""

    path: AbsolutePath
    """Its files, without extension."""
    text: str
    """The text that it speaks."""
    language: str
    source: PromptSource
    """`there` where files exist, `shipped` for a recording of the program, `spoken` by the speech engine."""


@dataclass(frozen=True)
class CitedLaw:
    """A sentence of the law, and its source."""

    sentence: Sentence
    source: str


@dataclass(frozen=True)
class AddedNotice:
    """A notice of today that was added, or would be."""

    file: AbsolutePath
    """The configuration."""
    notice: str
    """The name under which `notices add` knows it."""
    controller: str
    lines: tuple[str, ...]
    """The called numbers in whose plans it is."""
    complete: bool
    """True if all of it is in the configuration, so that nothing had to change."""
    written: bool
    """True if the configuration was written."""
    backup: AbsolutePath | None
    """The configuration as it was before; null where it was not written."""
    difference: tuple[str, ...]
    """The lines that change, as `diff -u` has them."""
    prompts: tuple[AddedPrompt, ...]
    dialplan: tuple[str, ...]
    """Lines to paste after the call of informativa."""
    law: tuple[CitedLaw, ...]
    missing: tuple[Sentence, ...]
    """Reasons why it cannot be written as yet."""
    to_do: tuple[Sentence, ...]
    """Matters that no program can know."""
    next: str
    """The command to type next."""


@dataclass(frozen=True)
class NoticeRequest:
    """The notice to add, and where."""

    notice: str
    """The id of a package."""
    controller: str | None = None
    """`None` for the only one."""
    lines: Sequence[str] = ()
    """Empty for all lines of the controller."""
    values: GivenValues = field(default_factory=GivenValues)
    text: SpokenPart | None = None
    """Another text of the package than the usual one."""
    texts: Path | None = None
    """A folder of texts in place of those shipped."""


def typed_command(file: Path, request: NoticeRequest, blanks: Sequence[str] = ()) -> str:
    """Return the command that adds a notice; `blanks` are the values to fill in."""
    given = [f"{name}={value}" for name, value in request.values.options.items()]
    typed = command(
        *("informativa", "notices", "add", request.notice, "--controller", request.controller),
        *(word for number in request.lines for word in ("--line", number)),
        *(("--text", request.text) if request.text else ()),
        *(("--texts", request.texts) if request.texts else ()),
        *(word for value in given for word in ("--set", value)),
    )
    where = "" if file == DEFAULT_FILE else command("-c", file)
    return " ".join(filter(None, [typed, *(f"--set {name}=…" for name in blanks), "--yes", where]))
