"""The small file beside the configuration's folder that says what setup did, so that exactly this can be
taken back. It is written before anything else is: after an interruption it names at least what was done."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...model.errors import InformativaError
from ...model.text import Foreign, Text, command
from ...system.files import open_for_replacement, permission_denied, read_foreign
from ..generated import unwritten
from .call_places import Edit
from .report import SetupPart

LASTING = ("keys", "ledger")
"""The folders of a configuration whose keys and ledgers are never taken back."""
_FORMAT = 1
_LARGEST = 64 << 20  # bytes: it has the texts of files that were replaced


@dataclass(frozen=True)
class JournalEntry:
    """One file that setup wrote, or edited."""

    part: SetupPart
    path: Path
    digest: str
    """The SHA-256 of its content then; '' for a link, and for a file that was edited."""
    before: str | None = None
    """The text that it replaced; `None` where there was no file."""
    edits: tuple[Edit, ...] = ()
    """The edits of somebody else's file."""


@dataclass(frozen=True)
class Journal:
    """All that setup did, in its order."""

    complete: bool = True
    """True if it came to its end."""
    asterisk: tuple[str, ...] = ()
    """The command by which Asterisk reads its dialplan."""
    entries: tuple[JournalEntry, ...] = ()

    def adding(self, entries: Iterable[JournalEntry]) -> Journal:
        """Return the journal with further entries. Of a file that is in it already the earlier text, and the
        earlier edits, stay."""
        by_path = {entry.path: entry for entry in self.entries}
        for entry in entries:
            earlier = by_path.pop(entry.path, None)
            if earlier:
                edits = (*earlier.edits, *(edit for edit in entry.edits if edit not in earlier.edits))
                entry = replace(entry, before=earlier.before, edits=edits)
            by_path[entry.path] = entry
        return replace(self, entries=tuple(by_path.values()))

    def entry(self, path: Path) -> JournalEntry | None:
        """Return the entry of a file."""
        return next((entry for entry in self.entries if entry.path == path), None)


def journal_file(folder: Path) -> Path:
    """Return the journal's place, for the folder of a configuration."""
    return folder.with_name(f"{folder.name}-setup.json")


def read(folder: Path) -> Journal | None:
    """Return the journal of the setup into a folder; `None` where there is none. Raises InformativaError,
    also where another user wrote it, for root does what it says."""
    file = journal_file(folder)
    try:
        text = read_foreign(file, _LARGEST, 0, os.geteuid())
        if text is None:
            raise InformativaError(
                Text("{file} is not yours, nor root's, so nothing of it is done.", file=file),
                Text("Type the same as the user who ran setup: {command}", command=command("ls", "-l", file)),
            )
        return _parsed(json.loads(text))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise permission_denied(file) from error
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be read ({why}).", file=file, why=Foreign(error.strerror or "")),
            Text("See what it is: {command}", command=command("ls", "-l", file)),
        ) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InformativaError(
            Text("{file} is not as setup writes it.", file=file),
            Text("Type: mv {file} {file}.aside; the steps by hand are in docs/by-hand.md", file=file),
        ) from error


def write(folder: Path, journal: Journal) -> None:
    """Write it, for its owner alone: it has texts of Asterisk's. Raises InformativaError."""
    file = journal_file(folder)
    text = json.dumps({"format": _FORMAT, **asdict(journal)}, indent=1, default=str)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open_for_replacement(file, most=0o600, durable=True) as out:
            out.write(text.encode())
    except OSError as error:
        raise unwritten(file, error, Text("Make room on that disk, or be root.")) from error


def delete(folder: Path) -> None:
    """Delete it. Raises InformativaError."""
    file = journal_file(folder)
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        reason = Foreign(error.strerror or "")
        raise InformativaError(
            Text("{file} cannot be deleted ({why}).", file=file, why=reason), Text("Be root.")
        ) from error


def digest(content: bytes) -> str:
    """Return the digest by which a file is known again."""
    return hashlib.sha256(content).hexdigest()


def _parsed(content: Any) -> Journal:
    if content["format"] != _FORMAT:
        raise ValueError("another format")
    return Journal(
        bool(content["complete"]),
        tuple(map(str, content["asterisk"])),
        tuple(
            JournalEntry(
                SetupPart(entry["part"]),
                Path(entry["path"]),
                str(entry["digest"]),
                entry["before"],
                tuple(Edit(edit["old"], edit["new"]) for edit in entry["edits"]),
            )
            for entry in content["entries"]
        ),
    )
