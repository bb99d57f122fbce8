"""The table (Markdown and JSON) and the plot (SVG) of a run. Values to text; no I/O."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from html import escape

from .figures import Peers, Report, Result, Spread, show

_BAR, _LEFT, _WIDTH, _RIGHT = 22, 500, 400, 190  # pixels: height of a row, label, bars, numbers
_COLOURS = {True: "#2e7d32", False: "#c62828", None: "#546e7a"}
_VERDICT = {True: "met", False: "**missed**", None: ""}


def markdown(report: Report, machine: Mapping[str, str]) -> str:
    """The whole report."""
    return "\n".join([*_results(report), *_peers(report), *_left_out(report), *_machine(machine)]) + "\n"


def _results(report: Report) -> Iterator[str]:
    yield "# Benchmark\n"
    yield "Medians of interleaved rounds; in brackets the quartiles of the rounds.\n"
    yield "| measure | what | result | target | |"
    yield "|---|---|---|---|---|"
    for one in report.results:
        target = f"{one.target} {one.value.unit}" if one.target else ""
        yield f"| {one.measure} | {one.what} | {one.value} | {target} | {_VERDICT[one.met]} |"


def _peers(report: Report) -> Iterator[str]:
    for group in report.peers:
        yield f"\n## {group.measure}: {group.what}\n"
        yield "| peer | median | quartiles | rounds |"
        yield "|---|---|---|---|"
        for name, spread in group.spreads.items():
            quartiles = f"{show(spread.low)} to {show(spread.high)}"
            yield f"| {name} | {show(spread.median)} {spread.unit} | {quartiles} | {len(spread.values)} |"


def _left_out(report: Report) -> Iterator[str]:
    for title, rows in (("Left out", report.left_out), ("Refused", report.refused)):
        if rows:
            yield f"\n## {title}\n"
            yield from (f"- {measure}: {why}" for measure, why in rows)


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
                "what": one.what,
                **_spread(one.value),
                "target": one.target and {"limit": one.target.limit, "at_most": one.target.at_most},
                "met": one.met,
            }
            for one in report.results
        ],
        "peers": [
            {
                "measure": group.measure,
                "what": group.what,
                "spreads": {name: _spread(spread) for name, spread in group.spreads.items()},
            }
            for group in report.peers
        ],
        "left_out": report.left_out,
        "refused": report.refused,
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _spread(spread: Spread) -> dict[str, object]:
    numbers = {"median": spread.median, "low": spread.low, "high": spread.high}
    return {"unit": spread.unit, **numbers, "rounds": spread.values}


def svg(report: Report) -> str:
    """Every target as a line that bars should not cross, then a panel of bars for each group of peers."""
    y, parts = 0, []
    targets = [one for one in report.results if one.target]
    if targets:
        part, y = _panel(
            "how much of its target each measure uses (log scale; red: missed)",
            [
                (f"{one.measure}: {one.what}", *_shares(one), _COLOURS[one.met], str(one.value))
                for one in targets
            ],
            1.0,
            y,
        )
        parts.append(part)
    for group in report.peers:
        part, y = _panel(f"{group.measure}: {group.what} (log scale)", _bars(group), None, y)
        parts.append(part)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + _RIGHT}" height="{y + 10}"'
        ' font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        + "".join(parts)
        + "</svg>\n"
    )


_Bar = tuple[str, float, float, float, str, str]
"""Label, low, median, high, colour, and the number beside it."""


def _shares(one: Result) -> tuple[float, float, float]:
    assert one.target is not None
    low, middle, high = (one.target.share(v) for v in (one.value.low, one.value.median, one.value.high))
    return (low, middle, high) if one.target.at_most else (high, middle, low)


def _bars(group: Peers) -> list[_Bar]:
    return [
        (
            name,
            spread.low,
            spread.median,
            spread.high,
            _COLOURS[True if name.startswith("informativa") else None],
            f"{show(spread.median)} {spread.unit}",
        )
        for name, spread in group.spreads.items()
    ]


def _panel(title: str, bars: list[_Bar], line: float | None, top: int) -> tuple[str, int]:
    """A title and a bar a row, on a logarithmic scale; the SVG and where the next panel begins."""
    seen = [value for _, *values, _, _ in bars for value in values if isinstance(value, float) and value > 0]
    seen += [line] if line else []
    least, most = min(seen, default=1.0) / 2, max(seen, default=1.0) * 1.1

    def x(value: float) -> float:
        if value <= least:
            return _LEFT
        return _LEFT + _WIDTH * math.log(value / least) / math.log(most / least)

    parts = [f'<text x="10" y="{top + 24}" font-weight="bold">{escape(title)}</text>']
    y = top + 36
    for label, low, middle, high, colour, number in bars:
        centre = y + _BAR / 2
        parts += [
            f'<text x="{_LEFT - 8}" y="{centre + 4}" text-anchor="end">{escape(_short(label))}</text>',
            f'<rect x="{_LEFT}" y="{y + 3}" width="{x(middle) - _LEFT:.1f}" height="{_BAR - 6}"'
            f' fill="{colour}"/>',
            f'<path d="M{x(low):.1f} {centre}H{x(high):.1f}" stroke="black" stroke-width="2"/>',
            f'<text x="{max(x(high), x(middle)) + 6:.1f}" y="{centre + 4}">{escape(number)}</text>',
        ]
        y += _BAR
    if line:
        at = x(line)
        parts.append(f'<path d="M{at:.1f} {top + 34}V{y + 2}" stroke="black" stroke-dasharray="4 3"/>')
    return "".join(parts), y + 8


def _short(label: str) -> str:
    return label if len(label) <= 80 else label[:79] + "…"
