"""The preview, the progress and the result of an import, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import TextColumn

from ...model import NumberForm
from ...model.text import Text
from ...operations import importing
from ...operations.cell_times import DateOrder
from ...operations.importing import Import, ImportCounts, ImportPreview
from ..messages import Language
from ..terminal import one_line, progress

_DATES = {
    None: Text("not known: day or month first?"),
    DateOrder.DAY_FIRST: Text("day first"),
    DateOrder.MONTH_FIRST: Text("month first"),
}
_FORMS = {
    NumberForm.NATIONAL: Text("national"),
    NumberForm.INTERNATIONAL: Text("with country code"),
    NumberForm.EITHER: Text("national or with country code"),
}


def previewed(preview: ImportPreview, say: Language) -> Iterator[str]:
    """Yield how the file is read, and its first rows as they are understood."""
    reading = preview.reading
    yield say.counted("{count} row, read like this:", "{count} rows, read like this:", preview.rows)
    if reading.sheet is None:
        separator = say("tab") if reading.separator == "\t" else reading.separator
        yield say("  text: {encoding}, separator {separator}", encoding=reading.encoding, separator=separator)
    else:
        yield say("  sheet: {name}", name=one_line(reading.sheet))
    columns = ", ".join(f"{name} = {one_line(header)}" for name, header in reading.columns.items())
    yield say("  columns: {columns}", columns=columns)
    yield say("  dates: {order}", order=say(_DATES[reading.dates]))
    if reading.short_years:
        yield say("  years: 26 stands for 2026")
    yield say("  numbers without + or 00: {form}", form=say(_FORMS[reading.callers]))
    for row in preview.sample:
        at = row.at.strftime("%Y-%m-%d %H:%M") if row.at else "-"
        cells = filter(None, (row.caller or "-", at, row.answer, row.reference, say(row.reason)))
        yield f"  {row.line:>6}  " + "  ".join(map(one_line, cells))
    if preview.misfits:
        yield say.counted(
            "{count} row has not the cells of the header, and will be rejected.",
            "{count} rows have not the cells of the header, and will be rejected.",
            preview.misfits,
        )
    if preview.numbers_stored:
        yield say("Excel has numbers as numbers here: a + and zeros before them are lost.")


def imported(result: Import, say: Language) -> Iterator[str]:
    """Yield the number of rows, and the file with the reasons of rejections."""
    yield count_lines(result, say)
    if result.complete_rejects:
        yield say("The rejected rows, with the reasons: {file}", file=result.rejects)
        yield say("It has numbers of callers in clear: correct it, import it in the same way, and delete it.")
    elif result.rejects:
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
