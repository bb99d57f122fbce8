"""`informativa report`: a month of a company, for its data protection officer."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, Configuration, inspect
from ...model import Controller
from ...model.errors import InformativaError
from ...operations import generated, monthly_report, report_sending
from ...operations.controller_state import lines_of
from ...operations.controllers import select_for_callers
from ...operations.report_document import MonthlyReport
from ...operations.report_sending import Attachment
from ...views import report_files, report_sections
from ...views.documents import document
from ...views.messages import Language
from ...views.terminal import verbatim
from ...views.text import report as view
from ..options import Config, Json, print_document, reader_of, warn_of_unrelated
from ..words import _


class ReportFormat(StrEnum):
    """The formats of a report."""

    TEXT = "text"
    HTML = "html"
    CSV = "csv"
    JSON = "json"


def add_to(program: typer.Typer) -> None:
    """Give the program this command."""
    program.command("report")(_report)


def _month(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise typer.BadParameter(_("there is no such month. Write it like 2026-01.")) from None


def _report(
    company: Annotated[
        str | None,
        typer.Argument(metavar="[COMPANY]", help="Whose; not needed where there is only one."),
    ] = None,
    month: Annotated[
        date | None,
        typer.Option(metavar="MONTH", parser=_month, help="2026-01; the last full one, if not given."),
    ] = None,
    form: Annotated[
        ReportFormat, typer.Option("--format", help="text, html, csv or json.")
    ] = ReportFormat.TEXT,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it here.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="LANGUAGE", help="The reader's: it, en. Yours, if not given.")
    ] = None,
    send: Annotated[
        bool,
        typer.Option("--send", help="Send it to whom the configuration names; of all companies, if none is."),
    ] = False,
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Report a month of a company: calls, notices, failures, requests, consents, holes."""
    if send:
        if output or language or as_json or form is not ReportFormat.TEXT:
            raise typer.BadParameter(_("--send sends text, page and table in the configured language."))
        _send(config, company, month)
        return
    form = ReportFormat.JSON if as_json else form
    selection = select_for_callers(config, (company,) if company else ())
    warn_of_unrelated(selection.unrelated)
    (owner,) = selection.named
    report = _of(owner, selection.configuration, month)
    if form is ReportFormat.JSON and output is None:
        print_document(report)
        return
    text = _text(report, owner, form, reader_of(language))
    if output is None and form is ReportFormat.TEXT:
        print(text, end="")
    elif output is None:
        verbatim(text)
    else:
        generated.write(output, text)
        print(_("Wrote {file}.", file=output))


def _of(owner: Controller, configuration: Configuration, month: date | None) -> MonthlyReport:
    return monthly_report.report(
        owner,
        lines_of(owner, configuration),
        configuration.choices.get(owner.id, ()),
        month,
        datetime.now(UTC),
    )


def _text(report: MonthlyReport, owner: Controller, form: ReportFormat, say: Language) -> str:
    match form:
        case ReportFormat.TEXT:
            return "".join(f"{line}\n" for line in view.lines(report, owner, say))
        case ReportFormat.CSV:
            return "".join(report_files.table(report)).replace("\r\n", "\n")
        case ReportFormat.JSON:
            return document(report) + "\n"
        case ReportFormat.HTML:
            return report_files.page(report, owner, say)


def _send(config: Path, company: str | None, month: date | None) -> None:
    """Send the report of a company, or of each that has somebody to send it to. Of those one's fault stops no
    other's (I10): it is told, and the exit code is 1."""
    if company:
        _send_one(config, company, month)
        return
    configuration, _problems = inspect(config)
    names = [name for name, owner in configuration.controllers.items() if owner.report]
    names += configuration.invalid_controllers  # which may have one, and are a fault in any case
    if not names:
        for owner in configuration.controllers.values():
            report_sending.require_mail(owner)
    faults = [name for name in names if not _sent(config, name, month)]
    if faults:
        raise typer.Exit(1)


def _sent(config: Path, company: str, month: date | None) -> bool:
    """Send a company's report; tell why it could not be, and return false then."""
    try:
        _send_one(config, company, month)
    except InformativaError as error:
        print(f"{company}: {_(error.text)}", file=sys.stderr)
        return False
    return True


def _send_one(config: Path, company: str, month: date | None) -> None:
    selection = select_for_callers(config, (company,))
    (owner,) = selection.named
    report_sending.require_mail(owner)
    assert owner.report is not None
    say = reader_of(owner.report.language)
    report = _of(owner, selection.configuration, month)
    name = f"{owner.id}-{report.first_day:%Y-%m}"
    attachments = (
        Attachment(f"{name}.html", "html", _text(report, owner, ReportFormat.HTML, say)),
        Attachment(f"{name}.csv", "csv", _text(report, owner, ReportFormat.CSV, say)),
    )
    subject = f"{owner.name}: {report_sections.title(report, say)}"
    text = _text(report, owner, ReportFormat.TEXT, say)
    message = report_sending.mail(owner, subject, text, attachments, report.made)
    report_sending.send(owner, message, config)
    print(_("{id}: sent to {addresses}.", id=owner.id, addresses=", ".join(owner.report.to)))
