"""Stand-ins for what is outside: real classes that keep the contracts of `informativa.model.ports`."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from examples import PLAYED
from informativa.asterisk.ami import ManagerSession
from informativa.model import (
    A_CALL,
    CallerHistory,
    ChangedRecording,
    Controller,
    Event,
    Identified,
    IncomingCall,
    KeyPress,
    Length,
    Line,
    ManagerAccount,
    Notice,
    Playback,
    PriorDelivery,
    Prompt,
    Reason,
    Record,
    ReportedDelivery,
    Step,
    Unasked,
    Version,
    known_by,
)
from informativa.model.choices import AnswerHistory, answers_on_record
from informativa.model.errors import (
    LedgerError,
    LedgerSlowError,
    LookupSourceError,
    ManagerError,
    SessionLostError,
)
from informativa.model.ports import Ledger, LedgerTransaction, Result
from informativa.model.text import Text

CALLER = "+393331234567"
SHORT = Prompt("/prompts/it/short", (Length(80_000, 8000),))  # ten seconds
SUPPLEMENT = Prompt("/prompts/it/supplement", (Length(40_000, 8000),))  # five
FULL = Prompt("/prompts/it/full", (Length(480_000, 8000),))  # a minute


def heard_whole(prompt: Prompt) -> Playback:
    """Return what Asterisk reports of a prompt that ended by itself."""
    return Playback(0, prompt.lengths[0].samples, prompt.seconds, alive=True)


def hung_up(seconds: float) -> Playback:
    """The caller hung up after so many seconds of an 8 kHz file."""
    return Playback(-1, int(seconds * 8000), seconds, alive=False)


def key(digit: str, seconds: float) -> Playback:
    """The caller pressed a key after so many seconds of an 8 kHz file."""
    return Playback(ord(digit), int(seconds * 8000), seconds, alive=True)


MISSING = Playback(-1, 0, 0.01, alive=True)
LOST = Playback(-1, 0, 1.0, alive=False, lost=True)


def incoming(number: str = CALLER, *, line: str = "+390212345678", **more: object) -> IncomingCall:
    """A call as Asterisk announces it."""
    given: dict[str, object] = {
        "id": "1700000000.1",
        "linked": "1700000000.1",
        "presentation": 0,
        "language": "it",
    } | more
    return IncomingCall(line=line, number=number, **given)  # type: ignore[arg-type]


def version(
    name: str = "1",
    *purposes: str,
    material: bool = False,
    full: bool = True,
    **more: object,
) -> Version:
    """One wording in Italian."""
    covers, prompts = frozenset(purposes or ("service",)), {"it": FULL} if full else {}
    return Version(name, covers, material, {"it": SHORT}, prompts, **more)  # type: ignore[arg-type]


def notice(*versions: Version) -> Notice:
    """The notice `privacy`."""
    return Notice("privacy", versions or (version(),))


def line(
    *plan: Notice | Step, controller: str = "acme", number: str = "+390212345678", **more: object
) -> Line:
    """A line whose controller's key is its own; a bare notice is due once."""
    owner = Controller(controller, controller.title(), controller.encode().ljust(32, b"."), "")
    steps = tuple(step if isinstance(step, Step) else Step(step) for step in plan or (notice(),))
    return Line(number, owner, "it", "IT", steps, **more)  # type: ignore[arg-type]


@dataclass
class ScriptedSession:
    """A call that goes as the test says: one playback after another, and what the dialplan gets."""

    call: IncomingCall = field(default_factory=incoming)
    playbacks: list[Playback] = field(default_factory=list)
    presses: list[KeyPress] = field(default_factory=list)
    connected: bool = True
    answered: bool = False
    played: list[tuple[str, str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    database: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._coming = iter(self.playbacks)  # the lists are the test's, which may run again
        self._pressed = iter(self.presses)
        self.waits: list[float] = []

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """Take the next playback; without one, the prompt is heard whole."""
        self.answered = answer
        self.played.append((prompt.path, keys))
        return next(self._coming, None) or heard_whole(prompt)

    async def key(self, seconds: float) -> KeyPress:
        """Take the next key; without one, nothing is pressed in the time."""
        self.waits.append(seconds)
        return next(self._pressed, None) or KeyPress("", seconds)

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Keep them in order, or find that Asterisk is gone."""
        if not self.connected:
            raise SessionLostError("Asterisk closed the AGI connection.")
        self.variables |= variables

    async def put_database(self, family: str, key: str, value: str) -> bool:
        """Keep the entry."""
        if self.connected:
            self.database[f"{family}/{key}"] = value
        return self.connected


class MemoryTransaction:
    """Events in the order of their numbers, and what each version of each notice told each caller."""

    def __init__(
        self, events: list[Event], histories: dict[bytes, dict[tuple[str, str], PriorDelivery]]
    ) -> None:
        self.events, self.histories = events, histories
        self.unasked = Counter[tuple[str, str, Unasked]]()

    def history(self, pseudonym: bytes) -> CallerHistory:
        known_notices: dict[str, PriorDelivery] = {}
        for (notice, _version), known in self.histories.get(pseudonym, {}).items():
            known_notices[notice] = known.merge(known_notices.get(notice, known))
        return known_notices

    def answers(self, pseudonym: bytes) -> AnswerHistory:
        return answers_on_record(
            Record(number, event)
            for number, event in enumerate(self.events, 1)
            if event.pseudonym == pseudonym and event.asked is not None
        )

    def count_unasked(self, line: str, choice: str, reason: Unasked, at: datetime) -> None:
        self.unasked[line, choice, reason] += 1

    def record(self, number: int) -> Record | None:
        return Record(number, self.events[number - 1]) if 0 < number <= len(self.events) else None

    def append(self, event: Event) -> int:
        self.events.append(event)
        if event.pseudonym is not None and event.earlier is not None:
            history = self.histories.setdefault(event.pseudonym, {})
            for version, known in self.histories.pop(event.earlier, {}).items():
                history[version] = known.merge(history.get(version, known))
        if event.pseudonym is not None and event.informs:
            self._inform(event.pseudonym, event)
        return len(self.events)

    def dry_run(self) -> None:
        """Both are tried, and nothing is kept."""
        self.history(b"")

    def note_call(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        history = self.histories.get(pseudonym, {})
        for version, known in history.items():
            if version[0] == notice:
                history[version] = replace(known, last_call=at)

    def _inform(self, pseudonym: bytes, event: Event) -> None:
        """A time that is still to come was written by a clock that was wrong, and counts no more."""
        history = self.histories.setdefault(pseudonym, {})
        for version, known in list(history.items()):
            if event.reason is Reason.RECYCLED and known.at < event.at - A_CALL:
                del history[version]
                continue
            if version[0] != event.notice:
                continue
            if event.reason is Reason.RECYCLED:
                del history[version]
            elif known.last_complete is not None and known.last_complete > (event.recorded or event.at):
                history[version] = replace(known, last_complete=None)
        known, version = known_by(event, len(self.events)), (event.notice, event.version)
        history[version] = known.merge(history.get(version, known))


class MemoryLedger(Ledger):
    """Keeps the same promises as the durable ledgers, except the one about power loss."""

    @property
    def unasked(self) -> Counter[tuple[str, str, Unasked]]:
        """The callers who were not asked, by line, choice and reason."""
        return self._transaction.unasked

    def __init__(self) -> None:
        self._transaction = MemoryTransaction([], {})

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        histories = {pseudonym: dict(known) for pseudonym, known in self._transaction.histories.items()}
        transaction = MemoryTransaction(list(self._transaction.events), histories)
        transaction.unasked = self._transaction.unasked.copy()
        result = work(transaction)
        self._transaction = transaction
        return result

    def records(self, first: int = 1) -> Iterator[Record]:
        for number, event in enumerate(self._transaction.events[first - 1 :], first):
            yield Record(number, event)

    def close(self) -> None:
        pass


class BrokenBook(MemoryTransaction):
    """A ledger that can be read, written, both or neither."""

    def __init__(self, transaction: MemoryTransaction, readable: bool, writable: bool) -> None:
        super().__init__(transaction.events, transaction.histories)
        self.readable, self.writable = readable, writable

    def history(self, pseudonym: bytes) -> CallerHistory:
        """Return what is known, or that it cannot be read."""
        if not self.readable:
            raise LedgerError("The ledger cannot be read.")
        return super().history(pseudonym)

    def append(self, event: Event) -> int:
        """The record's number, or that it cannot be written."""
        if not self.writable:
            raise LedgerError("The ledger cannot be written.")
        return super().append(event)


class BrokenLedger(MemoryLedger):
    """A ledger that can be read, written, both or neither."""

    def __init__(self, *, readable: bool = False, writable: bool = False) -> None:
        super().__init__()
        self._transaction = self.transaction = BrokenBook(self._transaction, readable, writable)

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Do it on the transaction as it is: what raises has written nothing."""
        return work(self._transaction)


class CountingLedger(MemoryLedger):
    """A ledger that counts what it is asked, and takes too long from one time on."""

    asked, slow_from = 0, 1000

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Work as ever, or fail as one that did not answer."""
        self.asked += 1
        if self.asked >= self.slow_from:
            raise LedgerSlowError("The ledger did not answer within 5 s.")
        return await super().transact(work)


class Hold:
    """A piece of work that keeps the writer until it may go on."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()

    def wait(self, _transaction: LedgerTransaction) -> None:
        """Record nothing."""
        self.begun.set()
        assert self.go.wait(30)

    def record(self, transaction: LedgerTransaction) -> int:
        """Record one delivery."""
        self.wait(transaction)
        return transaction.append(PLAYED)


class ScriptedSource:
    """A controller's own system that says what the test says."""

    def __init__(self, delivery: ReportedDelivery | None = None, error: str = "") -> None:
        self.delivery, self.error, self.asked = delivery, error, 0

    async def ask(self, caller: Identified) -> ReportedDelivery | None:
        """Answer, or fail."""
        assert caller.number == CALLER
        self.asked += 1
        if self.error:
            raise LookupSourceError(self.error)
        return self.delivery

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class SteadyRecordings:
    """Prompts whose sound is the one that their path names, until a test says that it changed, and when: at
    the n-th look."""

    changed: dict[str, int] = field(default_factory=dict)
    looks: int = 0
    owners: list[str] = field(default_factory=list)

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """The digest is the path's, so that a test can tell which sound was put on record."""
        self.looks += 1
        self.owners.append(controller)
        if self.looks >= self.changed.get(prompt.path, self.looks + 1):
            return ChangedRecording(Text("{path} was exchanged", path=prompt.path))
        return replace(prompt, recording=recording_of(prompt))


def recording_of(prompt: Prompt) -> str:
    """Return what stands for the sound of a prompt in the tests' records."""
    return hashlib.sha256(prompt.path.encode()).hexdigest()


@dataclass
class SteppingClock:
    """One second later at each look, from noon."""

    at: datetime = datetime(2026, 11, 24, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """The time, which then goes on."""
        self.at += timedelta(seconds=1)
        return self.at


class Message(dict[str, str]):
    """A message of Asterisk at its manager interface: fields by name, '' for one that it does not have."""

    def __getattr__(self, name: str) -> str:
        return self.get(name, "")


@dataclass
class ScriptedManager(ManagerSession):
    """Asterisk's manager interface with a dialplan (steps by context and extension) and rows of AstDB; a call
    that is placed there goes as `events` say."""

    contexts: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    rows: Mapping[str, str] = field(default_factory=dict)
    events: list[Message] = field(default_factory=list)
    placed: dict[str, str | Sequence[str]] = field(default_factory=dict)

    @asynccontextmanager
    async def session(self, _account: ManagerAccount) -> AsyncIterator[ManagerSession]:
        """In place of `ami.session`."""
        yield self

    async def act(self, name: str, **fields: str | Sequence[str]) -> list[Any]:
        """Show the dialplan, or keep how a call was placed; all else is done."""
        if name == "Originate":
            self.placed = fields
        if name != "ShowDialPlan":
            return []
        steps = list(self._steps(str(fields.get("Context", "")), str(fields.get("Extension", ""))))
        if not steps:
            raise ManagerError("It is not there.", answer="Did not find any matching extensions")
        return steps

    def _steps(self, named: str, extension: str) -> Iterator[Message]:
        for context, extensions in self.contexts.items():
            for own, steps in extensions.items():
                if named in ("", context) and (extension in ("", own) or own.startswith("_")):
                    for step in steps:
                        application, _bracket, data = step.removesuffix(")").partition("(")
                        fields = {"context": context, "exten": own, "application": application}
                        yield Message(event="ListDialplan", appdata=data, **fields)

    async def tree(self, family: str) -> dict[str, str]:
        """The rows, whatever the family."""
        return dict(self.rows)

    async def listen(self, *classes: str) -> None:
        """All comes anyway."""

    async def event(self, seconds: float) -> Any | None:
        """The next event, of the channel that was placed; as long as it takes if there is none."""
        if self.events:
            return Message(self.events.pop(0), uniqueid=str(self.placed["OtherChannelId"]))
        await asyncio.sleep(seconds)
        return None


GONE = "gone"  # in place of an answer: the connection is closed


@dataclass
class ManagerServer:
    """Asterisk's manager interface as a server that really listens, in the loop of who asks it. `replies` is
    what it says to each action, some of it made out of the action's fields: messages with an empty line
    between them. To an action that is not there it says nothing; whoever logs in is let in. `left` is set
    when who asked has hung up."""

    replies: dict[str, str | Callable[[Mapping[str, str]], str]] = field(default_factory=dict)
    greeting: bytes = b"Asterisk Call Manager/11.0.0\r\n"
    asked: list[dict[str, str]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[ManagerAccount]:
        """At a port of its own, with the account that it knows."""
        self.replies.setdefault("Login", "Response: Success\nMessage: Authentication accepted")
        self._writers: list[asyncio.StreamWriter] = []
        self._serving: list[asyncio.Task[Any] | None] = []
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield ManagerAccount("127.0.0.1", server.sockets[0].getsockname()[1], "dora", "words")
        finally:
            server.close()
            self.hang_up()
            await asyncio.gather(*filter(None, self._serving))
            await server.wait_closed()

    def say(self, *messages: str) -> None:
        """Send events, for which nobody asked."""
        for writer in self._writers:
            writer.writelines(_message(message) for message in messages)

    def hang_up(self) -> None:
        """Hang up as Asterisk does when it is stopped."""
        for writer in self._writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._serving.append(asyncio.current_task())
        writer.write(self.greeting)
        fields: dict[str, str] = {}
        async for line in reader:
            name, _colon, value = line.decode().strip().partition(": ")
            if name:
                fields[name] = value
                continue
            identity = fields.pop("ActionID")
            self.asked.append(fields)
            reply = self.replies.get(fields["Action"], "")
            answer = reply(fields) if callable(reply) else reply
            if answer == GONE:
                writer.close()
            elif answer:
                writer.writelines(
                    _message(f"{event}\nActionID: {identity}") for event in answer.split("\n\n")
                )
            fields = {}
        self.left.set()
        writer.close()


def _message(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode() + b"\r\n\r\n"
