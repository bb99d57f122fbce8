"""What runs here: of which version are the program, what it rests on, and the machine."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ... import __version__

PATIENCE = 3.0  # seconds
_PACKAGE = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Versions:
    """`asterisk` is what Asterisk's program on this machine says, '' where there is none; `dependencies` are
    those that are installed, by name."""

    informativa: str
    python: str
    sqlite: str
    system: str
    kernel: str
    asterisk: str
    dependencies: Mapping[str, str]


def versions() -> Versions:
    """All of them. The machine's name is not among them."""
    return Versions(
        __version__,
        platform.python_version(),
        sqlite3.sqlite_version,
        _system(),
        f"{platform.system()} {platform.release()} {platform.machine()}",
        _asterisk(),
        dict(_dependencies()),
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        return ""


def _asterisk() -> str:
    program = shutil.which("asterisk")
    if program is None:
        return ""
    with suppress(OSError, subprocess.SubprocessError):
        ran = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # no shell
        return ran.stdout.strip()[:100]
    return ""


def _dependencies() -> list[tuple[str, str]]:
    found = []
    for requirement in importlib.metadata.requires("informativa") or []:
        if re.search(r"extra == .(test|lint)\b", requirement):
            continue
        name = _PACKAGE.match(requirement)
        with suppress(importlib.metadata.PackageNotFoundError):
            if name is not None:
                found.append((name[0], importlib.metadata.version(name[0])))
    return sorted(set(found))
