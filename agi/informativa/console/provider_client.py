"""The client of an identity provider: its addresses and keys, and codes for tokens. Nothing is followed to
another address, and every answer has a limit of size and time."""

from __future__ import annotations

import json
import re
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import structlog

from ..evidence.http import HttpClient
from ..model.connections import IdentityProvider
from ..model.errors import ElsewhereError, InformativaError
from ..model.text import Text
from ..operations.accounts.user_account import ProviderLogin
from . import oidc
from .oidc import Flow, ProviderAddresses

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

log = structlog.get_logger("informativa")
SECONDS = 5.0  # for one request to the provider
LARGEST_ANSWER = 256 << 10  # bytes
FRESH = 3600.0  # seconds for which its addresses and its keys are remembered
PAUSE = 10.0  # seconds after a failure in which it is not asked again for them
KEY_PAUSE = 30.0  # seconds between two looks for a key that is not among those that are remembered
_URL = re.compile(r"https?://[!#-;=?-~]+")  # it is written into headers and pages
T = TypeVar("T")


class ProviderError(InformativaError):
    """The identity provider does not answer, or what it answers proves nothing. The log says what it was."""

    code = "identity-provider"


@dataclass(frozen=True)
class _Remembered:
    endpoints: ProviderAddresses
    keys: KeySet
    at: float


class ProviderClient:
    """A client for any number of threads; what the provider says of itself is asked for when somebody needs
    it, by one thread at a time."""

    def __init__(self, provider: IdentityProvider, clock: Callable[[], float] = time.monotonic) -> None:
        self.provider = provider
        self._clock = clock
        self._lock = threading.Lock()
        self._remembered: _Remembered | None = None
        self._failed = -PAUSE
        self._used: dict[str, float] = {}  # log-ins that are over, by their state

    def endpoints(self) -> ProviderAddresses:
        """Return the provider's addresses. Raises ProviderError."""
        return self._current().endpoints

    def login(self, code: str, flow: Flow, now: datetime) -> ProviderLogin:
        """Return the log-in of a code, which is used up. Raises ProviderError, AccountError."""
        self._use_up(flow)
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.provider.callback,
            "code_verifier": flow.verifier,
        }
        endpoints = self.endpoints()
        answer = self._ask("POST", endpoints.token, *self._authenticated(fields, endpoints))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise self._unusable("id_token")
        return self._checked(lambda keys: oidc.login_of(token, keys, self.provider, flow.nonce, now))

    def logout_address(self, login: ProviderLogin) -> str:
        """Return where a browser logs out there; '' if there is no such address, or none is known now."""
        try:
            return oidc.logout_url(self.provider, self.endpoints(), login.id_token)
        except ProviderError:
            return ""

    def ended_by(self, token: str, now: datetime) -> tuple[str, str]:
        """Return whose sessions a logout token of the provider ends. Raises ProviderError."""
        return self._checked(lambda keys: oidc.ended_by(token, keys, self.provider, now))

    def _use_up(self, flow: Flow) -> None:
        with self._lock:
            now = self._clock()
            self._used = {state: end for state, end in self._used.items() if end > now}
            if flow.state in self._used:
                raise self._unusable("state")
            self._used[flow.state] = now + oidc.FLOW_SECONDS

    def _checked(self, check: Callable[[KeySet], T]) -> T:
        """Return what `check` makes of the provider's keys; if it misses one they are fetched anew, once."""
        from joserfc.errors import InvalidKeyIdError, JoseError

        remembered = self._current()
        try:
            try:
                return check(remembered.keys)
            except InvalidKeyIdError:
                return check(self._current(newer_than=remembered).keys)
        except (JoseError, ValueError, TypeError) as error:
            raise self._unusable(str(error)) from error

    def _authenticated(
        self, fields: Mapping[str, str], endpoints: ProviderAddresses
    ) -> tuple[dict[str, str], bytes]:
        """Return headers and body of a request that this client makes as itself (RFC 6749, 2.3.1)."""
        client, secret = self.provider.client, self.provider.secret
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if endpoints.by_body:
            fields = {**fields, "client_id": client, "client_secret": secret}
        else:
            pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        return headers, urlencode(fields).encode()

    def _current(self, newer_than: _Remembered | None = None) -> _Remembered:
        """Return addresses and keys, from the provider if none are remembered or those are old; or, if none
        were fetched since, newer than others, but not as often as somebody likes."""
        with self._lock:
            now, remembered = self._clock(), self._remembered
            if remembered is not None:
                age = now - remembered.at
                is_missing = newer_than is remembered and age >= KEY_PAUSE
                if age < FRESH and not is_missing:
                    return remembered
            if now - self._failed < PAUSE:
                raise _silent(self.provider)
            try:
                self._remembered = self._fetched()
            except ProviderError:
                self._failed = self._clock()
                raise
            return self._remembered

    def _fetched(self) -> _Remembered:
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        facts = self._ask("GET", f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if facts.get("issuer") != self.provider.issuer:
            raise self._unusable("issuer")
        endpoints = ProviderAddresses(
            self._address(facts, "authorization_endpoint"),
            self._address(facts, "token_endpoint"),
            self._address(facts, "jwks_uri"),
            self._address(facts, "end_session_endpoint") if facts.get("end_session_endpoint") else "",
            facts.get("authorization_response_iss_parameter_supported") is True,
            facts.get("token_endpoint_auth_methods_supported") == ["client_secret_post"],
        )
        answer: Any = self._ask("GET", endpoints.keys)
        try:
            keys = KeySet.import_key_set(answer)
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._unusable("jwks_uri") from error
        return _Remembered(endpoints, keys, self._clock())

    def _address(self, facts: Mapping[str, Any], name: str) -> str:
        """Return an address of the provider's. In clear it may be on this machine alone, and only if the
        provider itself is."""
        url = facts.get(name)
        if not isinstance(url, str) or not _URL.fullmatch(url):
            raise self._unusable(name)
        if not url.startswith("https://") and not (_is_local(url) and _is_local(self.provider.issuer)):
            raise self._unusable(name)
        return url

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> dict[str, Any]:
        """Return the JSON object that the provider answers. Raises ProviderError for all else."""
        client = HttpClient(url, self.provider.host, seconds=SECONDS)
        try:
            answer = client.request(method, "", body, headers, LARGEST_ANSWER)
            facts = json.loads(answer.body) if answer.status == 200 else None
        except ElsewhereError as error:
            log.warning("identity_provider_silent", error=str(error))
            raise _silent(self.provider) from error
        except (ValueError, RecursionError):
            facts = None
        finally:
            client.close()
        if not isinstance(facts, dict):
            raise self._unusable(f"HTTP {answer.status}, {answer.kind} at {urlsplit(url).path}")
        return facts

    def _unusable(self, detail: str) -> ProviderError:
        """Return the error for an answer that proves nothing; the log has the reason, and no page: it may
        quote what somebody sent."""
        log.warning("identity_provider_unusable", detail=detail[:200])
        return ProviderError(
            Text("What the identity provider answered proves nothing."),
            Text("Begin again; if it stays so, its log and that of informativa-web say why."),
        )


def _silent(provider: IdentityProvider) -> ProviderError:
    return ProviderError(
        Text("The identity provider {host} does not answer.", host=provider.host),
        Text("Try again in a minute, or log in by password if you have an account here."),
    )


def _is_local(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
