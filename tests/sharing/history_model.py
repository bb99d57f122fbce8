"""A small sequential model of boxes and callers, against which random histories are held.

It knows what callers and the dialplan saw, in that order, and which exchanges went well to their end; not how
boxes agree. Of what is in the database and on other boxes it knows the least that there must be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from informativa.call.caller import pseudonyms_under
from informativa.model import Identified, Status

Place = tuple[str, int]
"""A company, and the number of a record."""
Caller = tuple[str, str]
"""A company, and a number."""


@dataclass(frozen=True)
class Ring:
    """One call, as the caller and the dialplan saw it. `record` is 0 if none was acknowledged, `heard` if
    nothing was played to the end. `off` says that the box's clock was wrong."""

    caller: Caller
    keys: tuple[bytes, ...]
    call: str
    began: int
    heard: int
    ended: int
    status: Status
    record: int
    off: bool
    answered: bool
    """True if the database was asked, where it had to be."""
    full: bool = False
    """True if the box's ledger had no room for a record."""

    def __str__(self) -> str:
        keys = "".join(key[:1].decode() for key in self.keys)
        marks = f"{' clock' if self.off else ''}{'' if self.answered else ' unanswered'}"
        times = f"{self.began}-{self.heard}-{self.ended}"
        return f"{self.call} {self.caller[1]} {self.status} {self.record} {keys} {times}{marks}"

    @property
    def company(self) -> str:
        """The company that was rung."""
        return self.caller[0]

    def informs(self, later: Ring) -> bool:
        """Return whether it is one that informed the caller of a later call, by a key that the box has which
        he rang then."""
        return (
            self.caller == later.caller
            and bool(self.heard and self.record)
            and self.keys[0] in later.keys
            and not (self.off or later.off)
        )


@dataclass
class Holdings:
    """All that one box must have: its own records, and what it took in."""

    records: dict[Place, Ring] = field(default_factory=dict)
    received: set[Ring] = field(default_factory=set)

    def copy(self) -> Holdings:
        """Return what a copy of its folder has."""
        return Holdings(dict(self.records), set(self.received))


Row = tuple[str, str, int, str, str, bool]
"""A record: company, box, number, call, status, whether it was erased."""


@dataclass
class Model:
    """All calls, the least that the database has, and who was erased."""

    rings: list[Ring] = field(default_factory=list)
    shared: dict[tuple[str, Place], Ring] = field(default_factory=dict)
    """Holdings of each box, by its name and place."""
    standby: dict[tuple[str, Place], Ring] | None = None
    """The same, as it was when a standby stopped to follow."""
    possible: dict[tuple[str, Place], set[Ring]] = field(default_factory=dict)
    """Rings that boxes of a name may have sent."""
    erased: dict[Caller, int] = field(default_factory=dict)
    """The time at which somebody last typed that a caller is to be erased."""
    pending: set[Caller] = field(default_factory=set)
    """Callers who are to be erased; and when all had done it."""
    done: dict[Caller, int] = field(default_factory=dict)
    excused: set[Caller] = field(default_factory=set)
    forgotten: dict[Caller, int] = field(default_factory=dict)
    """The same, where all boxes have done it since; so all before it is gone."""
    reused: set[str] = field(default_factory=set)
    """The names of boxes under which the database may have other records than boxes took in: a failover lost
    these, and let an old ledger go on. Calls ask for the callers of the others."""

    def has(self, name: str, holdings: Holdings) -> None:
        """Let a box of this name have these records, from now on."""
        for place, ring in holdings.records.items():
            self.possible.setdefault((name, place), set()).add(ring)

    def add(self, name: str, holdings: Holdings, ring: Ring) -> None:
        """Take in a call that is over, after a look whether it may have gone so."""
        self._judge(name, holdings, ring)
        self.rings.append(ring)
        if ring.record:
            holdings.records[ring.company, ring.record] = ring
            self.possible.setdefault((name, (ring.company, ring.record)), set()).add(ring)

    def _judge(self, name: str, holdings: Holdings, ring: Ring) -> None:
        """Nobody uninformed is skipped; and who must be known to be informed is not played to."""
        same = [earlier for earlier in self.rings if earlier.caller == ring.caller]
        if not ring.heard:
            since = self.forgotten.get(ring.caller, 0)
            assert any(since < earlier.heard < ring.ended for earlier in same), f"skipped uninformed: {ring}"
            return
        if ring.full and not ring.record:
            return  # a skip that cannot be put on record is not made
        known = {*holdings.received, *(own for own in holdings.records.values())}
        if ring.answered:
            known |= {other for (box, _place), other in self.shared.items() if box != name}
        again = [
            before
            for before in known
            if before.informs(ring) and before.ended > self._gone_until(ring.caller)
        ]
        assert not again, f"played again: {ring}, after {[str(before) for before in again]}"

    def _gone_until(self, caller: Caller) -> float:
        """The time up to which what a caller heard may be gone: until all boxes have erased him."""
        return float("inf") if caller in self.pending else self.done.get(caller, 0)

    def exchanged(self, name: str, holdings: Holdings, companies: Iterable[str]) -> None:
        """Note that a box sent and took in all that there was of these companies. Nothing of names that are
        reused counts as taken in: it may have had other records under the same numbers."""
        served = set(companies)
        for place, ring in holdings.records.items():
            if place[0] in served:
                self.shared[name, place] = ring
        holdings.received |= {
            ring
            for (box, (company, _record)), ring in self.shared.items()
            if box not in {name, *self.reused} and company in served
        }

    def lag(self) -> None:
        """From now on a standby gets nothing more."""
        self.standby = dict(self.shared)

    def promote(self) -> None:
        """It takes over."""
        assert self.standby is not None
        self.shared, self.standby = self.standby, None

    def reuse(self, name: str, everybody: Iterable[Holdings]) -> None:
        """Let a name be reused from now on. A box that takes part again where the server lost it takes
        callers for erased whose records it received, and which are not there under their numbers."""
        self.reused.add(name)
        self._forget(self._sent_by(name), everybody)

    def leave(self, name: str, everybody: Iterable[Holdings]) -> None:
        """Let the box of a name be gone for good. What the server lost of it nobody sends again, and a box
        that waited for it takes its callers for erased."""
        shared_rings = {ring for (box, _place), ring in self.shared.items() if box == name}
        self._forget(self._sent_by(name) - shared_rings, everybody)

    def _sent_by(self, name: str) -> set[Ring]:
        return {ring for (box, _place), rings in self.possible.items() if box == name for ring in rings}

    def _forget(self, rings: set[Ring], everybody: Iterable[Holdings]) -> None:
        for holdings in everybody:
            holdings.received -= rings

    def erase(self, caller: Caller, now: int, strangers: Iterable[Holdings]) -> None:
        """Somebody types it. No box knows of what those alone have that the database refuses, who say so
        themselves, or that do not count there yet."""
        self.erased[caller] = now
        self.pending.add(caller)
        shared = {*self.shared.values()}
        unknown = [ring for other in strangers for ring in other.records.values() if ring not in shared]
        if any(ring.caller == caller for ring in unknown):
            self.excused.add(caller)

    def excuse(self, company: str, holdings: Holdings) -> None:
        """Expect nothing of erasures that are under way and of which a box with these records may not
        hear."""
        callers = {ring.caller for ring in holdings.records.values() if ring.company == company}
        self.excused |= self.pending & callers

    def settle(self, now: int) -> None:
        """All boxes that there are have exchanged all with all."""
        self.done |= dict.fromkeys(self.pending, now)
        self.pending.clear()
        self.forgotten |= {
            caller: since for caller, since in self.erased.items() if caller not in self.excused
        }

    # -- what is stored --------------------------------------------------------------------------------

    def check_ledger(self, name: str, holdings: Holdings, rows: list[Row]) -> None:
        """A ledger has each call that it acknowledged, once, and no other."""
        self._check_rows(name, rows, {(name, place): {ring} for place, ring in holdings.records.items()})
        missing = holdings.records.keys() - {(company, record) for company, _box, record, *_ in rows}
        assert not missing, f"lost on {name}: {missing}"

    def check_database(self, rows: list[Row], accepted: dict[str, Holdings]) -> None:
        """The database has what boxes acknowledged that it accepts, once, and nothing that none sent."""
        places = {(box, (company, record)) for company, box, record, *_ in rows}
        assert len(places) == len(rows), "doubled"
        for name, holdings in accepted.items():
            missing = {(name, place) for place in holdings.records} - places
            assert not missing, f"lost: {missing}"
        for box in {row[1] for row in rows}:
            self._check_rows(box, [row for row in rows if row[1] == box], self.possible)

    def _check_rows(self, name: str, rows: list[Row], possible: dict[tuple[str, Place], set[Ring]]) -> None:
        for company, box, record, call, status, erased in rows:
            rings = possible.get((box, (company, record)), set())
            assert rings, f"{box} has a record {record} of {company} that nobody was told of"
            same = [ring for ring in rings if ring.status == status and (erased or ring.call == call)]
            assert same, f"{box} has {call} {status} in place of {rings}"
            assert not erased or any(ring.caller in self.erased for ring in same), f"erased: {call}"
        calls = Counter((row[0], row[3]) for row in rows if not row[5])
        assert max(calls.values(), default=1) == 1, f"doubled on {name}: {calls.most_common(1)}"

    def to_be_forgotten(self) -> list[Caller]:
        """The callers of whom nothing may be left: they did not ring since they were erased."""
        return [
            caller
            for caller, since in self.forgotten.items()
            if all(ring.ended < since for ring in self.rings if ring.caller == caller)
        ]


def spellings(number: str, keys: Iterable[bytes]) -> list[bytes]:
    """Return what would lead to a caller: his pseudonyms under these keys, as bytes and in hexadecimal."""
    his = pseudonyms_under(Identified(number), keys)
    return [*his, *(pseudonym.hex().encode() for pseudonym in his)]


def not_asked(ring: Ring) -> Ring:
    """The same of a call that got no answer."""
    return replace(ring, answered=False)
