"""Certificates for servers of the lab: good ones, and ones that nobody should believe."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

LOOPBACK = ("localhost", "127.0.0.1")
_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@dataclass(frozen=True)
class Certificate:
    """A server's certificate and key in PEM, and the file of the authority that clients are to trust."""

    certificate: bytes
    key: bytes
    root: Path


class Authority:
    """A certificate authority of its own, whose certificate is written to ``folder``/``name``.pem."""

    def __init__(self, folder: Path, name: str = "root") -> None:
        self.root = folder / f"{name}.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named(f"lab {name}")
        own = _builder(self._name, self._name, self._key, datetime.now(UTC))
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        own = own.add_extension(_SIGNS_CERTIFICATES, critical=True)  # Python 3.13 wants it (RFC 5280 4.2.1.3)
        folder.mkdir(parents=True, exist_ok=True)
        self.root.write_bytes(own.sign(self._key, SHA256()).public_bytes(Encoding.PEM))

    def issue(
        self, names: Sequence[str] = LOOPBACK, *, expired: bool = False, early: bool = False
    ) -> Certificate:
        """A certificate for these names and addresses of a server; an expired one ended a day ago, and an
        early one begins in three days."""
        key = ec.generate_private_key(ec.SECP256R1())
        start = datetime.now(UTC) - timedelta(days=3 if expired else -3 if early else 0)
        signed = (
            _builder(_named(names[0]), self._name, key, start)
            .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
            .sign(self._key, SHA256())
        )
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return Certificate(signed.public_bytes(Encoding.PEM), private, self.root)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, start: datetime
) -> x509.CertificateBuilder:
    number, begin = x509.random_serial_number(), start - timedelta(minutes=5)  # for a clock that is behind
    builder = x509.CertificateBuilder(
        issuer, subject, key.public_key(), number, begin, start + timedelta(days=2)
    )
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)
