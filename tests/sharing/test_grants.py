"""The rights that companies' roles have in the shared database, and what is wrong with them."""

from __future__ import annotations

import json

import pytest

from commands import typed
from informativa.operations.grants import FLAWS
from informativa.sharing.grants import GrantFlaw, examine
from lab.postgres import SUPERUSER, Postgres
from sharing.conftest import ROLE, Boxes
from sharing.installation import Installation, of


def test_a_role_that_shared_migrate_made_has_no_flaw(boxes: Boxes) -> None:
    """Seen by the administrator and by the role itself; another company's role is listed."""
    boxes.server.sql("CREATE ROLE informativa_other")
    try:
        for user in (SUPERUSER, ""):
            grants = examine(boxes.database(), "acme", user)
            assert (grants.flaws, grants.roles) == ([], [ROLE, "informativa_other"])
    finally:
        boxes.server.sql("DROP ROLE informativa_other")


@pytest.mark.parametrize(
    ("change", "back", "flaw"),
    [
        ("ALTER ROLE {role} NOLOGIN", "", "no-login"),
        ("ALTER ROLE {role} CREATEROLE", "", "creates-roles"),
        ("ALTER ROLE {role} BYPASSRLS", "", "bypasses-policies"),
        (
            "CREATE TABLE public.its (a int); ALTER TABLE public.its OWNER TO {role}",
            "DROP TABLE its",
            "owner",
        ),
        ("REVOKE USAGE ON SCHEMA {role} FROM {role}", "", "no-rights"),
        ("GRANT CREATE ON SCHEMA {role} TO {role}", "", "may-create"),
        ("GRANT SELECT ON {role}.record TO PUBLIC", "", "public"),
        (
            "CREATE SCHEMA informativa_other; GRANT USAGE ON SCHEMA informativa_other TO {role}",
            "DROP SCHEMA informativa_other",
            "rights-of-others",
        ),
    ],
)
def test_each_flaw_of_a_role(boxes: Boxes, change: str, back: str, flaw: str) -> None:
    """It is found alone, as the server's catalogs have it."""
    boxes.server.sql(change.format(role=f'"{ROLE}"'))
    try:
        assert examine(boxes.database(), "acme", SUPERUSER).flaws == [flaw]
    finally:
        if back:
            boxes.server.sql(back)


def test_a_role_that_is_missing_and_has_no_password(boxes: Boxes) -> None:
    """Both are said, and each flaw has a sentence and a remedy."""
    assert isinstance(boxes.server, Postgres)
    assert set(FLAWS) == set(GrantFlaw)
    assert all(text.advice for text in FLAWS.values())
    (boxes.folder / "pgpass").write_text(f"*:*:*:{SUPERUSER}:{boxes.server.password}\n")
    assert examine(boxes.database(), "third", SUPERUSER).flaws == ["no-role", "no-password"]


def test_the_administrator_types_it(meeting: tuple[Installation, Installation], server: Postgres) -> None:
    """It ends with 0 where all is right, and else with 1 and what to type; in JSON too."""
    one, _other = meeting
    words = ("shared", "doctor", "--as", SUPERUSER)
    code, out, _error = typed(*words, *of(one))
    assert (code, out) == (
        0,
        "Acme S.p.A. (acme): informativa_acme has the rights that it needs, and no more\n",
    )
    server.sql("ALTER ROLE informativa_acme SUPERUSER")
    code, out, _error = typed(*words, *of(one))
    assert code == 1
    assert 'it is a superuser. Type in psql: ALTER ROLE "informativa_acme" NOSUPERUSER' in out
    document = json.loads(typed(*words, "--json", *of(one))[1])
    assert "superuser" in [flaw["flaw"] for flaw in document["controllers"][0]["flaws"]]
