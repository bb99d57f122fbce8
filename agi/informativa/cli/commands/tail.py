"""`informativa tail`: calls as they are recorded. Reads the ledgers and nothing else, so that it needs no
service, no Asterisk, and holds no call."""

from __future__ import annotations

import select
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ... import bootstrap
from ...errors import InformativaError, LedgerError
from ...ledgers.following import Follower
from ...model import Controller, Record
from ...operations.controllers import of_their_callers
from ...views.terminal import one_line, width
from ..options import as_json, told_aside
from ..words import _

LOOK_SECONDS = 0.25  # between two looks, each of which costs 0.01 ms where nothing is new
_LINE = "{time:<8} {line:<14.14} {controller:<10.10} {status:<8} {reason:<18.18} {heard:>6} {record:>8}"
_NARROW = "{time:<8} {line:<14.14} {status:<8} {reason:<18.18} {record:>8}"  # where the terminal has fewer …
_COLUMNS = 79  # … columns


@dataclass
class _Watch:
    """One ledger, and what was last said to be wrong with it."""

    controller: Controller
    follower: Follower
    complaint: str = ""


def run(file: Path, line: str | None, controllers: Sequence[str], count: int, for_program: bool) -> None:
    """Print until the reader has seen enough. Raises InformativaError for a line or controller not known."""
    companies = of_their_callers(file, controllers, line)
    configuration = companies.configuration
    told_aside(companies)
    if line is not None:
        if line not in configuration.spelled:
            known = ", ".join(found.number for found in configuration.lines)
            raise InformativaError(
                _("There is no line {line}.", line=line), _("There are: {known}.", known=known)
            )
        line = configuration.spelled[line].number
    watches = [_Watch(each, bootstrap.follower(each)) for each in companies.named]
    if not for_program:
        titles = {"time": _("time"), "line": _("line"), "controller": _("company"), "status": _("status")}
        titles |= {"reason": _("reason"), "heard": _("heard"), "record": _("record")}
        print(_line().format(**titles), flush=True)
    try:
        for watch in watches:
            _asked(watch, lambda follower: follower.start(count, line or "") or [])
        while True:
            fresh = [
                (record, watch.controller)
                for watch in watches
                for record in _asked(watch, Follower.news)
                if line in (None, record.event.line)
            ]
            for record, owner in sorted(fresh, key=lambda pair: pair[0].event.at):
                print(as_json(_facts(record, owner)) if for_program else _row(record, owner), flush=True)
            if _closed(LOOK_SECONDS):
                return
    finally:
        for watch in watches:
            watch.follower.close()


def _asked(watch: _Watch, question: Any) -> list[Record]:
    """What it answers; a ledger that cannot be read is told of once, and asked again the next time."""
    try:
        found: list[Record] = question(watch.follower)
    except LedgerError as error:
        if str(error) != watch.complaint:
            watch.complaint = str(error)
            print(f"informativa: {_(error.text)}", file=sys.stderr, flush=True)
        return []
    watch.complaint = ""
    return found


def _closed(seconds: float) -> bool:
    """Wait; whether meanwhile nobody reads what is printed any more."""
    try:
        reader = select.poll()
        reader.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # no file at all
        time.sleep(seconds)
        return False
    return bool(reader.poll(seconds * 1000))


def _line() -> str:
    return _LINE if width() >= _COLUMNS else _NARROW


def _row(record: Record, owner: Controller) -> str:
    event = record.event
    row = _line().format(
        time=f"{event.at.astimezone():%H:%M:%S}",
        line=event.line,
        controller=owner.id,
        status=event.status,
        reason=event.reason if event.heard is None or event.heard.ending == "whole" else event.heard.ending,
        heard=f"{event.heard.seconds:.1f}s" if event.heard else "-",
        record=record.number,
    )
    return one_line(row)


def _facts(record: Record, owner: Controller) -> dict[str, Any]:
    event, heard = record.event, record.event.heard
    return {
        "at": event.at.isoformat(timespec="milliseconds"),
        "call": event.call,
        "line": event.line,
        "controller": owner.id,
        "caller": event.pseudonym.hex()[:8] if event.pseudonym else None,
        "notice": event.notice,
        "version": event.version,
        "language": event.language,
        "status": event.status,
        "reason": event.reason,
        "ending": heard.ending if heard else None,
        "heard": round(heard.seconds, 1) if heard else None,
        "of": round(heard.length, 1) if heard else None,
        "basis": event.basis,
        "record": record.number,
    }
