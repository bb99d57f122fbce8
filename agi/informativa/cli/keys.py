"""Commands about pseudonym keys."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..config import DEFAULT_FILE, inspect, load
from ..config.controllers import KEY_BYTES, RETIRED
from ..doctor import local, users
from ..errors import InformativaError
from ..files import create, make_folder
from ..i18n import _, foreign
from .options import Config, Json, controller_named, print_json

app = typer.Typer(help="The keys that turn numbers into pseudonyms.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command()
def make(
    controller: Annotated[str, typer.Argument(metavar="CONTROLLER")],
    config: Config = DEFAULT_FILE,
    yes: Annotated[
        bool, typer.Option("--yes", help="Though there is a ledger, whose callers are strangers then.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the key of a controller that has none; made by root, it belongs to the service's user."""
    configuration = inspect(config)[0]
    of = controller_named(configuration, controller)
    key = configuration.folder / configuration.key_files[of.id]
    if Path(of.ledger).exists() and not yes:
        raise InformativaError(
            _("{ledger} has callers whom only the key that made their pseudonyms recognises.").format(
                ledger=of.ledger
            ),
            _("Put the copy of that key back as {key}. To begin anew without it: --yes").format(key=key),
        )
    owner = local.owner(configuration)
    try:
        if not key.parent.exists():
            make_folder(key.parent, owner)
        create(key, _secret(), owner)
    except FileExistsError:
        raise InformativaError(
            _("{file} is there already.").format(file=key),
            _("To give the controller another: informativa keys rotate {id}").format(id=of.id),
        ) from None
    except OSError as error:
        raise _unwritable(key, error) from error
    made = key.stat()
    if as_json:
        print_json({"controller": of.id, "key": key, "owner": users.name(made.st_uid)})
        return
    message = _("Wrote {file}, readable by {user} alone. Keep a copy of it in a safe place.")
    print(message.format(file=key, user=users.name(made.st_uid)))
    print(_("Next: informativa check -c {file}").format(file=config))


@app.command()
def rotate(
    controller: Annotated[str, typer.Argument(metavar="CONTROLLER")],
    config: Config = DEFAULT_FILE,
    as_json: Json = False,
) -> None:
    """Give a controller a new key; callers known under the old one are re-keyed when they next call."""
    configuration = load(config)
    owner = controller_named(configuration, controller)
    key = configuration.folder / configuration.key_files[owner.id]
    old = key.with_name(f"{key.name}{RETIRED}{datetime.now(UTC):%Y%m%d-%H%M%S}")
    try:
        new = key.with_name(f".{key.name}.new")
        new.unlink(missing_ok=True)  # what a rotation that was cut off left
        write_key(new, like=key)
        os.link(key, old)
        new.replace(key)
    except OSError as error:
        raise _unwritable(key, error) from error
    if as_json:
        print_json({"controller": owner.id, "key": key, "old_key": old})
        return
    print(
        _("{name} ({id}) has a new key; the old one is {old}.").format(name=owner.name, id=owner.id, old=old)
    )
    print(_("Next: have the service load it (systemctl reload informativa)."))


def _unwritable(file: Path, error: OSError) -> InformativaError:
    message = _("{file} cannot be written ({why}).")
    return InformativaError(
        message.format(file=error.filename or file, why=foreign(error.strerror or "")),
        _("Run this as the user whose file it is."),
    )


def write_key(file: Path, like: Path | None = None) -> Path:
    """A new secret in a file of its own, readable by nobody else; by root, for the owner of `like`."""
    create(file, _secret(), like.stat() if like else None)
    return file


def _secret() -> bytes:
    return f"{secrets.token_hex(KEY_BYTES)}\n".encode()
