"""Boxes whose records a bundle may lack, for the person who makes it and for the auditor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...operations.evidence.bundle import Bundle
from ...text import Text
from ..messages import Language

if TYPE_CHECKING:
    from ...sharing.administration import Box

_NOT_WHOLE = Text(
    "NOT WHOLE: records of the period may be missing, of the machines that follow. Ask for another bundle"
    " once they have sent them."
)
_WHOLE = Text("By their own word these machines had sent all that they recorded in the period.")


def completeness(bundle: Bundle, say: Language) -> Iterator[str]:
    """Yield whether the bundle has all records of all boxes, and how many each box may lack. Yield nothing
    for a bundle of one box."""
    if bundle.boxes and not bundle.incomplete:
        yield say(_WHOLE)
    if bundle.incomplete:
        yield say(_NOT_WHOLE)
    for box in bundle.incomplete:
        yield f"{box.name}: {'; '.join(_lacks(box, bundle, say))}"


def _lacks(box: Box, bundle: Bundle, say: Language) -> Iterator[str]:
    count, zone = box.behind, bundle.controller.zone
    if count:
        yield say.counted(
            "{count} record not sent yet, as far as it said",
            "{count} records not sent yet, as far as it said",
            count,
            count=count,
        )
    yield say("last heard of {time}", time=f"{box.seen.astimezone(zone):%Y-%m-%d %H:%M:%S}")
    if box.retired:
        yield say("left for good on {day}", day=f"{box.retired.astimezone(zone):%Y-%m-%d}")
