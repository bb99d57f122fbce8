"""Prompts that there are, that were made, or are laid out, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from ...operations.prompts.configured import Snippet
from ...operations.prompts.installing import Action, Installed, Step
from ...operations.prompts.making import PromptsMade
from ...operations.prompts.showing import PromptFound
from ...text import Text, command
from ..messages import Language

MATERIAL = Text("""\
material: leave it false for another wording or another voice: who knows the notice is not told again.
Say true when what changed matters to callers (who gets the data, for how long): all who know an older
version hear this one once. A purpose that a caller was not told makes the notice due by itself.""")

_STEPS = {
    Action.MAKE: (Text("making {file}"), Text("would make {file}")),
    Action.COPY: (Text("copying {source} to {file}"), Text("would copy {source} to {file}")),
    Action.DELETE: (
        Text("deleting {file}, of another version"),
        Text("would delete {file}, of another version"),
    ),
}


def described(prompt: PromptFound, say: Language) -> str:
    """One on a line, with its length and level."""
    if prompt.problem:
        return f"{prompt.name}  {say(prompt.problem.text)}"
    if prompt.sound is None:
        return f"{prompt.path.base}  {prompt.seconds:.1f} s"
    return say(
        "{file}  {seconds:.1f} s, speech at {level:.0f} dBov, peak {peak:.0f}",
        file=prompt.path.file("wav"),
        seconds=prompt.sound.seconds,
        level=prompt.sound.level,
        peak=prompt.sound.peak,
    )


def unheard(prompt: PromptFound, say: Language) -> Iterator[str]:
    """How to hear it where this machine makes no sound."""
    yield say("No sound came out here (`play` is in the package sox). Hear it on a telephone, such as 100:")
    play = f"channel originate PJSIP/100 application Playback {prompt.path.base}"
    yield command("asterisk", "-rx", play)


def texts_copied(folder: object, languages: list[str], say: Language) -> Iterator[str]:
    """Where the texts are, and what to do with them."""
    yield say(
        "Wrote {folder} with texts in {languages}. Next: edit them, then type:",
        folder=folder,
        languages=", ".join(languages),
    )
    yield f"{command('informativa', 'prompts', 'build', '--texts', folder)} …"


def made(done: PromptsMade, say: Language) -> Iterator[str]:
    """What to do after that: hear it, and write it into the configuration."""
    yield "\n" + say(
        "Next: hear it (informativa prompts play {prompt}), then write into the configuration",
        prompt=done.prompts[0].path.base,
    )
    yield snippet(done.snippet, say)
    yield say(MATERIAL)


def snippet(part: Snippet, say: Language) -> str:
    """What to write into the configuration, and where."""
    if part.version:
        where = say("# in {where}, at version {version}:", where=part.where, version=part.version)
    else:
        where = say("# at the end of {where}:", where=part.where)
    return f"{where}\n{part.yaml}"


def step(one: Step, say: Language, *, dry_run: bool) -> str:
    """What is done to a file, or would be."""
    return say(_STEPS[one.action][dry_run].format(file=one.file, source=one.source))


def installed(done: Installed, say: Language) -> str:
    """How much was done."""
    files = len(done.files)
    prompts = say.counted("{count} prompt", "{count} prompts", done.prompts, count=done.prompts)
    return f"{prompts}, {say.counted('{count} file made', '{count} files made', files, count=files)}."
