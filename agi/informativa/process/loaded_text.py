"""The text of the configuration that a service has loaded, for whoever asks what the file would change.

It lies in memory that has no name on any disk and ends with the service. Only its user and root find it,
below /proc; by its digest, which the service tells, nobody takes it for another one.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..config import Configuration
from ..config import document as documents
from ..config.build import digest
from ..model.errors import ConfigError

_NAME = "informativa-configuration"
_LINK = f"/memfd:{_NAME}"


@dataclass(frozen=True)
class LoadedText:
    """A loaded text. `inode` differs for each time that a file was loaded."""

    text: str
    inode: int


class Holder:
    """The holder of the text that one service has loaded last."""

    def __init__(self) -> None:
        self._descriptor = -1

    def hold(self, configuration: Configuration) -> None:
        """Hold the text of a configuration that was just loaded; nothing if the file has another one by
        now, or the system has no such memory."""
        self.release()
        with suppress(ConfigError, OSError, AttributeError):
            text = documents.read(configuration.file)
            if digest(text) == configuration.digest:
                self._descriptor = os.memfd_create(_NAME)
                with os.fdopen(self._descriptor, "wb", closefd=False) as out:
                    out.write(text.encode())

    def release(self) -> None:
        """Hold nothing any more."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read(process: int, text_digest: str) -> LoadedText | None:
    """Return the text of that digest that a process holds; `None` where it holds none, or is another user's.
    An earlier process with this number holds none."""
    with suppress(OSError, UnicodeDecodeError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                if str(link.readlink()).startswith(_LINK):
                    text = link.read_bytes().decode()
                    if digest(text) == text_digest:
                        return LoadedText(text, link.stat().st_ino)
    return None
