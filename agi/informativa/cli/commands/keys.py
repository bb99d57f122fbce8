"""`informativa keys`: make secrets, and rotate them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import Action
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import keys
from ...operations.access_log import note_in_shell
from ...operations.controllers import select_for_callers
from ...views.text import keys as view
from ..options import Config, Json, RuleInstruction, print_result, warn_of_unnoted, warn_of_unrelated
from ..words import _

app = typer.Typer(help="The keys that turn numbers into pseudonyms.", no_args_is_help=True)


def add_to(program: typer.Typer) -> None:
    """Give the program the group `keys`."""
    program.add_typer(app, name="keys")


@app.command()
def make(
    of: Annotated[str, typer.Argument(metavar="CONTROLLER|agi|manager")],
    config: Config = DEFAULT_FILE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Though there is a ledger, whose callers are strangers then.")
    ] = False,
    hook: Annotated[
        bool, typer.Option("--hook", help="The secret of the controller's hook, instead.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the key of a controller that has none, the token of Asterisk (agi), or the secret of the account
    at its manager interface (manager); made by root, it belongs to the service's user."""
    secret = keys.make_for_hook(config, of) if hook else keys.make(config, of, again=yes)
    print_result(secret, view.secret_made(secret, config, _), as_json=as_json)


@app.command()
def rotate(
    controller: Annotated[str, typer.Argument(metavar="[CONTROLLER]")] = "",
    agi: Annotated[
        bool, typer.Option("--agi", help="The token by which Asterisk is known, instead; or a first one.")
    ] = False,
    config: Config = DEFAULT_FILE,
    instruction: RuleInstruction = "",
    yes: Annotated[bool, typer.Option("--yes", help="Really give the controller a new key.")] = False,
    as_json: Json = False,
) -> None:
    """Give a controller a new key; callers known under the old one are re-keyed when they next call."""
    if agi == bool(controller):
        raise InformativaError(
            Text("A company or --agi must be named, and not both."),
            Text("Type: informativa keys rotate CONTROLLER, or: informativa keys rotate --agi"),
        )
    company = None
    if agi:
        rotation = keys.rotate_token(config)
        lines = view.rotated_token(rotation, _)
    else:
        selection = select_for_callers(config, (controller,))
        (company,) = selection.named
        rotation = keys.rotate(selection, datetime.now(UTC), really=yes, instruction=instruction)
        warn_of_unrelated(selection.unrelated)
        lines = view.rotated(rotation, company, _)
    warn_of_unnoted(instruction, [rotation.instruction])
    print_result(rotation, lines, as_json=as_json)
    if company and rotation.done:  # last, for the key is replaced even where nothing can be noted
        note_in_shell(company, Action.NEW_KEY, datetime.now(UTC), known=None)
