"""A ledger that takes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import LedgerError
from ..model import Record
from ..ports import Ledger, LedgerTransaction, Result


class RefusedLedger(Ledger):
    """Of a controller that may not go live, or whose own ledger cannot be opened. Every call is played to,
    and none recorded here."""

    def __init__(self, error: LedgerError) -> None:
        self.error = error

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        raise self.error

    def records(self, first: int = 1) -> Iterator[Record]:
        raise self.error

    def close(self) -> None:
        pass
