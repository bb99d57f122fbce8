"""Ledgers without a file: one for tests of what stands above ledgers, one that takes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import LedgerError
from ..model import Controller, Event, Known, Record, Standing


class MemoryLedger:
    """Keeps the same promises as the durable ledgers, except the one about power loss."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._standing: dict[bytes, dict[str, Known]] = {}

    async def standing(self, pseudonym: bytes) -> Standing:
        return dict(self._standing.get(pseudonym, {}))

    async def rekey(self, old: bytes, new: bytes) -> None:
        known = self._standing.setdefault(new, {})
        for notice, earlier in self._standing.pop(old, {}).items():
            known[notice] = earlier.merged(known.get(notice, earlier))

    async def record(self, number: int) -> Record | None:
        return Record(number, self._events[number - 1]) if 0 < number <= len(self._events) else None

    async def append(self, event: Event) -> int:
        self._events.append(event)
        record = len(self._events)
        if event.pseudonym is not None and event.informs:
            notices = self._standing.setdefault(event.pseudonym, {})
            known = Known(frozenset({event.version}), event.purposes, record, event.at)
            notices[event.notice] = known.merged(notices.get(event.notice, known))
        return record

    def records(self, first: int = 1) -> Iterator[Record]:
        for number, event in enumerate(self._events[first - 1 :], first):
            yield Record(number, event)

    def close(self) -> None:
        pass


class RefusedLedger:
    """The ledger of a controller that may not go live: every call is played to and none recorded here."""

    def __init__(self, controller: Controller) -> None:
        self._error = LedgerError(f"Controller {controller.id} is not live: {controller.refused}.")

    async def standing(self, pseudonym: bytes) -> Standing:
        raise self._error

    async def rekey(self, old: bytes, new: bytes) -> None:
        raise self._error

    async def record(self, number: int) -> Record | None:
        raise self._error

    async def append(self, event: Event) -> int:
        raise self._error

    def records(self, first: int = 1) -> Iterator[Record]:
        raise self._error

    def close(self) -> None:
        pass
