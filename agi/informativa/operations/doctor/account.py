"""The account at Asterisk's manager interface: the rights that it needs, and how to make one with no
others."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...config import inspect
from ...config.build import draft
from ...model import ManagerAccount
from ...model.errors import ConfigError, InformativaError
from ...model.text import Foreign, Text

# By action, the classes of `write` that allow it; one of them suffices (Asterisk 16 and 22 agree).
ACTIONS = {
    "CoreSettings": ("system", "reporting"),
    "DBDel": ("system",),
    "DBGetTree": ("system", "reporting"),
    "ModuleCheck": ("system",),
    "ShowDialPlan": ("config", "reporting"),
}
COLLECTION = ("DBGetTree", "DBDel")  # needed by the service; the other actions only look
WRITE = "system,reporting"  # the fewest that allow all actions; `read` is for events, which we do not use
KEPT_IN = "keys/manager.secret"  # beside the configuration
TRIAL_READ, TRIAL_WRITE = "call,dialplan,agi", "originate"  # what a test call needs beside these


@dataclass(frozen=True)
class NewAccount:
    """An account that is to be made; `configured` if the configuration `file` already names it."""

    file: Path
    user: str
    secret: str = field(repr=False)
    host: str
    port: int
    configured: bool


def new_account(file: Path, configured: ManagerAccount | None, secret: Path) -> NewAccount:
    """Return the account that is `configured`, or a first one, with the secret in the file `secret`. Raises
    OSError."""
    account = configured or ManagerAccount("127.0.0.1", 5038, "informativa", "")
    password = secret.read_text(encoding="utf-8").strip()
    return NewAccount(file, account.user, password, account.host, account.port, configured is not None)


def of_configuration(file: Path) -> NewAccount:
    """Return the account for a configuration that may have mistakes. Raises InformativaError if its secret
    cannot be read."""
    try:
        configuration = inspect(file)[0]
    except ConfigError:
        configuration = None
    secret = secret_file(file)
    try:
        return new_account(file, configuration.manager if configuration else None, secret)
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be read ({why}).", file=secret, why=Foreign(error.strerror or "")),
            Text("Type: informativa keys make manager -c {file}", file=file)
            if isinstance(error, FileNotFoundError)
            else Text("Run this as the user who owns it."),
        ) from error


def secret_file(config: Path) -> Path:
    """Return the path of the file with the account's secret, which need not exist yet."""
    with suppress(ConfigError):
        if manager := draft(config)[1].manager:
            return config.absolute().parent / manager.secret
    return config.absolute().parent / KEPT_IN
