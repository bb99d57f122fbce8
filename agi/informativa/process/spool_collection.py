"""The way from the fallback spool into the ledgers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from ..asterisk import ami
from ..call import spool
from ..model import Controller, Line, ManagerAccount
from ..model.errors import (
    EventRefusedError,
    LedgerError,
    ManagerError,
)
from ..system.patience import in_thread
from ..system.turns import OnceLogged, Turns
from . import storage

log = structlog.get_logger("informativa")


class SpoolCollection:
    """The work of moving the fallback spool into the ledgers. An error is logged once for as long as it
    lasts."""

    def __init__(self) -> None:
        self.logged: set[str] = set()
        """The keys of rows that stayed in the spool, and that were logged."""
        self._errors = OnceLogged("the fallback spool was not collected")
        self._turns = Turns("spool")

    async def collect(self, account: ManagerAccount, lines: Mapping[str, Line]) -> set[str]:
        """Move the rows of the spool, each exactly once. Return the keys of those that stay there.

        A row is deleted after its events are durable, and a row that is read again adds nothing. The same
        goes for a delivery that its ledger recorded after all, because it was slow. Rows that cannot be
        collected stay. Raises ManagerError, which is logged.
        """
        try:
            async with ami.session(account) as manager:
                self.logged = await self._collect(manager, lines)
        except ManagerError as error:
            self._errors.tell("", error=str(error))
            raise
        self._errors.over("")
        return self.logged

    async def _collect(self, manager: ami.ManagerSession, lines: Mapping[str, Line]) -> set[str]:
        remaining: set[str] = set()
        by_controller: dict[str, list[spool.Row]] = {}
        for key, text in (await manager.tree(spool.FAMILY)).items():
            try:
                row = spool.parse_row(key, text, lines)
            except spool.RowError as error:
                remaining.add(key)
                if key not in self.logged:
                    plain_key = spool.plain(key)
                    log.warning(
                        "a row of the fallback spool cannot be collected", key=plain_key, why=str(error)
                    )
            else:
                by_controller.setdefault(row.controller, []).append(row)
        controllers = {line.controller.id: line.controller for line in lines.values()}
        for name, rows in by_controller.items():
            keys = {row.key for row in rows}
            collected = (
                set() if controllers[name].refused else await self._move(controllers[name], rows, manager)
            )
            remaining |= keys - collected
        return remaining

    async def _move(
        self, controller: Controller, rows: Sequence[spool.Row], manager: ami.ManagerSession
    ) -> set[str]:
        """Record rows, then delete them. Return the keys of the rows that were deleted."""
        outcome = await self._turns.take(controller.id, partial(self._record, controller, rows))
        recorded, added = outcome or (set[str](), 0)
        for key in recorded:
            await manager.delete(spool.FAMILY, key)
        if recorded:
            log.info("fallback spool collected", controller=controller.id, rows=len(recorded), records=added)
        return recorded

    async def _record(self, controller: Controller, rows: Sequence[spool.Row]) -> tuple[set[str], int]:
        """Record rows, unless the ledger cannot be used now."""
        try:
            recorded = await in_thread(keep_spooled, controller, rows, self.logged)
        except LedgerError as error:
            self._errors.tell(controller.id, controller=controller.id, error=str(error))
            return set(), 0
        self._errors.over(controller.id)
        return recorded


def keep_spooled(
    controller: Controller, rows: Sequence[spool.Row], logged: Collection[str] = ()
) -> tuple[set[str], int]:
    """Record the deliveries of rows that the ledger does not have. Return the keys of the rows that are in it
    now, and the number of events that were added. A row that the ledger refuses affects no other; it is
    logged unless its key is among those that are `logged`. Raises LedgerError."""
    now = datetime.now(UTC)
    store = storage.store(controller, create=False)
    try:
        already_recorded = store.recorded([row.delivery for row in rows])
        collected: set[str] = set()
        added = 0
        for row in rows:
            try:
                new = () if row.delivery in already_recorded else row.events
                added += store.append_new((replace(event, recorded=now), ()) for event in new)
                collected.add(row.key)
            except EventRefusedError as error:
                if row.key not in logged:
                    plain_key = spool.plain(row.key)
                    log.error("a row of the fallback spool was refused", key=plain_key, error=str(error))
        return collected, added
    finally:
        store.close()
