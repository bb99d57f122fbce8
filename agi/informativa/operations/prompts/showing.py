"""Which prompts there are, how they sound, and the one that somebody means."""

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
    """The sound of a WAV file: its length, the level of its speech, and its peak in dBov."""

    seconds: float
    level: float
    peak: float


@dataclass(frozen=True)
class PromptFound:
    """One prompt as it is. `seconds` is its length, `None` where Asterisk would not play it, and `problem`
    why; `sound` is that of its WAV file, if it has one. `name` is its path as the configuration writes it."""

    controller: str
    path: PromptPath
    name: str
    files: tuple[Path, ...]
    seconds: float | None = None
    sound: Measured | None = None
    problem: Problem | None = None
    warnings: tuple[Text, ...] = ()


def listed(config: Path) -> tuple[PromptFound, ...]:
    """Those that the configuration names, each once. Raises ConfigError."""
    prompts = ConfiguredPrompts(config)
    return tuple(found(prompts, controller, path) for controller, path in _by_base(prompts).values())


def chosen(config: Path, name: str) -> PromptFound:
    """The prompt of which `name` is the end of its path; of several, that of the version in force. Raises
    InformativaError if it may be one of several, or there is none."""
    prompts = ConfiguredPrompts(config)
    there = _by_base(prompts)
    wanted = Path(name).with_suffix("") if Path(name).suffix == ".wav" else Path(name)
    ending = [base for base in there if base.parts[-len(wanted.parts) :] == wanted.parts]
    bases = _meant(ending, wanted, prompts)
    if not bases and wanted.absolute().with_name(f"{wanted.name}.wav").exists():
        bases = [wanted.absolute()]
    if len(bases) != 1:
        message = (
            Text("{name} may be one of several prompts.", name=name)
            if bases
            else Text("There is no prompt {name}.", name=name)
        )
        names = [prompts.store.relative(base) for base in bases or there]
        raise InformativaError(message, known("" if bases else name, names))
    controller, path = there.get(bases[0], ("", PromptPath("", "", "", "", bases[0])))
    return found(prompts, controller, path)


def play(prompt: PromptFound) -> bool:
    """Let it be heard on this machine; whether it was."""
    program, file = shutil.which("play"), prompt.path.file("wav")
    if program is None or not file.exists():
        return False
    return subprocess.run([program, "-q", file], capture_output=True, check=False).returncode == 0  # noqa: S603


def found(
    prompts: ConfiguredPrompts, controller: str, path: PromptPath, warnings: tuple[Text, ...] = ()
) -> PromptFound:
    """What stands there."""
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
    """Its length, level and peak."""
    return Measured(sound.seconds, sound.level, sound.peak)


def warnings(path: PromptPath, wav: bytes) -> Iterator[Text]:
    """What an admin should think about before callers hear this."""
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
    """Those that the configuration names, and whose each is that several name."""
    return {path.base: (controller, path) for controller, path in prompts.paths()}


def _meant(bases: list[Path], wanted: Path, prompts: ConfiguredPrompts) -> list[Path]:
    """Of prompts whose paths end alike: the one that was named in full, or those that callers hear now."""
    if len(bases) < 2:
        return bases
    named = [base for base in bases if prompts.store.relative(base) == str(wanted)]
    heard = {
        path.base
        for controller, path in prompts.paths()
        if controller and path.version == prompts.in_force(controller, path.notice)
    }
    return named or [base for base in bases if base in heard] or bases
