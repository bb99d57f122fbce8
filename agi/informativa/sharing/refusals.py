"""The reasons why the shared database refuses a role, and what to do about each."""

from __future__ import annotations

import stat
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from ..model import SharedDatabase
from ..model.errors import SharedDatabaseError
from ..model.text import Foreign, Text, joined, plain
from ..system.patience import of_each_by
from . import schema, startup
from .startup import Login, ServerRefusal, password_of

SECONDS = 1.5  # for all hosts to be asked once more
_HOSTS_AT_ONCE = 8

# By SQLSTATE, or by its first two characters where nothing closer is known; what is nearest to success first,
# for of several hosts that one needs the remedy.
_TROUBLES: Mapping[str, Text] = {
    "53300": Text(
        "it takes no more connections",
        "Raise max_connections, or the limit of the role or database, or put pgbouncer before it.",
    ),
    "3D000": Text("it has no such database", "Make the database: createdb {database}"),
    startup.NO_CONNECT: Text(
        "the role may not connect to the database",
        "Whoever administers it types in psql: GRANT CONNECT ON DATABASE {database} TO informativa_boxes",
    ),
    "28P01": Text(
        "it knows no such role with this password",
        "Make the box's login: informativa shared migrate. If it exists, give it in psql the password of its"
        " line in {passwords}: \\password {login}",
    ),
    startup.NO_PASSWORD: Text(
        "it asks for a password, and no line is for this role",
        "Write a line for it into {passwords}: *:*:*:{login}:PASSWORD",
    ),
    startup.OPEN_PASSWORDS: Text(
        "it asks for a password, and none is read from a file that others can read",
        "Type: chmod 600 {passwords}",
    ),
    startup.CLOSED_PASSWORDS: Text(
        "it asks for a password, and the file of passwords cannot be read ({reason})",
        "Type the same as root or as the user of the service. If you did, see that {passwords} is a file,"
        " with mode 600.",
    ),
    "28000": Text(
        "it does not let this role in from here",
        "Write a line for {login} and this machine into pg_hba.conf, and have it read: SELECT"
        " pg_reload_conf(). If one is there, see that the role exists and may log in: informativa shared"
        ' migrate; in psql: ALTER ROLE "{login}" LOGIN',
    ),
    startup.READ_ONLY: Text(
        "it takes no writes: it is set to read-only",
        "See who set it so, and why: a full disk, say. Whoever administers it types in psql: ALTER SYSTEM"
        " RESET default_transaction_read_only; SELECT pg_reload_conf(). If it is set for the role or the"
        ' database: ALTER ROLE "{login}" RESET default_transaction_read_only; ALTER DATABASE {database} RESET'
        " default_transaction_read_only",
    ),
    startup.STANDBY: Text(
        "it takes no writes: it is a standby",
        "Promote one, or name the host that takes writes under `shared.hosts`. It is asked again by itself.",
    ),
    "57P03": Text(
        "it is starting up or shutting down", "Wait a moment. The service asks it again by itself."
    ),
    startup.UNTRUSTED: Text(
        "its certificate is not trusted ({reason})",
        "Give the server another certificate, or put the root of its own into {certificates}",
    ),
    startup.NO_ROOTS: Text(
        "the file by which its certificate is trusted cannot be read ({reason})",
        "Put the root of the server's certificate into {certificates}, in PEM. If everybody trusts that root,"
        " write instead: certificates: system",
    ),
    startup.EXPIRED: Text(
        "its certificate has expired",
        "Renew the server's certificate, and have it read: SELECT pg_reload_conf(). If it has not expired,"
        " set this machine's clock right: timedatectl",
    ),
    startup.NOT_YET_VALID: Text(
        "its certificate is not valid yet",
        "Set this machine's clock right: timedatectl. If it is right, give the server a certificate that is"
        " valid now.",
    ),
    startup.OTHER_NAME: Text(
        "its certificate is for another name ({reason})",
        "Write under `shared.hosts` the name that the certificate has, or give the server one for {host}",
    ),
    startup.NO_TLS: Text(
        "it offers no TLS", "Switch it on there: ssl = on in postgresql.conf, with a certificate."
    ),
    startup.REFUSED: Text(
        "nothing takes connections there",
        "Start PostgreSQL there, or correct `shared.hosts`, its listen_addresses or the firewall.",
    ),
    startup.SILENT: Text(
        "it says nothing", "See that the server does not hang, and that no firewall drops what goes there."
    ),
    startup.UNREACHABLE: Text("no route leads there", "See to the network between this machine and {host}"),
    startup.UNKNOWN_HOST: Text(
        "this name is unknown", "Correct `shared.hosts`, or DNS until this answers: getent hosts {host}"
    ),
}
# What to do where somebody named a role (--as) that is not the box's login, as far as it is something else.
_OF_OTHER_ROLES: Mapping[str, Text] = {
    "28P01": Text(
        "If there is a role {login}, write its password into the first line of {passwords}:"
        " *:*:*:{login}:PASSWORD. If there is none, name another one: --as ROLE"
    ),
    "28000": Text(
        "See that there is a role {login} which may log in, and that pg_hba.conf has a line for it and this"
        " machine. Or name another one: --as ROLE"
    ),
    startup.NO_CONNECT: Text(
        'Whoever administers it types in psql: GRANT CONNECT ON DATABASE {database} TO "{login}"'
    ),
}
_REMEDIES: Mapping[str, Text] = {
    **{state: trouble.advice for state, trouble in _TROUBLES.items()},
    **dict.fromkeys(("57P01", "57P02"), _TROUBLES["57P03"].advice),
    "25006": _TROUBLES[startup.STANDBY].advice,
    "28": _TROUBLES["28000"].advice,
    "3D": _TROUBLES["3D000"].advice,
    "3F": Text("Make the tables: informativa shared migrate"),
    "42501": Text("Give the box's login its rights: informativa shared migrate"),
    "42P01": Text("Make the tables: informativa shared migrate"),
    "53100": Text("The database's disk is full: make room."),
}
_UNKNOWN = Text("See that it runs, and that its tables and logins are made: informativa shared migrate")
OF_ALL = frozenset({startup.UNKNOWN_HOST, startup.REFUSED, startup.SILENT, startup.UNREACHABLE})
"""The states that are of the network, whichever company is asked about."""


def unusable(database: SharedDatabase, error: Exception, name: str = "") -> SharedDatabaseError:
    """Return the error with the database's words, and the remedy."""
    words = Foreign(" ".join(str(error).split()) or type(error).__name__)
    return _error(
        database, name, words, getattr(error, "sqlstate", None) or "", schema.login(database.box), {}
    )


def refused(
    database: SharedDatabase, name: str, role: str, addresses: Sequence[tuple[str, str]]
) -> SharedDatabaseError | None:
    """Ask each host once more for the reason why it takes no writes of a role in the database of that name,
    and return the error; `None` where no host gives a reason."""
    text, without_password = _read_passwords(database)
    works = {
        (host, port): partial(
            startup.refusal,
            host,
            port,
            Login(name, role, password_of(text, name, role, host, port), database.certificates),
            SECONDS,
        )
        for host, port in addresses
    }
    refusals: dict[tuple[str, str], ServerRefusal] = {}
    for address, outcome in of_each_by(time.monotonic() + SECONDS, works, _HOSTS_AT_ONCE).items():
        if isinstance(outcome, TimeoutError):
            refusals[address] = ServerRefusal(startup.SILENT)
        elif isinstance(outcome, ServerRefusal):
            no_password = outcome.state == startup.NO_PASSWORD
            refusals[address] = without_password if no_password else outcome
    if not refusals:
        return None
    order = list(_TROUBLES)
    (host, _port), nearest = min(
        refusals.items(), key=lambda item: order.index(item[1].state) if item[1].state in order else -1
    )
    reasons = [
        joined(": ", ":".join(filter(None, address)), _trouble(refusal))
        for address, refusal in refusals.items()
    ]
    return _error(database, name, joined("; ", *reasons), nearest.state, role, {"host": host})


def passwords(database: SharedDatabase) -> str:
    """Return the text of the file of passwords; '' where libpq reads none of it."""
    return _read_passwords(database)[0]


def _read_passwords(database: SharedDatabase) -> tuple[str, ServerRefusal]:
    """Return the text of the file of passwords, '' where libpq reads none of it; and the reason why a role
    then has no password."""
    file = Path(database.passwords or startup.default_passwords())
    try:
        mode = file.stat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            return "", ServerRefusal(startup.OPEN_PASSWORDS)
        return startup.read_passwords(file), ServerRefusal(startup.NO_PASSWORD)
    except (FileNotFoundError, ValueError):  # ValueError: a NUL in the name
        return "", ServerRefusal(startup.NO_PASSWORD)
    except OSError as error:
        return "", ServerRefusal(startup.CLOSED_PASSWORDS, error.strerror or "")


def _trouble(refusal: ServerRefusal) -> Text:
    trouble = _TROUBLES.get(refusal.state)
    if trouble is None:
        return plain(Foreign(f"{refusal.message} ({refusal.state})"))
    return trouble.statement.format(reason=Foreign(refusal.message))


def _error(
    database: SharedDatabase, name: str, reason: Text | str, state: str, role: str, facts: Mapping[str, str]
) -> SharedDatabaseError:
    others = _OF_OTHER_ROLES if role != schema.login(database.box) else {}
    remedy = others.get(state) or _REMEDIES.get(state) or _REMEDIES.get(state[:2]) or _UNKNOWN
    return SharedDatabaseError(
        Text(
            "The shared database {database} on {hosts} cannot be used ({why}).",
            database=database.name,
            hosts=", ".join(database.hosts),
            why=reason,
        ),
        remedy.format(
            database=name or database.name,
            passwords=database.passwords or startup.default_passwords(),
            certificates=database.certificates,
            login=role,
            **facts,
        ),
        state=state,
    )
