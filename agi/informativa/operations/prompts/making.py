"""Making prompts: spoken by a machine from texts, or taken from a person's recording."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from importlib import resources
from pathlib import Path

from ... import shipped
from ...errors import InformativaError, PromptError
from ...prompts import audio, texts
from ...prompts.pronunciation import SPELLINGS, key
from ...prompts.store import PromptPath, write
from ...text import Text, joined
from ..controllers import known
from .configured import ConfiguredPrompts, Snippet
from .showing import PromptFound, found, warnings


class Part(StrEnum):
    """Which text of a version."""

    SHORT = "short"
    SHORT_NOKEY = "short-nokey"
    FULL = "full"
    SUPPLEMENT = "supplement"


class SpokenPart(StrEnum):
    """The parts for which there are texts."""

    SHORT = "short"
    SHORT_NOKEY = "short-nokey"
    FULL = "full"


@dataclass(frozen=True)
class Wanted:
    """Of what prompts are to be made: of the only controller and of a version that is proposed, where they
    are not named. With `force` what no caller has heard is replaced."""

    controller: str | None = None
    notice: str = "privacy"
    version: str | None = None
    force: bool = False


@dataclass(frozen=True)
class Speech:
    """What is to be said, and in which languages; what is not given, the configuration says. `texts` is a
    folder in place of those shipped, `parts` are those that are spoken."""

    site: str = ""
    spoken_name: str = ""
    languages: Sequence[str] = ()
    purposes: Sequence[str] = ()
    key: str = ""
    texts: Path | None = None
    parts: Sequence[SpokenPart] = tuple(SpokenPart)


@dataclass(frozen=True)
class PromptsMade:
    """What was put in place, what to write into the configuration, and what is doubtful in the recording."""

    prompts: tuple[PromptFound, ...]
    snippet: Snippet
    doubts: tuple[Text, ...] = ()


def copy_texts(folder: Path) -> list[str]:
    """Copy the texts that `build` speaks into a new folder, to be changed there; their languages. Raises
    InformativaError."""
    if folder.exists():
        raise InformativaError(Text("{file} is there already.", file=folder), Text("Name a new folder."))
    with resources.as_file(shipped.folder("texts")) as source:
        write({folder / file.relative_to(source): file.read_bytes() for file in source.rglob("*.*")})
    return sorted(SPELLINGS)


def build(config: Path, wanted: Wanted, speech: Speech) -> PromptsMade:
    """Speak the parts of the notice in each language, and put them in place. Raises InformativaError."""
    prompts = ConfiguredPrompts(config)
    name, owner = prompts.controller(wanted.controller)
    newest = prompts.newest(name, wanted.notice)
    version = _version(prompts, name, wanted)
    languages = speech.languages or prompts.languages(name)
    purposes = speech.purposes or prompts.versions(name, wanted.notice).get(version, newest).purposes
    digit = prompts.key(name, speech.key)
    values = {"company": speech.spoken_name or owner.name, "site": speech.site}
    spoken: dict[PromptPath, str] = {}
    made: dict[PromptPath, dict[str, bytes]] = {}
    for language in languages:
        for part in speech.parts:
            if language in SPELLINGS:
                values["key"] = key(digit, language)
            lines = texts.lines(speech.texts or shipped.folder("texts"), language, part, values, purposes)
            path = prompts.store.path(name, wanted.notice, version, part, language)
            spoken[path] = "\n".join(lines) + "\n"
            made[path] = (not wanted.force and _kept(path, spoken[path])) or _spoken(lines, language, part)
    _put(prompts, name, made, force=wanted.force)
    write({path.file("txt"): text for path, text in spoken.items()})
    return _made(prompts, name, made, purposes)


def add(
    config: Path,
    wanted: Wanted,
    file: Path,
    language: str,
    part: Part = Part.SHORT,
    after: str = "",
    doubt: Callable[[Text], None] = lambda _text: None,
) -> PromptsMade:
    """Take a person's recording: check it, bring it to the telephone's form, put it in its place. `after` is
    the version that those know whom a supplement is for. What is doubtful goes to `doubt` as soon as it is
    known. Raises InformativaError."""
    prompts = ConfiguredPrompts(config)
    name = prompts.controller(wanted.controller)[0]
    newest = prompts.newest(name, wanted.notice)
    version = _version(prompts, name, wanted)
    _require(prompts.versions(name, wanted.notice), language, part, after)
    sound = audio.read(file)
    doubts = tuple(joined(": ", str(file), one) for one in audio.doubts(sound))
    for one in doubts:
        doubt(one)
    path = prompts.store.path(name, wanted.notice, version, f"{part}:{after}" if after else part, language)
    made = {path: audio.prompt(sound)}
    _put(prompts, name, made, force=wanted.force)
    return _made(prompts, name, made, newest.purposes, doubts)


def _put(
    prompts: ConfiguredPrompts, name: str, made: dict[PromptPath, dict[str, bytes]], *, force: bool
) -> None:
    versions = prompts.versions(name, next(iter(made)).notice)
    prompts.store.put(made, partial(prompts.heard_otherwise, name), versions, force=force)


def _made(
    prompts: ConfiguredPrompts,
    name: str,
    made: dict[PromptPath, dict[str, bytes]],
    purposes: Sequence[str],
    doubts: tuple[Text, ...] = (),
) -> PromptsMade:
    there = (found(prompts, name, path, tuple(warnings(path, files["wav"]))) for path, files in made.items())
    return PromptsMade(tuple(there), prompts.snippet(name, list(made), purposes), doubts)


def _version(prompts: ConfiguredPrompts, controller: str, wanted: Wanted) -> str:
    """That which was named, or is proposed. Raises InformativaError."""
    given = wanted.version
    if given is not None and not re.fullmatch(r"(?!\.)[A-Za-z0-9._-]{1,32}", given):
        raise InformativaError(
            Text("{given!r} is no version.", given=given),
            Text("Give letters, digits, . _ and -: --version 2027-01"),
        )
    return given or prompts.proposed(controller, wanted.notice, datetime.now(UTC))


def _require(versions: Mapping[str, object], language: str, part: Part, after: str) -> None:
    """Raises InformativaError for what a version cannot have."""
    if not re.fullmatch(r"[a-z]{2}(_[A-Z]{2})?", language):
        raise InformativaError(
            Text("{language!r} is no language.", language=language), Text("Give two letters: --language it")
        )
    if (part is Part.SUPPLEMENT) != bool(after):
        raise InformativaError(
            Text("A supplement is for those who know a version."), "--part supplement --after 2026-11"
        )
    if after and after not in versions:
        raise InformativaError(Text("There is no version {name}.", name=after), known(after, versions))


def _kept(path: PromptPath, text: str) -> dict[str, bytes]:
    """What is there of the same text: the engine may speak it a little differently each time."""
    wav, before = path.file("wav"), path.file("txt")
    same = wav.exists() and before.exists() and before.read_text(encoding="utf-8") == text
    return {"wav": wav.read_bytes()} if same else {}


def _spoken(lines: list[str], language: str, part: SpokenPart) -> dict[str, bytes]:
    from ...prompts.speech_engine import speak

    try:
        return audio.prompt(speak(lines, language))
    except PromptError as error:
        raise PromptError(joined(": ", f"{language}/{part}", error.text)) from error
