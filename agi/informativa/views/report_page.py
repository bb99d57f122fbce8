"""The report of a month as one page that needs no other file."""

from __future__ import annotations

from importlib import resources

from markupsafe import Markup

from ..model import Controller
from ..operations.report_document import MonthlyReport
from .markup import templates_in
from .messages import Language
from .report_sections import origin, sections, title

_PLACE = "views/templates/report"


def page(report: MonthlyReport, company: Controller, say: Language) -> str:
    """Return the page."""
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
