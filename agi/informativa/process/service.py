"""The FastAGI service as a process: from a configuration to SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from ..asterisk.fastagi import PENDING_CONNECTIONS, FastAgiServer
from ..asterisk.tokens import Tokens
from ..call import answering as call
from ..call.caller import mask
from ..config import Configuration, changes
from ..model import CallResult, Controller, SharedState, Status
from ..model.errors import InformativaError
from ..model.ports import CallSession
from ..system.patience import in_thread
from ..system.turns import Turns
from . import bootstrap, maintenance, self_report
from .generations import Generations
from .last_hour import LastHour
from .metrics import Metrics
from .systemd import Notifier
from .watchdog import watched

log = structlog.get_logger("informativa")

DAY_SECONDS = 24 * 60 * 60
COLLECT_SECONDS = 60.0
REOPEN_SECONDS = 5.0
MOST_DOUBTS = 20  # words of the network's that nobody understands, each logged once
GARBAGE = 20_000  # additional objects after which Python looks for reference cycles; calls leave none
OWN_DESCRIPTORS = 100  # for ledgers and the like


def run(configuration: Configuration) -> None:
    """Serve until SIGTERM or SIGINT, then let the calls in progress end; at SIGHUP load the file anew.

    Raises LedgerError if a ledger cannot be opened, InformativaError if the port cannot be opened.
    """
    serving = _serve(configuration)
    try:
        import uvloop
    except ImportError:  # not on every platform; asyncio's own loop does the same, slower
        asyncio.run(serving)
    else:
        uvloop.run(serving)


async def _serve(configuration: Configuration) -> None:
    service = CallService(configuration)
    try:
        await service.run()
    finally:
        service.close()


class CallService:
    """The service that takes calls. A configuration loaded at SIGHUP is for the calls that come after."""

    def __init__(self, configuration: Configuration) -> None:
        self._generations = Generations(configuration, self._aside)
        self._tokens = Tokens(configuration.tokens)
        self._server = FastAgiServer(
            self.answer,
            sessions=configuration.sessions,
            about=self._report,
            tried=self._tried,
            tokens=self._tokens,
        )
        self._last_hour = LastHour()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ledgers_opened = asyncio.Event()  # set after the first try to open every ledger
        self._doubts: set[str] = set()  # words of the network that were logged
        self._outdated = maintenance.Outdated()
        self._notifier = Notifier()
        self._metrics = Metrics(self)

    @property
    def configuration(self) -> Configuration:
        """Return the configuration under which calls begin now."""
        return self._generations.newest.configuration

    async def run(self) -> None:
        """Listen until a signal stops it."""
        configuration = self.configuration
        self._allow_descriptors()
        _announce(configuration)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):  # all before anybody can see that it runs
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: self._aside(self.reload()))
        try:
            host, port = await self._server.start(configuration.host, configuration.port)
        except OSError as error:
            raise InformativaError(
                f"{configuration.listen} cannot be listened on ({os.strerror(error.errno or 0)}).",
                "Stop what uses it, or set service.listen to another address and port"
                " (and write the dialplan again with `informativa dialplan`).",
            ) from error
        end_metrics = self._serve_metrics()
        log.info("ready", address=f"agi://{host}:{port}/notice", lines=len(configuration.lines))
        self._notifier.ready(self._status)
        self.begin_maintenance()
        _freeze_objects()
        async with watched(self._notifier.alive):
            await stop.wait()
            self._notifier.stopping()
            cancelled = await self._server.stop(self.configuration.drain)
        self.end_maintenance()
        await in_thread(end_metrics)
        log.info("stopped", calls_cut_off=cancelled)

    def begin_maintenance(self) -> None:
        """Start the regular work beside the calls."""
        for work in (self._daily(), self._collect(), self._sign(), self._reopen()):
            self._aside(work)

    def end_maintenance(self) -> None:
        """End all work beside the calls."""
        for task in list(self._tasks):
            task.cancel()

    async def answer(self, session: CallSession) -> None:
        """Handle one call, under the configuration of its beginning."""
        began = time.monotonic()
        generation, result = self._generations.begin(), None
        line = generation.services.lines.get(session.call.line)
        try:
            result = await call.answer(session, generation.services)
        finally:
            self._generations.end(generation)
            if line is not None and not line.controller.refused:
                fell_back = result is None or bool(result.error) or result.status is Status.FALLBACK
                self._last_hour.count(line.controller.id, fell_back=fell_back)
        if self.configuration.metrics:
            self._metrics.answered(line, result, time.monotonic() - began)
        if result.doubt and result.doubt not in self._doubts and len(self._doubts) < MOST_DOUBTS:
            self._doubts.add(result.doubt)
            log.warning(call.unknown_words(result.doubt))
        level = logging.ERROR if result.error else logging.INFO
        log.log(level, "call answered", **_loggable_facts(session, result, generation.services))

    def in_progress(self) -> int:
        """Return the number of calls in progress."""
        return self._generations.in_progress()

    def waiting(self) -> Mapping[str, int | None]:
        """Return, by controller, the number of pieces of work that wait for its ledger; `None` if that cannot
        be used."""
        return bootstrap.waiting(self._generations.newest.services)

    def live(self) -> Mapping[str, bool]:
        """Return, by controller, whether it may go live."""
        return {name: not controller.refused for name, controller in self.configuration.controllers.items()}

    def turned_away(self) -> Mapping[str, int]:
        """Return, by reason, the number of connections that came to no call."""
        return self._server.turned_away

    def shared(self) -> Mapping[str, SharedState]:
        """Return, by controller, the state of its exchange with other boxes."""
        return bootstrap.shared_states(self._generations.newest.services)

    def _serve_metrics(self) -> Callable[[], None]:
        """Serve metrics if configured, and return the function that ends that. Without the port calls are
        taken all the same."""
        address = self.configuration.metrics
        self._metrics.expect(self.configuration.lines)
        self._metrics.loaded.set(not self.configuration.mistaken)
        if address:
            host, _, port = address.rpartition(":")
            try:
                return self._metrics.serve(host, int(port))
            except OSError as error:
                message = f"{address} cannot be listened on ({os.strerror(error.errno or 0)})"
                log.error(
                    "no metrics", error=message, remedy="set service.metrics to another port, and restart"
                )
        return lambda: None

    async def reload(self) -> None:
        """Load the file anew and go on with it, or log its mistakes and go on as before."""
        async with self._generations.changing:
            self._notifier.reloading()
            try:
                self._metrics.loaded.set(await self._load())
            finally:
                self._notifier.ready(self._status)

    async def _load(self) -> bool:
        """Load the file. Return whether it was taken for every company."""
        previous = self.configuration
        if not await self._generations.load():
            return False
        configuration = self.configuration
        self._metrics.expect(configuration.lines)
        self._allow_descriptors()
        self._tokens.load(configuration.tokens)
        _announce(configuration)
        for event, facts in changes.removals(previous, configuration):
            log.warning(event, **facts)
        for event, facts in changes.changed(previous, configuration):
            log.info(event, **facts)
        self._aside(self._log_removed_versions(previous, configuration))
        if configuration.listen != previous.listen:
            log.warning("service.listen has changed", remedy="restart the service to listen there")
        log.info("reloaded", lines=len(configuration.lines))
        _freeze_objects()
        return not configuration.mistaken

    def _allow_descriptors(self) -> None:
        server = self._server
        server.sessions, server.pending = allow_descriptors(self.configuration.sessions)

    @property
    def _status(self) -> str:
        return f"{len(self.configuration.lines)} lines on {self.configuration.listen}"

    def _report(self) -> str:
        return self_report.service_report(self.configuration, self.shared(), self._last_hour.totals())

    async def _tried(self) -> str:
        """Try the ledgers of live companies as they are open here."""
        ledgers, live = self._generations.newest.services.ledgers, self.live()
        return await self_report.tried({name: ledger for name, ledger in ledgers.items() if live.get(name)})

    def close(self) -> None:
        """Close everything; queued records are durable then."""
        self._notifier.close()
        self._generations.close()

    async def _log_removed_versions(self, previous: Configuration, now: Configuration) -> None:
        async def tell(controller: Controller) -> None:
            await in_thread(maintenance.tell_removed_versions, previous, now, controller.id)

        await _in_turn(Turns("versions taken out"), now, tell)

    async def _daily(self) -> None:
        """Delete once a day what is older than each controller's retention, beside the calls."""

        async def tidy(controller: Controller) -> None:
            await self._outdated.migrated(controller.id)
            await in_thread(maintenance.tidy, controller, datetime.now(UTC))

        await self._ledgers_opened.wait()
        turns = Turns("purge")
        while True:
            await _in_turn(turns, self.configuration, tidy)
            await asyncio.sleep(DAY_SECONDS)

    async def _sign(self) -> None:
        """Sign new records from time to time, beside the calls."""
        signing, metrics = maintenance.Signing(), self._metrics

        async def sign(controller: Controller) -> None:
            await self._outdated.migrated(controller.id)
            try:
                signed = await signing.sign(
                    controller, self.configuration.evidence.for_controller(controller.id)
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
            await _in_turn(turns, self.configuration, sign)
            await asyncio.sleep(self.configuration.evidence.interval)

    async def _reopen(self) -> None:
        """Try from time to time to open ledgers that could not be opened; copy and migrate the old ones.
        Calls and reloads wait for no migration."""
        outdated, reopen = self._outdated, self._generations.reopen
        while True:
            with _log_and_continue():
                while await outdated.migrate(self.configuration, await reopen(outdated)):
                    pass
            self._ledgers_opened.set()
            await asyncio.sleep(REOPEN_SECONDS)

    async def _collect(self) -> None:
        """Collect the fallback spool from time to time: notices that were played while nobody could record
        them."""
        collection = maintenance.SpoolCollection()
        while True:
            if self.configuration.manager is not None:
                lines = self._generations.newest.services.lines
                with _log_and_continue():
                    try:
                        remaining = await collection.collect(self.configuration.manager, lines)
                        self._metrics.spool_rows.set(len(remaining))
                    except InformativaError:
                        self._metrics.spool_failures.inc()
            await asyncio.sleep(COLLECT_SECONDS)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work beside the calls."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a defect of informativa", exc_info=error)


async def _in_turn(
    turns: Turns, configuration: Configuration, work: Callable[[Controller], Coroutine[Any, Any, None]]
) -> None:
    """Do some work for each company; work that takes long goes on while the next companies have their
    turn."""
    for controller in configuration.controllers.values():
        await turns.take(controller.id, partial(work, controller))


def _announce(configuration: Configuration) -> None:
    for warning in configuration.warnings:
        log.warning("configuration", problem=str(warning))
    for problem in configuration.refused:
        log.error("controller not live", problem=str(problem))
    for name, problems in configuration.mistaken.items():
        live = not configuration.controllers[name].refused
        event = "a company is served as before" if live else "controller not live"
        for problem in problems:
            log.error(event, controller=name, problem=str(problem), exc_info=problem.defect)
    for problem in configuration.unplayable:
        log.error("a prompt is not played", problem=str(problem), exc_info=problem.defect)


def _freeze_objects() -> None:
    """Exclude all objects that are loaded now from garbage collection: they cannot be garbage of calls.
    Garbage of an earlier configuration is collected first."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])


@contextmanager
def _log_and_continue() -> Iterator[None]:
    """Log a defect, so that regular work goes on after it."""
    try:
        yield
    except Exception as error:
        log.error("a defect of informativa", exc_info=error)


def descriptors(sessions: int) -> int:
    """Return the number of descriptors for `sessions` calls at a time: one a call, one a pending connection,
    and some for ourselves."""
    return sessions + PENDING_CONNECTIONS + OWN_DESCRIPTORS


def allow_descriptors(sessions: int) -> tuple[int, int]:
    """Raise the limit of descriptors to what the calls need. Return the allowed number of calls at a time,
    and of pending connections: where the system gives fewer descriptors, further calls get their fallback at
    once instead of waiting in line."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = descriptors(sessions)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    pending = PENDING_CONNECTIONS
    if allowed < needed:
        sessions = min(sessions, max(allowed // 2, allowed - PENDING_CONNECTIONS - OWN_DESCRIPTORS))
        pending = min(pending, max(allowed // 4, allowed - sessions - OWN_DESCRIPTORS))
        remedy = "raise ulimit -n"
        log.warning("too few file descriptors", sessions=sessions, needed=needed, remedy=remedy)
    return sessions, pending


def _loggable_facts(session: CallSession, result: CallResult, services: call.CallServices) -> dict[str, str]:
    """Return the facts of a call that may be logged. A called number that is not configured is masked: the
    dialplan may have passed the caller's by mistake."""
    line = services.lines.get(session.call.line)
    facts = {
        "call": session.call.id,
        "line": line.number if line else mask(session.call.line),
        "status": result.status,
        "reason": result.reason,
        "record": result.record,
        "error": result.error,
    }
    return {name: value for name, value in facts.items() if value}
