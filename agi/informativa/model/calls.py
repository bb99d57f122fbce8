"""The nouns of a call: who rings, what is decided, what was heard, what is put on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import TYPE_CHECKING

from ..frozen import dataclass
from .plan import Notice, Prompt, Version
from .words import Ending, Reason, RecordKind, Status, Vouched

if TYPE_CHECKING:
    from .history import PriorDelivery

TELEPHONE_RATE = 8000  # hertz


@dataclass(frozen=True)
class IncomingCall:
    """What Asterisk says about a call at its start (the AGI environment). An attacker writes parts.

    `linked` is the id that all channels of one conversation share, also after a transfer. `number` is
    in clear and lives only as long as the call (it is kept out of `repr`). `presentation` is Q.931's
    octet as a number. `ambiguous` is set when what came is not what Asterisk sends, which only happens
    when somebody put line breaks into a variable.
    """

    id: str
    linked: str
    line: str
    number: str = field(repr=False)
    presentation: int
    language: str
    options: Mapping[str, str] = field(default_factory=dict)
    script: str = ""
    ambiguous: bool = False


@dataclass(frozen=True)
class Identified:
    """A caller that can be recognised: by an E.164 number with its plus sign, or by a customer number that
    the dialplan knows (after a PIN, say). `country` is ISO 3166, '' where there is none; `vouched` is who
    says that the number is the caller's."""

    number: str = field(repr=False)
    country: str = ""
    customer: bool = False
    vouched: Vouched = Vouched.NOBODY


@dataclass(frozen=True)
class Unidentified:
    """A caller that cannot be recognised, and why. Never taken as informed (law: 13(4) GDPR). `doubt` is for
    the admin's log: what nobody understood."""

    reason: Reason
    doubt: str = ""


Caller = Identified | Unidentified


@dataclass(frozen=True)
class ReportedDelivery:
    """What one of the controller's own systems says: which version a caller was told, how, when, by which
    paper."""

    version: Version
    kind: RecordKind
    at: datetime
    reference: str


@dataclass(frozen=True)
class Decision:
    """Play `version` of `notice` or leave it out, always with a reason and, for a skip, its proof.

    `prompts`, by language, are the version's short ones or a `supplement`; `purposes` are those that
    they tell of.
    """

    notice: Notice
    version: Version
    play: bool
    reason: Reason
    prompts: Mapping[str, Prompt]
    purposes: frozenset[str]
    basis: PriorDelivery | None = None
    supplement: bool = False

    @property
    def status_of_skip(self) -> Status:
        """How it goes where it is left out: by an explicit setting, or because the caller already has it."""
        return Status.SKIPPED if self.reason is Reason.SERVICE_DATA_ONLY else Status.NOTDUE


@dataclass(frozen=True)
class Playback:
    """What Asterisk reported for one STREAM FILE.

    `result` and `endpos` are AGI's (`endpos` in samples of the file it chose), `seconds` is the time
    from command to reply, `alive` is whether the channel was still up afterwards. `lost` means that
    no reply came at all.
    """

    result: int
    endpos: int
    seconds: float
    alive: bool
    lost: bool = False


@dataclass(frozen=True)
class Heard:
    """How much of a prompt reached the caller: its ending, how many samples of how many, at which rate in
    hertz, as the file has them that Asterisk chose; a key if any."""

    ending: Ending
    samples: int
    total: int
    rate: int = TELEPHONE_RATE
    key: str = ""

    @classmethod
    def in_seconds(cls, ending: Ending, seconds: float, length: float, key: str = "") -> Heard:
        """Of what is known in seconds alone: as of a file at the telephone's rate."""
        return cls(ending, round(seconds * TELEPHONE_RATE), round(length * TELEPHONE_RATE), key=key)

    @property
    def seconds(self) -> float:
        """How much of it was heard."""
        return self.samples / self.rate

    @property
    def length(self) -> float:
        """How long it lasts, in seconds."""
        return self.total / self.rate


@dataclass(frozen=True)
class Binding:
    """What ties one record to a caller's number, for whoever has the key that opens this record alone
    (evidence/commitment.py): 32 bytes, and the salt of 16 bytes that was drawn for it."""

    salt: bytes = field(repr=False)
    value: bytes


@dataclass(frozen=True)
class Event:
    """One row of the ledger: one decision and what became of it. No caller's number, ever.

    `pseudonym` is `None` for a caller who was not recognised. `heard` is `None` where nothing was to
    be played. `basis` is the number of the record that shows the caller was informed already, BOX:NUMBER
    where another box has it.
    `language` is the one played, `wanted` the one that should have been, where that is another.
    `reference` names the evidence of what was told elsewhere. An `erased` event is what a caller's
    request for erasure left.

    `at` is when it happened, `recorded` when it was put on record, `None` for the same moment. `vouched` is
    who said that the number is the caller's, `None` where none was recognised. `recording` is the sha256, in
    hexadecimal, of the sound that was played. A `supplement` told only what is new. What does not count
    (`counts`) informs nobody although it was heard: by a setting. Of an event that is about to be recorded
    `binding` ties it to the number of a caller that was recognised. `earlier` is a pseudonym that he had by
    an earlier key: what was known under it is known under this event's since.
    """

    at: datetime
    call: str
    line: str
    pseudonym: bytes | None
    notice: str
    version: str
    language: str
    purposes: frozenset[str]
    status: Status
    reason: Reason
    prompt: str = ""
    heard: Heard | None = None
    basis: int | str | None = None
    linked: str = ""
    wanted: str = ""
    kind: RecordKind = RecordKind.PHONE
    reference: str = ""
    erased: bool = False
    recorded: datetime | None = None
    vouched: Vouched | None = None
    recording: str = ""
    supplement: bool = False
    counts: bool = True
    earlier: bytes | None = None
    binding: Binding | None = field(default=None, compare=False)

    @property
    def informs(self) -> bool:
        """Whether the caller has this version now: only a notice heard to its end informs, and one that
        he skipped where a setting says that this counts."""
        if self.erased or not self.counts:
            return False
        given = self.status in (Status.PLAYED, Status.INFORMED)
        return given or (self.status is Status.SKIPPED and self.heard is not None)


def told_elsewhere(
    notice: Notice,
    version: Version,
    kind: RecordKind,
    at: datetime,
    pseudonym: bytes | None,
    reference: str,
    recorded: datetime | None = None,
    **more: str | Binding,
) -> Event:
    """The event of a caller who got a notice otherwise than by a prompt, `at` a time that may be long before
    it is `recorded`; `more` are other fields of it."""
    empty = {"call": "", "line": "", "language": ""}
    return Event(
        at=at,
        pseudonym=pseudonym,
        notice=notice.id,
        version=version.id,
        purposes=version.purposes,
        status=Status.INFORMED,
        reason=Reason.TOLD_ELSEWHERE,
        kind=kind,
        reference=reference,
        recorded=recorded,
        **(empty | more),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Record:
    """An event that is durable, under its number."""

    number: int
    event: Event


@dataclass(frozen=True)
class RecordFilter:
    """Which records are wanted; what is not given is of no account. `caller` is a pseudonym or the beginning
    of one, `callers` are whole ones of which it is one; they happened from `since` on, and before `until`."""

    line: str = ""
    caller: bytes = b""
    status: Status | None = None
    reason: Reason | None = None
    since: datetime | None = None
    until: datetime | None = None
    callers: tuple[bytes, ...] = ()

    def takes(self, event: Event) -> bool:
        """Whether a record of this event is one of them."""
        return (
            self.line in ("", event.line)
            and (event.pseudonym or b"").startswith(self.caller)
            and (not self.callers or event.pseudonym in self.callers)
            and self.status in (None, event.status)
            and self.reason in (None, event.reason)
            and (self.since is None or event.at >= self.since)
            and (self.until is None or event.at < self.until)
        )


@dataclass(frozen=True)
class CallResult:
    """What the dialplan is told: status, the word that explains it, and the record (or spool key).

    `error` is for the admin's log: why the ledger did not take it; `doubt` too: a word of the network's that
    nobody understood. `heard` names the records of what was
    heard whole in this call so far, for the next try after a transfer. `events` are what became of each
    notice, in the order of the plan.
    """

    status: Status
    reason: str
    record: str = ""
    error: str = ""
    heard: str = ""
    events: tuple[Event, ...] = ()
    doubt: str = ""
