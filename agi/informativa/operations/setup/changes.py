"""Text files that setup writes: each as it is, and as it is to be."""

from __future__ import annotations

import difflib
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...model.errors import InformativaError
from ...model.text import Foreign, Text
from ...system.pinned_path import pin
from .call_places import Edit
from .journal import Journal, digest
from .report import SetupPart

_TOKEN = re.compile(r"(?<=/notice/)\w+")
_ENCODING = ("utf-8", "surrogateescape")  # whatever somebody's file has in its comments comes back


@dataclass(frozen=True)
class FileChange:
    """A text file as it is, and as it is to be."""

    part: SetupPart
    path: Path
    before: str | None
    """`None` where there is no file."""
    after: str
    edits: tuple[Edit, ...] = ()
    """The edits that lead from one to the other, where the file is somebody else's."""
    secret: bool = False
    """True if it has the token by which the service knows Asterisk."""
    is_replaceable: bool = True
    """False where somebody else wrote the earlier file, or changed it."""

    @property
    def difference(self) -> tuple[str, ...]:
        """Return the change as diff writes it; of a new file its text. Secrets are dots in it."""
        if self.before is None:
            return tuple(_readable(self.after))
        before, after = _readable(self.before), _readable(self.after)
        lines = difflib.unified_diff(before, after, str(self.path), str(self.path), lineterm="", n=2)
        return tuple(lines)


def whole_file(
    part: SetupPart, path: Path, after: str, journal: Journal, *, mark: str = "", secret: bool = False
) -> FileChange:
    """Return the change of a file that is setup's alone; `mark` begins one that informativa wrote."""
    before = read_text(path)
    entry = journal.entry(path)
    is_ours = before is None or (entry is not None and entry.digest == digest(encoded(before)))
    is_marked = bool(mark) and before is not None and before.startswith(mark)
    return FileChange(part, path, before, after, secret=secret, is_replaceable=is_ours or is_marked)


def edited_file(path: Path, edits: Sequence[Edit]) -> FileChange:
    """Return the change of somebody else's file, not of the link to it. Raises InformativaError where such a
    link leads to a file of another user."""
    if path.exists():
        with pin(path):
            path = path.resolve()
    before = read_text(path)
    after = before or ""
    for edit in edits:
        after = after.replace(edit.old, edit.new, 1) if edit.old else after + edit.new
    return FileChange(SetupPart.DIALPLAN, path, before, after, () if before is None else tuple(edits))


def read_text(path: Path) -> str | None:
    """Return the text of a file; `None` where there is none. Raises InformativaError."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise InformativaError(
                Text("{file} is no file.", file=path),
                Text("Type: mv {file} {file}.aside, then the same again", file=path),
            )
        return path.read_bytes().decode(*_ENCODING)
    except FileNotFoundError:
        return None
    except OSError as error:
        reason = Foreign(error.strerror or "")
        raise InformativaError(
            Text("{file} cannot be read ({why}).", file=path, why=reason), Text("Be root.")
        ) from error


def encoded(text: str) -> bytes:
    """Return the bytes of a text of `read_text`."""
    return text.encode(*_ENCODING)


def _readable(text: str) -> list[str]:
    return _TOKEN.sub("…", encoded(text).decode(errors="replace")).splitlines()
