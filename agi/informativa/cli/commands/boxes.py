"""Commands about many boxes: the database where they meet, who they are, and joining them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, TypeVar

import typer

from ...config import DEFAULT_FILE
from ...model import Controller
from ...operations import box_replacement, box_retirement, grants, joining
from ...operations import boxes as operations
from ...views.messages import Language
from ...views.text import boxes as view
from ..box_options import MakesRoles, companies, end, of_each
from ..options import Config, Json, Of, Yes, begun, print_document
from ..tree import INCOMPLETE
from ..words import _
from . import shared_database

Result = TypeVar("Result")

database = typer.Typer(help="The database where the boxes of an installation meet.", no_args_is_help=True)
boxes = typer.Typer(
    help="List the boxes of an installation, and how far each is.", invoke_without_command=True
)


def add_to(program: typer.Typer) -> None:
    """Give the program the command `join`; the others are groups of their own."""
    shared_database.add_to(database)
    program.add_typer(database, name="shared")
    program.add_typer(boxes, name="boxes")
    program.command("join")(_join)


@database.command()
def migrate(
    user: MakesRoles = "",
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Make the tables, or bring them up to date, and this box's login, which serves the companies; on each
    box once. Calls go on meanwhile."""
    selection = companies(config, controller)
    results, failed = of_each(
        selection.named,
        lambda company: operations.migrate(selection.configuration, company, user),
        lambda result, _name: None if as_json else print("\n".join(view.migrated(result, _))),
    )
    if as_json:
        print_document(operations.SchemasMigrated(results, failed))
    end(failed, bool(results), as_json)


@database.command()
def sql(config: Config = DEFAULT_FILE, controller: Of = None) -> None:
    """Print what `shared migrate` does to a new database on this box, for whoever administers it."""
    selection = companies(config, controller)
    for statement in operations.script(selection.configuration, selection.named):
        print(f"{statement};")


@database.command()
def status(
    context: typer.Context, config: Config = DEFAULT_FILE, controller: Of = None, as_json: Json = False
) -> None:
    """The same as `informativa boxes`: whether the database can be used for each company, and how far the
    boxes are."""
    _show(context, config, controller, as_json)


@database.command()
def doctor(
    context: typer.Context,
    user: Annotated[
        str, typer.Option("--as", metavar="ROLE", help="A role of the database that may connect.")
    ] = "",
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Compare the rights that boxes' logins have in the database with those that they should have."""
    selection = companies(config, controller)
    examination = grants.examine(selection.configuration, selection.named, user, begun(context))
    if as_json:
        print_document(examination)
    else:
        for rights in examination.databases:
            print("\n".join(view.rights(rights, _)))
    end(examination.failed, bool(examination.databases), as_json)
    if any(rights.flaws or any(login.flaws for login in rights.logins) for rights in examination.databases):
        raise typer.Exit(1)


@boxes.callback()
def _boxes(
    context: typer.Context, config: Config = DEFAULT_FILE, controller: Of = None, as_json: Json = False
) -> None:
    if context.invoked_subcommand is None:
        _show(context, config, controller, as_json)


@boxes.command()
def retire(
    box: Annotated[str, typer.Argument(metavar="BOX", help="What it is called.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also if the box was heard of in the last minute.")
    ] = False,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Retire a box permanently: the others stop waiting for it, and its name is never reused."""
    selection = companies(config, controller)
    results = _change(
        selection.named,
        lambda company: box_retirement.retire(selection.configuration, company, box, really=yes, force=force),
        view.retired,
        box_retirement.BoxesRetired,
        yes,
        as_json,
    )
    if yes and not all(result.is_complete for result in results):
        raise typer.Exit(INCOMPLETE)


@boxes.command()
def replace(
    box: Annotated[str, typer.Argument(metavar="OLD", help="The box that broke.")],
    successor: Annotated[str, typer.Argument(metavar="NEW", help="The box that takes its place.")],
    force: Annotated[
        bool, typer.Option("--force", help="Also if the old box was heard of in the last minute.")
    ] = False,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put a box that joined in the place of one that broke, which leaves permanently; its log says so."""
    selection = companies(config, controller)
    results = _change(
        selection.named,
        lambda company: box_replacement.replace(
            selection.configuration, company, box, successor, really=yes, force=force
        ),
        view.replaced,
        box_replacement.BoxesReplaced,
        yes,
        as_json,
    )
    if yes and not all(result.is_complete for result in results):
        raise typer.Exit(INCOMPLETE)


def _join(config: Config = DEFAULT_FILE, controller: Of = None, as_json: Json = False) -> None:
    """Take in what all other boxes told callers, before this one takes calls; cut off, it goes on later."""
    selection = companies(config, controller)

    def join(company: Controller) -> joining.JoinedController:
        with view.bar(company.name, _) as progress:
            return joining.join(selection.configuration, company, progress)

    results, failed = of_each(
        selection.named,
        join,
        lambda result, name: None if as_json else print(view.join_message(result, name, _)),
    )
    if as_json:
        print_document(joining.Joined(results, failed))
    end(failed, bool(results), as_json)


def _change(
    named: Sequence[Controller],
    work: Callable[[Controller], Result],
    words: Callable[[Result, str, bool, Language], Iterable[str]],
    document: Callable[[bool, tuple[Result, ...], tuple[operations.FailedCompany, ...]], object],
    yes: bool,
    as_json: bool,
) -> tuple[Result, ...]:
    """Do a change of boxes for each of these companies, or without `yes` see what it would be. Show each
    result in `words`, or all in one JSON document, and end the command where a company failed. Return the
    results."""
    results, failed = of_each(
        named, work, lambda result, name: None if as_json else print("\n".join(words(result, name, yes, _)))
    )
    if as_json:
        print_document(document(yes, results, failed))
    elif results and not yes:
        print(_("Nothing was changed yet. To do it, add --yes."))
    end(failed, bool(results), as_json)
    return results


def _show(context: typer.Context, config: Config, controller: Of, as_json: bool) -> None:
    selection = companies(config, controller)
    boxes = operations.boxes(selection.configuration, selection.named, begun(context))
    if as_json:
        print_document(boxes)
    else:
        for meeting in boxes.controllers:
            print("\n".join(view.meeting(meeting, _)))
    end(boxes.unknown, bool(boxes.controllers), as_json)
