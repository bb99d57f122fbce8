"""The pages of the evidence: the state of the log and of its copies, the audit, and bundles for auditors."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from ...model.errors import EvidenceError, InformativaError, LedgerError
from ...model.text import Text
from ...operations.controllers import require_ledger
from ...operations.day_range import DayRange
from ...operations.evidence import auditing, logs
from ...operations.evidence import bundle as bundles
from ...operations.evidence.bundle_content import Bundle
from ...operations.evidence.log_state import log_state
from ...views.messages import ENGLISH, Language, language, languages
from ...views.text.bundle_readme import BundleWords
from ..context import RequestContext
from ..jobs import Progress
from . import exports

AUDIT, BUNDLE = "audit", "bundle"


def evidence(context: RequestContext) -> Response:
    """Show the state of the log. An error is shown in its place, beside the rest of the page."""
    return _page(context, {}, {})


def _page(context: RequestContext, typed: dict[str, str], errors: dict[str, InformativaError]) -> Response:
    """Show the page with the form of a bundle as it was typed."""
    state, keys, error, owner = None, [], None, context.company
    try:
        require_ledger(owner)
        state, keys = log_state(owner), logs.keys(owner)
    except (LedgerError, EvidenceError, InformativaError) as failed:
        error = failed
    audited = context.console.jobs.newest(AUDIT, owner.id)
    settings = context.configuration.evidence.for_controller(owner.id)
    return context.page(
        "evidence.html",
        400 if errors else 200,
        typed=typed,
        errors=errors,
        state=state,
        keys=keys,
        error=error,
        audited=audited,
        settings=settings,
    )


def audit(context: RequestContext) -> Response:
    """Start an audit of the whole ledger."""
    owner = context.company
    settings = context.configuration.evidence.for_controller(owner.id)
    require_ledger(owner)
    context.note("audit")
    job = context.console.jobs.start(
        AUDIT,
        owner.id,
        lambda progress: auditing.audit(owner, progress=progress, settings=settings),
    )
    return context.redirect(context.path("evidence", "jobs", job.id))


def bundle(context: RequestContext) -> Response:
    """Start a bundle of a period of days."""
    owner = context.company
    require_ledger(owner)
    errors = dict[str, InformativaError]()
    period = _typed_period(context, errors)
    if period is None:
        typed = {name: context.field(name, 20) for name in ("first", "last", "language")}
        return _page(context, typed, errors)
    language = _reader(context.field("language", 2)).code
    wish = exports.address(
        "evidence/bundle", {"first": period.first, "last": period.last, "language": language}
    )
    if owner.export_four_eyes and context.field("confirmed") != "1":
        return exports.ask(context, wish)
    facts = f"{_period(period)} {exports.confirmation(context, wish)}".strip()
    file = context.console.folder / f"{context.console.new_name()}.zip"
    work = partial(_bundle, context, period, file, _reader(context.field("language", 2)))
    context.note("bundle", facts=facts)
    request = f"{context.account.name} {period.name} {context.field('language', 2)}"
    job = context.console.jobs.start(BUNDLE, owner.id, work, request)
    return context.redirect(context.path("evidence", "jobs", job.id))


def _typed_period(context: RequestContext, errors: dict[str, InformativaError]) -> DayRange | None:
    """Return the days of the form, or `None` with the error of the field that is wrong."""
    name, days = "first", list[date]()
    try:
        for name in ("first", "last"):
            days.append(context.day(name))
        first, last = days
        if last < first:
            raise InformativaError(Text("This is before the first day."))
        return DayRange(first, last, context.company.zone)
    except InformativaError as error:
        errors[name] = error
        return None


def _bundle(
    context: RequestContext, period: DayRange, file: Path, reader: Language, progress: Progress
) -> Bundle:
    words = BundleWords(reader)
    return bundles.bundle(context.configuration, context.company, period, file, words, progress)


def job(context: RequestContext) -> Response:
    """Show the progress or the result of a job."""
    started = context.console.jobs.find(context.request.path_params["job"], context.company.id)
    if started is None or started.kind not in (AUDIT, BUNDLE):
        raise HTTPException(404)
    return context.page("job.html", job=started)


def download(context: RequestContext) -> Response:
    """Send a bundle."""
    finished = context.console.jobs.find(context.request.path_params["job"], context.company.id)
    if finished is None or not isinstance(finished.result, Bundle):
        raise HTTPException(404)
    if context.company.export_four_eyes and finished.request.partition(" ")[0] != context.account.name:
        raise HTTPException(404)  # it was confirmed for whoever asked
    period = DayRange(finished.result.first, finished.result.last, context.company.zone)
    context.note("export", detail="bundle", facts=_period(period))
    name = f"{bundles.folder_name(context.company, period)}.zip"
    return FileResponse(finished.result.file, media_type="application/zip", filename=name)


def _period(period: DayRange) -> str:
    return f"period={period.first}/{period.last}"


def _reader(code: str) -> Language:
    return language(code) if code in languages() and code != "en" else ENGLISH
