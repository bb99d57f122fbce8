"""`informativa evidence`: checkpoints, receipts, and whether they and the ledgers hold."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE
from ...evidence.settings import EvidenceConfig
from ...model import Action, Controller, Identified
from ...model.errors import EvidenceError, InformativaError
from ...model.text import Text
from ...operations.access_log import note_in_shell, require_reason
from ...operations.callers import pseudonyms
from ...operations.controllers import select_for_callers, select_for_logs
from ...operations.evidence import auditing, logs, publishing, receipt_files, receipts, verifying
from ...operations.evidence.receipt_maker import RecordReceipt, RecordWithoutReceipt
from ...operations.typed_caller import by_customer, by_number
from ...process import publication
from ...views.text import audits as audit_view
from ...views.text import evidence as view
from ...views.text.publishing import published
from ..log import LogFormat, configure
from ..options import Config, Json, LookReason, Of, failing_with, print_result, warn_of_unrelated
from ..words import _
from . import approve, bundle, compare

NOT_AUDITED = 2  # exit code
app = typer.Typer(help="Proof of what was recorded, for whoever trusts nobody.", no_args_is_help=True)

Number = Annotated[
    str | None, typer.Option("--from", metavar="NUMBER", help="The caller's number, with country code.")
]
Customer = Annotated[str | None, typer.Option(metavar="NUMBER", help="The caller's customer number.")]


def add_to(program: typer.Typer) -> None:
    """Give the program the group `evidence`."""
    program.add_typer(app, name="evidence")


bundle.add_to(app)
compare.add_to(app)
approve.add_to(app)


@app.command()
def key(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    new: Annotated[bool, typer.Option("--new", help="First go on in a new log, by a new key.")] = False,
    instruction: Annotated[
        str,
        typer.Option(metavar="TICKET", help="The controller's instruction, where --new gives up a lost log."),
    ] = "",
    as_json: Json = False,
) -> None:
    """Show the public keys of the logs: what an auditor must have from you, by a way of its own."""
    selection = select_for_logs(config, controller or (), several=not new)
    warn_of_unrelated(selection.unrelated)
    evidence = selection.configuration.evidence
    waiting = [_changed(company, evidence, instruction) for company in selection.named if new]
    log_keys = logs.LogKeys(tuple(log_key for company in selection.named for log_key in logs.keys(company)))
    print_result(log_keys, view.keys(log_keys, _), as_json=as_json)
    if new:
        print("\n".join(view.changed_keys(waiting, _)), file=sys.stderr)


def _changed(controller: Controller, evidence: EvidenceConfig, instruction: str) -> EvidenceError | None:
    sources = publication.sources(evidence.for_controller(controller.id))
    with view.bar(_("signing"), _) as progress:
        return logs.change_key(controller, datetime.now(UTC), progress, sources, instruction)


@app.command()
def checkpoint(config: Config = DEFAULT_FILE, controller: Of = None, as_json: Json = False) -> None:
    """Sign what was recorded since the last checkpoint; the service does it every minute."""
    selection = select_for_logs(config, controller or ())
    warn_of_unrelated(selection.unrelated)
    evidence = selection.configuration.evidence
    with view.bar(_("signing"), _) as progress:
        checkpoints = logs.Checkpoints(
            tuple(
                logs.checkpoint(company, progress, publication.sources(evidence.for_controller(company.id)))
                for company in selection.named
            )
        )
    print_result(checkpoints, view.signed_lines(checkpoints, _), as_json=as_json)


@app.command()
def publish(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare what is there, file by file, with what is here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Have witnesses sign the newest checkpoint, and bring logs where the configuration says."""
    selection = select_for_logs(config, controller or ())
    warn_of_unrelated(selection.unrelated)
    evidence, now = selection.configuration.evidence, datetime.now(UTC)
    with view.bar(_("publishing"), _) as progress:
        publications = publishing.publish(selection.named, evidence, now, check=check, progress=progress)
    print_result(publications, published(publications, evidence, _), as_json=as_json)
    if not publications.complete:
        raise typer.Exit(1)


@app.command()
def sequence(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    log: Annotated[LogFormat, typer.Option(help="How to write the log.")] = LogFormat.CONSOLE,
) -> None:
    """Sign and publish from time to time until SIGTERM, in place of the service: as another user, whose the
    signing key is and who can read the ledgers."""
    selection = select_for_logs(config, controller or (), begun=False)
    _.speak({})  # a log is searched in the language of this documentation
    sink = configure(log)
    try:
        asyncio.run(logs.sequence(selection.named, selection.configuration.evidence))
    finally:
        sink.close()


@app.command()
def receipt(
    record: Annotated[int | None, typer.Argument(metavar="[RECORD]", min=1)] = None,
    number: Number = None,
    customer: Customer = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    opened: Annotated[
        bool,
        typer.Option("--open", help="With the key that shows whose number it is; keep it like the number."),
    ] = False,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the files go.")
    ] = Path(),
    reason: LookReason = "",
    as_json: Json = False,
) -> None:
    """Write a receipt for one record, or for each of a caller's: proof that an auditor checks offline."""
    selection = select_for_callers(config, controller or ())
    warn_of_unrelated(selection.unrelated)
    reason = reason if record is not None else require_reason(selection.named, reason)
    receipts_made = _receipts(selection.named, record, number, customer, opened=opened, reason=reason)
    written = receipt_files.write(receipts_made, output)
    print_result(written, view.receipts(written, _), as_json=as_json)


@app.command()
def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…")],
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="VKEY", help="A log's key, from whom you trust.")
    ] = None,
    policy: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Which logs and witnesses to trust (C2SP tlog-policy)."),
    ] = None,
    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="Whose number it must be about.")
    ] = None,
    customer: Customer = None,
    as_json: Json = False,
) -> None:
    """Say whether receipts hold. Needs no ledger, no configuration and no network."""
    if number is not None and customer is not None:
        raise InformativaError(Text("A receipt is about one caller: give --number or --customer, not both."))
    caller = None if number is None and customer is None else _caller(number, customer)
    verification = verifying.verify(
        files, logs.trusted_keys(key or []), verifying.policy_in(policy) if policy else None, caller
    )
    print_result(verification, view.verified(verification, _, about=caller is not None), as_json=as_json)
    if not verification.holds:
        raise typer.Exit(1)


@app.command()
def audit(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="VKEY", help="The log's key, kept elsewhere than on this machine."),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A copy of the log as it was published: what has 1/ in it."),
    ] = None,
    approver: Annotated[
        list[str] | None,
        typer.Option(metavar="VKEY", help="Who may approve what is gone; otherwise whom the log names."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Look through whole ledgers for anything that was changed, added or taken away since it was recorded.

    Exit code 0 if nothing was, or all that is gone is accounted for, 3 if something is gone that is not, 1 if
    something was changed, 2 if it could not be looked at.
    """
    with failing_with(NOT_AUDITED):
        selection = select_for_logs(config, controller or (), several=log is None)
        warn_of_unrelated(selection.unrelated)
        trusted, approvers = logs.trusted_keys(key or []), logs.trusted_keys(approver or [])
        evidence = selection.configuration.evidence
        with view.bar(_("looking through the records"), _) as progress:
            audits = auditing.Audits.of(
                auditing.audit(
                    company,
                    trusted,
                    progress,
                    settings=evidence.for_controller(company.id),
                    copy=log,
                    approvers=approvers,
                )
                for company in selection.named
            )
    print_result(audits, audit_view.audits(audits, _), as_json=as_json)
    if not audits.verdict.is_good:
        raise typer.Exit(audits.verdict.exit_code)


def _receipts(
    named: Sequence[Controller],
    record: int | None,
    number: str | None,
    customer: str | None,
    *,
    opened: bool,
    reason: str,
) -> list[RecordReceipt | RecordWithoutReceipt]:
    """Return the receipts of one record or of one caller. Raises InformativaError if neither or both are
    named."""
    if (record is not None) + (number is not None) + (customer is not None) != 1:
        raise InformativaError(
            Text("A receipt is for one record, or for one caller."),
            Text("Type: informativa evidence receipt RECORD, or --from NUMBER, or --customer NUMBER"),
        )
    if record is not None:
        if opened or len(named) > 1:
            raise InformativaError(
                Text("A record's number says neither whose ledger it is in nor who the caller is."),
                Text("Name one company with --controller, and with --open the caller with --from."),
            )
        receipt = receipts.of_record(named[0], record)
        now = datetime.now(UTC)
        note_in_shell(named[0], Action.RECEIPT, now, known=None, record=record, reason=reason)
        return [receipt]
    caller = _caller(number, customer)
    result: list[RecordReceipt | RecordWithoutReceipt] = []
    for company in named:
        of_company = receipts.of_caller(company, caller, opened=opened)
        known = pseudonyms(company, caller)[0] if of_company else None
        facts = "opened" if opened else ""
        now = datetime.now(UTC)
        note_in_shell(company, Action.RECEIPT, now, known=known, facts=facts, reason=reason)
        result += of_company
    return result


def _caller(number: str | None, customer: str | None) -> Identified:
    typed = by_customer(customer) if customer is not None else by_number(number or "")
    return typed.caller
