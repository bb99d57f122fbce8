"""The classic script's one call. It works on the same ledgers as the service, without a service running."""

from __future__ import annotations

import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ..asterisk.agi_session import AgiSession
from ..asterisk.script_session import ScriptAgi
from ..call import answering as call
from ..config import Configuration, for_call, of_calls
from ..model.errors import ConfigError, InformativaError, SessionError
from . import bootstrap
from .script_limit import ScriptLimit


def run(file: str, limit: ScriptLimit) -> int:
    """Handle the call on standard input and output by the configuration in `file`. Return the exit code."""
    try:
        # SIGALRM ends a script that hangs, also in the kernel, and Asterisk goes on with its dialplan.
        session = ScriptAgi(sys.stdin.buffer, sys.stdout.buffer, signal.alarm).session
    except SessionError as error:
        sys.stderr.write(f"informativa-agi: {error}\n")
        return 1
    try:
        _run_to_end(_answer(session, _configuration(Path(file), session), limit))
    except ConfigError as error:
        for problem in error.problems:
            _run_to_end(session.tell(f"informativa-agi: {problem}"))
    except SessionError:
        pass  # Asterisk is gone: there is nobody to tell
    except InformativaError as error:
        _run_to_end(session.tell(f"informativa-agi: {error}"))
    except Exception as error:  # a traceback on Asterisk's console helps nobody there
        _run_to_end(session.tell(f"informativa-agi: a defect of informativa ({type(error).__name__})"))
        return 3
    else:
        return 0
    return 1


async def _answer(session: AgiSession, configuration: Configuration, limit: ScriptLimit) -> None:
    first = next(iter(configuration.in_shape()), None)
    if first and not limit.counts and not limit.admits(first.ledger):  # no file could be made before
        raise InformativaError("Too many scripts run at once; the dialplan plays the notice.")
    limit.started()
    services = bootstrap.for_script(configuration)
    try:
        result = await call.answer(session, services)
        if result.error:
            await session.tell(f"informativa-agi: {result.error}")
        if result.doubt:
            await session.tell(f"informativa-agi: {result.doubt}")
    finally:
        bootstrap.close(services)


def _configuration(file: Path, session: AgiSession) -> Configuration:
    """Return the configuration for this call. Raises ConfigError for mistakes that concern it: those of other
    companies and lines do not."""
    configuration, problems = for_call(file, session.call.line)
    if problems:
        line = configuration.spelled.get(session.call.line)
        concerning = of_calls(problems, line.controller.id, line.number) if line else problems
        if concerning:
            raise ConfigError(concerning)
    return configuration


def _run_to_end(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never really waits: every port of a script blocks. Spares the start of an event
    loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("a script's coroutine waited for an event loop")
