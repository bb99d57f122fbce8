"""A passkey in Chromium, by an authenticator that the browser itself pretends to have."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("webauthn", reason="the extra `passkey` is not installed")

from console.served import PASSWORD, ServedConsole
from lab.browser import browser_needed

if TYPE_CHECKING:
    from console.windows import Person

pytestmark = [browser_needed, pytest.mark.slow]
OFFICER = "compliance@acme"
TELEPHONE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def named_office(office: ServedConsole) -> ServedConsole:
    """A console at a name, as passkeys need."""
    office.address = office.address.replace("127.0.0.1", "localhost")
    return office


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("code", "make", "use"),
    [("en", "Make the passkey", "Use a passkey"), ("it", "Crea la passkey", "Usa una passkey")],
)
def test_passkey_is_made_and_used_by_keyboard(
    named_office: ServedConsole, person: Callable[..., Person], code: str, make: str, use: str
) -> None:
    """In both languages, under our rules for scripts, and nothing keeps anybody out; the counter is the
    authenticator's own."""
    officer = person(named_office, code)
    devices = officer.page.context.new_cdp_session(officer.page)
    devices.send("WebAuthn.enable")
    telephone = devices.send("WebAuthn.addVirtualAuthenticator", {"options": TELEPHONE})["authenticatorId"]
    officer.log_in(OFFICER)
    officer.go("/account").reach(officer.say("Make a passkey")).enter()
    assert officer.barriers() == []
    officer.reach(officer.say("Present password")).type(PASSWORD).press(make)
    assert officer.page.locator(".codes code").count() == 10
    officer.go("/account")
    assert officer.barriers() == []
    officer.press(officer.say("Log out")).log_in(OFFICER)
    assert (officer.path, officer.barriers()) == ("/login/code", [])
    officer.press(use)
    assert officer.path == "/acme/today"
    credentials = devices.send("WebAuthn.getCredentials", {"authenticatorId": telephone})["credentials"]
    stored = named_office.console.accounts.get(OFFICER).passkeys
    assert [key["signCount"] for key in credentials] == [key.counter for key in stored]


def test_without_a_script_none_is_offered(named_office: ServedConsole, person: Callable[..., Person]) -> None:
    """The account has no word of passkeys then, and its other forms stay."""
    reader = person(named_office, java_script_enabled=False)
    reader.log_in("reader@acme")
    reader.go("/account")
    assert not reader.page.get_by_text("Passkeys", exact=True).is_visible()
    assert reader.page.get_by_text("Set up an app").is_visible()
