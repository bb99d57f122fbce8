"""PHP as FreePBX 16 and 17 run it, from Debian's archive and without root."""

from __future__ import annotations

from pathlib import Path

from .builds import loader
from .debian import Progress, cache_folder, packages

SUITES = {"bullseye": "7.4", "bookworm": "8.2"}
"""Debian suites, and the PHP in each: 7.4 is FreePBX 16's, 8.2 is FreePBX 17's."""

# Debian's packages switch these on when they are installed, and here they are only unpacked.
# JSON is built into 8.
_EXTENSIONS = ("ctype", "gettext", "json", "pdo", "pdo_sqlite", "posix", "simplexml", "tokenizer")


def obtain(suite: str, progress: Progress) -> tuple[str, ...]:
    """The command that runs the PHP of ``suite``, or ``Unavailable``; errors end it, deprecations too."""
    root = packages(suite, ["php-cli", "php-sqlite3", "php-xml"], cache_folder(), progress)
    extensions = next(Path(root).glob("usr/lib/php/*/pdo_sqlite.so")).parent
    available = [name for name in _EXTENSIONS if (extensions / f"{name}.so").exists()]
    settings = [f"extension_dir={extensions}", *(f"extension={name}" for name in available)]
    settings += ["display_errors=stderr", "error_reporting=-1", "memory_limit=256M"]
    options = [word for setting in settings for word in ("-d", setting)]
    return (*loader(root), f"{root}/usr/bin/php{SUITES[suite]}", "-n", *options)
