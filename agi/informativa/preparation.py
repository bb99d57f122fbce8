"""What must be in order before calls are taken: the configuration, its ledgers, and its prompts, each as its
version was first served with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .config import Configuration, load
from .errors import ConfigError, LedgerError, Problem
from .model import Recording
from .prompts.installed import hashed, recordings
from .prompts.recordings import difference
from .storage import store
from .text import Text


def prepare(file: Path, *, create: bool = True) -> Configuration:
    """The configuration in `file`, if a service may run with it. Ledgers that are not there are made; those
    of an earlier informativa are left for later, when calls are taken.

    Raises ConfigError with all that is wrong, a recording that changed included; LedgerError.
    """
    configuration = load(file, keep=True)
    warnings = (*configuration.warnings, *emptied(configuration))
    files = verify_recordings(configuration, keep=True, create=create, migrate=False)
    return replace(configuration, recordings=files, warnings=warnings)


def verify_recordings(
    configuration: Configuration, *, keep: bool, create: bool = True, migrate: bool = True
) -> dict[str, str]:
    """Hold the prompts against those that each version was first served with, and the formats of each against
    each other; `keep` remembers new ones. What was found in order: the SHA-256 of each sound file.

    Raises ConfigError for a recording that changed under an unchanged version, whose records would point
    at a text that nobody heard, for one without sound, and for a format that is another sound. A ledger that
    cannot be opened is passed over: nothing is recorded there either. Raises LedgerError for one that fails
    meanwhile. What a company that is not live plays is looked at without `keep`, when nobody waits for it.
    """
    problems: list[Problem] = []
    files: dict[str, str] = {}
    if configuration.fallback:
        files |= {str(file): sha256 for file, sha256 in hashed(configuration.fallback.path).items()}
        if wrong := difference(configuration.fallback.path):
            problems.append(Problem(str(configuration.file), None, "fallback_prompt", wrong))
    for name, controller in configuration.controllers.items():
        found = [one for notice in configuration.notices[name] for one in recordings(notice)]
        files |= {one.file: one.sha256 for one in found}
        if controller.refused and keep:
            continue
        ledger = None
        with suppress(LedgerError):
            ledger = None if controller.refused else store(controller, create=create, migrate=migrate)
        try:
            served = ledger.recordings() if ledger else {}
            for notice, message in _wrong_recordings(found, served, every=not keep):
                key_path = f"controllers.{name}.notices.{notice}"
                problems.append(Problem(str(configuration.file), None, key_path, message))
            if keep and ledger and not problems:
                ledger.keep(found)
        finally:
            if ledger:
                ledger.close()
    if problems:
        raise ConfigError(problems)
    return files


def _wrong_recordings(
    found: Sequence[Recording], served: Mapping[tuple[str, ...], str], *, every: bool
) -> Iterator[tuple[str, Text]]:
    """What is wrong, each with its notice. The formats of a prompt are compared where one of them is new, for
    what was served was compared before; with `every`, those of all."""
    for one in found:
        if served.get(one.key, one.sha256) != one.sha256:
            message = Text(
                "{file} is not the recording that version {version} was first served with",
                "give the new one a new version, or put the old file back",
                file=one.file,
                version=one.key[1],
            )
            yield one.key[0], message
    new = {str(Path(one.file).with_suffix("")): one.key[0] for one in found if every or one.key not in served}
    for path, notice in new.items():
        if wrong := difference(path):
            yield notice, wrong


def emptied(configuration: Configuration) -> Iterator[Problem]:
    """The ledgers that are there and have nothing in them. To begin anew in them is right for a call, and an
    admin must know that it happened."""
    for name, controller in configuration.controllers.items():
        if controller.refused:
            continue
        ledger = Path(controller.ledger)
        with suppress(OSError):  # which opening it tells
            if ledger.is_file() and not ledger.stat().st_size:
                message = Text(
                    "{file} was empty, and a new ledger is begun in it",
                    "if there was one, stop the service and put it back",
                    file=ledger,
                )
                yield Problem(str(configuration.file), None, f"controllers.{name}.ledger", message)
