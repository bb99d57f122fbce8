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
    """A box, and what of it is not as on this one."""

    box: Box
    this: bool
    different: tuple[Difference, ...]

    @property
    def quiet(self) -> bool:
        """Whether nothing was heard of it for a while, although it did not leave."""
        return self.box.retired is None and self.box.age > QUIET_SECONDS


@dataclass(frozen=True)
class Meeting:
    """How one company's boxes stand, by its schema of that migration; `milliseconds` is how long the database
    took to be reached and to say so, `months_left` for how many months from this one on it is divided in
    advance, `None` where it is not divided."""

    controller: Controller
    boxes: tuple[BoxState, ...]
    migration: int
    milliseconds: float
    months_left: int | None
    outdated: bool = False
    """Whether this program knows a newer migration, which brings what it then does without."""


@dataclass(frozen=True)
class Retired:
    """Whether a box left for good, or would; `recently` is whether it was there in the last minute."""

    controller: Controller
    box: str
    done: bool
    recently: bool


@dataclass(frozen=True)
class Joined:
    """How many records of how many other boxes this one knows now that it did not know before."""

    controller: Controller
    records: int
    boxes: int


Progress = Callable[[str, int, int], None]
"""Hears of each page: a box, up to which of its records, of how many."""


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
    """As `administration.migrate`, of these companies. Raises SharedDatabaseError."""
    from ..sharing import administration

    return administration.migrate(shared(configuration), [each.id for each in controllers], user, today)


def script(controllers: Sequence[Controller], today: date) -> Iterator[str]:
    """The statements that make what `migrate` makes."""
    from ..sharing import administration

    return administration.script([each.id for each in controllers], today)


def meeting(configuration: Configuration, controller: Controller) -> Meeting:
    """How its boxes stand. Raises SharedDatabaseError."""
    from ..sharing import administration

    database, begun = shared(configuration), time.monotonic()
    boxes, partitions, migration = administration.look(database, controller.id)
    milliseconds = (time.monotonic() - begun) * 1000
    own = bootstrap.about_box(configuration, controller)
    states = tuple(
        BoxState(box, box.name == database.box, () if box.retired else tuple(_different(box, own)))
        for box in boxes
    )
    ahead = schema.months_ahead(partitions, datetime.now(UTC).date())
    return Meeting(controller, states, migration, milliseconds, ahead, outdated=migration < schema.newest())


def _different(box: Box, own: About) -> Iterator[Difference]:
    for difference in (Difference.PROGRAM, Difference.KEYS, Difference.CONFIGURATION):
        said, ours = getattr(box, difference), getattr(own, difference)
        if said and said != ours:
            yield _of_keys(said.split(), ours.split()) if difference is Difference.KEYS else difference


def _of_keys(its: Sequence[str], ours: Sequence[str]) -> Difference:
    """In what the keys of a box are others, by their fingerprints, the current one first."""
    if its[0] == ours[0]:
        return Difference.EARLIER_KEYS
    if its[0] in ours:
        return Difference.OLDER_KEY
    return Difference.NEWER_KEY if ours[0] in its else Difference.KEYS


def retire(configuration: Configuration, controller: Controller, name: str, *, really: bool) -> Retired:
    """Have a box leave for good. Raises InformativaError where there is none, and SharedDatabaseError."""
    from ..sharing import administration

    database = shared(configuration)
    found = {box.name: box for box in administration.look(database, controller.id)[0] if not box.retired}
    if name not in found:
        known = ", ".join(found) or "-"
        raise InformativaError(
            Text("{id} has no box {name}.", id=controller.id, name=name),
            Text("There are: {known}.", known=known),
        )
    if really:
        administration.retire(database, controller.id, name)
    return Retired(controller, name, really, found[name].age < QUIET_SECONDS)


def join(
    configuration: Configuration, controller: Controller, progress: Progress = lambda _box, _at, _of: None
) -> Joined:
    """Take in all that the other boxes told callers, before this one takes calls. Cut off, it goes on where
    it was. Raises SharedDatabaseError and LedgerError."""
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
