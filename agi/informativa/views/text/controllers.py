"""The controllers with their state, and the worksheet for an outsourcing contract's prior analysis."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from string import Template

from ...model import Line, name_of, names_and_ids
from ...operations.controller_state import Controllers, ControllerState
from ...operations.outsourcing import OutsourcingFacts
from ..messages import ENGLISH, Language


def states(result: Controllers, say: Language) -> Iterator[str]:
    """Yield for each controller whether it is live, its lines, its processor, and its records."""
    for state in result.controllers:
        service = say("live") if state.live else say("NOT LIVE: {why}", why=state.why)
        yield f"{state.controller}: {state.name}, {service}"
        lines = ", ".join(state.lines)
        yield say("    lines: {lines}", lines=lines or say("none"))
        yield say("    served by: {processor}", processor=state.processor or say("itself"))
        yield say("    ledger: {ledger}, {records}", ledger=state.ledger, records=_records(state, say))


def _records(state: ControllerState, say: Language) -> str:
    if state.error:
        return say("cannot be read ({error})", error=state.error)
    count = state.records
    if not count:
        return say("nothing recorded yet")
    return say.counted("{count} record", "{count} records", count)


def worksheet(facts: OutsourcingFacts) -> str:
    """The worksheet of one controller, filled in (Markdown). It is in English for everybody."""
    template = (resources.files("informativa") / "views/templates/worksheet.md").read_text(encoding="utf-8")
    owner = facts.controller
    purposes = (
        f"{ENGLISH(name_of(notice, owner.names))} {version}: {ENGLISH(names_and_ids(ids, owner.names))}"
        for (notice, version), ids in facts.purposes.items()
    )
    return Template(template).substitute(
        name=owner.name,
        id=owner.id,
        file=facts.file,
        ledger=owner.ledger,
        papers="\n".join(f"| {paper} | {reference} |" for paper, reference in _papers(facts).items()),
        lines="\n".join(_line(line) for line in facts.lines) or "| none | | |",
        lookups="".join(
            f"| the number, asked about at `{system}` | by that system | to know who was told |\n"
            for system in facts.systems
        ),
        but=" but the questions above" if facts.systems else "",
        purposes="; ".join(purposes) or "none",
    )


def _papers(facts: OutsourcingFacts) -> dict[str, str]:
    """Return processor, contract and analysis: as configured, or as open questions."""
    outsourcing = facts.controller.outsourcing
    if outsourcing is None:
        unknown = dict.fromkeys(("Contract", "Prior analysis", "Sub-processors"), "**open**")
        return {"Processor": f"{facts.operator} (**open**: to be confirmed)"} | unknown
    return {
        "Processor": outsourcing.processor,
        "Contract": f"{outsourcing.contract.reference}, {outsourcing.contract.date}",
        "Prior analysis": f"{outsourcing.analysis.reference}, {outsourcing.analysis.date}",
        "Sub-processors": ", ".join(outsourcing.sub_processors) or "none",
    }


def _line(line: Line) -> str:
    notices = names_and_ids((step.notice.id for step in line.plan), line.controller.names)
    return f"| {line.number} | {line.language} | {ENGLISH(notices)} |"
