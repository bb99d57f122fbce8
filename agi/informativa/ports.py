"""What the story of a call needs from the outside world: a session with Asterisk, a ledger, a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from .model import (
    CallerHistory,
    ChangedRecording,
    Event,
    Identified,
    IncomingCall,
    Playback,
    Prompt,
    Record,
    ReportedDelivery,
)

Result = TypeVar("Result")


class CallSession(Protocol):
    """The conversation with Asterisk about one call."""

    @property
    def call(self) -> IncomingCall:
        """What Asterisk said at the start."""

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """Answer the channel if need be and play a prompt; any of `keys` stops it.

        Without `answer` it goes out as early media, which callers often do not hear.

        Never raises for what may happen to a call: a hang-up, a missing file and a lost connection
        are told by the `Playback`. Returns within the prompt's length and a bounded time.
        """

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables, in this order, in one round trip. Works after a hang-up too.

        Raises SessionError if Asterisk cannot be reached or refuses.
        """

    async def put_database(self, family: str, key: str, value: str) -> bool:
        """Write one AstDB entry; whether Asterisk confirmed it. Does not raise."""


class LedgerTransaction(Protocol):
    """A ledger as it is read and written within one transaction."""

    def history(self, pseudonym: bytes) -> CallerHistory:
        """What this caller already got."""

    def see(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        """This caller, who knows the notice, called: it is still his number."""

    def record(self, number: int) -> Record | None:
        """The record of that number, if there is one."""

    def append(self, event: Event) -> int:
        """Record one event; its number. From now on what was known under the pseudonym that its caller had
        `earlier` is known under its own; records stay as they are."""

    def dry_run(self) -> None:
        """Look up and record as a call does, and take it back: whether calls could be served now."""


class Ledger(Protocol):
    """Where one controller's deliveries are recorded. Every method raises LedgerError when it cannot."""

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Do `work` on the transaction, in one transaction; returns once what it wrote survives a power loss.

        Everything that it reads is durable, or becomes so together with what it writes. `work` may be done
        a second time, after the first was undone, and in another thread: it touches nothing else.
        """

    async def history(self, pseudonym: bytes) -> CallerHistory:
        """What this caller already got."""
        return await self.transact(lambda transaction: transaction.history(pseudonym))

    async def append(self, event: Event) -> int:
        """Record one event; returns its number once it survives a power loss."""
        return await self.transact(lambda transaction: transaction.append(event))

    def records(self, first: int = 1) -> Iterator[Record]:
        """All records from number `first` on, in order."""

    def close(self) -> None:
        """Let go of the store after what was queued is durable. Closing twice is harmless."""


class LookupSource(Protocol):
    """One of a controller's own systems, which may know that a caller was told."""

    async def ask(self, caller: Identified) -> ReportedDelivery | None:
        """What it says of this caller; `None` if he was not told, or if it is not to be asked now.

        Returns within the look-up's time limit. Raises LookupSourceError for no answer or a doubtful one.
        """

    def close(self) -> None:
        """Let go of it when what is being asked was answered. Closing twice is harmless."""


class OtherBoxes(Protocol):
    """The other boxes of a company, by the database where they meet. Nothing of it is waited for longer than
    the time limit, and nothing of it raises: what it cannot say, nobody knows."""

    async def ask(self, pseudonyms: Sequence[bytes]) -> Sequence[tuple[str, Record]]:
        """What they told this caller: records that inform, each with its box."""

    async def wait(self, record: int) -> None:
        """Until our records up to that one are there too, where that is to be waited for."""

    def close(self) -> None:
        """Let go of it. Closing twice is harmless."""


class Recordings(Protocol):
    """The sound files of the prompts, as they are at the moment of a call."""

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """The prompt with the `recording` that Asterisk would play now, or why it must not: it is not the
        one of this `controller` ('' for nobody's) that was found in order, nor the same sound.

        One that is not there is given back as it is: that, Asterisk says itself. Never raises.
        """


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Now, aware, in UTC."""
