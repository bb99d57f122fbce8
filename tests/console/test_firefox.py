"""An officer's way through the console in Debian's Firefox, by keyboard; Chromium has the other files."""

from __future__ import annotations

from base64 import b32decode
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.firefox import PATIENCE, firefox, firefox_needed
from console.served import CALLER, PASSWORD, ServedConsole
from informativa.operations.accounts import own_account, totp
from informativa.views.messages import ENGLISH, language
from lab.process import until

pytestmark = [pytest.mark.night, firefox_needed]
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NUMBER = "Telephone number, with country code"


@pytest.mark.parametrize(("code", "width"), [("it", 360), ("en", 1280)])
def test_the_officers_way_in_firefox(
    office: ServedConsole, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, width: int
) -> None:
    """Log-in with password and code, calls with a day that is none, a caller, his letter, his request, the
    plot of the year: what was typed stays, no page is too wide, and Firefox complains of nothing."""
    now, say = datetime.now(UTC), ENGLISH if code == "en" else language(code)
    monkeypatch.setattr(office.console, "now", lambda: now)
    key = b32decode(SECRET)
    earlier = totp.hotp(key, totp.step(now) - 1)
    own_account.set_app(office.console.accounts, "compliance@acme", SECRET, earlier, now)
    with firefox(tmp_path / "profile", code) as officer:
        officer.narrow(width)
        officer.go(f"{office.address}/login")
        officer.reach(say("Name")).type("compliance@acme")
        officer.reach(say("Password")).type(PASSWORD).enter()
        officer.reach(say("Code of the app, or a recovery code")).type(totp.hotp(key, totp.step(now))).enter()
        assert officer.address == f"{office.address}/acme/today"
        wide = [officer.is_wider]
        officer.go(f"{office.address}/acme/calls?since=31%2F2%2F2026")
        assert officer.run("return document.getElementById('since').value") == "31/2/2026"
        wide.append(officer.is_wider)
        officer.press(say("A caller"))
        officer.reach(say(NUMBER)).type(CALLER.number).enter()
        wide.append(officer.is_wider)
        officer.press(say("Answer his request for access"))
        officer.reach(say("Your reference, if you number letters")).type("2026/17").enter()
        assert "2026/17" in officer.text
        wide.append(officer.is_wider)
        officer.go(f"{office.address}/acme/requests/new")
        officer.reach(say(NUMBER)).type("12").enter()
        assert officer.run("return document.getElementById('number').value") == "12"
        officer.reach(say(NUMBER)).type(f"\ue003\ue003{CALLER.number}").enter()
        assert officer.address == f"{office.address}/acme/requests/1"
        wide.append(officer.is_wider)
        officer.go(f"{office.address}/acme/today?over=year")
        drawn = "return document.querySelectorAll('#plot canvas').length"
        until(lambda: officer.run(drawn) == 1, PATIENCE, lambda: "The plot is drawn.")
        wide.append(officer.is_wider)
        assert (wide, officer.errors(office.address)) == ([False] * 6, [])
