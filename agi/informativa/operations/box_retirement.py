"""`informativa boxes retire`: boxes that left for good."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from ..config import Configuration
from ..ledgers import boxes as ledger_boxes
from ..model import Controller
from ..model.errors import InformativaError, LedgerError
from ..model.text import Text
from ..process import storage
from . import boxes
from .boxes import FailedCompany


@dataclass(frozen=True)
class RetiredBox:
    """A box that left for good, or would."""

    controller: str
    """The controller's name in the configuration."""
    box: str
    """The name of the box."""
    recently: bool
    """True if it was heard of in the last minute."""


@dataclass(frozen=True)
class BoxesRetired:
    """A box that left for good, or would, of each company."""

    done: bool
    """True if it is done; else it is what would be done."""
    boxes: tuple[RetiredBox, ...]
    failed: tuple[FailedCompany, ...]
    """The companies that are missing there."""


def retire(configuration: Configuration, controller: Controller, name: str, *, really: bool) -> RetiredBox:
    """Retire a box: it left for good. This box's ledger remembers it, and tells a database that lost it.
    Raises InformativaError where there is no such box, and SharedDatabaseError."""
    from ..sharing import administration

    database = boxes.shared(configuration)
    state = administration.database_state(database, controller.id)
    active = {box.name: box for box in state.boxes if not box.retired}
    if name not in active:
        names = ", ".join(active) or "-"
        raise InformativaError(
            Text("There is no box {name}.", name=name),
            Text("There are: {known}.", known=names),
        )
    if really:
        identity = administration.retire(database, controller.id, name)
        if identity and name != database.box and Path(controller.ledger).exists():
            # Where this fails, the service does it when it connects the next time.
            with suppress(LedgerError), closing(storage.store(controller)) as store:
                ledger_boxes.store_retired(store, [(name, identity, None)])
    box = active[name]
    return RetiredBox(controller.id, name, box.has_joined and box.age < boxes.QUIET_SECONDS)
