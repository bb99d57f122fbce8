"""Making and rotating secrets: pseudonym keys, the token by which Asterisk is known, the secret of the
account at its manager interface. No secret itself is in any result."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from ..config import Configuration, inspect
from ..config.build import draft
from ..config.controllers import KEY_BYTES, RETIRED
from ..config.deprecations import DEFAULT_TOKEN
from ..config.endpoints import retired
from ..errors import InformativaError, Problem
from ..files import create, make_folder, obstacle
from ..model import Controller, ManagerAccount
from ..text import Foreign, Text, command
from .controllers import of_its_key, of_their_callers
from .doctor import installation, users
from .doctor.account import secret_file

AGI = "agi"  # in place of a company's name: the token by which Asterisk is known
MANAGER = "manager"  # and the secret of the account at Asterisk's manager interface


class SecretKind(StrEnum):
    """What a secret is for."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # a kind of secret
    MANAGER = "manager"


@dataclass(frozen=True)
class NewSecret:
    """A secret that was made: where it is, and the only user who can read it. `controller` is whose key it
    is, '' for the others; `account` is the one configured, of the manager's secret."""

    kind: SecretKind
    file: Path
    owner: str
    controller: str = ""
    account: ManagerAccount | None = None


@dataclass(frozen=True)
class KeyRotation:
    """A controller's new key in `file`, the old one in `old`; `None` if nothing was done yet. `unrelated` is
    what is wrong with the configuration and does not concern it."""

    controller: Controller
    file: Path
    old: Path | None = None
    unrelated: tuple[Problem, ...] = ()

    @property
    def next(self) -> tuple[str, ...]:
        """What is to be typed after it."""
        return ("systemctl reload informativa",) if self.old else ()


@dataclass(frozen=True)
class TokenRotation:
    """A new token in `file`, and the `old` ones, the newest first. `next` is to be typed in that order: until
    a call comes with the new token, the old ones are accepted."""

    file: Path
    old: tuple[Path, ...]
    next: tuple[str, ...]


def make(config: Path, of: str, *, again: bool = False) -> NewSecret:
    """The secret of that name: a controller's, or else `agi` or `manager`. Raises InformativaError."""
    configuration = inspect(config)[0]
    if of == MANAGER and of not in configuration.controllers:
        return _make_manager_secret(config, configuration)
    if of == AGI and of not in configuration.controllers:
        token = token_file(config)
        return NewSecret(SecretKind.TOKEN, token, _first(token, configuration, "--agi"))
    return _make_key(config, configuration, of, again=again)


def rotate(config: Path, controller: str, *, really: bool) -> KeyRotation:
    """Give a controller a new key; or say what would be done. Raises InformativaError."""
    selection = of_their_callers(config, (controller,))
    (owner,), configuration = selection.named, selection.configuration
    key = configuration.folder / configuration.key_files[owner.id]
    return KeyRotation(owner, key, _replace(key) if really else None, tuple(selection.unrelated))


def rotate_token(config: Path) -> TokenRotation:
    """A new token, or a first one. Raises InformativaError."""
    token = token_file(config)
    if token.exists():
        _replace(token)
    else:
        _first(token, inspect(config)[0], "--agi")
    old = tuple(retired(token))
    steps = (
        "systemctl reload informativa",
        command("informativa", "dialplan", "install", "-c", config),
        "asterisk -rx 'dialplan reload'",
    )
    return TokenRotation(token, old, (*steps, command("rm", *old)) if old else steps)


def token_file(config: Path) -> Path:
    """Where the token is, or will be. Raises InformativaError where the configuration does not say."""
    settings = draft(config)[1].service
    if settings.token is None:
        raise InformativaError(
            Text("{file} names no token.", file=config),
            Text("Write `token: {token}` under `service:`, then type this again.", token=DEFAULT_TOKEN),
        )
    return config.absolute().parent / settings.token


def write_secret(file: Path, like: os.stat_result | None = None) -> None:
    """A new secret in a file of its own, readable by nobody else; by root, for the owner of `like`. Raises
    OSError."""
    create(file, f"{secrets.token_hex(KEY_BYTES)}\n".encode(), like)


def _make_manager_secret(config: Path, configuration: Configuration) -> NewSecret:
    file = secret_file(config)
    owner = _first(file, configuration, MANAGER)
    return NewSecret(SecretKind.MANAGER, file, owner, account=configuration.manager)


def _make_key(config: Path, configuration: Configuration, name: str, *, again: bool) -> NewSecret:
    """A controller's key. Raises InformativaError where its ledger has callers under another one, unless it
    is to begin `again` without them."""
    selection = of_its_key(config, name)
    (of,) = selection.named
    key = selection.configuration.folder / selection.configuration.key_files[name]
    if Path(of.ledger).exists() and not again:
        raise InformativaError(
            Text(
                "{ledger} has callers whom only the key that made their pseudonyms recognises.",
                ledger=of.ledger,
            ),
            Text("Put the copy of that key back as {key}. To begin anew without it: --yes", key=key),
        )
    return NewSecret(SecretKind.KEY, key, _first(key, configuration, name), name)


def _first(file: Path, configuration: Configuration, of: str) -> str:
    """Make a secret where there is none, by root for the service's user; whose it is. Raises
    InformativaError."""
    owner = installation.owner(configuration)
    try:
        make_folder(file.parent, owner, 0o700)
        write_secret(file, owner)
    except FileExistsError:
        raise InformativaError(
            Text("{file} is there already.", file=file),
            Text("For another one delete it first.")
            if of == MANAGER
            else Text("For another one: informativa keys rotate {id}", id=of),
        ) from None
    except OSError as error:
        raise _unwritable(file, error) from error
    return users.name(file.stat().st_uid)


def _replace(key: Path) -> Path:
    """Put a new secret into the place of one; where the old one is now. Raises InformativaError."""
    old = key.with_name(f"{key.name}{RETIRED}{datetime.now(UTC):%Y%m%d-%H%M%S}")
    try:
        new = key.with_name(f".{key.name}.new")
        new.unlink(missing_ok=True)  # what a rotation that was cut off left
        write_secret(new, key.stat())
        os.link(key, old)
        new.replace(key)
    except OSError as error:
        raise _unwritable(key, error) from error
    return old


def _unwritable(file: Path, error: OSError) -> InformativaError:
    why, place = Foreign(error.strerror or ""), obstacle(file.parent)
    return InformativaError(
        Text("{file} cannot be written ({why}).", file=error.filename or file, why=why),
        Text("Type: mv {place} {place}.aside, then the same again.", place=place)
        if place
        else Text("Run this as the user whose file it is."),
    )
