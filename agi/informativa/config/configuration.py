"""The configuration for calls and commands: frozen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from functools import cached_property
from pathlib import Path

from ..evidence.settings import EvidenceConfig
from ..model import (
    BackupPlan,
    Choice,
    Controller,
    Line,
    ManagerAccount,
    Notice,
    Prompt,
    WebServer,
)
from ..model.errors import ConfigProblem
from ..model.frozen import dataclass
from ..model.text import Text


@dataclass(frozen=True)
class Configuration:
    """A configuration that was checked and built, from which `serve` and the script work.

    `notices` are by controller; `recordings` are the SHA-256 that each company's sound files must have to be
    played, once they were examined. `refused` are the problems of controllers that may not go live, while the
    others do; `warnings` are for the admin to read, and stop nothing. `digest` identifies the file's text,
    `path_digest` the file. `invalid_controllers` have mistakes in their own section: their objects may be
    shown, and are used for nothing else.
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
    refused: tuple[ConfigProblem, ...] = ()
    warnings: tuple[ConfigProblem, ...] = ()
    digest: str = ""
    path_digest: str = ""
    recordings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    """The secrets by which Asterisk is known, the current one first; empty where every peer is believed."""
    hook_mistakes: tuple[ConfigProblem, ...] = ()
    """Mistakes in the hooks of companies that are served all the same."""
    unplayable: tuple[ConfigProblem, ...] = ()
    """Problems of prompts that are therefore not played, once they were examined."""
    invalid_controllers: tuple[str, ...] = ()
    stalled: tuple[str, ...] = ()
    """Companies with a file that does not answer, as on a network folder that has stalled, or that could not
    be built."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """The company that the file names for each line, where the file has mistakes."""
    mistaken: Mapping[str, tuple[ConfigProblem, ...]] = field(default_factory=dict)
    """The mistakes in each company's part of a file that is used for the others."""
    unanswered: Mapping[str, Text] = field(default_factory=dict)
    """The reasons why calls are left to the dialplan, by called number: its company has such mistakes."""
    evidence: EvidenceConfig = field(default_factory=EvidenceConfig)
    choices: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    """The choices of controllers that have some."""
    web: WebServer = field(default_factory=WebServer)
    backup: BackupPlan | None = None
    """The backups of this installation; `None` if the file names no folder for them."""

    def with_controllers(self, controllers: Mapping[str, Controller]) -> Configuration:
        """Return the configuration with these controllers of the same names, on its lines, too."""
        lines = {
            line.number: replace(line, controller=controllers[line.controller.id]) for line in self.lines
        }
        spelled = {
            spelling: lines[line.number] for spelling, line in self.spelled.items() if line.number in lines
        }
        return replace(self, controllers=controllers, lines=tuple(lines.values()), spelled=spelled)

    def wordings(self, controller: str) -> tuple[Notice, ...]:
        """Return all that a controller has prompts of: its notices, and the wordings of its choices."""
        return (*self.notices[controller], *(choice.wording for choice in self.choices.get(controller, ())))

    @cached_property
    def lines_by_controller(self) -> Mapping[str, Sequence[Line]]:
        """The lines of each controller: looked for one after the other, those of 300 are 90,000."""
        lines: dict[str, list[Line]] = {name: [] for name in self.controllers}
        for line in self.lines:
            lines.setdefault(line.controller.id, []).append(line)
        return lines

    def in_shape(self) -> list[Controller]:
        """Return the controllers whose section has no mistakes."""
        return [
            controller
            for name, controller in self.controllers.items()
            if name not in self.invalid_controllers
        ]

    def answering(self) -> list[Controller]:
        """Return the controllers whose files answer."""
        return [controller for name, controller in self.controllers.items() if name not in self.stalled]

    @property
    def listen(self) -> str:
        """Return the service's address and port."""
        return f"{self.host}:{self.port}"
