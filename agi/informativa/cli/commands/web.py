"""`informativa web`: the pages for people who use no shell, and who may see them."""

from __future__ import annotations

import importlib.util
import sys
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, load
from ...errors import InformativaError
from ...text import Text
from ..log import LogFormat, configure
from ..options import Config
from ..words import _

app = typer.Typer(help="The pages for people who use no shell.", invoke_without_command=True)


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
    assert settings is not None
    print(_("The console answers at {address} until Ctrl-C.", address=server.address(settings)), flush=True)
    _.speak({})  # a log is searched in the language of this documentation
    sink = configure(log)
    try:
        server.run(config, settings)
    finally:
        sink.close()


def _require_modules() -> None:
    """Raises InformativaError where the extra was not installed."""
    for name in ("starlette", "uvicorn", "jinja2", "argon2", "multipart"):
        if importlib.util.find_spec(name) is None:
            raise InformativaError(
                Text("The pages need the Python module {name}.", name=name),
                Text("Type: {prefix}/bin/pip install 'informativa[web]'", prefix=sys.prefix),
            )
