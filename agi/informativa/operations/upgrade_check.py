"""Check of an upgrade: what would happen if this version of informativa took over. It changes nothing.

It is run by the new program before that takes over, from a virtual environment of its own, for example.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .. import __version__
from .doctor import examination
from .doctor.asterisk_files import AsteriskFiles
from .doctor.checks import Suite, of_suite
from .doctor.examination import Examination


@dataclass(frozen=True)
class UpgradeCheck(Examination):
    """The changes that would follow if this version took over, before it does."""

    version: str
    """The version that would take over."""


async def upgrade_check(file: Path, asterisk: Path, units: Path) -> UpgradeCheck:
    """Check what is of an earlier version: the configuration in `file` and all that it names, the dialplan in
    the folder `asterisk`, the units of systemd in the folder `units`."""
    system = await examination.read(file)
    system.asterisk_files, system.units = AsteriskFiles(asterisk.absolute()), units
    findings = await examination.run(system, of_suite(Suite.UPGRADE))
    return UpgradeCheck(tuple(findings), **examination.count_by_state(findings), version=__version__)
