"""The report of a month, for a terminal and the text of a mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...model import Controller
from ...operations.report_document import MonthlyReport
from ..messages import Language
from ..report_sections import origin, sections, title
from ..terminal import one_line


def lines(report: MonthlyReport, company: Controller, say: Language) -> Iterator[str]:
    """Yield the report: a table for each section."""
    yield one_line(f"{report.name} ({report.controller})")
    yield title(report, say)
    yield origin(report, say)
    for remark in report.remarks:
        yield say("Note: {remark}", remark=remark)
    for section in sections(report, company, say):
        yield ""
        yield section.title
        if section.rows:
            yield from (
                f"  {one_line(line)}" for line in _columns((section.headings, *section.rows), section.numbers)
            )
        else:
            yield f"  {section.nothing}"
        yield from (f"  {note}" for note in section.notes)


def _columns(rows: Sequence[Sequence[str]], numbers: int) -> Iterator[str]:
    """Yield rows as lines whose columns stand below each other, those from `numbers` on at their right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (
            cell.rjust(width) if place >= numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join(cells).rstrip()
