"""Reading of somebody else's logs for a monitor's look: each is followed into its copy, and so are the logs
that continue it, its successors."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ...evidence.checkpoint import open_checkpoint
from ...evidence.encoding import log_origin
from ...evidence.log_copy import CopySnapshot, LogCopy, require_sound
from ...evidence.log_following import LogForkError, PublishedNow, follow
from ...evidence.log_source import LogSource, log_source, url_of_next
from ...evidence.note import Verifier
from ...evidence.policy import Policy
from ...evidence.read_log import ReadEntry, ReadLog
from ...model.errors import EvidenceError
from ...model.text import NOTHING, Text

MOST_NOTE_BYTES = 64 << 20  # of one log; more are not read
MOST_SUCCESSORS = 100  # of a log in the policy


@dataclass(frozen=True)
class FollowedLog:
    """A log in a look. `published` is `None` if it could not be followed: `fork` or `problem` says why, and
    copy and notes are as before. `source` is `None` if no place is known."""

    key: Verifier
    copy: LogCopy
    notes: ReadLog
    source: LogSource | None
    published: PublishedNow | None = None
    fork: LogForkError | None = None
    problem: Text = NOTHING


@dataclass(frozen=True)
class _Notes:
    """The entries among the first `size` leaves of a log that are no records, and their bytes."""

    size: int = 0
    bytes: int = 0
    entries: tuple[ReadEntry, ...] = ()


class LogsReader:
    """Reads logs into copies below the folder `state`. Logs whose address the policy does not have are below
    `published`. Each note is read once, and each copy checked once. For one thread at a time."""

    def __init__(self, state: Path, published: str) -> None:
        self._state, self._published = state, published
        self._notes: dict[str, _Notes] = {}
        self._checked: set[Verifier] = set()

    def follow_all(
        self, policy: Policy, sources: ExitStack, stopped: Callable[[], bool]
    ) -> tuple[dict[str, FollowedLog], list[Text]]:
        """Follow the logs of the policy, and their successors. Return them by origin, and what went
        wrong. Their sources are closed with `sources`. Raises LookStoppedError."""
        return _all_logs(policy, lambda key, url: self._followed(key, url, policy, sources, stopped))

    def read_copies(self, policy: Policy) -> tuple[dict[str, FollowedLog], list[Text]]:
        """Return the copies of the logs of the policy, and of their successors, by origin, and what
        went wrong. Nothing is written, and a monitor may go on with them."""
        return _all_logs(policy, lambda key, _url: self._read_copy(key))

    def _read_copy(self, key: Verifier) -> FollowedLog:
        """Return the copy of one log. Raises EvidenceError."""
        copy = self._usable(key, CopySnapshot(self._state / log_origin(key.name)))
        return FollowedLog(key, copy, self._read(key, copy), None)

    def _followed(
        self, key: Verifier, url: str, policy: Policy, sources: ExitStack, stopped: Callable[[], bool]
    ) -> FollowedLog:
        """Follow one log. Raises LookStoppedError, and EvidenceError if its copy cannot be used."""
        copy = self._usable(key, LogCopy(self._state / log_origin(key.name)))
        source = published = fork = None
        problem = NOTHING
        try:
            source = log_source(key.name, url, self._published)
            sources.callback(source.close)
            published = follow(source, copy, key, policy, stopped)
        except LogForkError as error:
            fork = error
        except EvidenceError as error:
            problem = _problem(key.name, error)
        return FollowedLog(key, copy, self._read(key, copy), source, published, fork, problem)

    def _usable(self, key: Verifier, copy: LogCopy) -> LogCopy:
        """Return the copy of the log with this key. Raises EvidenceError if it is damaged, or of another
        key."""
        note = copy.note
        if note is not None and key not in self._checked:
            open_checkpoint(note, [key])
            require_sound(copy)
            self._checked.add(key)
        return copy

    def _read(self, key: Verifier, copy: LogCopy) -> ReadLog:
        """Return the log with its notes, of which only new ones are read."""
        checkpoint = copy.checkpoint
        size = checkpoint.size if checkpoint else 0
        root = checkpoint.root if checkpoint else copy.root(0)
        known = self._notes.get(key.name, _Notes())
        notes = self._notes[key.name] = _with_new_notes(known, copy, key.name, size)
        return ReadLog(key, size, root, notes.entries)


def _all_logs(
    policy: Policy, read_log: Callable[[Verifier, str], FollowedLog]
) -> tuple[dict[str, FollowedLog], list[Text]]:
    """Return the logs of the policy, and their successors, by origin, and what went wrong.
    `read_log` reads the one with a key and an address ('' if none is known), and raises EvidenceError."""
    logs: dict[str, FollowedLog] = {}
    problems: list[Text] = []
    waiting = [(log.key, log.url, 0) for log in policy.logs]
    names: set[str] = set()
    while waiting:
        key, url, before = waiting.pop(0)
        name = key.name
        if name in names:
            continue
        names.add(name)
        try:
            log = logs[name] = read_log(key, url)
        except EvidenceError as error:
            problems.append(_problem(name, error))
            continue
        if log.problem:
            problems.append(log.problem)
        if successor := log.notes.successor:
            if before < MOST_SUCCESSORS:
                waiting.append((successor, url_of_next(url, name, successor.name), before + 1))
            else:
                problems.append(_too_many(name))
    return logs, problems


def _with_new_notes(known: _Notes, copy: LogCopy, name: str, size: int) -> _Notes:
    """Return the notes of a copy of that size. The first one that is too many is not read, and ends it."""
    count, entries = known.bytes, list(known.entries)
    for index, entry in copy.other_entries(known.size) if count <= MOST_NOTE_BYTES else ():
        count += len(entry)
        read = ReadEntry.read(entry, name, index)
        if count > MOST_NOTE_BYTES:
            entries.append(ReadEntry(read.leaf, None, Text("There are more notes than are read.")))
            break
        entries.append(read)
    return _Notes(size, count, tuple(entries))


def _problem(name: str, error: EvidenceError) -> Text:
    return Text("{log}: {why}", log=name, why=error.text)


def _too_many(name: str) -> Text:
    return Text(
        "{log} is followed by yet another log, after {limit} of them",
        "write the key of the newest log into the policy",
        log=name,
        limit=MOST_SUCCESSORS,
    )
