"""Commands that set up and run: dialplan, systemd, serve."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from string import Template

from ... import service, shipped
from ...asterisk import dialplan as dialplans
from ...config import Configuration, load
from ...errors import InformativaError
from ...files import point, put
from ...operations.doctor import installation, users
from ...text import Text
from ...views.terminal import verbatim
from ..log import LogFormat, configure
from ..options import not_live
from ..words import _

_ALONE = "# Nothing that is configured leaves this machine.\nIPAddressDeny=any\nIPAddressAllow=localhost\n"


def _warn(warnings: Sequence[Text | str]) -> None:
    for warning in warnings:
        print(_("warning: {warning}", warning=warning), file=sys.stderr)


def dialplan(file: Path, output: Path | None) -> None:
    """The dialplan made out for this configuration: printed, or put in place of `output` as a whole."""
    configuration = load(file, keep=True)
    if output is None:
        verbatim(made_out(configuration))
    else:
        like = asterisks(output.absolute(), configuration)
        text, secret = made_out(configuration), bool(configuration.tokens)
        put_text(text, output, "asterisk -rx 'dialplan reload'", like, secret=secret)
    _warn([*link_script(configuration), *not_live(configuration), *installation.out_of_reach(configuration)])


def systemd(file: Path, output: Path | None) -> None:
    """The systemd unit made out for this configuration: printed, or put in place of `output` as a whole."""
    configuration = load(file, keep=True)
    put_text(_unit(configuration), output, "systemctl daemon-reload && systemctl enable --now informativa")
    _warn([*not_live(configuration), *installation.out_of_reach(configuration)])
    if installation.owner(configuration).st_uid == 0:
        message = _("root owns the ledgers, so the service runs as root; for Asterisk's user: {command}")
        _warn([message.format(command=f"chown -R asterisk: {configuration.folder}")])


def asterisks(file: Path, configuration: Configuration) -> os.stat_result:
    """Whose a file in Asterisk's folder should be: as extensions.conf there, or as it is. Where those are
    root's, Asterisk may be another user, who can read no secret of root's: then the ledgers' owner's, as
    whom it starts the script."""
    for one in (file.parent / "extensions.conf", file):
        with suppress(OSError):
            like = one.stat()
            if like.st_uid or like.st_gid:
                return like
    return installation.owner(configuration)


def link_script(configuration: Configuration) -> list[str]:
    """Have the name by which the dialplan starts the script lead to that of this installation; what is wrong
    if it cannot."""
    link, script = dialplans.started(configuration.file), Path(sys.executable).with_name("informativa-agi")
    try:
        point(link, script)
    except OSError as error:
        message = _(
            "{link}, by which the dialplan starts the script, cannot be made ({why}); type:"
            " ln -sfn {script} {link}"
        )
        return [message.format(link=link, why=_.foreign(error.strerror or ""), script=script)]
    return []


def put_text(
    text: str, output: Path | None, then: str, like: os.stat_result | None = None, *, secret: bool = False
) -> None:
    """Print it, or write it as a whole (see `put`) and say what to type next. Raises InformativaError."""
    if output is None:
        verbatim(text)
        return
    try:
        put(output, text.encode(), like, secret=secret)
    except IsADirectoryError as error:
        raise InformativaError(_("{file} is a folder.", file=output), _("Name a file in it.")) from error
    except OSError as error:
        raise InformativaError(
            _("{file} cannot be written ({why}).", file=output, why=_.foreign(error.strerror or "")),
            _("Type first: mkdir -p {folder}", folder=output.parent)
            if isinstance(error, FileNotFoundError)
            else _("Name a file that you may write, or be root."),
        ) from error
    print(_("Wrote {file}. Next: {then}", file=output, then=then))


def serve(file: Path, form: LogFormat) -> None:
    """Run the service in the foreground."""
    _.speak({})  # a log is searched in the language of this documentation
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to load anew
    configuration = service.prepare(file)
    sink = configure(form)
    try:
        service.run(configuration)
    finally:
        sink.close()


def made_out(configuration: Configuration) -> str:
    """dialplan/informativa.conf for this configuration."""
    template = (shipped.folder("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    return dialplans.render(template, configuration, datetime.now(UTC))


def _unit(configuration: Configuration) -> str:
    """The service's user is the owner of the ledgers' folder, or else of the configuration."""
    template = (resources.files("informativa") / "templates/informativa.service").read_text(encoding="utf-8")
    ledgers = sorted({str(Path(each.ledger).parent) for each in configuration.controllers.values()})
    owner = installation.owner(configuration)
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
