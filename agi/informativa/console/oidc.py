"""Log-in at an identity provider (OpenID Connect Core 1.0, code flow with PKCE): the values that are sent,
and what is believed of the tokens that come back. Nothing here does I/O."""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ..model import Role
from ..model.connections import IdentityProvider
from ..model.errors import AccountError
from ..model.text import Text
from ..operations.accounts.user_account import ProviderLogin, UserAccount, plain_name
from .sessions import new_token

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Algorithms with a public key: with `none` or a shared secret anybody who has the public key could sign."""
SKEW = 60  # seconds that the provider's clock may be off
FLOW_SECONDS = 600  # from the way to the provider until the way back
LARGEST_TOKEN = 64 << 10  # bytes of claims
_LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True)
class ProviderAddresses:
    """The addresses of a provider, as its discovery document names them; `logout` is '' if it has none.
    `names_issuer` is whether each answer names its issuer (RFC 9207), `by_body` whether the client's secret
    is sent in the body of a request."""

    authorization: str
    token: str
    keys: str
    logout: str = ""
    names_issuer: bool = False
    by_body: bool = False


@dataclass(frozen=True)
class Flow:
    """The secrets of one log-in. All are derived from the value of a cookie, so that no other browser can
    end it, and nothing is stored for those that nobody ends."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def new_flow_cookie(now: datetime) -> str:
    """Return the value of the cookie of a new log-in, with the time until which it is good."""
    return f"{new_token()}.{int(now.timestamp()) + FLOW_SECONDS}"


def flow_of(cookie: str, secret: bytes) -> Flow:
    """Return the log-in of a cookie. `secret` is the console's own."""

    def derived(purpose: str) -> str:
        digest = hmac.new(secret, f"oidc {purpose} {cookie}".encode(), hashlib.sha256).digest()
        return urlsafe_b64encode(digest).decode().rstrip("=")

    return Flow(derived("state"), derived("nonce"), derived("verifier"))


def belongs(cookie: str, state: str, secret: bytes, now: datetime) -> bool:
    """Return whether an answer with this state ends the log-in of this cookie, in time."""
    end = cookie.rpartition(".")[2]
    genuine = hmac.compare_digest(flow_of(cookie, secret).state.encode(), state.encode())
    return genuine and end.isascii() and end.isdigit() and now.timestamp() < int(end)


def authorization_url(provider: IdentityProvider, endpoints: ProviderAddresses, flow: Flow) -> str:
    """Return the address at the provider to which a browser is sent."""
    challenge = urlsafe_b64encode(hashlib.sha256(flow.verifier.encode()).digest()).decode().rstrip("=")
    return _with_query(
        endpoints.authorization,
        response_type="code",
        client_id=provider.client,
        redirect_uri=provider.callback,
        scope=" ".join(provider.scopes),
        state=flow.state,
        nonce=flow.nonce,
        code_challenge=challenge,
        code_challenge_method="S256",
    )


def logout_url(provider: IdentityProvider, endpoints: ProviderAddresses, id_token: str) -> str:
    """Return the address at which a browser logs out of the provider; '' if it has none."""
    if not endpoints.logout:
        return ""
    return _with_query(
        endpoints.logout,
        id_token_hint=id_token,
        client_id=provider.client,
        post_logout_redirect_uri=f"{provider.url}/login",
    )


def _with_query(url: str, **parameters: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


def claims_of(
    token: str, keys: KeySet, provider: IdentityProvider, now: datetime, *, needed: Collection[str]
) -> Mapping[str, Any]:
    """Return the claims of a token that this provider signed for this console, and that is good now. Raises
    joserfc's JoseError and ValueError for any other; InvalidKeyIdError for a key that is not in the set."""
    from joserfc import jws, jwt  # the extra `oidc`
    from joserfc.errors import InvalidClaimError, MissingClaimError

    registry = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_payload_length = LARGEST_TOKEN  # groups may be many
    claims = jwt.decode(token, keys, ALGORITHMS, registry).claims
    jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=SKEW,
        iss={"essential": True, "value": provider.issuer},
        aud={"essential": True, "value": provider.client},
    ).validate(claims)
    if missing := [name for name in needed if not claims.get(name)]:
        raise MissingClaimError(" ".join(missing))
    if claims["aud"] not in (provider.client, [provider.client]) and claims.get("azp") != provider.client:
        raise InvalidClaimError("azp")
    if claims.get("azp") not in (None, provider.client):
        raise InvalidClaimError("azp")
    return claims


def login_of(
    id_token: str, keys: KeySet, provider: IdentityProvider, nonce: str, now: datetime
) -> ProviderLogin:
    """Return the log-in that an ID token proves. Raises joserfc's JoseError and ValueError if it proves none,
    AccountError if it is somebody's who may not come in."""
    from joserfc.errors import InvalidClaimError

    claims = claims_of(id_token, keys, provider, now, needed=("sub", "exp", "iat", "nonce"))
    given_nonce = claims["nonce"]
    if not isinstance(given_nonce, str) or not hmac.compare_digest(given_nonce.encode(), nonce.encode()):
        raise InvalidClaimError("nonce")
    account = account_of(claims, provider, now)
    session_id = claims.get("sid")
    return ProviderLogin(
        account, claims["sub"], session_id if isinstance(session_id, str) else "", id_token, provider.longest
    )


def account_of(claims: Mapping[str, Any], provider: IdentityProvider, now: datetime) -> UserAccount:
    """Return the account of a person, with the roles that the table of the configuration gives for his
    claims, and no others. Raises AccountError."""
    name = claims.get(provider.name)
    if not isinstance(name, str) or (provider.name == "email" and claims.get("email_verified") is not True):
        message = Text("The identity provider does not say your name (the claim {claim}).")
        raise AccountError(message.format(claim=provider.name), code="oidc-name")
    values = _values(claims, provider.roles)
    grants: dict[str, Role] = {}
    for row in provider.grants:
        present = grants.get(row.controller)
        if row.value in values and (present is None or row.role.may(present)):
            grants[row.controller] = row.role
    if not grants:
        message = Text("The identity provider knows you, and gives you no role here.")
        raise AccountError(message, Text("Ask whoever runs it for one."), code="oidc-role")
    return UserAccount(plain_name(name), grants, "", "", now)


def _values(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return the texts of a claim, one or a list; with dots in its name it may be within others."""
    value: Any = claims.get(name)
    if value is None:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    values = value if isinstance(value, list) else [value]
    return frozenset(text for text in values if isinstance(text, str))


def ended_by(token: str, keys: KeySet, provider: IdentityProvider, now: datetime) -> tuple[str, str]:
    """Return the subject and the id of the session, one of which may be '', that a logout token ends
    (OpenID Connect Back-Channel Logout 1.0, 2.6). Raises joserfc's JoseError and ValueError for any other."""
    from joserfc.errors import InvalidClaimError

    claims = claims_of(token, keys, provider, now, needed=("iat", "jti", "events"))
    events, subject, session_id = claims["events"], claims.get("sub", ""), claims.get("sid", "")
    if not isinstance(events, dict) or _LOGOUT_EVENT not in events or "nonce" in claims:
        raise InvalidClaimError("events")  # an ID token, which the browser has seen
    if now.timestamp() - claims["iat"] > FLOW_SECONDS:
        raise InvalidClaimError("iat")
    if not (isinstance(subject, str) and isinstance(session_id, str) and (subject or session_id)):
        raise InvalidClaimError("sub")
    return subject, session_id
