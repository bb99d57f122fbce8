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

from . import bootstrap, call, maintenance, self_report
from .asterisk.fastagi import PENDING_CONNECTIONS, FastAgiServer
from .asterisk.tokens import Tokens
from .caller import mask
from .config import Configuration, changes
from .errors import InformativaError
from .generations import Generations
from .last_hour import LastHour
from .metrics import Metrics
from .model import CallResult, Controller, SharedState, Status
from .patience import in_thread
from .ports import CallSession
from .systemd import Notifier
from .turns import Turns
from .watchdog import watched

log = structlog.get_logger("informativa")

DAY_SECONDS = 24 * 60 * 60
COLLECT_SECONDS = 60.0
REOPEN_SECONDS = 5.0
WHY_IMPLAUSIBLE = 20  # words of the network's that nobody understands, each told once
GARBAGE = 20_000  # objects more than before, after which Python looks for circles; calls leave none
OWN_DESCRIPTORS = 100  # for ledgers and the like


def run(configuration: Configuration) -> None:
    """Serve until SIGTERM or SIGINT, then let the calls in progress end; at SIGHUP load the file anew.

    Raises LedgerError if a ledger cannot be opened, InformativaError if the port cannot be had.
    """
    serving = _serve(configuration)
    try:
        import uvloop
    except ImportError:  # not on every platform; asyncio's own loop does the same, slower
        asyncio.run(serving)
    else:
        uvloop.run(serving)


async def _serve(configuration: Configuration) -> None:
    service = Service(configuration)
    try:
        await service.run()
    finally:
        service.close()


class Service:
    """Takes calls. What is loaded anew at SIGHUP is for the calls that come after."""

    def __init__(self, configuration: Configuration) -> None:
        self._generations = Generations(configuration, self._aside)
        self._tokens = Tokens(configuration.tokens)
        self._server = FastAgiServer(
            self.answer,
            sessions=configuration.sessions,
            about=self._about,
            tried=self._tried,
            tokens=self._tokens,
        )
        self._last_hour = LastHour()
        self._beside: set[asyncio.Task[None]] = set()
        self._opened = asyncio.Event()  # every ledger that could be, for the first time
        self._doubts: set[str] = set()  # words of the network that were told
        self._outdated = maintenance.Outdated()
        self._notifier = Notifier()
        self._metrics = Metrics(self)

    @property
    def configuration(self) -> Configuration:
        """The one under which calls begin now."""
        return self._generations.newest.configuration

    async def run(self) -> None:
        """Listen, until told to stop."""
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
        _keep_out_of_collections()
        async with watched(self._notifier.alive):
            await stop.wait()
            self._notifier.stopping()
            cancelled = await self._server.stop(self.configuration.drain)
        self.end_maintenance()
        await in_thread(end_metrics)
        log.info("stopped", calls_cut_off=cancelled)

    def begin_maintenance(self) -> None:
        """Begin what is done from time to time beside the calls."""
        for work in (self._daily(), self._collect(), self._sign(), self._reopen()):
            self._aside(work)

    def end_maintenance(self) -> None:
        """End what is done beside the calls, wherever it is."""
        for task in list(self._beside):
            task.cancel()

    async def answer(self, session: CallSession) -> None:
        """One call, under the configuration of its beginning."""
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
        if result.doubt and result.doubt not in self._doubts and len(self._doubts) < WHY_IMPLAUSIBLE:
            self._doubts.add(result.doubt)
            log.warning(call.unknown_words(result.doubt))
        level = logging.ERROR if result.error else logging.INFO
        log.log(level, "call answered", **_facts(session, result, generation.services))

    def in_progress(self) -> int:
        """How many calls are in progress."""
        return self._generations.in_progress()

    def waiting(self) -> Mapping[str, int | None]:
        """By controller, how much work waits for its ledger; `None` if that cannot be used."""
        return bootstrap.waiting(self._generations.newest.services)

    def live(self) -> Mapping[str, bool]:
        """By controller, whether it may go live."""
        return {name: not given.refused for name, given in self.configuration.controllers.items()}

    def turned_away(self) -> Mapping[str, int]:
        """By reason, how many connections came to no call."""
        return self._server.turned_away

    def shared(self) -> Mapping[str, SharedState]:
        """By controller, how its ledger stands with other boxes."""
        return bootstrap.shared_states(self._generations.newest.services)

    def _serve_metrics(self) -> Callable[[], None]:
        """What ends it. A port that cannot be had is no reason to take no calls."""
        where = self.configuration.metrics
        self._metrics.expect(self.configuration.lines)
        self._metrics.loaded.set(not self.configuration.mistaken)
        if where:
            host, _, port = where.rpartition(":")
            try:
                return self._metrics.serve(host, int(port))
            except OSError as error:
                said = f"{where} cannot be listened on ({os.strerror(error.errno or 0)})"
                log.error("no metrics", error=said, remedy="set service.metrics to another port, and restart")
        return lambda: None

    async def reload(self) -> None:
        """Load the file anew and go on with it, or say what is wrong with it and go on as before."""
        async with self._generations.changing:
            self._notifier.reloading()
            try:
                self._metrics.loaded.set(await self._load())
            finally:
                self._notifier.ready(self._status)

    async def _load(self) -> bool:
        """Whether the file as it is now was taken, for every company."""
        before = self.configuration
        if not await self._generations.load():
            return False
        configuration = self.configuration
        self._metrics.expect(configuration.lines)
        self._allow_descriptors()
        self._tokens.load(configuration.tokens)
        _announce(configuration)
        for event, which in changes.taken_away(before, configuration):
            log.warning(event, **which)
        for event, which in changes.changed(before, configuration):
            log.info(event, **which)
        self._aside(self._tell_removed(before, configuration))
        if configuration.listen != before.listen:
            log.warning("service.listen has changed", remedy="restart the service to listen there")
        log.info("reloaded", lines=len(configuration.lines))
        _keep_out_of_collections()
        return not configuration.mistaken

    def _allow_descriptors(self) -> None:
        server = self._server
        server.sessions, server.pending = allow_descriptors(self.configuration.sessions)

    @property
    def _status(self) -> str:
        return f"{len(self.configuration.lines)} lines on {self.configuration.listen}"

    def _about(self) -> str:
        return self_report.about(self.configuration, self.shared(), self._last_hour.totals())

    async def _tried(self) -> str:
        """Try the ledgers of live companies as they are open here."""
        ledgers, live = self._generations.newest.services.ledgers, self.live()
        return await self_report.tried({name: ledger for name, ledger in ledgers.items() if live.get(name)})

    def close(self) -> None:
        """Close all that is open; what was queued is durable then."""
        self._notifier.close()
        self._generations.close()

    async def _tell_removed(self, before: Configuration, now: Configuration) -> None:
        async def tell(controller: Controller) -> None:
            await in_thread(maintenance.tell_removed_versions, before, now, controller.id)

        await _in_turn(Turns("versions taken out"), now, tell)

    async def _daily(self) -> None:
        """Once a day delete what is older than each controller's retention, beside the calls."""

        async def tidy(controller: Controller) -> None:
            await self._outdated.migrated(controller.id)
            await in_thread(maintenance.tidy, controller, datetime.now(UTC))

        await self._opened.wait()
        turns = Turns("purge")
        while True:
            await _in_turn(turns, self.configuration, tidy)
            await asyncio.sleep(DAY_SECONDS)

    async def _sign(self) -> None:
        """From time to time sign what was recorded, beside the calls."""
        signing, metrics = maintenance.Signing(), self._metrics

        async def sign(controller: Controller) -> None:
            await self._outdated.migrated(controller.id)
            try:
                signed = await signing.sign(controller, self.configuration.evidence.of(controller.id))
            except Exception as error:
                metrics.signing_refused.labels(controller.id).set(1)
                if not isinstance(error, InformativaError):  # which is logged
                    raise
                return
            if signed is not None:
                metrics.signing_refused.labels(controller.id).set(0)
                metrics.signed.labels(controller.id).set(signed.size)
                metrics.signed_at.labels(controller.id).set(signed.at)

        await self._opened.wait()
        turns = Turns("signing")
        while True:
            await _in_turn(turns, self.configuration, sign)
            await asyncio.sleep(self.configuration.evidence.interval)

    async def _reopen(self) -> None:
        """Try from time to time to open ledgers that could not be opened; copy and migrate the old ones.
        Calls and reloads wait for no migration."""
        outdated, reopen = self._outdated, self._generations.reopen
        while True:
            with _surviving():
                while await outdated.migrate(self.configuration, await reopen(outdated)):
                    pass
            self._opened.set()
            await asyncio.sleep(REOPEN_SECONDS)

    async def _collect(self) -> None:
        """From time to time bring the fallback spool home: what was played while nobody could record it."""
        collection = maintenance.SpoolCollection()
        while True:
            if self.configuration.manager is not None:
                lines = self._generations.newest.services.lines
                with _surviving():
                    try:
                        stay = await collection.collect(self.configuration.manager, lines)
                        self._metrics.spool_rows.set(len(stay))
                    except InformativaError:
                        self._metrics.spool_failures.inc()
            await asyncio.sleep(COLLECT_SECONDS)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside the calls."""
        task = asyncio.get_running_loop().create_task(work)
        self._beside.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a defect of informativa", exc_info=error)


async def _in_turn(
    turns: Turns, configuration: Configuration, work: Callable[[Controller], Coroutine[Any, Any, None]]
) -> None:
    """Do some work for each company; what takes long goes on while the next ones are done."""
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


def _keep_out_of_collections() -> None:
    """What is loaded now stays: it need not be searched, again and again, for what calls may have left. What
    an earlier configuration left is let go of first."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])


@contextmanager
def _surviving() -> Iterator[None]:
    """What is done from time to time goes on after a defect, which is logged."""
    try:
        yield
    except Exception as error:
        log.error("a defect of informativa", exc_info=error)


def descriptors(sessions: int) -> int:
    """Return how many so many calls at a time need: one a call, one a peer that is none yet, and some for
    ourselves."""
    return sessions + PENDING_CONNECTIONS + OWN_DESCRIPTORS


def allow_descriptors(sessions: int) -> tuple[int, int]:
    """Have as many descriptors as the calls need. How many calls at a time that allows, and how many peers
    that are none yet: where the system gives fewer descriptors, further calls get their fallback at once
    instead of waiting in line."""
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


def _facts(session: CallSession, result: CallResult, services: call.CallServices) -> dict[str, str]:
    """What may be logged of a call. A called number that is not configured is masked: the dialplan may
    have passed the caller's by mistake."""
    line = services.lines.get(session.call.line)
    facts = {
        "call": session.call.id,
        "line": line.number if line else mask(session.call.line),
        "status": result.status,
        "reason": result.reason,
        "record": result.record,
        "error": result.error,
    }
    return {name: fact for name, fact in facts.items() if fact}
