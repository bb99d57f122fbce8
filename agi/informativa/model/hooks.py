"""The hook of a company: the address that is told of its callers' consents, and what is told there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from datetime import datetime

from .errors import LedgerError
from .frozen import dataclass
from .text import Text
from .words import Answer


@dataclass(frozen=True)
class Hook:
    """The address where a company takes messages about its callers' consents, one a message within `seconds`.

    `secret` signs each, and names the caller by a hash of his number; with `by_customer` a caller whom the
    dialplan knows by a customer number has that name. `url` or `secret` is empty where the configuration has
    none that can be used: then messages are put into the outbox, and wait there.
    """

    url: str
    secret: bytes = field(repr=False)
    by_customer: bool = False
    seconds: float = 10.0

    @property
    def is_usable(self) -> bool:
        """True if messages can be sent."""
        return bool(self.url and self.secret)


@dataclass(frozen=True)
class HookMessage:
    """A message to a company's hook about one act of a caller. `record` is that of the ledger; `id` is the
    same however often it is sent. `tries` is the number of deliveries that failed so far."""

    record: int
    id: str
    subject: str
    word: Answer
    choice: str
    purpose: str
    version: str
    at: datetime
    recorded: datetime
    tries: int = 0

    @property
    def summary(self) -> str:
        """The act in short, for a log. It names no caller: the record does, as long as it exists."""
        return f"{self.word.value} {self.choice}, record {self.record}"


class ErasureUnfinishedError(LedgerError):
    """The records of a caller are erased, and traces of him are left. `undelivered` are messages to the
    company's hook that were deleted with the records, of which nobody else tells it."""

    def __init__(self, message: Text, remedy: Text, undelivered: Sequence[HookMessage] = ()) -> None:
        super().__init__(message, remedy)
        self.undelivered = tuple(undelivered)


@dataclass(frozen=True)
class HookReply:
    """The answer of a hook: its HTTP status, 0 with the `reason` where there was none. `retry_after` is the
    pause in seconds that it asks for."""

    status: int
    reason: str = ""
    retry_after: float = 0.0

    @property
    def took(self) -> bool:
        """True if the message is delivered."""
        return 200 <= self.status < 300

    @property
    def stops(self) -> bool:
        """True if the receiver wants no messages any more (410)."""
        return self.status == 410

    @property
    def refused(self) -> bool:
        """True if this message is refused: the same again will not help by itself."""
        return 400 <= self.status < 500 and self.status not in (408, 410, 425, 429)

    @property
    def error(self) -> str:
        """The status, or why there was no answer; '' for a message that was taken."""
        return "" if self.took else str(self.status or self.reason)
