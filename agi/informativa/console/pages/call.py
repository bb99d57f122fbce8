"""One call: its story, what was said, and the proof of it."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from ...evidence.proof import SUFFIX
from ...model import Action, Role
from ...operations import calls
from ...operations.calls import Story
from ...operations.evidence import receipts
from ...operations.evidence.receipt_page import receipt_page
from ...operations.evidence.verifying import of_data
from ...operations.records import NEWEST
from ...views.html import receipt as receipt_view
from ..visit import Visit

SOUND = "audio/wav"
BEGINNING = "bytes=0-"  # of a sound that is asked for in parts
HTML, PROOF = "html", "proof"


def call(visit: Visit) -> Response:
    """What is on record, in the order in which it happened."""
    story = _story(visit)
    visit.note(Action.OPEN_RECORD, record=story.record.number)
    event = story.record.event
    proves = visit.who.may(visit.company.id, Role.COMPLIANCE)
    return visit.page(
        "call.html",
        story=story,
        record=story.record,
        event=event,
        told=calls.told(event) if event.prompt else None,
        proves=proves,
    )


def sound(visit: Visit) -> Response:
    """What was played, where it is still the same; a browser may ask for a part of it."""
    record = _story(visit).record
    event = record.event
    found = calls.told(event).sound if event.prompt else None
    if found is None or not found.same or not found.form:
        raise HTTPException(404)
    if visit.request.headers.get("range", BEGINNING).startswith(BEGINNING):
        visit.note(Action.LISTEN, record=record.number)
    return FileResponse(f"{event.prompt}.{found.form}", media_type=SOUND)


def receipt(visit: Visit) -> Response:
    """The receipt as a file: for an auditor's program, or as a page that he opens."""
    form, number = visit.request.path_params["form"], _story(visit).record.number
    if form not in (HTML, PROOF):
        raise HTTPException(404)
    made = receipts.of_record(visit.company, number)
    name = f"{visit.company.id}-{number}"
    visit.note(Action.RECEIPT, record=number, detail=form)
    if form == HTML:
        page = receipt_view.page(receipt_page(made), visit.say)
        return _file(page.encode(), f"{name}.html", "text/html; charset=utf-8")
    return _file(made.receipt.proof.data, f"{name}{SUFFIX}", "application/octet-stream")


def verify(visit: Visit) -> Response:
    """What an auditor would find, who has the key that lies here."""
    number = _story(visit).record.number
    made = receipts.of_record(visit.company, number)
    visit.note(Action.VERIFY, record=number)
    file = Path(f"{visit.company.id}-{number}{SUFFIX}")
    found = of_data(file, made.receipt.proof.data, (made.key,))
    return visit.page("verified.html", number=number, found=found, key=made.key)


def _story(visit: Visit) -> Story:
    number = visit.request.path_params["record"]
    found = calls.story(visit.company, number) if number < NEWEST else None
    if found is None:
        raise HTTPException(404)
    return found


def _file(data: bytes, name: str, kind: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type=kind, headers=headers)
