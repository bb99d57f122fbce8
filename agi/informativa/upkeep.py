"""What the service does beside the calls: old records go, and the fallback spool is brought home."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from . import ami, bootstrap, spool
from .errors import LedgerError
from .model import Controller, Line, ManagerAccount

QUIET = timedelta(days=31)  # without a single call

log = structlog.get_logger("informativa")


async def collect(account: ManagerAccount, lines: Mapping[str, Line], told: set[str]) -> set[str]:
    """Move the fallback spool into the ledgers, each row exactly once; the keys of those that stay there.

    A row is deleted after its events are durable, and a row that is read again adds nothing. One of a
    delivery that its ledger has after all, because it was slow, adds nothing either. Rows that cannot be
    collected stay, and are logged unless they were `told` before. Raises ManagerError, LedgerError.
    """
    stay: set[str] = set()
    async with ami.conversation(account) as manager:
        by_controller: dict[str, list[spool.Row]] = {}
        for key, text in (await manager.tree(spool.FAMILY)).items():
            try:
                row = spool.understood(key, text, lines)
            except spool.RowError as error:
                stay.add(key)
                if key not in told:
                    log.warning("a row of the fallback spool cannot be collected", key=key, why=str(error))
            else:
                by_controller.setdefault(row.controller, []).append(row)
        controllers = {line.controller.id: line.controller for line in lines.values()}
        for name, rows in by_controller.items():
            if controllers[name].refused:
                stay.update(row.key for row in rows)
                continue
            added = await asyncio.to_thread(keep_spooled, controllers[name], rows)
            for row in rows:
                await manager.delete(spool.FAMILY, row.key)
            log.info("fallback spool collected", controller=name, rows=len(rows), records=added)
    return stay


def keep_spooled(controller: Controller, rows: Sequence[spool.Row]) -> int:
    """Record what the rows tell and the ledger does not have; how many events."""
    store = bootstrap.store(controller)
    try:
        recorded = store.recorded([row.delivery for row in rows])
        return store.append_new(
            [event for row in rows if row.delivery not in recorded for event in row.events]
        )
    finally:
        store.close()


def purge(controller: Controller, now: datetime) -> None:
    """Delete what is older than the controller's retention; what was done, or why not, goes to the log.

    Nothing where the newest record is older than any quiet time explains: then it is rather the clock that
    is wrong, and evidence that is deleted does not come back.
    """
    if controller.retention is None or controller.refused:
        return
    try:
        store = bootstrap.store(controller)
        try:
            newest = store.newest_at()
            if newest is not None and now - newest > QUIET:
                log.warning(
                    "not purged: either nobody called since the newest record, or the clock is wrong",
                    controller=controller.id,
                    newest=newest.isoformat(timespec="seconds"),
                    clock=now.isoformat(timespec="seconds"),
                    remedy="if the clock is right: informativa purge --yes",
                )
                return
            purged = store.purge(now - controller.retention, now)
        finally:
            store.close()
    except LedgerError as error:
        log.error("purge failed", controller=controller.id, error=str(error))
    else:
        log.info("purged", controller=controller.id, records=purged)
