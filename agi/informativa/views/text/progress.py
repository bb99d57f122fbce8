"""Bars that show the progress of a command, for a terminal."""

from __future__ import annotations

import sys

from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from ..terminal import console


def progress(amount: ProgressColumn) -> Progress:
    """Return bars that show this amount of each task, on stderr if that is a terminal."""
    return Progress(
        TextColumn("{task.description}"),
        amount,
        BarColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
