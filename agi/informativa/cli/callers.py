"""Commands about one caller: what he was told elsewhere, what is recorded of him, erasing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import bootstrap
from ..caller import e164, mask, pseudonym
from ..config import DEFAULT_FILE, Configuration, load
from ..errors import InformativaError
from ..i18n import _, foreign, later
from ..ledgers.sqlite import SqliteStore
from ..model import Controller, Identified, Kind, Notice, NumberForm, Record, Version, told_elsewhere
from .options import Config, Json, controller_named, known, print_json, silent

app = typer.Typer(help="Answer a caller's request for access or erasure.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="The caller, with country code: +39…")]
Of = Annotated[str | None, typer.Option("--controller", metavar="NAME", help="Only this controller.")]


class Elsewhere(StrEnum):
    """The kinds of records that say that a caller was told elsewhere."""

    OPERATOR = Kind.OPERATOR
    WEBSITE = Kind.WEBSITE
    CONTRACT = Kind.CONTRACT


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(number: Number, config: Config = DEFAULT_FILE, controller: Of = None, as_json: Json = False) -> None:
    """Say what this caller was told: what, when, how, which text, on which ground."""
    configuration = load(config)
    caller = _identified(number)
    found = {each.id: _records(each, caller) for each in _controllers(configuration, controller)}
    if as_json:
        rows = {name: [_facts(record) for record in records] for name, records in found.items()}
        print_json(rows)
        return
    for name, records in found.items():
        owner = configuration.controllers[name]
        print(
            _("{name} ({id}): {count} records of {caller}").format(
                name=owner.name, id=name, count=len(records), caller=mask(caller.number)
            )
        )
        for record in records:
            print(
                "    "
                + ", ".join(f"{_(what)}: {fact}" for what, fact in _facts(record).items() if fact != "")
            )


@app.command()
def erase(
    number: Number,
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    yes: Annotated[bool, typer.Option("--yes", help="Really do it.")] = False,
    as_json: Json = False,
) -> None:
    """Erase a caller: what is left of his records leads to nobody, and he is unknown afterwards."""
    configuration = load(config)
    caller = _identified(number)
    counts: dict[str, int] = {}
    copies: list[Path] = []
    say = silent if as_json else print
    for each in _controllers(configuration, controller):
        if not yes:
            counts[each.id] = len(_records(each, caller))
            message = _("{name} ({id}): {count} records would be erased")
            gone = bootstrap.copies(each)
            copy = _("{file}, a copy from before an upgrade, would be deleted")
        else:
            erased = bootstrap.erase(each, _pseudonyms(each, caller), datetime.now(UTC))
            counts[each.id], gone = erased.records, list(erased.copies)
            message = _("{name} ({id}): {count} records erased")
            copy = _("{file}, a copy from before an upgrade, was deleted")
        say(message.format(name=each.name, id=each.id, count=counts[each.id]))
        for file in gone:
            say(copy.format(file=file))
        copies += gone
    if as_json:
        print_json({"done": yes, "records": counts, "copies": copies})
    elif not yes:
        print(_("Nothing was erased yet. To do it, add --yes."))


def _drop(file: Path, say: Callable[[str], None]) -> None:
    """Delete a copy whose time is over."""
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise InformativaError(
            _("{file} may hold this caller and cannot be deleted ({why}).").format(
                file=file, why=foreign(error.strerror or "")
            ),
            _("Delete it: rm {file}").format(file=file),
        ) from error
    say(_("{file}, a copy from before an upgrade, was deleted").format(file=file))


def record(
    file: Path,
    number: str,
    controller: str,
    notice: str,
    kind: Kind,
    reference: str,
    on: datetime,
    version: str,
    as_json: bool = False,
) -> None:
    """Put on record that this caller was told elsewhere. Raises InformativaError for what cannot be."""
    configuration = load(file)
    owner = controller_named(configuration, controller)
    caller, now = _identified(number), datetime.now(UTC)
    if on > now:
        raise InformativaError(
            _("{on:%Y-%m-%d %H:%M} is still to come.").format(on=on), _("Give the day on which he was told.")
        )
    given = find_notice(configuration, controller, notice)
    told = find_version(given, version, on)
    event = told_elsewhere(given, told, kind, on, pseudonym(caller, owner.key), reference)
    with _opened(owner) as store:
        (number_of,) = store.append([event])
    if as_json:
        text = {"notice": notice, "version": told.id, "by": kind, "on": on}
        print_json({"record": number_of, "caller": mask(caller.number), **text})
        return
    print(
        _("Record {record}: {caller} got {notice} {version} by {kind} on {on:%Y-%m-%d}.").format(
            record=number_of, caller=mask(caller.number), notice=notice, version=told.id, kind=kind, on=on
        )
    )


def purge(file: Path, yes: bool, as_json: bool = False) -> None:
    """Delete what is older than each controller's retention, or say what would be."""
    now = datetime.now(UTC)
    facts: dict[str, object] = {}
    say = silent if as_json else print
    for controller in load(file).controllers.values():
        for backup in bootstrap.backups(controller):
            if yes and backup.ends <= now.date():
                _drop(backup.file, say)
            else:
                kept = _("{file}, a copy from before an upgrade, holds older records until {day}")
                say(kept.format(file=backup.file, day=backup.ends))
        facts[controller.id] = None
        if controller.retention is None:
            if as_json:
                continue
            print(
                _("{name} ({id}): no retention is set, records are kept for ever").format(
                    name=controller.name, id=controller.id
                )
            )
            continue
        cutoff = controller.retention.before(now, controller.zone)
        count = 0
        if Path(controller.ledger).exists():
            with _opened(controller) as store:
                count = store.purge(cutoff, now) if yes else store.older(cutoff)
        facts[controller.id] = {"before": cutoff, "records": count}
        if as_json:
            continue
        message = (
            _("{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} deleted")
            if yes
            else _("{name} ({id}): {count} records from before {cutoff:%Y-%m-%d} would be deleted")
        )
        print(message.format(name=controller.name, id=controller.id, count=count, cutoff=cutoff))
    if as_json:
        print_json({"done": yes, "controllers": facts})
    elif not yes:
        print(_("Nothing was deleted yet. To do it, add --yes."))


def _identified(number: str) -> Identified:
    found = e164(number, "ZZ", NumberForm.INTERNATIONAL)
    if len(found) != 1 or not number.startswith("+"):
        raise InformativaError(
            _("That is no telephone number with country code."), _("Type it like +393331234567.")
        )
    (e164_number,) = found
    return Identified(e164_number)


def _controllers(configuration: Configuration, name: str | None) -> list[Controller]:
    return [controller_named(configuration, name)] if name else list(configuration.controllers.values())


def find_notice(configuration: Configuration, controller: str, name: str) -> Notice:
    """The controller's notice of that name. Raises InformativaError with those that there are."""
    notices = {notice.id: notice for notice in configuration.notices[controller]}
    if name not in notices:
        message = _("Controller {controller} has no notice {name}.").format(controller=controller, name=name)
        raise InformativaError(message, known(name, notices))
    return notices[name]


def find_version(notice: Notice, name: str, on: datetime) -> Version:
    """The version named, or the one in force then. Raises InformativaError with those that there are."""
    if not name:
        return notice.current(on)
    versions = {version.id: version for version in notice.versions}
    if name not in versions:
        raise InformativaError(_("There is no version {name}.").format(name=name), known(name, versions))
    return versions[name]


@contextmanager
def _opened(controller: Controller) -> Iterator[SqliteStore]:
    store = bootstrap.store(controller)
    try:
        yield store
    finally:
        store.close()


def _records(controller: Controller, caller: Identified) -> list[Record]:
    if not Path(controller.ledger).exists():
        return []
    with _opened(controller) as store:
        found = [store.of_caller(pseudonym) for pseudonym in _pseudonyms(controller, caller)]
    return sorted((record for records in found for record in records), key=lambda record: record.number)


def _pseudonyms(controller: Controller, caller: Identified) -> list[bytes]:
    """What stands for the caller under the controller's key and those before it."""
    return [pseudonym(caller, key) for key in (controller.key, *controller.old_keys)]


def _facts(record: Record) -> dict[str, Any]:
    """One record in the words of an access request."""
    event = record.event
    heard = (
        _("{seconds:.1f} of {length:.1f} s").format(seconds=event.heard.seconds, length=event.heard.length)
        if event.heard
        else ""
    )
    return {
        later("record"): record.number,
        later("when"): event.at.isoformat(timespec="seconds"),
        later("how"): event.kind,
        later("line"): event.line,
        later("text"): f"{event.notice} {event.version} {event.language}".strip(),
        later("purposes"): ", ".join(sorted(event.purposes)),
        later("status"): event.status,
        later("ground"): event.reason,
        later("heard"): heard,
        later("reference"): event.reference,
        later("rests on record"): event.basis or "",
    }
