"""`informativa web`: the pages for people who use no shell, and who may see them."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, inspect, load
from ...config.configuration import Configuration
from ...config.partial import concerning
from ...model import Action, Role
from ...model.errors import ConfigError, InformativaError
from ...model.text import Text
from ...operations.access_log import note_in_shell
from ...operations.accounts import management as accounts
from ...views.text import accounts as view
from ..log import LogFormat, configure
from ..options import Config, Json, Of, print_result
from ..words import _

app = typer.Typer(help="The pages for people who use no shell.", invoke_without_command=True)


def add_to(program: typer.Typer) -> None:
    """Give the program this group, which serves the pages by itself."""
    program.add_typer(app, name="web")


@app.callback()
def serve(
    context: typer.Context,
    config: Config = DEFAULT_FILE,
    log: Annotated[LogFormat, typer.Option(help="How to write the log.")] = LogFormat.CONSOLE,
) -> None:
    """Serve the pages for people who use no shell, until SIGTERM; or say who may see them."""
    if context.invoked_subcommand is not None:
        return
    _require_modules()
    from ...console import server  # not for other commands

    settings = load(config).web
    print(_("The console answers at {address} until Ctrl-C.", address=settings.address), flush=True)
    _.speak({})  # a log is searched in the language of this documentation
    sink = configure(log)
    try:
        server.run(config, settings)
    finally:
        sink.close()


def _require_modules() -> None:
    """Raise InformativaError if the extra `web` is not installed."""
    for name in ("starlette", "uvicorn", "argon2", "multipart", "segno"):
        if importlib.util.find_spec(name) is None:
            raise InformativaError(
                Text("The pages need the Python module {name}.", name=name),
                Text("Type: {prefix}/bin/pip install 'informativa[web]'", prefix=Path(sys.prefix)),
            )


Name = Annotated[str, typer.Argument(metavar="NAME", help="Of the account: letters, digits and . _ @ -")]
OfRole = Annotated[
    Role | None,
    typer.Option("--role", metavar="ROLE", help="reader, compliance or admin.", show_default=False),
]


@app.command()
def invite(
    name: Name,
    role: OfRole = None,
    controller: Of = None,
    hours: Annotated[int, typer.Option(metavar="HOURS", help="For how long the link is good.")] = 24,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Make a link by which somebody chooses a password, once: for a new account, or a lost password."""
    configuration, companies = _console(config)
    web, now = configuration.web, datetime.now(UTC)
    invitation = accounts.invite(
        Path(web.folder), companies, name, role, controller or (), hours, now, address=web.address
    )
    _note(configuration, invitation.grants, f"invite {invitation.name} {role or ''}", now)
    print_result(invitation, view.invited(invitation, _), as_json=as_json)


@app.command("accounts")
def accounts_(config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """Say who may use the console, and what."""
    configuration, _companies = _console(config)
    result = accounts.accounts(Path(configuration.web.folder), datetime.now(UTC))
    print_result(result, view.accounts(result, _), as_json=as_json)


@app.command()
def grant(
    name: Name,
    role: OfRole = None,
    controller: Of = None,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Give an account a role for a company; without a role, none any more."""
    configuration, companies = _console(config)
    web, now = configuration.web, datetime.now(UTC)
    granted = accounts.grants_of(Path(web.folder), name)
    account = accounts.grant(Path(web.folder), companies, name, role, controller or (), now)
    _note(configuration, {*granted, *account.grants}, f"role {account.name} {role or 'none'}", now)
    print_result(account, view.granted(account, _), as_json=as_json)


@app.command("log-out")
def log_out(name: Name, config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """End all sessions of an account, at once."""
    (configuration, _companies), now = _console(config), datetime.now(UTC)
    account = accounts.log_out(Path(configuration.web.folder), name, now)
    _note(configuration, account.grants, f"log-out {account.name}", now)
    print_result(account, view.logged_out(account, _), as_json=as_json)


@app.command()
def remove(name: Name, config: Config = DEFAULT_FILE, as_json: Json = False) -> None:
    """Take an account away, and its invitation."""
    configuration, _companies = _console(config)
    folder = Path(configuration.web.folder)
    granted = accounts.grants_of(folder, name)
    result = accounts.remove(folder, name)
    _note(configuration, granted, f"remove {result.name}", datetime.now(UTC))
    print_result(result, view.removed(result, _), as_json=as_json)


@app.command()
def log(
    controller: Annotated[str, typer.Argument(metavar="CONTROLLER")],
    before: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Those from before this one.", show_default=False)
    ] = None,
    count: Annotated[int, typer.Option(metavar="COUNT", help="How many at most.", min=1, max=10_000)] = 50,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Say who looked at whom of a company in the console, and what was done, the newest first."""
    _console(config)
    from ...operations import access_log
    from ...operations.controllers import select_for_callers
    from ...views.text.access_log import entries

    (company,) = select_for_callers(config, [controller]).named
    page = access_log.page(company, before, count)
    print_result(page, entries(page, company.zone, _), as_json=as_json)


def _console(config: Path) -> tuple[Configuration, list[str]]:
    """Return the configuration, and the companies; mistakes in a company's part are ignored."""
    _require_modules()
    configuration, problems = inspect(config)
    if web_problems := concerning(problems, "web"):
        raise ConfigError(web_problems)
    return configuration, [*configuration.controllers, *configuration.invalid_controllers]


def _note(configuration: Configuration, grants: Iterable[accounts.Grant], detail: str, now: datetime) -> None:
    """Log what was changed of an account at the companies for which it has, or had, a role. A company whose
    part has a mistake has no log that could be found."""
    for controller in sorted({grant.controller for grant in grants}):
        if company := configuration.controllers.get(controller):
            note_in_shell(company, Action.ACCOUNTS, now, known=None, detail=detail.strip())
