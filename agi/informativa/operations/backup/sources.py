"""The files of an installation that a backup has: by the configuration, and beside the ledgers."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from ...config import Configuration
from ...config.build import draft
from ...config.controllers import RETIRED
from ...evidence.log_folder import LogFolder
from ...evidence.origin import log_folder
from ...model import Version, prompts_by_part
from .manifest import FilePart

Item = TypeVar("Item")


@dataclass(frozen=True)
class SourceFile:
    """A file that belongs into a backup, its part and its company; `None` if it is of all."""

    file: Path
    part: FilePart
    controller: str | None = None


def configuration_files(
    configuration: Configuration, names: Iterable[str], *, all_of_it: bool
) -> list[SourceFile]:
    """Return the prompts of these companies and, with `all_of_it`, the configuration and what is of all."""
    prompts = [
        SourceFile(file, FilePart.PROMPT, name)
        for name in names
        for file in sorted(
            {
                file
                for notice in configuration.wordings(name)
                for version in notice.versions
                for path in _prompts(version)
                for file in _formats(path)
            }
        )
    ]
    if not all_of_it:
        return prompts
    web = configuration.web
    certificates = [
        web.certificate,
    ]
    fallback = _formats(configuration.fallback.path) if configuration.fallback else []
    files = [configuration.file.absolute(), *(Path(name) for name in certificates if name), *fallback]
    return [*(SourceFile(file, FilePart.CONFIGURATION) for file in files), *prompts]


def log_files(ledger: Path) -> list[Path]:
    """Return the published files of a ledger's log, each checkpoint before the tiles that it needs."""
    folder = log_folder(ledger)
    files = [
        file
        for epoch in LogFolder(ledger).epochs()
        for file in (folder / str(epoch)).rglob("*")
        if file.is_file() and not file.name.startswith(".")
    ]
    return sorted(files, key=lambda file: (file.name != "checkpoint", "tile" in file.parts, file))


def private_lists(ledger: Path) -> list[Path]:
    """Return the private lists of erasures beside a ledger."""
    log = LogFolder(ledger)
    return [log.private_file(epoch, index) for epoch, index in log.private_lists()]


def secrets(configuration: Configuration, names: Iterable[str], *, all_of_it: bool) -> bytes:
    """Return the secrets of these companies, and with `all_of_it` those of all, by their path from the
    configuration's folder on. The signing keys of logs are never among them: a log that an older state of its
    key signs would be forked. Raises ConfigError."""
    settings, folder = draft(configuration.file)[1], configuration.folder
    paths: list[str | None] = []
    for section in (settings.controllers[name] for name in names):
        paths += [section.key, section.hook.secret if section.hook else None]
        paths += [path for lookup in section.lookups.values() for path in (lookup.token, lookup.connect)]
    if all_of_it:
        paths += [settings.service.token, settings.web.key, f"{settings.web.folder}/accounts.json"]
        paths += [settings.manager.secret if settings.manager else None]
    files = {file for path in paths if path for file in _with_retired(folder / path)}
    content = {}
    for file in sorted(files):
        if file.is_relative_to(folder):
            with suppress(FileNotFoundError):
                content[str(file.relative_to(folder))] = base64.b64encode(file.read_bytes()).decode()
    return json.dumps(content).encode()


def parse_secrets(data: bytes) -> dict[str, bytes]:
    """Parse what `secrets` returned."""
    return {path: base64.b64decode(content) for path, content in json.loads(data).items()}


def _with_retired(file: Path) -> list[Path]:
    return [file, *file.parent.glob(f"{file.name}{RETIRED}*")]


def _prompts(version: Version) -> Iterator[str]:
    parts = (version.short, version.short_nokey, version.full, version.supplements, version.withdraw)
    return (prompt.path for _part, _language, prompt in prompts_by_part(*parts))


def _formats(prompt: str) -> list[Path]:
    """Return all files of a prompt: one for each format, and its text."""
    path = Path(prompt)
    return sorted(
        file for file in path.parent.glob(f"{path.name}.*") if file.stem == path.name and file.is_file()
    )
