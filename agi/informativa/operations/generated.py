"""Files that are generated for a configuration: their text, and writing them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..model.errors import InformativaError
from ..model.text import Foreign, Text
from ..system.files import obstacle, write_file


@dataclass(frozen=True)
class Generated:
    """A generated file."""

    text: str
    file: Path | None
    """The path that it was written to; `None` where it was not written."""
    next: str
    """The command to type then."""
    warnings: tuple[Text, ...] = ()


def write(file: Path, text: str, like: os.stat_result | None = None, *, secret: bool = False) -> None:
    """Write the file as a whole or not at all (see `put`). Raises InformativaError."""
    try:
        write_file(file, text.encode(), like, secret=secret)
    except IsADirectoryError as error:
        raise InformativaError(Text("{file} is a folder.", file=file), Text("Name a file in it.")) from error
    except OSError as error:
        raise unwritten(file, error, _making_way(file.parent, error)) from error


def unwritten(file: Path, error: OSError, remedy: Text) -> InformativaError:
    """Return the error that a file or a folder cannot be written."""
    reason = Foreign(error.strerror or str(error))
    return InformativaError(Text("{file} cannot be written ({why}).", file=file, why=reason), remedy)


def _making_way(folder: Path, error: OSError) -> Text:
    """Return the command that makes the folder, or another remedy."""
    if place := obstacle(folder):
        return Text("Type first: mv {place} {place}.aside; mkdir -p {folder}", place=place, folder=folder)
    if isinstance(error, FileNotFoundError):
        return Text("Type first: mkdir -p {folder}", folder=folder)
    return Text("Name a file that you may write, or be root.")
