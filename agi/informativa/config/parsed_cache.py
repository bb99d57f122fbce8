"""A cache of the parsed text of a configuration, in a file beside it, so that a script need not parse it
again.

Without it a script's whole call takes 1.95 times the instructions (callgrind), for pydantic, yaml and the
library of numbering plans. The cached value is a function of the text alone, for one edition of these plans:
its settings, the line of each key, and the ways in which each called number may be written. It holds no
secret, and keys, prompts and all other files are read each time as ever.
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

from .. import __version__
from ..model import Answer, Asks, NumberForm, NumberVerification, Period, RecordKind, Role, Vouched, numbering
from ..model.hashing import sha256
from ..model.text import NOTHING, Foreign, Text, plain
from .document import SourceDocument

if TYPE_CHECKING:
    from .schema import Settings

_PICKLED_CLASSES = {
    ("datetime", "date"),
    ("datetime", "datetime"),
    ("datetime", "timedelta"),
    ("datetime", "timezone"),
    (Period.__module__, "Period"),
    ("types", "SimpleNamespace"),
}


_WORDS: dict[str, type[Enum]] = {
    words.__name__: words
    for words in (RecordKind, NumberForm, NumberVerification, Asks, Answer, Vouched, Role)
}

_SCHEMA = Path(__file__).with_name("schema.py")


class _OutdatedError(Exception):
    """The cached value is of another text, or of another informativa."""


class _UntrustedError(Exception):
    """Somebody without authority here may have written the cached value."""


Spellings = Mapping[str, str]
"""The called number of a line by each way to write it."""


def recall(file: Path, text: str) -> tuple[SourceDocument, Settings, Spellings] | None:
    """Return the cached value of `text`, if there is one that only we, root or the file's owner can have
    written."""
    with suppress(Exception):  # after any error the text itself can be parsed; `refusal` reports the error
        return _load(file, text)
    return None


def refusal(file: Path, text: str) -> Text:
    """Return the reason why the cached value of `text` cannot be used, empty if it can or there is none: a
    script does not report it and takes its time."""
    try:
        _load(file, text)
    except (FileNotFoundError, _OutdatedError):
        return NOTHING
    except _UntrustedError:
        return Text("others than its owner and root can write it")
    except OSError as error:
        return plain(Foreign(error.strerror or ""))
    except Exception as error:
        return Text("a defect of informativa: {error}", error=repr(error))
    return NOTHING


def store(file: Path, text: str, document: SourceDocument, settings: Settings, spellings: Spellings) -> Text:
    """Cache the parsed `text`; root does so for the owner of the text. Return the reason why a script could
    not use it, if any.

    Where the folder cannot be written nothing is cached, which is no mistake: the service may not.
    """
    from ..system.files import write_file  # not for a script, which caches nothing

    value = (document.lines, as_plain_objects(settings), spellings)
    content = io.BytesIO()
    try:
        _EnumPickler(content, protocol=5).dump(value)
        content.seek(0)
        if _RestrictedUnpickler(content).load() != value:
            raise pickle.UnpicklingError("another configuration")
    except Exception as error:  # no reason to take no calls
        return plain(repr(error))
    with suppress(OSError):
        write_file(cache_file(file), _digest(text, content.getvalue()) + content.getvalue(), file.stat())
    return NOTHING


def as_plain_objects(settings: Any) -> Any:
    """Return settings as plain objects with the same attributes."""
    if isinstance(settings, Mapping):
        return {name: as_plain_objects(value) for name, value in settings.items()}
    if isinstance(settings, list):
        return [as_plain_objects(value) for value in settings]
    if hasattr(type(settings), "model_fields"):
        return SimpleNamespace(**{name: as_plain_objects(value) for name, value in vars(settings).items()})
    return settings


class _EnumPickler(pickle.Pickler):
    """A pickler that writes the members of our enumerations as words: how Python pickles them differs by its
    version."""

    def persistent_id(self, obj: Any) -> tuple[str, Any] | None:
        return (type(obj).__name__, obj.value) if isinstance(obj, Enum) else None


class _RestrictedUnpickler(pickle.Unpickler):
    """An unpickler that makes only objects of which settings consist."""

    def persistent_load(self, pid: tuple[str, Any]) -> Enum:
        name, value = pid
        return _WORDS[name](value)

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _PICKLED_CLASSES:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of a configuration")
        return super().find_class(module, name)


def _load(file: Path, text: str) -> tuple[SourceDocument, Settings, Spellings]:
    descriptor = os.open(cache_file(file), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(descriptor)
        is_trusted = status.st_uid in (0, os.geteuid(), file.stat().st_uid) and not status.st_mode & 0o022
        if not (is_trusted and stat.S_ISREG(status.st_mode)):
            raise _UntrustedError
        digest, content = stream.read(32), stream.read()
    if digest != _digest(text, content):
        raise _OutdatedError
    lines, settings, spellings = _RestrictedUnpickler(io.BytesIO(content)).load()
    return SourceDocument(str(file), None, lines), cast("Settings", settings), spellings


def cache_file(file: Path) -> Path:
    """Return the path of the cache file."""
    return file.with_name(f".{file.name}.parsed")


def _digest(text: str, content: bytes) -> bytes:
    """Return the digest of the cached value and of all that it depends on. The text of the schema is a part
    of that: two programs of one version, from two commits, may have other settings."""
    editions = f"{__version__} {sys.version} {numbering.edition()}"
    return sha256(f"{editions} {text}\0".encode() + _SCHEMA.read_bytes() + content).digest()
