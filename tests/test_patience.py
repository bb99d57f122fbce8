"""Work that is done some at a time."""

from __future__ import annotations

import asyncio
import os
import queue
import threading
import time
import weakref
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from informativa.model.errors import InformativaError
from informativa.system import patience
from informativa.system.patience import (
    Rounds,
    ThreadCache,
    in_thread,
    of_each,
    of_each_by,
    some_at_a_time,
    within,
)


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
    released, begun, others = threading.Event(), [], {*threading.enumerate()}

    def hang() -> None:
        assert released.wait(30)

    works = {1: lambda: 1, 2: hang, 3: hang, 4: lambda: begun.append(4)}
    outcomes = of_each_by(time.monotonic() + 0.5, works, threads=2)
    assert outcomes.pop(1) == 1
    assert [type(outcome) for outcome in outcomes.values()] == [TimeoutError] * 3
    released.set()
    for thread in {*threading.enumerate()} - others:
        thread.join(30)
    assert begun == []


def test_an_error_stands_in_place_of_a_result() -> None:
    """One that fails leaves no other undone."""
    works = {number: lambda number=number: 1 // number for number in range(3)}
    outcomes = of_each_by(time.monotonic() + 30, works, threads=1)
    assert isinstance(outcomes.pop(0), ZeroDivisionError)
    assert outcomes == {1: 1, 2: 0}


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


def test_threads_that_were_forgotten_get_no_work() -> None:
    """As after a fork: an idle one of before is passed over."""
    threads, idents = ThreadCache(), list[int]()
    for _before_and_after in range(2):
        threads.start(lambda: idents.append(threading.get_ident()))
        until(partial(is_idle, threads, 1))
        threads.forget()
    assert len({*idents}) == 2


def test_coroutine_that_is_run_has_its_result_or_its_error() -> None:
    """As with `asyncio.run`."""

    async def divide(number: int) -> int:
        await asyncio.sleep(0)
        return 42 // number

    assert patience.run(divide(6)) == 7
    with pytest.raises(ZeroDivisionError):
        patience.run(divide(0))


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


@pytest.mark.parametrize("later", [[2], [2, 3]])
def test_work_takes_long_when_nothing_is_begun_for_a_turn(
    monkeypatch: pytest.MonkeyPatch, later: list[int]
) -> None:
    """Of a tenth of a second, after a first one; then the next is begun beside it, and the thread that took
    long takes none of the others when it is done, which come one after the other."""
    threads, done = ThreadCache(600), list[int]()
    begun, released = threading.Event(), threading.Event()

    class Turn(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.seconds = list[float | None]()
            turns.append(self)

        def wait(self, timeout: float | None = None) -> bool:
            self.seconds.append(timeout)
            if self is turns[0]:
                assert begun.wait(60)
                return self.is_set()
            return super().wait(60)

    turns = list[Turn]()

    def work(number: int) -> None:
        if number == 1:
            begun.set()
            assert released.wait(60)
        if number == 2:
            released.set()
            until(partial(is_idle, threads, 1))
        done.append(number)

    kinds = SimpleNamespace(Event=Turn, Lock=threading.Lock, Thread=threading.Thread)
    monkeypatch.setattr(patience, "threading", kinds)
    monkeypatch.setattr(patience, "_threads", threads)
    Rounds[int]().make({number: partial(work, number) for number in (1, *later)})
    assert done == [1, *later]
    assert [turn.seconds for turn in turns] == [[0.1, 0.1], [0.1]]


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


def test_work_within_a_time_returns_or_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its result or its exception; TimeoutError when the time is over, after which it goes on by itself."""
    released, over = threading.Event(), threading.Event()

    def hang() -> None:
        assert released.wait(60)
        over.set()

    assert within(60, lambda: 7) == 7
    with pytest.raises(KeyError):
        within(60, lambda: {}["missing"])
    with pytest.raises(TimeoutError):
        within(0.001, hang)
    released.set()
    assert over.wait(60)
    started: list[Callable[[], object]] = []
    monkeypatch.setattr(patience, "start_apart", started.append)
    future = patience.start_in_thread(lambda: 7)
    assert (future.running(), future.cancel()) == (True, False)
    started[0]()
    assert future.result(0) == 7


def test_work_beside_an_event_loop_gets_its_arguments() -> None:
    """And its exception comes to whoever awaits it."""
    assert asyncio.run(in_thread(divmod, 7, 2)) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(in_thread(divmod, 7, 0))


def test_exit_of_a_work_comes_to_whoever_waits() -> None:
    """No thread ends with it, and nobody waits in vain."""

    def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        within(60, leave)
    with pytest.raises(SystemExit):
        of_each({"acme": leave}, 60)


def test_i10_each_companys_work_has_its_own_outcome() -> None:
    """I10: a result, an exception, and TimeoutError for one that hangs; the last one is begun beside it."""
    released, begun = threading.Event(), list[str]()

    def work(name: str) -> str:
        begun.append(name)
        if name == "hangs":
            assert released.wait(60)
        if name == "fails":
            raise ValueError(name)
        return name

    names = ("works", "fails", "hangs", "last")
    outcomes = of_each({name: partial(work, name) for name in names}, 0.5)
    assert begun == [*names]
    assert list(outcomes) == [*names]
    assert [type(outcome) for outcome in outcomes.values()] == [str, ValueError, TimeoutError, str]
    released.set()
    assert of_each({}, 60) == {}


def test_works_that_take_no_time_are_done_by_one_thread() -> None:
    """One after the other, which is quicker than all at once."""
    idents = of_each(dict.fromkeys(range(20), threading.get_ident), 60)
    assert len({*idents.values()}) == 1


def test_no_more_threads_than_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor more than there are works."""
    started, start = list[object](), patience.start_apart

    def counted(work: Callable[[], object]) -> None:
        started.append(work)
        start(work)

    monkeypatch.setattr(patience, "start_apart", counted)
    for items, threads, expected in ((5, 2, 2), (2, 5, 2), (0, 5, 0)):
        started.clear()
        some_at_a_time(str, range(items), threads)
        assert len(started) == expected
        started.clear()
        of_each_by(time.monotonic() + 60, dict.fromkeys(range(items), list), threads)
        assert len(started) == expected


def test_deadline_that_is_over_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for then."""
    released, waits = threading.Event(), list[float]()
    monkeypatch.setattr(patience, "wait", lambda _futures, seconds: waits.append(seconds))
    outcomes = of_each_by(time.monotonic() - 5, {1: lambda: released.wait(60)}, 1)
    released.set()
    assert [type(outcome) for outcome in outcomes.values()] == [TimeoutError]
    assert waits == [0.0]


def test_thread_waits_for_work_as_long_as_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five seconds where nobody says it; it is known by its name, and ends no process's end."""
    waits, threads = list[float | None](), list[threading.Thread]()

    class Inbox(queue.SimpleQueue[Any]):
        def get(self, block: bool = True, timeout: float | None = None) -> Any:
            if timeout is not None:
                waits.append(timeout)
                raise queue.Empty
            return super().get(block, timeout)

    monkeypatch.setattr(patience.queue, "SimpleQueue", Inbox)
    for cache, seconds in ((ThreadCache(), 5.0), (ThreadCache(0.5), 0.5)):
        cache.start(lambda: threads.append(threading.current_thread()))
        until(lambda: bool(threads))
        thread = threads.pop()
        thread.join(60)
        assert (waits.pop(), thread.name, thread.daemon) == (seconds, "may stall", True)
        assert cache._idle == []


def test_failure_says_the_place_and_the_remedy() -> None:
    """What the system says, our own words, a stalled disk, or a defect."""
    own = InformativaError("It is full.", "Make room.")
    remedy = "look at the disk or the network folder that it lies on"
    for error, expected in (
        (TimeoutError(), f"/disk cannot be read within 5 s; {remedy}"),
        (OSError(13, "No", "/disk/file"), "/disk/file cannot be read (No); run this as a user who may"),
        (OSError(5, "I/O error"), "/disk cannot be read (I/O error); run this as a user who may"),
        (OSError("no words"), "/disk cannot be read (); run this as a user who may"),
        (own, "It is full. Make room."),
    ):
        assert str(patience.failure(error, "/disk", 5.0)) == expected
    assert str(patience.failure(KeyError(), "/disk", 5.0)).startswith("A defect of informativa (KeyError).")
    assert [patience.defect(error) for error in (own, OSError())] == [None, None]
    unforeseen = KeyError()
    assert patience.defect(unforeseen) is unforeseen
