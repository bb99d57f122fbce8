"""A box that joins: it takes in what the others told before it takes calls."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from ..config import Configuration
from ..model import Controller
from ..process import bootstrap, storage
from .boxes import FailedCompany, shared

Progress = Callable[[str, int, int], None]
"""Called after each page with a box, the number of its last record taken in, and the number of its newest."""


@dataclass(frozen=True)
class JoinedController:
    """The records of other boxes that a box took in for one company."""

    controller: str
    """The controller's name in the configuration."""
    records: int
    """The number of records that it did not have before."""
    boxes: int
    """The number of other boxes."""


@dataclass(frozen=True)
class Joined:
    """The records of other boxes that a box took in."""

    controllers: tuple[JoinedController, ...]
    failed: tuple[FailedCompany, ...]
    """The companies that are missing there."""


def join(
    configuration: Configuration, controller: Controller, progress: Progress = lambda _box, _at, _of: None
) -> JoinedController:
    """Take in all deliveries that other boxes have on record, before this box takes calls. After an
    interruption it continues. Raises SharedDatabaseError and LedgerError."""
    from ..sharing.connection import connect
    from ..sharing.exchange import Exchange

    database = shared(configuration)
    connection = connect(database, controller.id)
    try:
        store = storage.store(controller)
        about = bootstrap.about_box(configuration, controller)
        exchange = Exchange(
            store, connection, database.of(controller.id), controller.id, about, controller.keys
        )
    except BaseException:
        connection.close()
        raise
    with closing(exchange):
        while exchange.erase():
            pass
        records = exchange.receive(seen=controller.recycled_after is not None, alone=True, progress=progress)
        return JoinedController(controller.id, records, exchange.others)
