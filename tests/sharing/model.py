"""Callers who ring boxes, and a small sequential model of what may have become of them.

The model knows what a caller and the dialplan saw, in the order in which they saw it, and nothing of how
boxes agree. Its clock counts: what is earlier has the smaller number, however slow the machine is.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

import psycopg

from doubles import ScriptedSession, SteadyRecordings, heard_whole, incoming, line
from informativa.call.answering import CallServices, answer
from informativa.call.guard import suspend
from informativa.ledgers.groupcommit import GroupCommitLedger
from informativa.ledgers.sqlite import SqliteStore
from informativa.model import Line, Playback, Prompt, Status
from informativa.model.ports import Clock
from informativa.process.bootstrap import SystemClock
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.membership import About
from informativa.sharing.others import SharedBoxes
from lab.process import until
from sharing.conftest import Boxes, received

PATIENCE = 60.0  # seconds until all is quiet; a fraction of one seen where nothing is broken
PACE = 0.02  # seconds between two calls of one caller, who rings until what is done meanwhile is over
FAR = 20.0  # seconds: a database that answers at all answers within them
INFORMING = "SELECT box, max(record) FROM acme.record WHERE informs = 1 GROUP BY box"


@dataclass(frozen=True)
class Ring:
    """One call, as the caller and the dialplan saw it. Whoever had been informed by its `horizon` was to be
    known to this box."""

    caller: tuple[bytes, int]
    box: str
    call: str
    began: int
    horizon: int
    heard: int
    """The time at which the notice was heard to its end; 0 if none was played."""
    ended: int
    status: Status
    record: int

    @property
    def acknowledged(self) -> tuple[object, ...]:
        """Return what the database must have of it."""
        return self.box, self.record, self.call, str(self.status)


class Telephone(ScriptedSession):
    """A call of which the model notes when its notice ended and when the dialplan was told."""

    def __init__(self, number: int, call: str, clock: Iterator[int]) -> None:
        super().__init__(incoming(f"+39333{number:07d}", id=call, linked=call))
        self._clock = clock
        self.heard = self.ended = 0

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """It is heard whole, while other calls go on."""
        await super().play(prompt, keys, answer=answer)
        await asyncio.sleep(0)
        self.heard = next(self._clock)
        return heard_whole(prompt)

    async def set_variables(self, variables: object) -> None:
        """From here on it is acknowledged."""
        await super().set_variables(variables)  # type: ignore[arg-type]
        self.ended = next(self._clock)


@dataclass
class AheadClock:
    """The machine's clock, which a test may move on."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        """Now, and so much later."""
        return SystemClock().now() + self.ahead


class Machine:
    """A box as the service builds it: a ledger, what sends it and takes in, and what calls ask."""

    def __init__(
        self, boxes: Boxes, name: str, folder: str, of: Line, clock: Clock, **database: object
    ) -> None:
        given = boxes.database(name, **database)
        self.name, self.line = name, of
        self.file = str(boxes.folder / folder / "acme.sqlite3")
        self.ledger = GroupCommitLedger(self.file)
        self._read = SqliteStore(self.file, read_only=True)
        opened = partial(SqliteStore, self.file, create=False)
        self.loop = ExchangeLoop(of.controller, given, About(), opened)
        self.others = SharedBoxes(of.controller, given, suspend, self.loop)
        self.services = CallServices(
            {of.number: of},
            {of.controller.id: self.ledger},
            clock,
            others={of.controller.id: self.others},
            recordings=SteadyRecordings(),
        )

    @property
    def newest(self) -> int:
        """Its newest record."""
        return self._read.newest()

    @property
    def received(self) -> dict[str, int]:
        """The newest record of each other box that it has."""
        return {name: record for name, (record, _answers) in received(self._read).items()}

    def stop(self) -> None:
        """Stop as the service does. Stopping twice is harmless."""
        self.others.close()
        self.ledger.close()
        self._read.close()


@dataclass
class World:
    """Boxes that meet in one database, their callers, and all that these saw.

    In a `strict` one nothing lags: calls wait until the database has their records, and it always answers.
    """

    boxes: Boxes
    strict: bool = False
    machines: dict[str, Machine] = field(default_factory=dict)
    rings: list[Ring] = field(default_factory=list)
    horizon: int = 0
    clock: AheadClock = field(default_factory=AheadClock)
    _callers: int = 0
    _clock: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def start(self, *names: str, key: bytes = b"", folder: str = "", **database: object) -> None:
        """Boxes of these names; with a `key` of their own, or in another `folder` than that of the name."""
        own = line()
        if key:
            own = replace(own, controller=replace(own.controller, key=key.ljust(32, b".")))
        given = {"seconds": FAR, "wait": True} if self.strict else {}
        for name in names:
            where = folder or name
            self.machines[where] = Machine(self.boxes, name, where, own, self.clock, **(given | database))

    def stop(self, *names: str) -> None:
        """Stop these, or all."""
        for name in names or list(self.machines):
            self.machines.pop(name).stop()

    # -- callers ---------------------------------------------------------------------------------------

    async def ring(self, caller: int, box: str) -> Ring:
        """One call, from its beginning to what the dialplan is told."""
        machine, call = self.machines[box], f"{box}/{len(self.rings)}.{next(self._clock)}"
        telephone = Telephone(caller, call, self._clock)
        began = next(self._clock)
        horizon = began if self.strict else self.horizon
        result = await answer(telephone, machine.services)
        assert result.status in (Status.PLAYED, Status.NOTDUE), result
        assert result.error == ""
        rung = Ring(
            caller=(machine.line.controller.key, caller),
            box=machine.name,
            call=call,
            began=began,
            horizon=horizon,
            heard=telephone.heard,
            ended=telephone.ended,
            status=result.status,
            record=int(result.record),
        )
        self.rings.append(rung)
        return rung

    def call(self, caller: int, *boxes: str) -> list[Status]:
        """The same caller rings these boxes at the same time; what became of it."""

        async def at_once() -> list[Ring]:
            return await asyncio.gather(*(self.ring(caller, box) for box in boxes))

        return [ring.status for ring in asyncio.run(at_once())]

    def new_caller(self) -> int:
        """A number that nobody rang from yet."""
        self._callers += 1
        return self._callers

    def load(
        self,
        chance: random.Random,
        rings: int,
        *,
        lines: int = 6,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> None:
        """Ring from so many telephones, so often each, now from a new number and now from an earlier one,
        until what is done `meanwhile` is over."""
        boxes = list(self.machines)

        async def telephone(done: asyncio.Event, doing: asyncio.Future[object]) -> None:
            for rung in itertools.count():
                if rung >= rings and doing.done():
                    return
                new = chance.random() < 0.4 or not self._callers
                await self.ring(
                    self.new_caller() if new else chance.randint(1, self._callers), chance.choice(boxes)
                )
                if rung >= rings // 3:
                    done.set()
                    await asyncio.wait([doing], timeout=0 if doing.done() else PACE)

        async def crowd() -> None:
            begun = asyncio.Event()

            async def trouble() -> object:
                await begun.wait()
                return await asyncio.to_thread(meanwhile)

            doing = asyncio.ensure_future(trouble())
            await asyncio.gather(doing, *(telephone(begun, doing) for _ in range(lines)))

        asyncio.run(crowd())

    # -- the model -------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Wait until every box has what any recorded: whoever was informed by now is known to all from now
        on."""
        now = next(self._clock)
        until(self._quiet, PATIENCE, self._why)
        self.horizon = now

    def check(self) -> str:
        """Return when all is quiet: that what callers saw is what they may see; the figures of it."""
        self.settle()
        self._recorded()
        again = uninformed = 0
        informed: dict[tuple[bytes, int], list[Ring]] = {}
        for rung in self.rings:
            if rung.heard:
                informed.setdefault(rung.caller, []).append(rung)
        for rung in self.rings:
            same = informed.get(rung.caller, [])
            if not rung.heard:
                uninformed += not any(earlier.heard < rung.ended for earlier in same)
            else:
                again += any(self._was_known(earlier, rung) for earlier in same)
        assert uninformed == 0, "skipped without a notice"
        assert again == 0, "played again"
        played = sum(1 for ring in self.rings if ring.heard)
        callers = len({ring.caller for ring in self.rings})
        return f"{len(self.rings)} calls of {callers} callers, {played} notices"

    def _was_known(self, before: Ring, rung: Ring) -> bool:
        """Return whether an earlier call must have been known to the box that was rung."""
        return before.ended < (rung.began if before.box == rung.box else rung.horizon)

    def _recorded(self) -> None:
        """Require that all which was acknowledged is in the database once, and nothing else."""
        rows = self.boxes.sql("SELECT box, record, call, status FROM acme.record")
        rows_by_record, acknowledged = Counter(rows), {ring.acknowledged for ring in self.rings}
        assert len(acknowledged) == len(self.rings)
        assert acknowledged - rows_by_record.keys() == set(), "lost"
        assert rows_by_record.keys() - acknowledged == set(), "in the database, and no client saw it"
        assert {record for record, times in rows_by_record.items() if times > 1} == set(), "doubled"
        assert len({row[2] for row in rows}) == len(rows), "one call has two records"

    def _quiet(self) -> bool:
        try:
            newest_by_box = dict(self.boxes.sql("SELECT box, record FROM acme.ledger"))
            informing = dict(self.boxes.sql(INFORMING))  # past others a box goes without a word in its ledger
        except psycopg.Error:
            return False
        machines = self.machines.values()
        newest = {machine.name: machine.newest for machine in machines}
        return all(newest_by_box.get(name, 0) == count for name, count in newest.items()) and all(
            machine.received.get(str(name), 0) >= count  # type: ignore[operator]
            for machine in machines
            for name, count in informing.items()
            if name != machine.name
        )

    def _why(self) -> str:
        states = {name: machine.loop.state for name, machine in self.machines.items()}
        return f"Not everything is everywhere: {states}"
