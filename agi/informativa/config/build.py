"""From informativa.yaml to the frozen objects that calls are answered with.

Everything wrong is found in one go: the shape (pydantic), then what refers to something else, then
the files (keys and their modes, prompts and their lengths). Relative paths start at the file's folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, Problem
from ..hashing import sha256
from ..text import Text
from . import document as documents
from . import formats, looks, parsed_cache, partial
from .builder import Builder
from .configuration import Configuration
from .findings import Findings, in_order
from .looks import Looks
from .one_call import examine_text, narrowed

if TYPE_CHECKING:
    from .schema import Settings

_SAFE = re.compile(r"[\w ./+@=~-]+")  # as `File` in schema.py


def load(file: Path, *, keep: bool = False) -> Configuration:
    """Read and check everything that `file` names. Raises ConfigError with all problems found.

    With `keep` what its text came to is kept for scripts, which start in half the time then.
    """
    configuration, problems = inspect(file, keep=keep)
    if problems:
        raise ConfigError(problems)
    return configuration


def inspect(file: Path, *, keep: bool = False) -> tuple[Configuration, tuple[Problem, ...]]:
    """The same for callers who want to go on: what has a problem is left out. Nobody waits for a prompt that
    cannot be read. Raises ConfigError for a file that holds no settings at all."""
    text = documents.read(file)
    recalled = parsed_cache.recall(file, text)
    document, settings, spellings = recalled or (*_shaped(file, text), None)
    findings, folder = _begun(file, document, Looks(looks.LOOK_SECONDS))
    if not text.endswith("\n"):
        message = Text(
            "the last line has no line break: as if it was cut off, so no running service loads it anew"
        )
        findings.warnings.append(
            Problem(str(file), text.count("\n") + 1, "", message, Text("save it with one"))
        )
    misshapen = partial.misshapen(document)  # before anything that it names is looked at
    builder = Builder(findings, settings, folder, spellings)
    built = builder.build(_digest(text), _digest(os.path.realpath(str(file))))
    if builder.problems:
        built = replace(built, misshapen=misshapen, owners=_owners(document))
    if keep and not recalled and not builder.problems:
        spellings = {spelling: line.number for spelling, line in built.spelled.items()}
        built = _kept(built, parsed_cache.keep(file, text, document, settings, spellings))
    return built, builder.problems


def for_call(file: Path, called: str) -> tuple[Configuration, tuple[Problem, ...]]:
    """The part by which a call to that number is answered, and the problems, for a script: of what the file
    names only what belongs to the line's company is looked at (I10), and a script bounds itself. Raises
    ConfigError for a file that holds no settings at all."""
    text = documents.read(file)
    recalled = parsed_cache.recall(file, text)
    document, settings, spellings = recalled or (*_shaped(file, text), None)
    findings, folder = _begun(file, document, Looks(None))
    if spellings is None:  # else the whole was without mistakes
        spellings = examine_text(settings, folder, findings)
    settings = narrowed(settings, spellings.get(called))
    builder = Builder(findings, settings, folder, spellings)
    return builder.for_calls(), builder.problems


def _begun(file: Path, document: documents.Document, patience: Looks) -> tuple[Findings, Path]:
    """Begin the findings with the problems of the text; give the folder too at which relative paths start."""
    folder = file.absolute().parent
    if not _SAFE.fullmatch(str(folder)):
        message = Text(
            "lies in {folder!r}, whose name Asterisk's dialplan would misread",
            "move it to a plainer one",
            folder=str(folder),
        )
        document.problems.append(Problem(str(file), None, "", message))
    return Findings(document, patience, document.problems), folder


def _owners(document: documents.Document) -> dict[str, str]:
    """By line, the company that is named for it, whatever else is wrong."""
    lines = document.data.get("lines") if isinstance(document.data, dict) else None
    named = lines.items() if isinstance(lines, dict) else ()
    owners = ((number, line.get("controller")) for number, line in named if isinstance(line, dict))
    return {number: owner for number, owner in owners if isinstance(owner, str)}


def _kept(configuration: Configuration, refused: Text) -> Configuration:
    """The same, which is kept for scripts; with a warning where that was refused."""
    if not refused:
        return configuration
    message = Text(
        "every script works this out anew, which takes it twice its time: a defect of informativa ({error})",
        "please report it",
        error=refused,
    )
    defect = Problem(str(configuration.file), None, "", message)
    return replace(configuration, warnings=(*configuration.warnings, defect))


def unusable(file: Path) -> tuple[Path, Text]:
    """Where what `file` comes to is kept for scripts, and why they cannot use it, if so. Raises
    ConfigError."""
    return parsed_cache.cache_file(file), parsed_cache.refusal(file, documents.read(file))


def draft(file: Path) -> tuple[documents.Document, Settings]:
    """What `file` says, before anything that it names is looked at. Raises ConfigError."""
    document, settings = _shaped(file, documents.read(file))
    if document.problems:
        raise ConfigError(in_order(document.problems))
    return document, settings


def _shaped(file: Path, text: str) -> tuple[documents.Document, Settings]:
    """What is in shape, and the document, in which all else is noted."""
    from . import shape  # not for a script: see parsed_cache.py

    document = documents.parse(file, text)
    formats.refuse_newer(document)
    return document, shape.settings(document)


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
