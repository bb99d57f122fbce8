"""The rights that boxes' logins have in the shared database, compared with those that they should have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from ..model import SharedDatabase
from ..system.patience import Work
from . import schema
from .connection import connect_as, database_name, translated
from .refusals import passwords
from .startup import password_of


class GrantFlaw(StrEnum):
    """Something about a login, or about the tables of all, that is not as `shared migrate` makes it."""

    NO_ROLE = "no-role"
    NO_PASSWORD = "no-password"  # noqa: S105  # a word
    NO_LOGIN = "no-login"
    RETIRED = "retired"
    SUPERUSER = "superuser"
    CREATES_ROLES = "creates-roles"
    BYPASSES_POLICIES = "bypasses-policies"
    OWNER = "owner"
    NO_RIGHTS = "no-rights"
    MORE_RIGHTS = "more-rights"
    NOT_SERVED = "not-served"
    OF_OTHERS = "of-others"
    NO_TABLES = "no-tables"
    PUBLIC = "public"
    NOT_FORCED = "not-forced"
    RIGHTS_OF_ALL = "rights-of-all"


_OF_SCHEMA = f"""
SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = '{schema.SCHEMA}' AND
"""
_MEMBER = "SELECT FROM pg_auth_members JOIN pg_roles AS g ON g.oid = roleid WHERE member = r.oid AND"
_FLAWS: Mapping[GrantFlaw, str] = {
    GrantFlaw.NO_LOGIN: "NOT rolcanlogin",
    GrantFlaw.SUPERUSER: "rolsuper",
    GrantFlaw.CREATES_ROLES: "rolcreaterole",
    GrantFlaw.BYPASSES_POLICIES: "rolbypassrls",
    GrantFlaw.OWNER: """
        EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid
                AND deptype = 'o')
    """,
    GrantFlaw.NO_RIGHTS: f"NOT EXISTS ({_MEMBER} g.rolname = '{schema.BOXES}')",
    GrantFlaw.MORE_RIGHTS: f"""
        EXISTS ({_MEMBER} g.rolname <> '{schema.BOXES}')
        OR EXISTS ({_OF_SCHEMA} EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = r.oid))
        OR EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema.SCHEMA}'
                   AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = r.oid))
    """,  # noqa: S608
}
"""Flaws of a login that the server's catalogs tell, each as a condition on a row of pg_roles."""
_LOGINS = f"""
SELECT rolname, {", ".join(_FLAWS.values())} FROM pg_roles AS r
WHERE starts_with(rolname::text, %s) ORDER BY rolname
"""  # noqa: S608
_BOXES = f"'{schema.BOXES}'"
_FLAWS_OF_TABLES: Mapping[GrantFlaw, str] = {
    GrantFlaw.NO_TABLES: f"NOT EXISTS ({_OF_SCHEMA} relname = 'record')",
    GrantFlaw.PUBLIC: f"""
        EXISTS (SELECT FROM pg_namespace WHERE nspname = '{schema.SCHEMA}'
                AND EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0))
        OR EXISTS ({_OF_SCHEMA} EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0))
    """,  # noqa: S608
    GrantFlaw.NOT_FORCED: f"""
        EXISTS ({_OF_SCHEMA} relkind = 'r' AND relname <> 'migration'
                AND NOT (relrowsecurity AND relforcerowsecurity))
    """,
    GrantFlaw.RIGHTS_OF_ALL: f"""
        EXISTS ({_OF_SCHEMA} EXISTS (
            SELECT FROM aclexplode(relacl) AS a JOIN pg_roles AS g ON g.oid = a.grantee
            WHERE g.rolname = {_BOXES} AND privilege_type NOT IN ('SELECT', 'INSERT')))
        OR EXISTS (SELECT FROM pg_namespace, aclexplode(nspacl) AS a JOIN pg_roles AS g ON g.oid = a.grantee
                   WHERE nspname = '{schema.SCHEMA}' AND g.rolname = {_BOXES} AND privilege_type <> 'USAGE')
    """,  # noqa: S608
}
"""Flaws of the tables of all, as conditions."""
_TABLES = f"SELECT {', '.join(_FLAWS_OF_TABLES.values())}"
_SERVED = f"""
SELECT login, controller FROM {schema.SCHEMA}.serves JOIN {schema.SCHEMA}.company USING (company)
ORDER BY login, controller
"""  # noqa: S608
# Where a box left for good of all companies that its login serves, and there is one.
_RETIRED = f"""
SELECT login FROM {schema.SCHEMA}.serves AS s LEFT JOIN {schema.SCHEMA}.ledger AS l
    ON l.company = s.company AND login = '{schema.LOGIN_PREFIX}' || l.box
GROUP BY login HAVING bool_and(retired IS NOT NULL)
"""  # noqa: S608


@dataclass
class LoginGrants:
    """A box's login: its flaws, and the companies that it serves, as far as whoever asks may know."""

    login: str
    flaws: list[GrantFlaw]
    controllers: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Grants:
    """The flaws of the tables of all, and the boxes' logins."""

    flaws: Sequence[GrantFlaw]
    logins: Sequence[LoginGrants]


def examine(database: SharedDatabase, controllers: Collection[str], user: str, heard: Work = bool) -> Grants:
    """Examine the logins of all boxes, as a `user` who may connect, or as this box's, which should serve
    these companies and no others. One who administers the database sees what all of them serve. Calls
    `heard` whenever the server says something. Raises SharedDatabaseError."""
    of_database = next(iter(controllers))
    own = schema.login(database.box)
    with connect_as(database, of_database, user) as connection, translated(database):
        heard()
        (of_tables,) = connection.execute(_TABLES).fetchall()
        heard()
        logins = {
            row[0]: LoginGrants(row[0], _flaws(_FLAWS, row[1:]))
            for row in connection.execute(_LOGINS, (schema.LOGIN_PREFIX,))
        }
        logins.setdefault(own, LoginGrants(own, [GrantFlaw.NO_ROLE]))
        flaws = _flaws(_FLAWS_OF_TABLES, of_tables)
        if GrantFlaw.NO_TABLES not in flaws:
            for login, controller in connection.execute(_SERVED):
                missing = LoginGrants(login, [GrantFlaw.NO_ROLE])
                logins.setdefault(login, missing).controllers.append(controller)
            for (login,) in connection.execute(_RETIRED):
                logins[login].flaws = _flaws_of_retired(logins[login].flaws)
    served = set(logins[own].controllers)
    logins[own].flaws += [
        flaw
        for flaw, so in (
            (
                GrantFlaw.NO_PASSWORD,
                not password_of(passwords(database), database_name(database, of_database), own),
            ),
            (GrantFlaw.NOT_SERVED, GrantFlaw.NO_TABLES not in flaws and not served >= set(controllers)),
            (GrantFlaw.OF_OTHERS, not served <= set(controllers)),
        )
        if so
    ]
    return Grants(flaws, [logins[login] for login in sorted(logins)])


def _flaws_of_retired(flaws: Sequence[GrantFlaw]) -> list[GrantFlaw]:
    """Return the flaws of the login of a box that left for good, which should not let anybody in."""
    locked = {GrantFlaw.NO_LOGIN, GrantFlaw.NO_ROLE}
    if locked.isdisjoint(flaws):
        return [GrantFlaw.RETIRED, *flaws]
    return [flaw for flaw in flaws if flaw not in locked]


def _flaws(conditions: Mapping[GrantFlaw, str], values: Sequence[bool]) -> list[GrantFlaw]:
    return [flaw for flaw, so in zip(conditions, values, strict=True) if so]
