"""An import as it goes, and what came of it, for a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ...operations import importing
from ...operations.importing import Imported, Tally
from ..messages import Language
from ..terminal import console


def imported(found: Imported, say: Language) -> Iterator[str]:
    """How many rows, and where it says why some were rejected."""
    yield counted(found, say)
    if found.rejects:
        yield say("Why they were rejected, by line: {file}", file=found.rejects)


def counted(found: Imported | Tally, say: Language) -> str:
    """How many rows, also of an import that was cut off."""
    counts = say.counted(
        "{read} row read: {added} recorded, {known} known before, {rejected} rejected.",
        "{read} rows read: {added} recorded, {known} known before, {rejected} rejected.",
        found.read,
        read=found.read,
        added=found.recorded,
        known=found.known,
        rejected=found.rejected,
    )
    if not found.unusual:
        return counts
    doubt = say.counted(
        "{count} number that was taken is unusually short or long: is a digit missing, or one too many?",
        "{count} numbers that were taken are unusually short or long: is a digit missing, or one too many?",
        found.unusual,
        count=found.unusual,
    )
    return f"{counts} {doubt}"


@contextmanager
def bars(file: Path, say: Language) -> Iterator[importing.Progress]:
    """How far the file is checked and recorded, while that lasts, on stderr where that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        TextColumn(say("{task.completed:,.0f} of {task.total:,.0f} bytes")),
        BarColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    ) as progress:
        size = file.stat().st_size if file.is_file() else None
        said = {"check": say("checking"), "prepare": say("preparing"), "record": say("recording")}
        tasks = {step: progress.add_task(word, total=size) for step, word in said.items()}
        yield lambda step, done: progress.update(tasks[step], completed=done)
