"""Prompts that are configured, made or installed, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...model.text import Text, command
from ...operations.prompts.configured import DIALPLAN, Snippet
from ...operations.prompts.installing import InstallAction, InstallStep, PromptsInstalled
from ...operations.prompts.making import PromptsMade
from ...operations.prompts.showing import Prompt
from ...prompts.store import PromptStore
from ..messages import Language

MATERIAL = Text("""\
material: leave it false for another wording or another voice: who knows the notice is not told again.
Say true when what changed matters to callers (who gets the data, for how long): all who know an older
version hear this one once. A purpose that a caller was not told makes the notice due by itself.""")

_STEPS = {
    InstallAction.MAKE: (Text("making {file}"), Text("would make {file}")),
    InstallAction.COPY: (Text("copying {source} to {file}"), Text("would copy {source} to {file}")),
    InstallAction.DELETE: (
        Text("deleting {file}, of another version"),
        Text("would delete {file}, of another version"),
    ),
}


def summary(prompt: Prompt, config: Path, say: Language) -> str:
    """Return a line with the length and the level of a prompt, or with its problem; then its path is as the
    file `config` writes it."""
    if prompt.problem:
        name = PromptStore(config.absolute().parent).relative(prompt.path)
        return f"{name}  {say(prompt.problem.text)}"
    if prompt.level is None:
        return f"{prompt.path}  {say.number(prompt.seconds or 0.0, '.1f')} s"
    return say(
        "{file}  {seconds:.1f} s, speech at {level:.0f} dBov, peak {peak:.0f}",
        file=prompt.wav,
        seconds=prompt.seconds,
        level=prompt.level,
        peak=prompt.peak,
    )


def how_to_hear(prompt: Prompt, say: Language) -> Iterator[str]:
    """Yield how to hear a prompt if this machine plays no sound."""
    yield say("No sound came out here (`aplay` is in alsa-utils). Hear it on a telephone, such as 100:")
    play = f"channel originate PJSIP/100 application Playback {prompt.path}"
    yield command("asterisk", "-rx", play)


def texts_copied(folder: object, languages: list[str], say: Language) -> Iterator[str]:
    """Yield the message of the folder, and the next step."""
    yield say(
        "Wrote {folder} with texts in {languages}. Next: edit them, then type:",
        folder=folder,
        languages=", ".join(languages),
    )
    yield f"{command('informativa', 'prompts', 'build', '--texts', folder)} …"


def prompts_made(result: PromptsMade, say: Language) -> Iterator[str]:
    """Yield the steps after prompts were made: to hear them, and to configure them."""
    if result.configuration.where == DIALPLAN:
        yield "\n" + say(
            "Next: hear it (informativa prompts play {prompt}), then have the dialplan play it after the"
            " answer, which INFORMATIVA_CHOICES has; no setting names it",
            prompt=result.prompts[0].path,
        )
        yield result.configuration.yaml
        return
    yield "\n" + say(
        "Next: hear it (informativa prompts play {prompt}), then write into the configuration",
        prompt=result.prompts[0].path,
    )
    yield snippet(result.configuration, say)
    yield say(MATERIAL)


def snippet(lines: Snippet, say: Language) -> str:
    """Return the part of the configuration to write, and its place."""
    if lines.version:
        where = say("# in {where}, at version {version}:", where=lines.where, version=lines.version)
    else:
        where = say("# at the end of {where}:", where=lines.where)
    return f"{where}\n{lines.yaml}"


def step(file_step: InstallStep, say: Language, *, dry_run: bool) -> str:
    """Return the message of what is done to a file, or would be."""
    return say(_STEPS[file_step.action][dry_run].format(file=file_step.file, source=file_step.source))


def prompts_installed(result: PromptsInstalled, say: Language) -> str:
    """Return the numbers of prompts and of files."""
    files = len(result.files)
    prompts = say.counted("{count} prompt", "{count} prompts", result.prompts)
    return f"{prompts}, {say.counted('{count} file made', '{count} files made', files)}."
