"""Prompts for showing and playing: all of a configuration, or one by a part of its path."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...config.notices import LONGEST_SHORT
from ...errors import InformativaError, Problem, PromptError, problems
from ...prompts import audio
from ...prompts.installed import measure
from ...prompts.store import PromptPath
from ...text import Text, joined
from ..controllers import known
from .configured import ConfiguredPrompts


@dataclass(frozen=True)
class Measured:
    """Measurements of the sound of a WAV file."""

    seconds: float
    level: float
    """The level of its speech, in dBov."""
    peak: float
    """The peak, in dBov."""


@dataclass(frozen=True)
class PromptFound:
    """One prompt and the state of its files."""

    controller: str
    path: PromptPath
    name: str
    """Its path as the configuration writes it."""
    files: tuple[Path, ...]
    seconds: float | None = None
    """Its length; `None` if Asterisk would not play it."""
    sound: Measured | None = None
    """The sound of its WAV file, if it has one."""
    problem: Problem | None = None
    """The reason why Asterisk would not play it."""
    warnings: tuple[Text, ...] = ()
    """The points to think about before callers hear it."""


def listed(config: Path) -> tuple[PromptFound, ...]:
    """Return the prompts that the configuration names, each once. Raises ConfigError."""
    prompts = ConfiguredPrompts(config)
    return tuple(found(prompts, controller, path) for controller, path in _by_base(prompts).values())


def chosen(config: Path, name: str) -> PromptFound:
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
        raise InformativaError(message, known("" if bases else name, names))
    controller, path = configured.get(bases[0], ("", PromptPath("", "", "", "", bases[0])))
    return found(prompts, controller, path)


def play(prompt: PromptFound) -> bool:
    """Play a prompt on this machine; return whether it was played."""
    program, file = shutil.which("play"), prompt.path.file("wav")
    if program is None or not file.exists():
        return False
    return subprocess.run([program, "-q", file], capture_output=True, check=False).returncode == 0  # noqa: S603


def found(
    prompts: ConfiguredPrompts, controller: str, path: PromptPath, warnings: tuple[Text, ...] = ()
) -> PromptFound:
    """Read the files of a prompt."""
    name = prompts.store.relative(path.base)
    files = tuple(path.files())
    try:
        seconds = measure(path.base).seconds
        wav = path.file("wav")
        sound = measured(audio.read_wav(wav)) if wav.exists() else None
    except PromptError as error:
        (problem,) = problems(error)
        return PromptFound(controller, path, name, files, problem=problem, warnings=warnings)
    return PromptFound(controller, path, name, files, seconds, sound, warnings=warnings)


def measured(sound: audio.Sound) -> Measured:
    """Return the measurements of a sound."""
    return Measured(sound.seconds, sound.level, sound.peak)


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
    yield from (joined(" ", str(path.file("wav")), fault) for fault in audio.stands_out(sound))


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
