"""A box as a process of its own: `python -m bench.fleet_box CONFIG BOX FOLDER`.

It exchanges the ledgers of all companies of a configuration, which lie in that folder, as the service does.
It records calls when a line of JSON on its standard input says so, answers by lines of JSON, and ends with
its input.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from informativa import config
from informativa.call.caller import pseudonym
from informativa.evidence.commitment import bind
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Binding, Controller, Ending, Event, Heard, Identified, Reason, Status, Vouched
from informativa.process import storage
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About

SAMPLES_A_SECOND = 5  # new callers of whom it tells when they were recorded


@dataclass
class Company:
    """A company of this box: its ledger as calls use it, and its exchange."""

    owner: Controller
    line: str
    store: SqliteStore
    loop: ExchangeLoop
    known: tuple[bytes, Binding, int] | None = None
    """The pseudonym and the binding of a caller who was told, and the record of that."""


class Box:
    """The companies of one box, which are exchanged from the beginning."""

    def __init__(self, file: Path, name: str, folder: Path) -> None:
        configuration = config.load(file)
        assert configuration.shared is not None
        database = replace(configuration.shared, box=name)
        lines = {line.controller.id: line.number for line in configuration.lines}
        self._name, self._random, self._callers = name, random.Random(name), 0
        owners = [
            replace(controller, ledger=str(folder / f"{controller.id}.sqlite3"))
            for controller in configuration.controllers.values()
        ]
        stores = [storage.store(owner) for owner in owners]
        self._companies = [
            Company(owner, lines[owner.id], store, ExchangeLoop(
                owner, database, About("bench"), partial(storage.store, owner, create=False)
            ))
            for owner, store in zip(owners, stores, strict=True)
        ]  # fmt: skip

    def behind(self) -> int:
        """Return the number of companies that were not exchanged yet, or of which records are to be sent."""
        states = [company.loop.state for company in self._companies]
        return sum(not state.contact or state.behind > 0 or state.error is not None for state in states)

    def errors(self) -> list[str]:
        """Return the present errors of exchanges."""
        states = (company.loop.state for company in self._companies)
        return sorted({str(state.error) for state in states if state.error is not None})

    def record(self, rate: float, seconds: float, share_of_new: float) -> Iterator[dict[str, Any]]:
        """Record calls at random times and of random companies, and yield some of the new callers."""
        now = begun = time.monotonic()
        sampled, due, calls = begun, begun, 0
        while (due := due + self._random.expovariate(rate)) < begun + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            company = self._random.choice(self._companies)
            new = company.known is None or self._random.random() < share_of_new
            event = self._delivery(company) if new else _known(company)
            (record,) = company.store.append([event])
            now = time.monotonic()
            company.loop.wake()
            calls += 1
            if not new:
                continue
            assert event.pseudonym is not None
            assert event.binding is not None
            company.known = company.known or (event.pseudonym, event.binding, record)
            if now > sampled:
                sampled += 1 / SAMPLES_A_SECOND
                yield {"company": company.owner.id, "caller": event.pseudonym.hex(), "at": now}
        yield {"calls": calls, "late": now - due}

    def _delivery(self, company: Company) -> Event:
        """Return the event of a new caller, who hears the notice whole."""
        self._callers += 1
        number = int(self._name.rpartition("-")[2]) * 1_000_000 + self._callers
        caller = Identified(f"+39333{number:08d}")
        return Event(
            at=datetime.now(UTC),
            call=f"1700000000.{number}",
            line=company.line,
            pseudonym=pseudonym(caller, company.owner.key),
            notice="privacy",
            version="2026-11",
            language="it",
            purposes=frozenset({"service"}),
            status=Status.PLAYED,
            reason=Reason.NOT_INFORMED,
            prompt="/etc/informativa/prompts/it/short",
            heard=Heard(Ending.WHOLE, 139_200, 139_200),
            linked=f"1700000000.{number}",
            vouched=Vouched.NOBODY,
            recording="0123456789abcdef" * 4,
            binding=bind(caller, company.owner.key),
        )


def _known(company: Company) -> Event:
    """Return the event of a caller who was told before."""
    assert company.known is not None
    caller, binding, basis = company.known
    return Event(
        at=datetime.now(UTC),
        call="1700000000.0",
        line=company.line,
        pseudonym=caller,
        notice="privacy",
        version="2026-11",
        language="it",
        purposes=frozenset({"service"}),
        status=Status.NOTDUE,
        reason=Reason.ALREADY_INFORMED,
        basis=basis,
        linked="1700000000.0",
        vouched=Vouched.NOBODY,
        binding=binding,
    )


def _tell(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def main(file: str, name: str, folder: str) -> None:
    """Exchange until the input ends."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    box = Box(Path(file), name, Path(folder))
    _tell(ready=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "rate" in order:
            for facts in box.record(order["rate"], order["seconds"], order["new"]):
                _tell(**facts)
        else:
            _tell(behind=box.behind(), errors=box.errors())
    os._exit(0)  # its ledgers are thrown away


if __name__ == "__main__":
    main(*sys.argv[1:])
