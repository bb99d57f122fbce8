"""The report of a running service about itself, in words that `doctor` and `status` read (doctor/probe.py).

Each answer is one line of NAME=VALUE, as a variable of AGI has it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping

import structlog

from .. import __version__
from ..config import Configuration
from ..model.errors import DefectError, InformativaError
from ..model.ports import Ledger, LedgerTransaction
from .last_hour import HourOfCalls

MOST_NAMED = 20  # companies, where an answer has one line
TRIAL_SECONDS = 2.0  # for a dry run, which takes milliseconds

log = structlog.get_logger("informativa")


def service_report(configuration: Configuration, last_hour: Mapping[str, HourOfCalls]) -> str:
    """Return the version and the configuration, the companies whose calls fell back in the last hour, as
    ID:FELL:CALLS,…, and those that are served as before, for mistakes in their part."""
    facts = (
        f"version={__version__} configuration={configuration.digest} file={configuration.path_digest}"
        f" process={os.getpid()}"
    )
    fell_back = [
        f"{name}:{hour.fell_back}:{hour.calls}" for name, hour in last_hour.items() if hour.fell_back
    ]
    as_before = [name for name in configuration.mistaken if not configuration.controllers[name].refused]
    more = {
        "fell-back": ",".join(fell_back[:MOST_NAMED]),
        "as-before": ",".join(as_before[:MOST_NAMED]),
    }
    return " ".join((facts, *(f"{name}={value}" for name, value in more.items() if value)))


async def tried(ledgers: Mapping[str, Ledger]) -> str:
    """Try a call in each ledger. Return the companies of which none could be decided and recorded now, as
    ID:CODE,…; `tried` is the number of ledgers."""

    async def failing(name: str, ledger: Ledger) -> str:
        try:
            async with asyncio.timeout(TRIAL_SECONDS):
                await ledger.transact(_dry_run)
        except TimeoutError:
            return f"{name}:ledger-slow"
        except InformativaError as error:
            return f"{name}:{error.code}"
        except Exception as error:
            log.error("a defect of informativa", controller=name, exc_info=error)
            return f"{name}:{DefectError.code}"
        return ""

    codes = await asyncio.gather(*(failing(name, ledger) for name, ledger in ledgers.items()))
    return f"tried={len(ledgers)} failing={','.join(list(filter(None, codes))[:MOST_NAMED])}"


def _dry_run(transaction: LedgerTransaction) -> None:
    transaction.dry_run()
