"""The work for ledgers that nobody calls, look by look: what is checkpointed, doubted, resumed, returned."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from informativa.ledgers import idle
from informativa.ledgers.idle import IdleLedgers
from informativa.system import patience


class Ledger:
    """A ledger that notes what it is asked to do."""

    def __init__(self, file: str) -> None:
        self.file, self.groups_done, self.is_stranded = file, 0, False
        self.steps: list[str] = []
        self.complete, self.has_files = True, True

    def resume(self) -> None:
        """Start a thread."""
        self.steps.append("resume")

    def has_its_files(self) -> bool:
        """Return whether its files are there."""
        self.steps.append("files")
        return self.has_files

    def checkpoint_if_idle(self) -> bool:
        """Checkpoint it."""
        self.steps.append("checkpoint")
        return self.complete

    def taken(self) -> list[str]:
        """Return the steps since the last time."""
        steps, self.steps = self.steps, []
        return steps


class Looks:
    """Ledgers that are looked after by hand, with a clock and folders that a test changes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.returned, self.sleeps = 1000.0, 0, list[float]()
        self.folders: dict[str, tuple[int, int, int] | None] = {}
        clock = SimpleNamespace(monotonic=lambda: self.now, sleep=self._sleep)
        monkeypatch.setattr(idle, "time", clock)
        monkeypatch.setattr(idle, "folder_state", lambda folder: self.folders.get(folder, (1, 1, 1)))
        monkeypatch.setattr(idle, "return_memory", self._return)
        monkeypatch.setattr(patience, "SOON_SECONDS", 60.0)  # nothing here takes long, whatever the machine
        self.ledgers = IdleLedgers()
        self.ledgers._thread = threading.current_thread()
        self.after: Callable[[], object] = lambda: None

    def _return(self) -> None:
        self.returned += 1

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.after()

    def add(self, file: str = "/ledgers/acme.sqlite3") -> Ledger:
        """Look after a new ledger."""
        ledger = Ledger(file)
        self.ledgers.add(ledger)
        return ledger

    def look(self, times: int = 1) -> None:
        """Look at all of them."""
        for _ in range(times):
            self.ledgers._look()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    """Ledgers that are looked after by hand."""
    return Looks(monkeypatch)


def test_ledger_is_checkpointed_at_the_second_look_without_a_call(looks: Looks) -> None:
    """Once; and again after the next call, two looks later."""
    ledger = looks.add()
    looks.look()
    assert ledger.taken() == []
    looks.look()
    assert ledger.taken() == ["checkpoint"]
    looks.look(3)
    assert ledger.taken() == []
    ledger.groups_done = 1
    looks.look()
    assert ledger.taken() == []
    ledger.groups_done = 2
    looks.look()
    assert ledger.taken() == []
    looks.look()
    assert ledger.taken() == ["checkpoint"]
    looks.look(3)
    assert ledger.taken() == []


@pytest.mark.parametrize("groups", [0, 1, 2])
def test_checkpoint_that_is_not_complete_is_made_again(looks: Looks, groups: int) -> None:
    """At each look, until it is."""
    ledger = looks.add()
    ledger.complete, ledger.groups_done = False, groups
    looks.look(3)
    assert ledger.taken() == ["checkpoint", "checkpoint"]
    ledger.complete = True
    looks.look(2)
    assert ledger.taken() == ["checkpoint"]


@pytest.mark.parametrize("has_files", [True, False])
def test_deletion_in_a_folder_has_its_ledgers_looked_at(looks: Looks, has_files: bool) -> None:
    """Those of that folder alone; one whose files are others is checkpointed again, which saves it."""
    ledger, other = looks.add(), looks.add("/elsewhere/globex.sqlite3")
    looks.look(3)
    assert (ledger.taken(), other.taken()) == (["checkpoint"], ["checkpoint"])
    ledger.has_files = has_files
    looks.folders["/ledgers"] = (2, 1, 1)
    looks.look()
    assert ledger.taken() == (["files"] if has_files else ["files", "checkpoint"])
    looks.look(2)
    assert (ledger.taken(), other.taken()) == ([], [])
    ledger.groups_done = 1
    looks.folders["/ledgers"] = (3, 1, 1)
    looks.look()
    assert ledger.taken() == []
    looks.look()
    assert ledger.taken() == ["checkpoint"]


def test_folder_that_cannot_be_looked_at_is_doubted_each_time(looks: Looks) -> None:
    """It may have lost a log."""
    ledger = looks.add()
    looks.folders["/ledgers"] = None
    looks.look(4)
    assert ledger.taken() == ["checkpoint", "files", "files"]


def test_checkpoint_that_fails_after_a_deletion_is_made_again(looks: Looks) -> None:
    """It counts as none."""
    ledger = looks.add()
    looks.look(2)
    ledger.taken()
    ledger.has_files = ledger.complete = False
    looks.folders["/ledgers"] = (2, 1, 1)
    looks.look(2)
    assert ledger.taken() == ["files", "checkpoint", "checkpoint"]


def test_groups_that_no_thread_does_are_resumed(looks: Looks) -> None:
    """In place of a checkpoint, at each look."""
    ledger = looks.add()
    ledger.is_stranded = True
    looks.look(2)
    assert ledger.taken() == ["resume", "resume"]
    ledger.is_stranded = False
    looks.look()
    assert ledger.taken() == ["checkpoint"]


def test_memory_is_returned_once_a_minute_after_a_checkpoint(looks: Looks) -> None:
    """At once the first time; what is freed meanwhile is returned when the minute is over."""
    first = looks.add()
    looks.look()
    assert looks.returned == 0
    looks.look(3)
    assert looks.returned == 1
    first.groups_done = 1
    looks.now = 1059.9
    looks.look(3)
    assert (first.taken(), looks.returned) == (["checkpoint", "checkpoint"], 1)
    looks.now = 1060.0
    looks.look(2)
    assert looks.returned == 2
    looks.now = 2000.0
    looks.look(2)
    assert looks.returned == 2


def test_ledger_that_is_closed_is_left_alone(looks: Looks) -> None:
    """Closing it twice is harmless."""
    ledger, other = looks.add(), looks.add("/ledgers/globex.sqlite3")
    looks.ledgers.remove(ledger)
    looks.ledgers.remove(ledger)
    looks.look(2)
    assert (ledger.taken(), other.taken()) == ([], ["checkpoint"])


def test_thread_looks_each_second_and_ends_with_the_last_ledger(looks: Looks) -> None:
    """What it knew of folders goes with it, and the next ledger has another thread."""
    ledger = looks.add()
    looks.after = lambda: len(looks.sleeps) == 3 and looks.ledgers.remove(ledger)
    looks.ledgers._run()
    assert looks.sleeps == [1.0] * 3
    assert ledger.taken() == ["checkpoint"]
    assert (looks.ledgers._thread, looks.ledgers._folders) == (None, {})
    ended = threading.Event()
    looks.after = lambda: (looks.ledgers.forget(), ended.set())
    looks.add()
    thread = looks.ledgers._thread
    assert ended.wait(60)
    assert thread is not None or ended.is_set()


def test_new_thread_is_named_and_keeps_no_process_from_ending(looks: Looks) -> None:
    """One for all ledgers."""
    begun, over = threading.Event(), threading.Event()
    looks.after = lambda: (begun.set(), over.wait(60))
    looks.ledgers = IdleLedgers()
    ledgers = [looks.add(), looks.add("/ledgers/globex.sqlite3")]
    assert begun.wait(60)
    thread = looks.ledgers._thread
    assert thread is not None
    assert (thread.name, thread.daemon) == ("idle ledgers", True)
    for ledger in ledgers:
        looks.ledgers.remove(ledger)
    over.set()
    thread.join(60)
    assert not thread.is_alive()


def test_look_that_fails_is_told_once_and_the_next_may_succeed(
    looks: Looks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where memory runs out: with the error, and again only after it was over."""
    ledger, calls = looks.add(), list[object]()
    errors = [MemoryError(), None]
    trouble = SimpleNamespace(
        tell=lambda subject, exc_info: calls.append((subject, exc_info)),
        over=lambda subject: calls.append(("over", subject)),
    )
    looks.ledgers._troubles = trouble  # type: ignore[assignment]

    def look(_ledgers: IdleLedgers) -> None:
        error = errors[len(looks.sleeps) - 1]
        if error is not None:
            raise error

    monkeypatch.setattr(IdleLedgers, "_look", look)
    looks.after = lambda: len(looks.sleeps) == 2 and looks.ledgers.remove(ledger)
    looks.ledgers._run()
    assert calls == [("", errors[0]), ("over", "")]


def test_trouble_has_the_name_of_the_work(looks: Looks) -> None:
    """By which an admin finds it in the log."""
    assert looks.ledgers._troubles._event == "ledgers are not looked after"


def test_forked_process_has_no_ledger_to_look_after(looks: Looks) -> None:
    """Nor the lock, which a thread of the other process may hold."""
    looks.add()
    lock = looks.ledgers._lock
    looks.ledgers.forget()
    assert (looks.ledgers._states, looks.ledgers._thread) == ({}, None)
    assert looks.ledgers._lock is not lock
    with looks.ledgers._lock:
        pass


def test_ledgers_of_one_folder_are_watched_by_one_look(looks: Looks, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the folder's path, of the ledger's file."""
    watched = list[str]()
    monkeypatch.setattr(idle, "folder_state", watched.append)
    for name in ("acme", "globex"):
        looks.add(f"/ledgers/{name}.sqlite3")
    looks.look()
    assert watched == [str(Path("/ledgers"))]
