"""The rights of boxes' logins in the database where boxes meet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from ..config import Configuration
from ..model import Controller, SharedDatabase
from ..model.errors import SharedDatabaseError
from ..model.text import Text
from ..sharing import schema
from .boxes import FailedCompany, by_database, failure, of_databases
from .document import Sentence

if TYPE_CHECKING:  # the driver is an extra
    from ..sharing.grants import Grants

FLAWS = {
    "no-role": Text("there is no role {login}", "On that box type: informativa shared migrate"),
    "no-password": Text(
        "the file of passwords has no line for {login}", "Write one there: *:*:*:{login}:PASSWORD"
    ),
    "no-login": Text("{login} may not log in", 'Type in psql: ALTER ROLE "{login}" LOGIN'),
    "retired": Text(
        "{login} still lets in whoever has its password, although its box left for good",
        'Type in psql: ALTER ROLE "{login}" NOLOGIN',
    ),
    "superuser": Text(
        "{login} may do anything: it is a superuser", 'Type in psql: ALTER ROLE "{login}" NOSUPERUSER'
    ),
    "creates-roles": Text("{login} may make roles", 'Type in psql: ALTER ROLE "{login}" NOCREATEROLE'),
    "bypasses-policies": Text(
        "{login} passes over row security", 'Type in psql: ALTER ROLE "{login}" NOBYPASSRLS'
    ),
    "owner": Text(
        "{login} owns objects, so it may change and drop them",
        'Type in psql, in each database that has some: REASSIGN OWNED BY "{login}" TO CURRENT_USER',
    ),
    "no-rights": Text("{login} has no rights on the tables", "On that box type: informativa shared migrate"),
    "more-rights": Text(
        "{login} has more rights than other boxes, or is a member of other roles",
        'Look which in psql, and take them back by REVOKE: \\du "{login}"; \\dp informativa.*',
    ),
    "not-served": Text(
        "{login} does not serve all companies of this configuration",
        "Type: informativa shared serve --yes --as ROLE",
    ),
    "of-others": Text(
        "{login} serves companies that this configuration does not have",
        "Type: informativa shared serve --only --yes --as ROLE",
    ),
    "no-tables": Text("there are no tables", "Make them: informativa shared migrate"),
    "public": Text(
        "every role has rights on the tables",
        "Type in psql: REVOKE ALL ON SCHEMA informativa FROM PUBLIC; REVOKE ALL ON ALL TABLES IN SCHEMA"
        " informativa FROM PUBLIC",
    ),
    "not-forced": Text(
        "a table has no row security, or does not force it",
        "Look which in psql, and type for each: ALTER TABLE informativa.NAME ENABLE ROW LEVEL SECURITY, FORCE"
        " ROW LEVEL SECURITY",
    ),
    "rights-of-all": Text(
        "boxes may do more to the tables than they need",
        "Look what in psql, and take it back by REVOKE from informativa_boxes: \\dp informativa.*",
    ),
}
"""The messages about flaws, with the remedies, by the words of `sharing.grants.GrantFlaw`."""


@dataclass(frozen=True)
class RightsFlaw:
    """Something about a login, or about the tables of all, that is not as it should be."""

    flaw: str
    """The word for it, such as `superuser`."""
    message: Sentence
    """The same as a sentence."""
    remedy: Sentence
    """The action to take, or the command to type."""


@dataclass(frozen=True)
class LoginRights:
    """The login of one box."""

    box: str
    """The name of the box."""
    login: str
    """The name of its role."""
    controllers: tuple[str, ...]
    """The companies that it serves; of other boxes only where a role asked that administers the database."""
    flaws: tuple[RightsFlaw, ...]


@dataclass(frozen=True)
class DatabaseRights:
    """The rights in one database where boxes meet."""

    database: str
    """The name of the database."""
    flaws: tuple[RightsFlaw, ...]
    """The flaws of the tables of all."""
    logins: tuple[LoginRights, ...]


@dataclass(frozen=True)
class RightsExamination:
    """The rights of boxes' logins, as the server has them."""

    databases: tuple[DatabaseRights, ...]
    failed: tuple[FailedCompany, ...]
    """A company of each database that did not tell."""


def examine(
    configuration: Configuration, controllers: Sequence[Controller], user: str, begun: float | None = None
) -> RightsExamination:
    """Examine the rights in the databases of these companies, as a `user` of each, as far as they tell them
    in time (see `boxes.of_databases`). Raises InformativaError where none is configured."""
    from ..sharing import grants

    databases, examined, failed = by_database(configuration, controllers), [], []
    works = {
        database: partial(grants.examine, database, [company.id for company in companies], user)
        for database, companies in databases.items()
    }
    for database, rights in of_databases(works, begun).items():
        if isinstance(rights, SharedDatabaseError):
            failed.append(failure(databases[database][0], rights))
        else:
            examined.append(_rights(database, rights))
    return RightsExamination(tuple(examined), tuple(failed))


def _rights(database: SharedDatabase, rights: Grants) -> DatabaseRights:
    return DatabaseRights(
        database.name,
        tuple(_flaws(rights.flaws, "")),
        tuple(
            LoginRights(
                login.login.removeprefix(schema.LOGIN_PREFIX),
                login.login,
                tuple(login.controllers),
                tuple(_flaws(login.flaws, login.login)),
            )
            for login in rights.logins
        ),
    )


def _flaws(flaws: Iterable[str], login: str) -> Iterator[RightsFlaw]:
    for flaw in flaws:
        text = FLAWS[flaw].format(login=login)
        yield RightsFlaw(flaw, text.statement, text.advice)
