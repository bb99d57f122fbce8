"""Commands about controllers: what is past their retention, their state, and the worksheet for an outsourcing
contract's prior analysis."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, load, load_usable
from ...model import Action
from ...operations import controller_state, outsourcing, retention
from ...operations.access_log import note_in_shell
from ...operations.controllers import select_for_callers
from ...views.text import controllers as text
from ...views.text.retention import purged
from ..options import (
    Config,
    Json,
    Of,
    RuleInstruction,
    Yes,
    print_document,
    print_result,
    warn_of_unnoted,
    warn_of_unrelated,
)
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program these commands."""
    app.command("purge")(_purge)
    app.command("controllers")(_controllers)
    app.command("outsourcing-worksheet")(_outsourcing_worksheet)


def _purge(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    instruction: RuleInstruction = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Say which records are older than the retention; with --yes delete them, as the service does daily."""
    selection = select_for_callers(config, controller or ())
    warn_of_unrelated(selection.unrelated)

    def tell(part: retention.Purged) -> None:
        if yes and part.records is not None:
            company = selection.configuration.controllers[part.controller]
            facts = f"deleted={part.records}"
            note_in_shell(company, Action.PURGE, datetime.now(UTC), known=None, facts=facts)
        if not as_json:
            print("\n".join(purged(part, yes, _)))

    purge = retention.purge(
        selection.named,
        datetime.now(UTC),
        really=yes,
        progress=tell,
        instruction=instruction,
    )
    warn_of_unnoted(instruction, (one.instruction for one in purge.controllers))
    if as_json:
        print_document(purge)
    elif not yes:
        print(_("Nothing was deleted yet. To do it, add --yes."))


def _controllers(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """List the controllers with their state."""
    states = controller_state.states(load_usable(config))
    print_result(states, text.states(states, _), as_json=as_json)


def _outsourcing_worksheet(
    controller: Annotated[str, typer.Argument(metavar="CONTROLLER")], config: Config = DEFAULT_FILE
) -> None:
    """Print the worksheet that the analysis before an outsourcing contract starts from (Markdown)."""
    print(text.worksheet(outsourcing.facts(load(config), controller)))
