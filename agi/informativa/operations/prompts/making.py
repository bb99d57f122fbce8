"""Making of prompts: a speech engine speaks texts, or a person's recording is taken."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from importlib import resources
from pathlib import Path

from ...model.errors import InformativaError, PromptError
from ...model.text import Text, joined
from ...prompts import audio, texts
from ...prompts.pronunciation import SPELLINGS, key
from ...prompts.store import PromptPath, write
from ...system import shipped
from ..controllers import name_remedy
from ..document import Sentence
from .configured import ConfiguredPrompts, Snippet
from .showing import Prompt, read_prompt, warnings


class PromptPart(StrEnum):
    """The part of a version that a prompt speaks."""

    SHORT = "short"
    SHORT_NOKEY = "short-nokey"
    FULL = "full"
    SUPPLEMENT = "supplement"


class SpokenPart(StrEnum):
    """The parts for which texts are shipped."""

    SHORT = "short"
    SHORT_NOKEY = "short-nokey"
    FULL = "full"


@dataclass(frozen=True)
class PromptTarget:
    """The controller, notice and version whose prompts are made."""

    controller: str | None = None
    """`None` for the only controller."""
    notice: str = "privacy"
    version: str | None = None
    """`None` for a proposed one."""
    force: bool = False
    """`True` to replace prompts that no caller has heard."""


@dataclass(frozen=True)
class Speech:
    """The content of spoken prompts. Values that are not given come from the configuration."""

    site: str = ""
    """The website with the written notice, for example acme.it."""
    spoken_name: str = ""
    """The company's name as it is spoken."""
    languages: Sequence[str] = ()
    purposes: Sequence[str] = ()
    key: str = ""
    """The key that plays the full text."""
    texts: Path | None = None
    """A folder of texts in place of those shipped."""
    parts: Sequence[SpokenPart] = tuple(SpokenPart)
    """The parts that are spoken."""


@dataclass(frozen=True)
class PromptsMade:
    """Prompts that were put in their places, and are not played before the configuration names them."""

    prompts: tuple[Prompt, ...]
    configuration: Snippet
    warnings: tuple[Sentence, ...]
    """Doubtful properties of the recording."""


def copy_texts(folder: Path) -> list[str]:
    """Copy the texts that `build` speaks into a new folder, where they can be changed; return their
    languages. Raises InformativaError."""
    if folder.exists():
        raise InformativaError(Text("{file} is there already.", file=folder), Text("Name a new folder."))
    with resources.as_file(shipped.folder("texts")) as source:
        write({folder / file.relative_to(source): file.read_bytes() for file in source.rglob("*.*")})
    return sorted(SPELLINGS)


def build(config: Path, target: PromptTarget, speech: Speech) -> PromptsMade:
    """Speak the parts of the notice in each language, and put them in place. Raises InformativaError."""
    prompts = ConfiguredPrompts(config)
    name, owner = prompts.controller(target.controller)
    newest = prompts.newest(name, target.notice)
    version = _version(prompts, name, target)
    languages = speech.languages or prompts.languages(name)
    purposes = speech.purposes or prompts.versions(name, target.notice).get(version, newest).purposes
    digit = prompts.key(name, speech.key)
    values = {"company": speech.spoken_name or owner.name, "site": speech.site}
    words: dict[PromptPath, str] = {}
    contents: dict[PromptPath, dict[str, bytes]] = {}
    for language in languages:
        for part in speech.parts:
            if language in SPELLINGS:
                values["key"] = key(digit, language)
            lines = texts.lines(speech.texts or shipped.folder("texts"), language, part, values, purposes)
            path = prompts.store.path(name, target.notice, version, part, language)
            words[path] = "\n".join(lines) + "\n"
            existing = {} if target.force else _existing(path, words[path])
            contents[path] = existing or _speak(lines, language, part)
    _put(prompts, name, contents, force=target.force)
    write({path.file("txt"): text for path, text in words.items()})
    return _result(prompts, name, contents, purposes)


def add(
    config: Path,
    target: PromptTarget,
    file: Path,
    language: str,
    part: PromptPart = PromptPart.SHORT,
    after: str = "",
    doubt: Callable[[Text], None] = lambda _text: None,
) -> PromptsMade:
    """Take a person's recording: check it, convert it for the telephone, and put it in its place.

    `after` is the version that the callers of a supplement know already. `doubt` gets each doubtful property
    of the recording before anything is written. Raises InformativaError.
    """
    prompts = ConfiguredPrompts(config)
    name = prompts.controller(target.controller)[0]
    newest = prompts.newest(name, target.notice)
    version = _version(prompts, name, target)
    _require(prompts.versions(name, target.notice), language, part, after)
    sound = audio.read(file)
    doubts = tuple(joined(": ", str(file), text) for text in audio.recording_warnings(sound))
    for text in doubts:
        doubt(text)
    path = prompts.store.path(name, target.notice, version, f"{part}:{after}" if after else part, language)
    contents = {path: audio.prompt(sound)}
    _put(prompts, name, contents, force=target.force)
    return _result(prompts, name, contents, newest.purposes, doubts)


def _put(
    prompts: ConfiguredPrompts, name: str, contents: dict[PromptPath, dict[str, bytes]], *, force: bool
) -> None:
    versions = prompts.versions(name, next(iter(contents)).notice)
    prompts.store.put(contents, partial(prompts.heard_with_other_sound, name), versions, force=force)


def _result(
    prompts: ConfiguredPrompts,
    name: str,
    contents: dict[PromptPath, dict[str, bytes]],
    purposes: Sequence[str],
    doubts: tuple[Text, ...] = (),
) -> PromptsMade:
    return PromptsMade(
        tuple(
            read_prompt(name, path, tuple(warnings(path, files["wav"]))) for path, files in contents.items()
        ),
        prompts.snippet(name, list(contents), purposes),
        doubts,
    )


def _version(prompts: ConfiguredPrompts, controller: str, target: PromptTarget) -> str:
    """Return the version of `target`, else a proposed one. Raises InformativaError if it is no valid id."""
    version = target.version
    if version is not None and not re.fullmatch(r"(?!\.)[A-Za-z0-9._-]{1,32}", version):
        raise InformativaError(
            Text("{given!r} is no version.", given=version),
            Text("Give letters, digits, . _ and -: --version 2027-01"),
        )
    return version or prompts.proposed(controller, target.notice, datetime.now(UTC))


def _require(versions: Mapping[str, object], language: str, part: PromptPart, after: str) -> None:
    """Raise InformativaError if a version cannot have such a prompt."""
    if not re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", language):
        raise InformativaError(
            Text("{language!r} is no language.", language=language), Text("Give two letters: --language it")
        )
    if (part is PromptPart.SUPPLEMENT) != bool(after):
        raise InformativaError(
            Text("A supplement is for those who know a version."), "--part supplement --after 2026-11"
        )
    if after and after not in versions:
        raise InformativaError(Text("There is no version {name}.", name=after), name_remedy(after, versions))


def _existing(path: PromptPath, text: str) -> dict[str, bytes]:
    """Return the existing sound by format, if it speaks the same text; else nothing.

    It is not made anew, because the engine may speak a little differently each time.
    """
    wav, text_file = path.file("wav"), path.file("txt")
    same = wav.exists() and text_file.exists() and text_file.read_text(encoding="utf-8") == text
    return {"wav": wav.read_bytes()} if same else {}


def _speak(lines: list[str], language: str, part: SpokenPart) -> dict[str, bytes]:
    from ...prompts.speech_engine import speak

    try:
        return audio.prompt(speak(lines, language))
    except PromptError as error:
        raise PromptError(joined(": ", f"{language}/{part}", error.text)) from error
