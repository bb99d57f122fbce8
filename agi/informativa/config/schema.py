"""The shape of informativa.yaml, as pydantic models. Unknown keys are refused everywhere.

What refers to something else (a line to its controller, a plan to its notices, a path to a file) is
checked in `build.py`, which has the whole configuration before it.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..model import Answer, Asks, NumberForm, NumberVerification, Period, RecordKind, Vouched
from ..model.text import Text
from .forms import (
    Address,
    Box,
    Context,
    Domain,
    Extension,
    File,
    Identifier,
    Key,
    Language,
    MailAddress,
    Module,
    Need,
    Number,
    OtherService,
    PlainText,
    Query,
    Region,
    ServerUrl,
    Url,
    VersionId,
    Words,
    approver_key,
    command_words,
    form,
    form_error,
    how_many,
    instruction_id,
    moment,
    period,
    repetition,
    seconds,
    witness_key,
    zone,
)
from .web_schema import WebSettings


class Strict(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionSettings(Strict):
    """One wording of a notice."""

    version: VersionId
    purposes: Annotated[list[Identifier], Field(min_length=1)]
    material: bool = False
    starts: Annotated[datetime | None, BeforeValidator(moment)] = None
    short: Annotated[dict[Language, File], Field(min_length=1)]
    short_nokey: dict[Language, File] = {}
    full: dict[Language, File] = {}
    supplements: dict[VersionId, Annotated[dict[Language, File], Field(min_length=1)]] = {}


class NoticeSettings(Strict):
    """A notice: its versions, the oldest first, the last one in force."""

    versions: Annotated[list[VersionSettings], Field(min_length=1)]


class ChoiceVersionSettings(Strict):
    """One wording of a choice."""

    version: VersionId
    material: bool = False
    starts: Annotated[datetime | None, BeforeValidator(moment)] = None
    short: Annotated[dict[Language, File], Field(min_length=1)]
    withdraw: dict[Language, File] = {}


class ChoiceSettings(Strict):
    """A choice: what is asked, by which keys it is answered, and its versions, the oldest first."""

    asks: Asks
    purpose: Identifier | None = None
    holds: Annotated[Period | None, BeforeValidator(period)] = None
    again: Annotated[Period, BeforeValidator(period)] = Period(12)
    vouched: Vouched = Vouched.NETWORK
    keys: Annotated[dict[Answer, Key], Field(min_length=1)]
    tries: Annotated[int, Field(ge=1, le=3)] = 2
    wait: Annotated[int, BeforeValidator(seconds), Field(ge=1, le=10)] = 4
    silence: Literal[Answer.RECORDED, Answer.NOT_RECORDED] | None = None
    withdraw_at: Number | None = None
    versions: Annotated[list[ChoiceVersionSettings], Field(min_length=1)]


class DocumentSettings(Strict):
    """A paper that exists: where it is filed, and of when it is."""

    reference: PlainText
    date: date


class OutsourcingSettings(Strict):
    """The documents that must exist before another company (the processor) answers a company's calls."""

    processor: PlainText
    contract: DocumentSettings
    analysis: DocumentSettings
    sub_processors: list[PlainText] = []


class LookupSettings(Strict):
    """One of a controller's own systems: a URL that answers in JSON, or an SQL query."""

    notice: Identifier
    by: Literal[RecordKind.OPERATOR, RecordKind.WEBSITE, RecordKind.CONTRACT] = RecordKind.CONTRACT
    url: Url | None = None
    token: File | None = None
    query: Query | None = None
    driver: Module | None = None
    connect: File | None = None
    milliseconds: Annotated[int, Field(ge=1, le=2000)] = 150


class HookSettings(Strict):
    """The address that is told of the consents of a company's callers."""

    url: ServerUrl
    secret: File
    subject: Literal["number", "customer"] = "number"
    timeout: Annotated[int, BeforeValidator(seconds), Field(ge=1, le=60)] = 10


class LetterSettings(Strict):
    """Details of a company that its answers to access requests need."""

    contact: PlainText | Literal[""] = ""
    dpo: PlainText | Literal[""] = ""
    authority: PlainText | Literal[""] = ""
    recipients: list[PlainText] | None = None
    transfers: PlainText | Literal[""] = ""


class ReportSettings(Strict):
    """The mail of a company's monthly report."""

    to: Annotated[list[MailAddress], Field(min_length=1)]
    sender: MailAddress | None = None
    language: Literal["en", "it"] = "en"
    run: Annotated[tuple[str, ...], BeforeValidator(command_words)] = ("/usr/sbin/sendmail", "-t", "-oi")


class RequestSettings(Strict):
    """The way in which a company answers persons' requests."""

    four_eyes: bool = False


class ExportSettings(Strict):
    """The way in which a company's records are taken away as files."""

    four_eyes: bool = False


class ControllerSettings(Strict):
    """The company that answers for the data of the callers of its lines."""

    name: PlainText
    service_purposes: list[Identifier] = ["service"]
    names: dict[Language, dict[Identifier, PlainText]] = {}
    letter: LetterSettings = LetterSettings()
    report: ReportSettings | None = None
    recycled_after: Annotated[Period | None, BeforeValidator(period)] = None
    time_zone: Annotated[str, AfterValidator(zone)] = "UTC"
    retention: Annotated[Period | None, BeforeValidator(period)] = None
    outsourcing: OutsourcingSettings | None = None
    approver: Annotated[str | None, AfterValidator(approver_key)] = None
    erasures: Literal["each", "standing"] | None = None
    instruction: Annotated[str | None, AfterValidator(instruction_id)] = None
    key: File
    old_keys_for: Annotated[Period, BeforeValidator(period)] = Period(12)
    ledger: File
    notices: Annotated[dict[Identifier, NoticeSettings], Field(min_length=1)]
    choices: dict[Identifier, ChoiceSettings] = {}
    lookups: dict[Identifier, LookupSettings] = {}
    hook: HookSettings | None = None
    requests: RequestSettings = RequestSettings()
    exports: ExportSettings = ExportSettings()
    reason_for_looking: Need = "optional"


class StepSettings(Strict):
    """One notice of a line's plan, or one choice."""

    notice: Identifier | None = None
    choice: Identifier | None = None
    when: Annotated[Period | None, BeforeValidator(repetition)] = None
    countries: Annotated[list[Region | Literal["others"]], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> StepSettings:
        """Refuse a step that is both, or neither."""
        if (self.notice is None) == (self.choice is None):
            raise form_error(Text("is no step", "write `notice:` and its name, or `choice:` and its name"))
        if self.choice is not None and "when" in self.model_fields_set:
            raise form_error(Text("a choice has no `when`: its kind says when it is asked"))
        return self


class KeySettings(Strict):
    """The keys that a caller may press during a notice."""

    full: Key = "1"
    repeat: Key | Literal[""] = ""
    skip: Key | Literal[""] = ""
    skip_informs: bool = False


class LineSettings(Strict):
    """A called number."""

    controller: Identifier
    language: Language
    languages: dict[Region, Language] = {}
    fallback: list[Language] = []
    region: Region
    plan: Annotated[list[StepSettings], Field(min_length=1)]
    consents: Annotated[int, Field(ge=1, le=9)] = 1
    keys: KeySettings = KeySettings()
    callers: NumberForm = NumberForm.EITHER
    answer: bool = True
    again_after_transfer: bool = False
    service_data_only: bool = False
    trust_restricted: bool = False
    landlines: Literal["personal", "shared"] = "personal"
    require: Literal["nothing", "signature"] = "nothing"
    fallback_informs: bool = True


class ServiceSettings(Strict):
    """The FastAGI service."""

    listen: Address = "127.0.0.1:4588"
    token: File | None = None
    exposed: bool = False
    sessions: Annotated[int, Field(ge=1, le=100_000)] = 2000
    drain: Annotated[float, Field(ge=0, le=600)] = 100.0
    metrics: Address | None = None
    elsewhere: OtherService | None = None


class ManagerSettings(Strict):
    """Asterisk's manager interface (AMI)."""

    address: Address = "127.0.0.1:5038"
    user: PlainText
    secret: File


class PublishSettings(Strict):
    """A folder in which logs are published."""

    folder: File
    independent: bool = False
    entries: bool = True
    controllers: list[Identifier] = []


class WitnessSettings(Strict):
    """A witness: its key, and where it answers (C2SP tlog-witness)."""

    key: Annotated[str, AfterValidator(witness_key)]
    url: ServerUrl
    controllers: list[Identifier] = []


class EvidenceSettings(Strict):
    """The places of the proof of all records, and the parties that vouch for it."""

    domain: Domain | None = None
    box: Box | None = None
    interval: Annotated[int, BeforeValidator(seconds)] = 60
    publish: list[PublishSettings] = []
    witness: list[WitnessSettings] = []
    quorum: Annotated[str, BeforeValidator(how_many)] = "any"


class BackupSettings(Strict):
    """The backups of this installation."""

    folder: File
    keep: Annotated[Period, BeforeValidator(period)] = Period(days=30)
    warn_after: Annotated[Period, BeforeValidator(period)] = Period(days=2)


class InternalSettings(Strict):
    """The calls of the company's own telephones."""

    variable: bool = False
    contexts: list[Context] = []
    prefixes: list[Extension] = []

    @model_validator(mode="after")
    def _is_proven(self) -> InternalSettings:
        """Refuse a number alone as a proof, and settings that match no call."""
        if self.prefixes and not self.contexts:
            message = Text(
                "anybody can show a number that begins so",
                "name in `contexts` those of your telephones' endpoints",
            )
            raise form_error(message)
        if not (self.variable or self.contexts):
            raise form_error(
                Text("matches no call", "write `variable: true`, or `contexts:` and their names")
            )
        return self


class Settings(Strict):
    """The whole file."""

    manager: ManagerSettings | None = None
    service: ServiceSettings = ServiceSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    web: WebSettings = WebSettings()
    backup: BackupSettings | None = None
    operator: PlainText
    fallback_prompt: File | None = None
    shared_numbers: list[
        Annotated[str, form(r"\+\d{1,15}\*?", Text("a number such as `+390244001234` or `+3902440*`"))]
    ] = []
    verification: dict[Words, NumberVerification] = {}
    internal: InternalSettings | None = None
    controllers: Annotated[dict[Identifier, ControllerSettings], Field(min_length=1)]
    lines: Annotated[dict[Number, LineSettings], Field(min_length=1)]
