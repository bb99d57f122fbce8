"""Secrets: making and rotating pseudonym keys, the token by which Asterisk is known, and the secret of the
account at its manager interface. No result contains a secret."""

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
    """A secret that was made."""

    kind: SecretKind
    file: Path
    """The file that contains it."""
    owner: str
    """The only user who can read it."""
    controller: str = ""
    """The name of the controller whose key it is; '' for the other kinds."""
    account: ManagerAccount | None = None
    """The account that is configured, for the manager's secret; else `None`."""


@dataclass(frozen=True)
class KeyRotation:
    """A controller's new key, made or only planned."""

    controller: Controller
    file: Path
    """The file of the new key."""
    old: Path | None = None
    """The file that the old key was moved to; `None` where nothing was done."""
    unrelated: tuple[Problem, ...] = ()
    """The problems of the configuration that do not concern the controller."""

    @property
    def next(self) -> tuple[str, ...]:
        """Return the commands to type then."""
        return ("systemctl reload informativa",) if self.old else ()


@dataclass(frozen=True)
class TokenRotation:
    """A new token, and the old ones, which are accepted until a call comes with the new one."""

    file: Path
    """The file of the new token."""
    old: tuple[Path, ...]
    """The files of the old ones, the newest first."""
    next: tuple[str, ...]
    """The commands to type then, in this order."""


def make(config: Path, name: str, *, again: bool = False) -> NewSecret:
    """Make the secret of that name: a controller, `agi` or `manager`. With `again` a key is made
    although the ledger has callers under another one. Raises InformativaError."""
    configuration = inspect(config)[0]
    if name == MANAGER and name not in configuration.controllers:
        return _make_manager_secret(config, configuration)
    if name == AGI and name not in configuration.controllers:
        token = token_file(config)
        return NewSecret(SecretKind.TOKEN, token, _first(token, configuration, "--agi"))
    return _make_key(config, configuration, name, again=again)


def rotate(config: Path, controller: str, *, really: bool) -> KeyRotation:
    """Give a controller a new key; without `really` only tell what would be done. Raises InformativaError."""
    selection = of_their_callers(config, (controller,))
    (owner,), configuration = selection.named, selection.configuration
    key = configuration.folder / configuration.key_files[owner.id]
    return KeyRotation(owner, key, _replace(key) if really else None, tuple(selection.unrelated))


def rotate_token(config: Path) -> TokenRotation:
    """Make a new token in the place of the old one, or a first one. Raises InformativaError."""
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
    """Return the path of the token, which need not exist. Raises InformativaError where the configuration
    names none."""
    settings = draft(config)[1].service
    if settings.token is None:
        raise InformativaError(
            Text("{file} names no token.", file=config),
            Text("Write `token: {token}` under `service:`, then type this again.", token=DEFAULT_TOKEN),
        )
    return config.absolute().parent / settings.token


def write_secret(file: Path, like: os.stat_result | None = None) -> None:
    """Write a new secret into a new file that nobody else can read; if root does it, for the owner of `like`.
    Raises OSError."""
    create(file, f"{secrets.token_hex(KEY_BYTES)}\n".encode(), like)


def _make_manager_secret(config: Path, configuration: Configuration) -> NewSecret:
    file = secret_file(config)
    owner = _first(file, configuration, MANAGER)
    return NewSecret(SecretKind.MANAGER, file, owner, account=configuration.manager)


def _make_key(config: Path, configuration: Configuration, name: str, *, again: bool) -> NewSecret:
    """Make a controller's key. Raises InformativaError where its ledger has callers under another one, unless
    it is to begin `again` without them."""
    selection = of_its_key(config, name)
    (controller,) = selection.named
    key = selection.configuration.folder / selection.configuration.key_files[name]
    if Path(controller.ledger).exists() and not again:
        raise InformativaError(
            Text(
                "{ledger} has callers whom only the key that made their pseudonyms recognises.",
                ledger=controller.ledger,
            ),
            Text("Put the copy of that key back as {key}. To begin anew without it: --yes", key=key),
        )
    return NewSecret(SecretKind.KEY, key, _first(key, configuration, name), name)


def _first(file: Path, configuration: Configuration, name: str) -> str:
    """Make a secret where there is none; if root does it, for the service's user. Return its owner. Raises
    InformativaError."""
    owner = installation.owner(configuration)
    try:
        make_folder(file.parent, owner, 0o700)
        write_secret(file, owner)
    except FileExistsError:
        raise InformativaError(
            Text("{file} is there already.", file=file),
            Text("For another one delete it first.")
            if name == MANAGER
            else Text("For another one: informativa keys rotate {id}", id=name),
        ) from None
    except OSError as error:
        raise _unwritable(file, error) from error
    return users.name(file.stat().st_uid)


def _replace(key: Path) -> Path:
    """Make a new secret in the place of an old one; return the new path of the old one. Raises
    InformativaError."""
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
    reason, place = Foreign(error.strerror or ""), obstacle(file.parent)
    return InformativaError(
        Text("{file} cannot be written ({why}).", file=error.filename or file, why=reason),
        Text("Type: mv {place} {place}.aside, then the same again.", place=place)
        if place
        else Text("Run this as the user whose file it is."),
    )
