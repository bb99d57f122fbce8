"""Chance in tests is fixed, so that a test that passes once passes always."""

from __future__ import annotations

import os
import random
import secrets
import uuid

import pytest

from lab.chance import fixed, sample, stream


def drawn() -> tuple[object, ...]:
    """Something from each source of chance."""
    return os.urandom(8), secrets.token_hex(8), secrets.randbelow(10**9), uuid.uuid4(), random.random()


def test_chance_is_the_same_for_the_same_name() -> None:
    """Keys, tokens, ids and dice come again for the same test, and are others for another one."""
    results = []
    for name in ("one", "one", "another"):
        with fixed(name):
            results.append(drawn())
    assert results[0] == results[1]
    assert not set(results[0]) & set(results[2])
    assert stream("one").random() == stream("one").random() != stream("another").random()


def test_chance_goes_on_as_before() -> None:
    """What is drawn inside does not change what is drawn after it."""
    results = []
    for inside in (False, True):
        with fixed("outer"):
            first = drawn()
            if inside:
                with fixed("inner"):
                    drawn()
            results.append((first, drawn()))
    assert results[0] == results[1]


class Case:
    """A test's case, with the marks of a `pytest.Item`."""

    def __init__(self, nodeid: str, *marks: pytest.MarkDecorator) -> None:
        self.nodeid, self.marks = nodeid, {mark.name: mark.mark for mark in marks}

    def get_closest_marker(self, name: str) -> pytest.Mark | None:
        """The mark of that name."""
        return self.marks.get(name)

    def add_marker(self, marker: pytest.MarkDecorator) -> None:
        """Mark it."""
        self.marks[marker.name] = marker.mark


def by_day(monkeypatch: pytest.MonkeyPatch, seed: str, at_most: int | None = None) -> list[int]:
    """Return the cases of ten, and two for the night, that are left for the day where three are wanted."""
    monkeypatch.setattr("lab.chance.SEED", seed)
    marks = (pytest.mark.sample(3),), (pytest.mark.sample(3), pytest.mark.night)
    cases = [Case(f"test_it.py::test_it[{number}]", *marks[number > 9]) for number in range(12)]
    sample(cases, at_most)  # type: ignore[arg-type]
    return [number for number, case in enumerate(cases) if not case.get_closest_marker("night")]


def test_sample_of_a_tests_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """By day three of them run, the same in each run, and others with another seed."""
    first, again, other = (by_day(monkeypatch, seed) for seed in ("1", "1", "2"))
    assert first == again != other
    assert (len(first), len(other)) == (3, 3)
    assert max(*first, *other) < 10


def test_few_cases_of_every_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """On another Python a bound holds for tests without a mark, and where it is less than the mark's."""
    assert len(by_day(monkeypatch, "1", at_most=2)) == 2
    assert len(by_day(monkeypatch, "1", at_most=5)) == 3
    cases = [Case(f"test_it.py::test_it[{number}]") for number in range(4)] + [Case("test_it.py::test_one")]
    sample(cases, 2)  # type: ignore[arg-type]
    assert [bool(case.get_closest_marker("night")) for case in cases].count(False) == 3
    assert not cases[-1].get_closest_marker("night")
