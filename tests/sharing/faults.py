"""Faults that befall a fleet in a random history. Each returns whether there was one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from informativa.call.caller import pseudonyms_under
from informativa.ledgers import erasure
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Identified
from informativa.model.errors import SharedDatabaseError
from informativa.sharing import erasure_orders, sealed_caller
from sharing.fleet import KEYS, NUMBERS, Fleet, Member
from sharing.stepped import FAR, NEAR, copied, lines

MOST_PAGES = 1 << 30  # of SQLite's; there is room
AT_MOST = {
    "clone": 1,
    "same name": 1,
    "restore": 2,
    "retired": 1,
    "killed": 1,
    "erased since a backup": 1,
    "old copy of the database": 1,
    "a past before it joins": 1,
    "the other of a name": 1,
}
"""The share of histories that have what makes them slow, or leaves few boxes."""
LOST_TAILS = ("lost tail", "lost tail amid a turn", "old copy of the database")
"""The faults after which the database may have rows of retired boxes that were erased."""


class Faults(Fleet):
    """A fleet with the faults that may be drawn."""

    def faults(self) -> dict[str, Callable[[], bool]]:
        """All of them, by name."""
        return {
            "connection lost amid a turn": self._break,
            "network cut": self._cut,
            "connections ended": self._end_connections,
            "killed": self._kill,
            "frozen server": self._freeze,
            "lost tail": self._lose_tail,
            "lost tail amid a turn": self._lose_tail_amid_a_turn,
            "old copy of the database": self._put_database_back,
            "database's disk full": self._fill_database,
            "box's disk full": self._fill_ledger,
            "wrong clock": self._set_clock,
            "clone": self._clone,
            "same name": self._same_name,
            "the other of a name": self._swap,
            "backup": self._back_up,
            "restore": self._restore,
            "erased since a backup": self._erase_since_backup,
            "half-done key rotation": self._rotate,
            "box killed": self._restart,
            "erasure": self._erase,
            "a past before it joins": self._join_with_a_past,
            "other name": self._rename_one,
            "retired": self._retire,
            "migration": self._migrate,
            "frozen box": self.wake,
        }

    def _break(self) -> bool:
        """The connection ends at any byte, of those that go out or come back: what was sent may be there."""
        member = self.pick()
        member.wire.break_after(self.chance.choice(("out", "back")), self.chance.randrange(1, 6000))
        if self.chance.random() < 0.5:
            self.ring_quietly(member)
        member.box.turn()
        self.mend(member)
        return True

    def _cut(self) -> bool:
        member = self.pick()
        if member.away:
            self.mend(member)
            return False
        member.wire.cut()
        member.away = member.disturbed = True
        return True

    def _end_connections(self) -> bool:
        self.database.end_connections()
        self.disturb()
        return True

    def _kill(self) -> bool:
        """kill -9, and started again."""
        self.database.kill()
        self.disturb()
        return True

    def _freeze(self) -> bool:
        """The server says nothing amid calls and a turn, until somebody ends its connections."""
        member = self.pick()
        if member.away or not member.box.place.listen_for(4 * NEAR):
            return False
        member.wire.silence()
        member.away = True
        member.box.wait_for_answers(NEAR)
        for _call in range(self.chance.randrange(3)):
            self.ring(member)
        member.box.turn()
        member.wire.cut()
        member.box.wait_for_answers(FAR)
        self.mend(member)
        return True

    def _lose_tail(self) -> bool:
        """A standby stops to follow, and later it is promoted. Connections are lost, or a pgbouncer holds
        them."""
        if self.model.standby is None:
            self.database.lag()
            self.model.lag()
            return False
        stays = self.chance.random() < 0.5
        self._promote()
        if not stays:
            self.database.end_connections()
        self.disturb()
        return True

    def _lose_tail_amid_a_turn(self) -> bool:
        """A box looked what another sent, and before it takes that in a server takes over that has not got
        it: the caller did not ring anywhere else."""
        members = self._connected()
        if self.model.standby is not None or len(members) < 2:
            return False
        reader, writer = self.chance.sample(members, 2)
        for member in (reader, writer, reader):
            self.exchange(member)
        self.database.lag()
        self.model.lag()
        self.ring(writer, number=self.new_number())
        self.exchange(writer)
        reader.box.place.before_receiving = self._promote
        reader.box.turn()
        if self.model.standby is not None:  # it did not come so far
            self._promote()
        self.disturb()
        return True

    def _put_database_back(self) -> bool:
        """A caller is erased, and all boxes that can be reached have done it; then the database is put back
        as it was before, and a new box is the first to reach it."""
        members = self._connected()
        if self.model.standby is not None or len(members) < 2:
            return False
        company, number = self.chance.choice(self.companies), self.new_number()
        self._ring_and_exchange(members, company, number)
        self.database.lag()
        self.model.lag()
        self._erase_on(self.chance.choice(members), company, number)
        self._exchange_all(members)
        self._promote()
        self.database.end_connections()
        self.disturb()
        self.database.serve_again((member.name for member in self.members), self.companies)
        newcomer = self.join()
        newcomer.disturbed = True
        self.exchange(newcomer)
        return True

    def _join_with_a_past(self) -> bool:
        """A box takes calls before it ever takes part. Meanwhile one of its callers is erased, and all boxes
        have done it, also those that could not be reached before; then it takes part."""
        self.wake()
        for member in self.members:
            self.mend(member)
        members = self._connected()
        if self.model.standby is not None or len(members) < 2:
            return False
        company, number = self.chance.choice(self.companies), self.new_number()
        newcomer = self.join()
        newcomer.disturbed = True
        self.ring(newcomer, company, number)
        self._ring_and_exchange(members, company, number)
        self._erase_on(self.chance.choice(members), company, number)
        self._exchange_all([member for member in self.members if member is not newcomer])
        self.exchange(newcomer)
        return True

    def _swap(self) -> bool:
        """Two machines have one name. A standby that knows neither takes over, and the one that was refused
        is the first to reach it: with fewer records than others took in under that name."""
        members = self._connected()
        if self.model.standby is not None or not members:
            return False
        self.database.lag()
        self.model.lag()
        company = self.chance.choice(self.companies)
        first = self.join()
        for _call in range(3):
            self._ring_and_exchange([first], company, self.new_number())
        self._exchange_all(members)
        second = self.join(name=first.name)
        first.strange = second.strange = second.disturbed = True
        self.ring(second, company, self.new_number())
        self._promote()
        self.database.end_connections()
        self.disturb()
        self.database.serve_again((member.name for member in self.members), self.companies)
        self.exchange(second)
        self._exchange_all(members)
        return True

    def _counts(self, member: Member, company: str) -> bool:
        """Return whether erasures of a company wait for a box: it took part, or its login serves it."""
        return company in member.known or self.database.serves(member.name, company)

    def _promote(self) -> None:
        """A standby takes over. A box that never took part does not count if it does not serve the company
        there: what is still to be erased may be ordered once more without it. And nothing is left that could
        tell an old ledger, put back by hand, whom it knows that were erased since."""
        self.database.promote()
        self.model.promote()
        for member, company in itertools.product(self.members, self.companies):
            if not self._counts(member, company):
                self.model.excuse(company, member.holdings)
        for name in self.retired:
            self.model.leave(name, [member.holdings for member in self.members])
        for member in self.members:
            self.model.excused |= member.unheard
            if member.diverged:
                self.model.reuse(member.name, [other.holdings for other in self.members])

    def _connected(self) -> list[Member]:
        """The boxes that can do something now and reach the database under their names."""
        return [
            member
            for member in self.members
            if not (member is self.frozen or member.away or member.strange or member.clock.ahead)
        ]

    def _ring_and_exchange(self, members: Sequence[Member], company: str, number: str) -> None:
        """Let a caller ring one of these boxes, and all of them know it."""
        self.ring(self.chance.choice(members), company, number)
        self._exchange_all(members)

    def _exchange_all(self, members: Sequence[Member]) -> None:
        """Let all of them do what the others asked, and see that all have done it."""
        for member in (*members, *members, *members):
            self.exchange(member)

    def _fill_database(self) -> bool:
        with self.database.full():
            for _turn in range(self.chance.randrange(1, 4)):
                member = self.pick()
                self.ring_quietly(member)
                member.box.turn()
        self.disturb()
        return True

    def _fill_ledger(self) -> bool:
        """There is no room for a record more: calls go on, and nothing is taken in."""
        member, company = self.pick(), self.chance.choice(self.companies)
        with member.box.ledgers[company]._store().connected() as connection:
            (pages,) = connection.execute("PRAGMA page_count").fetchone()
            connection.execute(f"PRAGMA max_page_count = {pages}")
        for _call in range(self.chance.randrange(1, 6)):
            self.ring(member, company, full=True)
        with member.box.ledgers[company]._store().connected() as connection:
            connection.execute(f"PRAGMA max_page_count = {MOST_PAGES}")
        return True

    def _set_clock(self) -> bool:
        member = self.pick()
        days = self.chance.choice((-400, 400, -1, 1)) if not member.clock.ahead else 0
        member.clock.ahead = timedelta(days=days)
        return bool(days)

    def _clone(self) -> bool:
        """A copy of a machine's disk is started beside it, under its name or another."""
        source = self.pick()
        source.box.stop()
        clone = self.join(source, source.name if self.chance.random() < 0.6 else "")
        clone.strange = source.strange = True
        clone.diverged = source.diverged = clone.name == source.name
        self.start_again(source)
        self.ring_quietly(clone)
        return True

    def _same_name(self) -> bool:
        other = self.pick()
        member = self.join(name=other.name)
        member.strange = other.strange = True
        self.ring_quietly(member)
        return True

    def _back_up(self) -> bool:
        self._copy(self.pick())
        return True

    def _copy(self, member: Member) -> None:
        member.copies = member.copies or self.folder / f"copy-{next(self.numbers)}"
        member.box.stop()
        copied(member.box.folder, member.copies)
        member.backup, member.backed_up = member.holdings.copy(), next(self.ticks)
        self.start_again(member)

    def _restore(self) -> bool:
        """Somebody copies an old ledger into its place, by hand."""
        backed = [member for member in self.members if member.backup and member is not self.frozen]
        if not backed:
            return False
        self._put_back(self.chance.choice(backed))
        return True

    def _put_back(self, member: Member) -> None:
        assert member.backup is not None
        member.holdings, member.strange, member.diverged = member.backup.copy(), True, True
        own = {ring.caller for ring in member.backup.records.values()}
        member.unheard = {
            caller
            for caller, erased in self.model.erased.items()
            if erased > member.backed_up and caller not in own
        }
        self.start_again(member, source=member.copies)

    def _erase_since_backup(self) -> bool:
        """A caller is on record in a copy of a box's ledger, or known there from another box, and all boxes
        that can be reached erase him; then somebody copies the old ledger into its place."""
        members = self._connected()
        if len(members) < 2:
            return False
        company, number = self.chance.choice(self.companies), self.new_number()
        self._ring_and_exchange(members, company, number)
        member, other = self.chance.sample(members, 2)
        self._copy(member)
        self._erase_on(other, company, number)
        self._exchange_all(members)
        self._put_back(member)
        return True

    def _rotate(self) -> bool:
        """One box gets the new key, beside the old one."""
        member = self.pick()
        if len(member.keys) > 1:
            return False
        member.keys = KEYS[::-1]
        self.start_again(member, replace(member.box.setting, lines=lines(self.companies, member.keys)))
        return True

    def _restart(self) -> bool:
        """Return what it had not sent is in its ledger; how it went on knows the database."""
        self.start_again(self.pick())
        return True

    def _erase(self) -> bool:
        """Somebody types it on a box, which tells the others, or its service does later."""
        self._erase_on(self.pick(), self.chance.choice(self.companies), self.chance.choice(NUMBERS))
        return True

    def _erase_on(self, member: Member, company: str, number: str) -> None:
        keys = member.box.controller(company).keys
        his = pseudonyms_under(Identified(number), keys)
        sealed = sealed_caller.seal(Identified(number), keys)
        file, now = member.box.file(company), datetime.now(UTC)
        request = erasure.erase(file, his, now, everywhere=True, sealed=sealed).request
        assert request is not None
        strangers = [
            other.holdings for other in self.members if other.strange or not self._counts(other, company)
        ]
        self.model.erase((company, number), next(self.ticks), strangers)
        print(f"  {company} {number} is erased on {member}")
        with closing(SqliteStore(str(file), create=False)) as store, suppress(SharedDatabaseError):
            erasure_orders.order(member.box.database, company, request, store)
        member.box.loops[company].wake()

    def _rename_one(self) -> bool:
        refused = [member for member in self.members if member.box.is_refused and not member.away]
        if refused:
            self.rename(self.chance.choice(refused))
        return bool(refused)

    def _retire(self) -> bool:
        """A box burns down, and somebody types that it left for good."""
        if len(self.members) < 3:
            return False
        member = self.pick()
        if any(other.name == member.name for other in self.members if other is not member):
            return False
        self.members.remove(member)
        member.box.stop()
        self.retired.add(member.name)
        return True

    def _migrate(self) -> bool:
        """A company that has a schema of its own goes into the tables of all, as a box after the other types
        it."""
        waiting = [member for member in self.members if not self.database.is_migrated(member.name)]
        if not waiting:
            return False
        self.migrate_on(self.chance.choice(waiting))
        return True

    def wake(self) -> bool:
        """A box that was stopped (SIGSTOP) for all that happened so far goes on where it was."""
        frozen, self.frozen = self.frozen, None
        if frozen is None:
            return False
        frozen.box.turn()
        return True
