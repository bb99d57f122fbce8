"""Work that is done some at a time."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from informativa.system import patience
from informativa.system.patience import Rounds, ThreadCache, of_each_by, of_each_heard, some_at_a_time


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


def test_what_has_not_ended_by_the_deadline_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads, which hang with the second and the third of four works: the first has its result, and the
    fourth never begins, also when the others end."""
    monkeypatch.setattr(patience, "_threads", ThreadCache(0.001))
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


def test_work_that_is_heard_of_is_waited_for() -> None:
    """Work whose other side goes on saying something has its result, also after longer than silence is borne;
    one that hangs is left then, and what waits for it does not begin."""
    released, begun = threading.Event(), list[int]()

    def talk(heard: Callable[[], object]) -> str:
        until = time.monotonic() + 2.0
        while time.monotonic() < until:
            assert not released.wait(0.01)
            heard()
        return "answer"

    def hang(_heard: Callable[[], object]) -> None:
        assert released.wait(30)

    works = {1: talk, 2: hang, 3: hang, 4: lambda _heard: begun.append(4)}
    outcomes = of_each_heard(works, 1.5, 30.0, threads=2)
    assert outcomes.pop(1) == "answer"
    assert [type(outcome) for outcome in outcomes.values()] == [TimeoutError] * 3
    assert begun == []
    released.set()


def test_work_that_never_ends_is_left_though_it_is_heard_of() -> None:
    """The longest time holds also for what goes on saying something."""
    released = threading.Event()

    def talk(heard: Callable[[], object]) -> None:
        while not released.wait(0.01):
            heard()

    outcomes = of_each_heard({1: talk}, 30.0, 0.3, threads=1)
    released.set()
    assert [type(outcome) for outcome in outcomes.values()] == [TimeoutError]


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event tells."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def is_idle(threads: ThreadCache, count: int) -> bool:
    """Return whether so many threads are idle."""
    return len(threads._idle) == count


def is_dead(reference: weakref.ref[Any]) -> bool:
    """Return whether the object is gone."""
    return reference() is None


def test_idle_thread_takes_the_next_work() -> None:
    """A hundred works, one after the other, are done by one thread."""
    threads, names = ThreadCache(), set[int]()
    for number in range(100):
        threads.start(lambda: names.add(threading.get_ident()))
        until(lambda: len(threads._idle) == 1)
        assert len(names) == 1, number


def test_last_thread_that_became_idle_comes_first() -> None:
    """So that others, which a moment with much work needed, end."""
    threads, events = ThreadCache(), [threading.Event() for _ in range(3)]
    begun, idents = threading.Semaphore(0), list[int]()

    def work(event: threading.Event) -> None:
        begun.release()
        assert event.wait(60)
        idents.append(threading.get_ident())

    for event in events:
        threads.start(partial(work, event))
        assert begun.acquire(timeout=60)
    for number, event in enumerate(events, 1):
        event.set()
        until(partial(is_idle, threads, number))
    assert len(set(idents)) == 3
    threads.start(lambda: work(events[0]))
    until(lambda: len(idents) == 4)
    assert idents[3] == idents[2]


def test_i10_work_never_waits_for_other_work() -> None:
    """I10: a hundred works that hang leave a thread for the next one."""
    threads, released, done = ThreadCache(), threading.Event(), threading.Event()
    for _ in range(100):
        threads.start(lambda: released.wait(60))
    threads.start(done.set)
    assert done.wait(60)
    released.set()


def test_idle_thread_ends_after_a_while() -> None:
    """A moment with much work leaves no threads behind."""
    threads, released = ThreadCache(0.001), threading.Event()
    works = [threading.Event() for _ in range(20)]
    workers = list[threading.Thread]()

    def work(begun: threading.Event) -> None:
        workers.append(threading.current_thread())
        begun.set()
        released.wait(60)

    for begun in works:
        threads.start(partial(work, begun))
        assert begun.wait(60)
    released.set()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
    assert len(workers) == 20
    assert threads._idle == []
    assert all(worker.daemon for worker in workers)


def test_work_comes_to_a_thread_that_is_about_to_end() -> None:
    """Whether a thread has waited for long enough, or gets work, is one or the other."""
    threads, done = ThreadCache(1e-5), threading.Semaphore(0)
    for number in range(2000):
        threads.start(done.release)
        assert done.acquire(timeout=60), number


def test_idle_thread_holds_nothing_of_its_last_work() -> None:
    """What a work had is free when it is done, though its thread lives on."""

    class Thing:
        pass

    threads = ThreadCache(600)
    for _first_and_second in range(2):
        thing = Thing()
        reference = weakref.ref(thing)
        threads.start(partial(id, thing))
        del thing
        until(partial(is_dead, reference))


def test_thread_of_a_parent_gets_no_work_after_a_fork() -> None:
    """A process that was forked has none of its parent's threads."""
    done = threading.Event()
    patience.start_apart(done.set)
    assert done.wait(60)
    until(lambda: len(patience._threads._idle) > 0)
    child = os.fork()
    if not child:
        code = 1
        try:
            code = patience.within(30, lambda: 7)
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_i10_works_of_a_round_wait_for_none_that_hangs() -> None:
    """I10: twenty works of forty hang, and the others are done; a later round leaves them out until they
    ended."""
    released, done, rounds = threading.Event(), list[int](), Rounds[int]()

    def work(number: int) -> None:
        if number % 2:
            assert released.wait(60)
        done.append(number)

    works = {number: partial(work, number) for number in range(40)}
    rounds.make(works)
    assert done == list(range(0, 40, 2))
    rounds.make(works)
    assert done == 2 * list(range(0, 40, 2))
    released.set()
    until(lambda: len(done) == 60)
    until(lambda: not rounds._running)
    rounds.make(works)
    assert sorted(done[60:]) == list(range(40))


def test_round_without_a_thread_is_an_error_that_leaves_nothing_undone_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was not begun is in the next round."""
    done, rounds = list[int](), Rounds[int]()

    def refuse(_work: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(patience, "start_apart", refuse)
        with pytest.raises(RuntimeError):
            rounds.make({1: lambda: done.append(1)})
    rounds.make({1: lambda: done.append(1)})
    assert done == [1]
