"""How each controller of a configuration stands: live, or why not; its lines, and what was recorded."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from .. import storage
from ..config import Configuration
from ..errors import LedgerError
from ..model import Controller, Line
from ..text import NOTHING, Foreign, Text, plain


@dataclass(frozen=True)
class ControllerState:
    """One controller. `newest` is the number of its newest record, 0 where there is none yet; `records` is
    how many there are, `None` where nobody counted. Both are `None` where `error` says why its ledger cannot
    be read."""

    controller: Controller
    lines: tuple[Line, ...]
    newest: int | None
    records: int | None
    error: Text = NOTHING

    @property
    def processor(self) -> str:
        """Who takes its calls, where it is not the controller itself."""
        return self.controller.outsourcing.processor if self.controller.outsourcing else ""


def states(configuration: Configuration, *, counted: bool = True) -> tuple[ControllerState, ...]:
    """Of all controllers, in the order of the configuration. To count records the whole ledger is read."""
    return tuple(_state(each, configuration, counted) for each in configuration.controllers.values())


def lines_of(controller: Controller, configuration: Configuration) -> tuple[Line, ...]:
    """The lines of one controller."""
    return tuple(line for line in configuration.lines if line.controller.id == controller.id)


def not_live(configuration: Configuration) -> list[Text]:
    """Of each controller that may not go live, that it is not, why, and what its callers get."""
    message = Text(
        "{name} ({id}) is not live, so its callers hear the notice on every call, unrecorded: {why}"
    )
    return [
        message.format(name=each.name, id=each.id, why=each.refused)
        for each in configuration.controllers.values()
        if each.refused
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
    if not Path(controller.ledger).exists():
        return 0, 0
    store = storage.store(controller, read_only=True)
    try:
        return store.newest(), store.count() if counted else None
    finally:
        store.close()
