"""Following of a published log: its newest checkpoint and entries, verified and added to the copy.

A checkpoint that the log's key signed and that contradicts the copy is a fork. What cannot be verified
because nothing signed it, or a file is missing, is an error: it says nothing about the log, only about
whoever serves it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..model.errors import ElsewhereError, EvidenceError, InformativaError, SignatureError
from ..model.text import Text
from .checkpoint import Checkpoint, open_checkpoint
from .entries import LARGEST_NOTE_ENTRY
from .log_copy import LogCopy, require_sound
from .log_source import LARGEST_CHECKPOINT, LogSource
from .note import Verifier
from .policy import CosignedCheckpoint, KnownLog, Policy
from .tiles import ENTRIES, WIDTH, Tile, bundle, parse_bundle
from .tree import EMPTY_ROOT

LARGEST_BUNDLE = WIDTH * (2 + LARGEST_NOTE_ENTRY)  # bytes, of what this program writes
AT_ONCE = 32  # bundles: at their largest they take 130 MB
LOOK_SECONDS = 600.0  # for one log; it goes on from there at the next look

Stopped = Callable[[], bool]
"""Returns whether to stop at once, with what was read so far."""


class LogForkError(EvidenceError):
    """A checkpoint that the log signed contradicts what it signed before. `is_proven`: both can be shown to
    others; else a later look may find that the published files were wrong."""

    code = "log-fork"

    def __init__(self, message: Text, checkpoint: Checkpoint, *, is_proven: bool) -> None:
        super().__init__(message)
        self.checkpoint, self.is_proven = checkpoint, is_proven


class LookStoppedError(InformativaError):
    """Somebody asked to stop before all was read."""


@dataclass(frozen=True)
class PublishedNow:
    """The checkpoint that is published now, verified to be of the copy's tree."""

    cosigned: CosignedCheckpoint
    added: int
    """The number of leaves that the copy did not have before."""


def open_cosigned(policy: Policy, key: Verifier, note: bytes) -> CosignedCheckpoint:
    """Verify a checkpoint of the log with this key, and its cosignatures by the policy. Raises
    EvidenceError."""
    return replace(policy, logs=(KnownLog(key),)).verify(note)


def newest_of(policy: Policy, key: Verifier, copy: LogCopy) -> CosignedCheckpoint | None:
    """Return the newest checkpoint of a copy, by the policy as it is now; `None` if there is none. Where a
    key of the policy did not make the signature in its name, no witness counts. Raises EvidenceError if the
    log's key did not sign it."""
    note = copy.note
    if note is None:
        return None
    try:
        return open_cosigned(policy, key, note)
    except SignatureError:
        return CosignedCheckpoint(open_checkpoint(note, [key]), (), policy.quorum_met(set()))


def fresh_at(policy: Policy, checkpoint: CosignedCheckpoint) -> int | None:
    """Return when a quorum of the policy's witnesses confirmed the checkpoint last, in POSIX seconds: the
    oldest of the newest cosignatures that are enough. `None` if they are not, or nobody signed."""
    names = {witness.key.name: witness.name for witness in policy.witnesses}
    times = {names[witness.name]: witness.at for witness in checkpoint.witnesses}
    for at in sorted(set(times.values()), reverse=True):
        if policy.quorum_met({name for name, signed_at in times.items() if signed_at >= at}):
            return at
    return None


def follow(
    source: LogSource,
    copy: LogCopy,
    key: Verifier,
    policy: Policy,
    stopped: Stopped = lambda: False,
    seconds: float = LOOK_SECONDS,
) -> PublishedNow:
    """Bring the copy to the newest published checkpoint. Raises LogForkError for one that contradicts it,
    LookStoppedError, ElsewhereError if nobody answers or something is missing there, and EvidenceError for
    what cannot be verified."""
    note = source.read("checkpoint", LARGEST_CHECKPOINT)
    if note is None:
        raise ElsewhereError(
            Text("{place} has no checkpoint", "look whether the log is there", place=source.name)
        )
    cosigned = open_cosigned(policy, key, note)
    checkpoint, old_size, ended = cosigned.checkpoint, copy.size, copy.ended
    if ended is not None and checkpoint.size > ended:
        copy.keep_fork(note)
        raise LogForkError(
            Text(
                "It ended with {ended} leaves, and signed a checkpoint of {size}.",
                ended=ended,
                size=checkpoint.size,
            ),
            checkpoint,
            is_proven=True,
        )
    if checkpoint.size > old_size:
        _read(source, copy, checkpoint, stopped, time.monotonic() + seconds)
        _require_extension(copy, checkpoint, old_size)
        copy.verified(checkpoint, note)
    elif _root_before(copy, checkpoint.size) != checkpoint.root:
        copy.keep_fork(note)
        raise LogForkError(
            Text("It signed two different trees of {size} leaves.", size=checkpoint.size),
            checkpoint,
            is_proven=True,
        )
    elif checkpoint.size == old_size and _is_newer(policy, cosigned, copy, key):
        copy.verified(checkpoint, note)
    return PublishedNow(cosigned, max(checkpoint.size - old_size, 0))


def _is_newer(policy: Policy, cosigned: CosignedCheckpoint, copy: LogCopy, key: Verifier) -> bool:
    """Return whether a checkpoint of the copy's size has newer cosignatures than the copy's own."""
    newest = newest_of(policy, key, copy)
    before = fresh_at(policy, newest) if newest else None
    return newest is None or (fresh_at(policy, cosigned) or 0) > (before or 0)


def _root_before(copy: LogCopy, size: int) -> bytes:
    """Return the root over the first leaves of the copy, which is not larger than its own checkpoint."""
    last = copy.checkpoint
    if last is None:
        return EMPTY_ROOT
    if last.size == size:
        return last.root
    require_sound(copy)
    return copy.root(size)


def _require_extension(copy: LogCopy, checkpoint: Checkpoint, old_size: int) -> None:
    """Check the root over all that was read. Raises LogForkError, and forgets what was read."""
    if copy.root(checkpoint.size) == checkpoint.root:
        return
    copy.forget_unverified()
    require_sound(copy)
    raise _not_extending(checkpoint, old_size)


def _not_extending(checkpoint: Checkpoint, old_size: int) -> LogForkError:
    message = Text(
        "The published entries and the checkpoint of {size} leaves are not one tree that begins with the"
        " {old} leaves from before.",
        size=checkpoint.size,
        old=old_size,
    )
    return LogForkError(message, checkpoint, is_proven=False)


def _read(
    source: LogSource, copy: LogCopy, checkpoint: Checkpoint, stopped: Stopped, deadline: float
) -> None:
    """Read the bundles that a checkpoint's tree has and the copy does not."""
    full = checkpoint.size // WIDTH
    verified = copy.size // WIDTH
    number = max(copy.full_bundles, verified) if copy.full_bundles <= full else verified
    while number < full:
        if stopped():
            raise LookStoppedError(Text("It was stopped before all was read."))
        if time.monotonic() > deadline:
            raise ElsewhereError(
                Text(
                    "{place} is slow: {count} of {size} leaves were read",
                    "it goes on from there",
                    place=source.name,
                    count=number * WIDTH,
                    size=checkpoint.size,
                )
            )
        tiles = [Tile(ENTRIES, index) for index in range(number, min(number + AT_ONCE, full))]
        bundles = [_parsed(source, tile, data) for tile, data in _data(source, tiles)]
        if number == verified:
            _require_same(copy, checkpoint, bundles[0][1])
        copy.add(number, bundles)
        number += len(tiles)
    if checkpoint.size % WIDTH:
        tile = Tile(ENTRIES, full, checkpoint.size % WIDTH)
        content = source.read(tile.path, LARGEST_BUNDLE)
        if content is None:  # a full one took its place since the checkpoint was read
            full_tile = Tile(ENTRIES, full)
            content = source.read(full_tile.path, LARGEST_BUNDLE)
            if content is None:
                raise _missing(source, tile)
            content = bundle(_parsed(source, full_tile, content)[1][: tile.width])
        content, entries = _parsed(source, tile, content)
        if full == verified:
            _require_same(copy, checkpoint, entries)
        copy.put_last(checkpoint.size, content)


def _require_same(copy: LogCopy, checkpoint: Checkpoint, entries: tuple[bytes, ...]) -> None:
    """Check that the bundle which the copy has in part begins with that part. Raises LogForkError."""
    partial_bundle = copy.entries(copy.size // WIDTH, copy.size)
    if entries[: len(partial_bundle)] != partial_bundle:
        raise _not_extending(checkpoint, copy.size)


def _data(source: LogSource, tiles: list[Tile]) -> list[tuple[Tile, bytes]]:
    contents = source.read_all([tile.path for tile in tiles], LARGEST_BUNDLE)
    bundles = []
    for tile, content in zip(tiles, contents, strict=True):
        if content is None:
            raise _missing(source, tile)
        bundles.append((tile, content))
    return bundles


def _parsed(source: LogSource, tile: Tile, data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    try:
        return data, parse_bundle(data, tile.width)
    except EvidenceError as error:
        raise ElsewhereError(
            Text("{place}/{path}: {why}", place=source.name, path=tile.path, why=error.message)
        ) from error


def _missing(source: LogSource, tile: Tile) -> ElsewhereError:
    if tile.index == 0:
        return ElsewhereError(
            Text(
                "{place} publishes no entries, so it cannot be monitored",
                "have evidence.publish without `entries: false` there",
                place=source.name,
            )
        )
    return ElsewhereError(
        Text("{place}/{path} is not there, which it should be.", place=source.name, path=tile.path)
    )
