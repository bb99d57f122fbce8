"""One call: its story, what was said, and the proof of it."""

from __future__ import annotations

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.responses import Response

from ...evidence.proof import SUFFIX
from ...model import Action, Event, Role
from ...operations import calls
from ...operations.calls import CallRecords
from ...operations.evidence import receipts
from ...operations.evidence.played_sound import PlayedSound
from ...operations.records import NEWEST
from ...prompts.formats import playable_file
from ..context import RequestContext, attachment
from .sounds import recording

BEGINNING = "bytes=0-"  # of a sound that is asked for in parts


def call(context: RequestContext) -> Response:
    """Show the records of a call, in the order in which they happened."""
    story = _story(context)
    context.note(Action.OPEN_RECORD, record=story.record.number)
    event = story.record.event
    proves = context.account.may(context.company.id, Role.COMPLIANCE)
    content = calls.played_recording(event) if event.prompt else None
    return context.page(
        "call.html",
        story=story,
        record=story.record,
        event=event,
        told=content,
        playable=_playable(event, content.sound if content else None),
        proves=proves,
    )


def sound(context: RequestContext) -> Response:
    """Send the recording that was played, if it is still the same; a browser may ask for a part of it."""
    record = _story(context).record
    file = _playable(record.event, calls.played_recording(record.event).sound)
    if file is None:
        raise HTTPException(404)
    if context.request.headers.get("range", BEGINNING).startswith(BEGINNING):
        context.note(Action.LISTEN, record=record.number)
    return recording(context.request, file)


def receipt(context: RequestContext) -> Response:
    """Send the receipt as a file, for an auditor's program."""
    number = _story(context).record.number
    opened = receipts.of_record(context.company, number)
    context.note(Action.RECEIPT, record=number)
    headers = attachment(f"{context.company.id}-{number}{SUFFIX}")
    return Response(opened.receipt.proof.data, media_type="application/octet-stream", headers=headers)


def _story(context: RequestContext) -> CallRecords:
    number = context.request.path_params["record"]
    story = calls.call_records(context.company, number) if number < NEWEST else None
    if story is None:
        raise HTTPException(404)
    return story


def _playable(event: Event, sound: PlayedSound | None) -> Path | None:
    """Return the file that a browser can play, of those that the record names; `None` where there is none."""
    if sound is None or not sound.same:
        return None
    try:
        return playable_file(Path(f"{event.prompt}.{form}") for form in sound.files)
    except OSError:
        return None
