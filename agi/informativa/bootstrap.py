"""The only place that chooses implementations: which ledger, which clock, for which way in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .call import Desk
from .config import Configuration
from .ledgers.memory import RefusedLedger
from .model import Controller
from .ports import Ledger

if TYPE_CHECKING:
    from .ledgers.sqlite import SqliteStore


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


def service_desk(configuration: Configuration) -> Desk:
    """For many calls at a time. Opens every ledger now: raises LedgerError if one cannot be used."""
    from .ledgers.groupcommit import GroupCommitLedger

    return _desk(configuration, GroupCommitLedger)


def script_desk(configuration: Configuration) -> Desk:
    """For the one call of a script. A ledger is opened when the call needs it, and fails then."""
    from .ledgers.sqlite import SqliteLedger

    return _desk(configuration, SqliteLedger)


def store(controller: Controller, *, read_only: bool = False) -> SqliteStore:
    """One controller's ledger, for commands. Raises LedgerError if it cannot be used."""
    from .ledgers.sqlite import SqliteStore

    return SqliteStore(controller.ledger, read_only=read_only)


def close(desk: Desk) -> None:
    """Close all ledgers; what was queued is durable then."""
    for ledger in desk.ledgers.values():
        ledger.close()


def _desk(configuration: Configuration, open_ledger: Callable[[str], Ledger]) -> Desk:
    """A controller that may not go live has a ledger that takes nothing: its calls get the fallback."""
    return Desk(
        lines=configuration.spelled,
        ledgers={
            name: RefusedLedger(given) if given.refused else open_ledger(given.ledger)
            for name, given in configuration.controllers.items()
        },
        clock=SystemClock(),
        fallback=configuration.fallback,
    )
