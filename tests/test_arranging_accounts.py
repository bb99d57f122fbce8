"""Accounts of the console, as the console and the command line have them arranged."""

from __future__ import annotations

import json
from base64 import b32decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from informativa.model import Role
from informativa.model.errors import InformativaError
from informativa.operations.accounts import management as accounts
from informativa.operations.accounts import own_account, totp
from informativa.operations.accounts.store import AccountFile
from informativa.operations.accounts.user_account import LogIn, Way
from informativa.views.documents import document
from informativa.views.messages import ENGLISH
from informativa.views.text import accounts as view

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
THERE = ("acme", "beta")
PASSWORD = "correct horse battery"


invite = partial(accounts.invite, address="https://pbx/")


def token_of(invitation: accounts.Invited) -> str:
    """Return the secret at the end of its link."""
    return invitation.link.removeprefix("https://pbx/invitation/")


def grants(**roles: Role) -> tuple[accounts.Grant, ...]:
    """Return these roles, by controller."""
    return tuple(accounts.Grant(controller, role) for controller, role in roles.items())


def test_somebody_is_invited_and_comes(tmp_path: Path) -> None:
    """What the command prints is enough to get in, and what he may is what was said."""
    made = invite(tmp_path, THERE, "Anna", Role.COMPLIANCE, ["beta"], 24, NOW)
    assert (made.name, made.grants) == ("anna", grants(beta=Role.COMPLIANCE))
    assert made.until == NOW + timedelta(hours=24)
    lines = list(view.invited(made, ENGLISH))
    assert lines[0].endswith(f": https://pbx/invitation/{token_of(made)}")
    assert lines[1] == "Then anna may: compliance (beta)"
    assert json.loads(document(made)) == {
        "schema": 1,
        "name": "anna",
        "grants": [{"controller": "beta", "role": "compliance"}],
        "link": f"https://pbx/invitation/{token_of(made)}",
        "until": "2026-11-27T09:00:00.000+00:00",
    }
    account = AccountFile(tmp_path).accept(token_of(made), PASSWORD, NOW)
    assert account.grants == {"beta": Role.COMPLIANCE}


def test_who_forgot_his_password_keeps_what_he_may(tmp_path: Path) -> None:
    """Without a role an invitation is no more than another way in."""
    made = invite(tmp_path, THERE, "anna", Role.ADMIN, THERE, 1, NOW)
    AccountFile(tmp_path).accept(token_of(made), PASSWORD, NOW)
    assert invite(tmp_path, THERE, "anna", None, [], 1, NOW).grants == grants(
        acme=Role.ADMIN, beta=Role.ADMIN
    )


def test_the_only_company_need_not_be_named(tmp_path: Path) -> None:
    """With several, nobody gets more than was said."""
    assert invite(tmp_path, ["acme"], "anna", Role.ADMIN, [], 1, NOW).grants == grants(acme=Role.ADMIN)
    with pytest.raises(InformativaError, match="There are several companies"):
        invite(tmp_path, THERE, "anna", Role.ADMIN, [], 1, NOW)


def ask(folder: Path, **other: object) -> Callable[[], object]:
    """An invitation that is right but for one thing."""
    given: dict[str, object] = {"name": "anna", "role": Role.READER, "controllers": ["acme"], "hours": 1}
    return lambda: invite(folder, THERE, **{**given, **other}, now=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"controllers": ["acmee"]}, r"There is no controller acmee. Did you mean acme\?"),
        ({"controllers": ["zzzzzz"]}, "There is no controller zzzzzz. There are: acme, beta."),
        ({"hours": 0}, "1 to 168 hours"),
        ({"hours": 169}, "1 to 168 hours"),
        ({"role": None}, "Add --role reader, compliance or admin"),
        ({"name": "anna rossi"}, "No account can have such a name"),
    ],
)
def test_invitation_that_is_none(tmp_path: Path, other: dict[str, object], message: str) -> None:
    """What is wrong, what there is, or what to type; and nothing is written."""
    with pytest.raises(InformativaError, match=message):
        ask(tmp_path / "web", **other)()
    assert not (tmp_path / "web").exists()


def test_roles_are_given_and_taken(tmp_path: Path) -> None:
    """One company's at a time; also that of a company that is not configured any more is taken away."""
    AccountFile(tmp_path).accept(
        token_of(invite(tmp_path, ["acme", "gone"], "anna", Role.READER, ["acme", "gone"], 1, NOW)),
        PASSWORD,
        NOW,
    )
    later = NOW + timedelta(minutes=1)
    account = accounts.grant(tmp_path, THERE, "anna", Role.ADMIN, ["beta"], later)
    assert list(view.granted(account, ENGLISH)) == ["anna may now: admin (beta), reader (acme, gone)"]
    assert account.changed == later
    with pytest.raises(InformativaError, match="There is no controller gone"):
        accounts.grant(tmp_path, THERE, "anna", Role.ADMIN, ["gone"], later)
    account = accounts.grant(tmp_path, THERE, "anna", None, ["gone", "acme"], later)
    assert account.grants == grants(beta=Role.ADMIN)
    assert list(view.granted(accounts.grant(tmp_path, THERE, "anna", None, ["beta"], later), ENGLISH)) == [
        "anna may now: nothing"
    ]


def test_account_that_is_not_there(tmp_path: Path) -> None:
    """The one that was probably meant is named."""
    made = invite(tmp_path, THERE, "anna", Role.READER, ["acme"], 1, NOW)
    AccountFile(tmp_path).accept(token_of(made), PASSWORD, NOW)
    for act in (
        lambda: accounts.remove(tmp_path, "ana"),
        lambda: accounts.grant(tmp_path, THERE, "ana", Role.READER, ["acme"], NOW),
    ):
        with pytest.raises(InformativaError, match=r"There is no account ana. Did you mean anna\?"):
            act()


def test_everybody_is_listed_without_secrets(tmp_path: Path) -> None:
    """Accounts and open invitations; those that are too old are none."""
    assert list(view.accounts(accounts.accounts(tmp_path, NOW), ENGLISH)) == [
        "Nobody may use the console yet. Type: informativa web invite NAME --role admin --controller COMPANY"
    ]
    made = invite(tmp_path, THERE, "anna", Role.READER, ["acme"], 1, NOW)
    file, secret = AccountFile(tmp_path), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    file.accept(token_of(made), PASSWORD, NOW)
    own_account.set_app(file, "anna", secret, totp.hotp(b32decode(secret), totp.step(NOW)), NOW)
    own_account.record_login(file, "anna", LogIn(NOW, "192.0.2.1", Way.APP, "Firefox"))
    own_account.record_failure(file, "anna", NOW, "192.0.2.2")
    invite(tmp_path, THERE, "berta", Role.ADMIN, THERE, 24, NOW)
    invite(tmp_path, THERE, "carla", Role.ADMIN, THERE, 1, NOW)
    listed = accounts.accounts(tmp_path, NOW + timedelta(hours=1))
    lines = list(view.accounts(listed, ENGLISH))
    assert lines[0].startswith("anna: reader (acme); password and the code of an app, since 2026-11-2")
    assert lines[0].endswith(", 1 attempt failed since")
    assert lines[1].startswith("berta: admin (acme, beta); invited until 2026-11-2")
    assert len(lines) == 2
    text = document(listed)
    assert ("argon2" in text, "JBSWY3" in text) == (False, False)
    assert json.loads(text) == {
        "schema": 1,
        "accounts": [
            {
                "schema": 1,
                "name": "anna",
                "grants": [{"controller": "acme", "role": "reader"}],
                "app": True,
                "passkeys": 0,
                "recovery_codes": 10,
                "changed": "2026-11-26T09:00:00.000+00:00",
                "last_login": "2026-11-26T09:00:00.000+00:00",
                "failures": 1,
            }
        ],
        "invitations": [
            {
                "name": "berta",
                "grants": [
                    {"controller": "acme", "role": "admin"},
                    {"controller": "beta", "role": "admin"},
                ],
                "until": "2026-11-27T09:00:00.000+00:00",
            }
        ],
    }


def test_all_sessions_of_somebody_are_ended(tmp_path: Path) -> None:
    """His roles stay; sessions from before are void by the time."""
    made = invite(tmp_path, THERE, "anna", Role.READER, ["acme"], 1, NOW)
    AccountFile(tmp_path).accept(token_of(made), PASSWORD, NOW)
    later = NOW + timedelta(minutes=1)
    account = accounts.log_out(tmp_path, "Anna", later)
    assert (account.grants, account.changed) == (grants(acme=Role.READER), later)
    assert list(view.logged_out(account, ENGLISH)) == ["All sessions of anna are over."]
    with pytest.raises(InformativaError, match="Did you mean anna"):
        accounts.log_out(tmp_path, "ana", later)


def test_who_is_removed_is_out(tmp_path: Path) -> None:
    """His account, or his invitation where he did not come yet."""
    made = invite(tmp_path, THERE, "anna", Role.READER, ["acme"], 1, NOW)
    result = accounts.remove(tmp_path, "Anna")
    assert AccountFile(tmp_path).invitation(token_of(made), NOW) is None
    assert list(view.removed(result, ENGLISH)) == ["anna may not use the console any more."]
