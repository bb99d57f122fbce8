"""A ledger that records nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..model import Record
from ..model.errors import LedgerError
from ..model.ports import Ledger, LedgerTransaction, Result


class RefusedLedger(Ledger):
    """The ledger of a controller that may not go live, or whose own ledger cannot be opened. Every caller
    hears the notices, and nothing is recorded here."""

    def __init__(self, error: LedgerError) -> None:
        self.error = error

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        raise self.error

    def records(self, first: int = 1) -> Iterator[Record]:
        raise self.error

    def close(self) -> None:
        pass
