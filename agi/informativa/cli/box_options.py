"""Options of commands about many boxes, the companies that they concern, and their end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer

from ..model import Controller
from ..operations.boxes import FailedCompany, of_each_company, shared
from ..operations.controllers import Selection, select_for_logs
from ..views.text import boxes as view
from .options import Config, Of, warn_of_unrelated
from .tree import INCOMPLETE
from .words import _

Result = TypeVar("Result")

MakesRoles = Annotated[
    str, typer.Option("--as", metavar="ROLE", help="A role of the database that may make roles.")
]


def companies(config: Config, controller: Of) -> Selection:
    """Return the companies that are named, or all: these commands tell nothing of any caller."""
    selection = select_for_logs(config, controller or (), begun=False)
    shared(selection.configuration)
    warn_of_unrelated(selection.unrelated)
    return selection


def of_each(
    companies: Sequence[Controller],
    work: Callable[[Controller], Result],
    show: Callable[[Result, str], None],
) -> tuple[tuple[Result, ...], tuple[FailedCompany, ...]]:
    """Do the work for each company, and show each result, with the company's name, at once. Return the
    results, and the failures."""
    results, failed = list[Result](), list[FailedCompany]()
    outcomes = of_each_company(companies, work)
    for company, outcome in zip(companies, outcomes, strict=True):
        if isinstance(outcome, FailedCompany):
            failed.append(outcome)
        else:
            results.append(outcome)
            show(outcome, company.name)
    return tuple(results), tuple(failed)


def end(failed: Sequence[FailedCompany], some_done: bool, as_json: bool) -> None:
    """End the command: by its exit code, and a line for each company that failed, where there are some."""
    if not as_json:
        for company in failed:
            print(view.failed(company, _), file=sys.stderr)
    if failed:
        raise typer.Exit(INCOMPLETE if some_done else 1)
