"""Instructions of a call, as callgrind counts them: a figure that a busy machine cannot change."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from informativa.model import Status
from lab import audio
from lab.office import Office

from . import rivals
from .figures import Report, Result, SkippedError, Spread, Target, refuse_trouble, same

CALLS = 640  # of each kind: ten groups
APART = 0.1  # percent that two runs may lie apart
_SECONDS = 0.12  # of the notice, as peers/calls.py plays it
_KEY = "0123456789abcdef" * 4  # the same each time: by their pseudonyms callers lie elsewhere in the ledger


def instructions(report: Report, folder: Path, *, calls: int = CALLS, runs: int = 2) -> None:
    """Count the instructions of a known caller's call, and of a first call: what more of them add, so that
    the start does not count."""
    if not shutil.which("valgrind"):
        raise SkippedError("there is no `valgrind` on this machine")
    office = _office(folder, 2 * calls)
    _calls(office, folder, 2 * calls, calls, calls)  # what is compiled or kept for the next start is so then
    amounts = ((calls, calls), (2 * calls, calls), (calls, 2 * calls))
    counted = [[_count(office, folder, 2 * calls, *some) for some in amounts] for _ in range(runs)]
    kinds = ("a known caller", "a first call, heard whole")
    for at, kind in enumerate(kinds, 1):
        per_call = [(run[at] - run[0]) / calls for run in counted]
        report.results.append(
            Result("instructions", f"instructions of {kind}", Spread(tuple(per_call), "instructions"))
        )
        apart = Spread((apart_percent(per_call),), "%")
        report.results.append(
            Result("instructions", f"how far the runs lie apart, {kind}", apart, Target(APART))
        )


def apart_percent(values: Sequence[float]) -> float:
    """Give by how many percent the largest lies above the smallest."""
    return (max(values) / min(values) - 1) * 100


def _office(folder: Path, known: int) -> Office:
    """A configuration whose ledger knows so many callers, and whose notices are over at once."""
    sound = folder / "sound.wav"
    audio.write_wav(sound, audio.synthetic(_SECONDS, seed=1))
    office = Office(folder / "counted", {"it/short.wav": sound, "it/full.wav": sound})
    (office.folder / "keys" / "acme.key").write_text(_KEY)
    rivals.acquaint(office, known)
    return office


def _count(office: Office, folder: Path, acquainted: int, known: int, first: int) -> int:
    """Instructions of a process that makes so many calls."""
    output = folder / "callgrind.out"
    options = [f"--callgrind-out-file={output}", f"--log-file={folder / 'valgrind.log'}"]
    _calls(office, folder, acquainted, known, first, "valgrind", "--tool=callgrind", *options)
    return total(output.read_text())


def _calls(office: Office, folder: Path, acquainted: int, known: int, first: int, *prefix: str) -> None:
    """Make so many calls in a process, from the same ledger each time. Raises RefusedError unless each came
    to what it should."""
    ledger, copy = office.folder / "ledger", folder / "ledger"
    if not copy.exists():
        shutil.copytree(ledger, copy)
    shutil.rmtree(ledger)
    shutil.copytree(copy, ledger)
    program = [sys.executable, str(rivals.SOURCES / "calls.py"), str(office.config), str(known), str(first)]
    environment = os.environ | {"PYTHONHASHSEED": "0"}  # else each run has its sets in another order
    ran = subprocess.run([*prefix, *program], capture_output=True, text=True, check=False, env=environment)
    refuse_trouble(ran.stderr)
    same("exit code of the calls, 0 when each call ended as it should", 0, ran.returncode)
    statuses = Counter(record.event.status for record in office.records())
    same("calls on record", (known, acquainted + first), (statuses[Status.NOTDUE], statuses[Status.PLAYED]))


def total(text: str) -> int:
    """The instructions that a callgrind.out file comes to."""
    counts = re.findall(r"^totals: (\d+)$", text, re.MULTILINE)
    same("totals in what callgrind wrote", 1, len(counts))
    return int(counts[0])
