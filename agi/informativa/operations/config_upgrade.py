"""The configuration file brought to the newest format, with all that is written beside its settings."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from ..config.upgrading import Upgraded, upgraded
from ..errors import InformativaError
from ..files import put
from ..text import Foreign, Text


@dataclass(frozen=True)
class ConfigUpgrade:
    """What came of it: from which format to which, the changed lines as `diff -u` has them, and whether they
    were written."""

    file: Path
    before: int
    after: int
    difference: tuple[str, ...]
    written: bool


def upgrade(file: Path, *, dry_run: bool = False) -> ConfigUpgrade:
    """Write it anew, as a whole, where its format is not the newest; or only say what would change. Raises
    ConfigError for a file with mistakes, InformativaError for one that cannot be written."""
    found = upgraded(file)
    written = found.before != found.after and not dry_run
    if written:
        _write(found)
    lines = unified_diff(
        found.old.splitlines(), found.new.splitlines(), str(file), str(file), lineterm="", n=1
    )
    return ConfigUpgrade(file, found.before, found.after, tuple(lines), written)


def _write(found: Upgraded) -> None:
    if found.file.is_symlink():  # which would become a file of its own
        raise InformativaError(
            Text("{file} is a link.", file=found.file),
            Text("Name where it leads: -c {target}", target=found.file.resolve()),
        )
    try:
        put(found.file, found.new.encode(), durable=True)
    except OSError as error:
        raise InformativaError(
            Text("{file} cannot be written ({why}).", file=found.file, why=Foreign(error.strerror or "")),
            Text("Make room on that disk, or be root."),
        ) from error
