"""Checks that what callers were told, and are told, is what the configuration says."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Container, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ... import storage
from ...config import Configuration
from ...errors import LedgerError
from ...files import read
from ...model import Controller, Line, Notice, NumberForm, Prompt, Reason, Version, name_and_id, spoken
from ...prompts.installed import LARGEST, installed
from ...prompts.named_keys import named_keys
from ...prompts.store import PromptStore
from ...shipped import spoken_words
from ...text import Text, command
from .findings import Finding, warning
from .system import System, in_thread

LAST = 1000  # records of a company, which say how its callers' numbers come
LARGEST_TEXT = 1 << 16  # bytes of the words beside a recording


async def removed(system: System) -> AsyncIterator[Finding]:
    """No caller rests on a version that the configuration has not any more."""
    for name, controller in system.configured.controllers.items():
        if controller.refused or not Path(controller.ledger).is_file():
            continue
        notices = system.configured.notices[name]
        try:
            removed_versions = await in_thread(storage.callers_of_removed, controller, notices)
        except LedgerError:  # which others tell
            continue
        for (notice, version), callers in removed_versions.items():
            said = Text.counted(
                "{count} caller of {id} was told {notice} {version}, which the configuration has no more:"
                " what he knows counts by his record alone",
                "{count} callers of {id} were told {notice} {version}, which the configuration has no more:"
                " what they know counts by their records alone",
                callers,
                count=callers,
                id=name,
                notice=name_and_id(notice, controller.names),
                version=version,
            )
            yield warning(said, Text("Leave a version in the file for as long as records of it are kept."))


async def numbers(system: System) -> AsyncIterator[Finding]:
    """Few callers hear the notice every time only because their number may be two: a national one, or one
    with its country code."""
    for controller in system.configured.controllers.values():
        if controller.refused or not Path(controller.ledger).is_file():
            continue
        try:
            reasons = await in_thread(storage.last_reasons, controller, LAST)
        except LedgerError:  # which others tell
            continue
        for line in system.configured.lines:
            if line.controller.id != controller.id or line.callers is not NumberForm.EITHER:
                continue
            calls = sum(count for (number, _reason), count in reasons.items() if number == line.number)
            ambiguous = reasons.get((line.number, Reason.AMBIGUOUS), 0)
            if ambiguous * 100 >= calls > 0:
                said = Text(
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
                yield warning(said, remedy)


async def words(system: System) -> AsyncIterator[Finding]:
    """Recordings say what is so: who is responsible, and which key does something."""
    mistaken = {key[1] for problem in system.problems if (key := problem.key.split("."))[0] == "controllers"}
    for finding in await in_thread(lambda: list(_said(system.configured, mistaken))):
        yield finding


def _said(configuration: Configuration, mistaken: Container[str]) -> Iterator[Finding]:
    """Find what recordings promise and do not keep, once for each company, or line, prompt and key; of
    companies that are `mistaken` not the latter, which may follow from that."""
    known = spoken_words()
    yield from _unheard_keys(configuration, mistaken, known)
    nameless, promised = dict[str, None](), dict[tuple[str, str, str], None]()
    for line in configuration.lines:
        if line.controller.refused:
            continue
        for version, language, prompt in _prompts(line):
            text, is_shipped = _words(prompt, known)
            if is_shipped:
                nameless[line.controller.id] = None
            if line.controller.id in mistaken:
                continue
            for key in sorted(named_keys(text, language) - _working_keys(line, version, language)):
                promised[line.number, prompt.path, key] = None
    for name in nameless:
        said = Text(
            "{id} plays recordings that are shipped with informativa: they name no company, so nobody tells"
            " its callers who is responsible for their data (GDPR 13(1)(a))",
            id=name,
        )
        of = ("--controller", name, "--site", "SITE", "-c", configuration.file)
        yield warning(said, command("informativa", "prompts", "build", *of))
    for number, path, key in promised:
        said = Text("{file} names the key {key}, which does nothing on the line {number}")
        fix = Text(
            "Give the line that key (`keys:`) and the notice a full text, or record it without the key."
        )
        yield warning(said.format(file=path, key=key, number=number), fix)


def _unheard_keys(
    configuration: Configuration, mistaken: Container[str], known: Mapping[str, str]
) -> Iterator[Finding]:
    """Find the prompts that name a key and are played where none is heard, each once: by the dialplan alone,
    and on lines that nobody configured."""
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
            if prompt and (keys := named_keys(_words(prompt, known)[0], line.language)):
                build = _build_without_keys(configuration, line.controller, notice, version)
                prompts.setdefault(prompt.path, (", ".join(sorted(keys)), build))
    for path, (named, build) in prompts.items():
        yield warning(finding.format(file=path, key=named), build)
    fallback = configuration.fallback
    if fallback and (keys := named_keys(_words(fallback, known)[0])):
        finding = Text("{file} (fallback_prompt) names the key {key}, and no key is heard when it is played")
        fix = _other_fallback(configuration, fallback)
        yield warning(finding.format(file=fallback.path, key=", ".join(sorted(keys))), fix)


def _other_fallback(configuration: Configuration, fallback: Prompt) -> Text:
    """A prompt that names no key, to be the `fallback_prompt`: the one beside it, or what makes one."""
    beside = f"{fallback.path}-nokey"
    if installed(beside):
        path = PromptStore(configuration.folder).relative(Path(beside))
        return Text("Write instead: fallback_prompt: {path}", path=path)
    owners = configuration.controllers.values()
    owner = next((one for one in owners if one.name == configuration.operator), next(iter(owners)))
    notice = configuration.notices[owner.id][0]
    build = _build_without_keys(configuration, owner, notice, notice.versions[-1])
    return Text("Type: {command}. Then write that prompt as `fallback_prompt`.", command=build)


def _build_without_keys(
    configuration: Configuration, owner: Controller, notice: Notice, version: Version
) -> str:
    """A command that speaks a version's short notice in words that name no key."""
    return command(
        "informativa", "prompts", "build", "--part", "short-nokey", "--controller", owner.id,
        "--notice", notice.id, "--version", version.id, "--site", "SITE", "-c", configuration.file,
    )  # fmt: skip


def _prompts(line: Line) -> Iterator[tuple[Version, str, Prompt]]:
    """The short prompts of a line, with and without keys, of the versions that are in force and to come, each
    with its language."""
    for _notice, version in _versions(line):
        for language, prompt in (*version.short.items(), *version.short_nokey.items()):
            yield version, language, prompt


def _versions(line: Line) -> Iterator[tuple[Notice, Version]]:
    """The versions of the line's notices that are in force and to come."""
    now = datetime.now(UTC)
    for step in line.plan:
        versions = step.notice.versions
        yield from ((step.notice, one) for one in versions[versions.index(step.notice.current(now)) :])


def _working_keys(line: Line, version: Version, language: str) -> frozenset[str]:
    """The keys that do something while that version is played."""
    full = line.keys.full if spoken(language, version.full) else ""
    return frozenset({full, line.keys.repeat, line.keys.skip})


def _words(prompt: Prompt, known: Mapping[str, str]) -> tuple[str, bool]:
    """The words that lie beside a recording, else those that it is `known` by; and whether it is known."""
    text = ""
    with suppress(OSError):
        text = known.get(hashlib.sha256(read(Path(f"{prompt.path}.wav"), LARGEST)).hexdigest(), "")
    is_shipped = bool(text)
    with suppress(OSError):
        text = read(Path(f"{prompt.path}.txt"), LARGEST_TEXT).decode("utf-8", "replace") or text
    return text, is_shipped
