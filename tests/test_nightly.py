"""The jobs of `make nightly`."""

from __future__ import annotations

import pytest

from lab.nightly import summary


@pytest.mark.parametrize(
    ("printed", "start"),
    [
        (
            "bare: Call 106 came to PLAYED.\nmake[1]: *** [Makefile:48: bare] Error 1\n",
            "bare: Call 106",
        ),
        ("== 3 passed in 4.00s ==\nremoved\nmake[1]: Leaving directory '/x'\n", "3 passed in 4.00s"),
        ("make: Nothing to be done\n", "nothing was printed"),
    ],
)
def test_summary_is_of_the_job_and_not_of_make(printed: str, start: str) -> None:
    """The table says the last thing that a job said, and not that make leaves a folder."""
    assert summary(printed).startswith(start)
