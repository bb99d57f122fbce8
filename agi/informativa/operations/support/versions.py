"""The versions of the program, of its dependencies, and of the machine's system."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ... import __version__
from ...system.processes import run_command

PATIENCE = 3.0  # seconds for `asterisk -V`
_PACKAGE = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Versions:
    """The versions of all that runs here."""

    informativa: str
    python: str
    sqlite: str
    system: str
    """The name of the operating system."""
    kernel: str
    asterisk: str
    """The output of `asterisk -V` on this machine; '' if there is none."""
    dependencies: Mapping[str, str]
    """The versions of the installed dependencies, by name."""


def versions() -> Versions:
    """Return the versions. The machine's name is not among them."""
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
    return run_command(("asterisk", "-V"), PATIENCE).output[:100]


def _dependencies() -> list[tuple[str, str]]:
    dependencies = []
    for requirement in importlib.metadata.requires("informativa") or []:
        if re.search(r"extra == .(test|lint)\b", requirement):
            continue
        name = _PACKAGE.match(requirement)
        with suppress(importlib.metadata.PackageNotFoundError):
            if name is not None:
                dependencies.append((name[0], importlib.metadata.version(name[0])))
    return sorted(set(dependencies))
