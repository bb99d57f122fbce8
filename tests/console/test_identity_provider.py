"""People who log in to the console at their company's identity provider."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from console import raw
from console.identity import Handler, new_key
from console.served import PASSWORD
from console.sign_on import OFFICERS, READERS, SignOn
from informativa.config import inspect, load
from informativa.console import provider_client
from informativa.console.sessions import Sessions
from informativa.model import Role
from informativa.model.connections import ClaimGrant
from informativa.operations import access_log, systemd_unit
from informativa.operations.systemd_unit import CONSOLE

NO_ANSWER = "does not answer"


def place(reply: httpx.Response) -> tuple[int, str]:
    """Return where somebody is after the way to the provider and back."""
    return reply.status_code, reply.url.path


def test_who_is_known_there_is_logged_in(sign_on: SignOn) -> None:
    """The page of log-in leads there and back, with the roles of the table alone, and it is on record; what
    the provider says of itself is asked for once."""
    anna, host = sign_on.office.browser(), sign_on.identity.issuer.removeprefix("http://")
    page = anna.get("/login").text
    assert 'href="/oidc/login"' in page
    assert f"Log in at {host}" in page
    assert place(sign_on.log_in(anna)) == (200, "/acme/today")
    assert anna.get("/acme/consents").status_code == 200
    assert anna.get("/acme/accounts").status_code == 404
    assert anna.get("/borealis/today").status_code == 404
    sign_on.log_in()
    assert sign_on.identity.requests.count("/keys") == 1
    entries = access_log.page(sign_on.office.controller(), None, 1000).entries
    assert [(entry.account, entry.detail) for entry in entries if entry.action == "login"] == [
        ("anna", "oidc"),
        ("anna", "oidc"),
    ]


def test_cookies_come_and_go(sign_on: SignOn) -> None:
    """Who comes back has another session than before, which is over, and the cookie of the way is gone."""
    anna = sign_on.office.browser()
    anna.get("/login")
    planted = anna.http.cookies["session"]
    address = sign_on.way_back(anna)
    assert "oidc" in anna.http.cookies
    assert place(anna.get(str(address))) == (200, "/acme/today")
    assert anna.http.cookies["session"] != planted
    assert "oidc" not in anna.http.cookies
    first = anna.http.cookies["session"]
    sign_on.log_in(anna)
    for token in (planted, first):
        thief = sign_on.office.browser()
        thief.http.cookies.set("session", token)
        assert thief.get("/acme/today").url.path == "/login"


def test_over_tls_the_cookie_of_the_way_is_of_this_host_alone(sign_on: SignOn) -> None:
    """No other host can plant one; it comes along when the provider sends the browser back, and ends by
    itself."""
    office = sign_on.office
    office.console.settings = replace(office.console.settings, proxies=("127.0.0.1",))
    headers = {"x_forwarded_for": "198.51.100.1", "x_forwarded_proto": "https"}
    head = raw.request(office.address, path="/oidc/login", **headers).head
    cookies = re.findall(r"set-cookie: (.*)\r", head)
    [cookie] = [line.split("; ") for line in cookies if line.startswith("__host-oidc=")]
    assert set(cookie[1:]) == {"httponly", "max-age=600", "path=/", "samesite=lax", "secure"}


def test_the_secret_is_sent_as_the_provider_takes_it(sign_on: SignOn) -> None:
    """In the body where it takes it there alone."""
    sign_on.identity.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert place(sign_on.log_in()) == (200, "/acme/today")


def test_roles_are_those_of_each_log_in(sign_on: SignOn) -> None:
    """One that is taken away counts no more at the next log-in; of two for one company the greater counts."""
    anna = sign_on.office.browser()
    sign_on.identity.claims["groups"] = [READERS, OFFICERS, READERS]
    sign_on.log_in(anna)
    assert anna.get("/acme/consents").status_code == 200
    sign_on.identity.claims["groups"] = READERS
    sign_on.log_in(anna)
    assert anna.get("/acme/calls").status_code == 200
    assert anna.get("/acme/consents").status_code == 404
    sign_on.identity.claims["groups"] = []
    reply = sign_on.log_in(sign_on.office.browser())
    assert reply.status_code == 403
    assert "gives you no role here" in reply.text


def test_a_dot_leads_into_a_claim(sign_on: SignOn) -> None:
    """As Keycloak nests its roles; a claim whose own name has dots goes first."""
    sign_on.set_up(roles="realm_access.roles")
    sign_on.identity.claims["realm_access"] = {"roles": [OFFICERS]}
    assert place(sign_on.log_in()) == (200, "/acme/today")
    sign_on.identity.claims["realm_access.roles"] = ["nothing"]
    assert sign_on.log_in().status_code == 403


def test_a_log_in_counts_for_a_time(sign_on: SignOn) -> None:
    """However active the session is: so long a role counts that was taken away since."""
    sign_on.office.console.sessions = Sessions(1800.0, lambda: sign_on.now)
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    for age in (1700.0, 3300.0, 3599.0):
        sign_on.now = 1000.0 + age
        assert anna.get("/acme/calls").url.path == "/acme/calls"
    sign_on.now = 4600.0
    assert anna.get("/acme/calls").url.path == "/login"


def test_a_new_key_of_the_provider_is_fetched(sign_on: SignOn) -> None:
    """When a token names one that is not known yet, but not more than twice a minute."""
    sign_on.log_in()
    sign_on.identity.key = new_key("second")
    assert sign_on.log_in().status_code == 502
    sign_on.now += 30.0
    assert place(sign_on.log_in()) == (200, "/acme/today")
    assert sign_on.identity.requests.count("/keys") == 2


def test_without_the_provider_passwords_still_open(sign_on: SignOn) -> None:
    """The page says that it does not answer, and has the form; for ten seconds it is not asked again."""
    sign_on.set_up(issuer="http://127.0.0.1:1")
    browser = sign_on.office.browser()
    reply = sign_on.log_in(browser)
    assert reply.status_code == 503
    assert NO_ANSWER in reply.text
    assert browser.send(name="reader@acme", password="correct horse battery staple").url.path == "/acme/today"
    sign_on.set_up()
    sign_on.identity.answers["/.well-known/openid-configuration"] = lambda handler: handler.reply({}, 500)
    for _number in range(3):
        assert sign_on.log_in().status_code == 503
    assert len(sign_on.identity.requests) == 1
    sign_on.identity.answers.clear()
    sign_on.now += 10.0
    assert place(sign_on.log_in()) == (200, "/acme/today")


def test_a_provider_that_never_ends_is_cut_off(sign_on: SignOn, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends a byte now and then, for ever."""
    monkeypatch.setattr(provider_client, "SECONDS", 0.2)
    over = threading.Event()

    def drips(handler: Handler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not over.wait(0.02):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    sign_on.identity.answers["/keys"] = drips
    try:
        reply = sign_on.log_in()
    finally:
        over.set()
    assert reply.status_code == 503
    assert NO_ANSWER in reply.text


def test_who_logs_out_is_out_there_too(sign_on: SignOn) -> None:
    """The page leads there by itself and by a link, with the token that the provider knows him by."""
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    token = anna.http.cookies["session"]
    page = anna.send("/logout")
    address = page.headers["refresh"].removeprefix("0; url=")
    assert address.startswith(f"{sign_on.identity.issuer}/logout?")
    assert address.replace("&", "&amp;") in page.text
    assert place(anna.get(address)) == (200, "/login")
    [query] = sign_on.identity.logouts
    assert query["post_logout_redirect_uri"] == f"{sign_on.office.address}/login"
    assert query["id_token_hint"].count(".") == 2
    anna.http.cookies.set("session", token)
    assert anna.get("/acme/calls").url.path == "/login"


def test_where_nobody_can_log_out_there_it_is_told(sign_on: SignOn) -> None:
    """A provider without such an address still knows him; who logged in by password is led to no provider."""
    sign_on.identity.metadata = {"end_session_endpoint": None}
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    page = anna.send("/logout")
    assert "refresh" not in page.headers
    assert "still knows you" in page.text
    assert sign_on.office.browser("reader@acme").send("/logout").url.path == "/login"


@pytest.mark.parametrize(("claims", "ends"), [({}, True), ({"sid": "s1"}, True), ({"sid": "s2"}, False)])
def test_the_provider_ends_sessions_itself(sign_on: SignOn, claims: dict[str, str], *, ends: bool) -> None:
    """Of the person or the one session that it names; those by password go on."""
    anna, reader = sign_on.office.browser(), sign_on.office.browser("reader@acme")
    sign_on.log_in(anna)
    token = sign_on.identity.logout_token(**claims)
    reply = httpx.post(f"{sign_on.office.address}/oidc/logout", data={"logout_token": token}, trust_env=False)
    assert reply.status_code == 200
    assert (anna.get("/acme/calls").url.path == "/login") == ends
    assert reader.get("/acme/calls").url.path == "/acme/calls"


def test_a_stored_account_of_that_name_is_another_persons(sign_on: SignOn) -> None:
    """Nobody gets it by such a name at the provider, also when it is made while he is logged in."""
    sign_on.identity.claims["preferred_username"] = "Operator"
    reply = sign_on.log_in()
    assert reply.status_code == 403
    assert "informativa web remove operator" in reply.text
    sign_on.identity.claims["preferred_username"] = "anna"
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    accounts, now = sign_on.office.console.accounts, datetime.now(UTC)
    accounts.accept(accounts.invite("anna", {"acme": Role.ADMIN}, now + timedelta(hours=1)), PASSWORD, now)
    assert anna.get("/acme/calls").url.path == "/login"


def test_a_role_of_every_company_makes_an_operator(sign_on: SignOn) -> None:
    """By a row for each company; none is given for those that no row names."""
    rows = (ClaimGrant(OFFICERS, "acme", Role.ADMIN), ClaimGrant("all staff", "borealis", Role.ADMIN))
    sign_on.set_up(grants=rows)
    anna = sign_on.office.browser()
    sign_on.log_in(anna)
    assert [anna.get(f"/{name}/accounts").status_code for name in ("acme", "borealis")] == [200, 200]


OIDC = """
web:
  names: [console.example]
  oidc:
    issuer: https://login.example
    client: informativa
    secret: keys/oidc.secret
    url: https://console.example
    grants:
      - {value: officers, controller: acme, role: compliance}
"""


@pytest.fixture
def file(folder: Path) -> Path:
    """A configuration with a provider."""
    secret = folder / "keys/oidc.secret"
    secret.write_text("a secret\n")
    secret.chmod(0o600)
    file = folder / "informativa.yaml"
    file.write_text(f"{file.read_text()}{OIDC}")
    return file


def test_the_settings_are_read(file: Path) -> None:
    """With the secret from its file; the console's unit lets it out of this machine then."""
    configuration = load(file)
    provider = configuration.web.provider
    assert provider is not None
    assert (provider.secret, provider.callback) == ("a secret", "https://console.example/oidc/callback")
    assert (provider.name, provider.roles, provider.longest) == ("preferred_username", "groups", 28800.0)
    assert "a secret" not in repr(configuration)
    assert "IPAddressDeny" not in systemd_unit.render(configuration, CONSOLE)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("issuer: https://", "issuer: http://", "in clear"),
        ("url: https://console.example", "url: https://console.example/path", "has a path"),
        (
            "url: https://console.example",
            "url: https://other.example",
            "add it: `web.names: [other.example]`",
        ),
        ("client:", "scopes: [profile]\n    client:", "lacks `openid`"),
        ("controller: acme", "controller: acne", "acme"),
        ("role: compliance", "role: god", "role"),
        ("keys/oidc.secret", "keys/none", "`informativa`"),
    ],
)
def test_a_mistake_is_told(file: Path, before: str, after: str, problem: str) -> None:
    """Where it stands, with what to write."""
    assert inspect(file)[1] == ()
    file.write_text(file.read_text().replace(before, after, 1))
    assert [problem in str(one.text) for one in inspect(file)[1]] == [True]
