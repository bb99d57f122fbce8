"""The checks of `informativa status`, which says with fewer words than the doctor what is not in order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from ...model.errors import EvidenceError, LedgerError, ManagerError
from ...model.text import Text
from . import ledger_facts, probe
from .findings import Finding, warning, wrong
from .system import System


async def service(system: System) -> AsyncIterator[Finding]:
    """Check that the service answers, is as installed and configured, and can decide calls."""
    answer = await system.answer()
    if answer is None:
        text = Text(
            "The service does not answer at {address}: callers are served by the script, which is slower."
            " Type: systemctl start informativa",
            address=system.configured.listen,
        )
        yield wrong(text)
        return
    if difference := probe.otherwise(answer, system.configured, "systemctl restart informativa"):
        yield difference
    for finding in probe.cannot_decide(await system.failing() or {}):
        yield finding


def companies(system: System) -> Iterator[Finding]:
    """Check that the ledger and the log of each company can be read."""
    for controller in system.readable():
        try:
            system.fact(controller, ledger_facts.KEPT_SINCE)
            system.fact(controller, ledger_facts.SUMMARY)
            system.log(controller)
        except (LedgerError, EvidenceError) as error:
            yield warning(error.text)


async def spool(system: System) -> AsyncIterator[Finding]:
    """Check that no row waits in the fallback spool."""
    try:
        rows = len(await system.spool() or ())
    except ManagerError as error:
        yield warning(error.text)
        return
    if rows:
        text = Text.counted(
            "{rows} row waits in the fallback spool; the service collects it within a minute",
            "{rows} rows wait in the fallback spool; the service collects them every minute",
            rows,
            rows=rows,
        )
        yield warning(text)
