"""Changes to the database where boxes meet: which companies this box serves, a company that leaves, and the
password of this box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Configuration
from ..model import Controller
from ..model.errors import InformativaError
from ..model.text import Text, joined
from ..sharing import schema
from . import boxes
from .boxes import FailedCompany, shared
from .document import Seconds, Sentence

if TYPE_CHECKING:  # the driver is an extra
    from ..sharing.dropping import StoredBox

RECENT_SECONDS = 300.0  # since a box was heard of, which may still send and ask

Progress = Callable[[str, int, int], None]
"""Called after each page with a box, the number of its records deleted, and of all that it had."""


@dataclass(frozen=True)
class ServedDatabase:
    """The companies that this box's login serves in one database, or should serve."""

    database: str
    """The name of the database."""
    login: str
    """The name of the role by which this box logs in."""
    served: tuple[str, ...]
    """The companies of the configuration that it served before."""
    added: tuple[str, ...]
    """The companies of the configuration that it did not serve."""
    others: tuple[str, ...]
    """The companies that it served and that the configuration does not have."""
    awaited: tuple[str, ...]
    """The part of `others` of which this box is not retired, so that the other boxes wait for it."""


@dataclass(frozen=True)
class CompaniesServed:
    """The companies that this box serves by the configuration and by the database."""

    done: bool
    """True if the companies were added; else it is what would be done."""
    only: bool
    """True if `others` were taken away too, or would be."""
    databases: tuple[ServedDatabase, ...]
    failed: tuple[FailedCompany, ...]
    """The companies that were not added, or of whose database nothing is known."""


@dataclass(frozen=True)
class DroppedBox:
    """One box of the company that leaves."""

    name: str
    """The name of the box."""
    records: int
    """The number of its records in the database."""
    unsent: int
    """The number of its records that are on the box alone, as far as it said."""
    to_erase: int
    """The number of callers that it has still to erase."""
    retired: bool
    """True if it left for good: what it recorded may be in the database alone."""
    seconds_ago: Seconds | None
    """The seconds since it was last heard of, by the database's clock."""
    serves: bool
    """True if its login serves the company."""

    @property
    def is_connected(self) -> bool:
        """Return whether the box still exchanges the company's records."""
        heard = self.seconds_ago is not None and self.seconds_ago < RECENT_SECONDS
        return self.serves and not self.retired and heard


@dataclass(frozen=True)
class CompanyDropped:
    """A company that leaves the database where boxes meet. The ledgers of its boxes stay."""

    done: bool
    """True if it is done; else it is what would be done."""
    controller: str
    """The controller's name in the database."""
    database: str
    """The name of the database."""
    records: int
    """The number of records that were deleted, or would be."""
    boxes: tuple[DroppedBox, ...]
    """The boxes as they were before."""
    logins: tuple[str, ...]
    """The logins that served the company before."""
    hindrances: tuple[Sentence, ...]
    """The reasons to wait, against which `--force` is needed."""


@dataclass(frozen=True)
class PasswordChanged:
    """The password of this box's login."""

    login: str
    """The name of the role."""
    file: Path
    """The file that has the password."""
    resumed: bool
    """True if an earlier change was completed, which had been cut off, and no other was made."""


def serve(
    configuration: Configuration,
    by_database: Sequence[Sequence[Controller]],
    user: str,
    *,
    really: bool,
    only: bool,
) -> CompaniesServed:
    """Compare the companies that this box's login serves with those of the configuration, in each database;
    with `really` add what is missing, as `boxes.migrate` does, and with `only` take away what the
    configuration does not have. Records stay. Raises InformativaError where nothing is shared."""
    from ..sharing import serving
    from ..sharing.connection import database_name

    database = shared(configuration)
    configured = {*configuration.controllers, *configuration.invalid_controllers}
    databases, failed = list[ServedDatabase](), list[FailedCompany]()
    for companies, served in zip(
        by_database,
        boxes.of_each_company(
            [companies[0] for companies in by_database],
            lambda first: serving.served_companies(database, first.id, user),
        ),
        strict=True,
    ):
        if isinstance(served, FailedCompany):
            failed.append(served)
            continue
        names, others = {company.controller for company in served}, []
        missing = [company for company in companies if company.id not in names]
        if really:
            outcomes = boxes.of_each_company(missing, lambda one: boxes.migrate(configuration, one, user))
            failed += [outcome for outcome in outcomes if isinstance(outcome, FailedCompany)]
        others = [company for company in served if company.controller not in configured]
        if really and only and others:
            withdrawn = [company.controller for company in others]
            serving.withdraw(database, companies[0].id, withdrawn, user)
        databases.append(
            ServedDatabase(
                database_name(database, companies[0].id),
                schema.login(database.box),
                tuple(company.id for company in companies if company.id in names),
                tuple(company.id for company in missing),
                tuple(company.controller for company in others),
                tuple(company.controller for company in others if company.awaited),
            )
        )
    return CompaniesServed(really, only, tuple(databases), tuple(failed))


def drop(
    configuration: Configuration,
    controller: str,
    user: str,
    *,
    really: bool,
    force: bool,
    progress: Progress = lambda _box, _at, _of: None,
) -> CompanyDropped:
    """Delete all that the database has of a company, as a `user` who administers it; without `really` only
    count it. Raises SharedDatabaseError; and InformativaError where boxes still exchange its records, or have
    callers to erase, unless `force` is given."""
    from ..sharing import dropping
    from ..sharing.connection import database_name

    database = shared(configuration)
    stored = dropping.stored_company(database, controller, user)
    rows = tuple(_dropped_box(box) for box in stored.boxes)
    hindrances = tuple(hindrance for box in rows for hindrance in _hindrances(box, controller))
    records = sum(box.records for box in rows)
    if really:
        if hindrances and not force:
            raise InformativaError(
                Text("Nothing was deleted: {why}.", why=joined("; ", *hindrances)),
                Text(
                    "Take the company out of the configuration of its boxes, and reload them; let erasures be"
                    " carried out, or retire who is gone: informativa boxes retire. To do it all the same,"
                    " add --force."
                ),
            )
        records = dropping.drop(database, controller, user, progress)
    return CompanyDropped(
        really,
        controller,
        database_name(database, controller),
        records,
        rows,
        tuple(stored.logins),
        hindrances,
    )


def _dropped_box(box: StoredBox) -> DroppedBox:
    return DroppedBox(
        box.name,
        box.records,
        box.unsent,
        0 if box.retired else box.erasures,
        box.retired,
        box.age,
        box.serves,
    )


def _hindrances(box: DroppedBox, controller: str) -> list[Text]:
    texts = []
    if box.is_connected:
        texts.append(
            Text("{box} still exchanges records of {id}, and was heard of {seconds:.0f} s ago", box=box.name,
                 id=controller, seconds=box.seconds_ago)
        )  # fmt: skip
    if box.to_erase:
        text = Text.counted(
            "{box} has still to erase {count} caller, of whom it would not hear",
            "{box} has still to erase {count} callers, of whom it would not hear",
            box.to_erase,
        )
        texts.append(text.format(box=box.name))
    return texts


def change_password(configuration: Configuration, controllers: Sequence[Controller]) -> PasswordChanged:
    """Change the password of this box's login in the database and in the file of passwords. Raises
    SharedDatabaseError, and InformativaError where the file has none or cannot be written."""
    from ..sharing import passwords

    changed = passwords.change(shared(configuration), [controller.id for controller in controllers])
    return PasswordChanged(changed.login, changed.file, changed.resumed)
