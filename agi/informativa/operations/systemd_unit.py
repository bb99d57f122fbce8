"""Units of systemd for the service, the console, the signer, the backups and the reports of one
configuration."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from string import Template

from ..config import Configuration, load_usable
from ..model.text import Text, command
from .controller_state import not_live
from .doctor import installation, users
from .generated import Generated, write

SERVICE, CONSOLE, SIGNER = "informativa", "informativa-web", "informativa-evidence"
BACKUP, BACKUP_TIMER = "informativa-backup", "informativa-backup.timer"
REPORT, REPORT_TIMER = "informativa-report", "informativa-report.timer"
UNITS = {
    SERVICE: "",
    CONSOLE: " --web",
    SIGNER: " --evidence",
    BACKUP: " --backup",
    BACKUP_TIMER: " --timer",
    REPORT: " --report",
    REPORT_TIMER: " --report-timer",
}
"""All units, each with the option by which `informativa systemd` prints it."""
_TIMERS = {BACKUP: BACKUP_TIMER, REPORT: REPORT_TIMER}
"""The timers of the services that one starts."""
NEXT = "systemctl daemon-reload && systemctl enable --now {unit}"
_LOCAL_ONLY = (
    "# Nothing that is configured leaves this machine.\nIPAddressDeny=any\nIPAddressAllow=localhost\n"
)


def generate(file: Path, output: Path | None = None, unit: str = SERVICE) -> Generated:
    """Generate the unit for the configuration in `file`, and write it to `output` unless that is `None`.
    Raises InformativaError."""
    configuration = load_usable(file, keep=True)
    text = render(configuration, unit)
    if output is not None:
        write(output, text)
    warnings = [*not_live(configuration), *installation.out_of_reach(configuration)]
    if unit in (SERVICE, CONSOLE):
        warnings += owned_by_root(configuration)
    return Generated(text, output, NEXT.format(unit=_TIMERS.get(unit, unit)), tuple(warnings))


def owned_by_root(configuration: Configuration, user: str = "asterisk") -> list[Text]:
    """Return a warning where root owns the ledgers, with the command that gives them to a user."""
    if installation.owner(configuration).st_uid != 0 or user == "root":
        return []
    message = Text("root owns the ledgers, so the service runs as root; for Asterisk's user: {command}")
    return [message.format(command=command("chown", "-R", f"{user}:", configuration.folder))]


@dataclass(frozen=True)
class UnitValues:
    """The values in a unit that depend on the installation and its configuration, in the syntax of
    systemd.syntax(7)."""

    program: str
    file: str
    user: str
    group: str
    stop: str
    """The time that it may take to stop, in seconds."""
    descriptors: str
    """The highest number of open files."""
    ledgers: str
    """The folders that it may write, with a space between them."""
    home: str
    """The value of ProtectHome."""
    network: str
    """Lines of their own that restrict the network; '' for none."""


def render(configuration: Configuration, unit: str = SERVICE) -> str:
    """Return the text of a unit. Its user is the owner of the ledgers' folder, or else of the configuration;
    the signer is root's."""
    return fill(unit, settings(configuration, unit))


def file_name(unit: str) -> str:
    """Return the name of a unit's file."""
    return unit if unit.endswith(".timer") else f"{unit}.service"


def fill(unit: str, values: UnitValues) -> str:
    """Return the text of a unit with these values."""
    text = _shipped(file_name(unit)).replace("$hardening", _shipped("hardening.conf"))
    return Template(text).substitute(asdict(values))


def settings(configuration: Configuration, unit: str = SERVICE) -> UnitValues:
    """Return the values in the unit of a configuration."""
    ledgers = sorted(
        {str(Path(controller.ledger).parent) for controller in configuration.controllers.values()}
    )
    owner = installation.owner(configuration)
    root = "root" if unit == SIGNER else ""
    files = [sys.prefix, sys.executable, str(configuration.folder), *ledgers]
    paths = [*files, *map(os.path.realpath, files)]  # and the targets of their links
    # Folders where logs are published: the disk may be absent, and the service starts all the same.
    targets = [f"-{target.place}" for target in configuration.evidence.targets]
    web = configuration.web
    if unit == CONSOLE:
        targets = [f"-{web.folder}"]  # made by the first invitation
    if unit == BACKUP and configuration.backup:
        targets = [f"-{configuration.backup.folder}"]  # where it is missing, the command says so
        paths.append(configuration.backup.folder)
    from ..asterisk.peers import needed_descriptors  # with structlog, not for who only looks at units

    at_home = any(path.startswith(("/home/", "/root/", "/run/user/")) for path in paths)
    alone = web.host.startswith("127.") and web.provider is None
    local = alone if unit == CONSOLE else not _talks_to_others(configuration)
    return UnitValues(
        program=_quoted(Path(sys.executable).with_name("informativa")),
        file=_quoted(configuration.file),
        user=root or users.name(owner.st_uid),
        group=root or users.group(owner.st_gid),
        stop=f"{configuration.drain + 20:.0f}",
        descriptors=str(needed_descriptors(configuration.sessions)),
        ledgers=" ".join(map(_quoted, [*ledgers, *targets])),
        home="read-only" if at_home else "yes",
        network=_LOCAL_ONLY if local else "",
    )


def _shipped(name: str) -> str:
    return (resources.files("informativa") / "operations/templates" / name).read_text(encoding="utf-8")


def _talks_to_others(configuration: Configuration) -> bool:
    manager = configuration.manager
    hosts = [configuration.host, *([manager.host] if manager else []), configuration.metrics or "127."]
    evidence = configuration.evidence
    has_lookups = any(controller.lookups for controller in configuration.controllers.values())
    return has_lookups or bool(evidence.witnesses) or not all(host.startswith("127.") for host in hosts)


def _quoted(path: Path | str) -> str:
    """Quote a path that has spaces, as in systemd.syntax(7)."""
    return f'"{path}"' if " " in str(path) else str(path)
