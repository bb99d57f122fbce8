"""First configuration in a new folder: two example companies, their keys, and the prompts."""

from __future__ import annotations

import errno
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from ..config.deprecations import DEFAULT_TOKEN
from ..config.schema import ServiceSettings
from ..model import NumberForm
from ..model.errors import InformativaError
from ..model.text import Text
from ..system import shipped
from .doctor import ports
from .generated import unwritten
from .keys import write_secret

FILE = "informativa.yaml"
_CONTROLLERS = ("acme", "borealis")  # those of config/template.yaml


@dataclass(frozen=True)
class NewConfiguration:
    """A new configuration, with all that it names."""

    file: Path
    warnings: tuple[Text, ...]
    """The settings to change in it first."""


def init(folder: Path, callers: NumberForm = NumberForm.EITHER) -> NewConfiguration:
    """Create a configuration in `folder`, as a whole or not at all; `callers` is the form in which the trunk
    writes numbers. Raises InformativaError, also where the folder is not empty."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise InformativaError(
                Text("{folder} is not empty.", folder=folder),
                Text("Name a new folder: informativa init DIR"),
            )
        existing = folder.exists()
        place = folder if existing else folder.parent
        place.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".informativa-", dir=place))
        try:
            _fill(work, callers)
            work.chmod(0o755)
            if existing:
                _move_into(folder, work)
            else:
                work.rename(folder)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except (OSError, shutil.Error) as error:
        raise _unwritable(folder, error) from error
    return NewConfiguration(folder / FILE, tuple(_port_warnings()))


def _move_into(folder: Path, work: Path) -> None:
    """Fill a folder that cannot be replaced, such as a container's volume. The configuration comes last:
    after a power failure before that there is none."""
    for path in sorted(work.iterdir(), key=lambda path: path.name == FILE):
        path.rename(folder / path.name)
    with suppress(PermissionError):  # a folder of somebody else's, who lets us write there
        folder.chmod(0o755)


def _fill(folder: Path, callers: NumberForm) -> None:
    for private in ("keys", "ledger"):
        (folder / private).mkdir(mode=0o700)
    for controller in _CONTROLLERS:
        write_secret(folder / "keys" / f"{controller}.key")
    write_secret(folder / DEFAULT_TOKEN)
    with resources.as_file(shipped.folder("prompts")) as prompts:
        shutil.copytree(prompts, folder / "prompts", ignore=shutil.ignore_patterns(*shipped.NOT_PROMPTS))
    for path in (folder / "prompts", *(folder / "prompts").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # Asterisk reads them, however narrow pip's umask was
    template = resources.files("informativa.config") / "template.yaml"
    text = template.read_text(encoding="utf-8")
    chosen = text.replace(f"callers: {NumberForm.EITHER} ", f"callers: {callers} ")
    (folder / FILE).write_text(chosen, encoding="utf-8")


def _unwritable(folder: Path, error: OSError) -> InformativaError:
    full = error.errno == errno.ENOSPC or "No space left" in str(error)  # shutil.Error has it in its text
    return unwritten(
        folder,
        error,
        Text("Make room on that disk.")
        if full
        else Text("Name a folder that you may write, or run this as root."),
    )


def _port_warnings() -> list[Text]:
    """Return a warning if the port of a new configuration is taken."""
    listen = ServiceSettings().listen
    with suppress(OSError):  # no such address here, say, which `check` tells
        if ports.occupied(listen) is not None:
            message = Text(
                "{address} is taken already; in the new configuration set service.listen to another port"
            )
            return [message.format(address=listen)]
    return []
