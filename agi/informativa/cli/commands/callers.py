"""Commands about one caller: what he was told elsewhere, what is recorded of him, erasing it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, Configuration
from ...model import Action, Controller, RecordKind
from ...model.errors import InformativaError
from ...model.text import Text
from ...operations import caller_summary, callers
from ...operations.access_log import BEGUN, note_in_shell, require_reason
from ...operations.backup import listing
from ...operations.controllers import notice_named, select_for_callers, select_for_notices
from ...operations.typed_caller import Typed, by_customer, by_number
from ...views.text import callers as text
from ..options import Config, Json, LookReason, Of, Yes, moment, print_document, warn, warn_of_unrelated
from ..tree import INCOMPLETE
from ..words import _

app = typer.Typer(help="Answer a caller's request for access or erasure.", no_args_is_help=True)

Number = Annotated[str | None, typer.Argument(metavar="NUMBER", help="The caller, with country code: +39…")]
Customer = Annotated[
    str | None,
    typer.Option("--customer", metavar="ID", help="Instead: the customer number that the PBX knows."),
]
Instruction = Annotated[
    str,
    typer.Option(metavar="TICKET", help="The controller's instruction, which the log notes: a ticket's id."),
]


class Elsewhere(StrEnum):
    """The kinds of records that say that a caller was told elsewhere."""

    OPERATOR = RecordKind.OPERATOR
    WEBSITE = RecordKind.WEBSITE
    CONTRACT = RecordKind.CONTRACT


def add_to(program: typer.Typer) -> None:
    """Give the program the command `record`; the others are a group of their own."""
    program.add_typer(app, name="caller")
    program.command("record")(_record)


@app.command()
def show(
    number: Number = None,
    customer: Customer = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    reason: LookReason = "",
    as_json: Json = False,
) -> None:
    """Say what this caller was told: what, when, how, which text, on which ground."""
    typed = identified(number, customer)
    selection = select_for_callers(config, controller or ())
    warn_of_unrelated(selection.unrelated)
    reason = require_reason(selection.named, reason)
    access = callers.access(selection.named, typed)
    for company, held in zip(selection.named, access.controllers, strict=True):
        pseudonym = _pseudonym(company, typed) if held.records else None
        note_in_shell(company, Action.OPEN_CALLER, datetime.now(UTC), known=pseudonym, reason=reason)
    _warn(callers.remaining_doubt(typed, access))
    if as_json:
        print_document(access)
    else:
        configuration, now = selection.configuration, datetime.now(UTC)
        summaries = [
            caller_summary.summary(records, company, typed.caller, configuration, now)
            for company, records in zip(selection.named, access.controllers, strict=True)
        ]
        for line in text.access(access, summaries, configuration.controllers, _):
            print(line)


@app.command()
def erase(
    number: Number = None,
    customer: Customer = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    instruction: Instruction = "",
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Erase a caller: what is left of his records leads to nobody, and he is unknown afterwards."""
    typed = identified(number, customer)
    selection = select_for_callers(config, controller or ())
    warn_of_unrelated(selection.unrelated)

    results = list[callers.Erased]()

    def begin(company: Controller) -> None:
        note_in_shell(company, Action.ERASE, datetime.now(UTC), known=None, detail=BEGUN)

    def tell(result: callers.Erased) -> None:
        results.append(result)
        trace = max(result.traces, default=None)
        action = Action.ERASE if yes else Action.ERASE_TRIAL
        company = selection.configuration.controllers[result.controller]
        named = not yes and result.records > 0  # nobody is named in the log of an erasure
        pseudonym = _pseudonym(company, typed) if named else None
        facts = "waiting" if yes and result.waiting else ""
        note_in_shell(company, action, datetime.now(UTC), known=pseudonym, record=trace, facts=facts)
        if not as_json:
            show_result(result)

    def show_result(result: callers.Erased) -> None:
        for line in text.erased(result, yes, _):
            print(line, file=sys.stderr if as_json else sys.stdout)

    try:
        erasure = callers.erase(
            selection.named,
            typed,
            datetime.now(UTC),
            really=yes,
            begin=begin,
            progress=tell,
            instruction=instruction,
        )
    except InformativaError:
        if as_json and yes:  # the document is the error; what is done must be said all the same
            for result in results:
                show_result(result)
        warn_of_backups(selection.configuration, results, done=yes)
        raise
    _warn(callers.remaining_doubt(typed, erasure))
    warn_of_backups(selection.configuration, results, done=yes)
    if as_json:
        print_document(erasure)
    elif not yes:
        print(_("Nothing was erased yet. To do it, add --yes."))
    if not erasure.complete:
        raise typer.Exit(INCOMPLETE)


def _record(
    controller: Annotated[str, typer.Option(metavar="NAME", help="Who told him.")],
    kind: Annotated[Elsewhere, typer.Option("--by", help="operator, website or contract.")],
    reference: Annotated[str, typer.Option(metavar="TEXT", help="Where the evidence is.")],
    number: Number = None,
    customer: Customer = None,
    notice: Annotated[str, typer.Option(metavar="NAME")] = "privacy",
    on: Annotated[
        datetime | None,
        typer.Option(
            metavar="DATE",
            parser=moment,
            help="When, in the controller's time zone: 2026-01-31 or 2026-01-31T09:30; else now.",
        ),
    ] = None,
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="Default: the version in force on that date.")
    ] = "",
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Put on record that a caller was told elsewhere: by an operator, a website, a contract."""
    typed = identified(number, customer)
    selection = select_for_notices(config, controller)
    warn_of_unrelated(selection.unrelated)
    (owner,) = selection.named
    chosen_notice = notice_named(selection.configuration, controller, notice)
    now = datetime.now(UTC)
    result = callers.add_record(owner, chosen_notice, typed, RecordKind(kind), reference, on, version, now)
    pseudonym = _pseudonym(owner, typed)
    note_in_shell(owner, Action.RECORD_ELSEWHERE, now, known=pseudonym, record=result.record.number)
    _warn(typed.doubt)
    if as_json:
        print_document(result)
    else:
        print(text.recorded(result, owner, _))


def identified(number: str | None, customer: str | None) -> Typed:
    """Return the caller whom a command line names, by number or by customer number."""
    if (number is None) == (customer is None):
        raise typer.BadParameter(_("Name the caller by NUMBER or by --customer ID."))
    return by_customer(customer) if customer is not None else by_number(number or "")


def warn_of_backups(configuration: Configuration, results: Iterable[callers.Erased], *, done: bool) -> None:
    """Print which backups still hold the caller of an erasure, unless it was a trial or waits for an
    approval."""
    for result in results:
        if done and result.records and not result.waiting:
            company = configuration.controllers[result.controller]
            warn(listing.holding_last_erased(configuration, company))


def _pseudonym(company: Controller, typed: Typed) -> bytes:
    """Return the pseudonym for the access log, in which only callers who are on record are named."""
    return callers.pseudonyms(company, typed.caller)[0]


def _warn(doubt: Text) -> None:
    if doubt:
        print(_("warning: {warning}", warning=doubt), file=sys.stderr)
