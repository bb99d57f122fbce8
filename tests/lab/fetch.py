"""Downloads the programs that tests run, showing how far it is: `python -m lab.fetch`."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from . import builds, databases, fronts, php, prometheus
from .debian import Progress as Report
from .debian import Unavailable


def bar(console: Console) -> Progress:
    """A progress bar for downloads; where there is no terminal it is silent."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def reporter(progress: Progress, name: str) -> Report:
    """Shows each step of getting `name`; on no terminal, a line for each new step."""
    task = progress.add_task(name, total=1.0)
    shown_steps: set[str] = set()

    def report(message: str, fraction: float) -> None:
        progress.update(task, description=f"{name}: {message}", completed=fraction)
        step = message.split()[0]
        if progress.disable and step not in shown_steps:
            shown_steps.add(step)
            progress.console.print(f"{name}: {message}", highlight=False)

    return report


def main() -> int:
    """Get all; what cannot be had is told, and what becomes of its tests."""
    console = Console(stderr=True)
    with bar(console) as progress:
        for suite, major in builds.SUITES.items():
            try:
                builds.obtain(suite, reporter(progress, f"Asterisk {major}"))
            except Unavailable as error:
                console.print(f"The tests on Asterisk {major} will be skipped: {error}", highlight=False)
        for suite, version in php.SUITES.items():
            try:
                php.obtain(suite, reporter(progress, f"PHP {version}"))
            except Unavailable as error:
                console.print(f"The tests on PHP {version} will be skipped: {error}", highlight=False)
        try:
            prometheus.tool("promtool", reporter(progress, "Prometheus"))
        except Unavailable as error:
            console.print(f"The tests of the alert rules will be skipped: {error}", highlight=False)
        for front in fronts.FRONTS.values():
            try:
                fronts.obtain(front, reporter(progress, front.name))
            except Unavailable as error:
                console.print(f"The tests on {front.name} will be skipped: {error}", highlight=False)
        try:
            databases.programs(reporter(progress, "PostgreSQL"))
        except Unavailable as error:
            console.print(f"The tests on PostgreSQL will fail: {error}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
