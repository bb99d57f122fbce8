"""`informativa tail`: calls as they are recorded."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from ...model import RecordFilter
from ...model.errors import LedgerError
from ...operations import records
from ...operations.controllers import select_for_callers
from ...operations.record_document import RecordLine
from ...views.terminal import width
from ...views.text import records as view
from ..options import print_document, warn_of_unrelated
from ..words import _

LOOK_SECONDS = 0.25  # between two looks, each of which costs 0.01 ms where nothing is new


def run(file: Path, line: str | None, controllers: Sequence[str], count: int, as_json: bool) -> None:
    """Print until the reader has seen enough. Raises InformativaError for a line or controller not known."""
    selection = select_for_callers(file, controllers, line)
    warn_of_unrelated(selection.unrelated)
    record_filter = RecordFilter(line=records.line_number(selection.configuration, line))
    if not as_json:
        print(view.call_headings(_, width()), flush=True)
    with closing(records.RecordFollower(selection.named, record_filter, count, _complain)) as following:
        while True:
            for entry in following.news():
                if as_json:
                    print_document(RecordLine.of(entry.record, entry.controller.id), on_one_line=True)
                    sys.stdout.flush()
                else:
                    print(view.call(entry, width()), flush=True)
            if _closed(LOOK_SECONDS):
                return


def _complain(error: LedgerError) -> None:
    print(f"informativa: {_(error.text)}", file=sys.stderr, flush=True)


def _closed(seconds: float) -> bool:
    """Wait; whether meanwhile nobody reads what is printed any more."""
    try:
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # no file at all
        time.sleep(seconds)
        return False
    return bool(reader.poll(seconds * 1000))
