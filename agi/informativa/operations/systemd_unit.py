"""The systemd units of the service, of the console and of what signs, for one configuration."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from string import Template

from .. import service
from ..config import Configuration, load
from ..evidence.settings import TargetKind
from ..text import Text, command
from .controller_state import not_live
from .doctor import installation, users
from .generated import Generated, write

SERVICE, CONSOLE, SIGNER = "informativa", "informativa-web", "informativa-evidence"
UNITS = {SERVICE: "", CONSOLE: " --web", SIGNER: " --evidence"}
"""All that there are, each with what `informativa systemd` is asked for it by."""
NEXT = "systemctl daemon-reload && systemctl enable --now {unit}"
_ALONE = "# Nothing that is configured leaves this machine.\nIPAddressDeny=any\nIPAddressAllow=localhost\n"


def generate(file: Path, output: Path | None = None, unit: str = SERVICE) -> Generated:
    """The unit for the configuration in `file`, written to `output` if that is given. Raises
    InformativaError."""
    configuration = load(file, keep=True)
    text = render(configuration, unit)
    if output is not None:
        write(output, text)
    warnings = [*not_live(configuration), *installation.out_of_reach(configuration)]
    if installation.owner(configuration).st_uid == 0 and unit != SIGNER:
        message = Text("root owns the ledgers, so the service runs as root; for Asterisk's user: {command}")
        warnings.append(message.format(command=command("chown", "-R", "asterisk:", configuration.folder)))
    return Generated(text, output, NEXT.format(unit=unit), tuple(warnings))


@dataclass(frozen=True)
class Settings:
    """What a unit says of one installation and its configuration, as systemd.syntax(7) wants it."""

    program: str
    file: str
    user: str
    group: str
    stop: str
    """Seconds."""
    descriptors: str
    ledgers: str
    """Folders that may be written, with a space between them."""
    home: str
    network: str
    """Lines of their own, or none."""


def render(configuration: Configuration, unit: str = SERVICE) -> str:
    """Its text. Its user is the owner of the ledgers' folder, or else of the configuration; root signs."""
    return fill(unit, settings(configuration, unit))


def fill(unit: str, values: Settings) -> str:
    """A unit's text."""
    text = _shipped(f"{unit}.service").replace("$hardening", _shipped("hardening.conf"))
    return Template(text).substitute(asdict(values))


def settings(configuration: Configuration, unit: str = SERVICE) -> Settings:
    """What the unit of a configuration says."""
    ledgers = sorted({str(Path(each.ledger).parent) for each in configuration.controllers.values()})
    owner = installation.owner(configuration)
    root = "root" if unit == SIGNER else ""
    used = [sys.prefix, sys.executable, str(configuration.folder), *ledgers]  # and where its links lead
    ways = [*used, *map(os.path.realpath, used)]
    # Where logs are published, on a disk that need not be there: then nothing is, and the service starts.
    published = [each for each in configuration.evidence.targets if each.kind is not TargetKind.URL]
    targets = [f"-{each.place}" for each in published]
    web = configuration.web
    if unit == CONSOLE:
        targets = [f"-{web.folder}"]  # made by the first invitation
    at_home = any(way.startswith(("/home/", "/root/", "/run/user/")) for way in ways)
    local = web.host.startswith("127.") if unit == CONSOLE else not _talks_to_others(configuration)
    return Settings(
        program=_quoted(Path(sys.executable).with_name("informativa")),
        file=_quoted(configuration.file),
        user=root or users.name(owner.st_uid),
        group=root or users.group(owner.st_gid),
        stop=f"{configuration.drain + 20:.0f}",
        descriptors=str(service.descriptors(configuration.sessions)),
        ledgers=" ".join(map(_quoted, [*ledgers, *targets])),
        home="read-only" if at_home else "yes",
        network=_ALONE if local else "",
    )


def _shipped(name: str) -> str:
    return (resources.files("informativa") / "templates" / name).read_text(encoding="utf-8")


def _talks_to_others(configuration: Configuration) -> bool:
    manager = configuration.manager
    hosts = [configuration.host, *([manager.host] if manager else []), configuration.metrics or "127."]
    shared = configuration.shared
    hosts += [host for host in shared.hosts if not host.startswith("/")] if shared else []
    evidence = configuration.evidence
    asks = any(controller.lookups for controller in configuration.controllers.values())
    others = [each for each in evidence.targets if each.kind is not TargetKind.FOLDER]
    proves = bool(others or evidence.witnesses or evidence.timestamp)
    return asks or proves or not all(host.startswith("127.") for host in hosts)


def _quoted(path: Path | str) -> str:
    """As systemd.syntax(7) wants a path that may have spaces."""
    return f'"{path}"' if " " in str(path) else str(path)
