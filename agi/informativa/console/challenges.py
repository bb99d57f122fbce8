"""Challenges for passkeys. Each belongs to one session, or to one log-in that is half done, is good once, and
for five minutes."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from ..operations.accounts import passkeys
from ..operations.accounts.passkeys import LONGEST_ANSWER, PasskeyAnswer
from ..operations.accounts.user_account import UserAccount
from .context import RequestContext
from .sessions import Session

LIFE = timedelta(minutes=5)
_SIZE = 32  # bytes
_KEY = "passkey-challenge"


def new_challenge(session: Session, now: datetime) -> bytes:
    """Return a new challenge; an earlier one of the session is void."""
    challenge = secrets.token_bytes(_SIZE)
    session.put((challenge, now + LIFE), _KEY)
    return challenge


def _use_challenge(session: Session, now: datetime) -> bytes | None:
    """Return the challenge of a session, which is used up then; `None` where none is valid."""
    challenge, end = session.objects.pop(_KEY, (b"", now))
    return challenge if now < end else None


def request_options(context: RequestContext, half: Session, account: UserAccount) -> str:
    """Return what the browser needs to have a passkey of the account answer; '' where none could."""
    site = context.passkey_site
    if site is None or not passkeys.of_site(account, site):
        return ""
    challenge = new_challenge(half, context.console.now())
    return passkeys.request_options(account, challenge, site)


def answer_of(context: RequestContext, session: Session) -> PasskeyAnswer | None:
    """Return what an authenticator answered to the challenge of a session, which is used up; `None` for
    no answer, or one that comes too late."""
    site, text = context.passkey_site, context.field("credential", LONGEST_ANSWER)
    challenge = _use_challenge(session, context.console.now())
    return PasskeyAnswer(text, challenge, site) if site and text and challenge else None
