"""The Asterisk and SIPp that the lab runs: the machine's own, or Debian's, unpacked and run as a plain
user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .debian import Progress, Unavailable, cache_folder, packages

SUITES = {"testing": "22", "bullseye": "16"}
"""Debian suites that have an Asterisk, and the major version that each is expected to hold."""

_ADMIN_PATH = "/usr/local/sbin:/usr/sbin:/sbin"  # where asterisk is, and a plain user's PATH is not


@dataclass(frozen=True)
class Build:
    """An Asterisk and a SIPp that run on this machine."""

    name: str
    """The origin: "installed", or the Debian suite."""
    version: str
    """The version by the asterisk binary itself, such as "22.10.1"."""
    asterisk: tuple[str, ...]
    """The command that runs Asterisk, without arguments."""
    sipp: tuple[str, ...]
    """The command that runs SIPp, without arguments."""
    sipp_version: str
    modules: Path
    data: Path
    """The folder of its documentation and other files that never change (astdatadir)."""

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.split(".")[0])


def installed() -> Build | None:
    """The machine's own, if it has both asterisk and sipp."""
    asterisk, sipp = _which("asterisk"), _which("sipp")
    return _own(asterisk, (sipp,)) if asterisk and sipp else None


def obtain(suite: str, progress: Progress) -> Build:
    """Debian's Asterisk of ``suite``, downloaded the first time (about 100 MB), or ``Unavailable``."""
    root = packages(suite, ["asterisk", "sip-tester"], cache_folder(), progress)
    prefix = loader(root)
    asterisk, sipp = (*prefix, f"{root}/usr/sbin/asterisk"), (*prefix, f"{root}/usr/bin/sipp")
    modules = _modules(root / "usr")
    return Build(
        suite,
        _version(asterisk, "-V"),
        asterisk,
        sipp,
        _version(sipp, "-v"),
        modules,
        root / "usr/share/asterisk",
    )


def for_demo(progress: Progress) -> Build:
    """Return what needs the least: the machine's own, else what is missing of it, else all of Debian
    testing."""
    asterisk = _which("asterisk")
    if not asterisk:
        return obtain("testing", progress)
    sipp = _which("sipp")
    if sipp:
        return _own(asterisk, (sipp,))
    root = packages("testing", ["sip-tester"], cache_folder(), progress)
    return _own(asterisk, (*loader(root), f"{root}/usr/bin/sipp"))


def _own(asterisk: str, sipp: tuple[str, ...]) -> Build:
    # Resolved, because /usr/sbin/asterisk tells which of several prefixes its modules are under.
    prefix = Path(asterisk).resolve().parent.parent
    data = next(
        (d for d in (prefix / "share/asterisk", Path("/var/lib/asterisk")) if (d / "documentation").is_dir()),
        Path("/usr/share/asterisk"),
    )
    version = _version((asterisk,), "-V")
    return Build("installed", version, (asterisk,), sipp, _version(sipp, "-v"), _modules(prefix), data)


def _which(tool: str) -> str | None:
    return shutil.which(tool, path=f"{os.environ.get('PATH', os.defpath)}:{_ADMIN_PATH}")


def loader(root: Path) -> tuple[str, ...]:
    """The unpacked system's own dynamic loader: its libraries may be newer or older than the machine's."""
    machine = os.uname().machine.replace("_", "-")
    name = f"ld-linux-{machine}.so.*"
    for pattern in (f"usr/lib/*/{name}", "lib/*/ld-[0-9]*.so", f"lib/*/{name}"):
        for loader in sorted(root.glob(pattern)):
            triplet = loader.parent.name
            folders = [root / "lib" / triplet, root / "usr/lib" / triplet, root / "usr/lib"]
            return str(loader), "--library-path", ":".join(str(f) for f in folders if f.is_dir())
    raise Unavailable(
        f"The packages in {root} hold no program loader for this {machine} machine.",
        f"Delete {root.parent} and run this again, or install asterisk and sip-tester.",
    )


def _modules(prefix: Path) -> Path:
    for pattern in ("lib*/asterisk/modules/res_agi.so", "lib*/*/asterisk/modules/res_agi.so"):
        for path in sorted(prefix.glob(pattern)):
            return path.parent
    raise Unavailable(
        f"Asterisk's modules are not under {prefix}.",
        "Install Asterisk with its modules (res_agi among them).",
    )


def _version(command: tuple[str, ...], option: str) -> str:
    """The version that a program gives; ``sipp -v`` exits with 99 (3.6 and 3.8), so that is not looked at."""
    try:
        ran = subprocess.run([*command, option], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"{command[-1]} does not run: {error}.", "Reinstall it.") from error
    if match := re.search(r"\bv?(\d+\.\d+(?:\.\d+)*)", ran.stdout + ran.stderr):
        return match[1]
    raise Unavailable(
        f"{command[-1]} does not run: {(ran.stderr or ran.stdout).strip() or ran.returncode}.",
        "Reinstall it.",
    )
