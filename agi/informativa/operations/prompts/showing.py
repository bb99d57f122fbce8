"""Prompts for showing and playing: all of a configuration, or one by a part of its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Annotated

from pydantic import Field, PlainSerializer

from ...config.notices import LONGEST_SHORT
from ...model.errors import InformativaError, PromptError, problems
from ...model.text import Text, joined
from ...prompts import audio
from ...prompts.installed import measure
from ...prompts.store import PromptPath
from ...system.processes import run_command
from ..controllers import name_remedy
from ..document import Seconds, Sentence
from ..problems import Problem
from .configured import ConfiguredPrompts

Level = Annotated[
    float,
    PlainSerializer(lambda level: round(level, 1) if isfinite(level) else None, return_type=float | None),
]
"""A level in dB, in JSON to a tenth; null for silence."""


@dataclass(frozen=True)
class Prompt:
    """One prompt: a recording of one part of a version in one language."""

    controller: str | None
    """The name of the controller whose notice or choice it is."""
    notice: str | None
    """The name of the notice or choice."""
    version: str | None
    """The version of the notice or choice."""
    part: str | None
    """`short`, `short-nokey`, `full`, `supplement`; of a choice `short` or `withdraw`; or `fallback`,
    which is of neither."""
    after: str | None
    """The version that the callers of a supplement know already."""
    language: str | None
    """Its language."""
    path: Path
    """Its path without extension, as Asterisk knows it."""
    files: tuple[Path, ...]
    """The sound files that are there, one for each format."""
    seconds: Seconds | None
    """Its length; null if Asterisk would not play it."""
    level: Level | None
    """The level of its speech, in dB below full scale (dBov)."""
    problem: Problem | None
    """The reason why Asterisk would not play it."""
    warnings: tuple[Sentence, ...]
    """Properties about which callers might complain."""
    peak: Annotated[float | None, Field(exclude=True)] = None
    """The peak of its WAV file, in dBov, for people; `None` where there is none."""

    @property
    def wav(self) -> Path:
        """The path of its WAV file, which need not be there."""
        return self.path.with_name(f"{self.path.name}.wav")


@dataclass(frozen=True)
class Prompts:
    """Prompts that a configuration names, or the one that was asked for."""

    prompts: tuple[Prompt, ...]


def configured_prompts(config: Path) -> Prompts:
    """Return the prompts that the configuration names, each once. Raises ConfigError."""
    prompts = ConfiguredPrompts(config)
    return Prompts(tuple(read_prompt(controller, path) for controller, path in _by_base(prompts).values()))


def find_prompt(config: Path, name: str) -> Prompt:
    """Return the prompt whose path ends with `name`; among several the one of the version in force. Raises
    InformativaError if there is none, or if several are left."""
    prompts = ConfiguredPrompts(config)
    configured = _by_base(prompts)
    end = Path(name).with_suffix("") if Path(name).suffix == ".wav" else Path(name)
    matches = [base for base in configured if base.parts[-len(end.parts) :] == end.parts]
    bases = _preferred(matches, end, prompts)
    if not bases and end.absolute().with_name(f"{end.name}.wav").exists():
        bases = [end.absolute()]
    if len(bases) != 1:
        message = (
            Text("{name} may be one of several prompts.", name=name)
            if bases
            else Text("There is no prompt {name}.", name=name)
        )
        names = [prompts.store.relative(base) for base in bases or configured]
        raise InformativaError(message, name_remedy("" if bases else name, names))
    controller, path = configured.get(bases[0], ("", PromptPath("", "", "", "", bases[0])))
    return read_prompt(controller, path)


def play(prompt: Prompt) -> bool:
    """Play a prompt on this machine; return whether it was played."""
    return prompt.wav.exists() and run_command(("aplay", "-q", str(prompt.wav)), None).code == 0


def read_prompt(controller: str, path: PromptPath, warnings: tuple[Text, ...] = ()) -> Prompt:
    """Return a prompt of a controller, '' for none, by its files."""
    part, _colon, base_version = path.part.partition(":")  # supplement:VERSION
    seconds, sound, problem = None, None, None
    try:
        seconds = measure(path.base).seconds
        wav = path.file("wav")
        sound = audio.read_wav(wav) if wav.exists() else None
    except PromptError as error:
        (cause,) = problems(error)
        seconds, problem = None, Problem.of(cause, PromptError.code)
    return Prompt(
        controller=controller or None,
        notice=path.notice or None,
        version=path.version or None,
        part=part or None,
        after=base_version or None,
        language=path.language or None,
        path=path.base,
        files=tuple(path.files()),
        seconds=seconds,
        level=sound.level if sound else None,
        problem=problem,
        warnings=warnings,
        peak=sound.peak if sound else None,
    )


def warnings(path: PromptPath, wav: bytes) -> Iterator[Text]:
    """Yield the points that an admin should think about before callers hear this prompt."""
    sound = audio.from_pcm(wav[44:], audio.NARROW)
    if path.part != "full" and sound.seconds > LONGEST_SHORT:
        yield Text(
            "{name} in {language} lasts {seconds:.0f} s; callers hang up on more than"
            " {longest:.0f} s: shorten the text, and leave the rest to the full one",
            name=path.base.name,
            language=path.language,
            seconds=sound.seconds,
            longest=LONGEST_SHORT,
        )
    yield from (joined(" ", str(path.file("wav")), fault) for fault in audio.level_faults(sound))


def _by_base(prompts: ConfiguredPrompts) -> Mapping[Path, tuple[str, PromptPath]]:
    """Return the prompts that the configuration names, by path without extension, each with a controller's
    name; the last one, if several name it."""
    return {path.base: (controller, path) for controller, path in prompts.paths()}


def _preferred(bases: list[Path], name: Path, prompts: ConfiguredPrompts) -> list[Path]:
    """Choose among prompts whose paths end alike: the one with this full name, else those that callers hear
    now, else all."""
    if len(bases) < 2:
        return bases
    exact = [base for base in bases if prompts.store.relative(base) == str(name)]
    heard = {
        path.base
        for controller, path in prompts.paths()
        if controller and path.version == prompts.in_force(controller, path.notice)
    }
    return exact or [base for base in bases if base in heard] or bases
