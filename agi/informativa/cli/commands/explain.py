"""`informativa explain`: what would happen to a call, and by which rule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import Action
from ...operations.access_log import note_in_shell, require_reason
from ...operations.controllers import line_named, select_for_call
from ...operations.explain import explain
from ...views.text.explain import explanation
from ..options import Config, Country, Json, LookReason, moment, print_result, shown_number, warn_of_unrelated
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("explain")(_explain)


def _explain(
    number: Annotated[str, typer.Option("--from", metavar="NUMBER", help="Who rings, or `withheld`.")],
    to: Annotated[str, typer.Option("--to", metavar="LINE", help="The called number.")],
    config: Config = DEFAULT_FILE,
    at: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME",
            parser=moment,
            help="When, in the controller's time zone or with an offset: 2026-01-31T09:30+02:00; else now.",
        ),
    ] = None,
    language: Annotated[str, typer.Option(metavar="LANGUAGE", help="What the dialplan asks for.")] = "",
    country: Country = "",
    internal: Annotated[
        str,
        typer.Option(
            metavar="CONTEXT",
            help="As one of your own telephones: its endpoint's context, or `yes` for INFORMATIVA_INTERNAL.",
        ),
    ] = "",
    reason: LookReason = "",
    as_json: Json = False,
) -> None:
    """Say what would happen to a call and by which rule, touching nothing."""
    selection = select_for_call(config, to)
    line = line_named(selection.configuration, to)
    warn_of_unrelated(selection.unrelated)
    now = datetime.now(UTC)
    shown = shown_number(number)
    reason = require_reason([line.controller] if shown else [], reason)
    result = explain(line, to, shown, at, language, now, country=country, internal=internal)
    if pseudonym := result.disclosed_pseudonym:
        note_in_shell(line.controller, Action.WHAT_IF, now, known=pseudonym, reason=reason)
    print_result(result, explanation(result, line, _), as_json=as_json)
