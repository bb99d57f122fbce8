"""The regular work of a service beside its calls: at what time each is done, and for which company.

The works themselves are in maintenance.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from ..config import Configuration
from ..model import Controller
from ..model.errors import InformativaError
from ..model.looks import unusual_looks
from ..system.patience import in_thread
from ..system.turns import Turns
from . import maintenance, spool_collection, storage
from .approval_collection import ApprovalCollection
from .generations import Generations
from .hook_sending import HookSending
from .metrics import Metrics

DAY_SECONDS = 24 * 60 * 60
COLLECT_SECONDS = ERASE_SECONDS = AUDIT_SECONDS = 60.0
LOOKS_PERIOD = timedelta(days=1)  # whose unusual looks are counted
APPROVAL_SECONDS = 60 * 60
REOPEN_SECONDS = HOOK_SECONDS = 5.0
HOOK_TURN_SECONDS = 150.0  # more than a round and the longest wait for an answer

log = structlog.get_logger("informativa")


class RegularWork:
    """The works of one service, under its newest configuration. What they come to is in its metrics."""

    def __init__(self, generations: Generations, metrics: Metrics) -> None:
        self._generations, self._metrics = generations, metrics
        self._ledgers_opened = asyncio.Event()  # set after the first try to open every ledger

    def begin(self) -> Iterator[Coroutine[Any, Any, None]]:
        """Yield the works, each of which goes on until it is cancelled."""
        yield self._daily()
        yield self._collect()
        yield self._sign()
        yield self._erase()
        yield self._read_desk()
        yield self._fetch_approvals()
        yield self._send_to_hooks()
        yield self._reopen()

    @property
    def _configuration(self) -> Configuration:
        return self._generations.newest.configuration

    async def _daily(self) -> None:
        """Delete once a day what is older than each controller's retention, beside the calls."""

        async def tidy(controller: Controller) -> None:
            await in_thread(maintenance.purge, controller, datetime.now(UTC))

        await self._ledgers_opened.wait()
        turns = Turns("purge")
        while True:
            await _in_turn(turns, self._configuration, tidy)
            await asyncio.sleep(DAY_SECONDS)

    async def _sign(self) -> None:
        """Sign new records from time to time, beside the calls."""
        signing, metrics = maintenance.Signing(), self._metrics

        async def sign(controller: Controller) -> None:
            try:
                signed = await signing.sign(
                    controller, self._configuration.evidence.for_controller(controller.id)
                )
            except Exception as error:
                metrics.signing_refused.labels(controller.id).set(1)
                if not isinstance(error, InformativaError):  # which is logged
                    raise
                return
            if signed is not None:
                metrics.signing_refused.labels(controller.id).set(0)
                metrics.signed.labels(controller.id).set(signed.size)
                metrics.signed_at.labels(controller.id).set(signed.at)

        await self._ledgers_opened.wait()
        turns = Turns("signing")
        while True:
            await _in_turn(turns, self._configuration, sign)
            await asyncio.sleep(self._configuration.evidence.interval)

    async def _erase(self) -> None:
        """Carry out from time to time, beside the calls, erasures that were approved."""
        pending = maintenance.PendingErasures()

        async def erase(controller: Controller) -> None:
            with suppress(InformativaError):  # which is logged
                await in_thread(pending.carry_out, controller)

        await self._ledgers_opened.wait()
        turns = Turns("erasure")
        while True:
            await _in_turn(turns, self._configuration, erase)
            await asyncio.sleep(ERASE_SECONDS)

    async def _read_desk(self) -> None:
        """Read from time to time, for the metrics, which requests of persons are open, and which
        looks at persons' data were unusual."""

        async def read(controller: Controller) -> None:
            with suppress(InformativaError):  # as of a ledger that cannot be used
                requests = await in_thread(storage.requests, controller)
                today = datetime.now(controller.zone).date()
                self._metrics.requests(controller.id, requests, today)
                log = storage.access_log(controller)
                looks = await in_thread(log.looks, datetime.now(UTC) - LOOKS_PERIOD)
                self._metrics.unusual_looks(controller.id, unusual_looks(looks, controller.zone))

        turns = Turns("audits")
        while True:
            await _in_turn(turns, self._configuration, read)
            await asyncio.sleep(AUDIT_SECONDS)

    async def _fetch_approvals(self) -> None:
        """Ask witnesses from time to time for approvals of notes, beside the calls and the signing."""
        collection = ApprovalCollection()

        async def collect(controller: Controller) -> None:
            await collection.collect(controller, self._configuration.evidence.for_controller(controller.id))

        await self._ledgers_opened.wait()
        turns = Turns("approvals")
        while True:
            await _in_turn(turns, self._configuration, collect)
            await asyncio.sleep(APPROVAL_SECONDS)

    async def _send_to_hooks(self) -> None:
        """Send messages about consents to the hooks, each company's by itself: none waits for another's."""
        sending, metrics, tasks = HookSending(), self._metrics, set[asyncio.Task[None]]()
        turns = Turns("hook", HOOK_TURN_SECONDS)

        async def send(controller: Controller) -> None:
            state = await in_thread(sending.send, controller)
            if state is not None:
                metrics.hook(controller.id, state, datetime.now(UTC))

        await self._ledgers_opened.wait()
        while True:
            controllers = self._configuration.controllers.values()
            hooked = {controller.id: controller for controller in controllers if controller.hook is not None}
            metrics.keep_hooks(hooked)
            for name, controller in hooked.items():
                task = asyncio.create_task(turns.take(name, partial(send, controller)))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            await asyncio.sleep(HOOK_SECONDS)

    async def _reopen(self) -> None:
        """Try from time to time to open ledgers that could not be opened."""
        reported = maintenance.UnusableLedgers()
        while True:
            with _log_and_continue():
                await self._generations.reopen(reported)
            self._ledgers_opened.set()
            await asyncio.sleep(REOPEN_SECONDS)

    async def _collect(self) -> None:
        """Collect the fallback spool from time to time: notices that were played while nobody could record
        them."""
        collection = spool_collection.SpoolCollection()
        while True:
            if self._configuration.manager is not None:
                lines = self._generations.newest.services.lines
                with _log_and_continue():
                    try:
                        remaining = await collection.collect(self._configuration.manager, lines)
                        self._metrics.spool_rows.set(len(remaining))
                    except InformativaError:
                        self._metrics.spool_failures.inc()
            await asyncio.sleep(COLLECT_SECONDS)


async def log_removed_versions(previous: Configuration, now: Configuration) -> None:
    """Log, company by company, the versions that callers were told and that a new configuration lacks."""

    async def tell(controller: Controller) -> None:
        await in_thread(maintenance.tell_removed_versions, previous, now, controller.id)

    await _in_turn(Turns("versions taken out"), now, tell)


async def _in_turn(
    turns: Turns, configuration: Configuration, work: Callable[[Controller], Coroutine[Any, Any, None]]
) -> None:
    """Do some work for each company; work that takes long goes on while the next companies have their
    turn."""
    for controller in configuration.controllers.values():
        await turns.take(controller.id, partial(work, controller))


@contextmanager
def _log_and_continue() -> Iterator[None]:
    """Log a defect, so that regular work goes on after it."""
    try:
        yield
    except Exception as error:
        log.error("a defect of informativa", exc_info=error)
