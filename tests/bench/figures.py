"""Arithmetic of a benchmark's numbers: ratios, spread, targets."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

SIGNIFICANT = 3  # digits of a number that are shown


class RefusedError(Exception):
    """The work that was timed was not done, or not as it should be; says what differs."""


class SkippedError(Exception):
    """Something that a measure needs is not on this machine; says what."""


@dataclass(frozen=True)
class Spread:
    """One number of each round: their median, and how far they lie apart."""

    values: tuple[float, ...]
    unit: str

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("no round was measured")

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def low(self) -> float:
        """The first quartile."""
        return self._quartile(0)

    @property
    def high(self) -> float:
        """The third quartile."""
        return self._quartile(2)

    def _quartile(self, which: int) -> float:
        if len(self.values) == 1:
            return self.values[0]
        return statistics.quantiles(self.values, n=4, method="inclusive")[which]

    def __str__(self) -> str:
        if len(self.values) == 1:
            return f"{show(self.median)} {self.unit}"
        return f"{show(self.median)} {self.unit} ({show(self.low)} to {show(self.high)})"


@dataclass(frozen=True)
class Target:
    """The bound of a result: `at_most` or at least so much."""

    limit: float
    at_most: bool = True

    def met(self, value: float) -> bool:
        return value <= self.limit if self.at_most else value >= self.limit

    def share(self, value: float) -> float:
        """Return how much of what is allowed was used: up to 1 the target is met, above it is missed."""
        return value / self.limit if self.at_most else self.limit / value

    def __str__(self) -> str:
        return f"{'≤' if self.at_most else '≥'} {show(self.limit)}"


@dataclass(frozen=True)
class Result:
    """One line of the table."""

    measure: str
    title: str
    value: Spread
    target: Target | None = None
    """In the value's unit; none where the number is only to be known."""

    @property
    def met(self) -> bool | None:
        return self.target.met(self.value.median) if self.target else None


@dataclass(frozen=True)
class Peers:
    """The needs of several peers for the same work."""

    measure: str
    title: str
    spreads: dict[str, Spread]


@dataclass(frozen=True)
class Curves:
    """The needs of several peers for the same work, by how much of something there was."""

    measure: str
    title: str
    amount: str
    """The thing of which there was more and more."""
    spreads: dict[str, dict[int, Spread]]
    """Spreads of each peer, by the amount."""


@dataclass
class Report:
    """All that a run found."""

    results: list[Result] = field(default_factory=list)
    peers: list[Peers] = field(default_factory=list)
    curves: list[Curves] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    """Measures (or peers in them) without a number, and why."""
    refused: list[tuple[str, str]] = field(default_factory=list)
    """Measures whose work was not done, and what differs."""
    warnings: list[str] = field(default_factory=list)
    """Reasons why its numbers are not to be compared with others."""
    versions: dict[str, str] = field(default_factory=dict)
    """Versions of programs that only some measures run."""


def ratios(values: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours over theirs, round by round: what disturbed a round disturbed both."""
    return Spread(tuple(a / b for a, b in zip(values, theirs, strict=True)), "×")


def differences(values: Sequence[float], theirs: Sequence[float], unit: str) -> Spread:
    """Ours less theirs, round by round."""
    return Spread(tuple(a - b for a, b in zip(values, theirs, strict=True)), unit)


def show(number: float) -> str:
    """To three significant digits, without an exponent."""
    if number == 0:
        return "0"
    digits = len(str(int(abs(number)))) if abs(number) >= 1 else 0
    if digits >= SIGNIFICANT:
        return f"{round(number, SIGNIFICANT - digits):,.0f}"
    return f"{float(f'{number:.{SIGNIFICANT}g}'):.10f}".rstrip("0").rstrip(".")


def same(fact: str, expected: object, actual: object) -> None:
    """Raises RefusedError unless they are equal."""
    if expected != actual:
        raise RefusedError(f"{fact}: {expected} expected, {actual} found.")


def refuse_trouble(log: str) -> None:
    """Raises RefusedError where a service that was measured logged a warning or an error, by its log in
    JSON: it did other work than it should, or less. What is no JSON is a traceback, say."""
    for line in log.splitlines():
        try:
            level = json.loads(line)["level"]
        except (ValueError, TypeError, KeyError):
            level = "no level"
        if level != "info":
            raise RefusedError(f"the service logged: {line}")
