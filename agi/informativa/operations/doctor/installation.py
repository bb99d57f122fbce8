"""Checks of the configuration, its recordings, its backups and this program; they ask neither Asterisk
nor the service."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from ... import config
from ...config import Configuration
from ...config.notices import LONGEST_SHORT
from ...model import Line, Notice, matching_language, name_and_id
from ...model.errors import ConfigError
from ...model.remedy import COMMANDS, SafeChange, SafeRemedy
from ...model.text import Foreign, Text, joined
from ...process.preparation import verify_recordings
from ...prompts import audio
from . import ledger_facts, users
from .findings import Finding, State, of_problem, ok, warning
from .system import System


def configuration(system: System) -> Iterator[Finding]:
    """Check that the file and all that it names are in order, and that every company in it may go live."""
    for problem in system.problems:
        yield of_problem(problem, State.WRONG)
    if system.configuration is None:
        return
    for problem in system.configuration.refused:
        yield of_problem(problem, State.WRONG)
    for problem in system.configuration.warnings:
        yield of_problem(problem, State.WARNING)
    if not (system.problems or system.configuration.refused or system.configuration.warnings):
        yield ok(Text("{file} is in order", file=system.file))


def cached(system: System) -> Iterator[Finding]:
    """Check that scripts can use the parsed configuration."""
    if system.configuration is None:
        return
    cached_file, reason = config.unusable(system.file)
    if reason:
        text = Text("scripts cannot use {file} ({why}), and take twice their time")
        fix = SafeRemedy(
            SafeChange.CACHE,
            ("rm", cached_file),
            ("informativa", "check", "-c", system.file),
            owner=cached_file.parent,
        )
        yield warning(text.format(file=cached_file, why=reason), fix)


def recordings(system: System) -> Iterator[Finding]:
    """Check that each version that was served still has the same recordings."""
    try:
        served = partial(system.fact, fact=ledger_facts.RECORDINGS)
        verify_recordings(system.configured, keep=False, served=served)
    except ConfigError as error:
        for problem in error.problems:
            yield of_problem(problem, State.WRONG)
    else:
        yield ok(Text("each recording is the one that its version was served with"))


def program(system: System) -> Iterator[Finding]:
    """Check that the user who is to run informativa can execute it."""
    for text in out_of_reach(system.configured):
        yield warning(text, "")


def plans(system: System) -> Iterator[Finding]:
    """Check that callers get in their language what their keys promise, and that no supplement is too
    long."""
    # A mistake at the same key is reported by `configuration`, and this only follows from it.
    missing = {problem.key for problem in system.problems}
    unspoken = dict.fromkeys(text for key, text in _unspoken(system.configured) if key not in missing)
    for text in unspoken:
        yield warning(text, "")


def prompts(system: System) -> Iterator[Finding]:
    """Check that no recording has a sound of which callers would complain."""
    for text in _doubtful(list(system.prompts())):
        yield warning(text, "")


def owner(configuration: Configuration) -> os.stat_result:
    """Return the status of `owned`: its owner is to run service and script."""
    return owned(configuration).stat()


def owned(configuration: Configuration) -> Path:
    """Return the ledgers' folder, else the configuration."""
    folders = sorted({Path(controller.ledger).parent for controller in configuration.answering()})
    return next((folder for folder in folders if folder.is_dir()), configuration.file)


def out_of_reach(configuration: Configuration) -> list[Text]:
    """Return a message if the owner cannot run this program, at most one.

    That happens if, for example, pipx installed it for one user.
    """
    uid = owner(configuration).st_uid
    python = Path(sys.executable)
    needed = {python.with_name("informativa-agi"): os.X_OK, python: os.X_OK, Path(__file__): os.R_OK}
    message = Text(
        "{user}, as whom service and script run, cannot execute {file}; install informativa where every user"
        " can, such as /opt/informativa, and with a Python that every user can run"
    )
    denied = (file for file, right in needed.items() if users.denied(uid, file, right))
    return [message.format(user=users.name(uid), file=file) for file in denied][:1]


def _doubtful(bases: list[str]) -> list[Text]:
    files = [file for base in sorted(bases) if (file := Path(f"{base}.wav")).exists()]
    return [joined(" ", str(file), fault) for file in files for fault in audio.wav_level_faults(file)]


def _unspoken(configuration: Configuration) -> Iterator[tuple[str, Text]]:
    """Yield messages on full texts and supplements that a line's languages lack, and on supplements that last
    too long; each with its key path in the configuration."""
    now = datetime.now(UTC)
    for line in configuration.lines:
        for step in line.plan:
            yield from _unspoken_of(line, step.notice, now)


def _unspoken_of(line: Line, notice: Notice, now: datetime) -> Iterator[tuple[str, Text]]:
    languages = dict.fromkeys((line.language, *line.languages.values(), *line.fallback))
    first = notice.versions.index(notice.current(now))
    for index, version in enumerate(notice.versions[first:], first):
        key_path = f"controllers.{line.controller.id}.notices.{notice.id}.versions[{index}]"
        name = Text(
            "{company}, {notice} {version}",
            company=line.controller.id,
            notice=name_and_id(notice.id, line.controller.names),
            version=version.id,
        )
        for language in languages:
            if version.full and not matching_language(language, version.full):
                message = Text("{notice} has no full text in {language}: key {key} does nothing there")
                text = message.format(notice=name, language=language, key=line.keys.full)
                yield f"{key_path}.full.{language}", text
        for base, prompts in version.supplements.items():
            base_path = f"{key_path}.supplements.{base}"
            for language in languages:
                if not matching_language(language, prompts):
                    message = Text("{notice}: the supplement to {version} is not there in {language}")
                    text = message.format(notice=name, version=base, language=language)
                    yield f"{base_path}.{language}", text
            for language, prompt in prompts.items():
                if prompt.seconds > LONGEST_SHORT:
                    message = Text(
                        "{notice}: the supplement to {version} in {language} lasts {seconds:.0f} s"
                    )
                    names = {"notice": name, "version": base, "language": language}
                    yield f"{base_path}.{language}", message.format(**names, seconds=prompt.seconds)


def backups(system: System) -> Iterator[Finding]:
    """Check that the newest backup of all companies is not older than the configuration allows."""
    plan = system.configured.backup
    if plan is None:
        yield ok(Text("no folder for backups is configured (`backup:`)"), note=True)
        return
    from ..backup import listing  # not where there are no backups

    folder = Path(plan.folder)
    try:
        newest = listing.newest(folder)
    except OSError as error:
        reason = Foreign(error.strerror or str(error))
        text = Text("the folder of backups {folder} cannot be read ({why})", folder=folder, why=reason)
        yield warning(text, Text("Mount it, or make it once: mkdir -p -m 700 {folder}", folder=folder))
        return
    if newest is None:
        yield warning(Text("there is no backup in {folder}", folder=folder), _backup(system))
        return
    facts = {"day": f"{newest:%Y-%m-%d %H:%M}", "folder": folder}
    if plan.warn_after.after(newest, UTC) < system.now:
        text = Text("the newest backup in {folder} is old: of {day} (UTC)", **facts)
        look = Text("{commands}; and look why: journalctl -u informativa-backup")
        yield warning(text, _backup(system, look))
    else:
        yield ok(Text("the newest backup in {folder} is of {day} (UTC)", **facts))


def _backup(system: System, words: Text = COMMANDS) -> SafeRemedy:
    make = ("informativa", "backup", "make", "-c", system.file)
    return SafeRemedy(SafeChange.BACKUP, make, owner=owned(system.configured), words=words)
