"""The shape of informativa.yaml, as pydantic models. Unknown keys are refused everywhere.

What refers to something else (a line to its controller, a plan to its notices, a path to a file) is
checked in `build.py`, which has the whole configuration before it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ..model import ALWAYS, NumberForm, Period, RecordKind, Verification
from ..text import Text


def _misshapen(message: Text) -> PydanticCustomError:
    return PydanticCustomError("form", "{message}", {"message": message})


def _form(pattern: str, what: Text) -> Any:
    """A text of a certain form; `what` says in words which, for the admin who wrote another."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise _misshapen(Text("{value} is not {what}", value=repr(value), what=what))
        return value

    return AfterValidator(check)


def _called(value: str) -> str:
    """With a plus it is a whole telephone number; without, it may be a short code or a name."""
    if value.startswith("+"):
        with suppress(phonenumbers.NumberParseException):
            possible = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(value))
            if possible == phonenumbers.ValidationResult.IS_POSSIBLE:
                return value
        raise _misshapen(Text("is no possible telephone number", "write all of it, with country code"))
    return value


Identifier = Annotated[
    str,
    _form(r"[a-z][a-z0-9_-]{0,31}", Text("a short name such as `acme` (a-z, 0-9, - and _, a letter first)")),
]
VersionId = Annotated[
    str, _form(r"[A-Za-z0-9._-]{1,32}", Text("a version such as `2026-11` (letters, digits, `.`, `_`, `-`)"))
]
Language = Annotated[str, _form(r"[a-z]{2}(_[A-Z]{2})?", Text("a language such as `it` or `pt_BR`"))]
Region = Annotated[str, _form(r"[A-Z]{2}", Text("a country in two capitals such as `IT`"))]
Number = Annotated[
    str,
    _form(
        r"(?!(default|[aehiosT])\Z)[+0-9A-Za-z][0-9A-Za-z.]{0,63}",
        Text(
            "a called number such as `+390212345678`, or a name of letters, digits and dots"
            " that means nothing else to Asterisk"
        ),
    ),
    AfterValidator(_called),
]
PlainText = Annotated[str, _form(r"\S.{0,199}", Text("a text of 1 to 200 characters on one line"))]
Words = Annotated[
    str, _form(r"[A-Za-z][A-Za-z _-]{0,59}", Text("what a network says, in letters, spaces, `-` and `_`"))
]
Key = Annotated[str, _form(r"[0-9*#]", Text("one key of a telephone (0-9, * or #)"))]
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
_PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]?\d{4}|[1-9]\d{0,3})"
Address = Annotated[
    str, _form(rf"{_OCTET}(\.{_OCTET}){{3}}:{_PORT}", Text("an address and port such as `127.0.0.1:4588`"))
]
Url = Annotated[str, _form(r"https?://[^\s/?#]+\S*", Text("a URL such as `https://crm.example/{number}`"))]
Query = Annotated[str, _form(r"(?is)\s*(SELECT|WITH)\b[^;]*", Text("one SELECT, without a semicolon"))]
Module = Annotated[str, _form(r"[A-Za-z_][\w.]*", Text("a Python module such as `psycopg`"))]
# Asterisk's dialplan gives a meaning to , ; & | $ [ ] and quotes, and these paths stand in it.
File = Annotated[
    str,
    _form(r"[\w ./+@=~-]*[\w]", Text("the path of a file, of letters, digits, spaces and . / + @ = ~ _ -")),
]


_UNITS = {"day": Period(days=1), "week": Period(days=7), "month": Period(1), "year": Period(12)}
_LONGEST_MONTHS = 100 * 12


def _length(text: str) -> Period | None:
    """`6 months`, by the calendar."""
    found = re.fullmatch(r"([1-9]\d{0,4}) (day|week|month|year)s?", text)
    if not found:
        return None
    number, unit = int(found[1]), _UNITS[found[2]]
    months, days = number * unit.months, number * unit.days
    return Period(months, days) if months <= _LONGEST_MONTHS and days <= 31 * _LONGEST_MONTHS else None


def _again(value: object) -> Period | None:
    """`once`, `always`, or `every 6 months`."""
    if value == "once":
        return None
    if value == "always":
        return ALWAYS
    every, _space, text = str(value).partition(" ")
    period = _length(text if text[:1].isdigit() else f"1 {text}")
    if every != "every" or period is None:
        raise _misshapen(
            Text("{value} is not `once`, `always` or such as `every 12 months`", value=repr(value))
        )
    return period


def _period(value: object) -> Period:
    if isinstance(value, Period):
        return value
    period = _length(str(value))
    if period is None:
        raise _misshapen(Text("{value} is not a time such as `5 years`, 100 at most", value=repr(value)))
    return period


def _moment(value: object) -> datetime:
    """A date, or a date and time, with an offset or in the controller's time zone."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise _misshapen(Text("{value} is not a date such as `2027-01-31`", value=repr(value))) from None


def _zone(value: str) -> str:
    with suppress(ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        ZoneInfo(value)
        return value
    raise _misshapen(Text("{value} is not a time zone such as `Europe/Rome`", value=repr(value)))


class Strict(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionSettings(Strict):
    """One wording of a notice."""

    version: VersionId
    purposes: Annotated[list[Identifier], Field(min_length=1)]
    material: bool = False
    starts: Annotated[datetime | None, BeforeValidator(_moment)] = None
    short: Annotated[dict[Language, File], Field(min_length=1)]
    full: dict[Language, File] = {}
    supplements: dict[VersionId, Annotated[dict[Language, File], Field(min_length=1)]] = {}


class NoticeSettings(Strict):
    """A notice: its versions, the oldest first, the last one in force."""

    versions: Annotated[list[VersionSettings], Field(min_length=1)]


class DocumentSettings(Strict):
    """A paper that exists: where it is filed, and of when it is."""

    reference: PlainText
    date: date


class OutsourcingSettings(Strict):
    """What must be there before a company's calls are answered by another (the processor)."""

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


class ControllerSettings(Strict):
    """Who answers for the data of the callers of its lines."""

    name: PlainText
    service_purposes: list[Identifier] = ["service"]
    recycled_after: Annotated[Period | None, BeforeValidator(_period)] = None
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    retention: Annotated[Period | None, BeforeValidator(_period)] = None
    outsourcing: OutsourcingSettings | None = None
    key: File
    old_keys_for: Annotated[Period, BeforeValidator(_period)] = Period(12)
    ledger: File
    notices: Annotated[dict[Identifier, NoticeSettings], Field(min_length=1)]
    lookups: dict[Identifier, LookupSettings] = {}


class StepSettings(Strict):
    """One notice of a line's plan."""

    notice: Identifier
    when: Annotated[Period | None, BeforeValidator(_again)] = None


class KeySettings(Strict):
    """What a caller may press during a notice."""

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
    keys: KeySettings = KeySettings()
    callers: NumberForm = NumberForm.EITHER
    answer: bool = True
    again_after_transfer: bool = False
    service_data_only: bool = False
    trust_restricted: bool = False
    landlines: Literal["personal", "shared"] = "personal"
    fallback_informs: bool = True


class ServiceSettings(Strict):
    """The FastAGI service."""

    listen: Address = "127.0.0.1:4588"
    token: File | None = None
    exposed: bool = False
    sessions: Annotated[int, Field(ge=1, le=100_000)] = 2000
    drain: Annotated[float, Field(ge=0, le=600)] = 100.0
    metrics: Address | None = None


class ManagerSettings(Strict):
    """Asterisk's manager interface (AMI)."""

    address: Address = "127.0.0.1:5038"
    user: PlainText
    secret: File


class Settings(Strict):
    """The whole file."""

    manager: ManagerSettings | None = None
    service: ServiceSettings = ServiceSettings()
    operator: PlainText
    fallback_prompt: File | None = None
    shared_numbers: list[
        Annotated[str, _form(r"\+\d{1,15}\*?", Text("a number such as `+390244001234` or `+3902440*`"))]
    ] = []
    verification: dict[Words, Verification] = {}
    controllers: Annotated[dict[Identifier, ControllerSettings], Field(min_length=1)]
    lines: Annotated[dict[Number, LineSettings], Field(min_length=1)]
