"""Sets up `.venv` with the project's wheel and what its tests need: `python3 -m lab.setup`; or another folder
that is named.

Only the standard library, because nothing else is there yet. On a Debian whose Python came without
venv's pip (package python3-venv), pip is taken from Debian's archive without root. Versions and hashes of
everything that is downloaded are pinned in tests/requirements.txt.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from .debian import Unavailable, cache_folder, packages, running_suite

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
REQUIREMENTS = ROOT / "tests" / "requirements.txt"
_SOURCES = ("pyproject.toml", "README.md", "agi", "dialplan", "prompts")


def main(venv: Path = VENV) -> int:
    """Set up what is not set up yet, saying what is being done; the exit code."""
    try:
        if sys.version_info[:2] < OLDEST:
            raise Unavailable(
                f"This is Python {sys.version.split()[0]}, and informativa needs 3.11 or newer.",
                "Install a newer one and name it: make PYTHON=python3.12 …",
            )
        _once(venv, "python", sys.version.encode(), _make_venv)
        _once(venv, "requirements", REQUIREMENTS.read_bytes(), _install_requirements)
        _once(venv, "wheel", b"".join(_source_bytes()), _install_wheel)
    except Unavailable as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _once(venv: Path, name: str, content: bytes, work: Callable[[Path], None]) -> None:
    """Do the work unless it was done for the same content."""
    stamp, digest = venv / f".{name}", hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == digest and _python(venv).exists():
        return
    work(venv)
    stamp.write_text(digest)


def _python(venv: Path) -> Path:
    return venv / "bin" / "python"


def _make_venv(venv: Path) -> None:
    _say(f"making {venv.relative_to(ROOT)} with Python {sys.version.split()[0]}")
    shutil.rmtree(venv, ignore_errors=True)
    if importlib.util.find_spec("ensurepip"):
        _run("make a virtual environment", sys.executable, "-m", "venv", str(venv))
        return
    root = packages(
        running_suite(), ["python3-pip-whl"], cache_folder(), lambda step, _: _say(step), closure=False
    )
    wheel = next((root / "usr/share/python-wheels").glob("pip-*.whl"))
    _run("make a virtual environment", sys.executable, "-m", "venv", "--without-pip", str(venv))
    _run("install pip", str(_python(venv)), f"{wheel}/pip", "install", "--no-index", str(wheel))


def _install_requirements(venv: Path) -> None:
    """Install all packages with uv, which pip installs: pip alone takes half a minute longer. But pip may
    know where else packages are, or have a network where uv has none, and then it installs them all."""
    _say("installing the Python packages (about 60 MB the first time)")
    if not _knows_an_index(venv):
        first = venv / "uv.txt"
        first.write_text(_pins("uv"))
        _pip(venv, "-r", str(first), "--require-hashes", "--no-compile")
        with suppress(Unavailable):
            _uv(venv, "-r", str(REQUIREMENTS), "--require-hashes")
            return
    _pip(venv, "-r", str(REQUIREMENTS), "--require-hashes")


def _install_wheel(venv: Path) -> None:
    _say("building and installing informativa's wheel")
    dist = venv / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    python = str(_python(venv))
    _run("build the wheel", python, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(dist))
    (wheel,) = dist.glob("*.whl")
    _uv(venv, str(wheel), "--no-deps", "--reinstall", "--no-cache")
    (package,) = venv.glob("lib/python*/site-packages/informativa")
    _run("compile informativa", python, "-m", "compileall", "-q", "-j", "0", str(package))


def _knows_an_index(venv: Path) -> bool:
    """Return whether somebody has set for pip where packages are."""
    ran = subprocess.run(
        [_python(venv), "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    return re.search(r"^\S+\.(extra-)?index-url=", ran.stdout, re.MULTILINE) is not None


def _pins(package: str) -> str:
    """Return the lines of the requirements about one package."""
    block = re.search(rf"^{package}==(.*\\\n)*.*\n", REQUIREMENTS.read_text(), re.MULTILINE)
    assert block is not None
    return block[0]


def _uv(venv: Path, *arguments: str) -> None:
    """Install with uv, without links into its cache: others may change the owner of what is in a checkout."""
    uv = str(venv / "bin" / "uv")
    options = ("--quiet", "--python", str(_python(venv)), "--link-mode", "copy")
    _run("install Python packages", uv, "pip", "install", *options, *arguments)


def _pip(venv: Path, *arguments: str) -> None:
    flags = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run("install Python packages", str(_python(venv)), "-m", "pip", "install", *arguments, *flags)


def _run(step: str, *command: str) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    except OSError as error:
        raise Unavailable(f"Cannot {step}: {error}.", "Install Python again, with its venv.") from error
    if ran.returncode:
        output = (ran.stderr or ran.stdout).strip()
        if any(
            sign in output
            for sign in ("NewConnectionError", "Temporary failure in name resolution", "timed out")
        ):
            raise Unavailable(f"Cannot {step}: the network does not answer.", "Connect to it and try again.")
        last = output.splitlines()[-1] if output else f"exit code {ran.returncode}"
        raise Unavailable(f"Cannot {step}: {last}.", f"Type: {' '.join(command)}")


def _source_bytes() -> Iterator[bytes]:
    for name in _SOURCES:
        place = ROOT / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file).encode() + file.read_bytes()


@functools.cache  # says each thing once: downloads report the same step again and again
def _say(step: str) -> None:
    print(f"setup: {step}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(ROOT / sys.argv[1] if len(sys.argv) > 1 else VENV))
