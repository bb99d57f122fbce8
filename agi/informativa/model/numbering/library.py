"""The answers of phonenumbers: the numbering plans themselves, from which `table.py` is made."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from ..words import NumberForm, NumberKind, ValidNumbers

_KINDS = {
    PhoneNumberType.FIXED_LINE: NumberKind.LANDLINE,
    PhoneNumberType.FIXED_LINE_OR_MOBILE: NumberKind.LANDLINE,
    PhoneNumberType.MOBILE: NumberKind.PERSONAL,
    PhoneNumberType.VOIP: NumberKind.PERSONAL,
}


def valid(text: str, region: str, form: NumberForm) -> ValidNumbers:
    """Implement `numbering.valid`; `text` is digits, with or without a plus sign."""
    if text.startswith(("+", "00")):
        readings = ["+" + text.removeprefix("+").removeprefix("00")]
    else:
        readings = [text] * (form is not NumberForm.INTERNATIONAL)
        readings += ["+" + text] * (form is not NumberForm.NATIONAL)
    numbers: dict[str, tuple[str, NumberKind]] = {}
    for reading in readings:
        number = _parse(reading, region)
        kind = kind_of(phonenumbers.number_type(number)) if number else None
        if number and kind:
            country = phonenumbers.region_code_for_number(number) or ""
            numbers[phonenumbers.format_number(number, PhoneNumberFormat.E164)] = country, kind
    return numbers


def kind_of(number_type: int) -> NumberKind | None:
    """Return the kind of a PhoneNumberType; `None` for that of an invalid number."""
    return None if number_type == PhoneNumberType.UNKNOWN else _KINDS.get(number_type, NumberKind.SHARED)


def written_forms(text: str, region: str) -> frozenset[str]:
    """Implement `numbering.written_forms`."""
    number = _parse(text, region)
    if number is None or not phonenumbers.is_possible_number(number):
        return frozenset({text})
    country = str(number.country_code)
    subscriber = phonenumbers.national_significant_number(number)
    forms = {text, f"+{country}{subscriber}", f"00{country}{subscriber}", country + subscriber}
    if country == str(phonenumbers.country_code_for_region(region)):
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        forms.add("".join(filter(str.isdigit, national)))
    return frozenset(forms)


def is_possible(number: str) -> bool:
    """Implement `numbering.is_possible`."""
    try:
        result = phonenumbers.is_possible_number_with_reason(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return False
    return result == phonenumbers.ValidationResult.IS_POSSIBLE


def is_region(region: str) -> bool:
    """Implement `numbering.is_region`."""
    return region in phonenumbers.SUPPORTED_REGIONS


def _parse(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
