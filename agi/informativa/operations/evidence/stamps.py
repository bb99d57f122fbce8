"""Whether the time-stamps of a log's checkpoints hold, as the configured authority's roots say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...errors import EvidenceError, EvidenceFormatError, SignatureError
from ...evidence import timestamp
from ...evidence.log_folder import LogFolder, PublishedLog
from ...evidence.note import Verifier
from ...evidence.settings import TimestampAuthority
from ...text import Text


@dataclass(frozen=True)
class CheckedStamps:
    """The time-stamps (RFC 3161) of one log's checkpoints: how many hold, when the first and the last of them
    were made, and what is wrong with others. `unchecked` says why they could not be looked at."""

    log: str
    hold: int = 0
    first: datetime | None = None
    last: datetime | None = None
    problems: tuple[Text, ...] = ()
    unchecked: EvidenceError | None = None


def check(
    folder: LogFolder, trusted: Sequence[Verifier], authority: TimestampAuthority | None
) -> Iterator[CheckedStamps]:
    """Those of every epoch that has some, by the keys that are `trusted`. Raises EvidenceError where files
    cannot be read."""
    for epoch in folder.epochs():
        published = folder.published(epoch)
        stamps, key = published.timestamps(), published.key_among(trusted)
        if not stamps or key is None:
            continue  # where there is no key the audit says so
        try:
            yield _checked(published, key, stamps, authority)
        except EvidenceError as error:
            yield CheckedStamps(key.name, unchecked=error)


def _checked(
    published: PublishedLog,
    key: Verifier,
    stamps: Sequence[tuple[int, bytes]],
    authority: TimestampAuthority | None,
) -> CheckedStamps:
    """Raises EvidenceError where none can be looked at."""
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
            why = error.text
            problems.append(Text("Of the checkpoint of {size} records: {why}", size=size, why=why))
    return CheckedStamps(
        key.name, len(times), min(times, default=None), max(times, default=None), tuple(problems)
    )
