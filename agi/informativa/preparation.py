"""What must be in order before calls are taken: the configuration, its ledgers, and its prompts, each as its
version was first served with it.

What is wrong with one company's ledger or prompts is that company's alone (I10): the others are served.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .config import Configuration, by_company, concerning, inspect, stops_service
from .config.looks import Looks, StalledError
from .errors import ConfigError, LedgerError, Problem
from .model import Controller, Prompt, Recording
from .patience import defect, failure, of_each
from .prompts.installed import hashed, placed
from .prompts.recordings import difference
from .storage import store
from .text import Text

if TYPE_CHECKING:
    from .ledgers.sqlite import SqliteStore

Answer = TypeVar("Answer")
PATIENCE_SECONDS = 10.0  # for the files of one prompt, or for one ledger: more than a busy disk takes
COMPANY_SECONDS = 30.0  # for all of one company's, beside the others'


def prepare(file: Path, *, create: bool = True) -> Configuration:
    """The configuration in `file`, if a service may run with it. Ledgers that are not there are made; those
    of an earlier informativa are left for later, when calls are taken. `unplayable` are the prompts that are
    not played, and `mistaken` the companies that are not served, each with the reasons.

    Raises ConfigError with all that is wrong with the file, unless each mistake is in the part of one company
    and another is without any, or of the prompt for numbers that nobody configured.
    """
    configuration, problems = inspect(file, keep=True)
    mistaken, shared = by_company(problems, configuration.controllers, configuration.owners)
    if stops_service(mistaken, shared, configuration.controllers):
        raise ConfigError(problems)
    mute = concerning(shared, "fallback_prompt")
    configuration = _without(configuration, mistaken)
    warnings = (*configuration.warnings, *emptied(configuration))
    examined = examine_recordings(configuration, keep=True, create=create, migrate=False)
    unplayable = (*mute, *examined.problems)
    return replace(configuration, recordings=examined.expected, unplayable=unplayable, warnings=warnings)


def _without(configuration: Configuration, mistaken: Mapping[str, Sequence[Problem]]) -> Configuration:
    """The same with these companies not live, and their calls left to the dialplan: what was built of their
    part is not what the admin meant."""
    why = Text("its part of the configuration has mistakes: which they are, says: informativa check")
    calls = {
        spelling: why for spelling, line in configuration.spelled.items() if line.controller.id in mistaken
    }
    calls |= {line: why for line, owner in configuration.owners.items() if owner in mistaken}
    return replace(
        configuration,
        controllers={
            name: replace(controller, refused=why) if name in mistaken else controller
            for name, controller in configuration.controllers.items()
        },
        lines=tuple(line for line in configuration.lines if line.controller.id not in mistaken),
        spelled={spelling: line for spelling, line in configuration.spelled.items() if spelling not in calls},
        mistaken={name: tuple(problems) for name, problems in mistaken.items()},
        unanswered=calls,
    )


def as_before(before: Configuration, now: Configuration) -> Configuration:
    """The newer configuration, in which companies with mistakes are as they were `before`: those that were
    live then, and whose ledger and key are nobody else's now (I6)."""
    others = [one for name, one in now.controllers.items() if name not in now.mistaken]
    taken = {one.ledger for one in others} | {key for one in others for key in (one.key, *one.old_keys)}
    names = [
        name
        for name in now.mistaken
        if (known := before.controllers.get(name))
        and not known.refused
        and taken.isdisjoint((known.ledger, known.key, *known.old_keys))
    ]
    if not names:
        return now
    numbers = {line.number for line in now.lines}
    lines = [line for line in before.lines if line.controller.id in names and line.number not in numbers]
    kept = {line.number for line in lines}
    spelled = {spelling: line for spelling, line in before.spelled.items() if line.number in kept}
    return replace(
        now,
        controllers={**now.controllers, **{name: before.controllers[name] for name in names}},
        key_files={**now.key_files, **{name: before.key_files[name] for name in names}},
        notices={**now.notices, **{name: before.notices[name] for name in names}},
        lines=(*now.lines, *lines),
        spelled={**spelled, **now.spelled},
        unanswered={call: why for call, why in now.unanswered.items() if call not in spelled},
        recordings={**now.recordings, **{name: before.recordings[name] for name in names}},
    )


@dataclass(frozen=True)
class ExaminedRecordings:
    """The SHA-256 that each sound file must have to be played, and the prompts that are not, each with why.

    `expected` is by company ('' for nobody's) and file. One that is not there is compared with the other
    formats of its prompt when it is to be played.
    """

    expected: Mapping[str, Mapping[str, str]]
    problems: tuple[Problem, ...]


def verify_recordings(
    configuration: Configuration, *, keep: bool, create: bool = True, migrate: bool = True
) -> None:
    """Examine the recordings for whoever stops at what is wrong. Raises ConfigError."""
    examined = examine_recordings(configuration, keep=keep, create=create, migrate=migrate)
    if examined.problems:
        raise ConfigError(examined.problems)


def examine_recordings(
    configuration: Configuration, *, keep: bool, create: bool = True, migrate: bool = True
) -> ExaminedRecordings:
    """Hold the prompts against those that each version was first served with, and the formats of each against
    each other; `keep` remembers new ones.

    A recording that changed under an unchanged version is a problem, for its records would point at a text
    that nobody heard; so is one without sound, a format that is another sound, and a file that cannot be read
    in time. A ledger that cannot be used is passed over: nothing is recorded there either. What a company
    that is not live plays is looked at without `keep`, when nobody waits for it.
    """
    opened = partial(store, read_only=not keep, create=create, migrate=migrate)
    works: dict[str, Callable[[], _Part]] = {}
    if configuration.fallback:
        works[""] = partial(_of_fallback, configuration.fallback)
    for name, controller in configuration.controllers.items():
        prompts = [each for notice in configuration.notices[name] for each in placed(notice)]
        works[name] = partial(_of_company, controller, prompts, partial(opened, controller), keep=keep)
    expected: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for name, part in of_each(works, COMPANY_SECONDS).items():
        if isinstance(part, Exception):
            expected[name], key = {}, f"controllers.{name}" if name else "fallback_prompt"
            why = failure(part, configuration.folder, COMPANY_SECONDS)
            problems.append(Problem(str(configuration.file), None, key, why, defect=defect(part)))
        else:
            expected[name], wrong = part
            for notice, _path, why in wrong:
                problems.append(Problem(str(configuration.file), None, _key_path(name, notice), why))
    return ExaminedRecordings(expected, tuple(problems))


def _key_path(company: str, notice: str) -> str:
    return f"controllers.{company}.notices.{notice}" if company else "fallback_prompt"


_Key = tuple[str, str, str, str]  # where a prompt stands: its notice, version, part and language
_Wrong = tuple[str, str, Text]  # the notice, the path of its prompt, and what is wrong with that
_Part = tuple[dict[str, str], list[_Wrong]]  # the SHA-256 that files must have, and what is wrong


def _of_fallback(prompt: Prompt) -> _Part:
    recordings, wrong = _read("", [(("", "", "", ""), prompt)], Looks(PATIENCE_SECONDS))
    wrong = wrong or _unlike(recordings)
    return {} if wrong else _sums(recordings), wrong


def _of_company(
    controller: Controller,
    prompts: Sequence[tuple[_Key, Prompt]],
    opened: Callable[[], SqliteStore],
    *,
    keep: bool,
) -> _Part:
    looks = Looks(PATIENCE_SECONDS)
    recordings, wrong = _read(controller.id, prompts, looks)
    if controller.refused and keep:
        return _sums(recordings), []
    served = (
        None if controller.refused else _asked(controller, opened, looks, lambda store: store.recordings())
    )
    known = served or {}
    new = [one for one in recordings if one.key not in known]
    changed = [one for one in recordings if known.get(one.key, one.sha256) != one.sha256]
    wrong += [*map(_changed, changed), *_unlike(new if keep else recordings)]
    refused = {path for _notice, path, _why in wrong}
    fit = [one for one in new if _base(one) not in refused]
    if keep and served is not None and fit:
        _asked(controller, opened, looks, lambda store: store.keep(fit))
    expected = _sums(one for one in recordings if _base(one) not in refused)
    return expected | {one.file: known[one.key] for one in changed}, wrong


def _read(
    company: str, prompts: Iterable[tuple[_Key, Prompt]], looks: Looks
) -> tuple[list[Recording], list[_Wrong]]:
    """Read the sound files of prompts; those that cannot be read are wrong."""
    recordings: list[Recording] = []
    wrong: list[_Wrong] = []
    for key, prompt in prompts:
        try:
            sums = looks.look(company, Path(prompt.path), partial(hashed, prompt.path))
        except OSError as error:
            wrong.append((key[0], prompt.path, failure(error, prompt.path, PATIENCE_SECONDS)))
        else:
            for file, sha256 in sums.items():
                recordings.append(Recording((*key, file.suffix[1:]), str(file), sha256))
    return recordings, wrong


def _asked(
    controller: Controller,
    opened: Callable[[], SqliteStore],
    looks: Looks,
    question: Callable[[SqliteStore], Answer],
) -> Answer | None:
    """Ask a ledger; `None` where it cannot be used."""

    def ask() -> Answer:
        with closing(opened()) as ledger:
            return question(ledger)

    try:
        return looks.look(controller.id, Path(controller.ledger), ask)
    except (LedgerError, StalledError):  # opening it for calls tells that
        return None


def _base(recording: Recording) -> str:
    """The path of its prompt, as Asterisk is given it."""
    return recording.file.removesuffix(f".{recording.key[-1]}")


def _sums(recordings: Iterable[Recording]) -> dict[str, str]:
    return {one.file: one.sha256 for one in recordings}


def _changed(recording: Recording) -> _Wrong:
    message = Text(
        "{file} is not the recording that version {version} was first served with",
        "give the new one a new version, or put the old file back",
        file=recording.file,
        version=recording.key[1],
    )
    return recording.key[0], _base(recording), message


def _unlike(recordings: Iterable[Recording]) -> list[_Wrong]:
    """Find the prompts of these files that have no sound, or whose formats are not one sound."""
    prompts = {_base(one): one.key[0] for one in recordings}
    return [(notice, path, why) for path, notice in prompts.items() if (why := difference(path))]


def emptied(configuration: Configuration) -> Iterator[Problem]:
    """The ledgers that are there and have nothing in them. To begin anew in them is right for a call, and an
    admin must know that it happened."""
    ledgers = {name: Path(one.ledger) for name, one in configuration.controllers.items() if not one.refused}
    works = {name: partial(_is_empty, ledger) for name, ledger in ledgers.items()}
    for name, empty in of_each(works, PATIENCE_SECONDS).items():
        if empty is True:  # what cannot be looked at, opening it tells
            message = Text(
                "{file} was empty, and a new ledger is begun in it",
                "if there was one, stop the service and put it back",
                file=ledgers[name],
            )
            yield Problem(str(configuration.file), None, f"controllers.{name}.ledger", message)


def _is_empty(ledger: Path) -> bool:
    return ledger.is_file() and not ledger.stat().st_size
