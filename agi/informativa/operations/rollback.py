"""The steps of a rollback, in an order in which every call has a notice: what runs is stopped once its calls
are over, ledgers go back, then units and dialplan, then the program.

Until the last step the present version can go on, and does where one of them fails. The last steps replace
the program itself, so they are a script for a shell, which also goes on where it was cut off. It begins when
all else is done. Meanwhile Asterisk's calls hear the notice from the dialplan, which spools what they heard.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from shlex import quote

from ..model.errors import InformativaError
from ..model.text import Foreign, Text, command
from ..process import storage
from ..system.files import make_folder, write_file
from ..system.pinned_path import another_users_folder
from ..system.processes import run_command
from . import dialplan_install, earlier_version, generated, rollback_plan, systemd_unit
from .rollback_plan import Places, Replacement, Rollback, RollbackPlan

UNITS = (
    systemd_unit.SERVICE,
    systemd_unit.CONSOLE,
    systemd_unit.SIGNER,
    systemd_unit.BACKUP_TIMER,
    systemd_unit.REPORT_TIMER,
    "informativa-monitor",
    "informativa-witness",
)
_STEPS, _RUNNING = "finish.sh", "units"
_RELOAD = "if command -v asterisk >/dev/null; then asterisk -rx 'dialplan reload' >/dev/null || true; fi"
_SCRIPT = """\
#!/bin/sh
# The last steps of `informativa rollback`, which replace the program itself.
# Where they were cut off: sh {script}
set -e
cd /
{commands}
if [ -d {systemd} ]; then
    systemctl daemon-reload
    xargs -r systemctl start <{running}
fi
rm -r {folder}
"""


def rollback(file: Path, config: Path, places: Places, now: datetime, *, really: bool) -> Rollback:
    """Go back to the version that a file brings, up to the last steps, which `finish` does; without `really`
    only return what would be done. Raises InformativaError; the present version goes on then."""
    if really and os.geteuid() != 0:
        raise InformativaError(
            Text("A rollback stops services and installs a program."),
            Text("Be root, or type `sudo` before it."),
        )
    if theirs := another_users_folder(places.steps):
        raise InformativaError(
            Text("Another user than root may exchange what is in {folder}.", folder=theirs),
            Text("Name a folder in one of root's: --steps /var/lib/informativa-rollback"),
        )
    with earlier_version.open_package(file, places.prefix) as earlier:
        active = dict.fromkeys((*_stopped_before(places), *_active(places)))
        made = rollback_plan.make(config, earlier, places, tuple(active))
        if really:
            _run(made, now)
        return made.result(done=really)


def finish(places: Places, earlier: str) -> None:
    """Install the earlier version in the place of this one, and start what was stopped. From then on this
    process must import nothing more. Raises InformativaError."""
    script = places.steps / _STEPS
    ran = run_command(("sh", str(script)), None)
    if ran.code:
        raise InformativaError(
            Text(
                "informativa {version} could not be installed ({why}). Ledgers, units and dialplan are as it"
                " wants them.",
                version=earlier,
                why=Foreign(" ".join(f"{ran.output} {ran.errors}".split()[-40:])),
            ),
            Text(
                "Mend that, and type: {again}. Or go on with this version: {start}",
                again=command("sh", script),
                start=command("systemctl", "start", systemd_unit.SERVICE),
            ),
        )


def _run(made: RollbackPlan, now: datetime) -> None:
    """Carry out a plan, up to the last steps."""
    folder = _write_last_steps(made)
    try:
        _systemctl("stop", made.running)
        for ledger in made.ledgers:
            controller = made.configuration.controllers[ledger.controller]
            storage.reverse_migrations(controller, made.earlier.of_ledgers, now)
        for replacement in made.replacements:
            _replace(replacement, made)
    except BaseException:
        with suppress(InformativaError):  # the first error counts
            _systemctl("start", made.running)  # which brings the ledgers up to date again
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_last_steps(made: RollbackPlan) -> Path:
    """Write the script of the last steps and the units that it starts, and return their folder. Raises
    InformativaError."""
    folder = made.places.steps
    script = folder / _STEPS
    text = _SCRIPT.format(
        script=script,
        folder=quote(str(folder)),
        running=quote(str(folder / _RUNNING)),
        systemd=quote(str(made.places.systemd)),
        commands="\n".join((_RELOAD, *made.commands)),
    )
    try:
        make_folder(folder, mode=0o700)
        write_file(folder / _RUNNING, "".join(f"{unit}\n" for unit in made.running).encode(), durable=True)
        write_file(script, text.encode(), durable=True)
    except OSError as error:
        raise generated.unwritten(
            script, error, Text("Make room there, then type the same again.")
        ) from error
    return folder


def _replace(replacement: Replacement, made: RollbackPlan) -> None:
    """Write a file as the earlier version has it. Raises InformativaError."""
    if replacement.is_dialplan:
        dialplan_install.write(replacement.file, replacement.text, made.configuration)
    else:
        generated.write(replacement.file, replacement.text)


def _stopped_before(places: Places) -> list[str]:
    """Return the units that an earlier rollback stopped, which did not come to its end."""
    try:
        return (places.steps / _RUNNING).read_text().split()
    except OSError:
        return []


def _active(places: Places) -> Iterator[str]:
    """Yield the units that run; none where there is no systemd."""
    if places.systemd.is_dir():
        yield from (unit for unit in UNITS if run_command(("systemctl", "is-active", unit)).code == 0)


def _systemctl(verb: str, units: Sequence[str]) -> None:
    """Stop or start units. Raises InformativaError."""
    if not units:
        return
    ran = run_command(("systemctl", verb, *units), None)
    if ran.code:
        raise InformativaError(
            Text(
                "{command} failed: {message}",
                command=command("systemctl", verb, *units),
                message=Foreign(ran.message),
            ),
            Text("Mend that, then type the same again."),
        )
