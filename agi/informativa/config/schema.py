"""The shape of informativa.yaml, as pydantic models. Unknown keys are refused everywhere.

What refers to something else (a line to its controller, a plan to its notices, a path to a file) is
checked in `load.py`, which has the whole configuration before it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ..model import NumberForm


def _form(pattern: str, what: str) -> Any:
    """A text of a certain form; `what` says in words which, for the admin who wrote another."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise PydanticCustomError("form", "{value} is not {what}", {"value": repr(value), "what": what})
        return value

    return AfterValidator(check)


Identifier = Annotated[
    str, _form(r"[a-z][a-z0-9_-]{0,31}", "a short name such as `acme` (a-z, 0-9, - and _, a letter first)")
]
VersionId = Annotated[
    str, _form(r"[A-Za-z0-9._-]{1,32}", "a version such as `2026-11` (letters, digits, `.`, `_`, `-`)")
]
Language = Annotated[str, _form(r"[a-z]{2}(_[A-Z]{2})?", "a language such as `it` or `pt_BR`")]
Region = Annotated[str, _form(r"[A-Z]{2}", "a country in two capitals such as `IT`")]
Number = Annotated[
    str,
    _form(
        r"(?!(default|[aehiosT])\Z)[+0-9A-Za-z][0-9A-Za-z.]{0,63}",
        "a called number such as `+390212345678`, or a name of letters, digits and dots that means nothing"
        " else to Asterisk",
    ),
]
Text = Annotated[str, _form(r"\S.{0,199}", "a text of 1 to 200 characters on one line")]
Key = Annotated[str, _form(r"[0-9*#]", "one key of a telephone (0-9, * or #)")]
_OCTET = r"(25[0-5]|2[0-4]\d|1?\d?\d)"
_PORT = r"(6553[0-5]|655[0-2]\d|65[0-4]\d{2}|6[0-4]\d{3}|[1-5]?\d{4}|[1-9]\d{0,3})"
Address = Annotated[
    str, _form(rf"{_OCTET}(\.{_OCTET}){{3}}:{_PORT}", "an address and port such as `127.0.0.1:4573`")
]
# Asterisk's dialplan gives a meaning to , ; & | $ [ ] and quotes, and these paths stand in it.
File = Annotated[
    str,
    _form(r"[\w ./+@=~-]*[\w]", "the path of a file, of letters, digits, spaces and . / + @ = ~ _ -"),
]


class Strict(BaseModel):
    """A mapping that knows all its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class VersionSettings(Strict):
    """One wording of a notice."""

    version: VersionId
    purposes: Annotated[list[Identifier], Field(min_length=1)]
    material: bool = False
    short: Annotated[dict[Language, File], Field(min_length=1)]
    full: dict[Language, File] = {}


class NoticeSettings(Strict):
    """A notice: its versions, the oldest first, the last one in force."""

    versions: Annotated[list[VersionSettings], Field(min_length=1)]


class ControllerSettings(Strict):
    """Who answers for the data of the callers of its lines."""

    name: Text
    key: File
    ledger: File
    notices: Annotated[dict[Identifier, NoticeSettings], Field(min_length=1)]


class StepSettings(Strict):
    """One notice of a line's plan."""

    notice: Identifier
    when: Literal["once"] = "once"


class LineSettings(Strict):
    """A called number."""

    controller: Identifier
    language: Language
    region: Region
    plan: Annotated[list[StepSettings], Field(min_length=1)]
    full_key: Key = "1"
    callers: NumberForm = NumberForm.EITHER


class ServiceSettings(Strict):
    """The FastAGI service."""

    listen: Address = "127.0.0.1:4573"
    sessions: Annotated[int, Field(ge=1, le=100_000)] = 2000
    drain: Annotated[float, Field(ge=0, le=600)] = 100.0


class Settings(Strict):
    """The whole file."""

    service: ServiceSettings = ServiceSettings()
    fallback_prompt: File | None = None
    controllers: Annotated[dict[Identifier, ControllerSettings], Field(min_length=1)]
    lines: Annotated[dict[Number, LineSettings], Field(min_length=1)]
