"""The boxes of an installation, and the database where they meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from ..config import Configuration
from ..model import Controller, SharedDatabase
from ..model.errors import InformativaError, SharedDatabaseError
from ..model.text import Text
from ..process import bootstrap, storage
from ..sharing import schema
from ..system.patience import of_each_by
from .document import Seconds, Sentence, Time

if TYPE_CHECKING:  # the driver is an extra, and the other commands must do without it
    from ..sharing import administration
    from ..sharing.exchange import About

QUIET_SECONDS = 60.0  # without a word, after which something is wrong with a box
ANSWER_SECONDS = 3.0  # for the database to answer about all companies
COMPANIES_AT_ONCE = 8  # of which the database is asked side by side

Result = TypeVar("Result")


class Difference(StrEnum):
    """A part of another box that is not as on this one."""

    PROGRAM = "program"
    KEYS = "keys"
    OLDER_KEY = "older-key"
    NEWER_KEY = "newer-key"
    EARLIER_KEYS = "earlier-keys"
    CONFIGURATION = "configuration"


@dataclass(frozen=True)
class Box:
    """One box of one company."""

    name: str
    """The name of the box."""
    this: bool
    """True if it is the one that was asked."""
    records: int
    """The number of its newest record that is in the database."""
    behind: int
    """The number of its records that are not there yet, as far as it said."""
    to_erase: int
    """The number of callers that it has still to erase."""
    seen: Time
    """The time when it was last heard of, by the database's clock."""
    seconds_ago: Seconds
    """The seconds since then."""
    version: str | None
    """The version of its informativa."""
    different: tuple[Difference, ...]
    """The parts that are not as on this box: the program, the company's keys, what decides about callers."""
    retired: Time | None
    """The time when it left for good."""

    @property
    def quiet(self) -> bool:
        """Return whether the box was silent for a while, although it is not retired."""
        return self.retired is None and self.seconds_ago > QUIET_SECONDS


@dataclass(frozen=True)
class Meeting:
    """The boxes of one company."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The name that people give the controller."""
    migration: int
    """The newest migration that its schema has."""
    milliseconds: Seconds
    """The time that the database took to be reached and to answer."""
    months_left: int | None
    """The number of months for which its schema is divided in advance; null where it is not divided."""
    boxes: tuple[Box, ...]

    @property
    def outdated(self) -> bool:
        """Return whether this program knows a newer migration. It does without what that brings."""
        return self.migration < schema.newest()


@dataclass(frozen=True)
class UnknownMeeting:
    """A company of whose boxes the database did not tell."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The name that people give the controller."""
    message: Sentence
    """The reason."""
    remedy: Sentence
    """The action to take, or the command to type."""


@dataclass(frozen=True)
class Boxes:
    """The boxes of the companies."""

    controllers: tuple[Meeting, ...]
    unknown: tuple[UnknownMeeting, ...]
    """The companies that are missing there."""


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


@dataclass(frozen=True)
class MigratedSchema:
    """The migration of one company's schema."""

    controller: str
    """The controller's name in the configuration."""
    before: int
    """The newest migration that it had; 0 for none."""
    now: int
    """The newest migration that it has."""
    months: int
    """The number of months of partitions that were added."""


@dataclass(frozen=True)
class SchemasMigrated:
    """The migrations of the schemas in the database where boxes meet."""

    controllers: tuple[MigratedSchema, ...]


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
) -> Iterator[MigratedSchema]:
    """Bring the schemas of these companies to the newest migration, and yield each when it is done (see
    `administration.migrate`). Raises SharedDatabaseError."""
    from ..sharing import administration

    ids = [controller.id for controller in controllers]
    for migrated in administration.migrate(shared(configuration), ids, user, today):
        yield MigratedSchema(migrated.controller, migrated.before, migrated.now, migrated.months)


def script(controllers: Sequence[Controller], today: date) -> Iterator[str]:
    """Return the SQL statements that `migrate` would execute."""
    from ..sharing import administration

    return administration.script([controller.id for controller in controllers], today)


def of_companies(
    configuration: Configuration,
    controllers: Sequence[Controller],
    ask: Callable[[Configuration, Controller], Result],
) -> dict[str, Result | SharedDatabaseError]:
    """Ask the database about each of these companies, side by side, for `ANSWER_SECONDS` in all. Return what
    `ask` returns, by company, or the error in its place. Raises InformativaError where no database is
    configured, and all errors but the database's."""
    database = shared(configuration)
    works = {company.id: partial(ask, configuration, company) for company in controllers}
    outcomes: dict[str, Result | SharedDatabaseError] = {}
    for company, outcome in of_each_by(time.monotonic() + ANSWER_SECONDS, works, COMPANIES_AT_ONCE).items():
        if isinstance(outcome, TimeoutError):
            outcomes[company] = _no_answer(database)
        elif isinstance(outcome, Exception) and not isinstance(outcome, SharedDatabaseError):
            raise outcome
        else:
            outcomes[company] = outcome
    return outcomes


def boxes(configuration: Configuration, controllers: Sequence[Controller]) -> Boxes:
    """Return the state of the boxes of these companies, as far as the database tells within
    `ANSWER_SECONDS`. Raises InformativaError where none is configured."""
    names = {company.id: company.name for company in controllers}
    known, unknown = [], []
    for company, outcome in of_companies(configuration, controllers, meeting).items():
        if isinstance(outcome, Meeting):
            known.append(outcome)
        else:
            unknown.append(UnknownMeeting(company, names[company], outcome.message, outcome.remedy))
    return Boxes(tuple(known), tuple(unknown))


def _no_answer(database: SharedDatabase) -> SharedDatabaseError:
    return SharedDatabaseError(
        Text(
            "The shared database {database} on {hosts} did not answer in {seconds:.0f} s.",
            database=database.name,
            hosts=", ".join(database.hosts),
            seconds=ANSWER_SECONDS,
        ),
        Text("See that it runs and can be reached from here, then type: informativa boxes"),
    )


def connectable(configuration: Configuration, controller: Controller) -> bool:
    """Connect to the database once as a company's role. Raises SharedDatabaseError."""
    from ..sharing.connection import connect

    connect(shared(configuration), controller.id).close()
    return True


def meeting(configuration: Configuration, controller: Controller) -> Meeting:
    """Return the state of a company's boxes. Raises SharedDatabaseError."""
    from ..sharing import administration

    database, start = shared(configuration), time.monotonic()
    boxes, partitions, migration = administration.database_state(database, controller.id)
    milliseconds = (time.monotonic() - start) * 1000
    about = bootstrap.about_box(configuration, controller)
    return Meeting(
        controller=controller.id,
        name=controller.name,
        migration=migration,
        milliseconds=milliseconds,
        months_left=schema.months_ahead(partitions, datetime.now(UTC).date()),
        boxes=tuple(_box(box, database, about) for box in boxes),
    )


def _box(box: administration.RegisteredBox, database: SharedDatabase, about: About) -> Box:
    return Box(
        name=box.name,
        this=box.name == database.box,
        records=box.record,
        behind=box.behind,
        to_erase=box.erasures,
        seen=box.seen,
        seconds_ago=float(box.age),  # which PostgreSQL gives as a Decimal
        version=box.program or None,
        different=() if box.retired else tuple(_differences(box, about)),
        retired=box.retired,
    )


def _differences(box: administration.RegisteredBox, about: About) -> Iterator[Difference]:
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


def retire(configuration: Configuration, controller: Controller, name: str, *, really: bool) -> RetiredBox:
    """Retire a box: it left for good. Raises InformativaError where there is no such box, and
    SharedDatabaseError."""
    from ..sharing import administration

    database = shared(configuration)
    boxes = {
        box.name: box for box in administration.database_state(database, controller.id)[0] if not box.retired
    }
    if name not in boxes:
        names = ", ".join(boxes) or "-"
        raise InformativaError(
            Text("{id} has no box {name}.", id=controller.id, name=name),
            Text("There are: {known}.", known=names),
        )
    if really:
        administration.retire(database, controller.id, name)
    return RetiredBox(controller.id, name, boxes[name].age < QUIET_SECONDS)


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
        exchange = Exchange(store, connection, database, controller.id, about, controller.keys)
    except BaseException:
        connection.close()
        raise
    with closing(exchange):
        while exchange.erase():
            pass
        records = exchange.receive(seen=controller.recycled_after is not None, alone=True, progress=progress)
        return JoinedController(controller.id, records, exchange.others)
