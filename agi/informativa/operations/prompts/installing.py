"""Laying the prompts out in the formats that Asterisk's channels speak."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from ...errors import InformativaError, PromptError
from ...prompts.formats import FORMATS
from ...prompts.installed import measure
from ...prompts.store import PromptPath, write
from ...text import Text, clause
from ..controllers import known
from .configured import ConfiguredPrompts


class Action(Enum):
    """What is done to a file."""

    MAKE = "make"
    COPY = "copy"
    DELETE = "delete"


@dataclass(frozen=True)
class Step:
    """One thing that is about to be done, or would be; `source` is what is copied."""

    action: Action
    file: Path
    source: Path | None = None


@dataclass(frozen=True)
class Installed:
    """What was done for how many prompts, or would be; `not_made` are formats that cannot be made here."""

    done: bool
    prompts: int
    steps: tuple[Step, ...]
    not_made: tuple[str, ...] = ()
    warnings: tuple[Text, ...] = ()

    @property
    def files(self) -> list[Path]:
        """Those that were made and copied."""
        return [step.file for step in self.steps if step.action is not Action.DELETE]

    @property
    def failure(self) -> PromptError | None:
        """That some formats could not be made, if so."""
        if not self.not_made:
            return None
        return PromptError(
            Text("Not made: {formats}.", formats=", ".join(self.not_made)),
            Text("Asterisk translates in every call that wants one of these."),
        )


def install(
    config: Path,
    formats: Collection[str] = (),
    sounds: Path | None = None,
    *,
    dry_run: bool = False,
    step: Callable[[Step], None] = lambda _step: None,
    warn: Callable[[Text], None] = lambda _text: None,
) -> Installed:
    """Make what is missing of these formats (of all, if none is named) beside each prompt, and copy the
    versions in force to `sounds` if given. Each step goes to `step` before it is done, each warning to
    `warn`. Raises InformativaError."""
    if unknown := [one for one in formats if one not in FORMATS]:
        message = Text("There is no format {format}.", format=unknown[0])
        raise InformativaError(message, known(unknown[0], FORMATS))
    prompts = ConfiguredPrompts(config)
    if sounds is not None and not sounds.is_dir():
        raise PromptError(
            Text("There is no folder {folder}.", folder=sounds),
            Text("Name Asterisk's own: --sounds /var/lib/asterisk/sounds"),
        )
    work = _Work(prompts, dry_run, step, warn)
    bases: dict[Path, tuple[str, PromptPath]] = {}
    for controller, path in prompts.paths():
        bases.setdefault(path.base, (controller, path))
    for controller, path in bases.values():
        work.make([one for one in FORMATS if not formats or one in formats], controller, path)
    if sounds is not None:
        work.copy(sounds)
    return Installed(
        not dry_run, len(bases), tuple(work.steps), tuple(dict.fromkeys(work.cannot)), tuple(work.warnings)
    )


class _Work:
    """One run: what was done, and what cannot be."""

    def __init__(
        self,
        prompts: ConfiguredPrompts,
        dry_run: bool,
        step: Callable[[Step], None],
        warn: Callable[[Text], None],
    ) -> None:
        self._prompts, self._dry_run, self._tell_step, self._tell = prompts, dry_run, step, warn
        self.steps: list[Step] = []
        self.cannot: list[str] = []
        self.warnings: list[Text] = []

    def make(self, formats: list[str], controller: str, path: PromptPath) -> None:
        """What is missing of one prompt."""
        if not path.file("wav").exists():
            self._warn(Text("{file} is not there, so nothing is made of it", file=path.file("wav")))
            return
        for extension in formats:
            file = path.file(extension)
            if file.exists() or extension in self.cannot:
                continue
            try:
                self._do(Step(Action.MAKE, file), partial(_make, self._prompts, controller, path, extension))
            except PromptError as error:
                self.cannot.append(extension)
                self._warn(error.text)

    def copy(self, sounds: Path) -> None:
        """The version in force of each notice, to be played in the channel's language as
        `Playback(informativa/acme/privacy-short)`."""
        for path, there in _copies(self._prompts, sounds):
            for stale in {*there.files()} - {there.file(file.suffix[1:]) for file in path.files()}:
                self._do(Step(Action.DELETE, stale), stale.unlink)
            for file in path.files():
                target = there.file(file.suffix[1:])
                if not target.exists() or target.read_bytes() != file.read_bytes():
                    self._do(Step(Action.COPY, target, file), partial(write, {target: file.read_bytes()}))

    def _do(self, step: Step, act: Callable[[], None]) -> None:
        self._tell_step(step)
        if not self._dry_run:
            act()
        self.steps.append(step)

    def _warn(self, text: Text) -> None:
        self.warnings.append(text)
        self._tell(text)


def _make(prompts: ConfiguredPrompts, controller: str, path: PromptPath, extension: str) -> None:
    """One format of one prompt, measured before it is put in its place."""
    wide = path.file("sln16")
    source = wide if extension == "g722" and wide.exists() else path.file("wav")
    with tempfile.TemporaryDirectory() as private:
        made = Path(private) / f"made.{extension}"
        FORMATS[extension](source, made)
        shutil.copy(path.file("wav"), made.with_suffix(".wav"))
        try:
            measure(made.with_suffix(""))
        except PromptError as error:
            raise PromptError(
                Text("{file} came out wrong: {error}.", file=path.file(extension), error=clause(error.text))
            ) from None
        content = made.read_bytes()
    recording = path.recording(path.file(extension), hashlib.sha256(content).hexdigest())
    if controller and prompts.heard_otherwise(controller, [recording]):
        raise PromptError(
            Text(
                "{file} would differ from the one that version {version} was served with.",
                file=recording.file,
                version=path.version,
            ),
            Text("Put that one back."),
        )
    write({path.file(extension): content})


def _copies(prompts: ConfiguredPrompts, sounds: Path) -> Iterator[tuple[PromptPath, PromptPath]]:
    """What callers hear now, and where each is to be copied."""
    for controller, path in prompts.paths():
        if path.part in ("short", "short-nokey", "full") and path.version == prompts.in_force(
            controller, path.notice
        ):
            base = sounds / path.language / "informativa" / controller / f"{path.notice}-{path.part}"
            yield path, PromptPath(path.notice, path.version, path.part, path.language, base)
