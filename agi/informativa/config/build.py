"""From informativa.yaml to the frozen objects that calls are answered with.

Everything wrong is found in one go: the shape (pydantic), then what refers to something else, then
the files (keys and their modes, prompts and their lengths). Relative paths start at the file's folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, Problem
from ..evidence.settings import EvidenceSettings
from ..frozen import dataclass
from ..hashing import sha256
from ..model import Controller, Line, ManagerAccount, Notice, Prompt, SharedDatabase, WebServer
from ..text import Text
from . import deprecations, formats, parsed_cache, partial
from . import document as documents
from .controllers import Controllers
from .endpoints import Endpoints
from .evidence import Evidence
from .findings import Findings, in_order
from .lines import Lines
from .notices import Notices
from .shared import shared
from .web import web

if TYPE_CHECKING:
    from .schema import ManagerSettings, Settings

_SAFE = re.compile(r"[\w ./+@=~-]+")  # as `File` in schema.py


@dataclass(frozen=True)
class Configuration:
    """What `serve` and the script work from.

    `notices` are by controller; `recordings` are the SHA-256 that each company's sound files must have to
    be played, once they were looked at. `refused` are the problems of controllers that may not go live,
    while the others do; `warnings` are for the admin to read, and stop nothing. `digest` tells the file's
    text from another, `path_digest` the file. `misshapen` are controllers with mistakes in their own
    section: what is built of them is there to be looked at, and nothing is done with it.
    """

    file: Path
    folder: Path
    host: str
    port: int
    sessions: int
    drain: float
    controllers: Mapping[str, Controller]
    key_files: Mapping[str, str]
    notices: Mapping[str, tuple[Notice, ...]]
    lines: tuple[Line, ...]
    spelled: Mapping[str, Line]
    fallback: Prompt | None
    operator: str = ""
    manager: ManagerAccount | None = None
    metrics: str = ""
    elsewhere: str = ""
    refused: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    digest: str = ""
    path_digest: str = ""
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """By which Asterisk is known, the current one first; empty where whoever connects is believed."""
    unplayable: tuple[Problem, ...] = ()
    """Problems of prompts that are therefore not played, once they were looked at."""
    misshapen: tuple[str, ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    """By line, the company that the file names for it, where the file has mistakes."""
    mistaken: Mapping[str, tuple[Problem, ...]] = field(default_factory=dict)
    """By company, the mistakes in its part of a file that is taken for the others."""
    unanswered: Mapping[str, Text] = field(default_factory=dict)
    """By called number, why its calls are left to the dialplan: a line of a company with such mistakes."""
    format: int = formats.FIRST
    """Of which format the file is; see formats.py."""
    evidence: EvidenceSettings = field(default_factory=EvidenceSettings)
    shared: SharedDatabase | None = None
    web: WebServer = field(default_factory=WebServer)

    def in_shape(self) -> list[Controller]:
        """The controllers whose section has no mistakes."""
        return [one for name, one in self.controllers.items() if name not in self.misshapen]

    @property
    def listen(self) -> str:
        """The service's address and port."""
        return f"{self.host}:{self.port}"


def load(file: Path, *, keep: bool = False) -> Configuration:
    """Read and check everything that `file` names. Raises ConfigError with all problems found.

    With `keep` what its text came to is kept for scripts, which start in half the time then.
    """
    configuration, problems = inspect(file, keep=keep)
    if problems:
        raise ConfigError(problems)
    return configuration


def inspect(
    file: Path, *, keep: bool = False, bounded: bool = True
) -> tuple[Configuration, tuple[Problem, ...]]:
    """The same for callers who want to go on: what has a problem is left out. Nobody waits for a prompt that
    cannot be read, if that is `bounded`; a script bounds itself. Raises ConfigError for a file that holds no
    settings at all."""
    text = documents.read(file)
    known = parsed_cache.recall(file, text)
    document, settings, spellings = known or (*_shaped(file, text), None)
    folder = file.absolute().parent
    if not _SAFE.fullmatch(str(folder)):
        message = Text(
            "lies in {folder!r}, whose name Asterisk's dialplan would misread",
            "move it to a plainer one",
            folder=str(folder),
        )
        document.problems.append(Problem(str(file), None, "", message))
    found = Findings(document)
    if not text.endswith("\n"):
        message = Text(
            "the last line has no line break: as if it was cut off, so no running service loads it anew"
        )
        found.warnings.append(Problem(str(file), text.count("\n") + 1, "", message, Text("save it with one")))
    misshapen = partial.misshapen(document)  # before anything that it names is looked at
    builder = _Builder(found, settings, folder, spellings, bounded=bounded)
    built = builder.build(_digest(text), _digest(os.path.realpath(str(file))))
    if builder.problems:
        built = replace(built, misshapen=misshapen, owners=_owners(document))
    if keep and not known and not builder.problems:
        spellings = {spelling: line.number for spelling, line in built.spelled.items()}
        built = _kept(built, parsed_cache.keep(file, text, document, settings, spellings))
    return built, builder.problems


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


def _as_known(lines: tuple[Line, ...], spellings: parsed_cache.Spellings) -> dict[str, Line]:
    by_number = {line.number: line for line in lines}
    return {each: by_number[number] for each, number in spellings.items() if number in by_number}


def _digest(text: str) -> str:
    return sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


class _Builder:
    """Builds the objects and notes what is wrong on the way. `spellings` of called numbers may be known."""

    def __init__(
        self,
        found: Findings,
        settings: Settings,
        folder: Path,
        spellings: parsed_cache.Spellings | None,
        *,
        bounded: bool,
    ) -> None:
        self._bounded = bounded
        self._settings = settings
        self._folder = folder
        self._found = found
        self._spellings = spellings

    def build(self, digest: str, path_digest: str) -> Configuration:
        settings = self._settings
        notices = Notices(settings, self._folder, self._found, bounded=self._bounded)
        notices_of = notices.build()
        controllers = Controllers(settings, self._folder, self._found).build()
        lines = Lines(settings, controllers, notices_of, self._found)
        built = lines.build()
        spelled = lines.spelled(built) if self._spellings is None else _as_known(built, self._spellings)
        fallback = None
        if settings.fallback_prompt is not None:
            fallback = notices.prompt(settings.fallback_prompt, ("fallback_prompt",))
        else:
            message = Text("without it, calls to numbers that are not listed here hear nothing")
            self._found.warn(("fallback_prompt",), message)
        manager = self._manager(settings.manager) if settings.manager else None
        tokens = Endpoints(settings.service, self._folder, self._found).tokens()
        evidence = Evidence(settings, self._folder, self._found).build()
        deprecations.tell(settings, self._found)
        host, port = settings.service.listen.rsplit(":", 1)
        return Configuration(
            file=self._found.file,
            format=settings.format,
            folder=self._folder,
            host=host,
            port=int(port),
            sessions=settings.service.sessions,
            drain=settings.service.drain,
            controllers=controllers,
            key_files={name: given.key for name, given in settings.controllers.items()},
            notices={name: tuple(own.values()) for name, own in notices_of.items()},
            lines=built,
            spelled=spelled,
            fallback=fallback,
            operator=settings.operator,
            manager=manager,
            metrics=settings.service.metrics or "",
            elsewhere=settings.service.elsewhere or "",
            refused=in_order(self._found.refused),
            warnings=in_order(self._found.warnings),
            digest=digest,
            path_digest=path_digest,
            tokens=tokens,
            evidence=evidence,
            shared=shared(settings.shared, self._folder, self._found) if settings.shared else None,
            web=web(settings.web, self._folder, self._found),
        )

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong, so far."""
        return in_order(self._found.problems)

    def _manager(self, given: ManagerSettings) -> ManagerAccount:
        file, path = self._folder / given.secret, ("manager", "secret")
        absent = Text("there is no file {file}", "put the user's secret there, then type: {private}")
        secret = self._found.secret(file, path, absent.format(file=file, private=self._found.private(file)))
        host, port = given.address.rsplit(":", 1)
        return ManagerAccount(host, int(port), given.user, (secret or "").strip())
