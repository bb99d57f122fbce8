"""The account at Asterisk's manager interface: what it must be allowed, and how to make one that is
allowed nothing else."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ...config import inspect
from ...config.build import draft
from ...errors import ConfigError, InformativaError
from ...model import ManagerAccount
from ...text import Foreign, Text

# The classes of `write` that let an account do each, any one of which suffices (Asterisk 16 and 22 agree).
ACTIONS = {
    "CoreSettings": ("system", "reporting"),
    "DBDel": ("system",),
    "DBGetTree": ("system", "reporting"),
    "ModuleCheck": ("system",),
    "ShowDialPlan": ("config", "reporting"),
}
COLLECTION = ("DBGetTree", "DBDel")  # what the service needs; the rest is for looking
WRITE = "system,reporting"  # the fewest that allow all; `read` is for events, and we want none
KEPT_IN = "keys/manager.secret"  # beside the configuration
TRIAL_READ, TRIAL_WRITE = "call,dialplan,agi", "originate"  # what a test call needs more


@dataclass(frozen=True)
class NewAccount:
    """An account as it is to be made; `configured` where the configuration `file` names it already."""

    file: Path
    user: str
    secret: str = field(repr=False)
    host: str
    port: int
    configured: bool


def new_account(file: Path, configured: ManagerAccount | None, secret: Path) -> NewAccount:
    """The account that is `configured`, or a first one, with what is in the file `secret`. Raises OSError."""
    account = configured or ManagerAccount("127.0.0.1", 5038, "informativa", "")
    words = secret.read_text(encoding="utf-8").strip()
    return NewAccount(file, account.user, words, account.host, account.port, configured is not None)


def of_configuration(file: Path) -> NewAccount:
    """The same for a configuration that may have mistakes. Raises InformativaError where there is no secret
    yet."""
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
    """Where the secret of the account at Asterisk's manager interface is, or will be."""
    with suppress(ConfigError):
        if manager := draft(config)[1].manager:
            return config.absolute().parent / manager.secret
    return config.absolute().parent / KEPT_IN
