"""What one text of a configuration came to, kept beside it, so that a script need not work it out again.

Half of the time that a script takes to start would be pydantic and yaml, and a fifth the library of numbering
plans. What is kept is a function of the text alone, for one edition of these plans: its settings, on which
line each key stands, and in which ways each called number may be written. No secret is among it, and keys,
prompts and all other files are looked at each time as ever.
"""

from __future__ import annotations

import io
import os
import pickle
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from .. import __version__, numbering
from ..hashing import sha256
from ..model import NumberForm, Period, RecordKind, Verification
from ..text import NOTHING, Foreign, Text, plain
from .document import Document

if TYPE_CHECKING:
    from .schema import Settings

_KNOWN = {
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    (Period.__module__, "Period"),
    ("types", "SimpleNamespace"),
}


_WORDS: dict[str, type[Enum]] = {
    "RecordKind": RecordKind,
    "NumberForm": NumberForm,
    "Verification": Verification,
}


class _OtherTextError(Exception):
    """What is kept is of another text, or of another informativa."""


class _OthersError(Exception):
    """What is kept may be somebody's who has no say here."""


Spellings = Mapping[str, str]
"""The called number of a line by each way to write it."""


def recall(file: Path, text: str) -> tuple[Document, Settings, Spellings] | None:
    """What `text` came to, if that is kept and nobody else than we, root or the file's owner wrote it."""
    with suppress(Exception):  # whatever is wrong with it, the text itself is there; `refusal` tells it
        return _recalled(file, text)
    return None


def refusal(file: Path, text: str) -> Text:
    """Why what is kept of `text` cannot be used, where something is: a script says nothing of it and takes
    its time. Nothing where it can."""
    try:
        _recalled(file, text)
    except (FileNotFoundError, _OtherTextError):
        return NOTHING
    except _OthersError:
        return Text("others than its owner and root can write it")
    except OSError as error:
        return plain(Foreign(error.strerror or ""))
    except Exception as error:
        return Text("a defect of informativa: {error}", error=repr(error))
    return NOTHING


def keep(file: Path, text: str, document: Document, settings: Settings, spellings: Spellings) -> Text:
    """Keep what `text` came to, by root for the owner of the text; why a script could not use it, if so.

    Where the folder cannot be written nothing is kept, which is no mistake: the service may not.
    """
    from ..files import put  # not for a script, which keeps nothing

    kept = (document.lines, as_plain_objects(settings), spellings)
    content = io.BytesIO()
    try:
        _Words(content, protocol=5).dump(kept)
        content.seek(0)
        if _Plain(content).load() != kept:
            raise pickle.UnpicklingError("another configuration")
    except Exception as error:  # no reason to take no calls
        return plain(repr(error))
    with suppress(OSError):
        put(cache_file(file), _digest(text, content.getvalue()) + content.getvalue(), file.stat())
    return NOTHING


def as_plain_objects(settings: Any) -> Any:
    """Settings as plain objects with the same attributes."""
    if isinstance(settings, Mapping):
        return {name: as_plain_objects(value) for name, value in settings.items()}
    if isinstance(settings, list):
        return [as_plain_objects(value) for value in settings]
    if hasattr(type(settings), "model_fields"):
        return SimpleNamespace(**{name: as_plain_objects(value) for name, value in vars(settings).items()})
    return settings


class _Words(pickle.Pickler):
    """Writes the members of our enumerations as words: how Python pickles them differs by its version."""

    def persistent_id(self, obj: Any) -> tuple[str, Any] | None:
        return (type(obj).__name__, obj.value) if isinstance(obj, Enum) else None


class _Plain(pickle.Unpickler):
    """Makes only what settings are made of."""

    def persistent_load(self, pid: tuple[str, Any]) -> Enum:
        name, value = pid
        return _WORDS[name](value)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a configuration")
        return super().find_class(module, name)


def _recalled(file: Path, text: str) -> tuple[Document, Settings, Spellings]:
    descriptor = os.open(cache_file(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        ours = status.st_uid in (0, os.geteuid(), file.stat().st_uid) and not status.st_mode & 0o022
        if not (ours and stat.S_ISREG(status.st_mode)):
            raise _OthersError
        digest, content = opened.read(32), opened.read()
    if digest != _digest(text, content):
        raise _OtherTextError
    lines, settings, spellings = _Plain(io.BytesIO(content)).load()
    return Document(str(file), None, lines), cast("Settings", settings), spellings


def cache_file(file: Path) -> Path:
    """Where it is kept."""
    return file.with_name(f".{file.name}.parsed")


def _digest(text: str, content: bytes) -> bytes:
    """Of what it came to, and of all that this depends on."""
    editions = f"{__version__} {sys.version} {numbering.edition()}"
    return sha256(f"{editions} {text}\0".encode() + content).digest()
