"""Commands that set up and run: init, check, dialplan, serve."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import sys
from enum import StrEnum
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import structlog

from .. import bootstrap, service
from .. import dialplan as dialplans
from ..config import Configuration, load
from ..config.load import KEY_BYTES
from ..errors import InformativaError

_CONTROLLERS = ("acme", "borealis")  # those of config/template.yaml


class LogFormat(StrEnum):
    """How `serve` writes its log to standard error."""

    CONSOLE = "console"
    JSON = "json"


def init(folder: Path) -> None:
    """Lay a configuration into `folder`. Nothing that exists is touched: it refuses instead."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InformativaError(f"{folder} is not empty.", "Name a new folder: informativa init DIR")
        _lay(folder)
    except OSError as error:
        raise InformativaError(
            f"{error.filename or folder} cannot be written ({error.strerror}).",
            "Name a folder that you may write, or run this as root.",
        ) from error
    file = folder / "informativa.yaml"
    print(
        f"Wrote {file} with two example companies, their keys and the prompts.\n"
        f"Next: edit {file}, then type: informativa check -c {file}"
    )


def check(file: Path) -> None:
    """Load everything and open the ledgers; print what was found, warnings on standard error."""
    configuration = load(file)
    for warning in configuration.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    bootstrap.close(bootstrap.service_desk(configuration))
    print(
        f"{file} is in order: {len(configuration.controllers)} controllers,"
        f" {len(configuration.lines)} lines, service on {configuration.host}:{configuration.port}."
    )


def dialplan(file: Path) -> None:
    """Print the dialplan made out for this configuration."""
    print(_dialplan(load(file)), end="")


def serve(file: Path, log: LogFormat) -> None:
    """Run the service in the foreground."""
    configuration = load(file)
    _configure_log(log)
    for warning in configuration.warnings:
        structlog.get_logger("informativa").warning("configuration", problem=str(warning))
    service.run(configuration)


def _lay(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for private in ("keys", "ledger"):
        (folder / private).mkdir(mode=0o700)
    for controller in _CONTROLLERS:
        key = folder / "keys" / f"{controller}.key"
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as secret:
            secret.write(secrets.token_hex(KEY_BYTES) + "\n")
    with resources.as_file(_shipped("prompts")) as prompts:
        shutil.copytree(prompts, folder / "prompts")
    template = resources.files("informativa.config") / "template.yaml"
    file = folder / "informativa.yaml"
    file.write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "informativa.conf").write_text(_dialplan(load(file)), encoding="utf-8")


def _dialplan(configuration: Configuration) -> str:
    shipped = (_shipped("dialplan") / "informativa.conf").read_text(encoding="utf-8")
    return dialplans.render(shipped, configuration, Path(sys.executable).with_name("informativa-agi"))


def _shipped(name: str) -> Traversable:
    """A folder of the project that the installed package carries as data."""
    return resources.files("informativa") / "data" / name


def _configure_log(log: LogFormat) -> None:
    """Facts to standard error, one a line; from there to the journal or wherever the admin wants."""
    output: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if log is LogFormat.JSON
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ,
                # the pretty one would print local variables, and with them callers' numbers
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *output,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
