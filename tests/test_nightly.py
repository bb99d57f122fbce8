"""The jobs of `make nightly`."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from lab.nightly import faked, summary

needs_faketime = pytest.mark.skipif(
    shutil.which("faketime") is None or not os.access("/dev/shm", os.W_OK),
    reason="Type: apt-get install faketime; and it needs shared memory in /dev/shm",
)
NEW_YEAR = 1798758000  # seconds: 2027-01-01 00:00:00 in Rome, in UTC an hour earlier


@needs_faketime
def test_processes_of_another_clock_have_the_same_one() -> None:
    """Each is so many seconds from the true time, also one that is started long after another."""
    before = int(_printed("date +%s"))
    shift = int(_printed(faked("2026-12-31 23:00:00", "printenv FAKETIME")))
    assert NEW_YEAR - int(_printed("date +%s")) <= shift <= NEW_YEAR - before


@needs_faketime
@pytest.mark.parametrize(("clock", "sign"), [("2001-01-01 00:00:00", "-"), ("2101-01-01 00:00:00", "+")])
def test_clock_before_and_after_the_true_one(clock: str, sign: str) -> None:
    """A time that is past and one that is to come are both set."""
    assert _printed(faked(clock, "printenv FAKETIME")).startswith(sign)
    assert _printed(faked(clock, "date -u +%Y")) == clock[:4]


@pytest.mark.parametrize(
    ("printed", "start"),
    [
        (
            "cluster: Call 106 came to PLAYED.\nmake[1]: *** [Makefile:48: cluster] Error 1\n",
            "cluster: Call 106",
        ),
        ("== 3 passed in 4.00s ==\nremoved\nmake[1]: Leaving directory '/x'\n", "3 passed in 4.00s"),
        ("make: Nothing to be done\n", "nothing was printed"),
    ],
)
def test_summary_is_of_the_job_and_not_of_make(printed: str, start: str) -> None:
    """The table says the last thing that a job said, and not that make leaves a folder."""
    assert summary(printed).startswith(start)


def _printed(command: str) -> str:
    """Return what a command prints on the true clock, also where these tests have another one."""
    true = {
        name: value for name, value in os.environ.items() if not name.startswith(("FAKETIME", "LD_PRELOAD"))
    }
    ran = subprocess.run(["sh", "-c", command], env=true, capture_output=True, text=True, check=True)
    return ran.stdout.strip()
