"""The rights of companies' roles in the database where boxes meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..config import Configuration
from ..model import Controller
from ..model.text import Text
from ..sharing import schema
from .boxes import FailedCompany, shared
from .document import Sentence

FLAWS = {
    "no-role": Text("there is no role {role}", "Make it: informativa shared migrate"),
    "no-password": Text(
        "the file of passwords has no line for {role}", "Write one there: *:*:*:{role}:PASSWORD"
    ),
    "no-login": Text("{role} may not log in", 'Type in psql: ALTER ROLE "{role}" LOGIN'),
    "superuser": Text(
        "{role} may do anything: it is a superuser", 'Type in psql: ALTER ROLE "{role}" NOSUPERUSER'
    ),
    "creates-roles": Text("{role} may make roles", 'Type in psql: ALTER ROLE "{role}" NOCREATEROLE'),
    "bypasses-policies": Text(
        "{role} passes over row security", 'Type in psql: ALTER ROLE "{role}" NOBYPASSRLS'
    ),
    "owner": Text(
        "{role} owns objects, so it may change and drop them",
        'Type in psql, in each database that has some: REASSIGN OWNED BY "{role}" TO CURRENT_USER; then type:'
        " informativa shared migrate",
    ),
    "no-rights": Text(
        "{role} may not use a schema of its own", "Make it, or grant it: informativa shared migrate"
    ),
    "may-create": Text(
        "{role} may make objects in its schema",
        'Type in psql: REVOKE CREATE ON SCHEMA "{role}" FROM "{role}"',
    ),
    "rights-of-others": Text(
        "{role} has rights on another company's schema",
        "Look who has which in psql, and take them back by REVOKE: \\dn+ informativa_*",
    ),
    "public": Text(
        "every role has rights on the schema {role}",
        'Type in psql: REVOKE ALL ON SCHEMA "{role}" FROM PUBLIC; REVOKE ALL ON ALL TABLES IN SCHEMA "{role}"'
        " FROM PUBLIC",
    ),
}
"""The messages about flaws, with the remedies, by the words of `sharing.grants.GrantFlaw`."""


@dataclass(frozen=True)
class RoleFlaw:
    """Something about a company's role that is not as it should be."""

    flaw: str
    """The word for it, such as `superuser`."""
    message: Sentence
    """The same as a sentence."""
    remedy: Sentence
    """The action to take, or the command to type."""


@dataclass(frozen=True)
class RoleRights:
    """The role of one company."""

    controller: str
    """The controller's name in the configuration."""
    role: str
    """The name of the role, and of its schema."""
    flaws: tuple[RoleFlaw, ...]


@dataclass(frozen=True)
class RightsExamination:
    """The roles of the companies, as the server has them."""

    controllers: tuple[RoleRights, ...]
    other_roles: tuple[str, ...]
    """The roles of companies that this configuration does not have."""
    failed: tuple[FailedCompany, ...]
    """The companies of whose roles the server did not tell."""


def examine(
    configuration: Configuration, controller: Controller, user: str
) -> tuple[RoleRights, Sequence[str]]:
    """Examine the role of a company, as a `user` of the database. Return its rights, and all roles that the
    server has for companies. Raises SharedDatabaseError."""
    from ..sharing import grants

    role = schema.role(controller.id)
    rights = grants.examine(shared(configuration), controller.id, user)
    texts = {flaw: FLAWS[flaw].format(role=role) for flaw in rights.flaws}
    flaws = tuple(RoleFlaw(flaw, text.statement, text.advice) for flaw, text in texts.items())
    return RoleRights(controller.id, role, flaws), rights.roles


def examination(
    configuration: Configuration,
    results: Sequence[tuple[RoleRights, Sequence[str]]],
    failed: tuple[FailedCompany, ...],
) -> RightsExamination:
    """Return the results together, with the roles of the server that no company of the configuration has."""
    configured = {schema.role(controller) for controller in configuration.controllers}
    rights, roles = (
        tuple(result for result, _roles in results),
        {role for _, all_roles in results for role in all_roles},
    )
    return RightsExamination(rights, tuple(sorted(roles - configured)), failed)
