"""Upgrade of the configuration file to the newest format, with its comments."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from ..config.upgrading import upgraded
from ..model.errors import InformativaError
from ..model.text import Text
from ..system.files import write_file
from .document import AbsolutePath
from .generated import unwritten


@dataclass(frozen=True)
class ConfigUpgraded:
    """A configuration brought to the newest format, or what that would change."""

    file: AbsolutePath
    """The configuration."""
    before: int
    """The number of the format that it had."""
    after: int
    """The number of the format that it has, or would have."""
    written: bool
    """True if it was written."""
    difference: tuple[str, ...]
    """The lines that change, as `diff -u` has them."""


def upgrade(file: Path, *, dry_run: bool = False) -> ConfigUpgraded:
    """Write the file anew, as a whole, where its format is not the newest; with `dry_run` only tell what
    would change. Raises ConfigError for a file with mistakes, InformativaError for one that cannot be
    written."""
    upgraded_file = upgraded(file)
    written = upgraded_file.before != upgraded_file.after and not dry_run
    if written:
        replace_text(file, upgraded_file.new_format)
    lines = difference(file, upgraded_file.old_format, upgraded_file.new_format)
    return ConfigUpgraded(file, upgraded_file.before, upgraded_file.after, written, lines)


def difference(file: Path, old: str, new: str) -> tuple[str, ...]:
    """Return the lines of a configuration that change, as `diff -u` has them."""
    lines = unified_diff(old.splitlines(), new.splitlines(), str(file), str(file), lineterm="", n=1)
    return tuple(lines)


def replace_text(file: Path, text: str) -> None:
    """Write a configuration anew, as a whole or not at all. Raises InformativaError."""
    if file.is_symlink():  # replacing it would break the link
        raise InformativaError(
            Text("{file} is a link.", file=file),
            Text("Name where it leads: -c {target}", target=file.resolve()),
        )
    try:
        write_file(file, text.encode(), durable=True)
    except OSError as error:
        raise unwritten(file, error, Text("Make room on that disk, or be root.")) from error
