"""Connections to what is outside: a company's own systems, Asterisk's manager interface, the shared database,
and the console's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from .errors import InformativaError
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


@dataclass(frozen=True)
class SharedDatabase:
    """The PostgreSQL where the boxes of one installation meet, and the name of this box there.

    `hosts` are HOST:PORT, or the folder of a socket; the one that takes writes is used. In `name`
    `{controller}` stands for the company. Companies of `elsewhere` meet in another database: each is listed
    with its hosts and the name. `passwords` is a file in the form of libpq's .pgpass.
    `certificates` is a file with the roots that the server's certificate must lead to, `system` for those of
    the machine, '' where nothing leaves it. `seconds` is how long a call waits for an answer; with `wait` a
    call also waits as long until its records are in that database.
    """

    hosts: tuple[str, ...]
    name: str
    box: str
    passwords: str = ""
    certificates: str = ""
    wait: bool = False
    seconds: float = 0.03
    elsewhere: tuple[tuple[str, tuple[str, ...], str], ...] = ()

    def of(self, controller: str) -> SharedDatabase:
        """Return the database in which the boxes of one company meet."""
        databases = {company: (hosts, name) for company, hosts, name in self.elsewhere}
        hosts, name = databases.get(controller, (self.hosts, self.name))
        return replace(self, hosts=hosts, name=name.replace("{controller}", controller), elsewhere=())

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """The hosts of all companies' databases, each once."""
        hosts = [*self.hosts, *(host for _company, others, _name in self.elsewhere for host in others)]
        return tuple(dict.fromkeys(hosts))


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


@dataclass(frozen=True)
class SharedState:
    """The state of one company's ledger towards the database where boxes meet. `behind` records are not there
    yet. The database last answered at `contact` (seconds since 1970), is `usable` now or not, and is `paused`
    while calls do not ask it. It was asked for `asked` callers, for `unanswered` of them in vain, and `late`
    calls did not wait for it to the end. `error` says why it is not usable, and `trouble` why calls get no
    answer from it, where that is known."""

    behind: int
    contact: float
    usable: bool
    paused: bool
    asked: int
    unanswered: int
    late: int
    error: InformativaError | None = None
    trouble: InformativaError | None = None
