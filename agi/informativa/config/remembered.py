"""What one text of a configuration came to, kept beside it, so that a script need not work it out again.

Half of the time that a script takes to start would be pydantic and yaml. What is kept is a function of the
text alone: its settings, and on which line each key stands. No secret is among it, and keys, prompts and
all other files are looked at each time as ever.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from .. import __version__
from ..files import put
from ..model import Kind, NumberForm, Period, Verification
from .document import Document

if TYPE_CHECKING:
    from .schema import Settings

_KNOWN = {
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    (Kind.__module__, "Kind"),
    (NumberForm.__module__, "NumberForm"),
    (Verification.__module__, "Verification"),
    (Period.__module__, "Period"),
    ("types", "SimpleNamespace"),
}


def recall(file: Path, text: str) -> tuple[Document, Settings] | None:
    """What `text` came to, if that is kept and nobody else than we, root or the file's owner wrote it."""
    with suppress(Exception):  # whatever is wrong with it, the text itself is there
        descriptor = os.open(_place(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(descriptor)
            ours = status.st_uid in (0, os.geteuid(), file.stat().st_uid) and not status.st_mode & 0o022
            if not (ours and stat.S_ISREG(status.st_mode)):
                return None
            digest, content = opened.read(32), opened.read()
        if digest == _digest(text, content):
            lines, settings = _Plain(io.BytesIO(content)).load()
            return Document(str(file), None, lines), cast("Settings", settings)
    return None


def keep(file: Path, text: str, document: Document, settings: Settings) -> None:
    """Keep what `text` came to, where that is possible; by root, for the owner of the text."""
    content = pickle.dumps((document.lines, plain(settings)), protocol=5)
    with suppress(OSError):
        put(_place(file), _digest(text, content) + content, file.stat())


def plain(settings: Any) -> Any:
    """Settings as plain objects with the same attributes."""
    if isinstance(settings, Mapping):
        return {name: plain(value) for name, value in settings.items()}
    if isinstance(settings, list):
        return [plain(value) for value in settings]
    if hasattr(type(settings), "model_fields"):
        return SimpleNamespace(**{name: plain(value) for name, value in vars(settings).items()})
    return settings


class _Plain(pickle.Unpickler):
    """Makes only what settings are made of."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a configuration")
        return super().find_class(module, name)


def _place(file: Path) -> Path:
    return file.with_name(f".{file.name}.parsed")


def _digest(text: str, content: bytes) -> bytes:
    """Of what it came to, and of all that this depends on."""
    return hashlib.sha256(f"{__version__} {sys.version} {text}\0".encode() + content).digest()
