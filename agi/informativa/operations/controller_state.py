"""State of each controller of a configuration: live or not, its lines, and its records."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from ..config import Configuration
from ..model import Controller, Line
from ..model.errors import InformativaError
from ..model.text import NOTHING, Foreign, Text, plain
from ..process.storage import existing_ledger
from .document import OptionalSentence


@dataclass(frozen=True)
class ControllerState:
    """The state of one controller."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The controller's full name."""
    live: bool
    """True if calls are put on record for it."""
    why: OptionalSentence
    """The reason why it is not live; null where it is."""
    lines: tuple[str, ...]
    """The called numbers."""
    processor: str | None
    """The company that takes its calls, where it is not the controller itself."""
    ledger: str
    """The ledger's file."""
    records: int | None
    """Number of records; null where it cannot be read."""
    error: OptionalSentence
    """The reason why it cannot be read; null where it can."""
    newest: Annotated[int | None, Field(exclude=True)] = None
    """The number of the newest record, 0 where there is none; `None` where the ledger cannot be read."""


@dataclass(frozen=True)
class Controllers:
    """All controllers of the configuration."""

    controllers: tuple[ControllerState, ...]


def states(configuration: Configuration, *, counted: bool = True) -> Controllers:
    """Return the state of all controllers, in the order of the configuration. With `counted` the whole of
    each ledger is read."""
    return Controllers(
        tuple(_state(controller, configuration, counted) for controller in configuration.controllers.values())
    )


def lines_of(controller: Controller, configuration: Configuration) -> tuple[Line, ...]:
    """Return the lines of one controller."""
    return tuple(configuration.lines_by_controller[controller.id])


def not_live(configuration: Configuration) -> list[Text]:
    """Return a warning for each controller that may not go live: why, and what its callers hear."""
    message = Text(
        "{name} ({id}) is not live, so its callers hear the notice on every call, unrecorded: {why}"
    )
    warnings = [
        message.format(name=controller.name, id=controller.id, why=controller.refused)
        for controller in configuration.controllers.values()
        if controller.refused and controller.id not in configuration.mistaken
    ]
    return [*warnings, *left_out(configuration)]


def left_out(configuration: Configuration) -> list[Text]:
    """Return a warning for each controller whose part of the configuration has mistakes, with the first."""
    message = Text("{id} is left out until this is mended; then type the same again: {mistake}")
    return [
        message.format(id=name, mistake=problems[0].text) for name, problems in configuration.mistaken.items()
    ]


def _state(controller: Controller, configuration: Configuration, counted: bool) -> ControllerState:
    newest, records, error = None, None, NOTHING
    try:
        newest, records = _records(controller, counted)
    except InformativaError as ledger_error:
        error = ledger_error.text
    except (OSError, sqlite3.Error) as system_error:
        error = plain(Foreign(system_error))
    return ControllerState(
        controller=controller.id,
        # Of a company that has not its shape the name may be missing.
        name=controller.id if controller.id in configuration.invalid_controllers else controller.name,
        live=not controller.refused,
        why=controller.refused,
        lines=tuple(line.number for line in lines_of(controller, configuration)),
        processor=controller.outsourcing.processor if controller.outsourcing else None,
        ledger=controller.ledger,
        records=records,
        error=error,
        newest=newest,
    )


def _records(controller: Controller, counted: bool) -> tuple[int, int | None]:
    with existing_ledger(controller) as ledger:
        if ledger is None:
            return 0, 0
        return ledger.newest(), ledger.count() if counted else None
