"""The metrics of a service at /metrics, and how they are read."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families as parse

from informativa.model import CallResult, Line
from informativa.process.metrics import Metrics
from lab.ports import free_port

Samples = dict[tuple[str, ...], float]


def asked(port: int) -> str:
    """Return what is answered at /metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def samples_of(text: str, name: str) -> Samples:
    """The samples of that name, by their labels' values in alphabetical order of the labels."""
    samples = (sample for family in parse(text) for sample in family.samples if sample.name == name)
    return {tuple(value for _, value in sorted(sample.labels.items())): sample.value for sample in samples}


class Idle:
    """A service that does nothing."""

    def in_progress(self) -> int:
        """None."""
        return 0

    def waiting(self) -> dict[str, int | None]:
        """One ledger that is open, and one that is not."""
        return {"acme": 0, "borealis": None}

    def live(self) -> dict[str, bool]:
        """One that is live, and one that may not be."""
        return {"acme": True, "borealis": False}

    def turned_away(self) -> dict[str, int]:
        """One call too many."""
        return {"busy": 1, "script": 0, "abandoned": 0}


def labels_of(text: str) -> dict[str, set[str]]:
    """The labels of each metric that is told."""
    names: dict[str, set[str]] = {}
    for family in parse(text):
        for sample in family.samples:
            names.setdefault(sample.name, set()).update(sample.labels)
    return names


def metrics(*calls: tuple[Line | None, CallResult]) -> str:
    """Return what is told after these calls."""
    own, port = Metrics(Idle()), free_port()
    end = own.serve("127.0.0.1", port)
    try:
        for called, result in calls:
            own.answered(called, result, 0.002)
        return asked(port)
    finally:
        end()
