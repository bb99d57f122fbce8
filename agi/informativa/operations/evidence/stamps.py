"""The check of the time-stamps of a log's checkpoints, by the roots of the configured authority, and of the
purges that they bear out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...evidence import timestamp
from ...evidence.dated_checkpoints import StampedCheckpoints
from ...evidence.log_folder import LogFolder, PublishedLog
from ...evidence.note import Verifier
from ...evidence.note_standing import NoteStanding, NoteVerdict
from ...evidence.notes import PurgeNote, RuleNote
from ...evidence.read_log import ReadLog
from ...evidence.settings import TimestampAuthority
from ...model.errors import EvidenceError, EvidenceFormatError, SignatureError
from ...model.text import Text
from ..document import Sentence


@dataclass(frozen=True)
class AuditedStamps:
    """The time-stamps (RFC 3161) of a log's checkpoints."""

    log: str
    """The origin of the log: of this epoch or an earlier one."""
    hold: int = 0
    """The number of those that hold, by the roots in evidence.timestamp.certificates."""
    first: datetime | None = None
    """The time of the first of them."""
    last: datetime | None = None
    """The time of the last of them."""
    problems: tuple[Sentence, ...] = ()
    """The faults of others."""
    unchecked: Sentence | None = None
    """The reason why none was looked at."""


@dataclass(frozen=True)
class CheckedStamps:
    """The time-stamps of a log, and the times of those that hold, by the size of their checkpoint."""

    audited: AuditedStamps
    times: Mapping[int, datetime] = field(default_factory=dict)


def check(
    folder: LogFolder, trusted: Sequence[Verifier], authority: TimestampAuthority | None
) -> Iterator[CheckedStamps]:
    """Check the time-stamps of every epoch that has some, with the keys that are `trusted`. Raises
    EvidenceError if files cannot be read."""
    for epoch in folder.epochs():
        published = folder.published(epoch)
        key = published.key_among(trusted)
        if not published.timestamps() or key is None:
            continue  # the audit reports a missing key
        try:
            yield _checked(published, key, authority)
        except EvidenceError as error:
            yield CheckedStamps(AuditedStamps(key.name, unchecked=error.text))


def _checked(published: PublishedLog, key: Verifier, authority: TimestampAuthority | None) -> CheckedStamps:
    """Check the time-stamps of one log. Raises EvidenceError if none can be checked."""
    if authority is None:
        raise EvidenceError(
            Text(
                "the configuration names no authority",
                "write the certificates of its root into evidence.timestamp.certificates",
            )
        )
    stamped = StampedCheckpoints(published, key, timestamp.certificates(authority.certificates))
    times, problems = dict[int, datetime](), list[Text]()
    for size in stamped.sizes:
        if published.checkpoint_of(size) is None:
            text = Text("A time-stamp is of a checkpoint of {size} records, which is gone.", size=size)
            problems.append(text)
            continue
        try:
            times[size] = stamped.require(size)
        except (SignatureError, EvidenceFormatError) as error:
            text = Text("Of the checkpoint of {size} records: {why}", size=size, why=error.text)
            problems.append(text)
    first, last = min(times.values(), default=None), max(times.values(), default=None)
    return CheckedStamps(AuditedStamps(key.name, len(times), first, last, tuple(problems)), times)


def own_word_purges(
    checked: Sequence[CheckedStamps],
    logs: Mapping[str, ReadLog],
    standings: Mapping[str, Sequence[NoteStanding]],
) -> Iterator[Text]:
    """Yield a sentence if purges took more than the time-stamps of that time bear out, where no witness is
    named either. They hold all the same: nothing in the log says whether an authority was asked."""
    times = {stamps.audited.log: stamps.times for stamps in checked}
    count = sum(
        standing.standing is NoteVerdict.HOLDS and _goes_beyond(standing, logs, times)
        for log_standings in standings.values()
        for standing in log_standings
    )
    if count:
        yield Text.counted(
            "{count} purge stands by the company's own word: no time-stamp shows that what it took was old"
            " enough.",
            "{count} purges stand by the company's own word: no time-stamp shows that what they took was old"
            " enough.",
            count,
        )


def _goes_beyond(
    standing: NoteStanding, logs: Mapping[str, ReadLog], times: Mapping[str, Mapping[int, datetime]]
) -> bool:
    """Return whether a purge took more than was stamped by the time that it names. Before the first
    time-stamp that is so old, no purge does."""
    note = standing.entry.note
    if note is None or not isinstance(note.content, PurgeNote):
        return False
    purge = note.content
    rules = (entry.note for entry in logs[note.log].entries if entry.leaf.index == purge.rule)
    rule = next((rule.content for rule in rules if rule), None)
    if not isinstance(rule, RuleNote) or rule.witnesses:
        return False
    sizes = [size for size, at in times.get(purge.of, {}).items() if at <= purge.cutoff]
    return 0 < max(sizes, default=0) < purge.below
