"""The history of a caller: what somebody already got of each notice, by which record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..frozen import dataclass
from .words import Reason

if TYPE_CHECKING:
    from .calls import Event, Record

A_CALL = timedelta(days=1)  # no call lasts as long: what was told longer ago was told before it

Told = tuple[datetime, str, frozenset[str], bool]
"""When a version was told, its id, the purposes of which it told, and whether as a whole."""


@dataclass(frozen=True)
class PriorDelivery:
    """What one caller already got of one notice, and the latest record that proves it.

    `at` is when that one happened, `whole` when he last got a notice as a whole and not a supplement to it
    (`None` if never), `seen` when he last called, as far as that was written down. `box` is whose record it
    is, '' for one of this ledger. `told` are the versions one by one.
    """

    versions: frozenset[str]
    purposes: frozenset[str]
    record: int
    at: datetime
    whole: datetime | None = None
    seen: datetime | None = None
    box: str = ""
    told: frozenset[Told] = field(default=frozenset(), compare=False)

    @property
    def purposes_told_last(self) -> frozenset[str]:
        """The purposes that he was told of when he last got a whole, and by the supplements since, by what is
        on record: also of versions that the configuration does not list any more."""
        if len(self.told) <= 1:
            return self.purposes
        last = frozenset[str]()
        for _at, _version, purposes, whole in sorted(self.told, key=_when):
            last = purposes if whole else last | purposes
        return last

    @property
    def basis(self) -> int | str:
        """The record, as one that rests on it names it: a number, or BOX:NUMBER of another box's."""
        return f"{self.box}:{self.record}" if self.box else self.record

    def merged(self, other: PriorDelivery) -> PriorDelivery:
        """Both together: all versions and purposes of either, the later record, the later times.

        Commutative, associative and idempotent, so the order in which deliveries are read does not matter.
        The record is the later one by number; a paper of an earlier day may be recorded after a call. Those
        of other boxes count from other beginnings: of them the one that happened last, where this ledger has
        none.
        """
        latest = max(self, other, key=_order)
        return PriorDelivery(
            self.versions | other.versions,
            self.purposes | other.purposes,
            latest.record,
            latest.at,
            _later(self.whole, other.whole),
            _later(self.seen, other.seen),
            latest.box,
            self.told | other.told,
        )


def _when(told: Told) -> tuple[datetime, str]:
    return told[:2]


def _order(known: PriorDelivery) -> tuple[object, ...]:
    return (True, known.record) if not known.box else (False, known.at, known.box, known.record)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((moment for moment in (one, other) if moment is not None), default=None)


CallerHistory = Mapping[str, PriorDelivery]
"""What one caller already got, by notice id. Empty for a caller nobody has informed."""


def merged(*histories: CallerHistory) -> CallerHistory:
    """What one caller already got under several pseudonyms: those of a key and of the keys before it."""
    if len(histories) == 1:
        return histories[0]
    together: dict[str, PriorDelivery] = {}
    for history in histories:
        for notice, known in history.items():
            together[notice] = known.merged(together.get(notice, known))
    return together


def known_by(event: Event, record: int) -> PriorDelivery:
    """What its caller knows by one event that informs, under the number of its record.

    Who heard a supplement called then: an older paper that is recorded later must not hide it.
    """
    whole, seen = (None, event.at) if event.supplement else (event.at, None)
    told = frozenset({(event.at, event.version, event.purposes, not event.supplement)})
    return PriorDelivery(frozenset({event.version}), event.purposes, record, event.at, whole, seen, told=told)


def told_by_others(history: CallerHistory, records: Sequence[tuple[str, Record]]) -> CallerHistory:
    """What a caller already got, with what records of other boxes say, each with its box. What was told
    before one of them found that the number had changed hands was told to somebody else, whatever notice it
    was."""
    if not records:
        return history
    since: dict[str, datetime] = {}
    for _box, record in records:
        if record.event.reason is Reason.RECYCLED:
            notice, at = record.event.notice, record.event.at
            since[notice] = max(at, since.get(notice, at))
            since[""] = max(at - A_CALL, since.get("", at - A_CALL))

    def begun(notice: str) -> datetime | None:
        return _later(since.get(notice), since.get(""))

    own = {
        notice: replace(known, whole=_not_before(known.whole, begun(notice)))
        for notice, known in history.items()
        if _not_before(known.at, begun(notice))
    }
    others = (
        {record.event.notice: replace(known_by(record.event, record.number), box=box)}
        for box, record in records
        if record.event.informs and _not_before(record.event.at, begun(record.event.notice))
    )
    return merged(own, *others)


def _not_before(moment: datetime | None, since: datetime | None) -> datetime | None:
    return None if moment and since and moment < since else moment
