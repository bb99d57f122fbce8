"""Work that is done some at a time."""

from __future__ import annotations

import os
import threading
import time

import pytest

from informativa.system.patience import giving_way, of_each_by, some_at_a_time


def test_results_are_in_the_order_of_the_items() -> None:
    """Two threads do five pieces of work; the first piece ends after the second."""
    second = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            assert second.wait(30)
        second.set()
        return number * number

    assert some_at_a_time(work, range(5), 2) == [0, 1, 4, 9, 16]
    assert some_at_a_time(work, [], 2) == []


def test_the_first_error_is_raised_when_all_is_done() -> None:
    """One that fails leaves no other undone, an IndexError either."""
    done = []

    def work(number: int) -> None:
        done.append(number)
        if number < 2:
            raise (IndexError, KeyError)[number]

    with pytest.raises(IndexError):
        some_at_a_time(work, range(4), 1)
    assert done == [0, 1, 2, 3]


def test_what_has_not_ended_by_the_deadline_is_a_timeout() -> None:
    """Two threads, which hang with the second and the third of four works: the first has its result, and the
    fourth never begins, also when the others end."""
    released, begun = threading.Event(), []

    def hang() -> None:
        assert released.wait(30)

    works = {1: lambda: 1, 2: hang, 3: hang, 4: lambda: begun.append(4)}
    outcomes = of_each_by(time.monotonic() + 0.5, works, threads=2)
    assert outcomes.pop(1) == 1
    assert [type(outcome) for outcome in outcomes.values()] == [TimeoutError] * 3
    released.set()
    for thread in threading.enumerate():
        if thread.name == "may stall":
            thread.join(30)
    assert begun == []


def test_an_error_stands_in_place_of_a_result() -> None:
    """One that fails leaves no other undone."""
    works = {number: lambda number=number: 1 // number for number in range(3)}
    outcomes = of_each_by(time.monotonic() + 30, works, threads=1)
    assert isinstance(outcomes.pop(0), ZeroDivisionError)
    assert outcomes == {1: 1, 2: 0}


def test_work_that_gives_way_lowers_no_other_thread() -> None:
    """It has the priority below all others by itself, and its result and its error are those of the work."""
    before = os.sched_getscheduler(0)
    assert giving_way(lambda: os.sched_getscheduler(0)) == 5
    assert os.sched_getscheduler(0) == before
    with pytest.raises(ZeroDivisionError):
        giving_way(lambda: 1 // 0)


def test_work_gives_way_only_where_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that forbids it has the work done all the same."""

    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert giving_way(lambda: 7) == 7
