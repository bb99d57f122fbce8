"""The fallback spool: deliveries that no ledger could take, as rows in Asterisk's own database. Pure.

A row is written through the call itself, by `call_handler.py` or by dialplan/informativa.conf, under AstDB
family `informativa` and a key that begins with the call's unique id. It names no caller and no pseudonym:
`at=…|line=…|prompt=…|why=…|ending=…|seconds=…|recording=…`, with epoch seconds, paths without extension
(several joined by `&`), the seconds heard, and the digest of the sound, which the dialplan does not know.
The service collects rows into ledgers, as deliveries to nobody in particular: they prove that a notice was
played, and never that a certain caller knows it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from ..model import (
    ALWAYS,
    Ending,
    Event,
    Heard,
    Line,
    Notice,
    Prompt,
    Reason,
    RecordKind,
    Status,
    Version,
    told_elsewhere,
)
from ..model.frozen import dataclass
from ..model.redaction import plain_id
from ..model.text import Text

FAMILY = "informativa"
_MICROS = re.compile(r"[12][0-9]{15}")
OPERATOR = "operator"  # in place of an ending: an operator said that he had read the notices

_STATUS = {  # not PLAYED: AstDB rows are made without a position that Asterisk reported
    Ending.WHOLE: Status.FALLBACK,
    Ending.NOT_PLAYABLE: Status.FAILED,
    Ending.CHANGED: Status.FAILED,
}


class RowError(ValueError):
    """A row that cannot be collected, with the reason."""


@dataclass(frozen=True)
class Row:
    """One parsed row: its controller, and the events for its ledger.

    `delivery` is the call and time under which the ledger may have recorded it after all, as it was slow.
    """

    key: str
    controller: str
    delivery: tuple[str, datetime]
    events: tuple[Event, ...]


def key(event: Event) -> str:
    """Return the AstDB key for a delivery that the ledger did not take."""
    return f"{event.call}-{event.at.timestamp() * 1_000_000:.0f}"


def plain(key: str) -> str:
    """Return a key in a form that may be stored and logged: its first part, the id of a call, may hold a
    number."""
    call, _, micros = key.rpartition("-")
    return f"{plain_id(call)}-{micros}" if _MICROS.fullmatch(micros) else plain_id(key)


def format_row(event: Event) -> str:
    """Return the row for a delivery that the ledger did not take."""
    heard = event.heard
    assert heard is not None  # only deliveries that were played are spooled
    fields = {
        "at": f"{event.at.timestamp():.0f}",
        "line": event.line,
        "prompt": event.prompt,
        "why": event.reason,
        "ending": heard.ending,
        "seconds": f"{heard.seconds:.0f}",
    } | ({"recording": event.recording} if event.recording else {})
    return "|".join(f"{name}={value}" for name, value in fields.items())


def parse_row(key: str, text: str, lines: Mapping[str, Line]) -> Row:
    """Parse the row under `key`. `lines` are by every spelling. Raises RowError."""
    fields = {name: value for name, _, value in (part.partition("=") for part in text.split("|"))}
    line = lines.get(fields.get("line", ""))
    if line is None:
        raise RowError(Text("it names no line that is configured"))
    channel_id, _, micros = key.rpartition("-")
    call = plain_id(channel_id)  # the dialplan does not filter it
    try:
        if not _MICROS.fullmatch(micros):
            raise ValueError("no time in the key")
        at = datetime.fromtimestamp(int(fields["at"]), UTC)
        exact = datetime.fromtimestamp(int(micros) // 10**6, UTC).replace(microsecond=int(micros) % 10**6)
        events = tuple(_events(plain(key), call, line, at, fields))
    except RowError:
        raise
    except (KeyError, ValueError, OverflowError, OSError) as error:
        raise RowError(Text("it is not such as informativa writes")) from error
    return Row(key, line.controller.id, (call, exact), events)


def _events(key: str, call: str, line: Line, at: datetime, fields: Mapping[str, str]) -> Iterator[Event]:
    """Iterate over the events of a row, one for each notice that was played or read."""
    if fields["ending"] == OPERATOR:
        from ..model.countries import line_for  # few rows need it

        for step in line_for(line, "").plan:  # nobody knows the country of that call
            if step.repeat_after != ALWAYS:  # as in a call: not what is due on every call
                yield told_elsewhere(
                    step.notice,
                    step.notice.current(at),
                    RecordKind.OPERATOR,
                    at,
                    None,
                    f"spool:{key}",
                    call=call,
                    line=line.number,
                    language=line.language,
                )
        return
    ending, seconds = Ending(fields["ending"]), float(fields["seconds"])
    if not math.isfinite(seconds):
        raise ValueError("no number of seconds")
    digest = fields.get("recording", "")
    if not re.fullmatch(r"(?:[0-9a-f]{64})?", digest):
        raise ValueError("no digest")
    prompts = fields["prompt"].split("&")
    if prompts != [""] and not any(_find_prompt(prompt, line)[0] for prompt in prompts):
        raise RowError(Text("none of its prompts is the line's: the line may be another company's now"))
    for index, prompt in enumerate(prompts):
        notice, version, language, recording = _find_prompt(prompt, line)
        yield Event(
            at=at,
            call=call,
            line=line.number,
            pseudonym=None,
            notice=notice.id if notice else "",
            version=version.id if version else "",
            language=language,
            purposes=version.purposes if version else frozenset(),
            status=_STATUS.get(ending, Status.PARTIAL),
            reason=Reason(fields.get("why", Reason.SERVICE_UNAVAILABLE)),
            prompt=prompt,
            heard=Heard.in_seconds(ending, seconds, recording.seconds if recording else 0.0),
            reference=f"spool:{key}/{index}" if index else f"spool:{key}",
            recording=digest,
        )


def _find_prompt(path: str, line: Line) -> tuple[Notice | None, Version | None, str, Prompt | None]:
    """Return the notice, version, language and recording with that path on the line; the newest of
    several."""
    for step in line.plan:
        for version in reversed(step.notice.versions):
            for _part, language, prompt in version.prompts():
                if prompt.path == path:
                    return step.notice, version, language, prompt
    return None, None, "", None
