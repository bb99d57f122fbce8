"""Random histories of a fleet: calls, exchanges, faults and what people type, all drawn by one seed.

Nothing happens by itself (`stepped.py`), so a seed gives the same history again. After each call the model
(`history_model.py`) judges it; at the end all is mended, whoever is refused gets another name, as the message
says, and what is stored is compared with what callers saw.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from informativa.call.caller import pseudonyms_under
from informativa.evidence.commitment import KEPT
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified
from sharing.faults import AT_MOST, LOST_TAILS, Faults
from sharing.fleet import KEYS, NUMBERS, PAUSE, Member, Size
from sharing.fleet_database import FleetDatabase
from sharing.history_model import Row, spellings
from sharing.stepped import lines

WEIGHTS = {"calls": 40, "exchanges": 20, "turns": 8}
"""The weight of what is drawn and is no fault; each fault counts 1."""
FEW = 3  # companies whose callers all ring once more at the end


class History(Faults):
    """One history."""

    def __init__(self, folder: Path, database: FleetDatabase, seed: str, size: Size) -> None:
        super().__init__(folder, database, seed, size)
        self._steps = size.steps

    def run(self) -> str:
        """All of it; how much there was."""
        faults = self.faults()
        names = [*WEIGHTS, *faults]
        weights = [WEIGHTS.get(name, 1) for name in names]
        for _step in range(self._steps):
            (name,) = self.chance.choices(names, weights)
            print(f"{name} …")
            if name == "calls":
                self.ring(self.pick())
            elif name == "exchanges":
                self.exchange(self.pick())
            elif name == "turns":
                self.pick().box.turn(looks=self.chance.random() < 0.5)
            elif self.drawn[name] < AT_MOST.get(name, 9) and faults[name]():
                self.drawn[name] += 1
        self._end()
        played = sum(bool(ring.heard) for ring in self.model.rings)
        return (
            f"{len(self.members)} boxes, {len(self.companies)} companies, {len(self.model.rings)} calls,"
            f" {played} notices; {dict(self.drawn)}"
        )

    def _end(self) -> None:
        """Mend all, let everybody exchange, and compare."""
        self.wake()
        for member in self.members:
            self.mend(member)
            member.clock.ahead = timedelta()
            if not self.database.is_migrated(member.name):
                self.migrate_on(member)
        self.database.serve_again((member.name for member in self.members), self.companies)
        for name in sorted(self.retired):
            self.retire_in_database(name)
        for member in self.members:  # only now all have the new key
            if len(member.keys) == 1 and any(len(other.keys) > 1 for other in self.members):
                member.keys = KEYS[::-1]
                self.start_again(
                    member, replace(member.box.setting, lines=lines(self.companies, member.keys))
                )
        self._settle()
        self._compare_knowledge()
        for company, number in itertools.product(self.companies[:FEW], NUMBERS):
            self.ring(self.chance.choice(self.members), company, number)
        self._settle()
        self._compare()

    def _settle(self) -> None:
        for _round in range(8):
            quiet = []
            for member in self.members:
                member.box.later += PAUSE
                quiet.append(self.exchange(member) == set(self.companies))
                if member.box.is_refused:
                    self.rename(member)
            for name in sorted(self.retired):
                self.retire_in_database(name)
            if all(quiet) and _round > 0 and self.database.orders() == 0:
                break
        else:
            states = [f"{member.name}: {member.box}" for member in self.members]
            waited_for = self.database.waited_for()
            raise AssertionError(f"It does not come to an end: {waited_for} is waited for; {states}")
        for member in self.members:
            self.exchange(member)
        self.model.settle(next(self.ticks))

    def _compare(self) -> None:
        for member in self.members:
            member.box.stop()
        rows = self.database.rows()
        self.model.check_database(rows, {member.name: member.holdings for member in self.members})
        for member in self.members:
            self.model.check_ledger(member.name, member.holdings, list(self._stored(member)))
        erased = self.model.to_be_forgotten()
        pseudonyms = self.database.pseudonyms(self.retired if any(map(self.drawn.get, LOST_TAILS)) else set())
        for company, number in erased:
            his = spellings(number, KEYS)
            left = [name for his_company, name in pseudonyms if his_company == company and name in his]
            assert not left, f"{company} {number} is in the database"
            for member in self.members:
                for file in member.box.folder.glob(f"{company}.sqlite3*"):
                    content = file.read_bytes()
                    assert not any(name in content for name in his), f"{company} {number} is in {file}"
        for member in self.members:
            self.database.check_apart(member.name, member.box.folder / "pgpass")

    def _compare_knowledge(self) -> None:
        """Each box knows who was informed on the others, of those who are in the database: also of two
        machines with one name, of which the database has one or the other since a failover."""
        informed, callers = self.database.informed(), self._pseudonyms()
        for member, company in itertools.product(self.members, self.companies):
            with closing(member.box.store(company)) as store:
                unknown = [
                    f"{box}:{record}"
                    for box, record, pseudonym in informed.get(company, ())
                    if box != member.name
                    and box not in self.model.reused
                    and not any(store.history(one) for one in callers.get(pseudonym, [pseudonym]))
                ]
            assert not unknown, f"{member} has not taken in {unknown} of {company}"

    def _pseudonyms(self) -> dict[bytes, list[bytes]]:
        """All pseudonyms of whoever rang, by each of them: a new key takes over the history of an old one."""
        callers = {number for _company, number in (ring.caller for ring in self.model.rings)}
        return {
            pseudonym: pseudonyms_under(Identified(number), KEYS)
            for number in callers
            for pseudonym in pseudonyms_under(Identified(number), KEYS)
        }

    def _stored(self, member: Member) -> Iterator[Row]:
        for company in self.companies:
            with closing(SqliteStore(str(member.box.file(company)), create=False)) as store:
                for record in store.records():
                    event = record.event
                    if event.kind not in KEPT:
                        erased = event.pseudonym is None
                        yield company, member.name, record.number, event.call, str(event.status), erased
