"""`informativa reload`: a running service loads its changed file, after it was shown what that changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import reload
from ...operations.controller_state import left_out
from ...operations.reload import Reload
from ...views.text import forecast as view
from ..options import Config, Json, print_document, warn
from ..questions import ask_yes, is_terminal
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("reload")(_reload)


def _reload(
    diff: Annotated[bool, typer.Option("--diff", help="Only tell what it would change for callers.")] = False,
    confirmed: Annotated[bool, typer.Option("--yes", help="Load it without a question.")] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Load the changed configuration into the running service, after a look at what that changes for callers.

    The file is compared with what the service has loaded. A company with mistakes in its part stays as it is;
    a file with other mistakes is not loaded. Calls in progress end as they began.
    """
    service = reload.running_service(config)
    with view.bar(_) as progress:
        forecast = reload.forecast(service, datetime.now(UTC), progress)
    if not as_json:
        warn(forecast.warnings if forecast else left_out(service.configuration))
        for line in view.reload_preview(config, forecast, _):
            print(line)
    if loads := not diff and (confirmed or _confirm(as_json=as_json)):
        reload.reload(service)
    if as_json:
        print_document(Reload(config, forecast, loads))
    elif loads:
        print(_("The service has loaded it."))
    elif not diff:
        print(_("Nothing was loaded."))
    if not (loads or diff):
        raise typer.Exit(1)


def _confirm(*, as_json: bool) -> bool:
    """Ask whether to load it. Raises InformativaError where nobody can be asked."""
    if as_json:
        return False
    if not is_terminal():
        raise InformativaError(
            Text("Nothing was loaded: nobody has confirmed it."), Text("Type the same with --yes.")
        )
    return ask_yes(_("Load it?"))
