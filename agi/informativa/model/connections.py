"""Connections to what is outside: a company's own systems, Asterisk's manager interface, and the console's
address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from .frozen import dataclass
from .words import RecordKind, Role


@dataclass(frozen=True)
class Lookup:
    """A question to one of a controller's own systems: did this caller get `notice`? A yes is recorded with
    this `kind`.

    `question` is a URL, or an SQL query for the DB-API module `driver`, in which `{number}` (E.164) or
    `{customer}` stands for the caller. `token` and `arguments` (of the driver's `connect`) are secret.
    `seconds` is how long a call waits for the answer.
    """

    id: str
    notice: str
    kind: RecordKind
    question: str
    seconds: float
    driver: str = ""
    token: str = field(default="", repr=False)
    arguments: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ManagerAccount:
    """The address of Asterisk's manager interface and our account there. `secret` is secret."""

    host: str
    port: int
    user: str
    secret: str = field(repr=False)


FORWARDED, X_FORWARDED = "Forwarded", "X-Forwarded-For"
"""The headers in which a web server in front may name the client: RFC 7239's, and what was there before."""


@dataclass(frozen=True)
class ClaimGrant:
    """A role for a company that whoever has `value` in the claim for roles gets."""

    value: str
    controller: str
    role: Role


@dataclass(frozen=True)
class IdentityProvider:
    """The identity provider (OpenID Connect) at which people may log in to the console.

    It knows the console as `client`, with a `secret`; browsers know the console by `url`. `name` and `roles`
    are the claims for the name of an account and for its roles, which `grants` lists. A log-in counts for
    `longest` seconds.
    """

    issuer: str
    client: str
    secret: str = field(repr=False)
    url: str
    scopes: tuple[str, ...]
    name: str
    roles: str
    grants: tuple[ClaimGrant, ...]
    longest: float

    @property
    def callback(self) -> str:
        """The address to which it sends browsers back."""
        return f"{self.url}/oidc/callback"

    @property
    def host(self) -> str:
        """Its name, for people."""
        return self.issuer.split("/")[2]


@dataclass(frozen=True)
class WebServer:
    """The address at which the web console is served, and the settings of its log-in.

    Without TLS it answers to its address, to localhost and to `names` alone.
    Accounts are kept in `folder`. `certificate` and `key` are files, '' where no TLS is spoken. A person who
    requests nothing for `idle` seconds has to log in anew. A web server at one of `proxies` (addresses and
    networks) says in the header `client` for whom it asks, and whether that was by TLS. With a `provider`
    people may also log in there. Who logs in by password needs more than that with one of the roles in
    `second_factor`.
    """

    host: str = "127.0.0.1"
    port: int = 4591
    names: tuple[str, ...] = ()
    folder: str = ""
    certificate: str = ""
    key: str = ""
    idle: int = 1800
    proxies: tuple[str, ...] = ()
    client: str = X_FORWARDED
    provider: IdentityProvider | None = None
    second_factor: frozenset[Role] = frozenset()

    @property
    def address(self) -> str:
        """Return the URL of the first page."""
        return f"{'https' if self.certificate else 'http'}://{self.host}:{self.port}/"
