"""The errors that informativa raises on purpose.

    InformativaError            says what is wrong; `remedy` says what to do or type next
    ├── AccountError            an account of the console cannot be read, made, or be as somebody wants it
    ├── ConfigError             the configuration cannot be used; carries every problem found
    ├── LedgerError             the ledger cannot be read or written now
    │   ├── EventRefusedError   it can, but not this event
    │   ├── LedgerDamagedError  its file is damaged, or no ledger
    │   ├── LedgerEmptyError    there is nothing in it yet, or any more
    │   ├── ErasureUnfinishedError  (in `hooks`) records are erased, and traces of the caller are left

    │   └── LedgerSlowError     it did not answer in the time that a call can wait
    ├── EvidenceError           what should prove something does not
    │   ├── EvidenceFormatError it is not in its format, or beyond a limit of it
    │   ├── SignatureError      who should have signed did not
    │   ├── TreeProofError      a leaf or an older tree is not in the tree that it should be in
    │   ├── QuorumError         fewer witnesses signed than the policy asks for
    │   ├── ElsewhereError      a publishing target, a witness or an authority does not answer
    │   ├── ForkError           what others have of a log is not what is here
    │   ├── TileMissingError    a published file is not there
    │   └── TileChangedError    a published file is another one than the tree says
    ├── LookupSourceError           a controller's own system did not say whether a caller was told
    ├── ManagerError            Asterisk's manager interface cannot be used
    ├── DefectError             what runs beside the calls met an error that nobody foresaw
    ├── PromptError             a prompt cannot be spoken, read or written
    └── SessionError            the conversation with Asterisk
        ├── ProtocolError       the other side does not speak AGI
        └── SessionLostError    the other side went away, or did not answer in time

Expected outcomes (a hang-up, a missing prompt, a withheld number) are values of `model`, not errors.
Only the command line's `main` and the two session entry points catch `InformativaError` as such.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from .frozen import dataclass
from .text import NOTHING, Text, joined, plain


class InformativaError(Exception):
    """The root: the mistake, and the remedy to type or apply next, as data. `str(error)` is both in English,
    for logs; `views.messages` puts them into a reader's words.

    `code` names the kind of error for a program; a class has one, and an error may have a closer one.

    Nothing is put into words before somebody asks: each call that ends with a hang-up makes an error.
    """

    code = "error"
    exit_code = 1
    """The exit code of a command that it ends."""

    def __init__(self, message: Text | str, remedy: Text | str = NOTHING, *, code: str = "") -> None:
        self._message, self._remedy = plain(message), plain(remedy)
        self.code = code or type(self).code

    @property
    def message(self) -> Text:
        """Return the message without its remedy."""
        return self._message.statement

    @property
    def remedy(self) -> Text:
        """Return the remedy: an action or a command to type. Empty if none is known."""
        return self._remedy or self._message.advice

    @property
    def text(self) -> Text:
        """Return message and remedy together."""
        return joined("; " if self._message.advice else " ", self.message, self.remedy)

    def __str__(self) -> str:
        return str(self.text)


@dataclass(frozen=True)
class ConfigProblem:
    """One mistake in a configuration: its place (file, line, key path), the message, and the remedy, unless
    the message contains it."""

    file: str
    line: int | None
    key: str
    message: Text
    remedy: Text = NOTHING
    defect: Exception | None = field(default=None, compare=False, repr=False)
    """The unforeseen exception behind it, if there was one: for the log."""
    denied: str = field(default="", compare=False)
    """The file that whoever runs this may not read, if that is all that is wrong."""

    def __post_init__(self) -> None:
        if self.message.advice and not self.remedy:
            object.__setattr__(self, "remedy", self.message.advice)
            object.__setattr__(self, "message", self.message.statement)

    @property
    def statement(self) -> Text:
        """Return all but the remedy."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return joined(": ", where, self.key, self.message)

    @property
    def text(self) -> Text:
        """Return all of it."""
        return joined("; ", self.statement, self.remedy)

    def __str__(self) -> str:
        return str(self.text)


class ConfigError(InformativaError):
    """The configuration cannot be used. All problems are reported at once, in file order."""

    code = "configuration"

    def __init__(self, problems: Sequence[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(joined("\n", *(problem.text for problem in self.problems)))


class AccountError(InformativaError):
    """The console's accounts cannot be read or written, or an account would not be valid."""

    code = "account"


class LedgerError(InformativaError):
    """The ledger cannot be read or written now: nothing was recorded by this operation."""

    code = "ledger"


class LedgerDamagedError(LedgerError):
    """The ledger's file is damaged, or no ledger: no informativa can use it."""


class LedgerEmptyError(LedgerError):
    """The ledger is empty, without even tables: it is still to be begun, or somebody emptied it."""

    code = "ledger-empty"


class EventRefusedError(LedgerError):
    """This event cannot be recorded, whatever the state of the ledger; others can."""

    code = "record-refused"


class LedgerSlowError(LedgerError):
    """The ledger did not answer in time: it may still carry out the request, and this call does not wait for
    it again."""

    code = "ledger-slow"


class EvidenceError(InformativaError):
    """Evidence does not prove its claim, or it cannot be read. Nothing counts as proven."""

    code = "evidence"


class EvidenceFormatError(EvidenceError):
    """Data not in the published format, byte for byte, or beyond a limit of it."""

    code = "evidence-format"


class SignatureError(EvidenceError):
    """A signature that should be there is not, or it is another one's, or of another text."""

    code = "evidence-signature"


class TreeProofError(EvidenceError):
    """A proof for another tree: another leaf, another place, or a tree that took something back."""

    code = "evidence-tree"


class QuorumError(EvidenceError):
    """The log's signature is good, and fewer witnesses than the policy asks for signed with it."""

    code = "evidence-quorum"


class ReceiptError(EvidenceError):
    """A receipt contradicts itself, or is not about the expected caller."""

    code = "receipt"


LOG_MISSING = "log-missing"
"""The code of a SigningError where the folder of a signed log is gone."""

KEY_MISSING = "signing-key-missing"
"""The code of a SigningError where the folder of a signed log has no signing key, as after a restore."""

ENDS_UNSIGNED = (LOG_MISSING, KEY_MISSING)
"""The codes of a SigningError where a log can only be ended, and another one be begun."""

SIGNED_ELSEWHERE = "signing-elsewhere"
"""The code of a SigningError that is none where somebody else is to sign."""


class SigningError(EvidenceError):
    """A checkpoint is not signed: it would contradict another one, or it is somebody else's to sign."""

    code = "signing"


class ElsewhereError(EvidenceError):
    """A publishing target, a witness or an authority cannot be reached, or gives a wrong answer. Nothing is
    lost: it is asked again."""

    code = "elsewhere"


class ForkError(EvidenceError):
    """Somebody else's copy of a log does not begin the log here: one of the two took something back, or was
    changed."""

    code = "forked"


class TileMissingError(EvidenceError):
    """A tile or a bundle of a published tree is missing."""

    code = "tile-missing"


class TileChangedError(EvidenceError):
    """A published tile differs from the tree: one of the two was changed."""

    code = "tile-changed"


class LookupSourceError(InformativaError):
    """A controller's own system gave no answer in time, or one that leaves a doubt. Never names a number."""

    code = "look-up"


class DefectError(InformativaError):
    """An unforeseen exception in the work beside the calls. That work goes on by itself, after a pause.
    `kind` is the exception's type; its message may contain data of a caller, and is left out."""

    code = "defect"

    def __init__(self, error: Exception) -> None:
        self.kind = type(error).__name__
        super().__init__(
            Text("A defect of informativa ({kind}).", kind=self.kind),
            Text("Report it, with what its log says: journalctl -u informativa"),
        )


class ManagerError(InformativaError):
    """Asterisk's manager interface did not answer, or refused; `answer` is its own message, '' if none."""

    code = "manager"

    def __init__(
        self, message: Text | str, remedy: Text | str = NOTHING, answer: str = "", *, code: str = ""
    ) -> None:
        super().__init__(message, remedy, code=code)
        self.answer = answer


class PromptError(InformativaError):
    """A prompt cannot be made of this text or this recording, or with the programs that are there."""

    code = "prompt"


class SessionError(InformativaError):
    """The conversation with Asterisk about one call failed."""

    code = "session"


class ProtocolError(SessionError):
    """The peer does not speak AGI: too long, undecodable, or a reply that no Asterisk gives."""

    code = "protocol"


class SessionLostError(SessionError):
    """Asterisk closed the connection, or did not answer within the time that the command may take."""

    code = "session-lost"


def problems(error: InformativaError) -> tuple[ConfigProblem, ...]:
    """Return an error as a list of problems: those of a configuration, or the error itself as the only
    one."""
    return (
        error.problems
        if isinstance(error, ConfigError)
        else (ConfigProblem("", None, "", error.message, error.remedy),)
    )
