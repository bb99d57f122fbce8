"""The FastAGI service as a process: from a configuration to SIGTERM."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import structlog

from . import bootstrap, call
from .caller import mask
from .config import Configuration
from .errors import InformativaError, LedgerError
from .model import Controller, Verdict
from .ports import CallSession
from .sessions.fastagi import FastAgiServer

log = structlog.get_logger("informativa")

DAY_SECONDS = 24 * 60 * 60
HANG_SECONDS = 10  # without a turn of the event loop; a healthy one takes milliseconds


def run(configuration: Configuration) -> None:
    """Serve until SIGTERM or SIGINT, then let the calls in progress end.

    Raises LedgerError if a ledger cannot be opened, InformativaError if the port cannot be had.
    """
    try:
        import uvloop
    except ImportError:  # not on every platform; asyncio's own loop does the same, slower
        asyncio.run(_serve(configuration))
    else:
        uvloop.run(_serve(configuration))


async def _serve(configuration: Configuration) -> None:
    desk = bootstrap.service_desk(configuration)
    try:
        await _listen(configuration, desk)
    finally:
        bootstrap.close(desk)


async def _listen(configuration: Configuration, desk: call.Desk) -> None:
    async def answer(session: CallSession) -> None:
        verdict = await call.answer(session, desk)
        level = logging.ERROR if verdict.error else logging.INFO
        log.log(level, "call answered", **_facts(session, verdict, desk))

    _allow_descriptors(configuration.sessions)
    server = FastAgiServer(answer, sessions=configuration.sessions)
    try:
        host, port = await server.start(configuration.host, configuration.port)
    except OSError as error:
        where = f"{configuration.host}:{configuration.port}"
        raise InformativaError(
            f"{where} cannot be listened on ({os.strerror(error.errno or 0)}).",
            "Stop what uses it, or set service.listen to another address and port"
            " (and write the dialplan again with `informativa dialplan`).",
        ) from error
    log.info("ready", address=f"agi://{host}:{port}/notice", lines=len(configuration.lines))
    async with _watched(), _daily(configuration):
        await _told_to_stop()
        cancelled = await server.stop(configuration.drain)
    log.info("stopped", calls_cut_off=cancelled)


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(
        signal.SIGHUP, log.warning, "SIGHUP is ignored; restart to load a new configuration"
    )
    await stop.wait()


@asynccontextmanager
async def _daily(configuration: Configuration) -> AsyncIterator[None]:
    """Once a day delete what is older than each controller's retention, beside the calls."""

    async def purge() -> None:
        while True:
            for controller in configuration.controllers.values():
                await asyncio.to_thread(purge_old, controller, datetime.now(UTC))
            await asyncio.sleep(DAY_SECONDS)

    purging = asyncio.create_task(purge())
    try:
        yield
    finally:
        purging.cancel()


def purge_old(controller: Controller, now: datetime) -> None:
    """Delete what is older than the controller's retention; what was done, or why not, goes to the log."""
    if controller.retention is None or controller.refused:
        return
    try:
        store = bootstrap.store(controller)
        try:
            purged = store.purge(now - controller.retention, now)
        finally:
            store.close()
    except LedgerError as error:
        log.error("purge failed", controller=controller.id, error=str(error))
    else:
        log.info("purged", controller=controller.id, records=purged)


@asynccontextmanager
async def _watched() -> AsyncIterator[None]:
    """End the process when its event loop stands still: Asterisk waits for ever for a server that hangs,
    and goes on at once when the connection closes. faulthandler's timer needs no working interpreter."""

    async def pat() -> None:
        while True:
            faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)
            await asyncio.sleep(1)

    patting = asyncio.create_task(pat())
    try:
        yield
    finally:
        patting.cancel()
        faulthandler.cancel_dump_traceback_later()


def _allow_descriptors(sessions: int) -> None:
    """One descriptor a call, and some for ourselves; says so when the system allows fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sessions + 100
    if soft < needed:
        allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        if allowed < needed:
            log.warning("too few file descriptors", allowed=allowed, needed=needed, remedy="raise ulimit -n")


def _facts(session: CallSession, verdict: Verdict, desk: call.Desk) -> dict[str, str]:
    """What may be logged of a call. A called number that is not configured is masked: the dialplan may
    have passed the caller's by mistake."""
    line = desk.lines.get(session.call.line)
    facts = {
        "call": session.call.id,
        "line": line.number if line else mask(session.call.line),
        "status": verdict.status,
        "reason": verdict.reason,
        "record": verdict.record,
        "error": verdict.error,
    }
    return {name: fact for name, fact in facts.items() if fact}
