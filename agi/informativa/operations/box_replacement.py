"""The replacement of a box that broke by another one, which takes its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Configuration
from ..evidence.note_standing import NoteStanding, NoteVerdict
from ..evidence.notes import ErasureNote
from ..evidence.read_log import ReadLog
from ..ledgers import boxes as ledger_boxes
from ..model import Controller, SharedDatabase
from ..model.errors import EvidenceError, InformativaError, LedgerError, SharedDatabaseError
from ..model.text import Text
from ..process import storage
from .boxes import FailedCompany, shared, still_works, was_heard
from .day_range import DayRange
from .document import Time

if TYPE_CHECKING:  # the driver is an extra, and the other commands must do without it
    from ..sharing.administration import RegisteredBox
    from .evidence.bundle_sources import SharedRecords

_ANY_DAY = date(1970, 1, 1)


@dataclass(frozen=True)
class ReplacedBox:
    """A box whose place another one took, or would."""

    controller: str
    """The controller's name in the configuration."""
    box: str
    """The name of the box that broke."""
    successor: str
    """The name of the box that takes its place."""
    before: bool
    """True if that was done before."""
    recently: bool
    """True if the box that broke was heard of in the last minute."""
    seen: Time
    """The time when it was last heard of, by the database's clock."""
    record: int
    """The number of its last record that is in the database, after which the other box goes on."""
    unsent: int
    """The number of its records after that one, as far as it said: they were on its disk alone."""
    is_copy: bool
    """True if the other box has a copy of its ledger, from a backup."""
    copies: int
    """The number of records that the other box has sent under its own name too, since it has such a copy;
    they count once, as those of the box that broke."""
    to_erase: int
    """The number of callers whom the box that broke had still to erase."""
    successor_to_erase: int
    """The number of callers whom the other box has still to erase."""
    waiting: tuple[str, ...] | None
    """The instructions of erasures that the box that broke noted, and that wait for the controller's
    approval; null where its notes are not what it signed, so that nobody knows."""
    noted: int | None
    """The number of the record by which the other box notes it in its log; null if that box does so by itself
    when it connects the next time, within ten minutes."""

    @property
    def is_complete(self) -> bool:
        """Return whether nothing is left of erasures that the box that broke had to do."""
        return self.waiting == () and not self.successor_to_erase


@dataclass(frozen=True)
class BoxesReplaced:
    """A box whose place another one took, or would, of each company."""

    done: bool
    """True if it is done; else it is what would be done."""
    boxes: tuple[ReplacedBox, ...]
    failed: tuple[FailedCompany, ...]
    """The companies that are missing there."""


def replace(
    configuration: Configuration,
    controller: Controller,
    name: str,
    successor: str,
    *,
    really: bool,
    force: bool,
) -> ReplacedBox:
    """Replace a box that broke by another one, which joined; with `force` also one that was heard of in the
    last minute. Without `really` only return what would be done. Raises InformativaError where the two are
    not such, and SharedDatabaseError."""
    from ..sharing import administration, replacing

    if name == successor:
        raise InformativaError(
            Text("A box cannot take its own place: both names are {name}.", name=name),
            Text("Give the new box a name that none had before (shared.box), and name the old one first."),
        )
    database = shared(configuration)
    boxes = administration.database_state(database, controller.id).boxes
    old, new = _pair(boxes, name, successor)
    before = old.successor == successor
    recently = was_heard(old)
    if really and recently and not before and not force:
        raise still_works(old)
    is_copy = old.identity == new.identity
    copies = replacing.copies(database, controller.id, name, successor) if is_copy else 0
    waiting = waiting_erasures(database, controller, old, boxes)
    record, noted = old.record, None
    if really:
        if not before:
            replaced = replacing.replace(database, controller.id, old, new)
            if replaced is None:
                raise InformativaError(
                    Text("Meanwhile {name} or {successor} left for good.", name=name, successor=successor),
                    Text("Look who is there: informativa boxes"),
                )
            record = replaced
        noted = _remember(database, controller, old, new)
    return ReplacedBox(
        controller=controller.id,
        box=name,
        successor=successor,
        before=before,
        recently=recently,
        seen=old.seen,
        record=record,
        unsent=max(0, old.newest - record),
        is_copy=is_copy,
        copies=copies,
        to_erase=old.erasures,
        successor_to_erase=new.erasures,
        waiting=waiting,
        noted=noted,
    )


def _pair(boxes: Sequence[RegisteredBox], name: str, successor: str) -> tuple[RegisteredBox, RegisteredBox]:
    """Return both boxes. Raises InformativaError unless one can take the other's place."""
    by_name = {box.name: box for box in boxes}
    old, new = by_name.get(name), by_name.get(successor)
    if old is None:
        raise InformativaError(
            Text("There is no box {name}.", name=name),
            Text("There are: {known}.", known=", ".join(by_name) or "-"),
        )
    if new is None:
        raise InformativaError(
            Text("The box {name} has not joined.", name=successor),
            Text("Type on it: informativa join"),
        )
    if new.retired:
        raise InformativaError(
            Text("The box {name} left for good, and takes no place.", name=successor),
            Text("Name a box that takes part: informativa boxes"),
        )
    if old.successor not in (None, successor):
        raise InformativaError(
            Text("The box {other} took the place of {name} before.", other=old.successor or "", name=name),
            Text("If that one broke too, name it in place of {name}.", name=name),
        )
    return old, new


def waiting_erasures(
    database: SharedDatabase, controller: Controller, box: RegisteredBox, boxes: Sequence[RegisteredBox]
) -> tuple[str, ...] | None:
    """Return the instructions of erasures that a box noted in its log, and that wait for an approval; `None`
    where its notes are not what it signed. Approvals in the logs of all `boxes` count, since that of a box
    which left takes none; the others are read only where something waits."""
    from .evidence.bundle_sources import records_of_boxes  # not for commands that only list boxes

    with storage.provable(database, controller) as reader:
        if not any(log.box == box.name for log in reader.logs()):
            return ()
        day = DayRange(_ANY_DAY, _ANY_DAY, controller.zone)  # notes are read whatever their day
        sources = records_of_boxes(controller, reader, boxes, day, "")
        source = next(source for source in sources if source.box == box.name)
        try:
            waiting = _waiting(source.standings_among(()))
        except EvidenceError:
            return None
        if waiting:
            others = (other for other in sources if other is not source)
            waiting = _waiting(source.standings_among(_credible_logs(others)))
    return waiting


def _credible_logs(sources: Iterable[SharedRecords]) -> Iterator[Mapping[str, ReadLog]]:
    """Yield the logs of boxes; none of one whose notes are not what it signed, since it approves nothing."""
    for source in sources:
        with suppress(EvidenceError):
            yield source.signed_logs


def _waiting(standings: Mapping[str, Sequence[NoteStanding]]) -> tuple[str, ...]:
    return tuple(
        standing.entry.note.content.instruction
        for log in standings.values()
        for standing in log
        if standing.standing is NoteVerdict.WAITS
        and standing.entry.note
        and isinstance(standing.entry.note.content, ErasureNote)
    )


def _remember(
    database: SharedDatabase, controller: Controller, old: RegisteredBox, new: RegisteredBox
) -> int | None:
    """Store it in this box's ledger, which tells it to a database that lost it; and note it in its log, if
    this is the box that takes the place. Return the number of the record of that. Where this fails, the
    service does it when it connects the next time."""
    from ..sharing import replacing

    if old.name == database.box or not Path(controller.ledger).exists():
        return None
    with suppress(LedgerError, SharedDatabaseError), closing(storage.store(controller)) as store:
        ledger_boxes.store_retired(store, [(old.name, old.identity, new.name)])
        if new.name == database.box and new.identity == ledger_boxes.drawn_identity(store):
            return replacing.note(database, controller.id, store, old)
    return None
