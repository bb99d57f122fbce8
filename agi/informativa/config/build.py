"""The way from informativa.yaml to the frozen objects that calls are answered with.

All mistakes are found at once: the shape (pydantic), then references to something else, then the files (keys
and their modes, prompts and their lengths). Relative paths start at the file's folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..model.errors import ConfigError, ConfigProblem
from ..model.hashing import sha256
from ..model.text import Text
from . import document as documents
from . import looks, parsed_cache, partial
from .builder import Builder
from .configuration import Configuration
from .findings import Findings, in_order
from .looks import Looks
from .one_call import examine_text, settings_of_call

if TYPE_CHECKING:
    from .schema import Settings

_SAFE = re.compile(r"[\w ./+@=~-]+")  # as `File` in schema.py


def load(file: Path, *, keep: bool = False) -> Configuration:
    """Read and check everything that `file` names. Raises ConfigError with all problems found.

    With `keep` the parsed text is cached for scripts, which start in half the time then.
    """
    configuration, problems = inspect(file, keep=keep)
    if problems:
        raise ConfigError(problems)
    return configuration


def load_usable(file: Path, text: str | None = None, *, keep: bool = False) -> Configuration:
    """Read and check like `load` for what all companies share, as units and the dialplan are: one company's
    mistakes stop no other's (I10). Companies with mistakes are not live, and `mistaken` names them. A `text`
    takes the place of the file's. Raises ConfigError with all problems for one that is no company's alone,
    and where every company has one."""
    configuration, problems = inspect_text(file, documents.read(file) if text is None else text, keep=keep)
    of_parts, _hooks = partial.without_hooks(problems)
    mistaken, shared = partial.by_company(of_parts, configuration.controllers, configuration.owners)
    if shared or partial.stops_service(mistaken, shared, configuration.controllers):
        raise ConfigError(problems)
    return partial.refusing(configuration, mistaken)


def inspect(file: Path, *, keep: bool = False) -> tuple[Configuration, tuple[ConfigProblem, ...]]:
    """Read and check like `load`, for callers who want to go on: parts with a problem are left out. Nobody
    waits for a prompt that cannot be read. Raises ConfigError for a file that holds no settings at all."""
    return inspect_text(file, documents.read(file), keep=keep)


def inspect_text(
    file: Path, text: str, *, keep: bool = False
) -> tuple[Configuration, tuple[ConfigProblem, ...]]:
    """Check like `inspect` a text that `file` has, or may get."""
    cached = parsed_cache.recall(file, text)
    document, settings, spellings = cached or (*_parsed(file, text), None)
    findings, folder = _start_findings(file, document, Looks(looks.LOOK_SECONDS))
    if not text.endswith("\n"):
        message = Text(
            "the last line has no line break: as if it was cut off, so no running service loads it anew"
        )
        findings.warnings.append(
            ConfigProblem(str(file), text.count("\n") + 1, "", message, Text("save it with one"))
        )
    misshapen = partial.invalid_controllers(document)  # before anything that it names is looked at
    builder = Builder(findings, settings, folder, spellings)
    configuration = builder.build(digest(text), digest(os.path.realpath(str(file))))
    if builder.problems:
        configuration = replace(configuration, invalid_controllers=misshapen, owners=_owners(document))
    if keep and not cached and not builder.problems:
        spellings = {spelling: line.number for spelling, line in configuration.spelled.items()}
        configuration = _with_cache_warning(
            configuration, parsed_cache.store(file, text, document, settings, spellings)
        )
    return configuration, builder.problems


def for_call(file: Path, called: str) -> tuple[Configuration, tuple[ConfigProblem, ...]]:
    """Return the part by which a call to that number is answered, and the problems, for a script. Of the
    files that the configuration names only those of the line's company are read (I10), and a script bounds
    itself. Raises ConfigError for a file that holds no settings at all."""
    text = documents.read(file)
    cached = parsed_cache.recall(file, text)
    document, settings, spellings = cached or (*_parsed(file, text), None)
    findings, folder = _start_findings(file, document, Looks(None))
    if spellings is None:  # a cached text has no mistakes
        spellings = examine_text(settings, folder, findings)
    settings = settings_of_call(settings, spellings.get(called))
    builder = Builder(findings, settings, folder, spellings)
    return builder.for_calls(), builder.problems


def _start_findings(file: Path, document: documents.SourceDocument, patience: Looks) -> tuple[Findings, Path]:
    """Return findings that begin with the problems of the text, and the folder at which relative paths
    start."""
    folder = file.absolute().parent
    if not _SAFE.fullmatch(str(folder)):
        message = Text(
            "lies in {folder!r}, whose name Asterisk's dialplan would misread",
            "move it to a plainer one",
            folder=str(folder),
        )
        document.problems.append(ConfigProblem(str(file), None, "", message))
    return Findings(document, patience, document.problems), folder


def _owners(document: documents.SourceDocument) -> dict[str, str]:
    """Return the company that is named for each line, whatever else is wrong."""
    lines = document.data.get("lines") if isinstance(document.data, dict) else None
    named = lines.items() if isinstance(lines, dict) else ()
    owners = ((number, line.get("controller")) for number, line in named if isinstance(line, dict))
    return {number: owner for number, owner in owners if isinstance(owner, str)}


def _with_cache_warning(configuration: Configuration, refused: Text) -> Configuration:
    """Return the configuration with a warning if its text could not be cached for scripts."""
    if not refused:
        return configuration
    message = Text(
        "every script works this out anew, which takes it twice its time: a defect of informativa ({error})",
        "please report it",
        error=refused,
    )
    defect = ConfigProblem(str(configuration.file), None, "", message)
    return replace(configuration, warnings=(*configuration.warnings, defect))


def unusable(file: Path) -> tuple[Path, Text]:
    """Return the place where the parsed `file` is cached for scripts, and the reason why they cannot use it,
    if any. Raises ConfigError."""
    return parsed_cache.cache_file(file), parsed_cache.refusal(file, documents.read(file))


def draft(file: Path) -> tuple[documents.SourceDocument, Settings]:
    """Return the content of `file`, before any file that it names is read. Raises ConfigError."""
    document, settings = _parsed(file, documents.read(file))
    if document.problems:
        raise ConfigError(in_order(document.problems))
    return document, settings


def _parsed(file: Path, text: str) -> tuple[documents.SourceDocument, Settings]:
    """Return the document, in which all problems are noted, and the settings that are in shape."""
    from . import shape  # not for a script: see parsed_cache.py

    document = documents.parse(file, text)
    return document, shape.settings(document)


def digest(text: str) -> str:
    """Return the digest of a text, 16 hexadecimal digits."""
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
