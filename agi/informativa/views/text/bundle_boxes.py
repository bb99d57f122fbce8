"""Boxes whose records a bundle may lack, for the person who makes it and for the auditor."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from ...model.text import Text
from ...operations.evidence.bundle_content import IncompleteBox
from ..messages import Language
from ..times import local_day, local_time

_NOT_WHOLE = Text(
    "NOT WHOLE: records of the period may be missing, of the machines that follow. Ask for another bundle"
    " once they have sent them."
)
_WHOLE = Text("By their own word these machines had sent all that they recorded in the period.")


def completeness(
    incomplete: Sequence[IncompleteBox], zone: tzinfo, say: Language, *, all_boxes: bool
) -> Iterator[str]:
    """Yield whether a bundle has all records of all boxes, and how many each box may lack, with times of that
    zone. Yield nothing for a bundle of one box."""
    if all_boxes and not incomplete:
        yield say(_WHOLE)
    if incomplete:
        yield say(_NOT_WHOLE)
    for box in incomplete:
        yield f"{box.box}: {'; '.join(_lacks(box, zone, say))}"


def _lacks(box: IncompleteBox, zone: tzinfo, say: Language) -> Iterator[str]:
    count = box.behind
    if count:
        yield say.counted(
            "{count} record not sent yet, as far as it said",
            "{count} records not sent yet, as far as it said",
            count,
        )
    yield say("last heard of {time}", time=local_time(box.seen, zone))
    if box.retired:
        yield say("left for good on {day}", day=local_day(box.retired, zone))
    if box.successor:
        yield say("{successor} took its place, as the log of that one says", successor=box.successor)
