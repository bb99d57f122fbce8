"""The boxes of an installation, and the database where they meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from .. import bootstrap, storage
from ..config import Configuration
from ..errors import InformativaError
from ..model import Controller, SharedDatabase
from ..sharing import schema
from ..text import Text

if TYPE_CHECKING:  # the driver is an extra, and the other commands must do without it
    from ..sharing.administration import Box, Migrated
    from ..sharing.exchange import About

QUIET_SECONDS = 60.0  # without a word, after which something is wrong with a box


class Difference(StrEnum):
    """What of another box is not as on this one."""

    PROGRAM = "program"
    KEYS = "keys"
    OLDER_KEY = "older-key"
    NEWER_KEY = "newer-key"
    EARLIER_KEYS = "earlier-keys"
    CONFIGURATION = "configuration"


@dataclass(frozen=True)
class BoxState:
    """A box, and its differences from this one."""

    box: Box
    this: bool
    """True if it is this box."""
    different: tuple[Difference, ...]
    """The parts that are not as on this box."""

    @property
    def quiet(self) -> bool:
        """Return whether the box was silent for a while, although it is not retired."""
        return self.box.retired is None and self.box.age > QUIET_SECONDS


@dataclass(frozen=True)
class Meeting:
    """The boxes of one company, as its schema in the shared database has them."""

    controller: Controller
    boxes: tuple[BoxState, ...]
    migration: int
    """The number of the newest migration that the schema has."""
    milliseconds: float
    """The time that the database took to be reached and to answer."""
    months_left: int | None
    """The number of months, from this one on, for which the schema has partitions; `None` where it has no
    partitions."""
    outdated: bool = False
    """True if this program knows a newer migration. Until it is applied, the program does without what it
    brings."""


@dataclass(frozen=True)
class Retired:
    """A box that was retired, or would be."""

    controller: Controller
    box: str
    done: bool
    """True if it is retired; false if it only would be."""
    recently: bool
    """True if the box was heard of in the last minute."""


@dataclass(frozen=True)
class Joined:
    """Records of other boxes that this box took in and did not have before."""

    controller: Controller
    records: int
    """The number of records."""
    boxes: int
    """The number of other boxes."""


Progress = Callable[[str, int, int], None]
"""Called after each page with a box, the number of its last record taken in, and the number of its newest."""


def shared(configuration: Configuration) -> SharedDatabase:
    """The database where boxes meet. Raises InformativaError where none is configured."""
    if configuration.shared is None:
        raise InformativaError(
            Text("This box shares nothing: {file} names no database.", file=configuration.file),
            Text("Write `shared:` with `hosts:` and `box:` there; the reference says how."),
        )
    return configuration.shared


def migrate(
    configuration: Configuration, controllers: Sequence[Controller], user: str, today: date
) -> Iterator[Migrated]:
    """Bring the schemas of these companies to the newest migration (see `administration.migrate`). Raises
    SharedDatabaseError."""
    from ..sharing import administration

    return administration.migrate(
        shared(configuration), [controller.id for controller in controllers], user, today
    )


def script(controllers: Sequence[Controller], today: date) -> Iterator[str]:
    """Return the SQL statements that `migrate` would execute."""
    from ..sharing import administration

    return administration.script([controller.id for controller in controllers], today)


def meeting(configuration: Configuration, controller: Controller) -> Meeting:
    """Return the state of a company's boxes. Raises SharedDatabaseError."""
    from ..sharing import administration

    database, start = shared(configuration), time.monotonic()
    boxes, partitions, migration = administration.look(database, controller.id)
    milliseconds = (time.monotonic() - start) * 1000
    about = bootstrap.about_box(configuration, controller)
    states = tuple(
        BoxState(box, box.name == database.box, () if box.retired else tuple(_differences(box, about)))
        for box in boxes
    )
    months_left = schema.months_ahead(partitions, datetime.now(UTC).date())
    return Meeting(
        controller, states, migration, milliseconds, months_left, outdated=migration < schema.newest()
    )


def _differences(box: Box, about: About) -> Iterator[Difference]:
    for difference in (Difference.PROGRAM, Difference.KEYS, Difference.CONFIGURATION):
        value, our_value = getattr(box, difference), getattr(about, difference)
        if value and value != our_value:
            yield (
                _key_difference(value.split(), our_value.split())
                if difference is Difference.KEYS
                else difference
            )


def _key_difference(their_keys: Sequence[str], our_keys: Sequence[str]) -> Difference:
    """Return the kind of difference between the keys of two boxes, given by fingerprint, the current one
    first."""
    if their_keys[0] == our_keys[0]:
        return Difference.EARLIER_KEYS
    if their_keys[0] in our_keys:
        return Difference.OLDER_KEY
    return Difference.NEWER_KEY if our_keys[0] in their_keys else Difference.KEYS


def retire(configuration: Configuration, controller: Controller, name: str, *, really: bool) -> Retired:
    """Retire a box: it left for good. Raises InformativaError where there is no such box, and
    SharedDatabaseError."""
    from ..sharing import administration

    database = shared(configuration)
    boxes = {box.name: box for box in administration.look(database, controller.id)[0] if not box.retired}
    if name not in boxes:
        names = ", ".join(boxes) or "-"
        raise InformativaError(
            Text("{id} has no box {name}.", id=controller.id, name=name),
            Text("There are: {known}.", known=names),
        )
    if really:
        administration.retire(database, controller.id, name)
    return Retired(controller, name, really, boxes[name].age < QUIET_SECONDS)


def join(
    configuration: Configuration, controller: Controller, progress: Progress = lambda _box, _at, _of: None
) -> Joined:
    """Take in all deliveries that other boxes have on record, before this box takes calls. After an
    interruption it continues. Raises SharedDatabaseError and LedgerError."""
    from ..sharing.connection import connect
    from ..sharing.exchange import Exchange

    database = shared(configuration)
    connection = connect(database, controller.id)
    try:
        store = storage.store(controller)
        about = bootstrap.about_box(configuration, controller)
        keys = (controller.key, *controller.old_keys)
        exchange = Exchange(store, connection, database, controller.id, about, keys)
    except BaseException:
        connection.close()
        raise
    with closing(exchange):
        while exchange.erase():
            pass
        records = exchange.receive(seen=controller.recycled_after is not None, alone=True, progress=progress)
        return Joined(controller, records, exchange.others)
