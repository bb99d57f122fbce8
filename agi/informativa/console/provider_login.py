"""A log-in at an identity provider, as the session has it that began with it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..operations.accounts.store import UserAccount


@dataclass(frozen=True)
class ProviderLogin:
    """A log-in at the identity provider: the account as it describes it, whose roles count for this session;
    there it is of `subject`, in the session `session_id` (or ''). It counts for so many `seconds`."""

    account: UserAccount
    subject: str
    session_id: str
    id_token: str = field(repr=False)
    seconds: float
