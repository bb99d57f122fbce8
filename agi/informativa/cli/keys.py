"""Commands about pseudonym keys."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..config import DEFAULT_FILE, load
from ..config.controllers import KEY_BYTES, RETIRED
from ..errors import InformativaError
from ..files import create
from ..i18n import _, foreign
from ..operations.companies import controller_named
from .options import Config, Json, print_json

app = typer.Typer(help="The keys that turn numbers into pseudonyms.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


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
        raise InformativaError(
            _("{file} cannot be written ({why}).").format(
                file=error.filename or key, why=foreign(error.strerror or "")
            ),
            _("Run this as the user whose file it is."),
        ) from error
    if as_json:
        print_json({"controller": owner.id, "key": key, "old_key": old})
        return
    print(
        _("{name} ({id}) has a new key; the old one is {old}.").format(name=owner.name, id=owner.id, old=old)
    )
    print(_("Next: have the service load it (systemctl reload informativa)."))


def write_key(file: Path, like: Path | None = None) -> Path:
    """A new secret in a file of its own, readable by nobody else; by root, for the owner of `like`."""
    create(file, f"{secrets.token_hex(KEY_BYTES)}\n".encode(), like.stat() if like else None)
    return file
