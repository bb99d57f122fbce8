"""What a service says of itself at /metrics, and how it is read."""

from __future__ import annotations

import urllib.request

from prometheus_client.parser import text_string_to_metric_families as parse

Told = dict[tuple[str, ...], float]


def asked(port: int) -> str:
    """What is answered at /metrics."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def told(text: str, name: str) -> Told:
    """The samples of that name, by their labels' values in alphabetical order of the labels."""
    samples = (sample for family in parse(text) for sample in family.samples if sample.name == name)
    return {tuple(value for _, value in sorted(each.labels.items())): each.value for each in samples}
