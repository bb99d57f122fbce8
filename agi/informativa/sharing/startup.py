"""The start-up of a connection to PostgreSQL by hand, for the reason why a server refuses it.

libpq shows only words, in the server's language, and not the SQLSTATE of a connection that did not
come about. Many servers state theirs only after the password, so the role logs in here, by SCRAM-SHA-256 or
MD5 (PostgreSQL's "Message Flow", "SASL Authentication"; RFC 5802, 7677).
"""

from __future__ import annotations

import base64
import errno
import hashlib
import hmac
import os
import re
import secrets
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LONGEST = 30_000  # bytes of a message, as for libpq
_MESSAGES = 100
_ITERATIONS = 100_000  # of a password's hash, of which a server's usual number is 4096
_TLS_REQUEST = struct.pack(">II", 8, 80877103)  # "SSLRequest" of PostgreSQL's "Message Formats"
_PROTOCOL = 3 << 16
_SASL = b"n,,"  # no channel binding

# Reasons beside those that have a SQLSTATE.
REFUSED, SILENT, UNREACHABLE, UNKNOWN_HOST = "refused", "silent", "unreachable", "unknown-host"
NO_TLS, UNTRUSTED, NO_PASSWORD, NO_CONNECT = "no-tls", "untrusted", "no-password", "no-connect"
NO_ROOTS = "no-roots"
OPEN_PASSWORDS, CLOSED_PASSWORDS = "open-passwords", "closed-passwords"
EXPIRED, NOT_YET_VALID, OTHER_NAME = "expired", "not-yet-valid", "other-name"
STANDBY, READ_ONLY = "standby", "read-only"
_OF_CERTIFICATE = {9: NOT_YET_VALID, 10: EXPIRED, 62: OTHER_NAME, 64: OTHER_NAME}
"""The reasons by OpenSSL's codes (its x509_vfy.h); any other is UNTRUSTED."""


@dataclass(frozen=True)
class ServerRefusal:
    """The reason why a server takes no connection: its SQLSTATE, or one of the words of this module; and the
    `message` about it, of the server in its language, or of OpenSSL."""

    state: str
    message: str = ""


@dataclass(frozen=True)
class Login:
    """A role that logs in to a database; `roots` are the certificates that the server's must lead to, as
    those of a SharedDatabase."""

    database: str
    role: str
    password: str
    roots: str


def refusal(host: str, port: str, login: Login, seconds: float) -> ServerRefusal | None:
    """Connect to one server, for no longer than that, and return the reason why it does not take writes of
    this role; `None` if it does, or gives no reason that is understood here."""
    try:
        with _Wire(host, port or "5432", seconds) as wire:
            if not host.startswith("/"):
                wire.encrypt(host, login.roots)
            return wire.log_in(login)
    except _RefusedError as error:
        return error.refusal
    except ssl.SSLCertVerificationError as error:
        state = _OF_CERTIFICATE.get(error.verify_code, UNTRUSTED)
        return ServerRefusal(state, str(error.verify_message))
    except socket.gaierror:
        return ServerRefusal(UNKNOWN_HOST)
    except ConnectionRefusedError:
        return ServerRefusal(REFUSED)
    except TimeoutError:
        return ServerRefusal(SILENT)
    except OSError as error:
        return ServerRefusal(UNREACHABLE) if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH) else None
    except (ValueError, LookupError, struct.error):  # it does not talk like PostgreSQL
        return None


class _RefusedError(Exception):
    """A server's ErrorResponse, the answer that it offers no TLS, or roots that cannot be read."""

    def __init__(self, refusal: ServerRefusal) -> None:
        self.refusal = refusal


class _Wire:
    """A connection to a server, limited in time and in bytes; a context manager."""

    def __init__(self, host: str, port: str, seconds: float) -> None:
        self._deadline = time.monotonic() + seconds
        if host.startswith("/"):
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(seconds)
            try:
                self._socket.connect(f"{host}/.s.PGSQL.{port}")
            except FileNotFoundError as error:
                raise ConnectionRefusedError from error
        else:
            self._socket = socket.create_connection((host, int(port)), seconds)

    def __enter__(self) -> _Wire:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._socket.close()

    def encrypt(self, host: str, roots: str) -> None:
        """Begin TLS where the server offers it, as libpq does; with `roots` the server must, and prove its
        name."""
        self._socket.sendall(_TLS_REQUEST)
        answer = self._read(1)
        if answer == b"E":
            raise _RefusedError(_error(self._body()))
        if answer == b"S":
            context = _trusting(roots)
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python's own since 3.13, and not libpq's
            if not roots:  # on this machine alone
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._socket = context.wrap_socket(self._socket, server_hostname=host)
        elif roots:
            raise _RefusedError(ServerRefusal(NO_TLS))

    def log_in(self, login: Login) -> ServerRefusal | None:
        """Log in, and return the reason why the server does not take writes, if there is one. Raises
        _RefusedError with the server's own."""
        words = b"".join(
            word.encode() + b"\0" for word in ("user", login.role, "database", login.database, "")
        )
        self._socket.sendall(struct.pack(">II", len(words) + 8, _PROTOCOL) + words)
        parameters: dict[bytes, bytes] = {}
        for kind, body in self._messages():
            if kind == b"R" and (code := struct.unpack(">I", body[:4])[0]):
                if not login.password:
                    return ServerRefusal(NO_PASSWORD)
                if not self._authenticate(code, body[4:], login):
                    return None
            elif kind == b"S":
                name, value = body.split(b"\0")[:2]
                parameters[name] = value
            elif kind == b"Z":
                self._socket.sendall(b"X\0\0\0\4")  # so that the server logs no broken connection
                break
        if parameters.get(b"in_hot_standby") == b"on":
            return ServerRefusal(STANDBY)
        return ServerRefusal(READ_ONLY) if parameters.get(b"default_transaction_read_only") == b"on" else None

    def _authenticate(self, code: int, data: bytes, login: Login) -> bool:
        """Answer a request for the password; return False where it is in none of the ways known here."""
        if code == 5:  # MD5
            inner = hashlib.md5(password_bytes(login.password + login.role)).hexdigest()  # noqa: S324  # the server's
            outer = hashlib.md5(inner.encode() + data[:4]).hexdigest()  # noqa: S324
            self._send(b"md5" + outer.encode() + b"\0")
            return True
        if code == 12:  # the end of SCRAM
            return True
        if code != 10 or b"SCRAM-SHA-256" not in data.split(b"\0") or not login.password.isascii():
            return False
        nonce = base64.b64encode(secrets.token_bytes(18))
        first = b"n=,r=" + nonce
        self._send(b"SCRAM-SHA-256\0" + struct.pack(">I", len(_SASL + first)) + _SASL + first)
        kind, body = next(self._messages())
        if kind != b"R" or struct.unpack(">I", body[:4]) != (11,):
            return False
        proof = _scram(login.password, first, body[4:], nonce)
        self._send(proof)
        return True

    def _send(self, answer: bytes) -> None:
        self._socket.sendall(b"p" + struct.pack(">I", len(answer) + 4) + answer)

    def _messages(self) -> Iterator[tuple[bytes, bytes]]:
        """Iterate over the server's messages. Raises _RefusedError for an ErrorResponse."""
        for _ in range(_MESSAGES):
            kind, body = self._read(1), self._body()
            if kind == b"E":
                raise _RefusedError(_error(body))
            yield kind, body

    def _body(self) -> bytes:
        (length,) = struct.unpack(">I", self._read(4))
        if not 4 <= length <= LONGEST:
            raise ValueError("no message of PostgreSQL's")
        return self._read(length - 4)

    def _read(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            self._socket.settimeout(max(0.001, self._deadline - time.monotonic()))
            part = self._socket.recv(count - len(data))
            if not part:
                raise ValueError("it closed the connection")
            data += part
        return data


def _trusting(roots: str) -> ssl.SSLContext:
    """Return a context that trusts these roots. Raises _RefusedError where they cannot be read."""
    try:
        return ssl.create_default_context(cafile=None if roots in ("system", "") else roots)
    except OSError as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
        raise _RefusedError(ServerRefusal(NO_ROOTS, reason or "")) from error


def _error(body: bytes) -> ServerRefusal:
    """Return an ErrorResponse's SQLSTATE, and its message on one line."""
    fields = {field[:1]: field[1:].decode("utf-8", "replace") for field in body.split(b"\0") if field}
    state = fields[b"C"]
    if not re.fullmatch(r"[0-9A-Z]{5}", state):
        raise ValueError("no SQLSTATE")
    return ServerRefusal(NO_CONNECT if state == "42501" else state, " ".join(fields.get(b"M", "").split()))


def _scram(password: str, first: bytes, challenge: bytes, nonce: bytes) -> bytes:
    """Return the client's final message (RFC 5802, 3). Raises ValueError and LookupError for a challenge that
    is none."""
    values = {part[:1]: part[2:] for part in challenge.split(b",")}
    iterations = int(values[b"i"])
    if not (values[b"r"].startswith(nonce) and 0 < iterations <= _ITERATIONS):
        raise ValueError("no challenge for this client")
    salt = base64.b64decode(values[b"s"], validate=True)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    final = b"c=" + base64.b64encode(_SASL) + b",r=" + values[b"r"]
    signature = hmac.digest(
        hashlib.sha256(client_key).digest(), b",".join((first, challenge, final)), "sha256"
    )
    proof = bytes(key ^ sign for key, sign in zip(client_key, signature, strict=True))
    return final + b",p=" + base64.b64encode(proof)


def read_passwords(file: Path) -> str:
    """Return the text of a file of passwords, whatever bytes it has: libpq sends those of a password as they
    are. Bytes that are no UTF-8 are surrogates, as `os.fsdecode` has them. Raises OSError."""
    return file.read_bytes().decode(errors="surrogateescape")


def password_bytes(text: str) -> bytes:
    """Return the bytes of what `read_passwords` has read."""
    return text.encode(errors="surrogateescape")


def lines_of(text: str) -> list[str]:
    """Return the lines of a file of passwords as libpq reads them, without their ends."""
    return [line.removesuffix("\r") for line in text.removesuffix("\n").split("\n")]


def password_of(text: str, database: str, role: str, host: str = "", port: str = "") -> str:
    """Return a role's password in a file of the form of .pgpass, at a host or at any; '' if there is none."""
    names = ("localhost", host) if host.startswith("/") else (host,)
    for line in lines_of(text):
        if line.startswith("#"):
            continue
        fields = fields_of(line)
        if len(fields) < 5 or (host and fields[0] not in ("*", *names)):
            continue
        if port and fields[1] not in ("*", port):
            continue
        if fields[2] in ("*", database) and fields[3] in ("*", role):
            return fields[4]
    return ""


def fields_of(line: str) -> list[str]:
    """Return the fields of a line of such a file: host, port, database, role, password."""
    return [re.sub(r"\\(.)", r"\1", field) for field in re.findall(r"((?:\\.|[^:\\])*)(?::|\Z)", line)]


def default_passwords() -> str:
    """Return the file of passwords that libpq reads where none is configured."""
    return os.environ.get("PGPASSFILE") or os.path.expanduser("~/.pgpass")  # noqa: PTH111  # as libpq writes it
