"""The FastAGI service as a process: from a configuration to SIGTERM."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from ..asterisk.fastagi import FastAgiServer
from ..asterisk.peers import Tokens, allowed_connections
from ..call import answering as call
from ..call.caller import mask
from ..config import Configuration, changes
from ..model import CallResult, Status
from ..model.errors import InformativaError
from ..model.ports import CallSession
from ..system.patience import in_thread
from . import bootstrap, loaded_text, self_report
from .generations import Generations
from .last_hour import LastHour
from .metrics import Metrics
from .regular_work import RegularWork, log_removed_versions
from .systemd import Notifier
from .watchdog import watched

log = structlog.get_logger("informativa")

MOST_DOUBTS = 20  # words of the network or the dialplan that nobody understands, each logged once
GARBAGE = 20_000  # additional objects after which Python looks for reference cycles; calls leave none


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
        self._doubts: set[str] = set()  # sentences about such words that were logged
        self._notifier = Notifier()
        self._loaded_text = loaded_text.Holder()
        self._metrics = Metrics(self)
        self._work = RegularWork(self._generations, self._metrics)

    @property
    def configuration(self) -> Configuration:
        """Return the configuration under which calls begin now."""
        return self._generations.newest.configuration

    async def run(self) -> None:
        """Listen until a signal stops it."""
        configuration = self.configuration
        self._allow_descriptors()
        await in_thread(self._loaded_text.hold, configuration)
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
        _freeze_objects(first=True)
        async with watched(self._notifier.alive):
            await stop.wait()
            self._notifier.stopping()
            cancelled = await self._server.stop(self.configuration.drain)
        self.end_maintenance()
        await in_thread(end_metrics)
        log.info("stopped", calls_cut_off=cancelled)

    def begin_maintenance(self) -> None:
        """Start the regular work beside the calls."""
        for work in self._work.begin():
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
            log.warning(result.doubt)
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

    def _serve_metrics(self) -> Callable[[], None]:
        """Serve metrics if configured, and return the function that ends that. Without the port calls are
        taken all the same."""
        address = self.configuration.metrics
        self._metrics.expect(self.configuration.lines)
        self._metrics.loaded.set(not (self.configuration.mistaken or self.configuration.hook_mistakes))
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
        await in_thread(self._loaded_text.hold, configuration)
        _announce(configuration)
        for event, facts in changes.removals(previous, configuration):
            log.warning(event, **facts)
        for event, facts in changes.changed(previous, configuration):
            log.info(event, **facts)
        self._aside(log_removed_versions(previous, configuration))
        if configuration.listen != previous.listen:
            log.warning("service.listen has changed", remedy="restart the service to listen there")
        log.info("reloaded", lines=len(configuration.lines))
        _freeze_objects(in_full=not self.in_progress())
        return not (configuration.mistaken or configuration.hook_mistakes)

    def _allow_descriptors(self) -> None:
        server = self._server
        server.sessions, server.pending = allowed_connections(self.configuration.sessions)

    @property
    def _status(self) -> str:
        return f"{len(self.configuration.lines)} lines on {self.configuration.listen}"

    def _report(self) -> str:
        return self_report.service_report(self.configuration, self._last_hour.totals())

    async def _tried(self) -> str:
        """Try the ledgers of live companies as they are open here."""
        ledgers, live = self._generations.newest.services.ledgers, self.live()
        return await self_report.tried({name: ledger for name, ledger in ledgers.items() if live.get(name)})

    def close(self) -> None:
        """Close everything; queued records are durable then."""
        self._notifier.close()
        self._loaded_text.release()
        self._generations.close()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work beside the calls."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("a defect of informativa", exc_info=error)


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
    for problem in configuration.hook_mistakes:
        log.error("a hook is not told of consents as it should be", problem=str(problem))
    for problem in configuration.unplayable:
        log.error("a prompt is not played", problem=str(problem), exc_info=problem.defect)


def _freeze_objects(*, first: bool = False, in_full: bool = True) -> None:
    """Exclude all objects that are loaded now from garbage collection: they cannot be garbage of calls.
    Garbage of earlier ones is collected first, `in_full` or only the youngest: with 300 companies all of it
    holds every call for 60 ms, and an earlier configuration leaves none. The `first` time nothing was
    excluded."""
    if in_full and not first:
        gc.unfreeze()
    gc.collect(2 if in_full else 0)
    gc.freeze()
    gc.set_threshold(GARBAGE, *gc.get_threshold()[1:])


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
