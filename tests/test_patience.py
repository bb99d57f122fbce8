"""Work that is done some at a time."""

from __future__ import annotations

import threading

import pytest

from informativa.system.patience import some_at_a_time


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
