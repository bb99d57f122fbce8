"""Decisions about a purge by prefix: up to which time, by which rule, and how many leaves. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ..model.text import NOTHING, Text
from .notes import RuleNote
from .rules import NOTICE, DatedRule, LogRules

OLDEST_COSIGNATURE = timedelta(days=1)
LARGEST_STEP = timedelta(minutes=10)  # of the clock, behind a witness's


@dataclass(frozen=True)
class PurgeLimit:
    """The rule that a note of a purge names, and the minute (UTC) before which its records were recorded."""

    rule: DatedRule
    cutoff: datetime


def limit(rules: LogRules, at: datetime, noted: datetime) -> PurgeLimit | None:
    """Return the limit of a purge at a minute by the rules of the log that gets its note; `None` if nothing
    may be purged. The longest retention of the seven days before counts, also for the minute that the note
    gets, `noted`, which is later after the clock was set back."""
    named = [rule for rule in rules.own.values() if rule.since is not None and rule.since <= at]
    recent = [*rules.recent(at), *rules.recent(noted)]
    if not named:
        return None
    cutoffs = [before(rule, moment) for rule in recent for moment in (at, noted)]
    known = [cutoff for cutoff in cutoffs if cutoff is not None]
    return PurgeLimit(named[-1], min(known)) if len(known) == len(cutoffs) else None


def before(rule: RuleNote, at: datetime) -> datetime | None:
    """Return the minute (UTC) that lies a rule's retention before another; `None` if it keeps all."""
    if rule.retention is None:
        return None
    try:
        return rule.retention.before(at, ZoneInfo(rule.zone)).astimezone(UTC).replace(second=0, microsecond=0)
    except (ValueError, OverflowError, OSError, KeyError):  # no such zone, or a time before the year 1
        return None


def cosigned_size(sizes: Sequence[int], first_time: Callable[[int], int | None], latest: int) -> int:
    """Return the largest of these sizes, in order, whose checkpoint a witness first signed by a time; 0 if
    none is. Larger ones were signed later, so few are read. Checkpoints that no witness signed are passed
    over."""
    largest, low, high = 0, 0, len(sizes)
    while low < high:
        middle = place = (low + high) // 2
        while (at := first_time(sizes[place])) is None and place > low:
            place -= 1
        if at is None:
            low = middle + 1
        elif at <= latest:
            largest, low = sizes[place], middle + 1
        else:
            high = place
    return largest


def clock_flaw(cosigned: Iterable[int], at: datetime) -> Text:
    """Return why nothing is purged by this clock, by the times of the newest cosignatures; '' if it may."""
    newest = max(cosigned, default=None)
    if newest is None:
        return Text("Nothing is deleted now: no witness has signed the log yet.")
    time = datetime.fromtimestamp(newest, UTC)
    if at - time > OLDEST_COSIGNATURE:
        return Text(
            "Nothing is deleted now: the newest signature of a witness is of {time:%Y-%m-%d %H:%M} UTC.",
            time=time,
        )
    if time - at > LARGEST_STEP:
        return Text(
            "Nothing is deleted now: the clock is behind that of a witness, who signed at"
            " {time:%Y-%m-%d %H:%M} UTC.",
            time=time,
        )
    return NOTHING


def doubt(rules: LogRules, limit: PurgeLimit | None, at: datetime) -> Text:
    """Return why an audit will not excuse what a purge deletes; '' if it will."""
    agreed = rules.agreed(at)
    if limit is None or agreed is None or agreed == rules.in_force(at):
        return NOTHING
    cutoff = before(agreed, at)
    if cutoff is not None and limit.cutoff <= cutoff and limit.rule.content.witnesses == agreed.witnesses:
        return NOTHING
    return Text(
        "Nobody is known who approves the rule by which records are deleted: an audit calls that a gap."
        " Name an approver (approver), and have the rule approved."
    )


def delay(rules: LogRules, limit: PurgeLimit | None, at: datetime) -> Text:
    """Return why less is purged than the newest rule would have; '' if it is not less by the rules."""
    newest = next(reversed(rules.own.values()), None)
    cutoff = before(newest.content, at) if newest else None
    if newest is None or cutoff is None or (limit is not None and limit.cutoff >= cutoff):
        return NOTHING
    if newest.since is None:
        return Text("The shorter retention waits for its approval.")
    return Text(
        "Until {day:%Y-%m-%d} the retention of before counts, because it was shortened.",
        day=newest.since + NOTICE,
    )
