"""The monitor: what somebody else's logs show to whoever follows them, for a controller whose calls are
answered elsewhere."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from ...evidence import monitoring
from ...evidence.checkpoint import Checkpoint, open_checkpoint
from ...evidence.cosignature import WitnessVerifier, cosigned_at
from ...evidence.encoding import log_origin
from ...evidence.log_copy import LogCopy, require_sound
from ...evidence.log_following import (
    LogForkError,
    LookStoppedError,
    PublishedNow,
    follow,
    fresh_at,
    open_cosigned,
)
from ...evidence.log_source import LARGEST_CHECKPOINT, LogSource, log_source, url_of_next
from ...evidence.monitor_state import MonitorFolder, PendingFinding
from ...evidence.note import Verifier
from ...evidence.note_standing import NoteStanding, NoteVerdict, ReadEntry, ReadLog, standings
from ...evidence.notes import NewLogNote, NextNote
from ...evidence.policy import CosignedCheckpoint, Policy
from ...evidence.witness_store import WitnessFolder, last_signed
from ...model.errors import ElsewhereError, EvidenceError, InformativaError
from ...model.text import NOTHING, Text
from ...system.patience import in_thread
from .monitor_command import run_command
from .monitor_findings import FindingKind, Look, MonitoredLog, MonitorFinding
from .note_words import note_words
from .verifying import policy_in

EVERY_SECONDS = 60.0
FIRST_SECONDS = 60.0  # of a look, for older checkpoints
MOST_NOTE_BYTES = 64 << 20  # of one log; more are not read
_LASTING = (NoteVerdict.FLAWED, NoteVerdict.WAITS)


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


@dataclass
class _Followed:
    """A log during a look. `added` is `None` if it could not be looked at."""

    key: Verifier
    url: str
    copy: LogCopy
    source: LogSource | None = None
    published: PublishedNow | None = None
    fork: LogForkError | None = None
    problem: Text = NOTHING


@dataclass
class _Notes:
    """The entries of a log that are no records, as far as they were read."""

    size: int = 0
    bytes: int = 0
    entries: list[ReadEntry] = field(default_factory=list)


class Monitor:
    """A monitor with its folder, which this process holds. `line` makes the JSON line of a finding, `now`
    gives the time in POSIX seconds. For one thread at a time."""

    def __init__(
        self,
        settings: MonitorSettings,
        line: Callable[[MonitorFinding], str],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._line, self._now = settings, line, now
        self._folder = MonitorFolder(settings.state)
        self._state = self._folder.load()
        self._notes: dict[str, _Notes] = {}
        self._sound: set[Verifier] = set()  # logs whose copy was held against its own checkpoint
        self._shown: dict[str, str] = {}
        self._cosigned: dict[tuple[str, int, int], int] = {}

    def look(self, stopped: Callable[[], bool] = lambda: False) -> Look:
        """Look at all logs once. What is new is put down as to be told: call `tell` then. Raises
        InformativaError if the policy or the state cannot be used, and LookStoppedError."""
        now = int(self._now())
        policy = policy_in(self._settings.policy)
        if not policy.logs:
            raise InformativaError(
                Text("{file} names no log.", file=self._settings.policy),
                Text("Write a line with its key: log VKEY https://proof.example/log"),
            )
        logs, problems = self._followed(policy, now, stopped)
        try:
            findings = self._findings(logs, policy, now, problems)
        finally:
            for log in logs.values():
                if log.source:
                    log.source.close()
        news = self._put_down(findings, logs)
        return Look(
            logs=tuple(_monitored(log, policy) for log in logs.values()),
            findings=tuple(findings),
            news=tuple(news),
            problems=tuple(problems),
        )

    def tell(self, stopped: Callable[[], bool] = lambda: False) -> Text:
        """Tell the command what is to be told, and return the reason if it did not end with 0; the rest is
        told after the next look. Without a command whoever called `look` has shown it."""
        state = self._state
        while self._settings.command and state.pending and not stopped():
            if problem := run_command(self._settings.command, state.pending[0].line):
                return problem
            pending = state.pending.pop(0)
            state.delivered[pending.subject] = pending.state
            self._folder.save(state)
        if not self._settings.command and self._shown:
            state.delivered |= self._shown
            self._folder.save(state)
        return NOTHING

    # reading

    def _followed(
        self, policy: Policy, now: int, stopped: Callable[[], bool]
    ) -> tuple[dict[str, _Followed], list[Text]]:
        """Follow the logs of the policy, and those in which they go on."""
        logs: dict[str, _Followed] = {}
        problems: list[Text] = []
        waiting = [(log.key, log.url) for log in policy.logs]
        names: set[str] = set()
        while waiting:
            key, url = waiting.pop(0)
            if key.name in names:
                continue
            names.add(key.name)
            try:
                log = self._open(key, url, policy)
                self._state.first.setdefault(key.name, now)
                self._follow(log, policy, now, stopped)
                successor = self._read_log(log).successor
                if successor is not None and log.copy.ended is None:
                    log.copy.end(log.copy.size)
            except LookStoppedError:
                raise
            except EvidenceError as error:
                problems.append(Text("{log}: {why}", log=key.name, why=error.text))
                continue
            logs[key.name] = log
            if log.problem:
                problems.append(Text("{log}: {why}", log=key.name, why=log.problem))
            if successor is not None:
                waiting.append((successor, url_of_next(url, key.name, successor.name)))
        return logs, problems

    def _open(self, key: Verifier, url: str, policy: Policy) -> _Followed:
        """Return a log with its copy, which is that of this key. Raises EvidenceError."""
        copy = LogCopy(self._settings.state / log_origin(key.name))
        note = copy.published.checkpoint()
        if note is not None and key not in self._sound:
            open_cosigned(policy, key, note)
            require_sound(copy)
            self._sound.add(key)
        return _Followed(key, url, copy)

    def _follow(self, log: _Followed, policy: Policy, now: int, stopped: Callable[[], bool]) -> None:
        try:
            log.source = log_source(log.key.name, log.url, self._settings.published)
            log.published = follow(log.source, log.copy, log.key, policy, stopped)
        except LogForkError as error:
            log.fork = error
        except LookStoppedError:
            raise
        except EvidenceError as error:
            log.problem = error.text
            return
        name = log.key.name
        added = log.published.added if log.published else 0
        log_name = name.rpartition("/")[0]
        if log.copy.ended is None:
            growth = self._state.growth.get(log_name, {})
            before = self._state.looked.get(log_name)
            self._state.growth[log_name] = monitoring.grown(growth, before, now, added)
            self._state.looked[log_name] = now

    def _read_log(self, log: _Followed) -> ReadLog:
        """Return the log with its notes, of which only new ones are read."""
        notes = self._notes.setdefault(log.key.name, _Notes())
        checkpoint = log.copy.checkpoint
        size = checkpoint.size if checkpoint else 0
        for index, entry in log.copy.other_entries(notes.size) if notes.bytes <= MOST_NOTE_BYTES else ():
            notes.bytes += len(entry)
            read = ReadEntry.read(entry, log.key.name, index)
            if notes.bytes > MOST_NOTE_BYTES:
                read = ReadEntry(read.leaf, None, Text("There are more notes than are read."))
                notes.entries.append(read)
                break
            notes.entries.append(read)
        notes.size = size
        root = checkpoint.root if checkpoint else log.copy.root(0)
        return ReadLog(log.key, size, root, tuple(notes.entries))

    # judging

    def _findings(
        self, logs: dict[str, _Followed], policy: Policy, now: int, problems: list[Text]
    ) -> list[MonitorFinding]:
        self._hear_witness(logs, now, problems)
        read = {origin: self._read_log(log) for origin, log in logs.items()}

        first_cosigned = _FirstCosigned(logs, problems, self._cosigned)
        judged = standings(read, self._settings.approvers, first_cosigned)
        findings: list[MonitorFinding] = []
        for standing in chain.from_iterable(judged.values()):
            self._remember_end(standing, logs)
        at = datetime.fromtimestamp(now, UTC)
        for origin, log in logs.items():
            findings += self._forks(log, judged[origin], at)
            findings += self._stale(log, policy, now, at)
            findings += (_note(standing, at) for standing in judged[origin])
        for name, growth in self._state.growth.items():
            newest = [origin for origin in logs if origin.rpartition("/")[0] == name]
            if newest and (day := monitoring.few(growth, now)):
                findings.append(
                    MonitorFinding(
                        FindingKind.FEW,
                        newest[-1],
                        open=False,
                        message=Text.counted(
                            "{day} has {count} new leaf, and the same weekday usually has {usual}.",
                            "{day} has {count} new leaves, and the same weekday usually has {usual}.",
                            day[1],
                            day=day[0].isoformat(),
                            count=day[1],
                            usual=day[2],
                        ),
                        at=at,
                        size=day[1],
                    )
                )
        return findings

    def _remember_end(self, standing: NoteStanding, logs: dict[str, _Followed]) -> None:
        """Note the end of the logs that a note `new-log` continues."""
        note = standing.entry.note
        if note is None or not isinstance(note.content, NewLogNote) or standing.standing in _LASTING:
            return
        for tree in note.content.after:
            log = logs.get(tree.origin)
            if log and log.copy.ended is None and log.copy.checkpoint == tree:
                log.copy.end(tree.size)

    def _hear_witness(self, logs: dict[str, _Followed], now: int, problems: list[Text]) -> None:
        """Compare the copies with what the controller's own witness signed last."""
        signed: dict[str, tuple[Checkpoint, int, bytes]] = {}
        if self._settings.witness:
            try:
                signed = last_signed(WitnessFolder(self._settings.witness))
            except EvidenceError as error:
                problems.append(error.text)
        for origin, log in logs.items():
            times: list[tuple[int, int]] = []
            if origin in signed:
                checkpoint, at, note = signed[origin]
                times.append((at, checkpoint.size))
                ended = log.copy.ended
                is_after_end = ended is not None and checkpoint.size > ended
                if (is_after_end or _is_other(checkpoint, log.copy)) and _is_signed(note, log.key):
                    log.copy.keep_fork(note)
            if log.published:
                times.append((now, log.copy.size))
            for last in times:
                before = self._state.signed.get(origin, [])
                self._state.signed[origin] = list(monitoring.remembered(before, last, now))

    def _forks(
        self, log: _Followed, judged: Sequence[NoteStanding], at: datetime
    ) -> Iterator[MonitorFinding]:
        proven = log.copy.forks()
        for checkpoint in proven:
            message = Text(
                "The log signed a checkpoint of {size} leaves with the root {root}, which contradicts what it"
                " signed before. Keep both: {folder}",
                size=checkpoint.size,
                root=checkpoint.root.hex(),
                folder=log.copy.folder / "forks",
            )
            yield MonitorFinding(FindingKind.FORK, log.key.name, True, message, at, checkpoint.size)
        if log.fork and not log.fork.is_proven:
            yield MonitorFinding(
                FindingKind.FORK, log.key.name, True, log.fork.message, at, log.fork.checkpoint.size
            )
        for standing in judged:
            note = standing.entry.note
            if note and isinstance(note.content, NextNote) and note.index < log.copy.size - 1:
                message = Text("The log went on after its end, which was leaf {index}.", index=note.index)
                yield MonitorFinding(FindingKind.FORK, log.key.name, True, message, at, note.index + 1)

    def _stale(self, log: _Followed, policy: Policy, now: int, at: datetime) -> Iterator[MonitorFinding]:
        name = log.key.name
        if log.published:
            size = log.published.cosigned.checkpoint.size
            signed = monitoring.behind(size, self._state.signed.get(name, []), now)
            if signed is not None:
                message = Text(
                    "{size} leaves are published, and {signed} were signed ten minutes ago or earlier.",
                    size=size,
                    signed=signed,
                )
                yield MonitorFinding(FindingKind.BEHIND, name, True, message, at, signed)
        if log.copy.ended is not None:
            return
        newest = _newest(log, policy)
        since = fresh_at(policy, newest) if newest else self._state.first[name]
        if monitoring.is_still(since, now):
            if newest is None:
                message = Text("No checkpoint of it was ever read.")
            elif since is None:
                message = Text("Not enough witnesses of the policy signed its newest checkpoint.")
            else:
                message = Text(
                    "No witness has confirmed it since {time:%Y-%m-%d %H:%M} UTC.",
                    time=datetime.fromtimestamp(since, UTC),
                )
            yield MonitorFinding(FindingKind.STILL, name, True, message, at, log.copy.size)

    # telling

    def _put_down(
        self, findings: Sequence[MonitorFinding], logs: dict[str, _Followed]
    ) -> list[MonitorFinding]:
        """Put down what is new as to be told, forget what is over, and store the state."""
        state = self._state
        present = {_subject(finding) for finding in findings}
        unknown = {origin for origin, log in logs.items() if log.problem}
        for subject in list(state.delivered):
            origin = subject.split(" ")[1]
            if subject not in present and origin in logs and origin not in unknown:
                del state.delivered[subject]
        known = dict(state.delivered)
        if self._settings.command:
            known |= {pending.subject: pending.state for pending in state.pending}
        news = [finding for finding in findings if known.get(_subject(finding)) != _told_state(finding)]
        self._shown = {_subject(finding): _told_state(finding) for finding in news}
        if self._settings.command:
            state.pending += [
                PendingFinding(_subject(finding), _told_state(finding), self._line(finding))
                for finding in news
            ]
        self._folder.save(state)
        return news


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
            await in_thread(look_and_tell, monitor, show, stopping.is_set)
        with suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), every)


def look_and_tell(
    monitor: Monitor, show: Callable[[Look], object], stopped: Callable[[], bool] = lambda: False
) -> Look:
    """Look once, show what is so, tell the command, and return the look with what went wrong then. Raises
    what `look` raises."""
    look = monitor.look(stopped)
    show(look)
    if problem := monitor.tell(stopped):
        look = Look(look.logs, look.findings, look.news, (*look.problems, problem))
        show(Look((), (), (), (problem,)))
    return look


def _subject(finding: MonitorFinding) -> str:
    """Return what a finding is about: the same subject is told again only if its state is another one."""
    detail: object = finding.index if finding.kind is FindingKind.NOTE else ""
    if finding.kind is FindingKind.FEW:
        detail = finding.at.date().isoformat()
    elif finding.kind is FindingKind.FORK:
        detail = finding.size
    return f"{finding.kind} {finding.log} {detail}"


def _told_state(finding: MonitorFinding) -> str:
    return finding.standing or ""


def _note(judged: NoteStanding, at: datetime) -> MonitorFinding:
    note, leaf = judged.entry.note, judged.entry.leaf
    return MonitorFinding(
        FindingKind.NOTE,
        leaf.origin,
        open=judged.standing in _LASTING,
        message=note_words(judged),
        at=at,
        index=leaf.index,
        note=note.kind if note else None,
        standing=judged.standing,
        approved_by=judged.approved_by,
        instruction=getattr(note.content, "instruction", None) or None if note else None,
    )


def _newest(log: _Followed, policy: Policy) -> CosignedCheckpoint | None:
    note = log.copy.published.checkpoint()
    return open_cosigned(policy, log.key, note) if note else None


def _monitored(log: _Followed, policy: Policy) -> MonitoredLog:
    newest = _newest(log, policy)
    at = fresh_at(policy, newest) if newest else None
    return MonitoredLog(
        log=log.key.name,
        size=log.copy.size,
        at=None if at is None else datetime.fromtimestamp(at, UTC),
        witnesses=tuple(witness.name for witness in newest.witnesses) if newest else (),
        ended=log.copy.ended is not None,
    )


def _is_other(checkpoint: Checkpoint, copy: LogCopy) -> bool:
    """Return whether a checkpoint of a tree that is not larger than the copy's is of another tree."""
    last = copy.checkpoint
    if last is None or checkpoint.size > last.size:
        return False
    return (last.root if checkpoint.size == last.size else copy.root(checkpoint.size)) != checkpoint.root


def _is_signed(note: bytes, key: Verifier) -> bool:
    try:
        open_checkpoint(note, [key])
    except EvidenceError:
        return False
    return True


class _FirstCosigned:
    """The times of first cosignatures (`note_standing.FirstCosigned`): by the copy, or by what is published,
    which is put into the copy. Where that cannot be read now it is a problem, and no flaw of the note.
    `in_time` has the times that need not be asked for again."""

    def __init__(
        self, logs: dict[str, _Followed], problems: list[Text], in_time: dict[tuple[str, int, int], int]
    ) -> None:
        self._logs, self._problems, self._in_time = logs, problems, in_time
        self._deadline = time.monotonic() + FIRST_SECONDS

    def __call__(
        self, origin: str, size: int, witnesses: Sequence[WitnessVerifier], latest: int
    ) -> int | None:
        question = (origin, size, hash(tuple(witnesses)))
        if self._in_time.get(question, latest + 1) <= latest:
            return self._in_time[question]
        at = self._ask(self._logs[origin], size, witnesses, latest)
        if at is not None and at < latest:  # `latest` itself may stand for a time that is not known yet
            self._in_time[question] = at
        return at

    def _ask(
        self, log: _Followed, size: int, witnesses: Sequence[WitnessVerifier], latest: int
    ) -> int | None:
        known = _cosigned(log.copy.first_checkpoint(size), log.key, witnesses)
        if (known is not None and known <= latest) or log.source is None:
            return known
        try:
            if time.monotonic() > self._deadline:
                raise ElsewhereError(
                    Text("{place} is slow: older checkpoints are read later", place=log.source.name)
                )
            note = log.source.read(f"checkpoints/{size}", LARGEST_CHECKPOINT)
        except EvidenceError as error:
            problem = Text("{log}: {why}", log=log.key.name, why=error.text)
            if problem not in self._problems:
                self._problems.append(problem)
            return latest
        published = _cosigned(note, log.key, witnesses)
        if note is None or published is None or published > (known or latest):
            return known or published
        tree = Checkpoint.unverified(note)
        if tree.size != size or log.copy.root(size) != tree.root:
            return known
        log.copy.put_first(size, note)
        return published


def _cosigned(note: bytes | None, key: Verifier, witnesses: Sequence[WitnessVerifier]) -> int | None:
    """Return when the first of these witnesses signed a checkpoint of the log with this key."""
    with suppress(EvidenceError):
        if note is not None:
            signed = open_checkpoint(note, [key], witnesses)
            times = map(cosigned_at, filter(None, map(signed.note.signed_by, witnesses)))
            return min(times, default=None)
    return None
