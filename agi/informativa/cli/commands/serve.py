"""`informativa serve`: the service, in the foreground."""

from __future__ import annotations

import signal
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...process import service
from ...process.preparation import prepare
from ..log import LogFormat, configure
from ..options import Config
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program this command."""
    app.command("serve")(_serve)


def _serve(
    config: Config = DEFAULT_FILE,
    log: Annotated[LogFormat, typer.Option(help="How to write the log.")] = LogFormat.CONSOLE,
) -> None:
    """Answer Asterisk's calls (FastAGI) until SIGTERM.

    SIGHUP loads the configuration anew. What that would change for callers tells `informativa config diff`.
    """
    _.speak({})  # a log is searched in the language of this documentation
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to load anew
    configuration = prepare(config)
    sink = configure(log)
    try:
        service.run(configuration)
    finally:
        sink.close()
