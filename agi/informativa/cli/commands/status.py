"""`informativa status`: the service and the ledgers on one screen."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ...operations import status
from ...views import terminal
from ...views.text import status as view
from ..options import print_document
from ..words import _


def run(file: Path, as_json: bool, *, service_alone: bool = False) -> bool:
    """Show it; return whether all is in order. Raises ConfigError for a file of which no part can be used."""
    look = status.look_at_service if service_alone else status.look
    report = look(file, datetime.now().astimezone())
    if as_json:
        print_document(report)
        return report.in_order
    console = terminal.console()
    for part in view.screen(report, _):
        console.print(part)
    if report.warnings:
        console.print()
    for warning in view.warnings(report, _):
        console.print(warning, style="yellow", soft_wrap=True)
    return report.in_order
