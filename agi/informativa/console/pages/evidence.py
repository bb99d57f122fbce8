"""Proof: how far the log is and who else has it, the audit, a bundle for an auditor."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from ...errors import EvidenceError, InformativaError, LedgerError
from ...operations.controllers import require_ledger
from ...operations.evidence import bundle as bundles
from ...operations.evidence import logs
from ...operations.evidence.box_logs import of_other_boxes
from ...operations.evidence.bundle import WrittenBundle
from ...operations.evidence.log_state import log_state
from ...operations.evidence.period import Period
from ...views.messages import ENGLISH, Language, language, languages
from ...views.text.bundle_readme import BundleWords
from ..jobs import Progress
from ..visit import Visit
from .looked_up import Attempt

AUDIT, BUNDLE = "audit", "bundle"


def evidence(visit: Visit) -> Response:
    """How far the log is. What cannot be read is said, and the rest of the page is there."""
    state, keys, error, owner = None, [], None, visit.company
    try:
        require_ledger(owner)
        state, keys = log_state(owner), logs.keys(owner)
    except (LedgerError, EvidenceError, InformativaError) as failed:
        error = failed
    audited = visit.console.jobs.newest(AUDIT, owner.id)
    settings = visit.configuration.evidence.of(owner.id)
    look = Attempt(lambda: of_other_boxes(visit.configuration, owner))
    return visit.stream(
        "evidence.html", state=state, keys=keys, error=error, audited=audited, settings=settings, boxes=look
    )


def audit(visit: Visit) -> Response:
    """Begins an audit of the whole ledger."""
    owner, settings = visit.company, visit.configuration.evidence.of(visit.company.id)
    require_ledger(owner)
    visit.note("audit")
    job = visit.console.jobs.start(
        AUDIT, owner.id, lambda progress: logs.audit(owner, progress=progress, settings=settings)
    )
    return visit.redirect(visit.path("evidence", "jobs", job.id))


def bundle(visit: Visit) -> Response:
    """Begins a bundle of the days that somebody chose."""
    owner = visit.company
    require_ledger(owner)
    period = Period(visit.day("first"), visit.day("last"), owner.zone)
    file = visit.console.folder / f"{visit.console.new_name()}.zip"
    work = partial(_bundle, visit, period, file, _reader(visit.field("language", 2)))
    visit.note("bundle", facts=_period(period))
    request = f"{visit.who.name} {period.name} {visit.field('language', 2)}"
    job = visit.console.jobs.start(BUNDLE, owner.id, work, request)
    return visit.redirect(visit.path("evidence", "jobs", job.id))


def _bundle(visit: Visit, period: Period, file: Path, reader: Language, progress: Progress) -> WrittenBundle:
    words = BundleWords(reader)
    return bundles.bundle(visit.configuration, visit.company, period, file, words, progress)


def job(visit: Visit) -> Response:
    """How far it is, or what it came to."""
    found = visit.console.jobs.find(visit.request.path_params["job"], visit.company.id)
    if found is None:
        raise HTTPException(404)
    return visit.page("job.html", job=found)


def download(visit: Visit) -> Response:
    """The bundle that was made."""
    found = visit.console.jobs.find(visit.request.path_params["job"], visit.company.id)
    if found is None or not isinstance(found.result, WrittenBundle):
        raise HTTPException(404)
    visit.note("export", detail="bundle", facts=_period(found.result.bundle.period))
    name = f"{bundles.folder_of(visit.company, found.result.bundle.period)}.zip"
    return FileResponse(found.result.file, media_type="application/zip", filename=name)


def _period(period: Period) -> str:
    return f"period={period.first}/{period.last}"


def _reader(code: str) -> Language:
    return language(code) if code in languages() and code != "en" else ENGLISH
