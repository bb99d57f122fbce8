"""`informativa-agi`: the entry point of the classic script, which Asterisk starts for one call.

Works with no service running, on the same ledgers. Where it cannot do its work it says why on
Asterisk's console, sets no status, and exits with 1: the dialplan then goes on to its next try.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .. import bootstrap, call
from ..config import DEFAULT_FILE, Configuration, inspect, of_calls
from ..errors import ConfigError, InformativaError, SessionError
from ..sessions.dialogue import Dialogue
from ..sessions.script import ScriptAgi


def main() -> int:
    """Handle the call on standard input and output; the exit code."""
    if sys.stdin.isatty():
        print("informativa-agi is started by Asterisk: AGI(informativa-agi,LINE).", file=sys.stderr)
        return 1
    try:
        session = ScriptAgi(sys.stdin.buffer, sys.stdout.buffer).session
    except SessionError as error:
        print(f"informativa-agi: {error}", file=sys.stderr)
        return 1
    try:
        _run(_answer(session, _configuration(session)))
    except ConfigError as error:
        for problem in error.problems:
            _run(session.tell(f"informativa-agi: {problem}"))
    except SessionError:
        pass  # Asterisk is gone: there is nobody to tell
    except InformativaError as error:
        _run(session.tell(f"informativa-agi: {error}"))
    except Exception as error:  # a traceback on Asterisk's console helps nobody there
        _run(session.tell(f"informativa-agi: a defect of informativa ({type(error).__name__})"))
        return 3
    else:
        return 0
    return 1


async def _answer(session: Dialogue, configuration: Configuration) -> None:
    desk = bootstrap.script_desk(configuration)
    try:
        verdict = await call.answer(session, desk)
        if verdict.error:
            await session.tell(f"informativa-agi: {verdict.error}")
    finally:
        bootstrap.close(desk)


def _configuration(session: Dialogue) -> Configuration:
    """What this call can be answered with. Raises ConfigError for mistakes that concern it: those of other
    companies and lines do not."""
    configuration, problems = inspect(_file(session))
    if problems:
        line = configuration.spelled.get(session.call.line)
        if found := of_calls(problems, line.controller.id, line.number) if line else problems:
            raise ConfigError(found)
    return configuration


def _file(session: Dialogue) -> Path:
    return Path(session.call.options.get("config") or os.environ.get("INFORMATIVA_CONFIG") or DEFAULT_FILE)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run what never really waits: every port of a script blocks. Spares the start of an event loop."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("a script's coroutine waited for an event loop")
