"""A small identity provider (OpenID Connect) on this machine, by real HTTP and with real keys. It lets in
whom a test says, at once, and can be told to lie."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from joserfc import jwk, jwt

from lab.ports import free_port

CLIENT, SECRET = "informativa", "a secret: of %25 signs"
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
Signer = Callable[[dict[str, Any]], str]


@dataclass
class Identity:
    """The provider. `claims` is whom it lets in, `metadata` what its discovery says otherwise than it is,
    `sign` how it signs. `requests` are the paths that were asked for."""

    issuer: str
    callback: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Callable[[Handler], None]] = field(default_factory=dict)
    key: jwk.ECKey = field(default_factory=lambda: new_key("first"))
    keys: list[Any] = field(default_factory=list)
    sign: Signer | None = None
    requests: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    logouts: list[dict[str, str]] = field(default_factory=list)

    def signed(self, claims: dict[str, Any]) -> str:
        """Return a token with these claims, signed as this provider signs."""
        if self.sign:
            return self.sign(claims)
        return jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    def id_token(self, nonce: str) -> str:
        """Return the ID token of whom it lets in."""
        now = int(datetime.now(UTC).timestamp())
        facts = {
            "iss": self.issuer,
            "aud": CLIENT,
            "sub": "1234",
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
        }
        claims = {name: value for name, value in (facts | self.claims).items() if value is not None}
        return self.signed(claims)

    def logout_token(self, **claims: Any) -> str:
        """Return a token by which it says that somebody logged out."""
        now = int(datetime.now(UTC).timestamp())
        facts = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 120, "jti": secrets.token_hex(8)}
        all_claims = facts | {"events": {LOGOUT_EVENT: {}}, "sub": "1234"} | claims
        return self.signed({name: value for name, value in all_claims.items() if value is not None})

    def authorized(self, query: Mapping[str, str]) -> str:
        """Return where a browser is sent back to, with a code."""
        assert query["client_id"] == CLIENT
        assert query["redirect_uri"] == self.callback
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(8)
        self.codes[code] = dict(query)
        return f"{self.callback}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"


def new_key(kid: str) -> jwk.ECKey:
    """Return a key of that name."""
    return jwk.ECKey.generate_key("P-256", {"kid": kid, "use": "sig"}, private=True)


def encoded(header: dict[str, Any], claims: dict[str, Any], key: bytes | None = None) -> str:
    """Return a token that no honest library makes: without a signature, or signed by a shared secret."""
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    text = ".".join(parts)
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest() if key else b""
    return f"{text}.{urlsafe_b64encode(signature).decode().rstrip('=')}"


class Handler(BaseHTTPRequestHandler):
    """A request to the provider."""

    protocol_version = "HTTP/1.1"
    identity: Identity

    def do_GET(self) -> None:
        """Discovery, keys, the page of log-in and that of log-out."""
        identity, parts = self.identity, urlsplit(self.path)
        identity.requests.append(parts.path)
        query = dict(parse_qsl(parts.query))
        if answer := identity.answers.get(parts.path):
            answer(self)
        elif parts.path == "/.well-known/openid-configuration":
            self.reply(
                {
                    "issuer": identity.issuer,
                    "authorization_endpoint": f"{identity.issuer}/authorize?tenant=acme",
                    "token_endpoint": f"{identity.issuer}/token",
                    "jwks_uri": f"{identity.issuer}/keys",
                    "end_session_endpoint": f"{identity.issuer}/logout",
                    "authorization_response_iss_parameter_supported": True,
                }
                | identity.metadata
            )
        elif parts.path == "/keys":
            keys = identity.keys or [identity.key.as_dict(private=False)]
            self.reply({"keys": keys})
        elif parts.path == "/authorize":
            self.redirect(identity.authorized(query))
        elif parts.path == "/logout":
            identity.logouts.append(query)
            self.redirect(query["post_logout_redirect_uri"])

    def do_POST(self) -> None:
        """A code for a token, once, to the client that began with it."""
        identity = self.identity
        identity.requests.append(self.path)
        form = dict(parse_qsl(self.rfile.read(int(self.headers["content-length"])).decode()))
        if answer := identity.answers.get(self.path):
            answer(self)
            return
        begun = identity.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            begun is None
            or self._client(form) != (CLIENT, SECRET)
            or begun["code_challenge"] != urlsafe_b64encode(challenge).decode().rstrip("=")
            or form["redirect_uri"] != begun["redirect_uri"]
        ):
            self.reply({"error": "invalid_grant"}, 400)
            return
        self.reply(
            {"access_token": "x", "token_type": "Bearer", "id_token": identity.id_token(begun["nonce"])}
        )

    def _client(self, form: Mapping[str, str]) -> tuple[str, str]:
        """Return the client and its secret, from the header or, where that is how it is done, the body."""
        if self.identity.metadata.get("token_endpoint_auth_methods_supported") == ["client_secret_post"]:
            return form["client_id"], form["client_secret"]
        pair = b64decode(self.headers["authorization"].removeprefix("Basic ")).decode()
        client, _colon, secret = pair.partition(":")
        return unquote(client), unquote(secret)

    def reply(self, facts: object, status: int = 200) -> None:
        """Answer with JSON."""
        self.send(json.dumps(facts).encode(), status)

    def redirect(self, address: str) -> None:
        """Answer that the browser is to go there."""
        self.send(b"", 302, location=address)

    def send(self, body: bytes, status: int, **headers: str) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in (headers | {"content-length": str(len(body))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def identity_provider() -> Iterator[Identity]:
    """A provider that answers, until it is done."""
    identity = Identity(f"http://127.0.0.1:{free_port()}")
    port = urlsplit(identity.issuer).port
    assert port is not None
    handler = type("HandlerOfOne", (Handler,), {"identity": identity})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield identity
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
