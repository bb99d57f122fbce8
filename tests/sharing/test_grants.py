"""The rights that boxes' logins have in the shared database, and what is wrong with them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from commands import typed
from informativa.operations.grants import FLAWS
from informativa.sharing import administration
from informativa.sharing.connection import connect
from informativa.sharing.grants import GrantFlaw, LoginGrants, examine
from lab.postgres import SUPERUSER, Postgres
from sharing.conftest import ROLE, Boxes
from sharing.installation import Installation


def test_a_login_that_shared_migrate_made_has_no_flaw(boxes: Boxes) -> None:
    """Seen by the administrator, who learns what every box serves, and by the login itself."""
    boxes.let_in("pbx-2", "globex")
    both = [LoginGrants(ROLE, [], ["acme"]), LoginGrants("informativa-box-pbx-2", [], ["globex"])]
    by_administrator = examine(boxes.database(), ["acme"], SUPERUSER)
    assert (by_administrator.flaws, by_administrator.logins) == ([], both)
    by_itself = examine(boxes.database(), ["acme"], "")
    assert [login.controllers for login in by_itself.logins] == [["acme"], []]


@pytest.mark.parametrize(
    ("change", "back", "flaws", "of_tables"),
    [
        ("ALTER ROLE {login} NOLOGIN", "", ["no-login"], []),
        ("ALTER ROLE {login} CREATEROLE", "", ["creates-roles"], []),
        ("ALTER ROLE {login} BYPASSRLS", "", ["bypasses-policies"], []),
        ("CREATE TABLE its (a int); ALTER TABLE its OWNER TO {login}", "DROP TABLE its", ["owner"], []),
        ("REVOKE informativa_boxes FROM {login}", "", ["no-rights"], []),
        ("GRANT informativa_owner TO {login}", "", ["more-rights"], []),
        ("GRANT DELETE ON informativa.record TO {login}", "", ["more-rights"], []),
        ("GRANT CREATE ON SCHEMA informativa TO {login}", "", ["more-rights"], []),
        ("DELETE FROM informativa.serves", "", ["not-served"], []),
        (
            "INSERT INTO informativa.company VALUES (9, 'other');"
            " INSERT INTO informativa.serves SELECT login, 9 FROM informativa.serves",
            "",
            ["of-others"],
            [],
        ),
        (
            "GRANT SELECT ON informativa.record TO PUBLIC",
            "REVOKE ALL ON informativa.record FROM PUBLIC",
            [],
            ["public"],
        ),
        (
            "ALTER TABLE informativa.log NO FORCE ROW LEVEL SECURITY",
            "ALTER TABLE informativa.log FORCE ROW LEVEL SECURITY",
            [],
            ["not-forced"],
        ),
        (
            "GRANT DELETE ON informativa.record TO informativa_boxes",
            "REVOKE DELETE ON informativa.record FROM informativa_boxes",
            [],
            ["rights-of-all"],
        ),
        (
            "GRANT CREATE ON SCHEMA informativa TO informativa_boxes",
            "REVOKE CREATE ON SCHEMA informativa FROM informativa_boxes",
            [],
            ["rights-of-all"],
        ),
        (
            "ALTER SCHEMA informativa RENAME TO hidden",
            "ALTER SCHEMA hidden RENAME TO informativa",
            [],
            ["no-tables"],
        ),
    ],
)
def test_each_flaw(
    boxes: Boxes, change: str, back: str, flaws: Sequence[str], of_tables: Sequence[str]
) -> None:
    """Each is found alone, as the server's catalogs have it."""
    boxes.server.sql(change.format(login=f'"{ROLE}"'))
    try:
        grants = examine(boxes.database(), ["acme"], SUPERUSER)
        assert (grants.logins[0].flaws, grants.flaws) == (flaws, of_tables)
    finally:
        if back:
            boxes.server.sql(back)


def test_a_login_that_is_missing_and_has_no_password(boxes: Boxes) -> None:
    """Both are said, and each flaw has a sentence and a remedy."""
    database = boxes.database()
    boxes.server.sql(f'DROP OWNED BY "{ROLE}"; DROP ROLE "{ROLE}"; DELETE FROM informativa.serves')
    (boxes.folder / "pgpass").write_text(f"*:*:*:{SUPERUSER}:{boxes.server.password}\n")
    (login,) = examine(database, ["acme"], SUPERUSER).logins
    assert login.flaws == ["no-role", "no-password", "not-served"]
    assert set(FLAWS) == set(GrantFlaw)


@pytest.mark.parametrize("locked", ['ALTER ROLE "{login}" NOLOGIN', 'DROP ROLE "{login}"'])
def test_login_of_a_box_that_left_should_let_nobody_in(boxes: Boxes, locked: str) -> None:
    """Its password still opens what boxes share. It is named once the box left of all companies that it
    serves, and until the administrator has locked it; that it may not log in is no flaw then."""
    boxes.exchange("pbx-1")
    boxes.let_in("pbx-2", "globex")
    boxes.exchange("pbx-2")

    def flaws() -> list[list[str]]:
        return [login.flaws for login in examine(boxes.database(), ["acme"], SUPERUSER).logins]

    administration.retire(boxes.database(), "acme", "pbx-2")
    assert flaws() == [[], []]
    with connect(boxes.database("pbx-2"), "acme") as connection:
        assert connection.execute("SELECT count(*) FROM informativa.ledger").fetchone() == (2,)
    boxes.server.sql(
        "INSERT INTO informativa.ledger (company, box, identity, retired)"
        " SELECT company, 'pbx-2', '\\x02', now() FROM informativa.company WHERE controller = 'globex'"
    )
    assert flaws() == [[], ["retired"]]
    boxes.opened.pop().close()
    boxes.server.sql(locked.format(login="informativa-box-pbx-2"))
    assert flaws() == [[], []]


def test_the_administrator_types_it(meeting: tuple[Installation, Installation], server: Postgres) -> None:
    """`shared doctor` names each login, what it serves, and what is wrong, and ends with 1 then."""
    words = ("shared", "doctor", "--as", SUPERUSER, "-c", meeting[0].file, "--controller", "acme")
    assert typed(*words) == (
        0,
        "postgres: informativa-box-pbx-1 has the rights that it needs, and no more\n  it serves acme\n"
        "postgres: informativa-box-pbx-2 has the rights that it needs, and no more\n  it serves acme\n",
        "",
    )
    server.sql('ALTER ROLE "informativa-box-pbx-1" SUPERUSER')
    code, out, _error = typed(*words)
    assert code == 1
    assert 'it is a superuser. Type in psql: ALTER ROLE "informativa-box-pbx-1" NOSUPERUSER' in out
    code, out, _error = typed(*words, "--json")
    (database,) = json.loads(out)["databases"]
    assert [[flaw["flaw"] for flaw in login["flaws"]] for login in database["logins"]] == [["superuser"], []]
