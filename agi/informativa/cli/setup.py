"""Commands that set up and run: init, check, dialplan, systemd, serve."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import typer

from .. import bootstrap, i18n, service
from .. import dialplan as dialplans
from ..config import Configuration, load
from ..doctor import users
from ..errors import ConfigError, InformativaError, problems
from ..files import put
from ..i18n import _, foreign
from ..model import Line
from . import checking
from .keys import write_key
from .log import LogFormat, configure
from .options import print_json
from .terminal import verbatim

_ALONE = "# Nothing that is configured leaves this machine.\nIPAddressDeny=any\nIPAddressAllow=localhost\n"
_CONTROLLERS = ("acme", "borealis")  # those of config/template.yaml


def init(folder: Path) -> None:
    """Lay a configuration into `folder`. Nothing that exists is touched: it refuses instead."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InformativaError(
                _("{folder} is not empty.").format(folder=folder),
                _("Name a new folder: informativa init DIR"),
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".informativa-", dir=folder.parent))
        try:
            _lay(work)
            work.chmod(0o755)
            work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except (OSError, shutil.Error) as error:
        full = getattr(error, "errno", None) == errno.ENOSPC or "No space left" in str(error)
        raise InformativaError(
            _("{file} cannot be written ({why}).").format(
                file=folder, why=foreign(getattr(error, "strerror", None) or str(error))
            ),
            _("Make room on that disk.")
            if full
            else _("Name a folder that you may write, or run this as root."),
        ) from error
    file = folder / "informativa.yaml"
    print(
        _(
            "Wrote {file} with two example companies, their keys and the prompts.\nNext: edit"
            " {file}, then type: informativa check -c {file}"
        ).format(file=file)
    )


def check(file: Path, as_json: bool = False) -> None:
    """Load everything, open the ledgers, look at the ports; say what was found, and warn on stderr."""
    try:
        configuration, notes = _checked(file)
    except InformativaError as error:
        if not as_json:
            raise
        print_json(
            {"ok": False, "file": file.absolute(), "problems": [asdict(one) for one in problems(error)]}
        )
        raise typer.Exit(1) from None
    warnings = checking.warnings(configuration)
    if as_json:
        print_json(_facts(configuration, warnings, notes))
        return
    _warn(warnings)
    for note in notes:
        print(note)
    for line in configuration.lines:
        print(f"{line.number}: {line.controller.name}, {', '.join(_plan(line))}")
    print(
        _("{file} is in order: {controllers} controllers, {lines} lines, service on {address}.").format(
            file=file,
            controllers=len(configuration.controllers),
            lines=len(configuration.lines),
            address=configuration.listen,
        )
    )


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        print(_("warning: {warning}").format(warning=warning), file=sys.stderr)


def _checked(file: Path) -> tuple[Configuration, list[str]]:
    """The configuration, and what stands at its ports. Raises InformativaError for what stops a service."""
    configuration = load(file, keep=True)
    if configuration.refused:
        raise ConfigError(configuration.refused)
    notes = checking.ledgers(configuration)
    bootstrap.verify_recordings(configuration, keep=False, create=False)
    return configuration, [*notes, *checking.ports(configuration)]


def _facts(configuration: Configuration, warnings: list[str], notes: list[str]) -> dict[str, object]:
    return {
        "ok": True,
        "file": configuration.file,
        "problems": [],
        "warnings": warnings,
        "notes": notes,
        "service": configuration.listen,
        "metrics": configuration.metrics,
        "controllers": list(configuration.controllers),
        "lines": [
            {"number": line.number, "controller": line.controller.id, "notices": _plan(line)}
            for line in configuration.lines
        ],
    }


def _plan(line: Line) -> list[str]:
    now = datetime.now(UTC)
    versions = ((step.notice.id, step.notice.current(now)) for step in line.plan)
    return [
        _("{notice} {version} in {language} ({seconds:.1f} s)").format(
            notice=name,
            version=version.id,
            language=line.language,
            seconds=version.short[line.language].seconds,
        )
        for name, version in versions
    ]


def dialplan(file: Path, output: Path | None) -> None:
    """The dialplan made out for this configuration: printed, or put in place of `output` as a whole."""
    configuration = load(file, keep=True)
    put_text(made_out(configuration), output, "asterisk -rx 'dialplan reload'")
    _warn(checking.out_of_reach(configuration))


def systemd(file: Path, output: Path | None) -> None:
    """The systemd unit made out for this configuration: printed, or put in place of `output` as a whole."""
    configuration = load(file, keep=True)
    put_text(_unit(configuration), output, "systemctl daemon-reload && systemctl enable --now informativa")
    _warn(checking.out_of_reach(configuration))
    if checking.owner(configuration).st_uid == 0:
        message = _("root owns the ledgers, so the service runs as root; for Asterisk's user: {command}")
        _warn([message.format(command=f"chown -R asterisk: {configuration.folder}")])


def put_text(text: str, output: Path | None, then: str) -> None:
    """Print it, or write it as a whole and say what to type next. Raises InformativaError."""
    if output is None:
        verbatim(text)
        return
    try:
        put(output, text.encode())
    except OSError as error:
        raise InformativaError(
            _("{file} cannot be written ({why}).").format(file=output, why=foreign(error.strerror or "")),
            _("Type first: mkdir -p {folder}").format(folder=output.parent)
            if isinstance(error, FileNotFoundError)
            else _("Name a file that you may write, or be root."),
        ) from error
    print(_("Wrote {file}. Next: {then}").format(file=output, then=then))


def serve(file: Path, form: LogFormat) -> None:
    """Run the service in the foreground."""
    i18n.speak({})  # a log is searched in the language of this documentation
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to load anew
    configuration = service.prepare(file)
    sink = configure(form)
    try:
        service.run(configuration)
    finally:
        sink.close()


def _lay(folder: Path) -> None:
    for private in ("keys", "ledger"):
        (folder / private).mkdir(mode=0o700)
    for controller in _CONTROLLERS:
        write_key(folder / "keys" / f"{controller}.key")
    with resources.as_file(shipped_folder("prompts")) as prompts:
        shutil.copytree(prompts, folder / "prompts")
    template = resources.files("informativa.config") / "template.yaml"
    (folder / "informativa.yaml").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")


def made_out(configuration: Configuration) -> str:
    """dialplan/informativa.conf for this configuration."""
    shipped = (shipped_folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    return dialplans.render(
        shipped, configuration, Path(sys.executable).with_name("informativa-agi"), datetime.now(UTC)
    )


def _unit(configuration: Configuration) -> str:
    """The service's user is the owner of the ledgers' folder, or else of the configuration."""
    template = (resources.files(__package__) / "informativa.service").read_text(encoding="utf-8")
    ledgers = sorted({str(Path(each.ledger).parent) for each in configuration.controllers.values()})
    owner = checking.owner(configuration)
    used = [sys.prefix, sys.executable, str(configuration.folder), *ledgers]  # and where its links lead
    ways = [*used, *map(os.path.realpath, used)]
    at_home = any(way.startswith(("/home/", "/root/", "/run/user/")) for way in ways)
    return Template(template).substitute(
        program=_quoted(Path(sys.executable).with_name("informativa")),
        file=_quoted(configuration.file),
        user=users.name(owner.st_uid),
        group=users.group(owner.st_gid),
        stop=f"{configuration.drain + 20:.0f}",
        descriptors=configuration.sessions + service.OWN_DESCRIPTORS,
        ledgers=" ".join(map(_quoted, ledgers)),
        home="read-only" if at_home else "yes",
        network="" if _talks_to_others(configuration) else _ALONE,
    )


def _talks_to_others(configuration: Configuration) -> bool:
    manager = configuration.manager
    hosts = [configuration.host, *([manager.host] if manager else []), configuration.metrics or "127."]
    asks = any(controller.lookups for controller in configuration.controllers.values())
    return asks or not all(host.startswith("127.") for host in hosts)


def _quoted(path: Path | str) -> str:
    """As systemd.syntax(7) wants a path that may have spaces."""
    return f'"{path}"' if " " in str(path) else str(path)


def shipped_folder(name: str) -> Traversable:
    """A folder of the project that the installed package carries as data."""
    return resources.files("informativa") / "data" / name
