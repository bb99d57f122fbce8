"""Everything that informativa raises on purpose.

    InformativaError            says what is wrong; `remedy` says what to do or type next
    ├── ConfigError             the configuration cannot be used; carries every problem found
    ├── LedgerError             the ledger cannot be read or written now
    │   ├── EventRefusedError   it can, but not this event
    │   ├── LedgerOutdatedError it is of an earlier informativa, and calls must not wait for its migration
    │   └── LedgerSlowError     it did not answer in the time that a call can wait
    ├── LookupSourceError           a controller's own system did not say whether a caller was told
    ├── ManagerError            Asterisk's manager interface cannot be used
    ├── SpeechError             a prompt cannot be spoken, read or written
    └── SessionError            the conversation with Asterisk
        ├── ProtocolError       the other side does not speak AGI
        └── SessionLostError    the other side went away, or did not answer in time

Expected outcomes (a hang-up, a missing prompt, a withheld number) are values of `model`, not errors.
Only the command line's `main` and the two session entry points catch `InformativaError` as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class InformativaError(Exception):
    """The root. `str(error)` is one sentence for an admin, the remedy included."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy


@dataclass(frozen=True)
class Problem:
    """One thing wrong with a configuration: where (file, line, key path), what, and what mends it, where the
    message does not say that."""

    file: str
    line: int | None
    key: str
    message: str
    remedy: str = ""

    @property
    def said(self) -> str:
        """All but the remedy."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)

    def __str__(self) -> str:
        return f"{self.said}; {self.remedy}" if self.remedy else self.said


class ConfigError(InformativaError):
    """The configuration cannot be used. All problems are reported at once, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class LedgerError(InformativaError):
    """The ledger cannot be read or written now: nothing was recorded by this operation."""


class LedgerOutdatedError(LedgerError):
    """The ledger is of an earlier informativa and has records: to migrate it is not a call's task."""


class EventRefusedError(LedgerError):
    """This event cannot be recorded, whatever the state of the ledger; others can."""


class LedgerSlowError(LedgerError):
    """The ledger did not answer in time: it may still do what it was asked, and nobody waits for it again."""


class LookupSourceError(InformativaError):
    """A controller's own system gave no answer in time, or one that leaves a doubt. Never names a number."""


class ManagerError(InformativaError):
    """Asterisk's manager interface did not answer, or refused; `answer` is its own word why, '' if none."""

    def __init__(self, message: str, remedy: str = "", answer: str = "") -> None:
        super().__init__(message, remedy)
        self.answer = answer


class SpeechError(InformativaError):
    """A prompt cannot be made of this text or this recording, or with the programs that are there."""


class SessionError(InformativaError):
    """The conversation with Asterisk about one call failed."""


class ProtocolError(SessionError):
    """What came is not AGI: too long, undecodable, or a reply that no Asterisk gives."""


class SessionLostError(SessionError):
    """Asterisk closed the connection, or did not answer within the time that the command may take."""


def problems(error: InformativaError) -> tuple[Problem, ...]:
    """An error as problems, for who reads them one by one: those of a configuration, or itself."""
    return error.problems if isinstance(error, ConfigError) else (Problem("", None, "", str(error)),)
