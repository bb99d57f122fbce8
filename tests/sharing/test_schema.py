"""The statements by which tables, rights, logins and companies are made, without a server."""

from __future__ import annotations

from pathlib import Path

import pytest

from informativa.sharing import administration, schema

SHOWN = (
    Path(__file__).parents[1] / "golden" / "__snapshots__" / "test_commands" / "test_english[shared-sql].txt"
)


def test_statements_are_those_that_an_administrator_reads() -> None:
    """All that `shared sql` shows: tables, functions, rights, policies, the login, and the company."""
    shown = SHOWN.read_text(encoding="utf-8").split("\n", 1)[1].partition("\n\n--- exit code")[0]
    statements = list(administration.script("pbx-1", ["acme"]))
    assert "".join(f"{statement};\n" for statement in statements) == f"{shown}\n"


def test_migrations_begin_after_the_one_that_is_there() -> None:
    """The last one is what this program needs; after it nothing is applied."""
    assert [number for number, _statements in schema.migrations(0)] == [6]
    assert [number for number, _statements in schema.migrations(5)] == [6]
    assert list(schema.migrations(6)) == []
    assert schema.newest() == 6


def test_names_in_sql() -> None:
    """Of a box's login, of an earlier schema, as a name and as a text; a role may do nothing unless it is
    said."""
    assert (schema.login("pbx-1"), schema.earlier("acme")) == ("informativa-box-pbx-1", "informativa_acme")
    assert (schema.quoted("a.b"), schema.literal("it's")) == ('"a.b"', "'it''s'")
    assert schema.made("a") == 'CREATE ROLE "a" NOLOGIN'
    assert schema.made("a", "LOGIN PASSWORD 'x'") == "CREATE ROLE \"a\" LOGIN PASSWORD 'x'"


@pytest.mark.parametrize("names", [(), ("acme", "globex")])
def test_login_serves_each_company_that_is_named(names: tuple[str, ...]) -> None:
    """Two statements for each, after those about the login."""
    statements = list(schema.served("informativa-box-pbx-1", names))
    assert len(statements) == 2 + 2 * len(names)
    assert [name for name in names if f"'{name}'" in statements[-1]] == [*names[-1:]]
    assert statements[0] == 'GRANT informativa_boxes TO "informativa-box-pbx-1"'
