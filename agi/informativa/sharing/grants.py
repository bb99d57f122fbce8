"""The rights that companies' roles have in the shared database, compared with those that they should have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import psycopg
from psycopg import conninfo

from ..model import SharedDatabase
from . import schema
from .connection import address, database_name, explained, explained_by, translated
from .refusals import passwords
from .startup import password_of


class GrantFlaw(StrEnum):
    """Something about a company's role that is not as `shared migrate` makes it."""

    NO_ROLE = "no-role"
    NO_PASSWORD = "no-password"  # noqa: S105  # a word
    NO_LOGIN = "no-login"
    SUPERUSER = "superuser"
    CREATES_ROLES = "creates-roles"
    BYPASSES_POLICIES = "bypasses-policies"
    OWNER = "owner"
    NO_RIGHTS = "no-rights"
    MAY_CREATE = "may-create"
    RIGHTS_OF_OTHERS = "rights-of-others"
    PUBLIC = "public"


_OF_SCHEMA = "SELECT FROM pg_namespace AS n WHERE nspname = rolname AND"
_FLAWS: Mapping[GrantFlaw, str] = {
    GrantFlaw.NO_LOGIN: "NOT rolcanlogin",
    GrantFlaw.SUPERUSER: "rolsuper",
    GrantFlaw.CREATES_ROLES: "rolcreaterole",
    GrantFlaw.BYPASSES_POLICIES: "rolbypassrls",
    GrantFlaw.OWNER: """
        EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = r.oid
                AND deptype = 'o')
    """,
    GrantFlaw.NO_RIGHTS: f"NOT EXISTS ({_OF_SCHEMA} has_schema_privilege(r.oid, n.oid, 'USAGE'))",
    GrantFlaw.MAY_CREATE: f"EXISTS ({_OF_SCHEMA} has_schema_privilege(r.oid, n.oid, 'CREATE'))",
    GrantFlaw.RIGHTS_OF_OTHERS: """
        EXISTS (SELECT FROM pg_namespace AS n WHERE starts_with(nspname::text, %(prefix)s)
                AND nspname <> rolname AND has_schema_privilege(r.oid, n.oid, 'USAGE, CREATE'))
    """,
    GrantFlaw.PUBLIC: f"""
        EXISTS ({_OF_SCHEMA} EXISTS (SELECT FROM aclexplode(nspacl) WHERE grantee = 0))
        OR EXISTS (SELECT FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
                   WHERE nspname = rolname AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0))
    """,  # noqa: S608  # ours
}
"""Flaws that the server's catalogs tell, each as a condition on a row of pg_roles."""
_ROLE = f"SELECT {', '.join(_FLAWS.values())} FROM pg_roles AS r WHERE rolname = %(role)s"  # noqa: S608  # ours
_ROLES = "SELECT rolname FROM pg_roles WHERE starts_with(rolname::text, %s) ORDER BY rolname"


@dataclass(frozen=True)
class Grants:
    """The flaws of a company's role, and all roles of companies that the server has."""

    flaws: Sequence[GrantFlaw]
    roles: Sequence[str]


def examine(database: SharedDatabase, controller: str, user: str) -> Grants:
    """Examine a company's role, as a `user` who may connect, or as that role. Raises SharedDatabaseError."""
    info = conninfo.make_conninfo(address(database, controller), user=user or None)
    with explained_by(partial(explained, database, controller, user=user)):
        connection = psycopg.connect(info)
    role, name = schema.role(controller), database_name(database, controller)
    with translated(database), connection:
        row = connection.execute(_ROLE, {"role": role, "prefix": schema.PREFIX}).fetchone()
        roles = [str(other) for (other,) in connection.execute(_ROLES, (schema.PREFIX,))]
    flaws = [GrantFlaw.NO_ROLE] if row is None else [flaw for flaw, so in zip(_FLAWS, row, strict=True) if so]
    if not password_of(passwords(database), name, role):
        flaws.append(GrantFlaw.NO_PASSWORD)
    return Grants(flaws, roles)
