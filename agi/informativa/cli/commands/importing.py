"""`informativa import`: what callers were told elsewhere, from a CSV file of any length."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ...errors import InformativaError
from ...model import RecordKind
from ...operations import importing
from ...operations.controllers import notice_named, of_their_notices
from ...operations.importing import Source, Tally
from ...views.terminal import console
from ..options import print_json, told_aside
from ..words import _

REJECTED = 4  # the exit code where some rows could not be taken


def run(
    file: Path,
    config: Path,
    controller: str,
    notice: str,
    kind: RecordKind,
    reference: str,
    region: str,
    columns: Sequence[str],
    as_json: bool = False,
) -> int:
    """Import `file` and say how many rows; the exit code."""
    selection = of_their_notices(config, controller)
    told_aside(selection)
    source = Source(
        file,
        selection.named[0],
        notice_named(selection.configuration, controller, notice),
        kind,
        reference,
        region,
        _chosen(columns),
        datetime.now(UTC),
    )
    tally = Tally()
    try:
        _with_progress(source, tally)
    except BaseException:
        if tally.read:
            print(_counted(tally), file=sys.stderr)
            print(_("Type the same again: nothing is recorded twice."), file=sys.stderr)
        raise
    rejects = source.rejects if tally.rejected else None
    if as_json:
        counts = {"read": tally.read, "recorded": tally.recorded, "known_before": tally.known}
        print_json({**counts, "rejected": tally.rejected, "rejects": rejects})
    else:
        print(_counted(tally))
        if rejects:
            print(_("Why they were rejected, by line: {file}", file=rejects))
    return REJECTED if rejects else 0


def _with_progress(source: Source, tally: Tally) -> None:
    columns = (
        TextColumn("{task.description}"),
        TextColumn(_("{task.completed:,.0f} of {task.total:,.0f} bytes")),
        BarColumn(),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console(stderr=True), disable=not sys.stderr.isatty(), transient=True
    ) as progress:
        size = source.file.stat().st_size if source.file.is_file() else None
        said = {"check": _("checking"), "record": _("recording")}
        tasks = {step: progress.add_task(word, total=size) for step, word in said.items()}
        importing.run(source, tally, lambda step, done: progress.update(tasks[step], completed=done))


def _chosen(columns: Sequence[str]) -> dict[str, str]:
    """What `--column number=cellulare` says."""
    pairs = [column.partition("=") for column in columns]
    if any(not (name and header) for name, _equals, header in pairs):
        raise InformativaError(
            _("--column takes a name and a header."), _("Type it like --column number=cellulare.")
        )
    return {name: header for name, _equals, header in pairs}


def _counted(tally: Tally) -> str:
    return _.counted(
        "{read} row read: {added} recorded, {known} known before, {rejected} rejected.",
        "{read} rows read: {added} recorded, {known} known before, {rejected} rejected.",
        tally.read,
        read=tally.read,
        added=tally.recorded,
        known=tally.known,
        rejected=tally.rejected,
    )
