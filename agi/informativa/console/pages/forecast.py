"""The pages of a forecast: what another configuration would change for a company's callers.

The configuration is sent in the body of a request and stays in memory until it is compared. It is in no file,
no page and no log, for a key may have been pasted with it.
"""

from __future__ import annotations

from hashlib import sha256

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...model.errors import InformativaError
from ...model.text import Text
from ...operations.sent_forecast import SentForecast, forecast_of_text
from ..context import RequestContext
from ..hardening import MAX_FILE_BODY
from ..jobs import Progress

FORECAST = "forecast"
LARGEST = MAX_FILE_BODY - (16 << 10)  # bytes of a configuration: the rest is for the form around it


def form(context: RequestContext) -> Response:
    """Show the form for another configuration."""
    return _form_page(context, {})


def start(context: RequestContext) -> Response:
    """Start the comparison of what was sent."""
    owner, now = context.company, context.console.now()
    try:
        on = context.day("on") if context.field("on") else None
    except InformativaError as error:
        return _form_page(context, {"on": error})
    try:
        text = _sent_text(context)
    except InformativaError as error:
        return _form_page(context, {"file": error})
    file, sees_all = context.console.file, context.is_operator

    def work(progress: Progress) -> SentForecast:
        return forecast_of_text(text, file, owner, now, on=on, sees_all=sees_all, progress=progress)

    request = f"{context.account.name} {on} {sha256(text.encode()).hexdigest()}"
    job = context.console.jobs.start(FORECAST, owner.id, work, request)
    return context.redirect(context.path("forecast", job.id))


def result(context: RequestContext) -> Response:
    """Show how far the comparison is, or its result."""
    job = context.console.jobs.find(context.request.path_params["job"], context.company.id)
    if job is None or job.kind != FORECAST or job.request.partition(" ")[0] != context.account.name:
        raise HTTPException(404)
    return context.page("forecast.html", job=job)


def _form_page(context: RequestContext, errors: dict[str, InformativaError]) -> Response:
    status = 422 if errors else 200
    return context.page("forecast_form.html", status, errors=errors, largest=LARGEST >> 10)


def _sent_text(context: RequestContext) -> str:
    """Return the text that was sent, as a file or typed. Raises InformativaError."""
    file, typed = context.form.get("file"), context.form.get("text")
    data = file.file.read() if isinstance(file, UploadFile) else b""
    if not data and isinstance(typed, str):
        data = typed.replace("\r\n", "\n").encode(errors="replace")
    if not data.strip():
        raise InformativaError(Text("A configuration is missing."), Text("Choose a file, or paste one."))
    if len(data) > LARGEST:
        raise InformativaError(
            Text("That is more than {size} KB.", size=LARGEST >> 10),
            Text("On the machine itself type: informativa reload --diff"),
        )
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise InformativaError(Text("That is no text in UTF-8."), Text("Choose another file.")) from None
