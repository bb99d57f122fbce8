"""Extras that the console's accounts and settings need, as doctor and check name them."""

from __future__ import annotations

import asyncio
import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from informativa.config import inspect
from informativa.model import Role
from informativa.operations.accounts import own_account
from informativa.operations.accounts.store import AccountFile
from informativa.operations.accounts.user_account import Passkey
from informativa.operations.doctor import examination
from informativa.operations.doctor.checks import CHECKS

pytest.importorskip("argon2", reason="the extra `web` is not installed")
NOW = datetime(2026, 12, 1, 10, tzinfo=UTC)


@pytest.fixture
def missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the extra `passkey` nor `oidc` is on this machine."""
    real = importlib.util.find_spec
    absent = ("webauthn", "joserfc")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name in absent else real(name, *more)
    )


def findings(file: Path) -> list[tuple[str, str, str]]:
    """Return what the check of passkeys says: state, finding, remedy."""
    checks = [check for check in CHECKS if check.id == "passkeys"]
    _system, answers = asyncio.run(examination.run_checks(file, checks))
    return [(finding.state.value, str(finding.finding), str(finding.fix)) for finding in answers]


@pytest.mark.usefixtures("missing")
def test_passkeys_without_their_extra_are_named(folder: Path) -> None:
    """As soon as somebody has a passkey, with his name and what to type; an account without one is not named,
    and nothing is said of a file that is open to others."""
    file, accounts = folder / "informativa.yaml", AccountFile(folder / "web")
    assert findings(file) == []
    for name in ("anna", "bruno"):
        token = accounts.invite(name, {"acme": Role.READER}, NOW + timedelta(hours=1))
        accounts.accept(token, "correct horse battery staple", NOW)
    assert findings(file) == []
    passkey = Passkey("aWQ", "a2V5", 0, "console.example", "phone", NOW)
    own_account.add_passkey(accounts, "bruno", passkey, NOW)
    [(state, text, remedy)] = findings(file)
    assert (state, text.startswith("1 account has passkeys that do not work")) == ("warning", True)
    assert text.endswith("(bruno)")
    assert "bin/pip install 'informativa[passkey]', and restart informativa-web" in remedy
    accounts.file.chmod(0o644)
    assert findings(file) == []


@pytest.mark.usefixtures("missing")
def test_provider_without_its_extra_is_named(folder: Path) -> None:
    """A configuration with an identity provider says which module is missing, and what to type."""
    file = folder / "informativa.yaml"
    file.write_text(
        f"{file.read_text()}\nweb:\n  oidc:\n    issuer: https://login.example\n    client: informativa\n"
        "    secret: keys/oidc.secret\n    url: http://localhost:4591\n    "
        "grants: [{value: staff, controller: acme, role: reader}]\n"
    )
    (folder / "keys/oidc.secret").touch(mode=0o600)
    _configuration, problems = inspect(file)
    [problem] = [problem for problem in problems if "joserfc" in str(problem.text)]
    assert str(problem.statement).endswith(": web.oidc: needs the Python module joserfc")
    assert "bin/pip install 'informativa[oidc]'" in str(problem.remedy)
