"""Tokens, answers and ways back that no honest identity provider and no honest browser sends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from console.identity import Identity, encoded, new_key
from console.sign_on import SignOn

PROVES_NOTHING = "proves nothing"
Lie = Callable[[Identity], None]


def claims(**values: Any) -> Lie:
    """A provider that says something else of a person; `None` leaves it out."""
    return lambda identity: identity.claims.update(values)


def ago(seconds: int) -> int:
    """Return the time so many seconds before now."""
    return int(datetime.now(UTC).timestamp()) - seconds


def unsigned(identity: Identity) -> None:
    """Sign with `none`."""
    identity.sign = lambda facts: encoded({"alg": "none", "kid": "first"}, facts)


def signed_by_public_key(identity: Identity) -> None:
    """Sign by HMAC with what everybody can read as the secret."""
    pem = identity.key.as_pem(private=False)
    identity.sign = lambda facts: encoded({"alg": "HS256", "kid": "first"}, facts, pem)


def secret_among_keys(identity: Identity) -> None:
    """Sign by HMAC with a shared secret that is among the keys."""
    secret = {"kty": "oct", "kid": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"}
    identity.keys = [secret, identity.key.as_dict(private=False)]
    key = b"secretsecretsecretsecretsecret"
    identity.sign = lambda facts: encoded({"alg": "HS256", "kid": "oct"}, facts, key)


def signed_by_others(identity: Identity) -> None:
    """Sign with another key of the same name."""
    identity.keys = [identity.key.as_dict(private=False)]
    identity.key = new_key("first")


def with_its_own_key(identity: Identity) -> None:
    """Bring the key along in the token."""
    identity.keys = [identity.key.as_dict(private=False)]
    identity.key = new_key("other")

    def sign(facts: dict[str, Any]) -> str:
        from joserfc import jwt

        header = {"alg": "ES256", "kid": "first", "jwk": identity.key.as_dict(private=False)}
        return jwt.encode(header, facts, identity.key)

    identity.sign = sign


LIES: dict[str, Lie] = {
    "another audience": claims(aud="another"),
    "two audiences": claims(aud=["informativa", "another"]),
    "two audiences, for the other": claims(aud=["informativa", "another"], azp="another"),
    "for another party": claims(azp="another"),
    "no audience": claims(aud=None),
    "an empty audience": claims(aud=[]),
    "another issuer": claims(iss="https://login.evil.example"),
    "no issuer": claims(iss=None),
    "expired": lambda identity: identity.claims.update(exp=ago(62)),
    "never ending": claims(exp=None),
    "not a time": claims(exp=float("nan")),
    "of the future": lambda identity: identity.claims.update(iat=ago(-120)),
    "not yet": lambda identity: identity.claims.update(nbf=ago(-120)),
    "another nonce": claims(nonce="earlier"),
    "no nonce": claims(nonce=None),
    "a nonce of another kind": claims(nonce=["x"]),
    "nobody": claims(sub=None),
    "alg none": unsigned,
    "HS256 with the public key": signed_by_public_key,
    "HS256 with a key of the set": secret_among_keys,
    "another key": signed_by_others,
    "its own key": with_its_own_key,
    "no token": lambda identity: setattr(identity, "sign", lambda _facts: "e30.e30"),
    "a token that is too long": claims(padding="x" * 70_000),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_token_that_is_not_this_providers_for_this_log_in_opens_nothing(sign_on: SignOn, lie: str) -> None:
    """The page says that it proves nothing, and nobody is logged in."""
    LIES[lie](sign_on.identity)
    browser = sign_on.office.browser()
    reply = sign_on.log_in(browser)
    assert (reply.status_code, PROVES_NOTHING in reply.text) == (502, True)
    assert browser.get("/acme/today").url.path == "/login"


@pytest.mark.parametrize(
    "values",
    [
        {"aud": ["informativa"]},
        {"aud": ["informativa", "another"], "azp": "informativa"},
        {"exp": -30, "iat": 30},
    ],
    ids=["list", "party", "clocks"],
)
def test_what_is_allowed_is_taken(sign_on: SignOn, values: dict[str, Any]) -> None:
    """An audience as a list, one more beside the party that is meant, and clocks half a minute apart."""
    times = {name: ago(-value) for name, value in values.items() if name in ("exp", "iat")}
    sign_on.identity.claims |= values | times
    assert sign_on.log_in().url.path == "/acme/today"


def test_only_the_browser_that_went_there_comes_back(sign_on: SignOn) -> None:
    """A state that is forged, none, and one of another browser's way: no code is asked for anything."""
    anna, thief = sign_on.office.browser(), sign_on.office.browser()
    address = sign_on.way_back(anna)
    assert thief.get(str(address)).status_code == 403
    sign_on.way_back(thief)
    assert thief.get(str(address)).status_code == 403
    for state in ("", "forged", "ü"):
        sign_on.way_back(anna)
        reply = anna.get(str(address.copy_set_param("state", state)))
        assert (reply.status_code, "not begun in this browser" in reply.text) == (403, True)
    assert "/token" not in sign_on.identity.requests


def test_a_way_back_ends_after_ten_minutes(sign_on: SignOn, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody finds in a browser's history later leads nowhere."""
    anna = sign_on.office.browser()
    address = sign_on.way_back(anna)
    at = datetime.now(UTC) + timedelta(seconds=601)
    monkeypatch.setattr(sign_on.office.console, "now", lambda: at)
    assert anna.get(str(address)).status_code == 403


def test_a_way_back_is_taken_once(sign_on: SignOn) -> None:
    """Also with a copy of the cookie, and without the provider's doing."""
    anna = sign_on.office.browser()
    address = sign_on.way_back(anna)
    cookie = anna.http.cookies["oidc"]
    assert anna.get(str(address)).url.path == "/acme/today"
    copy = sign_on.office.browser()
    copy.http.cookies.set("oidc", cookie)
    assert copy.get(str(address)).status_code == 502
    assert sign_on.identity.requests.count("/token") == 1


@pytest.mark.parametrize("issuer", ["https://login.evil.example", ""])
def test_another_providers_answer_is_refused(sign_on: SignOn, issuer: str) -> None:
    """A mix-up: the answer has another issuer, or none although this one always names itself. Its code is
    sent to nobody."""
    anna = sign_on.office.browser()
    address = sign_on.way_back(anna).copy_set_param("iss", issuer)
    assert anna.get(str(address)).status_code == 502
    assert "/token" not in sign_on.identity.requests


@pytest.mark.parametrize("name", ["back", "next", "redirect_uri", "target_link_uri"])
def test_nobody_is_sent_elsewhere_after_the_log_in(sign_on: SignOn, name: str) -> None:
    """An open redirect: whatever stands in the address, the way ends at our first page, and the provider is
    told our own address."""
    anna, evil = sign_on.office.browser(), {name: "https://evil.example/"}
    begun = anna.http.get("/oidc/login", params=evil, follow_redirects=False).headers["location"]
    assert "evil" not in begun
    back = httpx.URL(httpx.get(begun, trust_env=False).headers["location"]).copy_merge_params(evil)
    assert anna.http.get(back, follow_redirects=False).headers["location"] == "/"


@pytest.mark.parametrize(
    "value", ["borealis", "admin", "admin@borealis", "acme", ["acme"], {"acme": "admin"}, 7]
)
def test_a_claim_with_a_companys_name_gives_no_role(sign_on: SignOn, value: object) -> None:
    """What the table does not name gives nothing, whatever it looks like."""
    sign_on.identity.claims["groups"] = value
    reply = sign_on.log_in()
    assert (reply.status_code, "no role here" in reply.text) == (403, True)


@pytest.mark.parametrize("name", [None, "", "a b", "../x", "ß", "a" * 65, ["anna"], "<script>"])
def test_who_has_no_name_that_an_account_may_have_stays_out(sign_on: SignOn, name: object) -> None:
    """And what he is called is not on the page."""
    sign_on.identity.claims["preferred_username"] = name
    reply = sign_on.log_in()
    assert reply.status_code == 403
    assert "<script>" not in reply.text


@pytest.mark.parametrize(
    ("verified", "path"), [(True, "/acme/today"), (False, "/oidc/callback"), (None, "/oidc/callback")]
)
def test_a_mail_address_counts_if_it_was_verified(sign_on: SignOn, *, verified: object, path: str) -> None:
    """Or whoever types another's at the provider would be on record as him."""
    sign_on.set_up(name="email")
    sign_on.identity.claims |= {"email": "anna@acme.example", "email_verified": verified}
    assert sign_on.log_in().url.path == path


def test_what_the_provider_says_of_an_error_is_not_shown(sign_on: SignOn) -> None:
    """Anybody can put words into that address."""
    anna = sign_on.office.browser()
    address = (
        sign_on.way_back(anna)
        .copy_remove_param("code")
        .copy_merge_params({"error": "access_denied", "error_description": "Call +39 333 1234567"})
    )
    reply = anna.get(str(address))
    assert (reply.status_code, "did not let you in" in reply.text) == (403, True)
    assert "333" not in reply.text


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://login.evil.example"},
        {"token_endpoint": "http://192.0.2.1/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"end_session_endpoint": "https://login.example/\r\nset-cookie: x=y"},
        {"token_endpoint": None},
        {"jwks_uri": 7},
    ],
    ids=str,
)
def test_addresses_that_lead_elsewhere_are_not_asked(sign_on: SignOn, metadata: dict[str, Any]) -> None:
    """In clear to another machine, another scheme, or of another issuer."""
    sign_on.identity.metadata = metadata
    reply = sign_on.log_in()
    assert (reply.status_code, PROVES_NOTHING in reply.text) == (503, True)


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys", "/token"])
def test_redirects_and_floods_of_the_provider_are_not_followed(sign_on: SignOn, path: str) -> None:
    """An answer that leads to another address of this machine, one that is too large, and no JSON."""
    identity = sign_on.identity
    for answer in (
        lambda handler: handler.redirect(f"{identity.issuer}/elsewhere"),
        lambda handler: handler.send(b"{" + b" " * (300 << 10) + b"}", 200),
        lambda handler: handler.send(b"<html>", 200),
        lambda handler: handler.send(b"[" * 100_000, 200),
        lambda handler: handler.reply(["no object"]),
    ):
        identity.answers[path] = answer
        sign_on.now += 3600.0
        reply = sign_on.log_in()
        assert reply.status_code in (502, 503)
        assert "provider" in reply.text
    assert "/elsewhere" not in identity.requests


@pytest.mark.parametrize(
    "claims_",
    [
        {"aud": "another"},
        {"iss": "https://login.evil.example"},
        {"events": {}},
        {"events": None},
        {"nonce": "x"},
        {"iat": 1},
        {"jti": None},
        {"sub": None},
        {"sub": ["1234"]},
    ],
    ids=str,
)
def test_only_a_logout_token_ends_sessions(sign_on: SignOn, claims_: dict[str, Any]) -> None:
    """Not an ID token, which a browser has seen, nor anything else that is not for this purpose."""
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    for token in (sign_on.identity.logout_token(**claims_), sign_on.identity.id_token("x"), "", "x.y.z"):
        reply = httpx.post(
            f"{sign_on.office.address}/oidc/logout", data={"logout_token": token}, trust_env=False
        )
        assert reply.status_code == 400
    assert anna.get("/acme/calls").url.path == "/acme/calls"


def test_without_a_provider_there_are_no_such_pages(sign_on: SignOn) -> None:
    """They are not found, as others that are not there."""
    sign_on.office.console.provider = None
    browser = sign_on.office.browser()
    assert browser.get("/oidc/login").status_code == 404
    assert browser.get("/oidc/callback", state="x").status_code == 404
    reply = httpx.post(f"{sign_on.office.address}/oidc/logout", data={"logout_token": "x"}, trust_env=False)
    assert reply.status_code == 404
    assert re.search("oidc", browser.get("/login").text) is None
