"""A box whose exchange goes on turn by turn, in the thread of whoever says so: the order is a test's own.

All that the service has of it is there but the waiting: ledgers, the exchange of all companies over one
connection, the questions of calls. Each box has a folder, a file of passwords and a wire to the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from doubles import ScriptedSession, SteadyRecordings, heard_whole, incoming, line
from informativa.call.answering import CallServices, answer
from informativa.call.guard import suspend
from informativa.ledgers.sqlite import SqliteLedger, SqliteStore
from informativa.model import CallResult, Controller, Line, Playback, Prompt, SharedDatabase
from informativa.model.errors import BoxRefusedError, DefectError, InformativaError
from informativa.sharing.company_exchange import CompanyExchange
from informativa.sharing.connection import Connection
from informativa.sharing.loop import ExchangeLoop
from informativa.sharing.meeting_place import MeetingPlace
from informativa.sharing.membership import About
from informativa.sharing.others import SharedBoxes
from informativa.sharing.question import AnswerRows, Subject
from sharing.wire import Wire

FAR = 30.0  # seconds: a database that answers at all answers within them
NEAR = 0.05  # … and one that is known to say nothing is waited for no longer
TURNS = 12  # more than it takes until all is sent and taken in


class SteppedPlace(MeetingPlace):
    """A meeting place whose thread does nothing: its work is done by `turn`."""

    before_receiving: Callable[[], object] | None = None
    """An event that comes once, when the place has looked what others sent and not taken it in yet."""
    connects = 0
    """The number of times that it connected."""

    def _run(self) -> None:
        """End at once."""

    def turn(self, *, looks: bool = True) -> None:
        """Do what the thread does once, as if all pauses were over. Unless it `looks`, the box does not ask
        what others sent, nor say that it is there."""
        self._let_go()
        exchanges = self._ready(float("inf"))
        if looks:
            self._look_at = self._say_at = 0.0
        self._retry_at = self._ledgers_at = self._send_at = 0.0
        try:
            if exchanges:
                self._exchange(exchanges)
        except Exception as error:
            self._lose(error, exchanges)

    def _connect(self, first: CompanyExchange, now: float) -> Connection:
        connection = super()._connect(first, now)
        self.connects += 1
        return connection

    def _receive(self, connection: Connection, exchanges: Sequence[CompanyExchange]) -> None:
        event, self.before_receiving = self.before_receiving, None
        if event is not None:
            event()
        super()._receive(connection, exchanges)

    @property
    def is_idle(self) -> bool:
        """Return whether there is nothing to do that it knows of."""
        return not self._has_more and not any(exchange.has_more for exchange in self._exchanges)

    def listen_for(self, seconds: float) -> bool:
        """Give up a server that says nothing for so long, over the present connection. Return whether there
        is one."""
        if self._connection is not None:
            self._connection.silence = seconds
        return self._connection is not None

    def leave(self, exchange: object) -> None:
        """Let an exchange go, and with the last one all connections."""
        self._leaving = [own for own in self._exchanges if own is exchange]
        if not self._let_go():
            self._disconnect()
            if self._desk is not None:
                self._desk.close()


class Telephone(ScriptedSession):
    """A call of which it is noted when its notice ended, and when the dialplan was told."""

    def __init__(self, number: str, of: Line, call: str, clock: Iterator[int]) -> None:
        super().__init__(incoming(number, line=of.number, id=call, linked=call))
        self._clock = clock
        self.heard = self.ended = 0

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """It is heard whole."""
        await super().play(prompt, keys, answer=answer)
        self.heard = next(self._clock)
        return heard_whole(prompt)

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """From here on it is acknowledged."""
        await super().set_variables(variables)
        self.ended = next(self._clock)


@dataclass
class Setting:
    """The settings that somebody typed on a box: its name, its companies' lines, and where the database
    is."""

    name: str
    lines: Mapping[str, Line]
    hosts: tuple[str, ...]

    def database(self, passwords: Path, **more: object) -> SharedDatabase:
        """Return where boxes meet, as this one knows it."""
        of_all = SharedDatabase(
            hosts=self.hosts, name="postgres", box=self.name, passwords=str(passwords), seconds=FAR
        )
        return replace(of_all, **more)  # type: ignore[arg-type]


class SteppedBox:
    """One box while its service runs; stopped and started it is another on the same folder."""

    def __init__(self, folder: Path, setting: Setting, clock: object, wire: Wire) -> None:
        self.folder, self.setting, self.clock, self.wire = folder, setting, clock, wire
        self.later = 0.0
        """Seconds by which pauses of its questions are shorter than they are."""
        passwords = folder / "pgpass"
        self.database = setting.database(passwords)
        self.ledgers = {name: SqliteLedger(str(self.file(name))) for name in setting.lines}
        self.loops = {
            name: ExchangeLoop(of.controller, self.database, About(), partial(self.store, name))
            for name, of in setting.lines.items()
        }
        self.others = {
            name: SharedBoxes(of.controller, self.database, suspend, self.loops[name], self._monotonic)
            for name, of in setting.lines.items()
        }
        self.failures: list[Exception] = []
        """Reasons why questions of calls got no answer."""
        guard = next(iter(self.others.values()))._desk.guard
        guard.ask = partial(self._ask, guard.ask)  # type: ignore[method-assign]
        self._services = CallServices(
            {of.number: of for of in setting.lines.values()},
            self.ledgers,
            clock,  # type: ignore[arg-type]
            others=self.others,
            recordings=SteadyRecordings(),
        )

    def _monotonic(self) -> float:
        return self.later

    async def _ask(self, ask: Callable[[Subject], Awaitable[AnswerRows]], subject: Subject) -> AnswerRows:
        try:
            return await ask(subject)
        except Exception as error:
            self.failures.append(error)
            raise

    def file(self, company: str) -> Path:
        """The ledger of a company."""
        return self.folder / f"{company}.sqlite3"

    def store(self, company: str) -> SqliteStore:
        """The same, opened."""
        return SqliteStore(str(self.file(company)), create=False)

    def controller(self, company: str) -> Controller:
        """A company as this box has it, with its keys."""
        return self.setting.lines[company].controller

    @property
    def place(self) -> SteppedPlace:
        """The place of all its exchanges."""
        place = next(iter(self.loops.values())).place
        assert isinstance(place, SteppedPlace)
        return place

    @property
    def errors(self) -> list[InformativaError]:
        """Return why companies' records do not go. A defect of ours fails the test at once."""
        errors = [loop.state.error for loop in self.loops.values() if loop.state.error is not None]
        for error in errors:
            if isinstance(error, DefectError):
                raise AssertionError(error) from error.__cause__
        return errors

    @property
    def is_refused(self) -> bool:
        """Return whether the database takes nothing from it for one company at least."""
        return any(isinstance(error, BoxRefusedError) for error in self.errors)

    def turn(self, *, looks: bool = True) -> None:
        """Send what there is, and with `looks` take in what others sent, as far as one turn goes."""
        self.place.turn(looks=looks)
        assert self.errors is not None

    def exchange(self) -> set[str]:
        """Turn until there is nothing more to do. Return the companies for which all went well."""
        for _ in range(TURNS):
            self.turn()
            if self.place.is_idle and not any(loop.unsure or loop.requests() for loop in self.loops.values()):
                break
        return {name for name, loop in self.loops.items() if self._is_even(loop)}

    def _is_even(self, loop: ExchangeLoop) -> bool:
        return (
            loop.state.error is None
            and loop.exchange is not None
            and loop.state.behind == 0
            and not loop.unsure
            and not loop.requests()
        )

    def wait_for_answers(self, seconds: float) -> None:
        """Let calls wait so long for the database."""
        next(iter(self.others.values()))._desk.guard._seconds = seconds

    @property
    def is_paused(self) -> bool:
        """Return whether calls leave the database in peace."""
        return next(iter(self.others.values())).paused

    @property
    def unanswered(self) -> int:
        """The number of questions in vain."""
        return sum(others.unanswered for others in self.others.values())

    def ring(self, runner: asyncio.Runner, telephone: Telephone) -> CallResult:
        """One call, from its beginning to what the dialplan is told."""
        return runner.run(answer(telephone, self._services))

    def __str__(self) -> str:
        return "; ".join(
            f"{name} {loop.state} unsure={loop.unsure} {loop.requests()}" for name, loop in self.loops.items()
        )

    def stop(self) -> None:
        """Stop as the service does."""
        for others in self.others.values():
            others.close()
        for ledger in self.ledgers.values():
            ledger.close()


def lines(companies: list[str], keys: tuple[bytes, ...]) -> dict[str, Line]:
    """A line for each company. All have the same keys, as none of them has: so whatever one company's callers
    heard would count for another's, if it ever got there."""
    return {
        name: replace(of, controller=replace(of.controller, key=keys[0], old_keys=keys[1:]))
        for number, name in enumerate(companies)
        for of in [line(controller=name, number=f"+39021{number:07d}")]
    }


def copied(source: Path, target: Path) -> None:
    """Copy a folder of ledgers that nobody has open, in place of another."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(target)
    shutil.copytree(source, target)
