"""The pages of notices: all of a company with its lines, and one version with its words and recordings."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...operations.controller_state import lines_of
from ...operations.notice_changes import version_changes
from ...operations.notices import (
    CompanyNotice,
    NoticeVersion,
    notices_of_company,
    prompt_of,
    prompts_of,
)
from ...operations.outsourcing import facts
from ..context import RequestContext
from .sounds import recording


def overview(context: RequestContext) -> Response:
    """Show every version of every notice, the lines on which they are played, whether the company is live,
    and who answers its calls."""
    return context.page(
        "notices.html",
        notices=_notices(context),
        lines=lines_of(context.company, context.configuration),
        prompt_of=prompt_of,
        facts=facts(context.configuration, context.company.id),
    )


def version_page(context: RequestContext) -> Response:
    """Show the words and recordings of a version, and how they differ from those of another one."""
    notice, version = _requested(context)
    other = notice.version(context.query("against"))
    return context.page(
        "notice_version.html",
        notice=notice,
        version=version,
        prompts=prompts_of(version.version),
        others=[candidate for candidate in notice.versions if candidate is not version],
        earlier=other or notice.earlier(version),
        changes=version_changes(other.version, version.version) if other else None,
    )


def sound(context: RequestContext) -> Response:
    """Send one recording; a browser may ask for a part of it."""
    _notice, version = _requested(context)
    prompt = prompt_of(version.version, *(context.request.path_params[name] for name in ("part", "language")))
    if prompt is None or prompt.playable is None:
        raise HTTPException(404)
    return recording(context.request, prompt.playable)


def _notices(context: RequestContext) -> tuple[CompanyNotice, ...]:
    return notices_of_company(context.configuration, context.company, context.console.now())


def _requested(context: RequestContext) -> tuple[CompanyNotice, NoticeVersion]:
    """Return the notice and the version of the address. Raises HTTPException (404) if one is not there."""
    notice_id, version_id = (context.request.path_params[name] for name in ("notice", "version"))
    for notice in _notices(context):
        version = notice.version(version_id)
        if notice.notice.id == notice_id and version is not None:
            return notice, version
    raise HTTPException(404)
