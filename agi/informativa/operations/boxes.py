"""The boxes of an installation, and the database where they meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from ..config import Configuration
from ..model import Controller, SharedDatabase
from ..model.errors import InformativaError, SharedDatabaseError
from ..model.text import Text
from ..process import bootstrap
from ..sharing.refusals import OF_ALL
from ..system.patience import Work, of_each_heard
from .document import Seconds, Sentence, Time

if TYPE_CHECKING:  # the driver is an extra, and the other commands must do without it
    from ..sharing import administration
    from ..sharing.membership import About

QUIET_SECONDS = 60.0  # without a word, after which something is wrong with a box
ANSWER_SECONDS = 2.0  # without a word of any database: a command ends within three, also where one hangs
LEAST_SECONDS = 1.0  # of them, however long the command took until it asked
LONGEST_SECONDS = 10.0  # for all to answer who do say something
DATABASES_AT_ONCE = 8  # which are asked side by side

Result = TypeVar("Result")
AskDatabase = Callable[
    [Configuration, Sequence[Controller], Work], Mapping[str, Result | SharedDatabaseError]
]
"""Asks a database about companies, calls the last argument whenever it says something, and returns a result
of each company, or the error in its place."""


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
    clock_ahead: Seconds | None
    """The seconds by which its clock was ahead of the database's at its last report; negative where it was
    behind."""
    retired: Time | None
    """The time when it left for good."""
    successor: str | None
    """The box that took its place, if any."""
    joined: bool
    """False if it serves the company and never took part: nobody knows what it has on record."""

    @property
    def quiet(self) -> bool:
        """Return whether a box that took part was silent for a while, although it is not retired."""
        return self.joined and self.retired is None and self.seconds_ago > QUIET_SECONDS


@dataclass(frozen=True)
class Meeting:
    """The boxes of one company."""

    controller: str
    """The controller's name in the configuration."""
    name: str
    """The name that people give the controller."""
    migration: int
    """The newest migration of the database."""
    milliseconds: Seconds
    """The time that the database took to be reached and to answer."""
    clock_ahead: Seconds
    """The seconds by which the clock of the box that was asked is ahead of the database's; negative where it
    is behind."""
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class FailedCompany:
    """A company for which nothing was done, or of whose boxes the database did not tell."""

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
    unknown: tuple[FailedCompany, ...]
    """The companies that are missing there."""


@dataclass(frozen=True)
class MigratedSchema:
    """The migration of what the database has of one company."""

    controller: str
    """The controller's name in the configuration."""
    before: int
    """The newest migration that it had; 0 for none."""
    now: int
    """The newest migration that it has."""
    records: int
    """The number of records that were taken over from a schema of its own."""
    login: str
    """The name of the role by which this box logs in."""
    login_made: bool
    """True if that role was made."""
    newly_served: bool
    """True if it serves the company only since."""
    tables_made: bool
    """True if the tables of all companies were made."""


@dataclass(frozen=True)
class SchemasMigrated:
    """The migrations of the companies in the database where boxes meet."""

    controllers: tuple[MigratedSchema, ...]
    failed: tuple[FailedCompany, ...]
    """The companies that are missing there."""


def was_heard(box: administration.RegisteredBox) -> bool:
    """Return whether a box takes part and was heard of in the last minute."""
    return box.has_joined and not box.retired and box.age < QUIET_SECONDS


def still_works(box: administration.RegisteredBox) -> InformativaError:
    """Return the error of who would have a box leave for good that was heard of in the last minute."""
    return InformativaError(
        Text(
            "The box {name} still works: it was heard of {seconds:.0f} s ago.",
            name=box.name,
            seconds=float(box.age),
        ),
        Text(
            "Stop its service, wait a minute, and type the same again; to do it now, add --force: what it"
            " records from then on stays on it."
        ),
    )


def shared(configuration: Configuration) -> SharedDatabase:
    """The database where boxes meet. Raises InformativaError where none is configured."""
    if configuration.shared is None:
        raise InformativaError(
            Text("This box shares nothing: {file} names no database.", file=configuration.file),
            Text("Write `shared:` with `hosts:` and `box:` there; the reference says how."),
        )
    return configuration.shared


def of_each_company(
    controllers: Sequence[Controller], work: Callable[[Controller], Result]
) -> Iterator[Result | FailedCompany]:
    """Do the work for one company after the other, and yield what it returns, or its failure. Where the
    server cannot be reached, it is not tried again for the others."""
    unreachable: SharedDatabaseError | None = None
    for company in controllers:
        outcome: Result | FailedCompany
        try:
            if unreachable:
                raise unreachable
            outcome = work(company)
        except InformativaError as error:
            if isinstance(error, SharedDatabaseError) and error.state in OF_ALL:
                unreachable = error
            outcome = failure(company, error)
        yield outcome


def migrate(configuration: Configuration, controller: Controller, user: str) -> MigratedSchema:
    """Bring what the database has of a company to the newest migration, and have this box serve it (see
    `administration.migrate`). Raises SharedDatabaseError."""
    from ..sharing import administration

    (migrated,) = administration.migrate(shared(configuration), [controller.id], user)
    return MigratedSchema(*astuple(migrated))


def script(configuration: Configuration, controllers: Sequence[Controller]) -> Iterator[str]:
    """Return the SQL statements that `migrate` would execute."""
    from ..sharing import administration

    return administration.script(shared(configuration).box, [controller.id for controller in controllers])


def by_database(
    configuration: Configuration, controllers: Iterable[Controller]
) -> dict[SharedDatabase, list[Controller]]:
    """Return the companies of each database where boxes meet. Raises InformativaError where none is
    configured."""
    companies: dict[SharedDatabase, list[Controller]] = {}
    for company in controllers:
        companies.setdefault(shared(configuration).of(company.id), []).append(company)
    return companies


def of_databases(
    works: Mapping[SharedDatabase, Callable[[Work], Result]], begun: float | None
) -> dict[SharedDatabase, Result | SharedDatabaseError]:
    """Ask databases, side by side, until none says anything for `ANSWER_SECONDS` since the command `begun` at
    that time of `time.monotonic()`, now where it is `None`. Return the answers, or the error in the place of
    one. Raises all other errors."""
    from ..sharing import connection  # noqa: F401  # the driver: no database is to blame for its loading

    now = time.monotonic()
    since = now if begun is None else max(begun, now + LEAST_SECONDS - ANSWER_SECONDS)
    outcomes: dict[SharedDatabase, Result | SharedDatabaseError] = {}
    answers = of_each_heard(works, ANSWER_SECONDS, LONGEST_SECONDS, DATABASES_AT_ONCE, since)
    for database, answer in answers.items():
        if isinstance(answer, TimeoutError):
            outcomes[database] = no_answer(database)
        elif isinstance(answer, Exception) and not isinstance(answer, SharedDatabaseError):
            raise answer
        else:
            outcomes[database] = answer
    return outcomes


def of_companies(
    configuration: Configuration,
    controllers: Sequence[Controller],
    ask: AskDatabase[Result],
    begun: float | None = None,
) -> dict[str, Result | SharedDatabaseError]:
    """Ask each database of these companies, as `of_databases`. Return what `ask` returns, by company, or the
    error in its place. Raises InformativaError where no database is configured, and all other errors."""
    databases = by_database(configuration, controllers)
    works = {database: partial(ask, configuration, companies) for database, companies in databases.items()}
    outcomes: dict[str, Result | SharedDatabaseError] = {}
    for database, answer in of_databases(works, begun).items():
        if isinstance(answer, SharedDatabaseError):
            outcomes |= dict.fromkeys((company.id for company in databases[database]), answer)
        else:
            outcomes |= answer
    return {company.id: outcomes[company.id] for company in controllers}


def boxes(
    configuration: Configuration, controllers: Sequence[Controller], begun: float | None = None
) -> Boxes:
    """Return the state of the boxes of these companies, as far as the database tells it in time (see
    `of_databases`). Raises InformativaError where none is configured."""
    by_id = {company.id: company for company in controllers}
    known, unknown = [], []
    for company, outcome in of_companies(configuration, controllers, meetings, begun).items():
        if isinstance(outcome, Meeting):
            known.append(outcome)
        else:
            unknown.append(failure(by_id[company], outcome))
    return Boxes(tuple(known), tuple(unknown))


def failure(company: Controller, error: InformativaError) -> FailedCompany:
    """Return the failure of a company, as the error says it."""
    return FailedCompany(company.id, company.name, error.message, error.remedy)


def no_answer(database: SharedDatabase) -> SharedDatabaseError:
    """Return the error of a database that was waited for long enough."""
    return SharedDatabaseError(
        Text(
            "The shared database {database} on {hosts} did not answer in {seconds:.0f} s.",
            database=database.name,
            hosts=", ".join(database.hosts),
            seconds=ANSWER_SECONDS,
        ),
        Text("See that it runs and can be reached from here, then type: informativa boxes"),
    )


def connectable(
    configuration: Configuration, controllers: Sequence[Controller], heard: Work
) -> Mapping[str, Literal[True] | SharedDatabaseError]:
    """Return which companies that have the same database this box can use it for. Raises
    SharedDatabaseError."""
    from ..sharing import administration

    return administration.usable(shared(configuration), [company.id for company in controllers], heard)


def meeting(configuration: Configuration, controller: Controller) -> Meeting:
    """Return the state of a company's boxes. Raises SharedDatabaseError."""
    outcome = meetings(configuration, [controller])[controller.id]
    if isinstance(outcome, SharedDatabaseError):
        raise outcome
    return outcome


def meetings(
    configuration: Configuration, controllers: Sequence[Controller], heard: Work = bool
) -> Mapping[str, Meeting | SharedDatabaseError]:
    """Return the states of the boxes of companies that have the same database, with the error in the place of
    a company that this box does not serve. Raises SharedDatabaseError."""
    from ..sharing import administration

    database, start = shared(configuration), time.monotonic()
    states = administration.database_states(database, [company.id for company in controllers], heard)
    milliseconds = (time.monotonic() - start) * 1000
    return {
        company.id: _meeting(configuration, company, state, milliseconds)
        if isinstance(state := states[company.id], administration.DatabaseState)
        else state
        for company in controllers
    }


def _meeting(
    configuration: Configuration,
    controller: Controller,
    state: administration.DatabaseState,
    milliseconds: float,
) -> Meeting:
    database, about = shared(configuration), bootstrap.about_box(configuration, controller)
    return Meeting(
        controller=controller.id,
        name=controller.name,
        migration=state.migration,
        milliseconds=milliseconds,
        clock_ahead=state.clock_ahead,
        boxes=tuple(_box(box, database, about) for box in state.boxes),
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
        clock_ahead=box.ahead,
        retired=box.retired,
        successor=box.successor,
        joined=box.has_joined,
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
