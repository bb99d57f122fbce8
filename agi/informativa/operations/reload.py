"""A running service loads its file anew: what that would change for callers, and the loading itself."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..config import Configuration, load_usable
from ..config import document as documents
from ..config.build import digest
from ..model.errors import InformativaError
from ..model.text import Foreign, Text
from ..process import loaded_text
from ..process.loaded_text import LoadedText
from .doctor import probe
from .document import AbsolutePath
from .forecast import Progress, compare
from .forecast_document import Forecast

SECONDS = 60.0  # in which a service has loaded its file
_LOOK = 0.1  # seconds between two looks


@dataclass(frozen=True)
class Reload:
    """The loading of a changed file by a running service."""

    file: AbsolutePath
    """The configuration."""
    forecast: Forecast | None
    """The changes for callers; null where the service has loaded this text already, and keys and recordings
    alone are read anew."""
    loaded: bool
    """True if the service has loaded it by now."""


@dataclass(frozen=True)
class RunningService:
    """A service that runs with an earlier text of a configuration, or the same. `text` is that of the file
    when it was compared."""

    process: int
    loaded: LoadedText
    configuration: Configuration
    text: str


def running_service(file: Path) -> RunningService:
    """Find the service of a configuration, and the text that it has loaded. Raises ConfigError for mistakes
    by which it loads nothing, InformativaError."""
    text = documents.read(file)
    configuration = load_usable(file)
    status = _status(configuration)
    process = int(status.get("process", "0"))
    loaded = loaded_text.read(process, status.get("configuration", ""))
    if loaded is None:
        raise InformativaError(
            Text("What the service has loaded cannot be seen."),
            Text(
                "Run this as root or as the service's user, on its machine. A service of an earlier"
                " informativa must be restarted once: systemctl restart informativa"
            ),
        )
    return RunningService(process, loaded, configuration, text)


def forecast(service: RunningService, now: datetime, progress: Progress) -> Forecast | None:
    """Forecast what the file would change for the callers of a service; `None` if it has that text already.
    Raises InformativaError."""
    if service.loaded.text == service.text:
        return None
    file = service.configuration.file
    return compare(service.loaded.text, service.text, file, now, progress=progress)


def reload(service: RunningService, sleep: Callable[[float], None] = time.sleep) -> None:
    """Tell a service to load its file, and wait until it has. Raises InformativaError where it has not."""
    file = service.configuration.file
    if documents.read(file) != service.text:
        raise InformativaError(Text("{file} was changed meanwhile.", file=file), Text("Type the same again."))
    try:
        os.kill(service.process, signal.SIGHUP)
    except OSError as error:
        raise InformativaError(
            Text("The service cannot be told ({why}).", why=Foreign(error.strerror or "")),
            Text("Run this as root: systemctl reload informativa"),
        ) from error
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        sleep(_LOOK)
        loaded = loaded_text.read(service.process, digest(service.text))
        if loaded is not None and loaded.inode != service.loaded.inode:
            return
    raise InformativaError(
        Text("The service has not loaded {file}, and goes on as before.", file=file),
        Text("Its log says why: journalctl -u informativa"),
    )


def _status(configuration: Configuration) -> dict[str, str]:
    """Return the status of the service that runs with this file. Raises InformativaError."""
    at = configuration
    try:
        status = asyncio.run(probe.status(at.host, at.port, at.tokens))
    except OSError as error:
        raise InformativaError(
            Text(
                "No service answers at {address} ({why}).",
                address=at.listen,
                why=Foreign(os.strerror(error.errno or 0)),
            ),
            Text("Start it: systemctl start informativa"),
        ) from error
    if status is None or status.get("file") != at.path_digest:
        raise InformativaError(
            Text("What answers at {address} is not the service of {file}.", address=at.listen, file=at.file),
            Text("See what is wrong: informativa doctor"),
        )
    return status
