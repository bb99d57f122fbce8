"""The monitor: what somebody else's logs show to whoever follows them, for a controller whose calls are
answered elsewhere.

A look reads the logs (monitor_reading), judges what was read (monitor_judging), and puts what is new into the
outbox (monitor_outbox).
"""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ...evidence.checkpoint import Checkpoint
from ...evidence.encoding import without_epoch
from ...evidence.log_following import LookStoppedError, fresh_at, newest_of
from ...evidence.monitor_state import MonitorFolder
from ...evidence.note import Verifier
from ...evidence.note_standing import NoteStanding, NoteVerdict, standings
from ...evidence.notes import NewLogNote
from ...evidence.policy import Policy
from ...model.errors import InformativaError
from ...model.text import Text
from ...system.patience import in_thread
from .first_cosigned import FirstCosignatures, KnownTimes
from .monitor_findings import Look, MonitorFinding
from .monitor_judging import LASTING, LogView, findings, monitored
from .monitor_outbox import Outbox
from .monitor_reading import FollowedLog, LogsReader
from .monitor_witness import LastSigned, keep_forks, signed_by_witness
from .verifying import parsed_policy, policy_data

EVERY_SECONDS = 60.0


@dataclass(frozen=True)
class MonitorSettings:
    """The settings: the policy's file, the folder of the state, the keys of those who approve, the folder of
    the controller's own witness, where logs are published whose address the policy does not have ('' if
    nowhere), and the command that is told (empty for none)."""

    policy: Path
    state: Path
    approvers: tuple[Verifier, ...] = ()
    witness: Path | None = None
    published: str = ""
    command: tuple[str, ...] = ()


class Monitor:
    """A monitor with its folder, which this process holds. `line` makes the JSON line of a finding, `now`
    gives the time in POSIX seconds. For one thread at a time."""

    def __init__(
        self,
        settings: MonitorSettings,
        line: Callable[[MonitorFinding], str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._now = settings, now
        self._folder = MonitorFolder(settings.state)
        self._state = self._folder.load()
        self._outbox = Outbox(self._folder, self._state, settings.command, line)
        self._reader = LogsReader(settings.state, settings.published)
        self._first_cosigned = KnownTimes()

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Look:
        """Look at all logs once, and put what is new into the outbox: call `deliver` then. Raises
        InformativaError if the policy or the state cannot be used, and LookStoppedError."""
        now = int(self._now())
        policy = self._policy()
        signed, witness_problems = signed_by_witness(self._settings.witness)
        with ExitStack() as sources:
            logs, problems = self._reader.follow_all(policy, sources, stopped)
            self._remember(logs, signed, now)
            first_cosigned = FirstCosignatures(logs, self._first_cosigned)
            notes = {origin: log.notes for origin, log in logs.items()}
            judged = standings(notes, self._settings.approvers, first_cosigned, first_cosigned.signed_at)
        _note_ends(logs, chain.from_iterable(judged.values()))
        keep_forks(signed, logs, self._state.ahead)
        views = [_view(log, policy, judged[origin]) for origin, log in logs.items()]
        all_findings = tuple(findings(views, self._state, now))
        return Look(
            logs=tuple(map(monitored, views)),
            findings=all_findings,
            news=self._outbox.put(all_findings, _readable(logs)),
            problems=(*problems, *witness_problems, *first_cosigned.problems),
        )

    def deliver(
        self, news: Iterable[MonitorFinding] = (), stopped: Callable[[], bool] = lambda: False
    ) -> Text:
        """Tell the command what is in the outbox, and return the reason if that went wrong; without a command
        remember that the `news` of a look were shown. Raises EvidenceError if the state cannot be used."""
        return self._outbox.deliver(news, stopped)

    def _policy(self) -> Policy:
        data = policy_data(self._settings.policy)
        policy = parsed_policy(self._settings.policy, data)
        if not policy.logs:
            raise InformativaError(
                Text("{file} names no log.", file=self._settings.policy),
                Text("Write a line with its key: log VKEY https://proof.example/log"),
            )
        self._folder.save_policy(data)
        return policy

    def _remember(self, logs: Mapping[str, FollowedLog], signed: LastSigned, now: int) -> None:
        """Remember when logs were first looked for, how they grew, and what was signed of them."""
        state = self._state
        for origin, log in logs.items():
            state.first.setdefault(origin, now)
            if not log.problem and log.copy.ended is None:
                added = log.published.added if log.published else 0
                state.note_growth(without_epoch(origin), added, now)
            if origin in signed:
                checkpoint, at, _note = signed[origin]
                state.note_signed(origin, at, checkpoint.size, now)
            if log.published:
                state.note_signed(origin, now, log.copy.size, now)


async def watch(monitor: Monitor, show: Callable[[Look], object], every: float = EVERY_SECONDS) -> None:
    """Look every minute until SIGTERM or SIGINT, show each look, and tell the command."""
    stopped, stopping = asyncio.Event(), threading.Event()

    def stop() -> None:
        stopping.set()
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    while not stopped.is_set():
        with suppress(LookStoppedError):
            await in_thread(look_and_deliver, monitor, show, stopping.is_set)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), every)


def look_and_deliver(
    monitor: Monitor, show: Callable[[Look], object], stopped: Callable[[], bool] = lambda: False
) -> Look:
    """Look once, show what is so, tell the command, and return the look with what went wrong then. Raises
    what `look` raises."""
    look = monitor.look(stopped)
    show(look)
    if problem := monitor.deliver(look.news, stopped):
        look = replace(look, problems=(*look.problems, problem))
        show(Look((), (), (), (problem,)))
    return look


def _note_ends(logs: Mapping[str, FollowedLog], judged: Iterable[NoteStanding]) -> None:
    """Note the end of logs in their copies: of those whose last leaf says so, and of those that a note
    `new-log` continues. By the controller's word that may be a tree of which the end was never published."""
    ended = {log.notes.tree for log in logs.values() if log.notes.successor}
    lost = dict[str, Checkpoint]()
    for standing in judged:
        note = standing.entry.note
        if note and isinstance(note.content, NewLogNote) and standing.standing not in LASTING:
            ended.update(note.content.after)
            if standing.standing is NoteVerdict.APPROVED:
                lost |= {tree.origin: tree for tree in note.content.after}
    for log in logs.values():
        tree = log.copy.checkpoint if log.copy.checkpoint in ended else lost.get(log.key.name)
        if tree and tree.size >= log.copy.size and log.copy.ended is None:
            log.copy.end(tree.size)


def _view(log: FollowedLog, policy: Policy, notes: Sequence[NoteStanding]) -> LogView:
    newest = newest_of(policy, log.key, log.copy)
    return LogView(
        origin=log.key.name,
        size=log.notes.size,
        ended=log.copy.ended is not None,
        newest=newest,
        confirmed_at=fresh_at(policy, newest) if newest else None,
        published=log.published.cosigned.checkpoint.size if log.published else None,
        forks=log.copy.forks(),
        forks_folder=log.copy.forks_folder,
        contradiction=log.fork if log.fork and not log.fork.is_proven else None,
        notes=notes,
    )


def _readable(logs: Mapping[str, FollowedLog]) -> Collection[str]:
    """Return the origins of the logs whose findings are complete."""
    return {origin for origin, log in logs.items() if not log.problem}
