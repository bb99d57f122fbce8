"""The ports: what the story of a call needs from outside, such as a session with Asterisk, a ledger, a
clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, TypeVar

from . import (
    CallerHistory,
    ChangedRecording,
    Event,
    Identified,
    IncomingCall,
    KeyPress,
    Playback,
    Prompt,
    Record,
    ReportedDelivery,
    Unasked,
)

if TYPE_CHECKING:  # no call without choices needs it
    from .choices import AnswerHistory

Result = TypeVar("Result")


class CallSession(Protocol):
    """The conversation with Asterisk about one call."""

    @property
    def call(self) -> IncomingCall:
        """Return the call as Asterisk described it at the start."""

    async def play(self, prompt: Prompt, keys: str, *, answer: bool = True) -> Playback:
        """Answer the channel if need be and play a prompt; any of `keys` stops it.

        Without `answer` it goes out as early media, which callers often do not hear.

        Never raises for what may happen to a call: a hang-up, a missing file and a lost connection are
        reported in the `Playback`. Returns within the prompt's length and a bounded time.
        """

    async def key(self, seconds: float) -> KeyPress:
        """Wait so long for one key, and return as soon as it comes.

        Never raises for what may happen to a call: a hang-up and a lost connection are reported in the
        `KeyPress`.
        """

    async def set_variables(self, variables: Mapping[str, str]) -> None:
        """Set channel variables, in this order, in one round trip. Works after a hang-up too.

        Raises SessionError if Asterisk cannot be reached or refuses.
        """

    async def put_database(self, family: str, key: str, value: str) -> bool:
        """Write one AstDB entry. Return whether Asterisk confirmed it. Does not raise."""


class LedgerTransaction(Protocol):
    """A ledger as it is read and written within one transaction."""

    def history(self, pseudonym: bytes) -> CallerHistory:
        """Return the history of this caller."""

    def answers(self, pseudonym: bytes) -> AnswerHistory:
        """Return this caller's answers to choices."""

    def note_call(self, pseudonym: bytes, notice: str, at: datetime) -> None:
        """Note that this caller, who knows the notice, called: it is still his number."""

    def count_unasked(self, line: str, choice: str, reason: Unasked, at: datetime) -> None:
        """Count one caller who was not asked a choice, of which there is no record."""

    def record(self, number: int) -> Record | None:
        """Return the record of that number, if there is one."""

    def append(self, event: Event) -> int:
        """Record one event and return its number. From now on the history under the pseudonym that its caller
        had `earlier` belongs to its own pseudonym; records stay as they are."""

    def dry_run(self) -> None:
        """Look up and record as a call does, and undo it, to test whether calls could be served now."""


class Ledger(Protocol):
    """The place where one controller's deliveries are recorded. Every method raises LedgerError when it
    cannot."""

    async def transact(self, work: Callable[[LedgerTransaction], Result]) -> Result:
        """Do `work` on the transaction, in one transaction; returns once its writes survive a power loss.

        Everything that it reads is durable, or becomes so together with its writes. `work` may be done a
        second time, after the first was undone, and in another thread: it touches nothing else.
        """

    async def history(self, pseudonym: bytes) -> CallerHistory:
        """Return the history of this caller."""
        return await self.transact(lambda transaction: transaction.history(pseudonym))

    async def append(self, event: Event) -> int:
        """Record one event; returns its number once it survives a power loss."""
        return await self.transact(lambda transaction: transaction.append(event))

    def records(self, first: int = 1) -> Iterator[Record]:
        """Iterate over all records from number `first` on, in order."""

    def close(self) -> None:
        """Close the store after queued work is durable. Closing twice is harmless."""


class LookupSource(Protocol):
    """One of a controller's own systems, which may know that a caller was informed."""

    async def ask(self, caller: Identified) -> ReportedDelivery | None:
        """Return the delivery that it reports of this caller; `None` if there was none, or if it is not to be
        asked now.

        Returns within the look-up's time limit. Raises LookupSourceError for no answer or a doubtful one.
        """

    def close(self) -> None:
        """End it once open questions are answered. Closing twice is harmless."""


class Recordings(Protocol):
    """The sound files of the prompts, as they are at the moment of a call."""

    async def current(self, controller: str, prompt: Prompt) -> Prompt | ChangedRecording:
        """Return the prompt with the `recording` that Asterisk would play now, or the reason why it must not
        be played: it is not the recording of this `controller` ('' for nobody's) that was checked, nor the
        same sound.

        A missing file's prompt is returned as it is: Asterisk itself reports that. Never raises.
        """


class Clock(Protocol):
    """The time of day."""

    def now(self) -> datetime:
        """Return the time now, aware, in UTC."""
