"""Taking of a person's recording of a notice or choice: checked, converted, put in its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...model.choices import KINDS
from ...model.errors import InformativaError, PromptError
from ...model.text import Foreign, Text, joined
from ...prompts import audio, formats
from ...prompts.store import PromptPath, write
from . import making
from .configured import ConfiguredPrompts, WordingSettings
from .making import PromptsMade, PromptTarget, Speech
from .parts import PartPlace, PromptPart, recorded_place
from .recorded_words import RecordedWords
from .spoken_values import GivenValues

LARGEST_TEXT = 1 << 16  # bytes


@dataclass(frozen=True)
class Take:
    """A person's recording, and what it should say."""

    file: Path
    language: str
    part: PromptPart = PromptPart.SHORT
    after: str = ""
    """The version that the callers of a supplement know already."""
    text: Path | None = None
    """A file with the words that were read, one sentence a line; `None` for those of `prompts build`."""
    values: GivenValues = field(default_factory=GivenValues)
    """Values of that text's placeholders in place of the configuration's."""
    recogniser: Path | None = None
    """The folder of a Whisper model that hears whether all of it is said; `None` to compare lengths alone."""


def add(
    config: Path,
    target: PromptTarget,
    take: Take,
    doubt: Callable[[Text], None] = lambda _text: None,
) -> PromptsMade:
    """Take a recording. `doubt` gets each doubtful property of it before anything is written. Raises
    InformativaError."""
    prompts = ConfiguredPrompts(config)
    name, owner = prompts.controller(target.controller)
    notice = target.notice or "privacy"
    versions = prompts.versions(name, notice)
    version = making.version_id(versions, target)
    _require_language(take.language)
    place = _place(prompts, name, notice, take)
    _require_base(versions, take)
    text = _read_text(take.text)
    sound = formats.read(take.file)
    path = prompts.store.path(name, notice, version, place.part, take.language)
    purposes = making.purposes_of(versions, version, owner)
    words = RecordedWords(prompts, name, place, take.language, purposes, text or _text_beside(path))
    speech = Speech(values=take.values, after=take.after)
    causes = [*audio.recording_warnings(sound), *words.doubts(sound, speech, take.recogniser)]
    doubts = tuple(joined(": ", str(take.file), cause) for cause in causes)
    for cause in doubts:
        doubt(cause)
    contents = {path: audio.prompt(sound)}
    making.put(prompts, name, contents, versions, force=target.force)
    if text:
        write({path.file("txt"): text})
    return making.result_of(prompts, name, contents, purposes, doubts)


def _place(prompts: ConfiguredPrompts, controller: str, name: str, take: Take) -> PartPlace:
    """Return the place of a recording. Raises InformativaError for a part that its notice or choice cannot
    have."""
    choice = prompts.choice(controller, name)
    parts = {*PromptPart} - {PromptPart.WITHDRAW}
    if choice:
        parts = {PromptPart.SHORT, *([PromptPart.WITHDRAW] if KINDS[choice.asks].personal else [])}
    if take.part not in parts:
        raise InformativaError(
            Text("{name} has no text {part}.", name=name, part=take.part),
            Text(
                "Name one that it has: --part {known}",
                known=", --part ".join(part for part in PromptPart if part in parts),
            ),
        )
    return recorded_place(name, take.part, take.after, choice.asks if choice else "")


def _require_base(versions: Mapping[str, WordingSettings], take: Take) -> None:
    making.require_base(versions, take.after, is_supplement=take.part is PromptPart.SUPPLEMENT)


def _require_language(language: str) -> None:
    if not re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", language):
        raise InformativaError(
            Text("{language!r} is no language.", language=language), Text("Give two letters: --language it")
        )


def _read_text(file: Path | None) -> str:
    """Return the words that were read; '' without a file. Raises PromptError."""
    if file is None:
        return ""
    try:
        with file.open("rb") as stream:
            text = stream.read(LARGEST_TEXT).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = Foreign(getattr(error, "strerror", None) or "") or Text("it is not UTF-8")
        message = Text("{file} cannot be read ({why}).", file=file, why=reason)
        raise PromptError(message, Text("Name a text file with the words that were read.")) from None
    if not text.strip():
        raise PromptError(Text("{name} is empty.", name=file), Text("Write one sentence a line."))
    return text


def _text_beside(path: PromptPath) -> str:
    """Return the words that were spoken in the place before; '' if nobody wrote them down."""
    file = path.file("txt")
    return file.read_text(encoding="utf-8", errors="replace") if file.is_file() else ""
