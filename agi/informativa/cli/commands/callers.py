"""Commands about one caller: what he was told elsewhere, what is recorded of him, erasing it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ... import bootstrap
from ...caller import mask
from ...config import DEFAULT_FILE, Configuration
from ...errors import InformativaError
from ...model import Notice, Record, RecordKind
from ...operations import callers
from ...operations.callers import Typed
from ...operations.controllers import known, of_their_callers, of_their_notices
from ...text import Text
from ...views.terminal import one_line
from ..options import Config, Json, Of, print_json, silent, told_aside
from ..words import _

app = typer.Typer(help="Answer a caller's request for access or erasure.", no_args_is_help=True)

Number = Annotated[str | None, typer.Argument(metavar="NUMBER", help="The caller, with country code: +39…")]
Customer = Annotated[
    str | None,
    typer.Option("--customer", metavar="ID", help="Instead: the customer number that the PBX knows."),
]


class Elsewhere(StrEnum):
    """The kinds of records that say that a caller was told elsewhere."""

    OPERATOR = RecordKind.OPERATOR
    WEBSITE = RecordKind.WEBSITE
    CONTRACT = RecordKind.CONTRACT


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(
    number: Number = None,
    customer: Customer = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    as_json: Json = False,
) -> None:
    """Say what this caller was told: what, when, how, which text, on which ground."""
    typed = identified(number, customer)
    companies = of_their_callers(config, controller or ())
    told_aside(companies)
    found = [callers.held(each, typed.caller) for each in companies.named]
    if not any(each.records for each in found):
        _doubted(typed)
    if as_json:
        print_json({each.controller.id: [_facts(record) for record in each.records] for each in found})
        return
    for each in found:
        owner = each.controller
        print(
            _.counted(
                "{name} ({id}): {count} record of {caller}",
                "{name} ({id}): {count} records of {caller}",
                len(each.records),
                name=owner.name,
                id=owner.id,
                count=len(each.records),
                caller=mask(typed.caller.number),
            )
        )
        for record in each.records:
            told = (f"{_(_FACTS[what])}: {fact}" for what, fact in _facts(record).items() if fact != "")
            print(one_line("    " + ", ".join(told)))


@app.command()
def erase(
    number: Number = None,
    customer: Customer = None,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a caller: what is left of his records leads to nobody, and he is unknown afterwards."""
    typed = identified(number, customer)
    companies = of_their_callers(config, controller or ())
    told_aside(companies)
    say = silent if as_json else print
    counts: dict[str, int] = {}
    copies: list[Path] = []
    for each in companies.named:
        done = callers.erase(each, typed.caller, datetime.now(UTC), really=yes)
        counts[each.id] = count = done.records
        message = (
            _.counted("{name} ({id}): {count} record erased", "{name} ({id}): {count} records erased", count)
            if yes
            else _.counted(
                "{name} ({id}): {count} record would be erased",
                "{name} ({id}): {count} records would be erased",
                count,
            )
        )
        say(message.format(name=each.name, id=each.id, count=done.records))
        for file in done.copies:
            copies.append(file)
            _said_of_copy(file, yes, say)
    if not any(counts.values()):
        _doubted(typed)
    if as_json:
        print_json({"done": yes, "records": counts, "copies": copies})
    elif not yes:
        print(_("Nothing was erased yet. To do it, add --yes."))


def _said_of_copy(file: Path, gone: bool, say: Callable[[str], None]) -> None:
    message = (
        _("{file}, a copy from before an upgrade, was deleted")
        if gone
        else _("{file}, a copy from before an upgrade, would be deleted")
    )
    say(message.format(file=file))


def record(
    file: Path,
    typed: Typed,
    controller: str,
    notice: str,
    kind: RecordKind,
    reference: str,
    on: datetime | None,
    version: str,
    as_json: bool = False,
) -> None:
    """Put on record that this caller was told elsewhere. Raises InformativaError for what cannot be."""
    companies = of_their_notices(file, controller)
    (owner,) = companies.named
    told_aside(companies)
    given = find_notice(companies.configuration, controller, notice)
    done = callers.record(owner, given, typed.caller, kind, reference, on, version, datetime.now(UTC))
    _doubted(typed)
    caller = mask(typed.caller.number)
    if as_json:
        text = {"notice": notice, "version": done.version, "by": kind, "on": done.at}
        print_json({"record": done.record, "caller": caller, **text})
        return
    print(
        _(
            "Record {record}: {caller} got {notice} {version} by {kind} on {on:%Y-%m-%d}.",
            record=done.record,
            caller=caller,
            notice=notice,
            version=done.version,
            kind=kind,
            on=done.at.astimezone(owner.zone),
        )
    )


def purge(file: Path, controllers: Sequence[str], yes: bool, as_json: bool = False) -> None:
    """Delete what is older than each controller's retention, or say what would be."""
    now = datetime.now(UTC)
    facts: dict[str, object] = {}
    say = silent if as_json else print
    companies = of_their_callers(file, controllers)
    told_aside(companies)
    for controller in companies.named:
        for backup in bootstrap.backups(controller):
            if yes and backup.ends <= now.date():
                callers.drop(backup.file)
                _said_of_copy(backup.file, True, say)
            else:
                kept = _("{file}, a copy from before an upgrade, holds older records until {day}")
                say(kept.format(file=backup.file, day=backup.ends))
        facts[controller.id] = None
        if controller.retention is None:
            if as_json:
                continue
            print(
                _(
                    "{name} ({id}): no retention is set, records are kept for ever",
                    name=controller.name,
                    id=controller.id,
                )
            )
            continue
        cutoff = controller.retention.before(now, controller.zone)
        count = 0
        if Path(controller.ledger).exists():
            with callers.opened(controller) as store:
                count = store.purge(cutoff, now) if yes else store.older(cutoff)
        facts[controller.id] = {"before": cutoff, "records": count}
        if as_json:
            continue
        message = (
            _.counted(
                "{name} ({id}): {count} record from before {cutoff:%Y-%m-%d} deleted",
                "{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} deleted",
                count,
            )
            if yes
            else _.counted(
                "{name} ({id}): {count} record from before {cutoff:%Y-%m-%d} would be deleted",
                "{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} would be deleted",
                count,
            )
        )
        print(message.format(name=controller.name, id=controller.id, count=count, cutoff=cutoff))
    if as_json:
        print_json({"done": yes, "controllers": facts})
    elif not yes:
        print(_("Nothing was deleted yet. To do it, add --yes."))


def identified(number: str | None, customer: str | None) -> Typed:
    """The caller whom a command line names, in one of both ways."""
    if (number is None) == (customer is None):
        raise typer.BadParameter(_("Name the caller by NUMBER or by --customer ID."))
    return callers.by_customer(customer) if customer is not None else callers.by_number(number or "")


def _doubted(typed: Typed) -> None:
    if typed.doubt:
        print(_("warning: {warning}", warning=typed.doubt), file=sys.stderr)


def find_notice(configuration: Configuration, controller: str, name: str) -> Notice:
    """The controller's notice of that name. Raises InformativaError with those that there are."""
    notices = {notice.id: notice for notice in configuration.notices[controller]}
    if name not in notices:
        message = _("Controller {controller} has no notice {name}.", controller=controller, name=name)
        raise InformativaError(message, known(name, notices))
    return notices[name]


_FACTS = {
    "record": Text("record"),
    "when": Text("when"),
    "recorded": Text("recorded"),
    "how": Text("how"),
    "line": Text("line"),
    "text": Text("text"),
    "purposes": Text("purposes"),
    "status": Text("status"),
    "ground": Text("ground"),
    "heard": Text("heard"),
    "reference": Text("reference"),
    "rests on record": Text("rests on record"),
}


def _facts(record: Record) -> dict[str, Any]:
    """One record in the words of an access request."""
    event = record.event
    heard = (
        _("{seconds:.1f} of {length:.1f} s", seconds=event.heard.seconds, length=event.heard.length)
        if event.heard
        else ""
    )
    return {
        "record": record.number,
        "when": event.at.isoformat(timespec="seconds"),
        "recorded": (event.recorded or event.at).isoformat(timespec="seconds"),
        "how": event.kind,
        "line": event.line,
        "text": f"{event.notice} {event.version} {event.language}".strip(),
        "purposes": ", ".join(sorted(event.purposes)),
        "status": event.status,
        "ground": event.reason,
        "heard": heard,
        "reference": event.reference,
        "rests on record": event.basis or "",
    }
