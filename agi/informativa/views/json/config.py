"""What became of a configuration file."""

from __future__ import annotations

from ...operations import config_upgrade
from .shapes import Document


class ConfigUpgraded(Document):
    """A configuration brought to the newest format, or what that would change."""

    file: str
    """The configuration."""
    before: int
    """Of which format it was."""
    after: int
    """Of which format it is, or would be."""
    written: bool
    """Whether it was written."""
    difference: list[str]
    """The lines that change, as `diff -u` has them."""

    @classmethod
    def of(cls, done: config_upgrade.ConfigUpgrade) -> ConfigUpgraded:
        """As it was done."""
        return cls(
            file=str(done.file.absolute()),
            before=done.before,
            after=done.after,
            written=done.written,
            difference=list(done.difference),
        )
