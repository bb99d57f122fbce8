"""Secrets: making and rotating pseudonym keys, the token by which Asterisk is known, and the secret of the
account at its manager interface. No result contains a secret."""

from __future__ import annotations

import base64
import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Annotated

from pydantic import Field, InstanceOf

from ..config import Configuration, inspect
from ..config.build import draft
from ..config.controllers import KEY_BYTES, RETIRED
from ..config.endpoints import DEFAULT_TOKEN, retired
from ..config.hooks import SECRET_PREFIX
from ..evidence.note_values import NoteSource
from ..evidence.notes import RuleNote
from ..ledgers.instructions import require_instruction
from ..model import Controller, ManagerAccount
from ..model.errors import EvidenceError, InformativaError, LedgerError
from ..model.text import Text, command
from ..process import log_storage, storage
from ..system.files import create, make_folder, obstacle
from .controllers import Selection, controller_named, select_for_key
from .doctor import installation, users
from .doctor.account import secret_file
from .generated import unwritten

AGI = "agi"  # in place of a company's name: the token by which Asterisk is known
NO_HOOK = "no-hook"
MANAGER = "manager"  # and the secret of the account at Asterisk's manager interface


class SecretKind(StrEnum):
    """The use of a secret."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105  # a kind of secret
    MANAGER = "manager"
    HOOK = "hook"


@dataclass(frozen=True)
class NewSecret:
    """A secret that was made: its place, never the secret itself."""

    kind: SecretKind
    """Its use: a company's pseudonyms, its hook, to know Asterisk by, or its manager interface."""
    controller: str | None
    """The controller whose key or hook it is; null for the other kinds."""
    file: Path
    """The file that contains it."""
    owner: str
    """The only user who can read it."""
    account: Annotated[ManagerAccount | None, InstanceOf(), Field(exclude=True)] = None
    """The account that is configured, for the manager's secret; else `None`."""


@dataclass(frozen=True)
class Rotation:
    """A secret in the place of another one."""

    kind: SecretKind
    """Its use."""
    controller: str | None
    """The controller whose key it is; null for the token."""
    file: Path
    """The file of the new one, which is made or would be."""
    old_files: tuple[Path, ...]
    """The files of the old ones that still count, the newest first."""
    done: bool
    """True if it was done; false if it only would be."""
    next: tuple[str, ...]
    """Commands to type then, in this order."""
    instruction: str | None = None
    """The controller's instruction in the rule that the log states first, or would; null where it states none
    anew, or without an instruction."""


def make(config: Path, name: str, *, again: bool = False) -> NewSecret:
    """Make the secret of that name: a controller, `agi` or `manager`. With `again` a key is made
    although the ledger has callers under another one. Raises InformativaError."""
    configuration = inspect(config)[0]
    if name == MANAGER and name not in configuration.controllers:
        return _make_manager_secret(config, configuration)
    if name == AGI and name not in configuration.controllers:
        token = token_file(config)
        return NewSecret(SecretKind.TOKEN, None, token, _first(token, configuration, _rotated("--agi")))
    return _make_key(config, configuration, name, again=again)


def make_for_hook(config: Path, name: str) -> NewSecret:
    """Make the secret of a controller's hook, in the form of Standard Webhooks. Raises InformativaError, also
    where it has no hook."""
    configuration = inspect(config)[0]
    controller_named(configuration, name)
    section = draft(config)[1].controllers[name].hook
    if section is None:
        raise no_hook(name)
    file = configuration.folder / section.secret
    content = f"{SECRET_PREFIX}{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}\n"
    another = Text("For another one put it aside first: mv {file} {file}.aside", file=file)
    return NewSecret(SecretKind.HOOK, name, file, _first(file, configuration, another, content))


def no_hook(controller: str) -> InformativaError:
    """Return the error for a controller that has no hook."""
    return InformativaError(
        Text("Controller {controller} has no hook.", controller=controller),
        Text(
            "Write `hook: {{url: https://crm.example/consents, secret: keys/{controller}.hook}}` into its"
            " section, then type: informativa keys make {controller} --hook",
            controller=controller,
        ),
        code=NO_HOOK,
    )


def rotate(selection: Selection, now: datetime, *, really: bool, instruction: str = "") -> Rotation:
    """Give the selected controller a new key; without `really` only tell what would be done. Where the log
    states another rule first, that has the controller's `instruction`, or the one in the configuration.

    Raises InformativaError, and changes nothing, if it is none, or is missing in a rule that needs an
    approval; or for another reason.
    """
    (controller,), configuration = selection.named, selection.configuration
    key = configuration.folder / configuration.key_files[controller.id]
    require_instruction(instruction)
    stated = _state_rule(controller, now, instruction, really=really)
    old_files = (_replace(key),) if really else ()
    steps = ("systemctl reload informativa",) if really else ()
    return Rotation(SecretKind.KEY, controller.id, key, old_files, really, steps, stated)


def _state_rule(controller: Controller, now: datetime, instruction: str, *, really: bool) -> str | None:
    """State the rule of the configuration in the log if it is another one; without `really` only look.
    Return the instruction in it. A key that is known to others must be replaced although the ledger cannot be
    used: then nothing is stated, unless an instruction was given. Raises InformativaError."""
    rule: RuleNote | None = None
    try:
        with storage.existing_ledger(controller) as ledger:
            if ledger is not None:
                rule = log_storage.missing_rule(controller, ledger, instruction)
        if rule is not None and really:
            log_storage.require_instruction_for_rule(controller, now, instruction)
            log_storage.keep_rule(controller, now, NoteSource.COMMAND, instruction)
    except (LedgerError, EvidenceError):
        if instruction:
            raise
        return None
    return (rule and rule.instruction) or None


def rotate_token(config: Path) -> Rotation:
    """Make a new token in the place of the old one, or a first one. Raises InformativaError."""
    token = token_file(config)
    if token.exists():
        _replace(token)
    else:
        _first(token, inspect(config)[0], _rotated("--agi"))
    old = tuple(retired(token))
    steps = (
        "systemctl reload informativa",
        command("informativa", "dialplan", "install", "-c", config),
        "asterisk -rx 'dialplan reload'",
    )
    commands = (*steps, command("rm", *old)) if old else steps
    return Rotation(SecretKind.TOKEN, None, token, old, True, commands)


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


def write_secret(file: Path, like: os.stat_result | None = None, content: str = "") -> None:
    """Write a new secret, or this `content`, into a new file that nobody else can read; if root does it, for
    the owner of `like`. Raises OSError."""
    create(file, (content or f"{secrets.token_hex(KEY_BYTES)}\n").encode(), like)


def _make_manager_secret(config: Path, configuration: Configuration) -> NewSecret:
    file = secret_file(config)
    owner = _first(file, configuration, Text("For another one delete it first."))
    return NewSecret(SecretKind.MANAGER, None, file, owner, configuration.manager)


def _make_key(config: Path, configuration: Configuration, name: str, *, again: bool) -> NewSecret:
    """Make a controller's key. Raises InformativaError where its ledger has callers under another one, unless
    it is to begin `again` without them."""
    selection = select_for_key(config, name)
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
    return NewSecret(SecretKind.KEY, name, key, _first(key, configuration, _rotated(name)))


def _first(file: Path, configuration: Configuration, another: Text, content: str = "") -> str:
    """Make a secret where there is none, with this `content` if given; if root does it, for the service's
    user. Return its owner. Raises InformativaError, which says how to make `another` one."""
    owner = installation.owner(configuration)
    try:
        make_folder(file.parent, owner, 0o700)
        write_secret(file, owner, content)
    except FileExistsError:
        raise InformativaError(Text("{file} is there already.", file=file), another) from None
    except OSError as error:
        raise _unwritable(file, error) from error
    return users.name(file.stat().st_uid)


def _rotated(name: str) -> Text:
    return Text("For another one: informativa keys rotate {id}", id=name)


def _replace(key: Path) -> Path:
    """Make a new secret in the place of an old one; return the new path of the old one. Raises
    InformativaError."""
    names = (f"{key.name}{RETIRED}{datetime.now(UTC) + timedelta(seconds=n):%Y%m%d-%H%M%S}" for n in count())
    # The second is another one where a rotation took place within the present one: names stay in order.
    old = next(file for file in map(key.with_name, names) if not file.exists())
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
    place = obstacle(file.parent)
    return unwritten(
        error.filename or file,
        error,
        Text("Type: mv {place} {place}.aside, then the same again.", place=place)
        if place
        else Text("Run this as the user whose file it is."),
    )
