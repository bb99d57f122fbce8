"""The configuration as calls and commands have it: frozen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from ..errors import Problem
from ..evidence.settings import EvidenceSettings
from ..frozen import dataclass
from ..model import Controller, Line, ManagerAccount, Notice, Prompt, SharedDatabase, WebServer
from ..text import Text
from . import formats


@dataclass(frozen=True)
class Configuration:
    """A configuration as it was checked and built, from which `serve` and the script work.

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
    stalled: tuple[str, ...] = ()
    """Companies of which a file does not answer, as on a network folder that has stalled, or nothing could be
    built."""
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

    def answering(self) -> list[Controller]:
        """The controllers whose files answer."""
        return [one for name, one in self.controllers.items() if name not in self.stalled]

    @property
    def listen(self) -> str:
        """The service's address and port."""
        return f"{self.host}:{self.port}"
