"""The reason why a server's certificate is not trusted: libpq says only that it is not."""

from __future__ import annotations

import socket
import ssl
import struct

_SECONDS = 2.0
_REQUEST = struct.pack(">II", 8, 80877103)  # "SSLRequest" of PostgreSQL's "Message Formats"


def disbelief(host: str, port: str, roots: str) -> str:
    """Return the reason in OpenSSL's words ("certificate has expired"), by connecting once more; '' where the
    certificate is trusted, or there is none."""
    try:
        context = ssl.create_default_context(cafile=None if roots == "system" else roots)
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # Python's own since 3.13, and not libpq's
        with socket.create_connection((host, int(port)), _SECONDS) as connection:
            connection.sendall(_REQUEST)
            if connection.recv(1) == b"S":
                context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return str(error.verify_message)
    except (OSError, ValueError):
        pass
    return ""
