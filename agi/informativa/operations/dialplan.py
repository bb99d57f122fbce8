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
from ..system.files import point, read_foreign
from .controller_state import not_live
from .doctor import installation
from .generated import Generated, write

RELOAD = "asterisk -rx 'dialplan reload'"
_LARGEST = 1 << 24  # bytes of an earlier dialplan


def generate(file: Path, output: Path | None) -> Generated:
    """Generate the dialplan for the configuration in `file`, and write it to `output` unless that is `None`.
    Raises InformativaError."""
    configuration = load_usable(file, keep=True)
    text = render(configuration, output)
    if output is not None:
        like = owner_in_asterisks_folder(output.absolute(), configuration)
        write(output, text, like, secret=bool(configuration.tokens))
    warnings = (
        *link_script(configuration),
        *not_live(configuration),
        *mute(configuration, text),
        *installation.out_of_reach(configuration),
    )
    return Generated(text, output, RELOAD, warnings)


def render(configuration: Configuration, file: Path | None = None) -> str:
    """Return dialplan/informativa.conf for this configuration, to be written in the place of `file`."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    earlier = ""
    with suppress(OSError):
        earlier = ((file and read_foreign(file, _LARGEST)) or b"").decode(errors="replace")
    return dialplan.render(template, configuration, earlier)


def mute(configuration: Configuration, text: str) -> list[Text]:
    """Return a warning for the lines of companies with mistakes whose callers hear nothing by this dialplan:
    nobody may be left without a notice because of a fault (I1)."""
    numbers = dialplan.mute_lines(text, configuration)
    message = Text(
        "callers of {lines} hear nothing till the mistakes are mended",
        "write `fallback_prompt: prompts/it/short-nokey`, or another prompt, in {file}; then type the same"
        " again",
    )
    return [message.format(lines=", ".join(numbers), file=configuration.file)] if numbers else []


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
