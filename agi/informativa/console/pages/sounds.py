"""A recording as a browser plays it, whole or in the parts that it asks for."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from ...prompts.formats import WAV, wav_of

SOUND = "audio/wav"
_RANGE = re.compile(r"bytes=([0-9]{1,12})-([0-9]{0,12})")


def recording(request: Request, file: Path) -> Response:
    """Return a sound file for a browser: a WAV file as it is, or one that is made of another file. Raises
    HTTPException (404) if none can be made."""
    if file.suffix[1:] in WAV:
        return FileResponse(file, media_type=SOUND)
    try:
        data = wav_of(file)
    except OSError as error:
        raise HTTPException(404) from error
    if data is None:
        raise HTTPException(404)
    return _ranged(data, request.headers.get("range", ""))


def _ranged(data: bytes, requested: str) -> Response:
    """Return the whole, or the range that is requested (RFC 9110, 14.2). Forms of ranges that browsers do not
    use for sound are answered by the whole."""
    headers, match = {"accept-ranges": "bytes"}, _RANGE.fullmatch(requested)
    if match is None:
        return Response(data, media_type=SOUND, headers=headers)
    first, last = int(match[1]), min(int(match[2] or len(data)), len(data) - 1)
    if first > last:
        return Response(status_code=416, headers={"content-range": f"bytes */{len(data)}"})
    headers["content-range"] = f"bytes {first}-{last}/{len(data)}"
    return Response(data[first : last + 1], 206, headers, SOUND)
