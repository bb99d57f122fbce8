"""Commands about pseudonym keys."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ...config import DEFAULT_FILE, Configuration, inspect
from ...config.build import draft
from ...config.controllers import KEY_BYTES, RETIRED
from ...config.endpoints import DEFAULT_TOKEN, retired
from ...errors import InformativaError
from ...files import create, make_folder
from ...operations.controllers import of_its_key, of_their_callers
from ...operations.doctor import installation, users
from ...operations.doctor.account import new_account, secret_file
from ...views.text.account import instructions
from ..options import Config, Json, print_json, told_aside
from ..words import _

AGI = "agi"  # in place of a company's name: the token by which Asterisk is known
MANAGER = "manager"  # and the secret of the account at Asterisk's manager interface

app = typer.Typer(help="The keys that turn numbers into pseudonyms.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def make(
    of: Annotated[str, typer.Argument(metavar="CONTROLLER|agi|manager")],
    config: Config = DEFAULT_FILE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Though there is a ledger, whose callers are strangers then.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the key of a controller that has none, the token of Asterisk (agi), or the secret of the account
    at its manager interface (manager); made by root, it belongs to the service's user."""
    configuration = inspect(config)[0]
    if of == MANAGER and of not in configuration.controllers:
        _make_manager(config, configuration, as_json)
        return
    token = of == AGI and of not in configuration.controllers
    file = _token(config) if token else _key_to_be(config, of, again=yes)
    owner = _first(file, configuration, "--agi" if token else of)
    if as_json:
        print_json(
            {"token": file, "owner": owner} if token else {"controller": of, "key": file, "owner": owner}
        )
        return
    message = (
        _("Wrote {file}, readable by {user} alone.")
        if token
        else _("Wrote {file}, readable by {user} alone. Keep a copy of it in a safe place.")
    )
    print(message.format(file=file, user=owner))
    print(_("Next: informativa check -c {file}", file=config))


@app.command()
def rotate(
    controller: Annotated[str, typer.Argument(metavar="[CONTROLLER]")] = "",
    agi: Annotated[
        bool, typer.Option("--agi", help="The token by which Asterisk is known, instead; or a first one.")
    ] = False,
    config: Config = DEFAULT_FILE,
    yes: Annotated[bool, typer.Option("--yes", help="Really give the controller a new key.")] = False,
    as_json: Json = False,
) -> None:
    """Give a controller a new key; callers known under the old one are re-keyed when they next call."""
    if agi == bool(controller):
        raise InformativaError(
            _("A company or --agi must be named, and not both."),
            _("Type: informativa keys rotate CONTROLLER, or: informativa keys rotate --agi"),
        )
    if agi:
        _rotate_agi(config, as_json)
        return
    companies = of_their_callers(config, (controller,))
    (owner,), configuration = companies.named, companies.configuration
    told_aside(companies)
    key = configuration.folder / configuration.key_files[owner.id]
    if not yes:
        if as_json:
            print_json({"controller": owner.id, "key": key, "old_key": None, "done": False})
            return
        message = _(
            "{name} ({id}) would get a new key in {key}; the old one would be put away beside it, and"
            " recognise callers for as long as old_keys_for says."
        )
        print(message.format(name=owner.name, id=owner.id, key=key))
        print(_("Nothing was changed yet. To do it, add --yes."))
        return
    old = _replace(key)
    if as_json:
        print_json({"controller": owner.id, "key": key, "old_key": old, "done": True})
        return
    print(_("{name} ({id}) has a new key; the old one is {old}.", name=owner.name, id=owner.id, old=old))
    print(_("Next: have the service load it (systemctl reload informativa)."))


def _make_manager(config: Path, configuration: Configuration, as_json: bool) -> None:
    """The secret, and what else makes the account."""
    file = secret_file(config)
    owner = _first(file, configuration, MANAGER)
    if as_json:
        print_json({"secret": file, "owner": owner})
        return
    print(_("Wrote {file}, readable by {user} alone.", file=file, user=owner))
    print("\n" + instructions(new_account(config, configuration.manager, file), _), end="")


def _rotate_agi(config: Path, as_json: bool) -> None:
    """A new token; the old one is kept beside it, and accepted until a call comes with the new one."""
    token = _token(config)
    old = _replace(token) if token.exists() else None
    still = retired(token)
    if old is None:
        _first(token, inspect(config)[0], "--agi")
    steps = [
        "systemctl reload informativa",
        f"informativa dialplan install -c {config}",
        "asterisk -rx 'dialplan reload'",
    ]
    if still:
        steps.append(f"rm {' '.join(map(str, still))}")
    if as_json:
        print_json({"token": token, "old_token": old, "old_tokens": still, "next": steps})
        return
    said = _.counted(
        "Wrote {file}; the old token is {old}, accepted until the first call with the new one.",
        "Wrote {file}; the old tokens are {old}, accepted until the first call with the new one.",
        len(still),
    )
    old_ones = ", ".join(map(str, still))
    print(said.format(file=token, old=old_ones) if still else _("Wrote {file}.", file=token))
    print(_("Next, in this order: {commands}", commands="; ".join(steps)))


def _token(config: Path) -> Path:
    """Where the token is, or will be. Raises InformativaError where the configuration does not say."""
    settings = draft(config)[1].service
    if settings.token is None:
        raise InformativaError(
            _("{file} names no token.", file=config),
            _("Write `token: {token}` under `service:`, then type this again.", token=DEFAULT_TOKEN),
        )
    return config.absolute().parent / settings.token


def _key_to_be(config: Path, name: str, *, again: bool) -> Path:
    """Where a controller's key will be. Raises InformativaError where its ledger has callers under another
    one, unless it is to begin `again` without them."""
    companies = of_its_key(config, name)
    (of,) = companies.named
    key = companies.configuration.folder / companies.configuration.key_files[name]
    if Path(of.ledger).exists() and not again:
        raise InformativaError(
            _(
                "{ledger} has callers whom only the key that made their pseudonyms recognises.",
                ledger=of.ledger,
            ),
            _("Put the copy of that key back as {key}. To begin anew without it: --yes", key=key),
        )
    return key


def _first(file: Path, configuration: Configuration, of: str) -> str:
    """Make a secret where there is none, by root for the service's user; whose it is. Raises
    InformativaError."""
    owner = installation.owner(configuration)
    try:
        make_folder(file.parent, owner, 0o700)
        write_key(file, owner)
    except FileExistsError:
        raise InformativaError(
            _("{file} is there already.", file=file),
            _("For another one delete it first.")
            if of == MANAGER
            else _("For another one: informativa keys rotate {id}", id=of),
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
        write_key(new, key.stat())
        os.link(key, old)
        new.replace(key)
    except OSError as error:
        raise _unwritable(key, error) from error
    return old


def _unwritable(file: Path, error: OSError) -> InformativaError:
    message = _("{file} cannot be written ({why}).")
    return InformativaError(
        message.format(file=error.filename or file, why=_.foreign(error.strerror or "")),
        _("Run this as the user whose file it is."),
    )


def write_key(file: Path, like: os.stat_result | None = None) -> None:
    """A new secret in a file of its own, readable by nobody else; by root, for the owner of `like`."""
    create(file, f"{secrets.token_hex(KEY_BYTES)}\n".encode(), like)
