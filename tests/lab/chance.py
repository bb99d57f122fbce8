"""Chance that is the same in each run: keys, ids, salts and tokens, and what tests draw themselves.

All of it follows from INFORMATIVA_SEED and from the test's name, so that neither the order of the tests nor
who else runs changes it. `make nightly` runs them with another seed, and prints it. What is drawn in
a process that a test starts is not reached, and neither is what OpenSSL draws for certificates.
"""

from __future__ import annotations

import os
import random
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TypeVar

import pytest

Value = TypeVar("Value")

USUAL = "1"
SEED = os.environ.get("INFORMATIVA_SEED", USUAL)
NIGHT = bool(os.environ.get("NIGHT"))  # make hands it on


def by_day(count: Value, *, at_night: Value) -> Value:
    """Return so many examples in `make check` and `make test`; and so many in `make nightly`."""
    return at_night if NIGHT else count


def stream(name: str) -> random.Random:
    """Return what is drawn for this name, with this seed."""
    return random.Random(f"{SEED} {name}")


@contextmanager
def fixed(name: str) -> Iterator[None]:
    """Draw for this name what `os.urandom`, `secrets` and `random` give meanwhile."""
    before, state = (os.urandom, random._urandom), random.getstate()  # type: ignore[attr-defined]
    drawn = stream(name)
    os.urandom = random._urandom = drawn.randbytes  # type: ignore[attr-defined]
    random.seed(drawn.random())
    try:
        yield
    finally:
        os.urandom, random._urandom = before  # type: ignore[attr-defined]
        random.setstate(state)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Each test has its own, from the first fixture to the last."""
    with fixed(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """A fixture of several tests has its own too, whichever of them comes first."""
    if fixturedef.scope == "function":
        return (yield)
    with fixed(f"{request.node.nodeid} {fixturedef.argname}"):
        return (yield)


def sample(items: list[pytest.Item], at_most: int | None = None) -> None:
    """Leave for the night all cases of a test marked `sample` but so many, which this seed draws; and of
    every test all but `at_most`, if that is not None."""
    cases: dict[tuple[str, int], list[pytest.Item]] = {}
    for item in items:
        mark = item.get_closest_marker("sample")
        counts = [*(mark.args if mark else ()), *([] if at_most is None else [at_most])]
        if counts and not item.get_closest_marker("night"):
            cases.setdefault((item.nodeid.partition("[")[0], min(counts)), []).append(item)
    for (test, count), of_test in cases.items():
        by_day = stream(f"sample {test}").sample(of_test, min(count, len(of_test)))
        for item in of_test:
            if item not in by_day:
                item.add_marker(pytest.mark.night)


def mixed(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests with their files in an order of this seed's, so that those that wait for a telephone call and
    those that compute run side by side; with another seed than the usual one, the tests of each file, too.
    Files marked `first` come before: what a worker begins with no other takes from it."""
    dice = stream("order")
    items = sorted(items, key=lambda item: item.path)  # whichever were collected first
    files = [list(tests) for _, tests in groupby(items, lambda item: item.path)]
    for tests in (files, *(files if SEED != USUAL else ())):
        dice.shuffle(tests)
    files.sort(key=lambda tests: tests[0].get_closest_marker("first") is None)
    return [item for tests in files for item in tests]
