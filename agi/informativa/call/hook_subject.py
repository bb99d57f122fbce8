"""The name under which a company's hook knows a caller. No number is in it. Pure."""

from __future__ import annotations

from ..model import Identified, hashing
from ..model.hooks import Hook
from ..model.redaction import holds_number

LONGEST_CUSTOMER = 100  # characters of a customer number


def hook_subject(caller: Identified, hook: Hook) -> str:
    """Return HMAC-SHA256 of the caller's number in E.164 under the hook's secret, in hexadecimal; of a caller
    whom the dialplan knows by a customer number, that of `customer:` and this number.

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
