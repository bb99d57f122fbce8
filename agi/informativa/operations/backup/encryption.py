"""Encryption of the keys in a backup, by age (age-encryption.org/v1) with pyrage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...model.errors import InformativaError
from ...model.text import Foreign, Text
from ...system import files

_LARGEST = 64 << 10  # bytes of a file with a passphrase or with identities
SHORTEST = 12  # characters of a passphrase


@dataclass(frozen=True)
class KeyProtection:
    """The readers of the keys: the holders of the identities of these recipients (age1…), or the holders of
    the passphrase in a file."""

    recipients: tuple[str, ...] = ()
    passphrase: Path | None = None


@dataclass(frozen=True)
class KeyAccess:
    """The file with age identities, or with the passphrase, that opens the keys; neither, if they are not to
    be opened."""

    identity: Path | None = None
    passphrase: Path | None = None


def encrypt(data: bytes, protection: KeyProtection) -> bytes:
    """Encrypt the keys. Raises InformativaError."""
    age = _library()
    if bool(protection.recipients) == (protection.passphrase is not None):
        raise InformativaError(
            Text("Keys are put into a backup encrypted, for recipients or by a passphrase."),
            Text("Add --to age1… (as age-keygen prints it), or --passphrase FILE."),
        )
    if protection.passphrase is not None:
        passphrase = _line(protection.passphrase)
        if len(passphrase) < SHORTEST:
            raise InformativaError(
                Text("The passphrase is too short."),
                Text("Write one of {shortest} characters or more.", shortest=SHORTEST),
            )
        return bytes(age.passphrase.encrypt(data, passphrase))
    try:
        return bytes(age.encrypt(data, [age.x25519.Recipient.from_str(one) for one in protection.recipients]))
    except age.RecipientError as error:
        raise InformativaError(
            Text("A recipient is none of age's ({why}).", why=Foreign(str(error))),
            Text("Write it as age-keygen prints it: age1…"),
        ) from error


def decrypt(data: bytes, access: KeyAccess) -> bytes:
    """Decrypt the keys. Raises InformativaError where nothing opens them."""
    age = _library()
    try:
        if access.passphrase is not None:
            return bytes(age.passphrase.decrypt(data, _line(access.passphrase)))
        assert access.identity is not None
        return bytes(age.decrypt(data, _identities(access.identity, age)))
    except age.DecryptError as error:
        raise InformativaError(
            Text(
                "The keys in the backup are not opened by {file}.", file=access.passphrase or access.identity
            ),
            Text("Give the passphrase or the identity that belongs to it; nothing was changed."),
        ) from error


def _identities(file: Path, age: Any) -> Sequence[object]:
    lines = [line.strip() for line in _text(file).splitlines()]
    try:
        return [age.x25519.Identity.from_str(line) for line in lines if line and not line.startswith("#")]
    except age.IdentityError as error:
        raise InformativaError(
            Text("{file} has no identity of age.", file=file),
            Text("Give the file that age-keygen wrote: AGE-SECRET-KEY-1…"),
        ) from error


def _line(file: Path) -> str:
    return _text(file).partition("\n")[0].strip()


def _text(file: Path) -> str:
    try:
        return files.read(file, _LARGEST).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = Foreign(getattr(error, "strerror", None) or "not UTF-8")
        raise InformativaError(
            Text("{file} cannot be read ({why}).", file=file, why=reason), Text("Look at its rights.")
        ) from error


def _library() -> Any:
    """Import and return pyrage, which may not be installed."""
    try:
        import pyrage
    except ImportError:
        raise InformativaError(
            Text("Keys in backups need pyrage."),
            Text("Type: {prefix}/bin/pip install 'informativa[backup]'", prefix=Path(sys.prefix)),
        ) from None
    return pyrage
