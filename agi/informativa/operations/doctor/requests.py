"""The check that persons' requests are answered in time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from ...model.errors import LedgerError
from ...model.text import Text
from .. import request_register
from . import ledger_facts
from .findings import Finding, ok, warning, wrong
from .system import System

SOON = timedelta(days=7)


def requests(system: System) -> Iterator[Finding]:
    """Check that no request is overdue, and tell of those that are due within a week."""
    in_time = 0
    for controller in system.recording():
        try:
            requests = system.fact(controller, ledger_facts.REQUESTS)
        except LedgerError:  # reported by the check `ledgers`
            continue
        if requests is None:
            continue
        remedy = Text("The console's page Requests shows what comes next.")
        if requests.overdue:
            yield wrong(request_register.overdue_text(controller, requests), remedy)
        elif requests.next_due <= request_register.today(controller, system.now) + SOON:
            text = Text("a person's request to {id} is due on {due}", id=controller.id, due=requests.next_due)
            yield warning(text, remedy)
        else:
            in_time += requests.open
    if in_time:
        text = Text.counted(
            "{number} request is open, and due in more than a week",
            "{number} requests are open, and due in more than a week",
            in_time,
        )
        yield ok(text.format(number=in_time))
