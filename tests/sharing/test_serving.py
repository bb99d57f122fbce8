"""`shared serve`: the companies that a box's login serves, by its configuration and by the database."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest
import yaml

from commands import typed
from examples import PLAYED
from lab.postgres import SUPERUSER, Postgres
from sharing.installation import Installation

SERVED = (
    "SELECT login, controller FROM informativa.serves JOIN informativa.company USING (company) ORDER BY 1, 2"
)
LOGIN = "informativa-box-pbx-1"


def serve(box: Installation, *words: str) -> tuple[int, str, str]:
    """Type the command as the administrator of the database."""
    return typed("shared", "serve", "--as", SUPERUSER, *words, "-c", box.file)


def test_what_is_missing_is_shown_and_added(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """A company that was added to the configuration of one box: a dry run first, and by the box's own login;
    then the database serves it, and the box can exchange it."""
    one, _other = meeting
    lines = [
        f"postgres: {LOGIN} serves acme",
        f"postgres: {LOGIN} would serve from then on borealis",
        "Nothing was changed yet. To do it, add --yes.",
    ]
    assert serve(one) == (0, "\n".join([*lines, ""]), "")
    assert typed("shared", "serve", "-c", one.file) == (0, "\n".join([*lines, ""]), "")
    assert (LOGIN, "borealis") not in server.sql(SERVED)
    code, out, _error = serve(one, "--yes")
    assert (code, out.splitlines()[1]) == (0, f"postgres: {LOGIN} serves from now on borealis")
    assert server.sql(SERVED)[:2] == [(LOGIN, "acme"), (LOGIN, "borealis")]
    assert typed("shared", "status", "-c", one.file)[0] == 0
    assert serve(one) == (0, f"postgres: {LOGIN} serves acme, borealis\n", "")


def test_what_the_configuration_lacks_is_taken_away_with_only(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """Not without it; the records stay, another box's login serves on, and whoever waits for this box is
    named with what to type."""
    one, other = meeting
    one.record(PLAYED)
    one.exchange()
    leave(one.file)
    code, out, _error = serve(one, "--yes")
    assert (code, "serves acme too, which this configuration does not have" in out) == (0, True)
    assert (LOGIN, "acme") in server.sql(SERVED)
    code, out, _error = serve(one, "--only")
    assert f"{LOGIN} would serve no more acme. Their records stay." in out
    assert (LOGIN, "acme") in server.sql(SERVED)
    result = json.loads(serve(one, "--only", "--yes", "--json")[1])
    (database,) = result["databases"]
    assert (database["others"], database["awaited"], result["failed"]) == (["acme"], ["acme"], [])
    assert server.sql(SERVED) == [(LOGIN, "borealis"), ("informativa-box-pbx-2", "acme")]
    assert server.sql("SELECT count(*) FROM informativa.record") == [(1,)]
    other.exchange()


def leave(file: Path) -> None:
    """Take acme out of a configuration, with its lines."""
    document = yaml.safe_load(file.read_text())
    del document["controllers"]["acme"]
    document["lines"] = {
        number: line
        for number, line in document["lines"].items()
        if (line if isinstance(line, str) else line.get("controller")) != "acme"
    }
    file.write_text(yaml.safe_dump(document))


def test_a_configuration_with_a_mistake_takes_nothing_away(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """A company whose section cannot be read is in the configuration all the same."""
    one, _other = meeting
    text = one.file.read_text()
    assert "retention: 5 years" in text
    one.file.write_text(text.replace("retention: 5 years", "retention: never", 1))
    code, out, error = serve(one, "--only", "--yes")
    assert (code, out, "retention" in error) == (1, "", True)
    assert (LOGIN, "acme") in server.sql(SERVED)


def test_a_login_of_a_box_cannot_change_it(meeting: tuple[Installation, Installation]) -> None:
    """Without a role that administers the database the company is named that was not added, and why."""
    one, _other = meeting
    code, _out, error = typed("shared", "serve", "--yes", "-c", one.file)
    assert (code, "Borealis GmbH (borealis): " in error) == (3, True)
    assert "Name a role of the database that may do it: --as ROLE" in error


@pytest.mark.night
def test_a_server_without_tables_serves_nothing(
    two: tuple[Installation, Installation], server: Postgres
) -> None:
    """All is to be added, tables included."""
    server.sql("DROP SCHEMA IF EXISTS informativa CASCADE")
    one, _other = two
    assert f"postgres: {LOGIN} would serve from then on acme, borealis" in serve(one)[1]
    assert serve(one, "--yes")[0] == 0
    assert server.sql(SERVED) == [(LOGIN, "acme"), (LOGIN, "borealis")]


@pytest.mark.night
def test_an_administrator_who_is_no_superuser_serves(
    meeting: tuple[Installation, Installation], server: Postgres
) -> None:
    """A role that has the owner's rights is enough, to add and to take away."""
    one, _other = meeting
    role = "dba"
    server.sql(f"CREATE ROLE {role} LOGIN CREATEROLE PASSWORD 'of the role'")
    server.sql(f"GRANT informativa_owner TO {role}; GRANT informativa_boxes TO {role} WITH ADMIN OPTION")
    server.sql(f'GRANT "{LOGIN}" TO {role} WITH ADMIN OPTION')
    try:
        assert typed("shared", "serve", "--as", role, "--yes", "-c", one.file)[0] == 0
        assert (LOGIN, "borealis") in server.sql(SERVED)
        leave(one.file)
        assert typed("shared", "serve", "--as", role, "--only", "--yes", "-c", one.file)[0] == 0
        assert (LOGIN, "acme") not in server.sql(SERVED)
        with psycopg.connect(server.conninfo(user=role, password="of the role")) as connection:
            assert connection.execute("SELECT count(*) FROM informativa.record").fetchone() == (0,)
    finally:
        server.sql(f"DROP OWNED BY {role}; DROP ROLE {role}")
