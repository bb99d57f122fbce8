"""The Python packages that an installation of its own brings along, for several Pythons at once.

They are the versions that the tests run with: names come from what is installed beside them, versions and
hashes from tests/requirements.txt. What is the same for every Python lies once in `any`; what was compiled
for one lies in that one's site-packages, which leads to `any`.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lab.debian import Unavailable, cache_folder, disk_errors, only_one
from lab.setup import REQUIREMENTS, ROOT, VENV
from packages.release import write_sums

_LEFT_OUT = {"lint", "test", "recogniser"}  # the last is 60 MB a Python, for one option of one command
EXTRAS = frozenset(metadata.metadata("informativa").get_all("Provides-Extra", ())) - _LEFT_OUT
_MOVED = re.compile(r"[^/]+\.data/(purelib|platlib)/(.+)")
_LARGE = 65536  # bytes; smaller files are not worth a link

Requires = Callable[[str], Sequence[str] | None]


@dataclass(frozen=True)
class Architecture:
    """A kind of machine, by its name in Debian, and by the one in Python's markers and wheels."""

    debian: str
    machine: str

    @property
    def platforms(self) -> list[str]:
        """The tags of wheels that run on it, with a glibc of 2.35 or newer: that of Ubuntu 22.04."""
        return [
            *(f"manylinux_2_{minor}_{self.machine}" for minor in range(35, 4, -1)),
            f"manylinux2014_{self.machine}",
        ]


AMD64, ARM64 = Architecture("amd64", "x86_64"), Architecture("arm64", "aarch64")
ARCHITECTURES = (AMD64, ARM64)


def command(name: str, build: Callable[[Path, Path], Sequence[Path]], arguments: Sequence[str]) -> int:
    """Have packages built of the wheel that was set up, into the folder that is named or into `dist`, with
    the sums of all that is there; the exit code."""
    folder = Path(arguments[0]) if arguments else ROOT / "dist"
    (wheel,) = (VENV / "dist").glob("informativa-*.whl")
    try:
        for built in build(folder, wheel):
            print(built)
        write_sums(folder)
    except Unavailable as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    return 0


def lay(folder: Path, pythons: Sequence[str], own: Path, architecture: Architecture) -> dict[str, str]:
    """Lay informativa's wheel `own` and all that it needs into `folder`: `any` and `pythonX.Y/site-packages`,
    identical files once. Says of each wheel, by its file's name, its SHA-256. Raises Unavailable."""
    sets = {python: wheels(python, architecture) for python in pythons}
    common = set.intersection(*({wheel.name for wheel in wheels_of_one} for wheels_of_one in sets.values()))
    _unpack([own, *(wheel for wheel in sets[pythons[0]] if wheel.name in common)], folder / "any")
    for python, wheels_of_one in sets.items():
        site = folder / f"python{python}" / "site-packages"
        _unpack([wheel for wheel in wheels_of_one if wheel.name not in common], site)
        (site / "any.pth").write_text("../../any\n")
        _whole([folder / "any", site], python, architecture)
    _link_identical(folder)
    return {wheel.name: _digest(wheel) for wheels_of_one in sets.values() for wheel in wheels_of_one}


def distributions(folders: Sequence[Path]) -> list[metadata.Distribution]:
    """Return what lies in these folders, by name."""
    installed = metadata.distributions(path=[str(folder) for folder in folders])
    return sorted(installed, key=lambda one: canonicalize_name(one.name))


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


Extras = frozenset[str]


def _environment(python: str, architecture: Architecture) -> dict[str, str]:
    """The markers of a Linux with that Python; the others are those of this machine."""
    return {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": architecture.machine,
    }


def asked(
    name: str, extras: Extras, python: str, requires: Requires, architecture: Architecture = AMD64
) -> dict[str, Extras]:
    """The distributions that one with these extras asks for itself on Linux with that Python, as
    `requires` says; each with the extras that it asks of it."""
    environment = _environment(python, architecture)
    extras_by_name: dict[str, Extras] = {}
    for one in map(Requirement, requires(name) or ()):
        if one.marker is None or any(
            one.marker.evaluate({**environment, "extra": extra}) for extra in ("", *extras)
        ):
            plain = canonicalize_name(one.name)
            extras_by_name[plain] = extras_by_name.get(plain, Extras()) | one.extras
    return extras_by_name


def needed(
    name: str, extras: Extras, python: str, requires: Requires, architecture: Architecture = AMD64
) -> dict[str, Extras]:
    """All distributions that one needs with that Python, with itself, each with the extras asked of it."""
    extras_by_name = {str(canonicalize_name(name)): extras}
    waiting = [*extras_by_name]
    while waiting:
        name = waiting.pop()
        for other, more in asked(name, extras_by_name[name], python, requires, architecture).items():
            if other not in extras_by_name or more - extras_by_name[other]:
                extras_by_name[other] = more | extras_by_name.get(other, Extras())
                waiting.append(other)
    return extras_by_name


def _pins(names: set[str], environment: dict[str, str]) -> str:
    """Return what tests/requirements.txt says of those, with the hashes: of what is pinned once for some
    Pythons and once for others, the one for this `environment`, without its marker, which pip holds against
    its own Python. Raises Unavailable if one is not there."""
    pinned = {}
    for block in re.split(r"\n(?=[A-Za-z])", REQUIREMENTS.read_text(encoding="utf-8")):
        line, hashes = block.split(" \\\n", 1)
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            pin = f"{requirement.name}{requirement.specifier} \\\n{hashes}"
            pinned[str(canonicalize_name(requirement.name))] = pin
    if missing := sorted(names - set(pinned)):
        raise Unavailable(f"{', '.join(missing)} is not in {REQUIREMENTS.name}.", "Type: make requirements")
    return "\n".join(pinned[name] for name in sorted(names)) + "\n"


def wheels(python: str, architecture: Architecture = AMD64) -> list[Path]:
    """The wheels for a Python, held against their hashes when they are downloaded; kept in the cache."""
    names = set(needed("informativa", EXTRAS, python, metadata.requires, architecture)) - {"informativa"}
    pins = _pins(names, _environment(python, architecture))
    digest = hashlib.sha256(pins.encode()).hexdigest()[:16]
    place = cache_folder() / "wheels" / f"{python}-{architecture.debian}-{digest}"
    with disk_errors(place), only_one(place, lambda _what, _part: None):
        if not place.is_dir():
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                _download(python, architecture, pins, Path(work))
                (Path(work) / "wheels").rename(place)
    return sorted(place.glob("*.whl"))


def _download(python: str, architecture: Architecture, pins: str, work: Path) -> None:
    file = work / "pins.txt"
    file.write_text(pins, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"),
        *("--no-deps", "--require-hashes", "--only-binary=:all:", "--implementation=cp"),
        *(f"--platform={platform}" for platform in architecture.platforms),
        *(f"--python-version={python}", f"--dest={work / 'wheels'}", f"--requirement={file}"),
    ]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        last = (ran.stderr.strip().splitlines() or [f"exit code {ran.returncode}"])[-1]
        raise Unavailable(
            f"The packages for Python {python} on {architecture.debian} cannot be had: {last}.", "Try again."
        )


def _unpack(files: Sequence[Path], folder: Path) -> None:
    for wheel in files:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                moved = _MOVED.fullmatch(name)
                if name.endswith("/") or (".data/" in name and not moved):
                    continue  # programs and the like, which are for a folder of programs
                target = folder / (moved[2] if moved else name)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(archive.read(name))


def _whole(folders: Sequence[Path], python: str, architecture: Architecture) -> None:
    """Raises Unavailable where something is not there that what was laid asks for."""
    requirements = {str(canonicalize_name(one.name)): one.requires for one in distributions(folders)}
    needed_names = needed(
        "informativa", EXTRAS, python, lambda name: requirements.get(canonicalize_name(name)), architecture
    )
    if lacking := sorted(set(needed_names) - set(requirements)):
        raise Unavailable(f"For Python {python} there is no {', '.join(lacking)}.", "Type: make requirements")


def _link_identical(folder: Path) -> None:
    """Make one file of those that are the same for several Pythons."""
    files: dict[tuple[str, int], Path] = {}
    for file in _files(folder):
        size = file.stat().st_size
        first = files.setdefault((file.name, size), file)
        if size > _LARGE and first != file and first.read_bytes() == file.read_bytes():
            file.unlink()
            os.link(first, file)


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
