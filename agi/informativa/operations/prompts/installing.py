"""Installation of prompts in the formats of Asterisk's channels."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import partial
from pathlib import Path

from ...model.errors import InformativaError, PromptError
from ...model.text import Text, clause
from ...prompts.audio import read_wav
from ...prompts.formats import FORMATS, encode
from ...prompts.installed import measure
from ...prompts.store import PromptPath, write
from ..controllers import name_remedy
from ..document import Sentence
from .configured import ConfiguredPrompts


class InstallAction(Enum):
    """An action on a file."""

    MAKE = "make"
    COPY = "copy"
    DELETE = "delete"


@dataclass(frozen=True)
class InstallStep:
    """One step of an installation; `source` is the file that is copied."""

    action: InstallAction
    file: Path
    source: Path | None = None


@dataclass(frozen=True)
class PromptsInstalled:
    """The files by which prompts were brought into Asterisk's formats."""

    done: bool
    """True if it was done; false if it only would be."""
    prompts: int
    """Number of prompts."""
    files: tuple[Path, ...]
    """The files that were made or copied."""
    deleted: tuple[Path, ...]
    """Files of another version that were deleted."""
    not_made: tuple[str, ...]
    """The formats that cannot be made on this machine."""
    warnings: tuple[Sentence, ...]
    """Other faults, and the reasons why formats cannot be made."""

    @property
    def failure(self) -> PromptError | None:
        """The error that some formats could not be made; `None` if all could."""
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
    step: Callable[[InstallStep], None] = lambda _step: None,
    warn: Callable[[Text], None] = lambda _text: None,
) -> PromptsInstalled:
    """Make the missing files of these formats (of all, if none is named) beside each prompt, and copy the
    versions in force to the folder `sounds`, if given. `step` gets each step before it is taken, `warn` each
    warning. Raises InformativaError."""
    if unknown := [name for name in formats if name not in FORMATS]:
        message = Text("There is no format {format}.", format=unknown[0])
        raise InformativaError(message, name_remedy(unknown[0], FORMATS))
    prompts = ConfiguredPrompts(config)
    if sounds is not None and not sounds.is_dir():
        raise PromptError(
            Text("There is no folder {folder}.", folder=sounds),
            Text("Name Asterisk's own: --sounds /var/lib/asterisk/sounds"),
        )
    installation = _Installation(prompts, dry_run, step, warn)
    bases: dict[Path, tuple[str, PromptPath]] = {}
    for controller, path in prompts.paths():
        bases.setdefault(path.base, (controller, path))
    for controller, path in bases.values():
        installation.make([name for name in FORMATS if not formats or name in formats], controller, path)
    if sounds is not None:
        installation.copy(sounds)
    return PromptsInstalled(
        done=not dry_run,
        prompts=len(bases),
        files=tuple(step.file for step in installation.steps if step.action is not InstallAction.DELETE),
        deleted=tuple(step.file for step in installation.steps if step.action is InstallAction.DELETE),
        not_made=tuple(dict.fromkeys(installation.not_made)),
        warnings=tuple(installation.warnings),
    )


class _Installation:
    """One installation, which collects its steps, warnings, and the formats that cannot be made."""

    def __init__(
        self,
        prompts: ConfiguredPrompts,
        dry_run: bool,
        step: Callable[[InstallStep], None],
        warn: Callable[[Text], None],
    ) -> None:
        self._prompts, self._dry_run, self._on_step, self._on_warning = prompts, dry_run, step, warn
        self.steps: list[InstallStep] = []
        self.not_made: list[str] = []
        self.warnings: list[Text] = []

    def make(self, formats: list[str], controller: str, path: PromptPath) -> None:
        """Make the missing formats of one prompt."""
        if not path.file("wav").exists():
            self._warn(Text("{file} is not there, so nothing is made of it", file=path.file("wav")))
            return
        for extension in formats:
            file = path.file(extension)
            if file.exists() or extension in self.not_made:
                continue
            try:
                self._do(
                    InstallStep(InstallAction.MAKE, file),
                    partial(_make, self._prompts, controller, path, extension),
                )
            except PromptError as error:
                self.not_made.append(extension)
                self._warn(error.text)

    def copy(self, sounds: Path) -> None:
        """Copy the version in force of each notice, so that `Playback(informativa/acme/privacy-short)` plays
        it in the channel's language."""
        for path, copy in _copies(self._prompts, sounds):
            for stale in {*copy.files()} - {copy.file(file.suffix[1:]) for file in path.files()}:
                self._do(InstallStep(InstallAction.DELETE, stale), stale.unlink)
            for file in path.files():
                target = copy.file(file.suffix[1:])
                if not target.exists() or target.read_bytes() != file.read_bytes():
                    self._do(
                        InstallStep(InstallAction.COPY, target, file),
                        partial(write, {target: file.read_bytes()}),
                    )

    def _do(self, step: InstallStep, act: Callable[[], None]) -> None:
        self._on_step(step)
        if not self._dry_run:
            act()
        self.steps.append(step)

    def _warn(self, text: Text) -> None:
        self.warnings.append(text)
        self._on_warning(text)


def _make(prompts: ConfiguredPrompts, controller: str, path: PromptPath, extension: str) -> None:
    """Make one format of one prompt; it is measured before it is put in its place."""
    content = encode(read_wav(path.file("wav")), extension)
    with tempfile.TemporaryDirectory() as private:
        output = Path(private) / f"made.{extension}"
        output.write_bytes(content)
        shutil.copy(path.file("wav"), output.with_suffix(".wav"))
        try:
            measure(output.with_suffix(""))
        except PromptError as error:
            raise PromptError(
                Text("{file} came out wrong: {error}.", file=path.file(extension), error=clause(error.text))
            ) from None
    recording = path.recording(path.file(extension), hashlib.sha256(content).hexdigest())
    if controller and prompts.heard_with_other_sound(controller, [recording]):
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
    """Yield the prompts of notices that callers hear now, each with the place to which it is copied."""
    for controller, path in prompts.paths():
        if path.part not in ("short", "short-nokey", "full") or prompts.choice(controller, path.notice):
            continue  # a question is heard where its answer is read, and nowhere else
        if path.version == prompts.in_force(controller, path.notice):
            base = sounds / path.language / "informativa" / controller / f"{path.notice}-{path.part}"
            yield path, PromptPath(path.notice, path.version, path.part, path.language, base)
