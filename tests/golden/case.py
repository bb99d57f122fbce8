"""One case whose output is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """A command line, the installation that it needs, and the files that belong to its output."""

    line: str
    setup: tuple[str, ...] = ()
    """Command lines to run first; `! cp` and `! sqlite` are done to files beside the configuration, and
    `! account` makes one of the console."""
    changes: Mapping[str, str] = field(default_factory=dict)
    """Texts of the configuration, each with its replacement."""
    files: tuple[str, ...] = ()
    """Files that the command writes, whose text belongs to the output; ARCHIVE!FILE in a ZIP file."""
    missing: tuple[str, ...] = ()
    """Files to delete first."""
    lines: int | None = None
    """The number of lines to read from a command that goes on; `None` for all of one that ends."""
    json: bool = True
    """True if the command has --json."""
    writes: bool = False
    """True if the command changes more than the access log, or shows that."""

    @property
    def changes_files(self) -> bool:
        """Return whether it needs an installation that no other case uses."""
        return bool(self.writes or self.setup or self.changes or self.missing or self.files)
