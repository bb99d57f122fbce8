"""The dialplan for one configuration, and the link by which it starts the script."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from .. import shipped
from ..asterisk import dialplan
from ..config import Configuration, load
from ..files import point
from ..text import Foreign, Text
from .controller_state import not_live
from .doctor import installation
from .generated import Generated, write

RELOAD = "asterisk -rx 'dialplan reload'"


def generate(file: Path, output: Path | None) -> Generated:
    """The dialplan for the configuration in `file`, written to `output` if that is given. Raises
    InformativaError."""
    configuration = load(file, keep=True)
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
    """dialplan/informativa.conf for this configuration."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    return dialplan.render(template, configuration)


def freepbx_context() -> str:
    """dialplan/freepbx.conf."""
    return (shipped.folder("dialplan") / "freepbx.conf").read_text(encoding="utf-8").strip()


def owner_in_asterisks_folder(file: Path, configuration: Configuration) -> os.stat_result:
    """Whose a file in Asterisk's folder should be: as extensions.conf there, or as it is. Where those are
    root's, Asterisk may be another user, who can read no secret of root's: then the ledgers' owner's, as
    whom it starts the script."""
    for one in (file.parent / "extensions.conf", file):
        with suppress(OSError):
            like = one.stat()
            if like.st_uid or like.st_gid:
                return like
    return installation.owner(configuration)


def link_script(configuration: Configuration) -> list[Text]:
    """Have the name by which the dialplan starts the script lead to that of this installation; what is wrong
    if it cannot."""
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
