"""Recognition of the caller and of the called line. Pure: numbers in, values out.

A caller is recognised only by a number that can belong to one telephone, is presented without restriction,
and was not contradicted by the call itself. Everything else is *unidentified*, which the policy treats as not
informed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..model import (
    INTERNAL_CALLER,
    Caller,
    Identified,
    IncomingCall,
    Internal,
    Line,
    NumberForm,
    NumberVerification,
    Reason,
    Unidentified,
    Vouched,
    hashing,
    numbering,
)
from ..model.redaction import holds_number, without_numbers
from ..model.words import NumberKind

if TYPE_CHECKING:
    from ..model.hooks import Hook

# The words about a number in `INFORMATIVA_VERIFICATION`, in small letters with single spaces: those of
# Asterisk up to 18.21 and from 18.22 on (res_stir_shaken, `verify_result`), and the `verstat` of a SIP
# header, which carriers set (ATIS-1000074, 3GPP TS 24.229). With attestation C an operator says only that the
# call came through his gateway. A verifier that could not do its work leaves a doubt: that counts as failed.
_WORDS = {
    NumberVerification.PASSED: """
        verification passed; success; tn validation passed; tn validation passed a; tn validation passed b""",
    NumberVerification.ABSENT: """
        ; verification not present; disabled; missing identity hdr; no tn validation;
        tn validation passed c""",
    NumberVerification.FAILED: """
        signature failed; verification mismatch; tn validation failed; tn validation failed a;
        tn validation failed b; tn validation failed c; invalid arguments; internal error; missing date hdr;
        date hdr parse failure; date hdr range error; missing jwt hdr; cert cache miss; cert cache invalid;
        cert cache expired; cert retrieval failure; cert contents invalid; cert not trusted;
        cert date failure; cert no tn auth ext; cert no spc in auth ext; no raw key; signature validation;
        missing iat; iat range error; invalid or no ppt; invalid or no alg; invalid or no typ;
        invalid or no grants; invalid or no attest; missing origid; missing orig tn; cid orig tn mismatch;
        missing dest tn; invalid header; invalid grant; invalid or no callerid""",
}
VERIFICATION = {word.strip(): result for result, words in _WORDS.items() for word in words.split(";")}
LONGEST_WORD = 60  # characters of words that nobody understands, as the admin's log shows them
LONGEST_CUSTOMER = 100  # characters of a customer number

RESTRICTED = 32  # Q.931 presentation: 32 and up is restricted or unavailable (67)
SCREENING = 3  # its two lowest bits say who vouches for the number …
FAILED_SCREENING = 2  # … and this, that the network checked it and found it wrong
NOT_SCREENED = 0  # … and this, that nobody did
_EXTENSION = re.compile("[0-9]{2,6}")
_ABSENT = frozenset({"", "unknown", "anonymous", "restricted", "private", "unavailable"})

# What North American switches fill in for RESTRICTED and UNAVAILABLE, spelled on the keypad.
_FILLERS = frozenset({"+17378742833", "+18628245225"})


def recognise(call: IncomingCall, line: Line) -> Caller:
    """Return the caller of `call`, by the dialplan's customer number or else by the number that is shown.

    A restricted presentation counts as withheld even where the number came along (the PBX may see it, the
    caller asked for it not to be used), unless the line trusts it. Letters are refused rather than turned
    into digits.
    """
    if call.ambiguous:
        return Unidentified(Reason.AMBIGUOUS)
    if line.internal is not None and is_internal(call, line.internal):
        return INTERNAL_CALLER
    if customer := call.options.get("customer"):
        return Identified(customer, customer=True, vouched=Vouched.DIALPLAN)
    text = call.number.strip()
    if text.lower() in _ABSENT or (call.presentation >= RESTRICTED and not line.trust_restricted):
        return Unidentified(Reason.WITHHELD)
    screening, verified = call.presentation & SCREENING, verification(call, line)
    if verified is None:
        words = without_numbers(call.options["verification"], text)[:LONGEST_WORD]
        return Unidentified(Reason.UNVERIFIED, words)
    unsigned = line.requires_signature and verified is not NumberVerification.PASSED
    if screening == FAILED_SCREENING or verified is NumberVerification.FAILED or unsigned:
        return Unidentified(Reason.UNVERIFIED)
    valid = numbering.valid(text, line.region, line.callers)
    if len(valid) > 1:
        return Unidentified(Reason.AMBIGUOUS)
    if not valid:
        return Unidentified(Reason.MALFORMED)
    ((number, (country, kind)),) = valid.items()
    shared = kind is NumberKind.SHARED or number in _FILLERS
    household = line.landlines_shared and kind is NumberKind.LANDLINE
    if shared or household or any(_stands_for(pattern, number) for pattern in line.shared):
        return Unidentified(Reason.SHARED)
    if verified is NumberVerification.PASSED:
        vouched = Vouched.SIGNATURE
    else:
        vouched = Vouched.NOBODY if screening == NOT_SCREENED else Vouched.NETWORK
    return Identified(number, country, vouched)


def is_internal(call: IncomingCall, internal: Internal) -> bool:
    """Return whether a telephone of the company's own rings, by what the dialplan says of its channel: a mark
    and, after a colon, the context of its endpoint. A number proves nothing, since anybody can show any: it
    only says of those of a context which are meant."""
    mark, _, context = call.options.get("internal", "").partition(":")
    if internal.variable and mark.lower() == "yes":
        return True
    number = call.number.strip()
    is_extension = _EXTENSION.fullmatch(number) is not None and number.startswith(internal.prefixes or "")
    return is_extension and context in internal.contexts


def verification(call: IncomingCall, line: Line) -> NumberVerification | None:
    """Return the result of the network's check of the number, as the dialplan passed it; `None` for words
    that have no meaning to us or in the line's settings."""
    words = plain_words(call.options.get("verification", ""))
    return line.verification.get(words) or VERIFICATION.get(words)


def plain_words(text: str) -> str:
    """Return a text in small letters, with a single space for everything between words. Letters of other
    alphabets, and digits, are parts of words: what looks like a known word is another."""
    return " ".join(re.findall(r"[^\W_]+", text.lower())) if text else ""


def _stands_for(shared: str, number: str) -> bool:
    return number.startswith(shared[:-1]) if shared.endswith("*") else number == shared


def e164(text: str, region: str, form: NumberForm) -> frozenset[str]:
    """Return all that `text` may be in E.164, with plus sign; empty if it is not one telephone's number.

    Trunks send numbers in national form, or with country code and without plus, and many digits are valid as
    either: 3225551234 is an Italian mobile and a telephone in Brussels. `form` says which it is; without it
    both count. Validity is that of the numbering plans, not only of length: carriers fill in numbers such as
    0000000000 for callers that they do not name.
    """
    return frozenset(numbering.valid(text, region, form))


def spellings(line: str, region: str) -> frozenset[str]:
    """Return every way in which a dialplan may write the called number `line`: as it is, +39…, 0039…, 39…,
    0…"""
    return numbering.written_forms(line, region)


def fingerprint(key: bytes) -> str:
    """Return 16 hexadecimal digits by which keys are compared, and from which nobody learns a key.
    No number and no binding begins like this message."""
    return hashing.hmac(key, b"fingerprint")[:8].hex()


def pseudonym(caller: Identified, key: bytes) -> bytes:
    """Return the pseudonym of a caller in one controller's ledger: HMAC-SHA256, 32 bytes.

    Keyed, because all telephone numbers can be tried against a plain hash in an afternoon. Customer numbers
    have a space of their own, so that 3331234567 may be both.
    """
    space = b"customer:" if caller.customer else b"e164:"
    return hashing.hmac(key, space + caller.number.encode(errors="replace"))


def pseudonyms_under(caller: Identified, keys: Iterable[bytes]) -> list[bytes]:
    """Return his pseudonym under each of these keys."""
    return [pseudonym(caller, key) for key in keys]


def hook_subject(caller: Identified, hook: Hook) -> str:
    """Return the name under which a company's hook knows a caller: HMAC-SHA256 of his number in E.164 under
    the hook's secret, in hexadecimal; of a caller whom the dialplan knows by a customer number, that of
    `customer:` and this number.

    Where the hook names callers by customer numbers, this number itself, unless it is overlong or may be a
    telephone's: a dialplan can put anything there. '' where the hook has no secret that can be used.
    """
    if caller.customer and hook.by_customer and _is_customer_number(caller.number):
        return caller.number.encode(errors="replace").decode()
    if not hook.secret:
        return ""
    space = b"customer:" if caller.customer else b""
    return hashing.hmac(hook.secret, space + caller.number.encode(errors="replace")).hex()


def _is_customer_number(text: str) -> bool:
    return len(text) <= LONGEST_CUSTOMER and not holds_number(text)


def mask(number: str) -> str:
    """Return a number for people to read and nobody to call: its first three and last two characters."""
    return f"{number[:3]}…{number[-2:]}" if len(number) > 7 else "…"
