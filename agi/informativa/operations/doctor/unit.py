"""The unit by which systemd runs the service, if it does so on this machine."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from ...model.remedy import SafeChange, SafeRemedy

SERVICE = "informativa"
FOLDER = Path("/etc/systemd/system")
PACKAGED = Path("/usr/lib/systemd/system")
RESTART = ("systemctl", "restart", "informativa")
RELOAD = ("systemctl", "reload", "informativa")
RUNNING = Path("/run/systemd/system")  # there while systemd runs (sd_booted(3))


def enable(*, now: bool) -> SafeRemedy:
    """Return the remedy that starts the service with the machine, and with `now` at once."""
    return SafeRemedy(SafeChange.UNIT, ("systemctl", "enable", *(("--now",) if now else ()), "informativa"))


def write(config: Path, file: Path, then: SafeRemedy) -> SafeRemedy:
    """Return the remedy that writes the unit for a configuration, and then does the other one."""
    render = ("informativa", "systemd", "-c", config, "-o", file)
    return SafeRemedy(SafeChange.UNIT, render, ("systemctl", "daemon-reload"), *then.commands)


def runs(file: Path, folder: Path) -> bool:
    """Return whether systemd runs on this machine, and its unit is for that configuration. `folder` is the
    first of its folders of units."""
    return RUNNING.is_dir() and bool(
        re.search(
            rf'^ExecStart=.* -c "?{re.escape(str(file.absolute()))}"?$', text(folder) or "", re.MULTILINE
        )
    )


def text(folder: Path) -> str | None:
    """Return the text of the unit, in systemd's order of folders; `None` if there is none."""
    for file in (folder / f"{SERVICE}.service", PACKAGED / f"{SERVICE}.service"):
        with suppress(OSError):
            return file.read_text(encoding="utf-8", errors="replace")
    return None


def is_enabled(folder: Path) -> bool:
    """Return whether systemd starts the unit with the machine."""
    return (folder / f"multi-user.target.wants/{SERVICE}.service").is_symlink()
