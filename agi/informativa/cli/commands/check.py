"""`informativa check`: the configuration and all that it names. It is apart from `informativa config`, which
loads what only an edit of the file and a forecast need."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import typer

from ...config import DEFAULT_FILE
from ...operations import check
from ...views.text.check import in_order, problem_lines
from ..options import Config, Json, print_document
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("check")(_check)


def _check(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """Check the configuration and all that it names, and open the ledgers, without serving calls."""
    result = check.check(config, datetime.now(UTC))
    if as_json:
        print_document(result)
    else:
        for line in problem_lines(result, _):
            print(line, file=sys.stderr)
        for line in in_order(result, _):
            print(line)
    if not result.ok:
        raise typer.Exit(1)
