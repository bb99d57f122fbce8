"""Words of consents: how long they count, lists of answers that were read, and all answers counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import tzinfo

from ...model import Answer, Reason
from ...model.text import Text
from ...operations.consent_export import ConsentRow
from ...operations.consent_import import ConsentImport
from ...operations.consents import StandingConsent
from ..messages import Language
from ..times import local_day
from . import importing

_ENDS: Mapping[Reason, Text] = {
    Reason.PERIOD_OVER: Text("its time is over"),
    Reason.NEW_PURPOSE: Text("the wording in force is for other purposes"),
    Reason.MATERIAL_CHANGE: Text("a wording since then is a material change"),
    Reason.RECYCLED: Text("nobody called for so long that the number may be somebody else's"),
    Reason.CONFIGURED: Text("the configuration has it no more"),
}


def imported(result: ConsentImport, say: Language) -> Iterator[str]:
    """Yield the number of rows, what changes nothing, and the file with the reasons of rejections."""
    yield from importing.imported(result, say)
    if result.overruled:
        yield say.counted(
            "{count} of them changes nothing: a later answer of the caller is on record.",
            "{count} of them change nothing: later answers of their callers are on record.",
            result.overruled,
        )
    if not result.done:
        yield say("Nothing was recorded: that is what would be. To do it, leave out --dry-run.")


def end_of(standing: StandingConsent | ConsentRow, zone: tzinfo, say: Language) -> str:
    """Return until when an act counts, or why it counts no more."""
    if standing.ended is not None:
        return say("counts no more: {why}", why=say(_ENDS[standing.ended]))
    if standing.until is None:
        return ""
    until = local_day(standing.until, zone)
    if standing.answer is Answer.GRANTED:
        return say("holds until {until}", until=until)
    return say("nobody asks again before {until}", until=until)
