"""Commands that read the ledger."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...model import Action, Controller, Reason, RecordFilter, Status
from ...model.text import Text
from ...operations import records, restoring
from ...operations.access_log import note_in_shell, require_reason
from ...operations.asked_exports import require_no_four_eyes
from ...operations.controllers import select_for_callers
from ...operations.record_document import Record
from ...operations.records import ControllerRecord
from ...process import storage
from ...views.terminal import width
from ...views.text import records as view
from ..options import (
    Config,
    Json,
    Of,
    moment,
    print_records,
    print_result,
    warn_of_unrelated,
)
from ..words import _

app = typer.Typer(help="What was recorded.", no_args_is_help=True)


def _pseudonym(text: str) -> bytes:
    if not re.fullmatch(r"([0-9A-Fa-f]{2}){1,32}", text):
        raise typer.BadParameter(
            _(
                "a caller is named by the hexadecimal digits of the pseudonym, or by the first 2, 4, 6 … of"
                " them. By a telephone number, type: informativa caller show NUMBER."
            )
        )
    return bytes.fromhex(text)


Line = Annotated[str | None, typer.Option(metavar="LINE", help="Only this called number.")]
Caller = Annotated[
    bytes | None,
    typer.Option(metavar="PSEUDONYM", parser=_pseudonym, help="Only this caller; its first digits will do."),
]
OfStatus = Annotated[
    Status | None,
    typer.Option(
        metavar="STATUS",
        help="Only what went like this: PLAYED, PARTIAL, SKIPPED, NOTDUE, FALLBACK, FAILED, INFORMED.",
    ),
]
OfReason = Annotated[
    Reason | None, typer.Option(metavar="REASON", help="Only what was decided for this reason, as shown.")
]
Since = Annotated[
    datetime | None,
    typer.Option(
        metavar="TIME",
        parser=moment,
        help="Only from then on, in the controller's time zone: 2026-01-31 or 2026-01-31T09:30.",
    ),
]
Until = Annotated[
    datetime | None,
    typer.Option(metavar="TIME", parser=moment, help="Only what was before then, that moment not included."),
]
Last = Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the last N of each.")]
Before = Annotated[
    int | None,
    typer.Option(min=1, metavar="NUMBER", help="Only records before this number: the page before."),
]


BY_LONG_OPTION = Text("Add the number of the request, or the occasion, as --reason-for-looking.")


def add_to(program: typer.Typer) -> None:
    """Give the program the group `ledger`."""
    program.add_typer(app, name="ledger")


@app.command()
def show(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    line: Line = None,
    caller: Caller = None,
    status: OfStatus = None,
    reason: OfReason = None,
    since: Since = None,
    until: Until = None,
    last: Last = None,
    before: Before = None,
    look_reason: Annotated[
        str,
        typer.Option(
            "--reason-for-looking",
            metavar="TEXT",
            help="With --caller, why: the number of the request, or the occasion.",
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Show the records of a controller, the oldest first."""
    selection = select_for_callers(config, controller or (), line)
    warn_of_unrelated(selection.unrelated)
    number = records.line_number(selection.configuration, line)
    record_filter = RecordFilter(number, caller or b"", status, reason, since, until)
    look_reason = require_reason(selection.named if caller else (), look_reason, BY_LONG_OPTION)
    for company in selection.named:
        _note(company, record_filter, look_reason, as_json=json)
    if json:
        entries = records.read_all(selection.named, record_filter, last, before)
        print_records(Record.of(entry.record, entry.controller.id) for entry in entries)
        return
    for company in selection.named:
        zoned_filter = records.of_zone(record_filter, company)
        with storage.existing_ledger(company) as ledger:
            entries_read = records.read(ledger, zoned_filter, last, before) if ledger else None
            shown = (
                None
                if entries_read is None
                else (ControllerRecord(company, record) for record in entries_read)
            )
            _print(view.ledger(company, shown, _, width()))


def _note(company: Controller, record_filter: RecordFilter, reason: str, *, as_json: bool) -> None:
    """Log what the console logs, too: a search for one caller, and records as a file, with whole pseudonyms;
    not a list, which has only their first digits."""
    if as_json:
        require_no_four_eyes(company)
    if as_json or record_filter.caller:
        action = Action.EXPORT if as_json else Action.SEARCH
        facts = "pseudonym" if record_filter.caller else "all callers"
        known = records.known_pseudonym(company, record_filter.caller)
        note_in_shell(company, action, datetime.now(UTC), known=known, facts=facts, reason=reason)


def _print(pieces: Iterable[str]) -> None:
    for lines in pieces:
        print(lines)


@app.command()
def restore(
    backup: Annotated[Path, typer.Argument(metavar="BACKUP", help="A copy of the ledger's file.")],
    controller: Annotated[str, typer.Option(metavar="NAME", help="Whose ledger.")],
    config: Config = DEFAULT_FILE,
    instruction: Annotated[
        str, typer.Option(metavar="TICKET", help="The controller's instruction for what is lost.")
    ] = "",
    json: Json = False,
) -> None:
    """Put a backup in a ledger's place; what was erased or purged since stays so, and the log goes on."""
    selection = select_for_callers(config, (controller,))
    warn_of_unrelated(selection.unrelated)
    (owner,) = selection.named
    settings = selection.configuration.evidence.for_controller(owner.id)
    restored = restoring.restore(owner, backup, datetime.now(UTC), settings, instruction)
    print_result(restored, view.restored(owner, restored, _), as_json=json)
