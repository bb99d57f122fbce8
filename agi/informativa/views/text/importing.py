"""The progress and the result of an import, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import TextColumn

from ...operations import importing
from ...operations.importing import Import, ImportCounts
from ..messages import Language
from ..terminal import progress


def imported(result: Import, say: Language) -> Iterator[str]:
    """Yield the number of rows, and the file with the reasons of rejections."""
    yield count_lines(result, say)
    if result.rejects:
        yield say("Why they were rejected, by line: {file}", file=result.rejects)


def count_lines(counts: Import | ImportCounts, say: Language) -> str:
    """Return the numbers of rows, also of an import that was interrupted."""
    sentence = say.counted(
        "{read} row read: {added} recorded, {known} known before, {rejected} rejected.",
        "{read} rows read: {added} recorded, {known} known before, {rejected} rejected.",
        counts.read,
        read=counts.read,
        added=counts.recorded,
        known=counts.known_before,
        rejected=counts.rejected,
    )
    if not counts.unusual:
        return sentence
    doubt = say.counted(
        "{count} number that was taken is unusually short or long: is a digit missing, or one too many?",
        "{count} numbers that were taken are unusually short or long: is a digit missing, or one too many?",
        counts.unusual,
    )
    return f"{sentence} {doubt}"


@contextmanager
def bars(file: Path, say: Language) -> Iterator[importing.Progress]:
    """Show how far the file is checked and recorded, on stderr if that is a terminal."""
    amount = TextColumn(say("{task.completed:,.0f} of {task.total:,.0f} bytes"))
    with progress(amount) as shown:
        size = file.stat().st_size if file.is_file() else None
        labels = {"check": say("checking"), "prepare": say("preparing"), "record": say("recording")}
        tasks = {step: shown.add_task(label, total=size) for step, label in labels.items()}
        yield lambda step, completed: shown.update(tasks[step], completed=completed)
