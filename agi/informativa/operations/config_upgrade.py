"""Upgrade of the configuration file to the newest format, with its comments."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from ..config.upgrading import Upgraded, upgraded
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
        _write(upgraded_file)
    lines = unified_diff(
        upgraded_file.old_format.splitlines(),
        upgraded_file.new_format.splitlines(),
        str(file),
        str(file),
        lineterm="",
        n=1,
    )
    return ConfigUpgraded(file, upgraded_file.before, upgraded_file.after, written, tuple(lines))


def _write(upgraded_file: Upgraded) -> None:
    if upgraded_file.file.is_symlink():  # replacing it would break the link
        raise InformativaError(
            Text("{file} is a link.", file=upgraded_file.file),
            Text("Name where it leads: -c {target}", target=upgraded_file.file.resolve()),
        )
    try:
        write_file(upgraded_file.file, upgraded_file.new_format.encode(), durable=True)
    except OSError as error:
        remedy = Text("Make room on that disk, or be root.")
        raise unwritten(upgraded_file.file, error, remedy) from error
