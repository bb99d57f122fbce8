"""State of each controller of a configuration: live or not, its lines, and its records."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from ..config import Configuration
from ..errors import LedgerError
from ..model import Controller, Line
from ..text import NOTHING, Foreign, Text, plain
from .records import existing_ledger


@dataclass(frozen=True)
class ControllerState:
    """One controller with its lines and its ledger."""

    controller: Controller
    lines: tuple[Line, ...]
    newest: int | None
    """The number of the newest record, 0 where there is none; `None` where the ledger cannot be read."""
    records: int | None
    """The number of records; `None` where they were not counted or the ledger cannot be read."""
    error: Text = NOTHING
    """The reason why the ledger cannot be read; empty where it can."""

    @property
    def processor(self) -> str:
        """Return who takes the controller's calls, '' where it is the controller itself."""
        return self.controller.outsourcing.processor if self.controller.outsourcing else ""


def states(configuration: Configuration, *, counted: bool = True) -> tuple[ControllerState, ...]:
    """Return the state of all controllers, in the order of the configuration. With `counted` the whole of
    each ledger is read."""
    return tuple(
        _state(controller, configuration, counted) for controller in configuration.controllers.values()
    )


def lines_of(controller: Controller, configuration: Configuration) -> tuple[Line, ...]:
    """Return the lines of one controller."""
    return tuple(line for line in configuration.lines if line.controller.id == controller.id)


def not_live(configuration: Configuration) -> list[Text]:
    """Return a warning for each controller that may not go live: why, and what its callers hear."""
    message = Text(
        "{name} ({id}) is not live, so its callers hear the notice on every call, unrecorded: {why}"
    )
    return [
        message.format(name=controller.name, id=controller.id, why=controller.refused)
        for controller in configuration.controllers.values()
        if controller.refused
    ]


def _state(controller: Controller, configuration: Configuration, counted: bool) -> ControllerState:
    lines = lines_of(controller, configuration)
    try:
        return ControllerState(controller, lines, *_records(controller, counted))
    except LedgerError as error:
        return ControllerState(controller, lines, None, None, error.text)
    except (OSError, sqlite3.Error) as error:
        return ControllerState(controller, lines, None, None, plain(Foreign(error)))


def _records(controller: Controller, counted: bool) -> tuple[int, int | None]:
    with existing_ledger(controller, read_only=True) as ledger:
        if ledger is None:
            return 0, 0
        return ledger.newest(), ledger.count() if counted else None
