"""The console beside an identity provider of the lab."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from console.identity import CLIENT, SECRET, Identity, identity_provider
from console.served import Browser, ServedConsole, served
from informativa.console.provider_client import ProviderClient
from informativa.model import Role
from informativa.model.connections import ClaimGrant, IdentityProvider

OFFICERS, READERS = "privacy-officers", "readers"
ANNA = {"preferred_username": "Anna", "groups": [OFFICERS, "all staff"], "sid": "s1"}


@dataclass
class SignOn:
    """The console, and the provider at which people log in to it. `now` is the clock by which the console
    remembers what the provider says of itself."""

    office: ServedConsole
    identity: Identity
    now: float = 1000.0

    def set_up(self, **settings: Any) -> None:
        """Begin anew with other settings of the provider."""
        provider = IdentityProvider(
            issuer=self.identity.issuer,
            client=CLIENT,
            secret=SECRET,
            url=self.office.address,
            scopes=("openid", "profile"),
            name="preferred_username",
            roles="groups",
            grants=(
                ClaimGrant(OFFICERS, "acme", Role.COMPLIANCE),
                ClaimGrant(READERS, "acme", Role.READER),
            ),
            longest=3600.0,
        )
        provider = replace(provider, **settings)
        console = self.office.console
        console.settings = replace(console.settings, provider=provider)
        console.provider = ProviderClient(provider, lambda: self.now)
        self.identity.callback = provider.callback

    def log_in(self, browser: Browser | None = None) -> httpx.Response:
        """Go to the provider and come back; what is there then."""
        return (browser or self.office.browser()).get("/oidc/login")

    def way_back(self, browser: Browser) -> httpx.URL:
        """Return the address to which the provider sends a browser back, before it goes there."""
        address = browser.http.get("/oidc/login", follow_redirects=False).headers["location"]
        return httpx.URL(httpx.get(address, trust_env=False).headers["location"])


@contextmanager
def signed_on(folder: Path) -> Iterator[SignOn]:
    """A console with a few accounts of its own, and the provider, until both are done."""
    with identity_provider() as identity, served(folder) as office:
        identity.claims = dict(ANNA)
        sign_on = SignOn(office, identity)
        sign_on.set_up()
        yield sign_on
