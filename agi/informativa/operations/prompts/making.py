"""Making of prompts: a speech engine speaks texts."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib import resources
from pathlib import Path

from ...config.schema import ChoiceSettings, ControllerSettings, VersionSettings
from ...model.errors import InformativaError, PromptError
from ...model.text import Text, joined
from ...prompts import audio, texts
from ...prompts.pronunciation import SPELLINGS, key
from ...prompts.store import PromptPath, write
from ...prompts.texts import PURPOSE_PLACEHOLDERS, MissingValue, Template
from ...system import shipped
from ..controllers import name_remedy
from ..document import Sentence
from . import spoken_values
from .configured import ConfiguredPrompts, Snippet, WordingSettings, playback, proposed
from .parts import CAUTIONS, WHOLE_NOTICE, PartPlace, SpokenPart, place_of
from .showing import Prompt, read_prompt, warnings
from .spoken_values import GivenValues


@dataclass(frozen=True)
class PromptTarget:
    """The controller, notice (or choice) and version whose prompts are made."""

    controller: str | None = None
    """`None` for the only controller."""
    notice: str = ""
    """'' for the one to which the text belongs."""
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
    parts: Sequence[SpokenPart] = WHOLE_NOTICE
    """The parts that are spoken, all of one notice."""
    after: str = ""
    """The version that the callers of a supplement know already."""
    values: GivenValues = field(default_factory=GivenValues)
    """Values of placeholders in place of the configuration's."""
    lines: Sequence[str] = ()
    """The lines whose callers hear it, if it is not those of the configuration."""


@dataclass(frozen=True)
class PromptsMade:
    """Prompts that were put in their places, and are not played before the configuration names them."""

    prompts: tuple[Prompt, ...]
    configuration: Snippet
    warnings: tuple[Sentence, ...]
    """Doubtful properties of the recording, and cautions about the text."""


@dataclass(frozen=True)
class TextValues:
    """The values of texts, from options and from the configuration."""

    owner: ControllerSettings
    speech: Speech
    purposes: Sequence[str]
    """The purposes of the version."""
    known: Sequence[str]
    """The purposes that the hearers of a supplement know."""
    key: str = ""
    """The key that plays the full text; '' if no text names it."""
    choice: ChoiceSettings | None = None
    """The choice that the texts are of."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """The options of that choice by the placeholders of their keys."""
    asking: Sequence[str] = ()
    """The lines that ask it."""

    def of(self, language: str, template: Template) -> dict[str, str]:
        """Return the values for one text. Raises InformativaError."""
        values = {"site": self.speech.site, "company": self.speech.spoken_name or self.owner.name}
        if self.key:
            values["key"] = key(self.key, language)
        if template.placeholders & PURPOSE_PLACEHOLDERS:
            phrases = texts.phrases(self.speech.texts or shipped.folder("texts"), language)
            service = self.owner.service_purposes
            spoken = spoken_values.Purposes(phrases, self.purposes, self.known, service)
            values |= spoken.values(template.placeholders)
        pressed = spoken_values.of_choice(self.choice, self.keys, language) if self.choice else {}
        return values | spoken_values.values(self.owner, self.speech.values, language, pressed, self.asking)


def copy_texts(folder: Path) -> list[str]:
    """Copy the texts that `build` speaks into a new folder, where they can be changed; return their
    languages. Raises InformativaError."""
    if folder.exists():
        raise InformativaError(Text("{file} is there already.", file=folder), Text("Name a new folder."))
    with resources.as_file(shipped.folder("texts")) as source:
        write({folder / file.relative_to(source): file.read_bytes() for file in source.rglob("*.*")})
    return sorted(SPELLINGS)


@dataclass(frozen=True)
class _Preparation:
    """Texts to speak once no value is missing: each with its language, part, template and values."""

    prompts: ConfiguredPrompts
    controller: str
    place: PartPlace
    versions: Container[str]
    version: str
    purposes: Sequence[str]
    texts: Sequence[tuple[str, SpokenPart, Template, Mapping[str, str]]]

    @property
    def missing(self) -> list[MissingValue]:
        """The placeholders without a value."""
        return [value for _, _, template, values in self.texts for value in template.missing(values)]


def missing(config: Path, target: PromptTarget, speech: Speech) -> list[MissingValue]:
    """Return the placeholders without a value, for which `build` would raise an error. Raises
    InformativaError for any other mistake."""
    return _prepared(config, target, speech).missing


def build(config: Path, target: PromptTarget, speech: Speech) -> PromptsMade:
    """Speak the parts of the notice in each language, and put them in place. Raises InformativaError."""
    prepared = _prepared(config, target, speech)
    prompts, name, place = prepared.prompts, prepared.controller, prepared.place
    spoken_values.refuse_missing(prepared.missing, name)
    words: dict[PromptPath, str] = {}
    contents: dict[PromptPath, dict[str, bytes]] = {}
    for language, part, template, values in prepared.texts:
        lines = template.fill(values)
        own_part = place_of(part, target.notice, speech.after).part
        path = prompts.store.path(name, place.id, prepared.version, own_part, language)
        words[path] = "\n".join(lines) + "\n"
        existing = {} if target.force else _existing(path, words[path])
        contents[path] = existing or _speak(lines, language, part)
    put(prompts, name, contents, prepared.versions, force=target.force)
    write({path.file("txt"): text for path, text in words.items()})
    is_new = place.is_new(prompts.names(name))
    new = place.with_digits(speech.values.options) if is_new else None
    cautions = tuple(CAUTIONS[part] for part in speech.parts if part in CAUTIONS)
    if place.by_dialplan:
        return result_of(prompts, name, contents, prepared.purposes, cautions, to_play=True)
    return result_of(prompts, name, contents, prepared.purposes, cautions, new)


def _prepared(config: Path, target: PromptTarget, speech: Speech) -> _Preparation:
    prompts = ConfiguredPrompts(config)
    name, owner = prompts.controller(target.controller)
    place = place_of(speech.parts[0], target.notice, speech.after)
    versions = prompts.versions_so_far(name, place)
    version = version_id(versions, target)
    require_base(versions, speech.after, is_supplement=SpokenPart.SUPPLEMENT in speech.parts)
    purposes = speech.purposes or purposes_of(versions, version, owner)
    known = purposes_of(versions, speech.after, owner) if speech.after else purposes
    templates = _templates(speech, speech.languages or prompts.languages(name))
    speech.values.require_use([template for _, _, template in templates])
    needs_key = any("key" in template.placeholders for _, _, template in templates)
    full = prompts.key(name, speech.key) if needs_key or speech.key else ""
    choice = prompts.choice(name, place.id)
    asking = speech.lines or prompts.lines_asking(name, place.id)
    values = TextValues(owner, speech, purposes, known, full, choice, place.keys, asking)
    texts_made = [
        (language, part, template, values.of(language, template)) for language, part, template in templates
    ]
    for _, _, template, _ in texts_made:
        speech.values.require_free_keys(template, prompts.line_keys(name))
    return _Preparation(prompts, name, place, versions, version, purposes, texts_made)


def _templates(speech: Speech, languages: Sequence[str]) -> list[tuple[str, SpokenPart, Template]]:
    """Return the texts that are to be spoken, each with its language and part. Raises PromptError."""
    folder = speech.texts or shipped.folder("texts")
    return [
        (language, part, texts.template(folder, language, part, speech.values.names))
        for language in languages
        for part in speech.parts
    ]


def purposes_of(
    versions: Mapping[str, WordingSettings], version: str, owner: ControllerSettings
) -> Sequence[str]:
    """Return the purposes of a version, of the newest one before it is written, or of the service alone,
    which are those of a choice, too."""
    wording = versions.get(version) or next(iter([*versions.values()][-1:]), None)
    return wording.purposes if isinstance(wording, VersionSettings) else owner.service_purposes


def put(
    prompts: ConfiguredPrompts,
    name: str,
    contents: dict[PromptPath, dict[str, bytes]],
    versions: Container[str],
    *,
    force: bool,
) -> None:
    """Put prompts in their places, all or none. Raises PromptError."""
    prompts.store.put(contents, partial(prompts.heard_with_other_sound, name), versions, force=force)


def result_of(
    prompts: ConfiguredPrompts,
    name: str,
    contents: dict[PromptPath, dict[str, bytes]],
    purposes: Sequence[str],
    doubts: tuple[Text, ...] = (),
    new: PartPlace | None = None,
    *,
    to_play: bool = False,
) -> PromptsMade:
    """Return the result for prompts that were put in their places; `to_play` are those that the dialplan
    plays."""
    lines = playback(list(contents)) if to_play else prompts.snippet(name, list(contents), purposes, new)
    return PromptsMade(
        tuple(
            read_prompt(name, path, tuple(warnings(path, files["wav"]))) for path, files in contents.items()
        ),
        lines,
        doubts,
    )


def version_id(versions: Container[str], target: PromptTarget) -> str:
    """Return the version of `target`, else a proposed one. Raises InformativaError if it is no valid id."""
    version = target.version
    if version is not None and not re.fullmatch(r"(?!\.)[A-Za-z0-9._-]{1,32}", version):
        raise InformativaError(
            Text("{given!r} is no version.", given=version),
            Text("Give letters, digits, . _ and -: --version 2027-01"),
        )
    return version or proposed(versions, datetime.now(UTC))


def require_base(versions: Mapping[str, object], after: str, *, is_supplement: bool) -> None:
    """Raise InformativaError if a supplement is for hearers of no version, or anything else is."""
    if is_supplement != bool(after):
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
