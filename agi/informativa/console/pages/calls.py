"""What was recorded, a page of it at a time."""

from __future__ import annotations

from starlette.responses import Response

from ...operations import records
from ..visit import Visit

COUNT = 50  # records on a page


def listing(visit: Visit) -> Response:
    """The newest first."""
    before = visit.query("before", 20)
    found = records.page(visit.company, before=int(before) if before.isdigit() else None, count=COUNT)
    return visit.page("calls.html", found=found)
