"""`informativa-agi`: the entry point of the classic script, which Asterisk starts for one call.

Where it cannot do its work it says why on Asterisk's console, sets no status, and exits with 1: the dialplan
then goes on to its next try. So does one of too many, before it has imported what it would work with: that is
most of what a script costs.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from .. import CONFIGURATION, STARTED
from ..process.script_limit import ScriptLimit

_TOO_MANY = b'VERBOSE "informativa-agi: too many scripts run at once; the dialplan plays the notice" "1"\n'


def main() -> int:
    """Handle the call on standard input and output; the exit code, where no call began."""
    if sys.stdin.isatty():
        print("informativa-agi is started by Asterisk: AGI(informativa-agi,LINE).", file=sys.stderr)
        return 1
    limit, configuration = ScriptLimit(), _configuration()
    if not limit.admits(configuration):
        with suppress(OSError):  # Asterisk may be gone: there is nobody to tell then
            os.write(1, _TOO_MANY)
        return 1
    gc.disable()  # which would look through all that is imported, time and again
    from ..process.script import run

    code = run(configuration, limit)
    _end(code)
    return code


def _end(code: int) -> None:
    """End at once, with nothing left to save: Python would take all that it imported apart, a tenth of a
    script's time."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # Asterisk may be gone
            stream.flush()
    os._exit(code)


def _configuration() -> str:
    """The configuration beside the link by which the dialplan starts us (`informativa.yaml.agi`), or that of
    our own environment, or the one in the usual place. Nothing that comes through a channel names it: whoever
    may place a call could otherwise have it answered by a configuration of his own.
    """
    started = sys.argv[0]
    if started.endswith(STARTED):
        return started.removesuffix(STARTED)
    return os.environ.get("INFORMATIVA_CONFIG") or CONFIGURATION
