"""Commands about pseudonym keys."""

from __future__ import annotations

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from ..config import DEFAULT_FILE, load
from ..config.build import KEY_BYTES, RETIRED
from ..errors import InformativaError
from ..i18n import _, foreign
from .options import Config, Json, controller_named, print_json

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
        new = write_key(key.with_name(f".{key.name}.new"), like=key)
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
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as secret:
        secret.write(secrets.token_hex(KEY_BYTES) + "\n")
        if like is not None and os.geteuid() == 0:
            owner = like.stat()
            os.chown(file, owner.st_uid, owner.st_gid)
    return file
