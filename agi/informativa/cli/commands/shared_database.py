"""Commands that change the database where boxes meet: who serves what, a company that leaves, a password."""

from __future__ import annotations

from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...operations import boxes
from ...operations import shared_database as operations
from ...views.text import boxes as bar_view
from ...views.text import shared_database as view
from ..box_options import MakesRoles, companies, end
from ..options import Config, Json, Yes, print_document, print_result
from ..words import _

Administers = Annotated[
    str, typer.Option("--as", metavar="ROLE", help="A role of the database that administers the tables.")
]


def add_to(group: typer.Typer) -> None:
    """Give the group its commands."""
    group.command()(serve)
    group.command()(drop)
    group.command()(passwd)


def serve(
    user: MakesRoles = "",
    only: Annotated[
        bool,
        typer.Option("--only", help="Take away companies that the configuration lacks; records stay."),
    ] = False,
    config: Config = DEFAULT_FILE,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Show which companies this box's login serves by the configuration and by the database, and make the
    database so."""
    selection = companies(config, None)
    by_database = list(boxes.by_database(selection.configuration, selection.named).values())
    result = operations.serve(selection.configuration, by_database, user, really=yes, only=only)
    if as_json:
        print_document(result)
    else:
        for database in result.databases:
            print("\n".join(view.served(database, result, _)))
        if view.has_changes(result) and not yes:
            print(_("Nothing was changed yet. To do it, add --yes."))
    end(result.failed, bool(result.databases), as_json)


def drop(
    company: Annotated[str, typer.Argument(metavar="COMPANY", help="Its name in the database.")],
    user: Administers = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also while boxes exchange its records or have callers to erase.")
    ] = False,
    config: Config = DEFAULT_FILE,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Delete all that the database has of a company, which leaves it; the ledgers of its boxes stay. Cut off,
    it goes on when it is typed again."""
    selection = companies(config, None)
    with bar_view.bar(company, _) as progress:
        result = operations.drop(
            selection.configuration, company, user, really=yes, force=force, progress=progress
        )
    print_result(result, view.dropped(result, _), as_json=as_json)


def passwd(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """Change the password of this box's login, in the database and in the file of passwords. The service
    goes on."""
    selection = companies(config, None)
    result = operations.change_password(selection.configuration, selection.named)
    print_result(result, view.changed(result, _), as_json=as_json)
