"""Dialplan for one configuration, and the link by which it starts the script."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from ..asterisk import dialplan
from ..config import Configuration, load_usable
from ..model.text import Foreign, Text
from ..system import shipped
from ..system.files import point
from .controller_state import not_live
from .doctor import installation
from .generated import Generated, write

RELOAD = "asterisk -rx 'dialplan reload'"


def generate(file: Path, output: Path | None) -> Generated:
    """Generate the dialplan for the configuration in `file`, and write it to `output` unless that is `None`.
    Raises InformativaError."""
    configuration = load_usable(file, keep=True)
    text = render(configuration)
    if output is not None:
        like = owner_in_asterisks_folder(output.absolute(), configuration)
        write(output, text, like, secret=bool(configuration.tokens))
    warnings = (
        *link_script(configuration),
        *not_live(configuration),
        *installation.out_of_reach(configuration),
    )
    return Generated(text, output, RELOAD, warnings)


def render(configuration: Configuration) -> str:
    """Return dialplan/informativa.conf for this configuration."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    return dialplan.render(template, configuration)


def freepbx_context() -> str:
    """Return dialplan/freepbx.conf."""
    return (shipped.folder("dialplan") / "freepbx.conf").read_text(encoding="utf-8").strip()


def owner_in_asterisks_folder(file: Path, configuration: Configuration) -> os.stat_result:
    """Return the status of the file whose owner a file in Asterisk's folder should have: of extensions.conf
    there, or of the file itself. Where root owns both, Asterisk may run as another user, who can read no
    secret of root's: then of the ledgers' folder, as whose owner Asterisk starts the script."""
    for candidate in (file.parent / "extensions.conf", file):
        with suppress(OSError):
            status = candidate.stat()
            if status.st_uid or status.st_gid:
                return status
    return installation.owner(configuration)


def link_script(configuration: Configuration) -> list[Text]:
    """Point the link by which the dialplan starts the script to this installation's script; return a warning
    if that fails."""
    link, script = dialplan.started(configuration.file), Path(sys.executable).with_name("informativa-agi")
    try:
        point(link, script)
    except OSError as error:
        message = Text(
            "{link}, by which the dialplan starts the script, cannot be made ({why})",
            "type: ln -sfn {script} {link}",
        )
        if isinstance(error, FileExistsError):
            message = Text(
                "{link}, by which the dialplan starts the script, cannot be made ({why})",
                "type: mv {link} {link}.aside; ln -s {script} {link}",
            )
        return [message.format(link=link, why=Foreign(error.strerror or ""), script=script)]
    return []
