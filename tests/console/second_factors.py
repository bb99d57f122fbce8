"""Accounts with an app, and what admins do with accounts."""

from __future__ import annotations

from base64 import b32decode
from datetime import UTC, datetime, timedelta

from console.served import Browser, ServedConsole
from informativa.operations.accounts import own_account, totp

OFFICER = "compliance@acme"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PAGE = "/acme/accounts"


def code_at(secret: str, at: datetime) -> str:
    """Return what an app shows at a time."""
    return totp.hotp(b32decode(secret), totp.step(at))


def protect(office: ServedConsole, name: str = OFFICER) -> tuple[str, ...]:
    """Give an account an app whose code of AT is not used yet, and return its recovery codes."""
    earlier = AT - timedelta(seconds=30)
    accounts = office.console.accounts
    return own_account.set_app(accounts, name, SECRET, code_at(SECRET, earlier), AT).codes


def act(browser: Browser, path: str = PAGE, **fields: str) -> str:
    """Send a form of the page, as it stands or as somebody made it up, and return the page after it."""
    csrf = browser.get("/account").text.partition('name="csrf" value="')[2][:64]
    return browser.post(path, {"csrf": csrf, **fields}).text
