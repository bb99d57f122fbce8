"""Jobs beyond `make test`, one job after the other within an hour, and a table of what was found: `make
nightly`. `make nightly NIGHTLY="JOB…"` runs these jobs alone. What a job printed is in `.nightly/JOB.log`.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / ".nightly"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLACES = "bookworm:plain trixie:root"
"""The bare Debians: both releases and both kinds of user, in half the time of all four."""
TIMES = 10
"""The number of tries of an attack for one by day; `make torture` tries them for hours."""
ELSEWHERE = """
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git clone -q . "$place/un altro posto, für uns"
mkdir "$place/home" "$place/tmp"
test "$(id -u)" != 0 || chown -R www-data: "$place"
umask 077
cd "$place/un altro posto, für uns"
$(test "$(id -u)" != 0 || echo setpriv --reuid=www-data --regid=www-data --clear-groups) \\
    env HOME="$place/home" TMPDIR="$place/tmp" LANG=it_IT.UTF-8 \\
    make fast PYTHON="{python}" PYTEST='-m "not slow"'
"""
"""The tests that start nothing large, of every case, on another Python: as another user, whose files nobody
else may read, in Italian, in a folder with a blank and an umlaut, with a folder for temporary files."""


@dataclass(frozen=True)
class Job:
    """A name, and the command of a shell that fails where something was found."""

    name: str
    command: str


@dataclass(frozen=True)
class Outcome:
    """The end of a job: its exit code, seconds, and the last thing that it said of itself."""

    job: Job
    code: int
    seconds: float
    summary: str


def jobs(seed: int) -> Iterator[Job]:
    """All of them."""
    yield Job("bare", f"make bare BARE='{PLACES}'")
    for python in pythons():
        yield Job(f"python{python.rpartition('python')[2]}", ELSEWHERE.format(python=python))
    yield Job("packages", "make packages")
    yield Job("torture", f"INFORMATIVA_SEED={seed} make torture TIMES={TIMES}")
    yield Job("bench", "make bench BENCH=--quick")


def pythons() -> Iterator[str]:
    """The Pythons of this machine that the program runs on, but for the one of `.venv`."""
    running = sys.version_info[:2]
    for version in PYTHONS:
        program = shutil.which(f"python{version}") or shutil.which(f"/usr/bin/python{version}")
        if program and tuple(map(int, version.split("."))) != running:
            yield program


def run(job: Job) -> Outcome:
    """Run a job to its end."""
    began, log = time.monotonic(), LOGS / f"{job.name}.log"
    with log.open("wb") as output:
        ran = subprocess.run(
            ["sh", "-c", job.command],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    seconds = time.monotonic() - began
    return Outcome(job, ran.returncode, seconds, summary(log.read_text(errors="replace")))


def summary(printed: str) -> str:
    """The last line that counts tests, mutants or the like; else the last line that is not make's."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", printed)
    lines = [line.strip("= \t") for line in plain.splitlines() if line.strip()]
    lines = [line for line in lines if not re.match(r"make(\[\d+\])?: ", line)]
    counted = [line for line in lines if re.search(r"\d+ (passed|failed|error|of \d+ killed)", line)]
    return (counted or lines or ["nothing was printed"])[-1]


def main(names: Sequence[str]) -> int:
    """The exit code: 1 if a job failed."""
    seed = int(os.environ.get("INFORMATIVA_SEED") or random.SystemRandom().randrange(1 << 32))
    every = {job.name: job for job in jobs(seed)}
    if unknown := [name for name in names if name not in every]:
        print(f"There is no job {unknown[0]}; one of: {' '.join(every)}", file=sys.stderr)
        return 2
    LOGS.mkdir(exist_ok=True)
    console = Console()
    console.print(f"INFORMATIVA_SEED={seed}", highlight=False)
    outcomes = []
    for job in [every[name] for name in names] or every.values():
        console.print(f"{job.name}: {job.command}", highlight=False)
        outcomes.append(run(job))
    console.print(table(outcomes))
    for outcome in outcomes:
        if outcome.code:
            console.print(f"{outcome.job.name}: see {LOGS / outcome.job.name}.log", highlight=False)
    return 1 if any(outcome.code for outcome in outcomes) else 0


def table(outcomes: Sequence[Outcome]) -> Table:
    """Return what each job found."""
    made = Table("Job", "Result", "Minutes", "Found")
    for outcome in outcomes:
        result = "passed" if outcome.code == 0 else f"exit code {outcome.code}"
        made.add_row(outcome.job.name, result, f"{outcome.seconds / 60:.1f}", outcome.summary)
    return made


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
