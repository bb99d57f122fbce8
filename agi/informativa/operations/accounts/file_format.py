"""The accounts of the console as JSON: what a file holds of them, and back.

The version stays 1 as long as an earlier program lets in nobody whom this one would refuse: it does not know
recovery codes, histories and when an account was made, and drops them when it writes; passwords, apps and
grants it knows. A passkey it would not ask for, so with one the version is 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ...model import Role
from .user_account import AccountTable, Grants, LogIn, LoginHistory, OpenInvitation, Passkey, UserAccount, Way

_WITHOUT_PASSKEYS, _WITH_PASSKEYS = VERSIONS = (1, 2)


def table_of(facts: Mapping[str, Any]) -> AccountTable:
    """Return the accounts of a parsed file. Raises ValueError, KeyError, TypeError and AttributeError for any
    other content."""
    accounts = {
        name: UserAccount(
            name,
            _grants(fields["grants"]),
            str(fields["password"]),
            str(fields["totp"]),
            _time(fields["changed"]),
            int(fields["step"]),
            tuple(map(str, fields.get("recovery", ()))),
            _history(fields.get("logins", {})),
            tuple(map(_passkey, fields.get("passkeys", ()))),
            _time(fields["made"]) if "made" in fields else None,
        )
        for name, fields in facts["accounts"].items()
    }
    invitations = {
        key: OpenInvitation(fields["name"], _grants(fields["grants"]), _time(fields["until"]))
        for key, fields in facts["invitations"].items()
    }
    return AccountTable(accounts, invitations)


def facts_of(table: AccountTable) -> dict[str, object]:
    """Return the content of a file with these accounts."""
    passkeys = any(account.passkeys for account in table.accounts.values())
    return {
        "version": _WITH_PASSKEYS if passkeys else _WITHOUT_PASSKEYS,
        "accounts": {
            name: {
                "grants": dict(account.grants),
                "password": account.password_hash,
                "totp": account.totp_secret,
                "step": account.last_step,
                "changed": account.changed.isoformat(),
                "recovery": list(account.recovery_codes),
                "logins": _history_facts(account.history),
                **({"passkeys": list(map(_passkey_facts, account.passkeys))} if account.passkeys else {}),
                **({"made": account.made.isoformat()} if account.made else {}),
            }
            for name, account in sorted(table.accounts.items())
        },
        "invitations": {
            key: {
                "name": invitation.name,
                "grants": dict(invitation.grants),
                "until": invitation.expires.isoformat(),
            }
            for key, invitation in sorted(table.invitations.items())
        },
    }


def _history(facts: Mapping[str, Any]) -> LoginHistory:
    last, failed = facts.get("last"), facts.get("failed")
    return LoginHistory(
        _login(last) if last and last["by"] in list(Way) else None,  # a newer program may know other ways
        int(failed["count"]) if failed else 0,
        _time(failed["at"]) if failed else None,
        str(failed["from"]) if failed else "",
    )


def _login(facts: Mapping[str, Any]) -> LogIn:
    return LogIn(_time(facts["at"]), str(facts["from"]), Way(facts["by"]), str(facts["browser"]))


def _history_facts(history: LoginHistory) -> dict[str, object]:
    last, failed_at = history.last, history.failed_at
    return {
        "last": last
        and {"at": last.at.isoformat(), "from": last.address, "by": last.way, "browser": last.browser},
        "failed": failed_at
        and {"count": history.failures, "at": failed_at.isoformat(), "from": history.failed_from},
    }


def _passkey(facts: Mapping[str, Any]) -> Passkey:
    used = facts["used"]
    return Passkey(
        str(facts["id"]),
        str(facts["key"]),
        int(facts["counter"]),
        str(facts["site"]),
        str(facts["label"]),
        _time(facts["made"]),
        _time(used) if used else None,
    )


def _passkey_facts(passkey: Passkey) -> dict[str, object]:
    return {
        "id": passkey.id,
        "key": passkey.public_key,
        "counter": passkey.counter,
        "site": passkey.site,
        "label": passkey.label,
        "made": passkey.made.isoformat(),
        "used": passkey.used and passkey.used.isoformat(),
    }


def _grants(facts: Mapping[str, str]) -> Grants:
    return {controller: Role(role) for controller, role in facts.items()}


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
