"""The boxes of a random history, and what their people do: they ring, start boxes again and type commands."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from informativa.model import Status
from informativa.sharing import administration
from lab.postgres import SUPERUSER
from sharing.fleet_database import FleetDatabase
from sharing.history_model import Caller, Holdings, Model, Ring
from sharing.model import AheadClock
from sharing.stepped import Setting, SteppedBox, Telephone, copied, lines
from sharing.wire import Wire

KEYS = b"k" * 32, b"n" * 32
PAUSE = 60.0  # seconds: longer than calls leave a database in peace that did not answer
NUMBERS = [f"+3933312345{number:02d}" for number in range(14)]
"""The callers of a history, but those who ring for the sake of one fault."""


@dataclass(frozen=True)
class Size:
    """The sizes among which a history draws."""

    boxes: tuple[int, ...] = (2, 2, 3, 3, 4)
    companies: tuple[int, ...] = (1, 2, 2, 3)
    steps: int = 50


@dataclass(eq=False)
class Member:
    """A box of the fleet as its people see it, and what it must have."""

    box: SteppedBox
    clock: AheadClock
    wire: Wire
    holdings: Holdings = field(default_factory=Holdings)
    disturbed: bool = False
    """True if the next question may find a broken connection."""
    away: bool = False
    strange: bool = False
    """True if it may have another's name or ledger, so that nobody waits for it with an erasure."""
    known: set[str] = field(default_factory=set)
    """The companies for which it took part, so that an erasure waits for it."""
    copies: Path | None = None
    backup: Holdings | None = None
    backed_up: int = 0
    """The time of the backup."""
    diverged: bool = False
    """True if its ledger went back, or has a copy of the same name, and it has not taken part since: others
    may have taken in other records under its numbers."""
    unheard: set[Caller] = field(default_factory=set)
    """Callers who were erased since the backup that it has now, in which they are known from other boxes. It
    has not reached the database since, which tells it."""
    keys: tuple[bytes, ...] = KEYS[:1]

    @property
    def name(self) -> str:
        """The name that it has in the database."""
        return self.box.setting.name

    def __str__(self) -> str:
        return f"{self.name} ({self.box.folder.name})"


class Fleet:
    """All boxes of a history; a context manager that ends them."""

    def __init__(self, folder: Path, database: FleetDatabase, seed: str, size: Size) -> None:
        self.chance, self.model, self.drawn = random.Random(seed), Model(), Counter[str]()
        self.folder, self.database, self.ticks = folder, database, itertools.count(1)
        self.numbers = itertools.count(1)
        self.runner = asyncio.Runner()
        self.companies = [f"c{number}" for number in range(self.chance.choice(size.companies))]
        self.members: list[Member] = []
        self.retired = set[str]()
        """The names of boxes that left for good."""
        self._gone = set[str]()
        """The boxes among them of which the database knows that."""
        self._wires: list[Wire] = []
        for _box in range(self.chance.choice(size.boxes)):
            self.join()
        if self.chance.random() < 0.3:
            self.drawn["schema of before"] += 1
            self.database.take_back(self.chance.choice(self.companies))
        self.frozen = self.members[-1] if len(self.members) > 2 and self.chance.random() < 0.3 else None
        """A box that was stopped (SIGSTOP) and does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for member in self.members:
            member.box.stop()
        for wire in self._wires:
            wire.__exit__()
        self.runner.close()

    def join(self, source: Member | None = None, name: str = "") -> Member:
        """Start a box of a new name, or of the name and with the ledgers of another one."""
        number = next(self.numbers)
        folder, wire = self.folder / f"machine-{number}", Wire(self.database.port)
        self._wires.append(wire)
        wire.__enter__()
        name = name or f"pbx-{number}"
        if source is None:
            self.database.new_ledgers(folder, self.companies)
        else:
            copied(source.box.folder, folder)
        keys = source.keys if source else KEYS[:1]
        setting = Setting(name, lines(self.companies, keys), wire.hosts)
        self.database.let_in(name, self.companies)
        self.database.write_passwords(folder / "pgpass")
        clock = AheadClock()
        member = Member(SteppedBox(folder, setting, clock, wire), clock, wire, keys=keys)
        if source is not None:
            member.holdings = source.holdings.copy()
        self.model.has(name, member.holdings)
        self.members.append(member)
        return member

    def start_again(self, member: Member, setting: Setting | None = None, source: Path | None = None) -> None:
        """Stop a box and start it once more, with other settings or from another folder."""
        old = member.box
        old.stop()
        if source is not None:
            copied(source, old.folder)
        setting = setting or old.setting
        self.database.let_in(setting.name, self.companies)
        self.database.write_passwords(old.folder / "pgpass")
        member.box = SteppedBox(old.folder, setting, member.clock, member.wire)
        member.disturbed = True
        self.model.has(setting.name, member.holdings)

    def new_number(self) -> str:
        """Return the number of a caller who did not ring anywhere yet, and is not among NUMBERS."""
        return f"+39333123{next(self.numbers):04d}"

    def pick(self) -> Member:
        member = self.chance.choice([member for member in self.members if member is not self.frozen])
        print(f"  on {member}")
        return member

    def ring(self, member: Member, company: str = "", number: str = "", *, full: bool = False) -> None:
        """One call, on a ledger that may be `full`."""
        box = member.box
        company = company or self.chance.choice(self.companies)
        number = number or self.chance.choice(NUMBERS)
        call = f"{company}/{len(self.model.rings)}"
        telephone = Telephone(number, box.setting.lines[company], call, self.ticks)
        before, began, paused = box.unanswered, next(self.ticks), box.is_paused
        result = box.ring(self.runner, telephone)
        answered = box.unanswered == before
        served = self.database.serves(member.name, company)
        excused = member.disturbed or member.away or paused or not served
        assert answered or excused, f"unanswered: {box.failures[-1:]} {box.errors}"
        if not answered and not member.away:
            member.disturbed = False  # whatever was broken is let go
        assert result.status in (Status.PLAYED, Status.NOTDUE, Status.FALLBACK, Status.FAILED), result
        refused = box.is_refused  # whose name may be another's, whose records are not its own
        ring = Ring(
            caller=(company, number),
            keys=member.keys,
            call=call,
            began=began,
            heard=telephone.heard,
            ended=telephone.ended,
            status=result.status,
            record=int(result.record) if result.record.isdigit() else 0,
            off=bool(member.clock.ahead),
            answered=answered and not refused,
            full=full,
        )
        print(f"  {member}: {ring}")
        self.model.add(member.name, member.holdings, ring)

    def exchange(self, member: Member) -> set[str]:
        """One exchange. Who connects anew for it connects for questions, too. Behind a pgbouncer an exchange
        may go on over its connection while that of the questions was ended: then nothing is said of these."""
        connects, companies = member.box.place.connects, member.box.exchange()
        if len(companies) == len(self.companies):
            if not self.database.is_pooled or member.box.place.connects > connects:
                member.disturbed = False
            names = [other.name for other in self.members]
            member.strange = member.strange and names.count(member.name) > 1
            member.diverged = member.diverged and names.count(member.name) > 1
        if len(companies) == len(self.companies) or member.box.is_refused:
            member.unheard.clear()
        print(f"  {member} exchanged for {sorted(companies)}")
        member.known |= companies
        self.model.exchanged(member.name, member.holdings, companies)
        return companies

    def ring_quietly(self, member: Member) -> None:
        """One call that may get no answer."""
        member.disturbed = True
        self.ring(member)

    def mend(self, member: Member) -> None:
        member.wire.mend()
        member.away, member.disturbed = False, True
        member.box.later += PAUSE

    def disturb(self) -> None:
        for member in self.members:
            member.disturbed = True

    def rename(self, member: Member) -> None:
        """Do what a refused box is told to do; and its old name is retired, where no other has it."""
        if [other.name for other in self.members].count(member.name) == 1:
            self.retired.add(member.name)
        member.diverged = False
        self.start_again(member, replace(member.box.setting, name=f"pbx-{next(self.numbers)}"))

    def retire_in_database(self, name: str) -> None:
        """Somebody types that a box left for good, once; or again for one that never took part, which a
        failover brought back."""
        if name in self._gone and not self.database.is_awaited(name):
            return
        self._gone.add(name)
        database = replace(self.members[0].box.database, hosts=self.database.hosts)
        for company in self.companies:
            administration.retire(database, company, name)
        self.model.leave(name, [member.holdings for member in self.members])

    def migrate_on(self, member: Member) -> None:
        database = replace(member.box.database, hosts=self.database.hosts)
        list(administration.migrate(database, self.companies, SUPERUSER))
        self.database.migrated(member.name)
