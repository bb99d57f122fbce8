"""Ledgers without a file: one for tests of what stands above ledgers, one that takes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

from ..errors import LedgerError
from ..model import CallerHistory, Event, PriorDelivery, Reason, Record, known_by
from ..ports import Ledger, LedgerTransaction, Result


class MemoryTransaction:
    """Events in the order of their numbers, and what they come to."""

    def __init__(self, events: list[Event], histories: dict[bytes, dict[str, PriorDelivery]]) -> None:
        self.events, self.histories = events, histories

    def history(self, pseudonym: bytes) -> CallerHistory:
        return dict(self.histories.get(pseudonym, {}))

    def rekey(self, old: bytes, new: bytes) -> None:
        known = self.histories.setdefault(new, {})
        for notice, earlier in self.histories.pop(old, {}).items():
            known[notice] = earlier.merged(known.get(notice, earlier))

    def record(self, number: int) -> Record | None:
        return Record(number, self.events[number - 1]) if 0 < number <= len(self.events) else None

    def append(self, event: Event) -> int:
        self.events.append(event)
        record = len(self.events)
        if event.pseudonym is not None and event.informs:
            notices = self.histories.setdefault(event.pseudonym, {})
            known = known_by(event, record)
            before = known if event.reason is Reason.RECYCLED else notices.get(event.notice, known)
            if before.whole is not None and before.whole > (event.recorded or event.at):
                before = replace(before, whole=None)
            notices[event.notice] = known.merged(before)
        return record

    def see(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        if known := self.histories.get(pseudonym, {}).get(notice):
            self.histories[pseudonym][notice] = replace(known, seen=at)


class MemoryLedger(Ledger):
    """Keeps the same promises as the durable ledgers, except the one about power loss."""

    def __init__(self) -> None:
        self._transaction = MemoryTransaction([], {})

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        histories = {pseudonym: dict(known) for pseudonym, known in self._transaction.histories.items()}
        transaction = MemoryTransaction(list(self._transaction.events), histories)
        result = work(transaction)
        self._transaction = transaction
        return result

    def records(self, first: int = 1) -> Iterator[Record]:
        for number, event in enumerate(self._transaction.events[first - 1 :], first):
            yield Record(number, event)

    def close(self) -> None:
        pass


class RefusedLedger(Ledger):
    """One that takes nothing: of a controller that may not go live, or whose own cannot be opened. Every call
    is played to, and none recorded here."""

    def __init__(self, error: LedgerError) -> None:
        self.error = error

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        raise self.error

    def records(self, first: int = 1) -> Iterator[Record]:
        raise self.error

    def close(self) -> None:
        pass
