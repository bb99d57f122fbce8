"""Everything that can be tried, one job after the other, and a table of what was found: `make nightly`.

It takes hours. `make nightly NIGHTLY="JOB…"` runs these jobs alone. What a job printed is in
`.nightly/JOB.log`.
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
SUMMER_TIME = "2027-03-28 00:30:00"  # UTC: half an hour before it begins in Europe
LATE = "2026-12-31 23:10:00"  # UTC: tomorrow, next month and next year in Rome
QUICK = '-m "not night and not slow"'
FETCHED = "make setup && PYTHONPATH=tests .venv/bin/python -m lab.fetch"
ELSEWHERE = f"""{FETCHED}
export INFORMATIVA_CACHE="${{INFORMATIVA_CACHE:-$HOME/.cache/informativa}}"
exec unshare --mount --net sh -ec '
    ip link set lo up
    echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6
    mount -t tmpfs -o ro tmpfs /dev/shm
    mount -t tmpfs tmpfs /mnt
    exec env -u LANG HOME=/mnt make test'"""
"""Without IPv6, shared memory and a language, and with a home on another file system."""
TWICE = f"""{FETCHED}
make test & first=$!
make test; second=$?
wait $first && exit $second"""
LOADED = f"""{FETCHED}
for core in $(seq $(nproc)); do nice sh -c 'while :; do :; done' & load="$load $!"; done
trap 'kill $load' EXIT
for run in $(seq 20); do echo "run $run"; make test || exit; done"""
"""Twenty times, beside as many busy processes as there are cores."""
CLEARED = "rm -rf .nightly/release"
LONG = {
    "attacks": "tests/torture tests/asterisk/test_faults.py",
    "evidence": "tests/evidence",
    "sharing": "tests/sharing",
}
"""The parts of `make torture`."""


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
    """All of them, the quickest first."""
    yield Job("lint", "make lint")
    yield Job("test", "make test NIGHT=1")
    yield Job("chance", f"INFORMATIVA_SEED={seed} make test")
    for name, clock in (("summer-time", SUMMER_TIME), ("late", LATE)):
        yield Job(name, "make setup && " + faked(clock, f"make fast PYTEST='{QUICK}'"))
    for python in pythons():
        yield Job(f"python{python.rpartition('python')[2]}", f"make fast PYTHON={python}")
    yield Job("bare-debian-12", "make bare")
    yield Job("elsewhere", ELSEWHERE)
    yield Job("twice", TWICE)
    yield Job("cluster", "make cluster")
    yield Job("packages", "make packages")
    yield Job("release", f"{CLEARED} && make release RELEASE='--trial .nightly/release'")
    yield Job("mutants", "make mutants")
    for name, tests in LONG.items():
        yield Job(name, f"INFORMATIVA_SEED={seed} make torture TORTURE='{tests}'")
    yield Job("loaded", LOADED)


def faked(clock: str, command: str) -> str:
    """Return a shell command that has it `clock` (UTC) when `command` begins. All its processes share the
    shift from the true time. With faketime's `@TIME` each would start at that time. The setting is read once,
    because threads have the true time while it is read anew."""
    seconds = f"$(($(date -d '{clock} UTC' +%s) - $(date +%s)))"
    return f'FAKETIME_CACHE_DURATION=86400 faketime -f "$(printf %+d {seconds})" {command}'


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
