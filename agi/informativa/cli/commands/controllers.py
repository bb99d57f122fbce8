"""Commands about controllers: their state, and the worksheet for an outsourcing contract's prior analysis."""

from __future__ import annotations

import sqlite3
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import urlsplit

from ... import bootstrap
from ...config import Configuration, load
from ...errors import LedgerError
from ...model import Controller, Line, Lookup
from ...operations.controllers import controller_named
from ..options import print_json
from ..words import _


def show(file: Path, as_json: bool) -> None:
    """List the controllers with their state: live, or why not; lines, and what was recorded."""
    configuration = load(file)
    rows = [_row(controller, configuration) for controller in configuration.controllers.values()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['id']}: {row['name']}, {row['state']}")
        print(_("    lines: {lines}", lines=", ".join(row["lines"]) or _("none")))
        print(_("    served by: {processor}", processor=row["processor"] or _("itself")))
        print(_("    ledger: {ledger}, {records}", ledger=row["ledger"], records=_in_words(row)))


def worksheet(file: Path, name: str) -> None:
    """Print the worksheet of one controller, filled in from the configuration (Markdown)."""
    configuration = load(file)
    print(_worksheet(controller_named(configuration, name), configuration))


def _row(controller: Controller, configuration: Configuration) -> dict[str, Any]:
    return {
        "id": controller.id,
        "name": controller.name,
        "state": _("NOT LIVE: {why}", why=controller.refused) if controller.refused else _("live"),
        "lines": [line.number for line in _lines(controller, configuration)],
        "processor": controller.outsourcing.processor if controller.outsourcing else "",
        "ledger": controller.ledger,
        **_records(controller),
    }


def _lines(controller: Controller, configuration: Configuration) -> list[Line]:
    return [line for line in configuration.lines if line.controller.id == controller.id]


def _records(controller: Controller) -> dict[str, Any]:
    """How many: `records` is None where that is not known, 0 where there is no ledger yet."""
    try:
        if not Path(controller.ledger).exists():
            return {"records": 0, "error": ""}
        store = bootstrap.store(controller, read_only=True)
        try:
            return {"records": store.count(), "error": ""}
        finally:
            store.close()
    except (LedgerError, OSError, sqlite3.Error) as error:
        return {"records": None, "error": str(error)}


def _in_words(row: dict[str, Any]) -> str:
    if row["error"]:
        return _("cannot be read ({error})", error=_.foreign(row["error"]))
    count = row["records"]
    return (
        _.counted("{count} record", "{count} records", count, count=count)
        if count
        else _("nothing recorded yet")
    )


def _worksheet(controller: Controller, configuration: Configuration) -> str:
    lines = _lines(controller, configuration)
    told = {
        f"{step.notice.id} {version.id}": ", ".join(sorted(version.purposes))
        for line in lines
        for step in line.plan
        for version in step.notice.versions
    }
    template = (resources.files("informativa") / "templates/worksheet.md").read_text(encoding="utf-8")
    return Template(template).substitute(
        name=controller.name,
        id=controller.id,
        file=configuration.file.name,
        ledger=controller.ledger,
        papers="\n".join(
            f"| {what} | {which} |" for what, which in _papers(controller, configuration).items()
        ),
        lines="\n".join(_line_row(line) for line in lines) or "| none | | |",
        lookups="".join(
            f"| the number, asked about at `{_system(lookup)}` | by that system | to know who was told |\n"
            for lookup in controller.lookups
        ),
        but=" but the questions above" if controller.lookups else "",
        purposes="; ".join(f"{notice} ({purposes})" for notice, purposes in told.items()) or "none",
    )


def _papers(controller: Controller, configuration: Configuration) -> dict[str, str]:
    """Processor, contract, analysis: as configured, or as questions."""
    given = controller.outsourcing
    if given is None:
        unknown = dict.fromkeys(("Contract", "Prior analysis", "Sub-processors"), "**open**")
        return {"Processor": f"{configuration.operator} (**open**: to be confirmed)"} | unknown
    return {
        "Processor": given.processor,
        "Contract": f"{given.contract.reference}, {given.contract.date}",
        "Prior analysis": f"{given.analysis.reference}, {given.analysis.date}",
        "Sub-processors": ", ".join(given.sub_processors) or "none",
    }


def _system(lookup: Lookup) -> str:
    """Where a look-up asks, without what it asks."""
    arguments = lookup.arguments
    where = arguments.get("host") or arguments.get("database") or arguments.get("dbname") or ""
    return f"{lookup.driver} {where}".strip() if lookup.driver else urlsplit(lookup.question).netloc


def _line_row(line: Line) -> str:
    return f"| {line.number} | {line.language} | {', '.join(step.notice.id for step in line.plan)} |"
