"""Commands about the service: its systemd unit, and `informativa serve`, the service in the foreground."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ..log import LogFormat, configure
from ..options import Config, print_generated
from ..words import _


def add_to(app: typer.Typer) -> None:
    """Give the program these commands."""
    app.command("systemd")(_systemd)
    app.command("serve")(_serve)


def _systemd(
    config: Config = DEFAULT_FILE,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it here.")
    ] = None,
    web: Annotated[bool, typer.Option("--web", help="That of the console instead of the service's.")] = False,
    evidence: Annotated[
        bool, typer.Option("--evidence", help="That of what signs, with a key that the service cannot read.")
    ] = False,
    backup: Annotated[bool, typer.Option("--backup", help="That of backups.")] = False,
    timer: Annotated[bool, typer.Option("--timer", help="The timer of backups: one every night.")] = False,
    report: Annotated[bool, typer.Option("--report", help="That of monthly reports.")] = False,
    report_timer: Annotated[
        bool, typer.Option("--report-timer", help="The timer of reports: every month.")
    ] = False,
) -> None:
    """Print the systemd unit for this configuration, hardened, or write it."""
    from ...operations import systemd_unit  # not for `serve`, which would load half of the program

    options = {
        systemd_unit.CONSOLE: web,
        systemd_unit.SIGNER: evidence,
        systemd_unit.BACKUP: backup,
        systemd_unit.BACKUP_TIMER: timer,
        systemd_unit.REPORT: report,
        systemd_unit.REPORT_TIMER: report_timer,
    }
    chosen = [name for name, is_chosen in options.items() if is_chosen]
    if len(chosen) > 1:
        raise typer.BadParameter(_("Choose one unit: only one of its options."))
    unit = chosen[0] if chosen else systemd_unit.SERVICE
    print_generated(systemd_unit.generate(config, output, unit))


def _serve(
    config: Config = DEFAULT_FILE,
    log: Annotated[LogFormat, typer.Option(help="How to write the log.")] = LogFormat.CONSOLE,
) -> None:
    """Answer Asterisk's calls (FastAGI) until SIGTERM."""
    from ...process import service
    from ...process.preparation import prepare

    _.speak({})  # a log is searched in the language of this documentation
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to load anew
    configuration = prepare(config)
    sink = configure(log)
    try:
        service.run(configuration)
    finally:
        sink.close()
