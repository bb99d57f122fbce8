"""The checks before calls are taken: the configuration, its ledgers, and its prompts, each compared with the
recording with which its version was first served.

A mistake in one company's ledger or prompts is that company's alone (I10): the others are served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ..config import (
    HAS_MISTAKES,
    Configuration,
    by_company,
    concerning,
    inspect,
    refusing,
    stops_service,
    without_hooks,
)
from ..config.looks import Looks, StalledError
from ..model import Controller, Prompt, Recording
from ..model.errors import ConfigError, ConfigProblem, LedgerError
from ..model.text import Text
from ..prompts.installed import hashed, prompts_of
from ..prompts.recordings import difference
from ..system.patience import defect, failure, of_each
from .storage import store

if TYPE_CHECKING:
    from ..ledgers.sqlite import SqliteStore

Answer = TypeVar("Answer")
PATIENCE_SECONDS = 10.0  # for the files of one prompt, or for one ledger: more than a busy disk takes
COMPANY_SECONDS = 30.0  # for all of one company's, beside the others'

ServedSums = dict[tuple[str, ...], str]
"""The SHA-256 of each sound file that was served, by its place."""


def prepare(file: Path, *, create: bool = True) -> Configuration:
    """Return the configuration in `file`, if a service may run with it. Missing ledgers are created.
    `unplayable` are the prompts that are not played, and `mistaken` the companies that are not served, each
    with the reasons.

    Raises ConfigError with all mistakes of the file, unless each mistake is in the part of one company and
    another company has none, or concerns a hook or the prompt for numbers that nobody configured.
    """
    configuration, all_problems = inspect(file, keep=True)
    problems, hook_mistakes = without_hooks(all_problems)
    mistaken, shared = by_company(problems, configuration.controllers, configuration.owners)
    if stops_service(mistaken, shared, configuration.controllers):
        raise ConfigError(all_problems)
    mute = concerning(shared, "fallback_prompt")
    configuration = _without(configuration, mistaken)
    warnings = (*configuration.warnings, *emptied(configuration))
    examined = examine_recordings(configuration, keep=True, create=create)
    unplayable = (*mute, *examined.problems)
    return replace(
        configuration,
        recordings=examined.expected,
        unplayable=unplayable,
        hook_mistakes=tuple(hook_mistakes),
        warnings=warnings,
    )


def _without(configuration: Configuration, mistaken: Mapping[str, Sequence[ConfigProblem]]) -> Configuration:
    """Return the configuration with these companies not live, and their calls left to the dialplan."""
    spelled, lines = configuration.spelled, configuration.lines
    numbers = [spelling for spelling, line in spelled.items() if line.controller.id in mistaken]
    numbers += [line for line, owner in configuration.owners.items() if owner in mistaken]
    return replace(
        refusing(configuration, mistaken),
        lines=tuple(line for line in lines if line.controller.id not in mistaken),
        spelled={spelling: line for spelling, line in spelled.items() if spelling not in numbers},
        unanswered=dict.fromkeys(numbers, HAS_MISTAKES),
    )


def with_previous_hooks(before: Configuration, now: Configuration) -> Configuration:
    """Return the newer configuration, in which companies whose hook cannot be used have that of the `before`
    one, if they had one that could."""
    hooks = {
        name: previous.hook
        for name, controller in now.controllers.items()
        if controller.hook is not None
        and not controller.hook.is_usable
        and (previous := before.controllers.get(name))
        and previous.hook is not None
        and previous.hook.is_usable
    }
    controllers = {
        name: replace(controller, hook=hooks[name]) if name in hooks else controller
        for name, controller in now.controllers.items()
    }
    return now.with_controllers(controllers) if hooks else now


def companies_with_previous_configuration(before: Configuration, now: Configuration) -> Configuration:
    """Return the newer configuration, in which companies with mistakes have their part of the `before` one,
    if they were live then and no other company has their ledger or key now (I6)."""
    others = [other for name, other in now.controllers.items() if name not in now.mistaken]
    taken = {other.ledger for other in others} | {key for other in others for key in other.keys}
    names = [
        name
        for name in now.mistaken
        if (previous := before.controllers.get(name))
        and not previous.refused
        and taken.isdisjoint((previous.ledger, *previous.keys))
    ]
    if not names:
        return now
    numbers = {line.number for line in now.lines}
    lines = [line for line in before.lines if line.controller.id in names and line.number not in numbers]
    kept_numbers = {line.number for line in lines}
    spelled = {spelling: line for spelling, line in before.spelled.items() if line.number in kept_numbers}
    return replace(
        now,
        controllers={**now.controllers, **{name: before.controllers[name] for name in names}},
        key_files={**now.key_files, **{name: before.key_files[name] for name in names}},
        notices={**now.notices, **{name: before.notices[name] for name in names}},
        choices={**now.choices, **{name: before.choices.get(name, ()) for name in names}},
        lines=(*now.lines, *lines),
        spelled={**spelled, **now.spelled},
        unanswered={call: reason for call, reason in now.unanswered.items() if call not in spelled},
        recordings={**now.recordings, **{name: before.recordings[name] for name in names}},
    )


@dataclass(frozen=True)
class ExaminedRecordings:
    """The SHA-256 that each sound file must have to be played, and the prompts that are not played, with the
    reasons.

    `expected` is by company ('' for nobody's) and file. A missing file is compared with the other formats of
    its prompt when it is to be played.
    """

    expected: Mapping[str, Mapping[str, str]]
    problems: tuple[ConfigProblem, ...]


def verify_recordings(
    configuration: Configuration, *, keep: bool, served: Callable[[Controller], ServedSums] | None = None
) -> None:
    """Examine the recordings and raise ConfigError if there is any problem."""
    examined = examine_recordings(configuration, keep=keep, served=served)
    if examined.problems:
        raise ConfigError(examined.problems)


def examine_recordings(
    configuration: Configuration,
    *,
    keep: bool,
    create: bool = True,
    served: Callable[[Controller], ServedSums] | None = None,
) -> ExaminedRecordings:
    """Compare the prompts with those that each version was first served with, and the formats of each with
    each other; `keep` stores new ones.

    A recording that changed under an unchanged version is a problem, for its records would point at a text
    that nobody heard. So is a recording without sound, a format with another sound, and a file that cannot be
    read in time. A ledger that cannot be used is passed over: nothing is recorded there either. The prompts
    of a company that is not live are read without `keep`, when nobody waits for it. What a company `served`
    is read of its ledger, unless somebody has read it; that may raise LedgerError.
    """
    open_store = partial(store, read_only=not keep, create=create)
    works: dict[str, Callable[[], _Part]] = {}
    sounds, looks = _Sounds(), Looks(PATIENCE_SECONDS)
    if configuration.fallback:
        works[""] = partial(_examine_fallback, configuration.fallback, looks.anew(), sounds)
    for name, controller in configuration.controllers.items():
        prompts = [prompt for notice in configuration.wordings(name) for prompt in prompts_of(notice)]
        works[name] = partial(
            _examine_company,
            controller,
            prompts,
            partial(open_store, controller),
            looks.anew(),
            sounds,
            served,
            keep=keep,
        )
    expected: dict[str, dict[str, str]] = {}
    problems: list[ConfigProblem] = []
    for name, part in of_each(works, COMPANY_SECONDS).items():
        if isinstance(part, Exception):
            expected[name], key = {}, f"controllers.{name}" if name else "fallback_prompt"
            reason = failure(part, configuration.folder, COMPANY_SECONDS)
            problems.append(ConfigProblem(str(configuration.file), None, key, reason, defect=defect(part)))
        else:
            expected[name], faults = part
            for notice, _path, reason in faults:
                problems.append(ConfigProblem(str(configuration.file), None, _key_path(name, notice), reason))
    return ExaminedRecordings(expected, tuple(problems))


def _key_path(company: str, notice: str) -> str:
    return f"controllers.{company}.notices.{notice}" if company else "fallback_prompt"


_Key = tuple[str, str, str, str]  # where a prompt stands: its notice, version, part and language
_PromptFault = tuple[str, str, Text]  # the notice, the path of its prompt, and what is wrong with that
_Part = tuple[dict[str, str], list[_PromptFault]]  # the SHA-256 that files must have, and what is wrong


class _Sounds:
    """The sound files of prompts, each read once for all companies that play it: to read the same prompts for
    each of 300 companies took a second. Companies whose work goes on side by side may read one twice, for
    neither waits for the other (I10). A file that could not be read is tried for the next company too."""

    def __init__(self) -> None:
        self._sums: dict[str, Mapping[Path, str]] = {}
        self._differences: dict[str, Text | None] = {}

    def sums(self, company: str, path: str, looks: Looks) -> Mapping[Path, str]:
        """Return the SHA-256 of each file of a prompt. Raises OSError."""
        if path not in self._sums:
            self._sums[path] = looks.look(company, Path(path), partial(hashed, path))
        return self._sums[path]

    def difference(self, path: str) -> Text | None:
        """Return what is wrong with the files of a prompt, as `recordings.difference` does."""
        if path not in self._differences:
            self._differences[path] = difference(path)
        return self._differences[path]


def _examine_fallback(prompt: Prompt, looks: Looks, sounds: _Sounds) -> _Part:
    recordings, faults = _read("", [(("", "", "", ""), prompt)], looks, sounds)
    faults = faults or _prompts_that_differ(recordings, sounds)
    return {} if faults else _sums(recordings), faults


def _examine_company(
    controller: Controller,
    prompts: Sequence[tuple[_Key, Prompt]],
    open_store: Callable[..., SqliteStore],
    looks: Looks,
    sounds: _Sounds,
    read_served: Callable[[Controller], ServedSums] | None,
    *,
    keep: bool,
) -> _Part:
    recordings, faults = _read(controller.id, prompts, looks, sounds)
    if controller.refused and keep:
        return _sums(recordings), []
    served = None
    if not controller.refused:
        served = (
            _answer(controller, partial(read_served, controller), looks)
            if read_served
            else _served(controller, open_store, looks)
        )
    served_sums = served or {}
    new = [recording for recording in recordings if recording.key not in served_sums]
    changed = [
        recording
        for recording in recordings
        if served_sums.get(recording.key, recording.sha256) != recording.sha256
    ]
    faults += [*map(_changed, changed), *_prompts_that_differ(new if keep else recordings, sounds)]
    refused = {path for _notice, path, _reason in faults}
    playable = [recording for recording in new if _base(recording) not in refused]
    if keep and served is not None and playable:
        _ask_ledger(controller, open_store, looks, lambda store: store.keep_recordings(playable))
    expected = _sums(recording for recording in recordings if _base(recording) not in refused)
    return expected | {recording.file: served_sums[recording.key] for recording in changed}, faults


def _read(
    company: str, prompts: Iterable[tuple[_Key, Prompt]], looks: Looks, sounds: _Sounds
) -> tuple[list[Recording], list[_PromptFault]]:
    """Read the sound files of prompts. Return the recordings, and the faults of prompts that cannot be
    read."""
    recordings: list[Recording] = []
    faults: list[_PromptFault] = []
    for key, prompt in prompts:
        try:
            sums = sounds.sums(company, prompt.path, looks)
        except OSError as error:
            faults.append((key[0], prompt.path, failure(error, prompt.path, PATIENCE_SECONDS)))
        else:
            for file, sha256 in sums.items():
                recordings.append(Recording((*key, file.suffix[1:]), str(file), sha256))
    return recordings, faults


def _served(
    controller: Controller, open_store: Callable[..., SqliteStore], looks: Looks
) -> ServedSums | None:
    """Return the SHA-256 of each sound file that was served, by its place; `None` where the ledger cannot be
    used. A connection that only reads takes half the time; where it cannot, another makes the ledger."""

    def recordings(store: SqliteStore) -> ServedSums:
        return store.recordings()

    served = _ask_ledger(controller, partial(open_store, read_only=True), looks, recordings)
    return _ask_ledger(controller, open_store, looks, recordings) if served is None else served


def _ask_ledger(
    controller: Controller,
    open_store: Callable[[], SqliteStore],
    looks: Looks,
    question: Callable[[SqliteStore], Answer],
) -> Answer | None:
    """Ask a ledger; `None` where it cannot be used."""

    def ask() -> Answer:
        with closing(open_store()) as ledger:
            return question(ledger)

    return _answer(controller, ask, looks)


def _answer(controller: Controller, ask: Callable[[], Answer], looks: Looks) -> Answer | None:
    """Return what is read of a ledger; `None` where it cannot be used."""
    try:
        return looks.look(controller.id, Path(controller.ledger), ask)
    except (LedgerError, StalledError):  # opening it for calls tells that
        return None


def _base(recording: Recording) -> str:
    """Return the path of a recording's prompt, as Asterisk is given it."""
    return recording.file.removesuffix(f".{recording.key[-1]}")


def _sums(recordings: Iterable[Recording]) -> dict[str, str]:
    return {recording.file: recording.sha256 for recording in recordings}


def _changed(recording: Recording) -> _PromptFault:
    message = Text(
        "{file} is not the recording that version {version} was first served with",
        "give the new one a new version, or put the old file back",
        file=recording.file,
        version=recording.key[1],
    )
    return recording.key[0], _base(recording), message


def _prompts_that_differ(recordings: Iterable[Recording], sounds: _Sounds) -> list[_PromptFault]:
    """Return the prompts of these files that have no sound, or whose formats are not one sound."""
    prompts = {_base(recording): recording.key[0] for recording in recordings}
    return [(notice, path, reason) for path, notice in prompts.items() if (reason := sounds.difference(path))]


def emptied(configuration: Configuration) -> Iterator[ConfigProblem]:
    """Iterate over problems for ledgers that exist and are empty. A call may begin anew in such a ledger, but
    an admin must know that it happened."""
    ledgers = {
        name: Path(controller.ledger)
        for name, controller in configuration.controllers.items()
        if not controller.refused
    }
    works = {name: partial(_is_empty, ledger) for name, ledger in ledgers.items()}
    for name, empty in of_each(works, PATIENCE_SECONDS).items():
        if empty is True:  # an unreadable file is reported when it is opened
            message = Text(
                "{file} was empty, and a new ledger is begun in it",
                "if there was one, stop the service and put it back",
                file=ledgers[name],
            )
            yield ConfigProblem(str(configuration.file), None, f"controllers.{name}.ledger", message)


def _is_empty(ledger: Path) -> bool:
    return ledger.is_file() and not ledger.stat().st_size
