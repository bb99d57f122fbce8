"""Patroni that takes a primary for dead after a few seconds: `python -m sharing.patroni_quick file.yml`.

Patroni itself waits for 20 at least (`ttl`), which is wise on a network of others, and long in a test.
"""

from __future__ import annotations

from typing import Any

from patroni import config
from patroni.__main__ import main


class QuickConfig(config.Config):  # type: ignore[misc]  # Patroni has no types
    """A configuration whose times are taken as they stand there."""

    def _validate_and_adjust_timeouts(self, config: dict[str, Any]) -> None:
        pass


if __name__ == "__main__":
    config.Config = QuickConfig
    main()
