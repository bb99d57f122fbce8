"""Sets up `.venv` with the project's wheel and what its tests need: `python3 -m lab.setup`.

Only the standard library, because nothing else is there yet. On a Debian whose Python came without
venv's pip (package python3-venv), pip is taken from Debian's archive without root. Versions and hashes of
everything that is downloaded are pinned in tests/requirements.txt.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from .debian import Unavailable, cache_folder, packages, running_suite

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = ROOT / "tests" / "requirements.txt"
_SOURCES = ("pyproject.toml", "README.md", "agi", "dialplan", "prompts")


def main() -> int:
    """Set up what is not set up yet, saying what is being done; the exit code."""
    try:
        if sys.version_info[:2] < OLDEST:
            raise Unavailable(
                f"This is Python {sys.version.split()[0]}, and informativa needs 3.11 or newer.",
                "Install a newer one and name it: make PYTHON=python3.12 …",
            )
        _once("python", sys.version.encode(), _make_venv)
        _once("requirements", REQUIREMENTS.read_bytes(), _install_requirements)
        _once("wheel", b"".join(_source_bytes()), _install_wheel)
    except Unavailable as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _once(what: str, content: bytes, work: Callable[[], None]) -> None:
    """Do the work unless it was done for the same content."""
    stamp, digest = VENV / f".{what}", hashlib.sha256(content).hexdigest()
    if stamp.exists() and stamp.read_text() == digest and PYTHON.exists():
        return
    work()
    stamp.write_text(digest)


def _make_venv() -> None:
    _say(f"making .venv with Python {sys.version.split()[0]}")
    shutil.rmtree(VENV, ignore_errors=True)
    if importlib.util.find_spec("ensurepip"):
        _run("make a virtual environment", sys.executable, "-m", "venv", str(VENV))
        return
    root = packages(
        running_suite(), ["python3-pip-whl"], cache_folder(), lambda what, _: _say(what), closure=False
    )
    wheel = next((root / "usr/share/python-wheels").glob("pip-*.whl"))
    _run("make a virtual environment", sys.executable, "-m", "venv", "--without-pip", str(VENV))
    _run("install pip", str(PYTHON), f"{wheel}/pip", "install", "--no-index", str(wheel))


def _install_requirements() -> None:
    _say("installing the Python packages (about 60 MB the first time)")
    _pip("install", "--require-hashes", "-r", str(REQUIREMENTS))


def _install_wheel() -> None:
    _say("building and installing informativa's wheel")
    dist = VENV / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(dist), str(ROOT))
    _pip("install", "--no-deps", "--force-reinstall", *map(str, dist.glob("*.whl")))


def _pip(*arguments: str) -> None:
    flags = ("--quiet", "--disable-pip-version-check", "--no-input")
    _run("install Python packages", str(PYTHON), "-m", "pip", *arguments, *flags)


def _run(what: str, *command: str) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    except OSError as error:
        raise Unavailable(f"Cannot {what}: {error}.", "Install Python again, with its venv.") from error
    if ran.returncode:
        said = (ran.stderr or ran.stdout).strip()
        if any(
            sign in said
            for sign in ("NewConnectionError", "Temporary failure in name resolution", "timed out")
        ):
            raise Unavailable(f"Cannot {what}: the network does not answer.", "Connect to it and try again.")
        last = said.splitlines()[-1] if said else f"exit code {ran.returncode}"
        raise Unavailable(f"Cannot {what}: {last}.", f"Type: {' '.join(command)}")


def _source_bytes() -> Iterator[bytes]:
    for name in _SOURCES:
        place = ROOT / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and "__pycache__" not in file.parts:
                yield str(file).encode() + file.read_bytes()


@functools.cache  # says each thing once: downloads report the same step again and again
def _say(what: str) -> None:
    print(f"setup: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
