"""The classic script as a process, from its start to its end, against an empty one over the same library."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from lab.office import Office

from . import rivals
from .figures import Peers, Report, Result, Spread, Target, ratios, same

OURS, EMPTY, PYTHON = "informativa-agi", "empty pyst2 script", "python -c pass"


def script(report: Report, folder: Path, *, rounds: int = 25) -> None:
    """Measure how long each script takes, caller known."""
    office = Office(folder / "script")
    rivals.acquaint(office)
    office.dialplan()  # as every admin does: it makes the link, and keeps the configuration ready for scripts
    ledger = office.folder / "ledger" / "acme.sqlite3"
    commands = {
        OURS: [f"{office.config}.agi"],
        EMPTY: [sys.executable, str(rivals.SOURCES / "empty_script.py")],
        PYTHON: [sys.executable, "-c", "pass"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(-1, rounds):  # the first one only warms up
        for name, command in commands.items():
            milliseconds = _run(command, turn + 1) * 1000
            if turn >= 0:
                taken[name].append(milliseconds)
    same("calls on record", rounds + 1, rivals.not_due(ledger))
    title = "classic script, the whole process"
    report.peers.append(Peers("script", title, {name: Spread(tuple(v), "ms") for name, v in taken.items()}))
    value = ratios(taken[OURS], taken[EMPTY])
    report.results.append(Result("script", f"{title}, against an {EMPTY}", value, Target(2.2)))


def _run(command: list[str], caller: int) -> float:
    """Seconds from start to end. Raises RefusedError unless it sets the status, where it is a script."""
    environment = {
        "request": "informativa-agi",
        "channel": "PJSIP/lab-00000001",
        "language": "it",
        "uniqueid": f"1700000000.{caller}",
        "callerid": rivals.number(caller),
        "callingpres": "0",
        "threadid": "1",
        "arg_1": rivals.LINE,
    }
    text = "".join(f"agi_{name}: {value}\n" for name, value in environment.items())
    begun = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(text.encode() + b"\n")
        process.stdin.flush()
        output = b""
        for line in process.stdout:
            output += line
            process.stdin.write(b"200 result=%d\n" % line.startswith(b"SET"))
            process.stdin.flush()
        same("the script's exit code", 0, process.wait())
    seconds = time.perf_counter() - begun
    if "-c" not in command:
        same("the script set the status", True, b"INFORMATIVA_STATUS" in output and b"NOTDUE" in output)
    return seconds
