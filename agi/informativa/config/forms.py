"""The forms of single settings of informativa.yaml for pydantic: texts of a certain form, times."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from ..model import ALWAYS, Period, numbering
from ..model.text import Text


def form_error(message: Text) -> PydanticCustomError:
    """Return the error that a validator raises for a value of another form, in an admin's words."""
    return PydanticCustomError("form", "{message}", {"message": message})


def form(pattern: str, description: Text) -> Any:
    """Return a validator for texts of a certain form; `what` names the form, for the admin who wrote
    another."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise form_error(Text("{value} is not {what}", value=repr(value), what=description))
        return value

    return AfterValidator(check)


def _called(value: str) -> str:
    """Check a called number. With a plus it is a complete telephone number; without, it may be a short code
    or a name."""
    if value.startswith("+"):
        if numbering.is_possible(value):
            return value
        raise form_error(Text("is no possible telephone number", "write all of it, with country code"))
    return value


Identifier = Annotated[
    str,
    form(r"[a-z][a-z0-9_-]{0,31}", Text("a short name such as `acme` (a-z, 0-9, - and _, a letter first)")),
]
VersionId = Annotated[
    str, form(r"[A-Za-z0-9._-]{1,32}", Text("a version such as `2026-11` (letters, digits, `.`, `_`, `-`)"))
]
Language = Annotated[str, form(r"[a-z]{2}(_[A-Z]{2})?", Text("a language such as `it` or `pt_BR`"))]
Region = Annotated[str, form(r"[A-Z]{2}", Text("a country in two capitals such as `IT`"))]
Number = Annotated[
    str,
    form(
        r"(?!(default|[aehiosT])\Z)[+0-9A-Za-z][0-9A-Za-z.]{0,63}",
        Text(
            "a called number such as `+390212345678`, or a name of letters, digits and dots"
            " that means nothing else to Asterisk"
        ),
    ),
    AfterValidator(_called),
]
MailAddress = Annotated[
    str,
    form(
        r"[^\s@<>,;:\"()\[\]\\?\x00-\x1f\x7f-\x9f]{1,64}@[A-Za-z0-9.-]{1,190}",
        Text("a mail address such as `privacy@acme.example`"),
    ),
]
PlainText = Annotated[str, form(r"\S.{0,199}", Text("a text of 1 to 200 characters on one line"))]
Words = Annotated[
    str, form(r"[A-Za-z][A-Za-z _-]{0,59}", Text("what a network says, in letters, spaces, `-` and `_`"))
]
Context = Annotated[
    str, form(r"[A-Za-z0-9_.-]{1,79}", Text("a context of the dialplan such as `from-internal`"))
]
Extension = Annotated[str, form(r"[0-9]{1,6}", Text("the beginning of an extension such as `2`"))]
Key = Annotated[str, form(r"[0-9*#]", Text("one key of a telephone (0-9, * or #)"))]
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
_PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]?\d{4}|[1-9]\d{0,3})"
Address = Annotated[
    str, form(rf"{_OCTET}(\.{_OCTET}){{3}}:{_PORT}", Text("an address and port such as `127.0.0.1:4588`"))
]
_NET = rf"{_OCTET}(\.{_OCTET}){{3}}(/([1-2]?\d|3[0-2]))?"
Network = Annotated[
    str, form(_NET, Text("an address such as `127.0.0.1`, or a network such as `10.1.0.0/16`"))
]
HostName = Annotated[
    str, form(r"[a-z0-9][a-z0-9.-]{0,252}", Text("a name such as `console.acme.example`, in small letters"))
]
Scope = Annotated[str, form(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}", Text("a scope such as `profile`"))]
OtherService = Annotated[  # in the dialplan, where nothing else may stand
    str,
    form(
        rf"hagi://[A-Za-z0-9][A-Za-z0-9.-]*|agi://[A-Za-z0-9][A-Za-z0-9.-]*:{_PORT}",
        Text("`hagi://` and a name with SRV records, or an address such as `agi://10.0.0.2:4588`"),
    ),
]
Url = Annotated[str, form(r"https?://[^\s/?#]+\S*", Text("a URL such as `https://crm.example/{number}`"))]
ServerUrl = Annotated[  # with no user in it: nobody would be asked as him, and it is shown
    str,
    form(
        rf"https?://(?:[^\s/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])(?::{_PORT})?(?:[/?#]\S*)?",
        Text("an address such as `https://proof.example`, without user and password"),
    ),
]
Query = Annotated[str, form(r"(?is)\s*(SELECT|WITH)\b[^;]*", Text("one SELECT, without a semicolon"))]
Module = Annotated[str, form(r"[A-Za-z_][\w.]*", Text("a Python module such as `psycopg`"))]
Need = Literal["required", "optional"]
# Asterisk's dialplan gives a meaning to , ; & | $ [ ] and quotes, and these paths stand in it.
File = Annotated[
    str,
    form(r"[\w ./+@=~-]*[\w]", Text("the path of a file, of letters, digits, spaces and . / + @ = ~ _ -")),
]


Domain = Annotated[
    str,
    form(
        r"(?=.{1,200}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+",
        Text("a domain such as `acme.example`"),
    ),
]
Box = Annotated[
    str, form(r"[a-z0-9](-?[a-z0-9]){0,31}", Text("a short name such as `pbx-1` (a-z, 0-9 and -)"))
]


_SECONDS = {"second": 1, "minute": 60, "hour": 3600}
_LONGEST_SECONDS = 24 * 3600
_UNITS = {"day": Period(days=1), "week": Period(days=7), "month": Period(1), "year": Period(12)}
_LONGEST_MONTHS = 100 * 12


def _length(text: str) -> Period | None:
    """Return a length such as `6 months`, by the calendar."""
    match = re.fullmatch(r"([1-9]\d{0,4}) (day|week|month|year)s?", text)
    if not match:
        return None
    number, unit = int(match[1]), _UNITS[match[2]]
    months, days = number * unit.months, number * unit.days
    return Period(months, days) if months <= _LONGEST_MONTHS and days <= 31 * _LONGEST_MONTHS else None


def repetition(value: object) -> Period | None:
    """Return the period for `once`, `always`, or `every 6 months`."""
    if value == "once":
        return None
    if value == "always":
        return ALWAYS
    every, _space, text = str(value).partition(" ")
    length = _length(text if text[:1].isdigit() else f"1 {text}")
    if every != "every" or length is None:
        raise form_error(
            Text("{value} is not `once`, `always` or such as `every 12 months`", value=repr(value))
        )
    return length


def period(value: object) -> Period:
    """Return the period for `6 months`."""
    if isinstance(value, Period):
        return value
    length = _length(str(value))
    if length is None:
        raise form_error(Text("{value} is not a time such as `5 years`, 100 at most", value=repr(value)))
    return length


def moment(value: object) -> datetime:
    """Return a date, or a date and time, with an offset or in the controller's time zone."""
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise form_error(Text("{value} is not a date such as `2027-01-31`", value=repr(value))) from None


def command_words(value: str) -> tuple[str, ...]:
    """Return the words of a command, as a shell splits them."""
    try:
        words = tuple(shlex.split(value))
    except ValueError:
        words = ()
    if not words:
        raise form_error(Text("is no command", "write it as in a shell, such as `msmtp -t`"))
    return words


def zone(value: str) -> str:
    """Return the name of a time zone that exists."""
    with suppress(ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        ZoneInfo(value)
        return value
    raise form_error(Text("{value} is not a time zone such as `Europe/Rome`", value=repr(value)))


def seconds(value: object) -> int:
    """Return the number of seconds for `1 minute`."""
    match = re.fullmatch(r"([1-9]\d{0,4}) (second|minute|hour)s?", str(value))
    length = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not 0 < length <= _LONGEST_SECONDS:
        raise form_error(
            Text("{value} is not a time such as `1 minute`, 24 hours at most", value=repr(value))
        )
    return length


def approver_key(value: str) -> str:
    """Return the public key of whoever approves."""
    from ..evidence.note import Verifier  # not for a configuration without an approver
    from ..model.errors import EvidenceError

    try:
        return str(Verifier.parse(value))
    except EvidenceError:
        raise form_error(
            Text(
                "is no key of an approver",
                "write it as `informativa evidence approver-key` shows it: name+id+key",
            )
        ) from None


def instruction_id(value: str) -> str:
    """Return a controller's instruction as notes name it."""
    from ..evidence.note_values import INSTRUCTION
    from ..model.errors import EvidenceError

    try:
        return str(INSTRUCTION.read(value))
    except (EvidenceError, ValueError):
        raise form_error(
            Text(
                "is no id of an instruction",
                "write a ticket's, such as DPO-2026/17: letters, digits and `. _ / -`, 40 at most, and never"
                " 8 digits in a row",
            )
        ) from None


def witness_key(value: str) -> str:
    """Return a witness's public key."""
    from ..evidence.cosignature import WitnessVerifier  # not for a configuration without witnesses
    from ..model.errors import EvidenceError

    try:
        return str(WitnessVerifier.parse(value))
    except EvidenceError:
        raise form_error(
            Text("is no key of a witness", "write it as `informativa witness key` shows it: name+id+key")
        ) from None


def how_many(value: object) -> str:
    """Return `any`, `all`, or a number as text."""
    if value in ("any", "all") or re.fullmatch(r"[1-9]\d?", str(value)):
        return str(value)
    raise form_error(Text("{value} is not `any`, `all` or how many witnesses", value=repr(value)))
