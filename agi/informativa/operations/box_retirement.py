"""`informativa boxes retire`: boxes that left for good."""

from __future__ import annotations

from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Configuration
from ..ledgers import boxes as ledger_boxes
from ..model import Controller, SharedDatabase
from ..model.errors import InformativaError, LedgerError, SharedDatabaseError
from ..model.text import Text, joined
from ..process import storage
from . import boxes
from .box_replacement import waiting_erasures
from .boxes import FailedCompany, still_works, was_heard

if TYPE_CHECKING:  # the driver is an extra, and the other commands must do without it
    from ..sharing.administration import RegisteredBox


@dataclass(frozen=True)
class RetiredBox:
    """A box that left for good, or would."""

    controller: str
    """The controller's name in the configuration."""
    box: str
    """The name of the box."""
    recently: bool
    """True if it was heard of in the last minute."""
    before: bool = False
    """True if it left before."""
    to_erase: int = 0
    """The number of callers whom it had still to erase."""
    waiting: tuple[str, ...] | None = ()
    """The instructions of erasures that it noted, and that wait for the controller's approval; null where its
    notes are not what it signed, so that nobody knows."""
    by: str | None = None
    """The box in whose log this is noted: this one; null if no log notes it, since this is the box itself, or
    has no ledger of the company."""
    noted: int | None = None
    """The number of the record by which that box notes it; null if it does so by itself when it connects the
    next time, within ten minutes."""

    @property
    def is_complete(self) -> bool:
        """Return whether no erasure of the box waits for an approval."""
        return self.waiting == ()


@dataclass(frozen=True)
class BoxesRetired:
    """A box that left for good, or would, of each company."""

    done: bool
    """True if it is done; else it is what would be done."""
    boxes: tuple[RetiredBox, ...]
    failed: tuple[FailedCompany, ...]
    """The companies that are missing there."""


def retire(
    configuration: Configuration, controller: Controller, name: str, *, really: bool, force: bool
) -> RetiredBox:
    """Retire a box: it left for good; with `force` also one that was heard of in the last minute. This box's
    ledger remembers it, notes it in its log, and tells a database that lost it. Of a box that left before,
    only the note is written that is missing. Raises InformativaError where there is no such box or this one's
    ledger cannot take it, and SharedDatabaseError."""
    from ..sharing import administration

    database = boxes.shared(configuration)
    state = administration.database_state(database, controller.id)
    by_name = {box.name: box for box in state.boxes}
    box = by_name.get(name)
    if box is not None and box.successor is not None:
        raise InformativaError(
            Text(
                "{name} left for good before: {successor} took its place.", name=name, successor=box.successor
            ),
            Text("Nothing is left to do; all boxes are shown by: informativa boxes"),
        )
    if box is None:
        names = ", ".join(box.name for box in state.boxes if not box.retired) or "-"
        raise InformativaError(
            Text("There is no box {name}.", name=name),
            Text("There are: {known}.", known=names),
        )
    recently = was_heard(box)
    if really and recently and not force:
        raise still_works(box)
    before, notes_it = box.retired is not None, name != database.box and Path(controller.ledger).exists()
    waiting = waiting_erasures(database, controller, box, state.boxes) if box.has_joined else ()
    noted = None
    if really:
        identity = box.identity if before else administration.retire(database, controller.id, name)
        if identity and notes_it:
            noted = _note(database, controller, box, identity)
    return RetiredBox(
        controller.id,
        name,
        recently=recently,
        before=before,
        to_erase=0 if before else box.erasures,
        waiting=waiting,
        by=database.box if notes_it and box.has_joined else None,
        noted=noted,
    )


def _note(
    database: SharedDatabase, controller: Controller, box: RegisteredBox, identity: bytes
) -> int | None:
    """Store it in this box's ledger, and note it in its log. Return the number of the record of that. Where
    only the note fails, the service does it when it connects the next time. Raises InformativaError where
    the ledger took nothing: then nobody would."""
    from ..sharing import replacing

    try:
        with closing(storage.store(controller)) as store:
            ledger_boxes.store_retired(store, [(box.name, identity, None)], here=True)
            with suppress(LedgerError, SharedDatabaseError):
                return replacing.note_retirement(database, controller.id, store, box)
    except LedgerError as error:
        raise InformativaError(
            Text(
                "{box} left for good, and no log says so, so that a monitor waits for its log: {problem}",
                box=box.name,
                problem=error.message,
            ),
            joined(" ", error.remedy, Text("Then type the same again.")),
        ) from error
    return None
