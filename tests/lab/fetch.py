"""Downloads the programs that tests run, showing how far it is: `python -m lab.fetch`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from . import browser, builds, databases, fronts, golang, openssl, php, prometheus
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


def programs() -> Iterator[tuple[str, Callable[[Report], object], str]]:
    """Yield each program's name, what gets it, and what becomes of tests where it cannot be had."""
    for suite, major in builds.SUITES.items():
        yield f"Asterisk {major}", partial(builds.obtain, suite), f"on Asterisk {major} will be skipped"
    for suite, version in php.SUITES.items():
        yield f"PHP {version}", partial(php.obtain, suite), f"on PHP {version} will be skipped"
    yield "Prometheus", partial(prometheus.tool, "promtool"), "of the alert rules will be skipped"
    for front in fronts.FRONTS.values():
        yield front.name, partial(fronts.obtain, front), f"on {front.name} will be skipped"
    yield "PostgreSQL", databases.programs, "on PostgreSQL will fail"
    yield "Chromium", browser.obtain, "in a browser will be skipped"
    yield "Go", golang.compiler, "by Go's packages will be skipped"
    yield "golang.org/x/mod", golang.sources, "by Go's packages will be skipped"
    yield "openssl", openssl.command, "by openssl will be skipped"


def main() -> int:
    """Get all; what cannot be had is told, and what becomes of its tests."""
    console = Console(stderr=True)
    with bar(console) as progress:
        for name, obtain, otherwise in programs():
            try:
                obtain(reporter(progress, name))
            except Unavailable as error:
                console.print(f"The tests {otherwise}: {error}", highlight=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
