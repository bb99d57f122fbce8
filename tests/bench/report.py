"""The table of a run, as Markdown and JSON. Values to text; no I/O."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from .figures import Report, Spread, show

_VERDICT = {True: "met", False: "**missed**", None: ""}


def markdown(report: Report, machine: Mapping[str, str]) -> str:
    """The whole report."""
    return (
        "\n".join(
            [*_results(report), *_peers(report), *_curves(report), *_left_out(report), *_machine(machine)]
        )
        + "\n"
    )


def _results(report: Report) -> Iterator[str]:
    yield "# Benchmark\n"
    yield from (f"**{warning}**\n" for warning in report.warnings)
    yield "Medians of interleaved rounds; in brackets the quartiles of the rounds.\n"
    yield "| measure | what | result | target | |"
    yield "|---|---|---|---|---|"
    for one in report.results:
        target = f"{one.target} {one.value.unit}" if one.target else ""
        yield f"| {one.measure} | {one.title} | {one.value} | {target} | {_VERDICT[one.met]} |"


def _peers(report: Report) -> Iterator[str]:
    for group in report.peers:
        yield f"\n## {group.measure}: {group.title}\n"
        yield "| peer | median | quartiles | rounds |"
        yield "|---|---|---|---|"
        for name, spread in group.spreads.items():
            quartiles = f"{show(spread.low)} to {show(spread.high)}"
            yield f"| {name} | {show(spread.median)} {spread.unit} | {quartiles} | {len(spread.values)} |"


def _curves(report: Report) -> Iterator[str]:
    for group in report.curves:
        amounts = sorted({amount for spreads in group.spreads.values() for amount in spreads})
        yield f"\n## {group.measure}: {group.title}, by {group.amount}\n"
        yield f"| | {' | '.join(f'{amount:,}' for amount in amounts)} |"
        yield f"|---|{'---|' * len(amounts)}"
        for name, spreads in group.spreads.items():
            shown = (f"{show(spreads[a].median)} {spreads[a].unit}" if a in spreads else "" for a in amounts)
            yield f"| {name} | {' | '.join(shown)} |"


def _left_out(report: Report) -> Iterator[str]:
    for title, rows in (("Left out", report.left_out), ("Refused", report.refused)):
        if rows:
            yield f"\n## {title}\n"
            yield from (f"- {measure}: {reason}" for measure, reason in rows)


def _machine(machine: Mapping[str, str]) -> Iterator[str]:
    yield "\n## Machine\n"
    yield from (f"- {name}: {value}" for name, value in machine.items())


def as_json(report: Report, machine: Mapping[str, str]) -> str:
    """The same, with every round's number."""
    document = {
        "machine": dict(machine),
        "results": [
            {
                "measure": one.measure,
                "what": one.title,
                **_spread(one.value),
                "target": one.target and {"limit": one.target.limit, "at_most": one.target.at_most},
                "met": one.met,
            }
            for one in report.results
        ],
        "peers": [
            {
                "measure": group.measure,
                "what": group.title,
                "spreads": {name: _spread(spread) for name, spread in group.spreads.items()},
            }
            for group in report.peers
        ],
        "curves": [
            {
                "measure": group.measure,
                "what": group.title,
                "amount": group.amount,
                "spreads": {
                    name: {str(amount): _spread(spread) for amount, spread in spreads.items()}
                    for name, spreads in group.spreads.items()
                },
            }
            for group in report.curves
        ],
        "warnings": report.warnings,
        "left_out": report.left_out,
        "refused": report.refused,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _spread(spread: Spread) -> dict[str, object]:
    numbers = {"median": spread.median, "low": spread.low, "high": spread.high}
    return {"unit": spread.unit, **numbers, "rounds": spread.values}
