"""A caller as somebody types him: a telephone number with country code, or a customer number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

import phonenumbers

from ..call.caller import e164
from ..model import Identified, NumberForm
from ..model.errors import InformativaError
from ..model.numbering.library import kind_of
from ..model.text import NOTHING, Text
from ..model.words import NumberKind

CUSTOMER = re.compile(r"[A-Za-z0-9._@-]{1,64}")  # what the dialplan lets through of INFORMATIVA_CUSTOMER
SEPARATORS = str.maketrans("", "", " \u00a0-./()'")


@dataclass(frozen=True)
class Typed:
    """The caller that somebody typed."""

    caller: Identified
    doubt: Text = NOTHING
    """The reason why this may not be the caller who was meant; empty for none."""


def by_number(text: str) -> Typed:
    """Return the caller of a telephone number with country code. Raises InformativaError, without the number,
    for one that cannot exist."""
    plain = text.translate(SEPARATORS)
    if not re.fullmatch(r"\+[0-9]+", plain):
        raise InformativaError(
            Text("That is no telephone number with country code."), Text("Type it like +393331234567.")
        )
    numbers = e164(plain, "ZZ", NumberForm.INTERNATIONAL)
    if len(numbers) != 1:
        raise InformativaError(_why_impossible(plain), Text("Is a digit missing, or one too many?"))
    (number,) = numbers
    return Typed(Identified(number), unusual(number))


def by_customer(text: str) -> Typed:
    """Return the caller of a customer number. Raises InformativaError for one that the dialplan accepts of
    nobody."""
    if not CUSTOMER.fullmatch(text):
        raise InformativaError(
            Text("No caller has such a customer number: it is of letters, digits and . _ @ - only."),
            Text("Type it as the dialplan sets INFORMATIVA_CUSTOMER."),
        )
    return Typed(Identified(text, customer=True))


def _why_impossible(number: str) -> Text:
    """Return why no such number can exist, by the numbering plan of its country."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return Text(
            "No such telephone number can exist: no country has that code, or nearly nothing follows it."
        )
    code, digits = parsed.country_code or 0, len(phonenumbers.national_significant_number(parsed))
    region = phonenumbers.region_code_for_country_code(code)
    plan = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    lengths = plan.general_desc.possible_length if plan and plan.general_desc else ()
    if lengths and digits not in lengths:
        return Text(
            "No such telephone number can exist: it has {digits} digits after +{code}, and there they have"
            " {fewest} to {most}.",
            digits=digits,
            code=code,
            fewest=min(lengths),
            most=max(lengths),
        )
    return Text(
        "No such telephone number can exist: after +{code} none of {digits} digits begins like this.",
        digits=digits,
        code=code,
    )


def unusual(number: str) -> Text:
    """Return a sentence on a number (+39…) that is shorter or longer than most of its kind, as a few are;
    empty for others."""
    parsed = phonenumbers.parse(number)
    region = phonenumbers.region_code_for_number(parsed)
    usual_digits = _usual_digits(region, phonenumbers.number_type(parsed)) if region else None
    digits = len(phonenumbers.national_significant_number(parsed))
    if usual_digits is None or digits == usual_digits:
        return NOTHING
    message = (
        Text(
            "the number is unusually short: {digits} digits after +{code}, and most of its kind have {others}"
        )
        if digits < usual_digits
        else Text(
            "the number is unusually long: {digits} digits after +{code}, and most of its kind have {others}"
        )
    )
    return message.format(digits=digits, code=parsed.country_code, others=usual_digits)


def is_unusual(number: str, country: str, kind: NumberKind) -> bool:
    """Return whether a number is shorter or longer than most of its kind, by its `country` (ISO 3166) and its
    `kind`. The library, which is slow, is asked only where these do not settle the length."""
    return len(number) != _usual_length(country, kind) and bool(unusual(number))


@cache
def _usual_length(country: str, kind: NumberKind) -> int | None:
    """Return the usual length of such numbers, with plus and country code; `None` where they differ."""
    if country not in phonenumbers.SUPPORTED_REGIONS:
        return None
    types = (
        number_type for number_type in phonenumbers.PhoneNumberType.values() if kind_of(number_type) is kind
    )
    digits = {_usual_digits(country, number_type) for number_type in types} - {None}
    code = phonenumbers.country_code_for_region(country)
    return len(f"+{code}") + digits.pop() if len(digits) == 1 else None  # type: ignore[operator]


@cache
def _usual_digits(region: str, kind: int) -> int | None:
    """Return the number of digits of the library's example for a region and a kind of number."""
    example = phonenumbers.example_number_for_type(region, kind)
    return len(phonenumbers.national_significant_number(example)) if example else None
