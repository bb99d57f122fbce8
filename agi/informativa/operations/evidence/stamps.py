"""The check of the time-stamps of a log's checkpoints, by the roots of the configured authority."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...evidence import timestamp
from ...evidence.log_folder import LogFolder, PublishedLog
from ...evidence.note import Verifier
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


def check(
    folder: LogFolder, trusted: Sequence[Verifier], authority: TimestampAuthority | None
) -> Iterator[AuditedStamps]:
    """Check the time-stamps of every epoch that has some, with the keys that are `trusted`. Raises
    EvidenceError if files cannot be read."""
    for epoch in folder.epochs():
        published = folder.published(epoch)
        stamps, key = published.timestamps(), published.key_among(trusted)
        if not stamps or key is None:
            continue  # the audit reports a missing key
        try:
            yield _checked(published, key, stamps, authority)
        except EvidenceError as error:
            yield AuditedStamps(key.name, unchecked=error.text)


def _checked(
    published: PublishedLog,
    key: Verifier,
    stamps: Sequence[tuple[int, bytes]],
    authority: TimestampAuthority | None,
) -> AuditedStamps:
    """Check the time-stamps of one log. Raises EvidenceError if none can be checked."""
    if authority is None:
        raise EvidenceError(
            Text(
                "the configuration names no authority",
                "write the certificates of its root into evidence.timestamp.certificates",
            )
        )
    roots, times, problems = timestamp.certificates(authority), list[datetime](), list[Text]()
    for size, stamp in stamps:
        try:
            data = published.checkpoint_of(size)
            if data is None:
                problems.append(
                    Text("A time-stamp is of a checkpoint of {size} records, which is gone.", size=size)
                )
                continue
            times.append(timestamp.verify(stamp, timestamp.stamped_bytes(data, key), roots).at)
        except (SignatureError, EvidenceFormatError) as error:
            text = Text("Of the checkpoint of {size} records: {why}", size=size, why=error.text)
            problems.append(text)
    return AuditedStamps(
        key.name, len(times), min(times, default=None), max(times, default=None), tuple(problems)
    )
