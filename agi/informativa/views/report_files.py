"""The report of a month as files: a page that needs no other file, and a table (CSV) of one number a row,
with its meaning in English, for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from importlib import resources
from typing import TypeVar

from markupsafe import Markup

from ..model import Controller
from ..operations.report_document import MonthFigures, MonthlyReport
from .messages import Language
from .record_files import csv_row, spreadsheet_cell
from .report_sections import origin, sections, title

_PLACE = "views/templates/report"
COLUMNS = ("company", "month", "figure", "item", "version", "line", "kind", "number")


def page(report: MonthlyReport, company: Controller, say: Language) -> str:
    """Return the page."""
    from .console_templates import templates_in  # not for other formats: jinja2 takes 30 ms

    style = resources.files("informativa").joinpath(_PLACE, "page.css").read_text(encoding="utf-8")
    return (
        templates_in(_PLACE, {})
        .get_template("page.html")
        .render(
            report=report,
            say=say,
            title=title(report, say),
            origin=origin(report, say),
            sections=tuple(sections(report, company, say)),
            style=Markup(style),  # noqa: S704  # our own
        )
    )


def table(report: MonthlyReport) -> Iterator[str]:
    """Yield the rows of the table, its heading first."""
    yield csv_row([*COLUMNS])
    for figures in filter(None, (report.before, report.figures)):
        yield from _rows(report, figures, _of_month(figures))
    yield from _rows(report, report.figures, _details(report))


_Word = TypeVar("_Word", bound=StrEnum)
_Row = tuple[str, str, str, str, str, float]


def _rows(report: MonthlyReport, figures: MonthFigures, rows: Iterable[_Row]) -> Iterator[str]:
    for *names, number in rows:
        cells = (report.controller, f"{figures.month:%Y-%m}", *names, round(number, 3))
        yield csv_row([spreadsheet_cell(name, cell) for name, cell in zip(COLUMNS, cells, strict=True)])


def _of_month(figures: MonthFigures) -> Iterator[_Row]:
    yield "calls", "", "", "", "", figures.calls
    yield from _by_kind("notices", "", "", "", figures.notices)
    yield "notices without a call", "", "", "", "", figures.without_call
    yield "seconds spared", "", "", "", "", figures.seconds_spared
    yield "failures", "", "", "", "", figures.failures
    yield from _by_kind("consents", "", "", "", figures.consents)
    if requests := figures.requests:
        for kind, number in vars(requests).items():
            yield "requests", "", "", "", kind, number


def _details(report: MonthlyReport) -> Iterator[_Row]:
    for line, calls in report.calls_by_line.items():
        yield "calls by line", "", "", line, "", calls
    for row in report.notices:
        place = row.notice, row.version, row.line
        yield from _by_kind("notices by version and line", *place, row.by_status)
        yield "seconds spared by version and line", *place, "", row.seconds_spared
    for group in report.elsewhere:
        yield "notices without a call", group.notice, group.version, "", str(group.kind), group.count
    for failure in report.failures:
        yield f"failures {failure.status}", "", "", "", failure.cause or "", failure.count
    for consent in report.consents:
        yield from _by_kind("consents by key", consent.choice, "", "", consent.by_key)
        yield from _by_kind("consents elsewhere", consent.choice, "", "", consent.elsewhere)
    yield from _by_kind("notes of records that are gone", "", "", "", report.holes)


def _by_kind(figure: str, item: str, version: str, line: str, counts: Mapping[_Word, int]) -> Iterator[_Row]:
    for kind, number in counts.items():
        yield figure, item, version, line, str(kind), number
