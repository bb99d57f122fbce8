"""The Debian package, as it is built here, and an earlier one."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from informativa import __version__
from lab.debian import Unavailable
from lab.setup import VENV
from packages import deb


@pytest.fixture(scope="session")
def wheel() -> Path:
    """informativa's own."""
    (file,) = (VENV / "dist").glob("informativa-*.whl")
    return file


@pytest.fixture(scope="session")
def package(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package, as `make deb` builds it."""
    try:
        return deb.build(tmp_path_factory.mktemp("dist"), wheel)
    except Unavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def earlier(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package of the same program that says it is 0.0.9."""
    folder = tmp_path_factory.mktemp("earlier")
    old = folder / wheel.name.replace(f"-{__version__}-", "-0.0.9-")
    with zipfile.ZipFile(wheel) as new, zipfile.ZipFile(old, "w") as out:
        for name in new.namelist():
            data = new.read(name)
            if name.endswith(("informativa/__init__.py", "/METADATA")):
                data = data.replace(__version__.encode(), b"0.0.9", 1)
            out.writestr(name.replace(f"-{__version__}.dist-info", "-0.0.9.dist-info"), data)
    try:
        return deb.build(folder, old, compression="none")
    except Unavailable as error:
        pytest.skip(str(error))
