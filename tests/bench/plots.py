"""The plots of a run, drawn by matplotlib: what each measure uses of its target, peers, and curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from .figures import Curves, Peers, Report, Result, Spread, show

_MET, _MISSED, _OURS, _OTHER = "#2e7d32", "#c62828", "#1565c0", "#78909c"
_MARKERS = "osD^vP*X"
_ROW, _ABOVE = 0.34, 1.0  # inches: of a bar with its label, and of what stands around them
_WIDE, _HIGH = 11.0, 5.2
FAR = 10  # times the shortest bar: to a longer one they are compared by their logarithm

mpl.rcParams |= {
    "svg.hashsalt": "informativa",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(report: Report, machine: Mapping[str, str], folder: Path) -> list[Path]:
    """Write the plots of what was measured into a folder; returns their files."""
    on = f"{machine.get('CPU', '')}; Python {machine.get('Python', '')}"
    drawn = []
    for name, figure in _figures(report):
        figure.text(0.005, -0.01, on, fontsize=7, color="#607d8b", va="top")  # below all labels
        drawn.append(folder / f"{name}.svg")
        figure.savefig(drawn[-1], metadata={"Date": None}, bbox_inches="tight")
    return drawn


def _figures(report: Report) -> Iterator[tuple[str, Figure]]:
    if targets := [one for one in report.results if one.target]:
        yield "targets", _targets(targets)
    for measure in dict.fromkeys(group.measure for group in report.peers):
        yield f"peers-{measure}", _peers([one for one in report.peers if one.measure == measure])
    for measure in dict.fromkeys(group.measure for group in report.curves):
        yield f"curves-{measure}", _curves([one for one in report.curves if one.measure == measure])


def _targets(results: Sequence[Result]) -> Figure:
    """Every target as one line that bars should not cross."""
    figure, (axes,) = _panels([len(results)])
    for row, one in enumerate(results):
        assert one.target
        shares = sorted(
            one.target.share(value) for value in (one.value.low, one.value.median, one.value.high)
        )
        _bar(axes, row, shares, _MET if one.met else _MISSED, f"{_text(one.value)} ({one.target})")
    _label(axes, [f"{one.measure}: {one.title}" for one in results])
    axes.axvline(1, color="black", linestyle="--", linewidth=1)
    axes.set_title(
        "How much of its target each measure uses (to the right of the line it is missed)", loc="left"
    )
    return figure


def _peers(groups: Sequence[Peers]) -> Figure:
    figure, panels = _panels([len(group.spreads) for group in groups])
    for axes, group in zip(panels, groups, strict=True):
        for row, (name, spread) in enumerate(group.spreads.items()):
            _bar(axes, row, [spread.low, spread.median, spread.high], _colour(name), _text(spread))
        _label(axes, list(group.spreads))
        axes.set_title(group.title, loc="left")
    return figure


def _curves(groups: Sequence[Curves]) -> Figure:
    figure = Figure(figsize=(_WIDE, _HIGH * len(groups)), layout="constrained")
    for axes, group in zip(figure.subplots(len(groups), squeeze=False)[:, 0], groups, strict=True):
        for marker, (name, spreads) in zip(_MARKERS, group.spreads.items(), strict=False):
            amounts = sorted(spreads)
            some = [spreads[amount] for amount in amounts]
            line = axes.plot(
                amounts,
                [one.median for one in some],
                marker=marker,
                linewidth=2.5 if name.startswith("informativa") else 1.2,
                label=name,
            )[0]
            axes.fill_between(
                amounts,
                [one.low for one in some],
                [one.high for one in some],
                color=line.get_color(),
                alpha=0.15,
            )
        axes.set(xscale="log", yscale="log", xlabel=group.amount, ylabel=_unit(group))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        _in_plain_numbers(axes.yaxis)
        _in_plain_numbers(axes.xaxis)
        axes.set_xticks(sorted({amount for spreads in group.spreads.values() for amount in spreads}))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(visible=True, which="both", color="#eceff1")
        axes.set_title(f"{group.title}, by {group.amount}", loc="left")
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    return figure


def _panels(rows: Sequence[int]) -> tuple[Figure, Sequence[Axes]]:
    """Room for so many bars in each of some panels, one below the other."""
    heights = [_ABOVE + _ROW * row for row in rows]
    figure = Figure(figsize=(_WIDE, sum(heights)), layout="constrained")
    return figure, list(figure.subplots(len(rows), squeeze=False, height_ratios=heights)[:, 0])


def _bar(axes: Axes, row: int, values: Sequence[float], colour: str, text: str) -> None:
    """A bar to the median of three values, with a line between the outer two."""
    low, median, high = values
    axes.barh(row, median, color=colour, height=0.7)
    axes.plot([low, high], [row, row], color="black", linewidth=1.5)
    axes.annotate(
        text,
        (max(high, median), row),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
    )


def _label(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    widths = [bar.get_width() for bar in axes.patches if isinstance(bar, Rectangle)]
    shown = [width for width in widths if width > 0] or [1.0]  # nothing has no place on a logarithmic axis
    least, most = min(shown) / 3, max(shown)
    if most > FAR * min(shown):
        axes.set(xscale="log", xlim=(least, most * (most / least) ** 0.25))  # with room for the numbers
        axes.xaxis.set_major_locator(LogLocator(subs=(1,) if most > 1000 * least else (1, 2, 5)))
    else:
        axes.set_xlim(0, most * 1.25)
    _in_plain_numbers(axes.xaxis)


def _in_plain_numbers(axis: Axis) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _at: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())


def _colour(name: str) -> str:
    return _OURS if name.startswith("informativa") else _OTHER


def _unit(group: Curves) -> str:
    return next(spread.unit for spreads in group.spreads.values() for spread in spreads.values())


def _text(spread: Spread) -> str:
    return f"{show(spread.median)} {spread.unit}"
