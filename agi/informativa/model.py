"""The nouns of a call, all frozen. No I/O and no decisions here.

Terms are the field's own: *controller*, *notice*, *purpose*, *line* (the called number), *delivery*
(one giving of one notice to one caller), *ledger*. Lengths are in samples at a stated rate where
Asterisk gives samples, and in seconds elsewhere; times are aware datetimes in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum


class Status(StrEnum):
    """What the dialplan gets in INFORMATIVA_STATUS: one word for how the notice went."""

    PLAYED = "PLAYED"  # heard to its end
    PARTIAL = "PARTIAL"  # begun and not finished: it stays due
    SKIPPED = "SKIPPED"  # left out by an explicit setting or by the caller's key
    NOTDUE = "NOTDUE"  # this caller already has it
    FALLBACK = "FALLBACK"  # played, but nobody could look or record: it was put into the fallback spool
    FAILED = "FAILED"  # due, and could not be played
    INFORMED = "INFORMED"  # told elsewhere than by a prompt: by an operator, a website, a contract


class Kind(StrEnum):
    """How a caller got a notice; and two kinds of records that are not about a delivery."""

    PHONE = "phone"
    OPERATOR = "operator"
    WEBSITE = "website"
    CONTRACT = "contract"
    ERASURE = "erasure"  # a caller's records were erased at his request
    PURGE = "purge"  # records older than the retention were deleted


class Reason(StrEnum):
    """Why a notice was played or not; with `Ending` the only words INFORMATIVA_REASON may hold."""

    NOT_INFORMED = "not-informed"  # no complete delivery to this caller is on record
    NEW_PURPOSE = "new-purpose"  # what the caller knows does not cover a purpose of today's version
    MATERIAL_CHANGE = "material-change"  # a version since then is a material change
    PERIOD_OVER = "period-over"  # the plan asks for it again after so long
    EVERY_CALL = "every-call"  # the plan asks for it on every call, whoever knows it
    ALREADY_INFORMED = "already-informed"
    SAME_CALL = "same-call"  # heard earlier in this call, before a transfer
    SERVICE_DATA_ONLY = "service-data-only"  # the line's setting: only data that the service needs are used
    WITHHELD = "withheld"  # the caller's number is restricted, unavailable or absent
    MALFORMED = "malformed"  # what came as the caller's number is not one
    SHARED = "shared"  # a number that many show or that stands for a missing one
    AMBIGUOUS = "ambiguous"  # the number may be one of two, or the call's description contradicts itself
    UNVERIFIED = "unverified"  # the network checked the number and found it wrong
    TOLD_ELSEWHERE = "told-elsewhere"  # by an operator, a website, a contract
    REQUEST = "request"  # of the caller, to be erased
    RETENTION = "retention"  # the time for which the controller keeps records is over
    LEDGER_UNAVAILABLE = "ledger-unavailable"
    SERVICE_UNAVAILABLE = "service-unavailable"  # the dialplan had to play it by itself …
    SERVICE_BUSY = "service-busy"  # … or because the service had too many calls
    NO_LINE = "no-line"  # the called number is not configured


class Ending(StrEnum):
    """How the playback of one prompt ended."""

    WHOLE = "whole"
    KEY = "key"  # the caller pressed a key that stops the prompt
    HUNG_UP = "hung-up"
    CUT_SHORT = "cut-short"  # Asterisk ended it before the prompt's known length
    NOT_PLAYABLE = "not-playable"  # Asterisk could not open or decode the prompt
    CONNECTION_LOST = "connection-lost"  # Asterisk, or its connection, went away meanwhile
    SERVICE_STOPPED = "service-stopped"  # informativa was told to stop and could not wait for the end


class NumberForm(StrEnum):
    """How a trunk writes callers' numbers that come without plus or 00."""

    NATIONAL = "national"
    INTERNATIONAL = "international"  # with country code
    EITHER = "either"  # unknown: what may be both is nobody's


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
    the dialplan knows (after a PIN, say). `country` is ISO 3166, '' where there is none."""

    number: str = field(repr=False)
    country: str = ""
    customer: bool = False


@dataclass(frozen=True)
class Unidentified:
    """A caller that cannot be recognised, and why. Never taken as informed (law: 13(4) GDPR)."""

    reason: Reason


Caller = Identified | Unidentified


@dataclass(frozen=True)
class Length:
    """The length of one installed sound file: samples at a rate in hertz."""

    samples: int
    rate: int

    @property
    def seconds(self) -> float:
        return self.samples / self.rate


@dataclass(frozen=True)
class Prompt:
    """One recording as Asterisk knows it: a path without extension, and each installed file's length.

    Asterisk picks the file that suits the channel's codec and reports positions in *its* samples, so
    every installed format's length is kept; all last equally long, within a rounding.
    """

    path: str
    lengths: tuple[Length, ...]

    @property
    def seconds(self) -> float:
        return max((length.seconds for length in self.lengths), default=0.0)


@dataclass(frozen=True)
class Version:
    """One wording of a notice: what it covers and its prompts by language (a short one, maybe a full).

    `starts` is when it comes into force, `None` for always. `supplements` are what to play instead to
    somebody who knows an earlier version, by that version's id: only what is new.
    """

    id: str
    purposes: frozenset[str]
    material: bool
    short: Mapping[str, Prompt]
    full: Mapping[str, Prompt]
    starts: datetime | None = None
    supplements: Mapping[str, Mapping[str, Prompt]] = field(default_factory=dict)


@dataclass(frozen=True)
class Recording:
    """One sound file of a version: notice, version, part, language and format say where it stands."""

    place: tuple[str, str, str, str, str]
    file: str
    sha256: str


@dataclass(frozen=True)
class Notice:
    """What one controller tells its callers, as versions from the oldest to the newest."""

    id: str
    versions: tuple[Version, ...]

    def current(self, now: datetime) -> Version:
        """The newest version in force; before any of them is, the oldest."""
        begun = (version for version in self.versions if version.starts is None or version.starts <= now)
        return max(begun, key=self.versions.index, default=self.versions[0])


@dataclass(frozen=True)
class Step:
    """One notice of a line's plan: `again` is after how long it is due again to who knows it.

    `None` is never ("once"), zero is on every call.
    """

    notice: Notice
    again: timedelta | None = None


@dataclass(frozen=True)
class Keys:
    """What a caller may press during a notice; '' where it may not. `skip_informs` is the company's word
    that who skips a notice knowingly counts as informed."""

    full: str = "1"
    repeat: str = ""
    skip: str = ""
    skip_informs: bool = False


@dataclass(frozen=True)
class Document:
    """A paper: where it is filed, and of when it is."""

    reference: str
    date: date


@dataclass(frozen=True)
class Outsourcing:
    """That another company answers the controller's calls, on which contract and after which analysis."""

    processor: str
    contract: Document
    analysis: Document
    sub_processors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lookup:
    """How to ask one of a controller's own systems whether a caller was told `notice`, and by what `kind`.

    `question` is a URL, or an SQL query for the DB-API module `driver`, in which `{number}` (E.164) or
    `{customer}` stands for the caller. `token` and `arguments` (of the driver's `connect`) are secret.
    `seconds` is how long a call waits for the answer.
    """

    id: str
    notice: str
    kind: Kind
    question: str
    seconds: float
    driver: str = ""
    token: str = field(default="", repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ManagerAccount:
    """Where Asterisk's manager interface is, and as whom we log in there. `secret` is secret."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Controller:
    """Who answers for the data. `key` is secret: it turns numbers into this controller's pseudonyms;
    `old_keys` are those before it that still recognise callers.

    `refused` says why it may not go live; '' if it may. `retention` is for how long records are kept,
    `None` for ever.
    """

    id: str
    name: str
    key: bytes = field(repr=False)
    ledger: str
    old_keys: tuple[bytes, ...] = field(default=(), repr=False)
    outsourcing: Outsourcing | None = None
    refused: str = ""
    retention: timedelta | None = None
    lookups: tuple[Lookup, ...] = ()


@dataclass(frozen=True)
class Line:
    """A called number: whose it is, in which language it speaks, and what its callers must hear.

    `shared` are numbers that are nobody's, `*` at the end standing for any digits. `languages` are by
    caller's country, `fallback` what to try where a prompt is missing in the
    language wanted. The rest are explicit settings: whether to answer before a notice, to play again
    after a transfer, to leave out what is not due on every call because only data that the service
    needs are used, and to recognise callers who restrict their number.
    """

    number: str
    controller: Controller
    language: str
    region: str
    plan: tuple[Step, ...]
    callers: NumberForm = NumberForm.EITHER
    keys: Keys = Keys()
    shared: tuple[str, ...] = ()
    languages: Mapping[str, str] = field(default_factory=dict)
    fallback: tuple[str, ...] = ()
    answer: bool = True
    again_after_transfer: bool = False
    service_data_only: bool = False
    trust_restricted: bool = False


@dataclass(frozen=True)
class Known:
    """What one caller already got of one notice, and the latest record that proves it."""

    versions: frozenset[str]
    purposes: frozenset[str]
    record: int
    at: datetime

    def merged(self, other: Known) -> Known:
        """Both together: all versions and purposes of either, the later record.

        Commutative and associative, so the order in which deliveries are read does not matter; later
        by number and not by time, because a clock may be wrong for a day.
        """
        later = max(self, other, key=lambda known: known.record)
        versions, purposes = self.versions | other.versions, self.purposes | other.purposes
        return Known(versions, purposes, later.record, later.at)


Standing = Mapping[str, Known]
"""What one caller already got, by notice id. Empty for a caller nobody has informed."""


@dataclass(frozen=True)
class Told:
    """What one of the controller's own systems says: which version a caller was told, how, when, by which
    paper."""

    version: Version
    kind: Kind
    at: datetime
    reference: str


@dataclass(frozen=True)
class Decision:
    """Play `version` of `notice` or leave it out, always with a reason and, for a skip, its proof.

    `prompts`, by language, are the version's short ones or a supplement; `told` is which purposes they
    tell of.
    """

    notice: Notice
    version: Version
    play: bool
    reason: Reason
    prompts: Mapping[str, Prompt]
    told: frozenset[str]
    basis: Known | None = None


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
    """How much of a prompt reached the caller: its ending, seconds heard, its length, a key if any."""

    ending: Ending
    seconds: float
    length: float
    key: str = ""


@dataclass(frozen=True)
class Event:
    """One row of the ledger: one decision and what became of it. No caller's number, ever.

    `pseudonym` is `None` for a caller who was not recognised. `heard` is `None` where nothing was to
    be played. `basis` is the number of the record that shows the caller was informed already.
    `language` is the one played, `wanted` the one that should have been, where that is another.
    `reference` names the evidence of what was told elsewhere. An `erased` event is what a caller's
    request for erasure left.
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
    basis: int | None = None
    linked: str = ""
    wanted: str = ""
    kind: Kind = Kind.PHONE
    reference: str = ""
    erased: bool = False

    @property
    def informs(self) -> bool:
        """Whether the caller has this version now: only a notice heard to its end informs, and one that
        he skipped where a setting says that this counts."""
        if self.erased:
            return False
        given = self.status in (Status.PLAYED, Status.INFORMED)
        return given or (self.status is Status.SKIPPED and self.heard is not None)


def told_elsewhere(
    notice: Notice,
    version: Version,
    kind: Kind,
    at: datetime,
    pseudonym: bytes | None,
    reference: str,
    **more: str,
) -> Event:
    """The event of a caller who got a notice otherwise than by a prompt; `more` are other fields of it."""
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
        **(empty | more),  # type: ignore[arg-type]
    )


@dataclass(frozen=True)
class Record:
    """An event that is durable, under its number."""

    number: int
    event: Event


@dataclass(frozen=True)
class Verdict:
    """What the dialplan is told: status, the word that explains it, and the record (or spool key).

    `error` is for the admin's log: why the ledger did not take it. `heard` names the records of what was
    heard whole in this call so far, for the next try after a transfer.
    """

    status: Status
    reason: str
    record: str = ""
    error: str = ""
    heard: str = ""
