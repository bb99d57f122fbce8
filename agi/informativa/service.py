"""The FastAGI service as a process: from a configuration to SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal

import structlog

from . import bootstrap, call
from .caller import mask
from .config import Configuration
from .errors import InformativaError
from .model import Verdict
from .ports import CallSession
from .sessions.fastagi import FastAgiServer

log = structlog.get_logger("informativa")


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
        log.info("call answered", **_facts(session, await call.answer(session, desk)))

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
    await _told_to_stop()
    cancelled = await server.stop(configuration.drain)
    log.info("stopped", calls_cut_off=cancelled)


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _facts(session: CallSession, verdict: Verdict) -> dict[str, str]:
    """What may be logged of a call. The called number is masked: a dialplan may pass the wrong one."""
    return {
        "call": session.call.id,
        "line": mask(session.call.line),
        "status": verdict.status,
        "reason": verdict.reason,
        "record": verdict.record,
    }
