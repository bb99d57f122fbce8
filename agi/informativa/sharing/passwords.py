"""The password of this box's login, which is changed in the database and in the file of passwords.

The new password is in a file beside, before the database has it; and only when the database has it that file
takes the place of the other. In between whoever connects tries both (`connection.connect_box`), so that an
interruption at any point leaves the box a password that works. Typed again, the command finds out which.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from ..model import SharedDatabase
from ..model.errors import InformativaError, SharedDatabaseError
from ..model.text import Text
from ..system.files import open_for_replacement, permission_denied
from . import schema, startup
from .connection import (
    Connection,
    address,
    explained,
    host_and_port,
    new_passwords,
    translated,
)
from .startup import fields_of, lines_of, password_bytes, password_of, read_passwords

_BYTES = 24
_PREFIX = re.compile(r"((?:\\.|[^:\\])*:){4}")  # of a line: host, port, database, role
_REFUSED = "28P01"


@dataclass(frozen=True)
class ChangedPassword:
    """The file with the password of a login; `resumed` is true if an earlier change was completed, and no
    other was made."""

    login: str
    file: Path
    resumed: bool


def change(database: SharedDatabase, controllers: Sequence[str]) -> ChangedPassword:
    """Change the password of this box's login, which serves these companies. Raises SharedDatabaseError, and
    InformativaError where the file has no password for it or cannot be written."""
    file, changing = Path(database.passwords or startup.default_passwords()), new_passwords(database)
    login = schema.login(database.box)
    try:
        with _alone(file.parent):
            text = read_passwords(file)
            databases = {database.of(controller): controller for controller in reversed(controllers)}
            servers = {one.hosts: controller for one, controller in databases.items()}
            addresses = [(one.name, login, *host_and_port(host)) for one in databases for host in one.hosts]
            if changing.exists():
                new = replace(database, passwords=str(changing))
                remaining = [server for server in servers.values() if not _connects(new, server)]
                if len(remaining) < len(servers):
                    text = read_passwords(changing)
                    password = next(filter(None, (password_of(text, *one) for one in addresses)))
                    for server in remaining:
                        with _connected(database, server) as connection:
                            _alter(connection, database.of(server), login, password)
                    _replace(changing, file)
                    return ChangedPassword(login, file, resumed=True)
                changing.unlink()
            if not any(password_of(text, *one) for one in addresses):
                raise InformativaError(
                    Text("{file} has no password for {login}.", file=file, login=login),
                    Text("Write a line for it there: *:*:*:{login}:PASSWORD", login=login),
                )
            password = secrets.token_hex(_BYTES)
            with ExitStack() as stack:
                connections = {
                    server: stack.enter_context(_connected(database, server)) for server in servers.values()
                }
                _write(changing, with_password(text, addresses, password), like=file)
                for server, connection in connections.items():
                    _alter(connection, database.of(server), login, password)
            _replace(changing, file)
            return ChangedPassword(login, file, resumed=False)
    except PermissionError as error:
        raise permission_denied(Path(error.filename or file)) from error
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written or read ({why}).", file=file, why=error.strerror or ""),
            Text("See to it, and type this again: the box goes on with the password that works."),
        ) from error


def with_password(text: str, addresses: Sequence[tuple[str, str, str, str]], password: str) -> str:
    """Return the text of a file of passwords in which a role has another one, at these databases, roles,
    hosts and ports. All other lines stay as they are; where the role has no line of its own, one is put
    before them."""
    lines = lines_of(text) if text else []
    for number, line in enumerate(lines):
        prefix = _PREFIX.match(line)
        if prefix and not line.startswith("#") and _is_of(line, addresses):
            lines[number] = prefix[0] + password
    for database, role, host, port in addresses:
        if password_of("\n".join(lines), database, role, host, port) != password:
            lines.insert(0, f"*:*:*:{role}:{password}")
    return "".join(f"{line}\n" for line in lines)


def _is_of(line: str, addresses: Sequence[tuple[str, str, str, str]]) -> bool:
    """Return whether a line is of that role alone, and applies at one of these addresses."""
    return any(
        fields_of(line)[3] == role and password_of(line, database, role, host, port)
        for database, role, host, port in addresses
    )


def _alter(connection: Connection, database: SharedDatabase, login: str, password: str) -> None:
    """Give the login its password: the hash of it, so that no log of the server's has the password."""
    encrypted = connection.pgconn.encrypt_password(password_bytes(password), login.encode(), b"scram-sha-256")
    try:
        with translated(database), connection.transaction():
            connection.execute("SET LOCAL synchronous_commit = on")  # else a crash may take it back
            connection.execute(f"ALTER ROLE {schema.quoted(login)} PASSWORD '{encrypted.decode()}'".encode())
    except SharedDatabaseError as error:
        raise SharedDatabaseError(
            error.message, Text("Type this again: it finds out which password works."), state=error.state
        ) from error


def _connects(database: SharedDatabase, controller: str) -> bool:
    """Return whether the password in the file is the one that the server has. Raises SharedDatabaseError
    where that cannot be learned."""
    try:
        _connected(database, controller).close()
    except SharedDatabaseError as error:
        if error.state != _REFUSED:
            raise
        return False
    return True


def _connected(database: SharedDatabase, controller: str) -> Connection:
    try:
        return Connection.connect(address(database, controller), autocommit=True)
    except psycopg.Error as error:
        raise explained(database, controller, error) from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else changes passwords in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write(file: Path, text: str, like: Path) -> None:
    with open_for_replacement(file, like.stat(), most=0o600, durable=True) as out:
        out.write(password_bytes(text))


def _replace(changing: Path, file: Path) -> None:
    """Put the file with the new password in place of the other, so that a power loss does not undo it."""
    changing.replace(file)
    descriptor = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
