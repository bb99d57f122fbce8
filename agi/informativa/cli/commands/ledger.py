"""Commands that read the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from ... import bootstrap
from ...config import DEFAULT_FILE
from ...errors import InformativaError
from ...ledgers.sqlite import SqliteStore
from ...model import Controller, Ending, Event, Record, RecordKind
from ...operations.controllers import of_their_callers
from ...text import Text
from ...views.terminal import one_line, width
from ..options import Config, Json, Of, as_json, told_aside
from ..words import _

app = typer.Typer(help="What was recorded.", no_args_is_help=True)

# One record a line, in columns that fit what is usual; a longer cell moves the rest to the right. Where the
# terminal is too narrow for that, two or three.
_LINE = "{:>4} {:<19} {:<13} {:<12} {:<18} {:<8} {:<20} {}"
_LINES = ("{0:>4} {1:<19} {5:<8} {6}", "     {2:<13} {3:<12} {4}", "     {7}")
_COLUMNS = 107
_HEADINGS = (
    "#",
    Text("when (UTC)"),
    Text("line"),
    Text("caller"),
    Text("notice"),
    Text("status"),
    Text("why"),
    Text("heard"),
)


ENDINGS = {
    Ending.WHOLE: Text("whole"),
    Ending.KEY: Text("key"),
    Ending.HUNG_UP: Text("hung up"),
    Ending.CUT_SHORT: Text("cut short"),
    Ending.NOT_PLAYABLE: Text("not playable"),
    Ending.CHANGED: Text("recording changed"),
    Ending.CONNECTION_LOST: Text("connection lost"),
    Ending.SERVICE_STOPPED: Text("service stopped"),
}
"""How a playback ended, for people."""


@app.callback()
def _group() -> None:
    pass


@app.command()
def show(
    config: Config = DEFAULT_FILE,
    controller: Of = None,
    last: Annotated[int | None, typer.Option(min=1, metavar="N", help="Only the last N of each.")] = None,
    json: Json = False,
) -> None:
    """Show the records of a controller, the oldest first."""
    companies = of_their_callers(config, controller or ())
    told_aside(companies)
    chosen = companies.named
    if json:
        _stream(chosen, last)
        return
    for each in chosen:
        print(f"{each.name} ({each.id})")
        with _opened(each) as ledger:
            if ledger is None:
                message = _("There is no ledger {ledger}: nothing was recorded yet, or it was taken away.\n")
                print(message.format(ledger=each.ledger))
            else:
                _print(_last(ledger, last))


def _stream(chosen: Iterable[Controller], last: int | None) -> None:
    """One JSON array, a record a line, however long it is."""
    opening = "["
    for each in chosen:
        with _opened(each) as ledger:
            for record in _last(ledger, last) if ledger else ():
                print(f"{opening}{as_json({'controller': each.id, **facts(record)})}", end="")
                opening = ",\n "
    print("[]" if opening == "[" else "]")


def facts(record: Record) -> dict[str, object]:
    """A record for programs."""
    event = record.event
    heard = event.heard
    return {
        "record": record.number,
        "at": event.at,
        "recorded": event.recorded or event.at,
        "call": event.call,
        "line": event.line,
        "caller": event.pseudonym.hex() if event.pseudonym else None,
        "vouched": event.vouched,
        "erased": event.erased,
        "notice": event.notice,
        "version": event.version,
        "language": event.language,
        "purposes": event.purposes,
        "kind": event.kind,
        "status": event.status,
        "reason": event.reason,
        "rests_on_record": event.basis or None,
        "heard_seconds": round(heard.seconds, 3) if heard else None,
        "length_seconds": round(heard.length, 3) if heard else None,
        "ending": heard.ending if heard else None,
        "key": heard.key if heard else None,
        "recording": event.recording or None,
        "supplement": event.supplement,
        "informs": event.informs,
        "reference": event.reference,
    }


def _last(ledger: SqliteStore, last: int | None) -> Iterator[Record]:
    return ledger.records(max(1, ledger.newest() - last + 1) if last else 1)


@contextmanager
def _opened(controller: Controller) -> Iterator[SqliteStore | None]:
    """The controller's ledger, if there is one."""
    try:
        exists = Path(controller.ledger).exists()
    except PermissionError as error:
        raise InformativaError(
            _("{ledger} cannot be looked into (permission denied).", ledger=controller.ledger),
            _("Run this as the user who owns it."),
        ) from error
    if not exists:
        yield None
        return
    ledger = bootstrap.store(controller)
    try:
        yield ledger
    finally:
        ledger.close()


def _print(records: Iterable[Record]) -> None:
    lines = (_LINE,) if width() >= _COLUMNS else _LINES
    print("\n".join(line.format(*(_(heading) for heading in _HEADINGS)) for line in lines))
    rows = iter(records)
    while page := list(islice(rows, 1000)):
        written = (line.format(*_cells(record)).rstrip() for record in page for line in lines)
        print("\n".join(one_line(line) for line in written if line))
    print()


def _cells(record: Record) -> list[str]:
    event = record.event
    return [
        str(record.number),
        f"{event.at:%Y-%m-%d %H:%M:%S}",
        event.line,
        _caller(event),
        f"{event.notice} {event.version} {event.language}",
        event.status if event.kind is RecordKind.PHONE else event.kind,
        _why(event),
        _heard(event),
    ]


def _caller(event: Event) -> str:
    if event.pseudonym:
        return event.pseudonym.hex()[:8]
    return _("erased") if event.erased else _("unidentified")


def _why(event: Event) -> str:
    return f"{event.reason} #{event.basis}" if event.basis else event.reason


def _heard(event: Event) -> str:
    if event.heard is None:
        return event.reference
    heard = event.heard
    return _(
        "{seconds:.1f} of {length:.1f} s, {ending} {key}",
        seconds=heard.seconds,
        length=heard.length,
        ending=_(ENDINGS[heard.ending]),
        key=heard.key,
    ).strip()
