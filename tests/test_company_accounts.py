"""The accounts of one company, as its own admins lead them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from informativa.model import Role
from informativa.model.errors import AccountError
from informativa.operations.accounts import company_accounts
from informativa.operations.accounts.company_accounts import Admin
from informativa.operations.accounts.store import AccountFile, UserAccount

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
ANNA = Admin("anna", "acme")
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def accounts(tmp_path: Path) -> AccountFile:
    """Anna, the only admin of acme; Berta, a reader there; Carla, a reader of acme and the admin of beta."""
    file = AccountFile(tmp_path, CHEAP)
    for name, grants in (
        ("anna", {"acme": Role.ADMIN}),
        ("berta", {"acme": Role.READER}),
        ("carla", {"acme": Role.READER, "beta": Role.ADMIN}),
    ):
        file.accept(file.invite(name, grants, NOW + timedelta(hours=1)), PASSWORD, NOW)
    return file


def account(accounts: AccountFile, name: str) -> UserAccount:
    """Return an account that exists."""
    result = accounts.get(name)
    assert result is not None
    return result


def test_admin_invites_somebody_new(accounts: AccountFile) -> None:
    """To his own company, for a day; the invitation is listed there alone, and can be withdrawn."""
    token = company_accounts.invite(accounts, ANNA, "Dora", Role.COMPLIANCE, NOW)
    invitation = accounts.invitation(token, NOW + timedelta(hours=23))
    assert invitation is not None
    assert (invitation.name, invitation.grants) == ("dora", {"acme": Role.COMPLIANCE})
    listed = company_accounts.of_company(accounts, "acme", NOW)
    assert [entry.name for entry in listed.accounts] == ["anna", "berta", "carla"]
    assert listed.invitations == (invitation,)
    assert [entry.name for entry in company_accounts.of_company(accounts, "beta", NOW).accounts] == ["carla"]
    assert company_accounts.of_company(accounts, "beta", NOW).invitations == ()
    company_accounts.withdraw(accounts, ANNA, "dora")
    assert accounts.invitation(token, NOW) is None


def test_somebody_who_lost_the_way_in_keeps_his_role(accounts: AccountFile) -> None:
    """Whatever role the form says; a role that changes meanwhile is the one that he gets."""
    token = company_accounts.invite(accounts, ANNA, "berta", Role.ADMIN, NOW)
    company_accounts.set_role(accounts, ANNA, "berta", Role.COMPLIANCE, NOW)
    assert accounts.accept(token, PASSWORD, NOW).grants == {"acme": Role.COMPLIANCE}


def test_right_that_is_taken_away_while_somebody_is_invited_stays_away(accounts: AccountFile) -> None:
    """The invitation has the rights of the moment at which it is stored."""

    class BesidesAnother(AccountFile):
        """The same file, to which another admin comes first."""

        def invite(self, *arguments: Any) -> str:
            """Invite after somebody else lowered berta."""
            accounts.change("berta", {"acme": Role.READER}, NOW)
            return super().invite(*arguments)

    accounts.change("berta", {"acme": Role.ADMIN}, NOW)
    slow = BesidesAnother(accounts.file.parent, CHEAP)
    token = company_accounts.invite(slow, ANNA, "berta", Role.READER, NOW)
    assert accounts.accept(token, PASSWORD, NOW).grants == {"acme": Role.READER}


def test_invitation_anew_changes_no_rights(accounts: AccountFile) -> None:
    """Neither to more nor to less, here and at another company of which the admin is one, too; and an
    invitation that was not used yet is replaced by one for another role."""
    token = company_accounts.invite(accounts, ANNA, "berta", Role.ADMIN, NOW)
    assert accounts.accept(token, PASSWORD, NOW).grants == {"acme": Role.READER}
    accounts.change("anna", {"beta": Role.ADMIN}, NOW)
    token = company_accounts.invite(accounts, ANNA, "carla", Role.COMPLIANCE, NOW)
    assert accounts.accept(token, PASSWORD, NOW).grants == {"acme": Role.READER, "beta": Role.ADMIN}
    company_accounts.invite(accounts, ANNA, "dora", Role.ADMIN, NOW)
    token = company_accounts.invite(accounts, ANNA, "dora", Role.READER, NOW)
    assert accounts.accept(token, PASSWORD, NOW).grants == {"acme": Role.READER}


def test_invitation_that_is_too_old_counts_no_more(accounts: AccountFile) -> None:
    """It is not listed, keeps nobody from inviting that name, and gives no rights to a later one."""
    accounts.invite("dora", {"beta": Role.READER, "acme": Role.ADMIN}, NOW)
    assert company_accounts.of_company(accounts, "acme", NOW).invitations == ()
    token = company_accounts.invite(accounts, ANNA, "dora", Role.READER, NOW)
    assert accounts.accept(token, PASSWORD, NOW).grants == {"acme": Role.READER}


def test_admin_ends_the_sessions_of_his_people(accounts: AccountFile) -> None:
    """They are void by the time, and the rights stay."""
    later = NOW + timedelta(minutes=1)
    company_accounts.end_sessions(accounts, ANNA, "Berta", later)
    assert account(accounts, "berta").changed == later
    assert account(accounts, "berta").grants == {"acme": Role.READER}


def test_admin_takes_over_no_account_of_another_company(accounts: AccountFile) -> None:
    """A link to an account or an open invitation with rights elsewhere would give him these; nor can he make
    another company's invitation void."""
    beta = accounts.invite("dora", {"beta": Role.READER}, NOW + timedelta(hours=1))
    for name in ("carla", "dora"):
        with pytest.raises(AccountError) as refusal:
            company_accounts.invite(accounts, ANNA, name, Role.READER, NOW)
        assert str(refusal.value) == (
            f"The account {name} is of another company, too. Choose another name, or have whoever runs the"
            f" machine type: informativa web grant {name} --role reader --controller acme"
        )
    with pytest.raises(AccountError) as refusal:
        company_accounts.withdraw(accounts, ANNA, "dora")
    assert str(refusal.value) == "The invitation of dora is of another company, too."
    assert accounts.invitation(beta, NOW) is not None
    accounts.change("anna", {"beta": Role.ADMIN}, NOW)  # then she may
    assert company_accounts.invite(accounts, ANNA, "carla", Role.READER, NOW)


def test_admin_changes_roles_of_his_company_alone(accounts: AccountFile) -> None:
    """Rights elsewhere stay, sessions end, and whoever has no role there is none of his people."""
    later = NOW + timedelta(minutes=1)
    company_accounts.set_role(accounts, ANNA, "carla", Role.ADMIN, later)
    assert account(accounts, "carla").grants == {"acme": Role.ADMIN, "beta": Role.ADMIN}
    assert account(accounts, "carla").changed == later
    company_accounts.set_role(accounts, ANNA, "carla", None, later)
    assert account(accounts, "carla").grants == {"beta": Role.ADMIN}
    for name, act in (
        ("carla", lambda: company_accounts.set_role(accounts, ANNA, "carla", Role.READER, later)),
        ("carla", lambda: company_accounts.end_sessions(accounts, ANNA, "carla", later)),
        ("nobody", lambda: company_accounts.set_role(accounts, ANNA, "nobody", Role.READER, later)),
    ):
        with pytest.raises(AccountError) as refusal:
            act()
        assert str(refusal.value) == f"{name} has no role at this company."
        assert refusal.value.code == "account-unknown"


@pytest.mark.parametrize("role", [None, Role.READER, Role.COMPLIANCE])
def test_last_admin_stays(accounts: AccountFile, role: Role | None) -> None:
    """He cannot lower himself; with a second one he can."""
    with pytest.raises(AccountError) as refusal:
        company_accounts.set_role(accounts, ANNA, "anna", role, NOW)
    assert str(refusal.value) == (
        "anna is the last admin of this company. Make somebody else an admin first."
    )
    company_accounts.set_role(accounts, ANNA, "anna", Role.ADMIN, NOW)
    company_accounts.set_role(accounts, ANNA, "berta", Role.ADMIN, NOW)
    company_accounts.set_role(accounts, ANNA, "anna", role, NOW)
    assert account(accounts, "anna").grants.get("acme") == role


def test_two_admins_who_lower_each_other_leave_one(accounts: AccountFile) -> None:
    """At the same time, again and again: one of the two acts is refused."""
    berta = Admin("berta", "acme")

    def lower(admin: Admin, other: str) -> bool:
        try:
            company_accounts.set_role(accounts, admin, other, Role.READER, NOW)
        except AccountError:
            return False
        return True

    for _round in range(5):
        for name in ("anna", "berta"):
            accounts.change(name, {"acme": Role.ADMIN}, NOW)
        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(lower, (ANNA, berta), ("berta", "anna")))
        assert sorted(done) == [False, True]


def test_who_is_no_admin_any_more_changes_nothing(accounts: AccountFile) -> None:
    """Although his request had begun before."""
    berta = Admin("berta", "acme")
    for act in (
        lambda: company_accounts.invite(accounts, berta, "dora", Role.READER, NOW),
        lambda: company_accounts.set_role(accounts, berta, "carla", Role.ADMIN, NOW),
        lambda: company_accounts.end_sessions(accounts, berta, "anna", NOW),
        lambda: company_accounts.withdraw(accounts, berta, "dora"),
    ):
        with pytest.raises(AccountError) as refusal:
            act()
        assert str(refusal.value) == "You are no admin of this company any more."


def test_admin_by_the_identity_provider_has_the_roles_that_it_gives(accounts: AccountFile) -> None:
    """As long as no account here has his name: then that one's roles count, and his own are none of it."""
    described = replace(account(accounts, "anna"), name="olga")
    olga = Admin("olga", "acme", of_provider=described)
    company_accounts.set_role(accounts, olga, "berta", Role.COMPLIANCE, NOW)
    assert account(accounts, "berta").grants == {"acme": Role.COMPLIANCE}
    for admin in (
        Admin("olga", "acme", of_provider=replace(described, grants={"acme": Role.READER})),
        Admin("olga", "acme"),
        Admin("berta", "acme", of_provider=replace(described, name="berta")),
        Admin("anna", "acme", of_provider=described),
    ):
        with pytest.raises(AccountError, match="no admin of this company any more"):
            company_accounts.set_role(accounts, admin, "berta", Role.READER, NOW)


def test_account_with_an_app_or_a_passkey_is_protected(accounts: AccountFile) -> None:
    """A password alone is not enough for it."""
    anna = account(accounts, "anna")
    assert not company_accounts.is_protected(anna)
    assert company_accounts.is_protected(replace(anna, totp_secret="ONSWG4TFOQ======"))
