"""The name under which a company's hook knows a caller. No number is in it. Pure."""

from __future__ import annotations

from ..model import Identified, hashing
from ..model.hooks import Hook
from ..model.redaction import holds_number


def hook_subject(caller: Identified, hook: Hook) -> str:
    """Return HMAC-SHA256 of the caller's number in E.164 under the hook's secret, in hexadecimal; of a caller
    whom the dialplan knows by a customer number, that of `customer:` and this number.

    Where the hook names callers by customer numbers, this number itself, unless it may be a telephone's: a
    dialplan can put anything there.
    """
    if not caller.customer:
        return hashing.hmac(hook.secret, caller.number.encode(errors="replace")).hex()
    if hook.by_customer and not holds_number(caller.number):
        return caller.number
    return hashing.hmac(hook.secret, b"customer:" + caller.number.encode(errors="replace")).hex()
