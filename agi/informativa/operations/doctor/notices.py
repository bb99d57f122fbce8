"""Checks that notices, given and recorded, agree with the configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path

from ...config import Configuration
from ...model import (
    Controller,
    Line,
    Notice,
    NumberForm,
    Prompt,
    Reason,
    Version,
    matching_language,
    name_and_id,
)
from ...model.errors import LedgerError
from ...model.text import Text, command
from ...prompts.installed import LARGEST, installed
from ...prompts.named_keys import named_keys
from ...prompts.store import PromptStore
from ...system.files import read
from ...system.shipped import spoken_words, texts_without_company
from ..controller_state import lines_of
from . import ledger_facts
from .findings import Finding, warning
from .system import System

LARGEST_TEXT = 1 << 16  # bytes of the words beside a recording


def removed(system: System) -> Iterator[Finding]:
    """Check that no caller's history rests on a version that is gone from the configuration."""
    for controller in system.recording():
        notices = system.configured.notices[controller.id]
        listed = {(notice.id, version.id) for notice in notices for version in notice.versions}
        try:
            callers_by_version = system.fact(controller, ledger_facts.CALLERS_BY_VERSION)
        except LedgerError:  # reported by the check `ledgers`
            continue
        for (notice, version), callers in callers_by_version.items():
            if (notice, version) in listed:
                continue
            text = Text.counted(
                "{count} caller of {id} was told {notice} {version}, which the configuration has no more:"
                " what he knows counts by his record alone",
                "{count} callers of {id} were told {notice} {version}, which the configuration has no more:"
                " what they know counts by their records alone",
                callers,
                id=controller.id,
                notice=name_and_id(notice, controller.names),
                version=version,
            )
            yield warning(text, Text("Leave a version in the file for as long as records of it are kept."))


def numbers(system: System) -> Iterator[Finding]:
    """Check that few callers hear the notice every time only because their number is ambiguous: a national
    one, or one with its country code."""
    for controller in system.recording():
        try:
            counts = system.fact(controller, ledger_facts.LAST_CALLERS)
        except LedgerError:  # reported by the check `ledgers`
            continue
        for line in lines_of(controller, system.configured):
            if line.callers is not NumberForm.EITHER:
                continue
            calls = sum(count for (number, *_), count in counts.items() if number == line.number)
            ambiguous = counts.get((line.number, Reason.AMBIGUOUS, None), 0)
            if ambiguous * 100 >= calls > 0:
                text = Text(
                    "{share} % of the last {calls} records of line {line} are of numbers that may be two, so"
                    " those callers hear the notice every time",
                    share=round(100 * ambiguous / calls),
                    calls=calls,
                    line=line.number,
                )
                remedy = Text(
                    "ask the carrier how it writes callers' numbers, and write it under lines.{line}:"
                    " `callers: national`, or `callers: international` (with country code)",
                    line=line.number,
                )
                yield warning(text, remedy)


def words(system: System) -> Iterator[Finding]:
    """Check that recordings are true: they name the controller, and only keys that do something."""
    mistaken = {key[1] for problem in system.problems if (key := problem.key.split("."))[0] == "controllers"}
    yield from _untrue_words(system.configured, mistaken)


def _untrue_words(configuration: Configuration, mistaken: Container[str]) -> Iterator[Finding]:
    """Find recordings that name no company, or a key that does nothing, once for each company, or line,
    prompt and key. The keys of companies in `mistaken` are left out: a mistake may be their cause."""
    words_of = _words_by_prompt()
    yield from _unheard_keys(configuration, mistaken, words_of)
    nameless, promised = dict[str, None](), dict[tuple[str, str, str], None]()
    for line in configuration.lines:
        if line.controller.refused:
            continue
        for version, language, prompt in _prompts(line):
            prompt_words, shipped_text = words_of(prompt)
            if shipped_text and " ".join(shipped_text.split()) not in texts_without_company():
                nameless[line.controller.id] = None
            if line.controller.id in mistaken:
                continue
            for key in sorted(named_keys(prompt_words, language) - _working_keys(line, version, language)):
                promised[line.number, prompt.path, key] = None
    for name in nameless:
        text = Text(
            "{id} plays recordings that are shipped with informativa: they name no company, so nobody tells"
            " its callers who is responsible for their data (GDPR 13(1)(a))",
            id=name,
        )
        options = ("--controller", name, "--site", "SITE", "-c", configuration.file)
        yield warning(text, command("informativa", "prompts", "build", *options))
    for number, path, key in promised:
        text = Text("{file} names the key {key}, which does nothing on the line {number}")
        fix = Text(
            "Give the line that key (`keys:`) and the notice a full text, or record it without the key."
        )
        yield warning(text.format(file=path, key=key, number=number), fix)


def _words_by_prompt() -> Callable[[Prompt], tuple[str, str]]:
    """Return `recorded_words` for all companies, which reads a recording once: many may play the same."""
    return cache(partial(recorded_words, shipped_words=spoken_words()))


def _unheard_keys(
    configuration: Configuration, mistaken: Container[str], words_of: Callable[[Prompt], tuple[str, str]]
) -> Iterator[Finding]:
    """Find the prompts that name a key although no key works when they are played, each once: prompts that
    the dialplan plays by itself, and the fallback prompt of lines that are not configured."""
    finding = Text(
        "{file} names the key {key}, and no key is heard when the dialplan plays it because neither the"
        " service nor the script answers"
    )
    prompts = dict[str, tuple[str, str]]()
    for line in configuration.lines:
        if line.controller.refused or line.controller.id in mistaken:
            continue
        for notice, version in _versions(line):
            prompt = version.prompt_without_keys(line.language)
            if prompt and (keys := named_keys(words_of(prompt)[0], line.language)):
                build = _build_without_keys(configuration, line.controller, notice, version)
                prompts.setdefault(prompt.path, (", ".join(sorted(keys)), build))
    for path, (keys_text, build) in prompts.items():
        yield warning(finding.format(file=path, key=keys_text), build)
    fallback = configuration.fallback
    if fallback and (keys := named_keys(words_of(fallback)[0])):
        finding = Text("{file} (fallback_prompt) names the key {key}, and no key is heard when it is played")
        fix = _other_fallback(configuration, fallback)
        yield warning(finding.format(file=fallback.path, key=", ".join(sorted(keys))), fix)


def _other_fallback(configuration: Configuration, fallback: Prompt) -> Text:
    """Return the remedy: a prompt beside the fallback prompt that names no key, else the command that makes
    one."""
    beside = f"{fallback.path}-nokey"
    if installed(beside):
        path = PromptStore(configuration.folder).relative(Path(beside))
        return Text("Write instead: fallback_prompt: {path}", path=path)
    owners = configuration.controllers.values()
    operator = (controller for controller in owners if controller.name == configuration.operator)
    owner = next(operator, next(iter(owners)))
    notice = configuration.notices[owner.id][0]
    build = _build_without_keys(configuration, owner, notice, notice.versions[-1])
    return Text("Type: {command}. Then write that prompt as `fallback_prompt`.", command=build)


def _build_without_keys(
    configuration: Configuration, owner: Controller, notice: Notice, version: Version
) -> str:
    """Return the command that builds a version's short prompt without naming a key."""
    return command(
        "informativa", "prompts", "build", "--part", "short-nokey", "--controller", owner.id,
        "--notice", notice.id, "--version", version.id, "--site", "SITE", "-c", configuration.file,
    )  # fmt: skip


def _prompts(line: Line) -> Iterator[tuple[Version, str, Prompt]]:
    """Yield the prompts of a line, for the versions in force and to come; each with its version and
    language."""
    for _notice, version in _versions(line):
        for _part, language, prompt in version.prompts():
            yield version, language, prompt


def _versions(line: Line) -> Iterator[tuple[Notice, Version]]:
    """Yield the versions of a line's notices that are in force or to come."""
    now = datetime.now(UTC)
    for step in line.plan:
        versions = step.notice.versions
        first = versions.index(step.notice.current(now))
        yield from ((step.notice, version) for version in versions[first:])


def _working_keys(line: Line, version: Version, language: str) -> frozenset[str]:
    """Return the keys that do something while that version is played."""
    full = line.keys.full if matching_language(language, version.full) else ""
    return frozenset({full, line.keys.repeat, line.keys.skip})


def recorded_words(prompt: Prompt, shipped_words: Mapping[str, str]) -> tuple[str, str]:
    """Return the words in the text file beside a recording, else those of `shipped_words`, by SHA-256 of the
    sound; and the latter alone, '' for a recording that is not shipped."""
    text = ""
    with suppress(OSError):
        text = shipped_words.get(hashlib.sha256(read(Path(f"{prompt.path}.wav"), LARGEST)).hexdigest(), "")
    shipped_text = text
    with suppress(OSError):
        text = read(Path(f"{prompt.path}.txt"), LARGEST_TEXT).decode("utf-8", "replace") or text
    return text, shipped_text
