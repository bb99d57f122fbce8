"""The ledgers of a process that nobody calls: each is checkpointed once, so that a deletion of its log loses
nothing, and the folders are watched for such a deletion.

One thread does it for all ledgers, once a second. One for each would wake three hundred times a second to
find nothing to do. The memory of a ledger goes with its checkpoint: half a megabyte and more of each would be
most of what a service of three hundred companies takes.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from ..system.patience import Rounds
from ..system.processes import return_memory
from ..system.turns import OnceLogged
from .wal_files import folder_state

IDLE_SECONDS = 1.0  # without a call, and at most as many more, after which a ledger is checkpointed
MEMORY_SECONDS = 60.0  # at least, from one return of memory to the next


class OpenLedger(Protocol):
    """A ledger that is open."""

    file: str
    groups_done: int
    """The number of groups of jobs that it did."""

    @property
    def is_stranded(self) -> bool:
        """Return whether groups wait that no thread does."""

    def resume(self) -> None:
        """Start a thread for the groups that wait."""

    def has_its_files(self) -> bool:
        """Return whether the files that it has open are those that others open."""

    def checkpoint_if_idle(self) -> bool:
        """Checkpoint the file unless a job has it. Return whether nothing is left to do."""


@dataclass(eq=False)
class _State:
    """The state of a ledger: how many groups it had done at the last look, and at its last checkpoint, and
    whether one of its files may have been deleted since."""

    ledger: OpenLedger
    folder: str
    looked_at: int = -1
    checkpointed: int = -1
    doubtful: bool = False


class IdleLedgers:
    """The open ledgers of a process, and the thread that looks after those without calls."""

    def __init__(self) -> None:
        self._states: dict[int, _State] = {}
        self._folders: dict[str, tuple[int, int, int] | None] = {}
        self._rounds = Rounds[str]()
        self._troubles = OnceLogged("ledgers are not looked after")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._freed, self._return_at = False, 0.0  # whether ledgers freed memory, and when it may be returned

    def add(self, ledger: OpenLedger) -> None:
        """Look after a ledger that was opened. Raises RuntimeError where the system gives no thread."""
        with self._lock:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="idle ledgers", daemon=True)
                thread.start()
                self._thread = thread
            self._states[id(ledger)] = _State(ledger, str(Path(ledger.file).parent))

    def remove(self, ledger: OpenLedger) -> None:
        """Leave alone a ledger that is closed."""
        with self._lock:
            self._states.pop(id(ledger), None)

    def forget(self) -> None:
        """Forget all ledgers, in a process that was forked from the one that has them open."""
        self._states, self._lock, self._thread = {}, threading.Lock(), None

    def _run(self) -> None:
        while self._goes_on():
            time.sleep(IDLE_SECONDS)
            try:
                self._look()
            except Exception as error:  # as where memory runs out: the next look may succeed
                self._troubles.tell("", exc_info=error)
            else:
                self._troubles.over("")

    def _goes_on(self) -> bool:
        """Return whether there are ledgers to look after; else the thread ends."""
        with self._lock:
            if not self._states:
                self._thread = None
                self._folders.clear()
            return bool(self._states)

    def _look(self) -> None:
        with self._lock:
            states = list(self._states.values())
        folders = dict.fromkeys(state.folder for state in states)
        self._rounds.make({folder: partial(self._watch, folder, states) for folder in folders})
        works = {}
        for state in states:
            done = state.ledger.groups_done
            if state.ledger.is_stranded:
                state.ledger.resume()
            elif done == state.looked_at and (state.doubtful or done != state.checkpointed):
                works[state.ledger.file] = partial(_checkpoint, state, done)
            state.looked_at = done
        self._rounds.make(works)
        self._freed |= bool(works)
        if self._freed and time.monotonic() >= self._return_at:
            return_memory()
            self._freed, self._return_at = False, time.monotonic() + MEMORY_SECONDS

    def _watch(self, folder: str, states: list[_State]) -> None:
        """Doubt the files of all ledgers of a folder if something in it was deleted or renamed: it may have
        been the log of one, which only who has it open can save."""
        folder_now = folder_state(folder)
        if folder_now is None or folder_now != self._folders.get(folder):
            for state in states:
                if state.folder == folder:
                    state.doubtful = True
        self._folders[folder] = folder_now


def _checkpoint(state: _State, done: int) -> None:
    state.doubtful = False
    if state.checkpointed == done and state.ledger.has_its_files():
        return
    state.checkpointed = -1
    if state.ledger.checkpoint_if_idle():
        state.checkpointed = done


LEDGERS = IdleLedgers()
"""The ledgers of this process."""

os.register_at_fork(after_in_child=LEDGERS.forget)
