"""The console's accounts: who gets in, by what, and what the file is like."""

from __future__ import annotations

import builtins
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from informativa.model import Role
from informativa.model.errors import AccountError, InformativaError
from informativa.operations.accounts import factors, own_account, totp
from informativa.operations.accounts.passwords import checked
from informativa.operations.accounts.store import AccountFile, UserAccount, plain_name
from informativa.operations.accounts.user_account import LogIn, LoginHistory, Passkey, Way

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
PASSWORD = "correct horse battery"
READER = {"acme": Role.READER}
PASSKEY = Passkey("aWQ", "a2V5", 7, "console.acme.example", "my key", NOW, NOW + HOUR)


def cheap(passes: int = 1) -> PasswordHasher:
    """Argon2 that costs tests nothing."""
    return PasswordHasher(time_cost=passes, memory_cost=8, parallelism=1)


@pytest.fixture
def accounts(tmp_path: Path) -> AccountFile:
    """An empty folder of accounts."""
    return AccountFile(tmp_path / "web", cheap())


def joined(accounts: AccountFile, name: str = "anna", secret: str = "", **grants: Role) -> UserAccount:
    """An account whose password is PASSWORD, and whose app has the secret, if there is one."""
    account = accounts.accept(accounts.invite(name, grants or READER, NOW + HOUR), PASSWORD, NOW)
    if not secret:
        return account
    earlier = code_at(secret, NOW - timedelta(seconds=30))
    return own_account.set_app(accounts, name, secret, earlier, NOW).account


def code_at(secret: str, at: datetime) -> str:
    """Return what the app shows then."""
    import base64

    return totp.hotp(base64.b32decode(secret), totp.step(at))


def test_invitation_becomes_an_account(accounts: AccountFile) -> None:
    """Whoever has the token chooses a password, and gets in by it with what he was granted."""
    token = accounts.invite("Anna@Example.com", {"acme": Role.COMPLIANCE}, NOW + HOUR)
    invitation = accounts.invitation(token, NOW)
    assert invitation is not None
    assert (invitation.name, invitation.grants, invitation.expires) == (
        "anna@example.com",
        {"acme": Role.COMPLIANCE},
        NOW + HOUR,
    )
    assert (accounts.all(), len(token)) == ([], 43)
    made = accounts.accept(token, PASSWORD, NOW)
    assert (made.name, made.grants, made.changed) == ("anna@example.com", {"acme": Role.COMPLIANCE}, NOW)
    assert accounts.verify("ANNA@example.com", PASSWORD) == made
    assert accounts.verify("anna@example.com", PASSWORD + "!") is None
    assert accounts.get("Anna@example.com") == made


def test_token_is_good_once_and_for_its_time(accounts: AccountFile) -> None:
    """Used, too old, replaced or made up: it makes no account."""
    used, late = accounts.invite("anna", READER, NOW + HOUR), accounts.invite("berta", READER, NOW + HOUR)
    old = accounts.invite("carla", READER, NOW + HOUR)
    accounts.invite("carla", READER, NOW + 9 * HOUR)
    accounts.accept(used, PASSWORD, NOW)
    for token, at in ((used, NOW), (late, NOW + HOUR), (old, NOW), ("made up", NOW), ("", NOW)):
        assert accounts.invitation(token, at) is None
        with pytest.raises(AccountError, match="has been used, has expired, or never existed") as caught:
            accounts.accept(token, PASSWORD, at)
        assert caught.value.code == "invitation"
    assert accounts.invitation(late, NOW + HOUR - timedelta(seconds=1)) is not None


def test_token_is_in_no_file(accounts: AccountFile) -> None:
    """Who reads the file, or a backup of it, gets in by nothing that stands there."""
    token = accounts.invite("anna", READER, NOW + HOUR)
    assert token not in accounts.file.read_text()
    accounts.accept(token, PASSWORD, NOW)
    assert PASSWORD not in accounts.file.read_text()
    assert accounts.file.read_text().count("$argon2id$") == 1


def test_who_is_invited_again_keeps_the_old_way_in_until_then(accounts: AccountFile) -> None:
    """A lost password: the old one and the old grants hold until the new way in is used."""
    before = joined(accounts)
    token = accounts.invite("anna", {"acme": Role.ADMIN}, NOW + HOUR)
    assert accounts.verify("anna", PASSWORD) == before
    later = NOW + timedelta(minutes=5)
    after = accounts.accept(token, "another long one", later)
    assert (after.grants, after.changed) == ({"acme": Role.ADMIN}, later)
    assert accounts.verify("anna", PASSWORD) is None
    assert accounts.verify("anna", "another long one") == after


@pytest.mark.parametrize(
    "password",
    ["eleven char", "anna.rossi.x", "ANNA.Rossi.X", "x" * 1025, "è" * 513, "ﷺ" * 64, "\ud800" * 12],
)
def test_password_that_is_none(password: str) -> None:
    """Eleven characters, the account's own name, more than 1,024 bytes as typed or normalised, no text."""
    with pytest.raises(AccountError) as caught:
        checked(password, "anna.rossi.x")
    assert caught.value.code == "password"


@pytest.mark.parametrize("password", ["twelve chars", "x" * 1024, "è" * 512])
def test_password_that_is_one(password: str) -> None:
    """Twelve characters, and 1,024 bytes."""
    assert checked(password, "anna") == password


def test_password_is_the_same_from_every_keyboard(accounts: AccountFile) -> None:
    """An è of one character, or of a letter and its accent."""
    token = accounts.invite("anna", READER, NOW + HOUR)
    accounts.accept(token, "perch\u00e9 non piove", NOW)
    assert accounts.verify("anna", "perche\u0301 non piove")


@pytest.mark.parametrize("name", ["", "anna rossi", "a" * 65, "anna/../root", "anna:x", "ànna", "a\x00"])
def test_name_that_is_none(name: str) -> None:
    """It goes into pages, logs and a URI, and is one of its kind."""
    with pytest.raises(AccountError) as caught:
        plain_name(name)
    assert caught.value.code == "account-name"


def test_unknown_name_costs_the_same_work(tmp_path: Path) -> None:
    """One hash is computed whether there is such an account or not, and for a password that is too long."""

    class Counting(PasswordHasher):
        """It counts what it is asked."""

        asked = 0

        def verify(self, hash: str | bytes, password: str | bytes) -> Any:  # noqa: A002  # theirs
            Counting.asked += 1
            return super().verify(hash, password)

    accounts = AccountFile(tmp_path / "web", Counting(time_cost=1, memory_cost=8, parallelism=1))
    joined(accounts)
    for name, password in (("anna", "wrong"), ("nobody", PASSWORD), ("no name!", ""), ("anna", "x" * 9999)):
        Counting.asked = 0
        assert accounts.verify(name, password) is None
        assert Counting.asked == 1


def test_password_is_hashed_anew_when_it_costs_more(accounts: AccountFile) -> None:
    """A login under other parameters renews the hash, and ends nobody's session."""
    before = joined(accounts)
    later = AccountFile(accounts.file.parent, cheap(passes=2))
    account = later.verify("anna", PASSWORD)
    assert account is not None
    assert ("t=1" in before.password_hash, "t=2" in account.password_hash) == (True, True)
    assert account.changed == before.changed
    assert later.verify("anna", PASSWORD) == account == accounts.get("anna")


def test_hashes_are_argon2id_at_its_authors_price(tmp_path: Path) -> None:
    """Without another wish the library's own parameters: RFC 9106's for little memory, 64 MiB."""
    hashed = joined(AccountFile(tmp_path)).password_hash
    assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_code_works_once(accounts: AccountFile) -> None:
    """Who looks over a shoulder is too late, also in another process; so is the code that showed the app to
    work, and the next one is good."""
    secret = totp.new_secret()
    joined(accounts, secret=secret)
    code, wrong = code_at(secret, NOW), "000000"
    wrong = wrong if code != wrong else "000001"
    assert own_account.use_factor(accounts, "anna", wrong, NOW) is None
    assert own_account.use_factor(accounts, "anna", code_at(secret, NOW - timedelta(seconds=30)), NOW) is None
    assert own_account.use_factor(accounts, "anna", f"{code[:3]} {code[3:]}", NOW) == "app"
    for file in (accounts, AccountFile(accounts.file.parent, cheap())):
        assert own_account.use_factor(file, "anna", code, NOW) is None
    soon = NOW + timedelta(seconds=30)
    assert own_account.use_factor(accounts, "anna", code_at(secret, soon), soon) == "app"


def test_code_is_used_by_one_of_many_at_once(accounts: AccountFile) -> None:
    """All of them found it good; one is let in, by a code of the app as by a recovery code."""
    secret = totp.new_secret()
    joined(accounts, secret=secret)
    spare = own_account.renew_recovery_codes(accounts, "anna", NOW).codes[4]
    for proof, way in ((code_at(secret, NOW), "app"), (spare, "recovery")):
        with ThreadPoolExecutor(8) as pool:
            ways = list(
                pool.map(lambda code: own_account.use_factor(accounts, "anna", code, NOW), [proof] * 8)
            )
        assert sorted(map(str, ways)) == ["None"] * 7 + [way]


def test_recovery_code_stands_in_for_the_app_once(accounts: AccountFile) -> None:
    """Ten of them, in any spelling, none of which is in the file; those of an earlier app are void."""
    joined(accounts, secret=totp.new_secret())
    earlier = own_account.renew_recovery_codes(accounts, "anna", NOW).codes
    codes = own_account.renew_recovery_codes(accounts, "anna", NOW).codes
    assert (len(set(codes)), {len(code) for code in codes}) == (10, {19})
    assert all(re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){3}", code) for code in codes)
    assert any(code[1:4] != code[5:8] for code in codes)  # each group has letters of its own
    for wrong in (earlier[0], "", "\ud800" * 16):
        assert own_account.use_factor(accounts, "anna", wrong, NOW) is None
    assert own_account.use_factor(accounts, "anna", codes[0].replace("-", " ").upper(), NOW) == "recovery"
    assert own_account.use_factor(accounts, "anna", codes[0], NOW) is None
    assert (
        own_account.use_factor(accounts, "anna", codes[1].replace("-", ""), NOW, guesses=False) == "recovery"
    )
    text = accounts.file.read_text()
    assert [code for code in codes if code in text or code.replace("-", "") in text] == []
    account = accounts.get("anna")
    assert account is not None
    assert len(account.recovery_codes) == 8
    own_account.remove_app(accounts, "anna", NOW)
    assert own_account.use_factor(accounts, "anna", codes[2], NOW) is None
    with pytest.raises(AccountError, match="there is none"):
        own_account.renew_recovery_codes(accounts, "anna", NOW)


def test_account_without_an_app_has_no_second_factor(accounts: AccountFile) -> None:
    """Nor does a code of the empty key prove anything; with an app it has one, also when all recovery codes
    are used; and a role alone decides whether one is needed."""
    without = joined(accounts)
    empty = totp.hotp(b"", totp.step(NOW))
    assert factors.matching(without, empty, NOW, guesses=True) is None
    with_app = joined(accounts, secret=totp.new_secret())
    without_codes = replace(with_app, recovery_codes=())
    codes_alone = replace(with_app, totp_secret="")
    protected = [factors.is_protected(account) for account in (without, with_app, without_codes, codes_alone)]
    assert protected == [False, True, True, False]
    needs = [factors.needs_factor(with_app, roles) for roles in ((), (Role.READER,), (Role.ADMIN,))]
    assert needs == [False, True, False]


def test_wrong_code_sets_up_no_app(accounts: AccountFile) -> None:
    """Nobody is asked for codes that his app does not show."""
    before = joined(accounts)
    with pytest.raises(AccountError, match="not the right one"):
        own_account.set_app(accounts, "anna", totp.new_secret(), "12345", NOW)
    assert accounts.get("anna") == before


def test_last_log_in_and_failures_are_counted(accounts: AccountFile) -> None:
    """What failed counts from the last log-in on; both are the same after the file is read anew, and neither
    ends a session."""
    before = joined(accounts)
    login = LogIn(NOW, "192.0.2.1", Way.APP, "Firefox, Windows")
    for minute in range(3):
        at = NOW + timedelta(minutes=minute)
        own_account.record_failure(accounts, "anna", at, f"198.51.100.{minute}")
    account = AccountFile(accounts.file.parent).get("anna")
    assert account is not None
    assert account.history == LoginHistory(None, 3, NOW + timedelta(minutes=2), "198.51.100.2")
    own_account.record_login(accounts, "anna", login)
    account = AccountFile(accounts.file.parent).get("anna")
    assert account is not None
    assert (account.history, account.changed) == (LoginHistory(login), before.changed)


def test_file_of_an_earlier_program_is_read(accounts: AccountFile) -> None:
    """Without recovery codes and histories; and a way to log in that a later one knows is no fault."""
    before = joined(accounts, secret=totp.new_secret())
    own_account.record_login(accounts, "anna", LogIn(NOW, "192.0.2.1", Way.APP, ""))
    facts = json.loads(accounts.file.read_text())
    facts["accounts"]["anna"]["logins"]["last"]["by"] = "telepathy"
    accounts.file.write_text(json.dumps(facts))
    account = accounts.get("anna")
    assert account is not None
    assert account.history == LoginHistory()
    for field in ("recovery", "logins"):
        del facts["accounts"]["anna"][field]
    accounts.file.write_text(json.dumps(facts))
    assert accounts.get("anna") == replace(before, recovery_codes=())


def test_grants_are_changed_and_accounts_removed(accounts: AccountFile) -> None:
    """What somebody may do changes at once, and sessions from before are void by `changed`."""
    joined(accounts)
    later = NOW + HOUR
    account = accounts.change("anna", {"acme": Role.COMPLIANCE, "beta": Role.READER}, later)
    assert account.changed == later
    assert [account.may("acme", role) for role in Role] == [True, True, False]
    assert [account.may("beta", role) for role in Role] == [True, False, False]
    assert [account.may("gamma", role) for role in Role] == [False, False, False]
    assert accounts.change("anna", {"acme": None, "gamma": Role.ADMIN}, later).grants == {
        "beta": Role.READER,
        "gamma": Role.ADMIN,
    }
    token = accounts.invite("anna", READER, NOW + HOUR)
    accounts.remove("anna")
    assert (accounts.all(), accounts.invitations(), accounts.invitation(token, NOW)) == ([], [], None)
    for act in (lambda: accounts.remove("anna"), lambda: accounts.change("anna", {}, NOW)):
        with pytest.raises(AccountError, match="There is no account anna"):
            act()


def test_another_process_is_seen_and_loses_nothing(accounts: AccountFile) -> None:
    """Eight processes add an account each at the same time, and all are there, for who had read before."""
    assert accounts.all() == []
    program = (
        "import sys, datetime as d; from pathlib import Path;"
        "from informativa.operations.accounts.store import AccountFile;"
        "AccountFile(Path(sys.argv[1])).invite(sys.argv[2], {}, d.datetime.now(d.UTC) + d.timedelta(hours=1))"
    )
    names = [f"user{number}" for number in range(8)]
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(accounts.file.parent), name]) for name in names
    ]
    assert [process.wait() for process in started] == [0] * 8
    assert [invitation.name for invitation in accounts.invitations()] == names


def test_changes_of_different_kinds_at_once_are_all_kept(accounts: AccountFile) -> None:
    """While log-ins of an account are put on record, as for each new session behind a web server, nothing of
    its new password, its roles and others' invitations is lost."""
    joined(accounts)
    begin = threading.Barrier(4)

    def repeat(change: Callable[[AccountFile, int], object]) -> None:
        file = AccountFile(accounts.file.parent, cheap())
        begin.wait(30)
        for number in range(10):
            change(file, number)

    changes: tuple[Callable[[AccountFile, int], object], ...] = (
        lambda file, _number: own_account.record_failure(file, "anna", NOW, "192.0.2.1"),
        lambda file, number: file.invite(f"user{number}", READER, NOW + HOUR),
        lambda file, number: file.change("anna", {f"company{number}": Role.READER}, NOW),
        lambda file, number: own_account.change_password(file, "anna", f"{PASSWORD} {number}", NOW),
    )
    threads = [threading.Thread(target=repeat, args=[change]) for change in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    anna = accounts.verify("anna", f"{PASSWORD} 9")
    assert anna
    assert (anna.history.failures, len(anna.grants), len(accounts.invitations())) == (10, 11, 10)


def test_two_changes_that_look_alike_from_outside_are_both_kept(
    accounts: AccountFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the same number, size and times as before, as within one tick of a clock, is read anew before
    a change."""
    joined(accounts)
    own_account.record_failure(accounts, "anna", NOW, "192.0.2.1")
    other = AccountFile(accounts.file.parent, cheap())
    own_account.record_failure(other, "anna", NOW, "192.0.2.1")
    real, looked = Path.stat, Path.stat(accounts.file)

    def same(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        return looked if path == accounts.file else real(path, follow_symlinks=follow_symlinks)

    accounts._cached = None
    monkeypatch.setattr(Path, "stat", same)
    assert accounts.table().accounts["anna"].history.failures == 2
    own_account.record_failure(other, "anna", NOW, "192.0.2.1")
    own_account.record_failure(accounts, "anna", NOW, "192.0.2.1")
    monkeypatch.undo()
    account = other.get("anna")
    assert account
    assert account.history.failures == 4


def test_files_are_for_their_owner_alone(accounts: AccountFile) -> None:
    """The folder, the file, and the lock."""
    joined(accounts)
    folder = accounts.file.parent
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()} == {
        "accounts.json": 0o600,
        "accounts.lock": 0o600,
    }


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_file_that_others_can_read_is_refused(accounts: AccountFile, mode: int) -> None:
    """And it is said what to type."""
    joined(accounts)
    accounts.file.chmod(mode)
    with pytest.raises(AccountError, match=f"Type: chmod 600 {accounts.file}"):
        accounts.verify("anna", PASSWORD)
    with pytest.raises(AccountError):
        accounts.invite("berta", READER, NOW)
    accounts.file.chmod(0o600)
    assert accounts.verify("anna", PASSWORD)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{", '{"version": 1}', '{"version": 1, "accounts": {"anna": {}}, "invitations": {}}'],
)
def test_file_that_is_none_is_left_alone(accounts: AccountFile, content: str) -> None:
    """Emptied, cut off or another one: nobody gets in, and nothing is written over it."""
    joined(accounts)
    accounts.file.write_text(content)
    for act in (lambda: accounts.get("anna"), lambda: accounts.invite("anna", READER, NOW)):
        with pytest.raises(AccountError, match="does not hold the console's accounts"):
            act()
    assert accounts.file.read_text() == content


def test_file_with_a_passkey_is_none_of_an_earlier_program(accounts: AccountFile) -> None:
    """Which would ask for the password alone: the version is 2 as long as there is a passkey, and 1 again."""
    joined(accounts)
    versions = [json.loads(accounts.file.read_text())["version"]]
    own_account.add_passkey(accounts, "anna", PASSKEY, NOW)
    versions.append(json.loads(accounts.file.read_text())["version"])
    assert AccountFile(accounts.file.parent).get("anna").passkeys == (PASSKEY,)
    own_account.remove_passkey(accounts, "anna", "aWQ", NOW)
    versions.append(json.loads(accounts.file.read_text())["version"])
    assert versions == [1, 2, 1]


def test_recovery_codes_stay_with_the_last_factor(accounts: AccountFile) -> None:
    """They stand in for an app and for a passkey: one that comes second makes none, and they go with both."""
    joined(accounts, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    assert own_account.add_passkey(accounts, "anna", PASSKEY, NOW).codes == ()
    assert len(own_account.remove_app(accounts, "anna", NOW, required=True).recovery_codes) == 10
    with pytest.raises(AccountError, match="set up another one first"):
        own_account.remove_passkey(accounts, "anna", "aWQ", NOW, required=True)
    assert own_account.remove_passkey(accounts, "anna", "aWQ", NOW).recovery_codes == ()


def test_account_has_ten_passkeys_at_most(accounts: AccountFile) -> None:
    """None of them twice."""
    joined(accounts)
    for number in range(10):
        own_account.add_passkey(accounts, "anna", replace(PASSKEY, id=f"id{number}"), NOW)
    for passkey, words in ((replace(PASSKEY, id="id9"), "registered already"), (PASSKEY, "10 passkeys")):
        with pytest.raises(AccountError, match=words):
            own_account.add_passkey(accounts, "anna", passkey, NOW)


def test_file_of_another_version_is_refused(accounts: AccountFile) -> None:
    """A newer informativa may mean something else by the same names."""
    joined(accounts)
    facts = json.loads(accounts.file.read_text()) | {"version": 3}
    accounts.file.write_text(json.dumps(facts))
    with pytest.raises(AccountError, match=r"another informativa \(version 3\)"):
        accounts.all()


def test_link_in_its_place_is_not_followed(accounts: AccountFile, tmp_path: Path) -> None:
    """Whoever owns the folder leads root to no other file."""
    joined(accounts)
    other = tmp_path / "other.json"
    accounts.file.rename(other)
    accounts.file.symlink_to(other)
    with pytest.raises(AccountError):
        accounts.all()


def test_file_is_read_anew_only_when_it_changed(
    accounts: AccountFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request asks who somebody is: a look at the file, and not its content."""
    joined(accounts)
    accounts.get("anna")
    read: list[object] = []
    true = json.loads
    monkeypatch.setattr(json, "loads", lambda data: read.append(data) or true(data))
    assert accounts.get("anna") == accounts.get("anna")
    assert read == []
    AccountFile(accounts.file.parent).invite("berta", READER, NOW)
    read.clear()
    assert [invitation.name for invitation in accounts.invitations()] == ["berta"]
    assert len(read) == 1


def test_missing_library_says_what_to_type(accounts: AccountFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not for everybody."""
    joined(accounts)
    true = builtins.__import__

    def absent(name: str, *others: Any, **named: Any) -> Any:
        if name.partition(".")[0] == "argon2":
            raise ImportError(name)
        return true(name, *others, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(InformativaError, match=r"pip install 'informativa\[web\]'"):
        AccountFile(accounts.file.parent).verify("anna", PASSWORD)


def test_secrets_are_in_no_message(accounts: AccountFile) -> None:
    """What is logged of an account by mistake gives nobody a way in."""
    secret = totp.new_secret()
    account = joined(accounts, secret=secret)
    assert secret not in repr(account)
    assert "argon2" not in repr(account)


def test_roles_are_in_order() -> None:
    """Each role may what the ones before it may, whatever their letters."""
    rights: Mapping[str, list[bool]] = {role: [role.may(needed) for needed in Role] for role in Role}
    assert rights == {
        "reader": [True, False, False],
        "compliance": [True, True, False],
        "admin": [True, True, True],
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_root_makes_it_for_the_folders_owner(tmp_path: Path) -> None:
    """`sudo informativa web invite` leaves files that the console's user can use."""
    os.chown(tmp_path, 1234, 1234)
    accounts = AccountFile(tmp_path / "web", cheap())
    joined(accounts)
    made = [accounts.file.parent, *accounts.file.parent.iterdir()]
    assert {(file.stat().st_uid, file.stat().st_gid) for file in made} == {(1234, 1234)}
