"""Who is calling, and which line they called. Pure: numbers in, values out.

A caller is recognised only by a number that can belong to one telephone, is presented without
restriction, and was not contradicted by the call itself. Everything else is *unidentified*, which
the policy treats as not informed.
"""

from __future__ import annotations

import hashlib
import hmac
import re

import phonenumbers

from .model import Caller, Identified, IncomingCall, Reason, Unidentified

RESTRICTED = 32  # Q.931 presentation: 32 and up is restricted or unavailable (67)
_DIALLED = re.compile(r"\+?[0-9]{2,20}\Z")
_ABSENT = frozenset({"", "unknown", "anonymous", "restricted", "private", "unavailable"})


def recognise(call: IncomingCall, region: str) -> Caller:
    """The caller of `call`, national numbers being read as of `region` (ISO 3166, as "IT").

    A restricted presentation counts as withheld even where the number came along (the PBX may see
    it, the caller asked for it not to be used). Letters are refused rather than turned into digits.
    """
    if call.ambiguous:
        return Unidentified(Reason.AMBIGUOUS)
    text = call.number.strip()
    if text.lower() in _ABSENT or (call.presentation or 0) >= RESTRICTED:
        return Unidentified(Reason.WITHHELD)
    number = e164(text, region)
    return Unidentified(Reason.MALFORMED) if number is None else Identified(number)


def e164(text: str, region: str) -> str | None:
    """`text` as an E.164 number with its plus sign, or `None` if it is not one telephone's number.

    Validity is that of the numbering plans, not only of length: carriers fill in numbers such as
    0000000000 for callers that they do not name, and those would all be one "caller".
    """
    parsed = _parse(text, region)
    if parsed is None or not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def spellings(line: str, region: str) -> frozenset[str]:
    """Every way in which a dialplan may write the called number `line`: as it is, +39…, 0039…, 39…, 0…"""
    parsed = _parse(line, region)
    if parsed is None or not phonenumbers.is_possible_number(parsed):
        return frozenset({line})
    country = str(parsed.country_code)
    subscriber = phonenumbers.national_significant_number(parsed)
    written = {line, f"+{country}{subscriber}", f"00{country}{subscriber}", country + subscriber}
    if country == str(phonenumbers.country_code_for_region(region)):
        national = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.NATIONAL)
        written.add("".join(filter(str.isdigit, national)))
    return frozenset(written)


def pseudonym(number: str, key: bytes) -> bytes:
    """What stands for an E.164 number in one controller's ledger: HMAC-SHA256, 32 bytes.

    Keyed, because all telephone numbers can be tried against a plain hash in an afternoon.
    """
    return hmac.digest(key, b"e164:" + number.encode(), hashlib.sha256)


def mask(number: str) -> str:
    """A number for people to read and nobody to call: its first three and last two characters."""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 7 else "…"


def _parse(text: str, region: str) -> phonenumbers.PhoneNumber | None:
    if not _DIALLED.match(text):
        return None
    if text.startswith("00"):  # the international prefix of nearly all countries, and of all trunks
        text = "+" + text[2:]
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
